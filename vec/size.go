package vec

import "github.com/millrace-io/millrace/types"

// Bytesize is about how much memory a batch holds, columns that it shares with
// others included.
func Bytesize(b *Batch) int64 {
	n := int64(len(b.Sel)*4 + len(b.Kinds) + len(b.Marks)*16)
	for _, c := range b.Cols {
		n += size(c)
	}
	return n
}

func size(v Vector) int64 {
	switch v := v.(type) {
	case *Fixed[bool]:
		return int64(cap(v.Vals))
	case *Fixed[int8]:
		return int64(cap(v.Vals))
	case *Fixed[int16]:
		return int64(cap(v.Vals)) * 2
	case *Fixed[int32]:
		return int64(cap(v.Vals)) * 4
	case *Fixed[int64]:
		return int64(cap(v.Vals)) * 8
	case *Fixed[float32]:
		return int64(cap(v.Vals)) * 4
	case *Fixed[float64]:
		return int64(cap(v.Vals)) * 8
	case *Fixed[types.Int128]:
		return int64(cap(v.Vals)) * 16
	case *Bytes:
		return int64(cap(v.Offs))*4 + int64(cap(v.Data))
	case *List:
		return int64(cap(v.Offs))*4 + size(v.Elem)
	case *Map:
		return int64(cap(v.Offs))*4 + size(v.Key) + size(v.Elem)
	case *Row:
		n := int64(0)
		for _, f := range v.Fields {
			n += size(f)
		}
		return n
	case *Const:
		return size(v.Val)
	case *Dict:
		return int64(cap(v.Codes))*4 + size(v.Words)
	}
	return 0
}

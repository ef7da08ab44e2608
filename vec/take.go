package vec

import "github.com/millrace-io/millrace/types"

// Take returns the rows of v at the given positions, copied and flat. A Dict
// keeps its dictionary and a Const stays a Const.
func Take(v Vector, rows []int32) Vector {
	switch v := v.(type) {
	case *Fixed[bool]:
		return takeFixed(v, rows)
	case *Fixed[int8]:
		return takeFixed(v, rows)
	case *Fixed[int16]:
		return takeFixed(v, rows)
	case *Fixed[int32]:
		return takeFixed(v, rows)
	case *Fixed[int64]:
		return takeFixed(v, rows)
	case *Fixed[float32]:
		return takeFixed(v, rows)
	case *Fixed[float64]:
		return takeFixed(v, rows)
	case *Fixed[types.Int128]:
		return takeFixed(v, rows)
	case *Bytes:
		return takeBytes(v, rows)
	case *List:
		offs, elems := takeRanges(v.Offs, rows)
		return &List{Offs: offs, Elem: Take(v.Elem, elems), Valid: takeValid(v.Valid, rows)}
	case *Map:
		offs, elems := takeRanges(v.Offs, rows)
		return &Map{Offs: offs, Key: Take(v.Key, elems), Elem: Take(v.Elem, elems), Valid: takeValid(v.Valid, rows)}
	case *Row:
		out := &Row{Fields: make([]Vector, len(v.Fields)), N: len(rows), Valid: takeValid(v.Valid, rows)}
		for i, f := range v.Fields {
			out.Fields[i] = Take(f, rows)
		}
		return out
	case *Const:
		return &Const{Val: v.Val, N: len(rows)}
	case *Dict:
		codes := make([]uint32, len(rows))
		for i, r := range rows {
			codes[i] = v.Codes[r]
		}
		return &Dict{Codes: codes, Words: v.Words}
	}
	panic("vec: unknown vector")
}

func takeValid(b Bitmap, rows []int32) Bitmap {
	if b == nil {
		return nil
	}
	out := NewBitmap(len(rows))
	for i, r := range rows {
		if b.Null(int(r)) {
			out.SetNull(i)
		}
	}
	return out
}

func takeFixed[T Scalar](v *Fixed[T], rows []int32) *Fixed[T] {
	out := make([]T, len(rows))
	vals := v.Vals
	for i, r := range rows {
		out[i] = vals[r]
	}
	return &Fixed[T]{Vals: out, Valid: takeValid(v.Valid, rows)}
}

func takeBytes(v *Bytes, rows []int32) *Bytes {
	offs := make([]uint32, len(rows)+1)
	n := uint32(0)
	for i, r := range rows {
		n += v.Offs[r+1] - v.Offs[r]
		offs[i+1] = n
	}
	data := make([]byte, n)
	for i, r := range rows {
		copy(data[offs[i]:], v.Data[v.Offs[r]:v.Offs[r+1]])
	}
	return &Bytes{Offs: offs, Data: data, Valid: takeValid(v.Valid, rows)}
}

func takeRanges(offs []uint32, rows []int32) (to []uint32, elems []int32) {
	to = make([]uint32, len(rows)+1)
	for i, r := range rows {
		for e := offs[r]; e < offs[r+1]; e++ {
			elems = append(elems, int32(e))
		}
		to[i+1] = uint32(len(elems))
	}
	return to, elems
}

// Flat returns v without Const or Dict.
func Flat(v Vector) Vector {
	switch v := v.(type) {
	case *Const:
		return Take(v.Val, make([]int32, v.N))
	case *Dict:
		rows := make([]int32, len(v.Codes))
		for i, c := range v.Codes {
			rows[i] = int32(c)
		}
		return Take(v.Words, rows)
	}
	return v
}

// Compact returns a batch of only the rows that count, without Sel; b itself if
// it has no Sel.
func Compact(b *Batch) *Batch {
	if b.Sel == nil {
		return b
	}
	out := &Batch{Rows: len(b.Sel), Cols: make([]Vector, len(b.Cols))}
	for i, c := range b.Cols {
		out.Cols[i] = Take(c, b.Sel)
	}
	if b.Kinds != nil {
		out.Kinds = make([]RowKind, len(b.Sel))
		for i, r := range b.Sel {
			out.Kinds[i] = b.Kinds[r]
		}
	}
	out.Marks = MoveMarks(b.Marks, b.Sel)
	return out
}

// MoveMarks returns the marks for a batch that holds only the rows at the given
// positions, ascending.
func MoveMarks(marks []Mark, rows []int32) []Mark {
	if len(marks) == 0 {
		return nil
	}
	out := make([]Mark, 0, len(marks))
	i := 0
	for _, m := range marks {
		for i < len(rows) && rows[i] < m.Row {
			i++
		}
		if n := len(out); n > 0 && out[n-1].Row == int32(i) {
			out[n-1].Time = m.Time
			continue
		}
		out = append(out, Mark{Row: int32(i), Time: m.Time})
	}
	return out
}

// Slice returns the rows [from, to) of a batch without Sel; columns are shared.
func Slice(v Vector, from, to int) Vector {
	rows := make([]int32, to-from)
	for i := range rows {
		rows[i] = int32(from + i)
	}
	return Take(v, rows)
}

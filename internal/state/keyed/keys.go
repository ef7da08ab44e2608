package keyed

import (
	"unsafe"

	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A keyForm is how a key lies in an entry; the package comment lists them.
type keyForm uint8

const (
	formWord    keyForm = iota // one column, one word
	formWords                  // several words and the null bits
	formString                 // one column of strings or bytes
	formEncoded                // keyenc form
)

// formOf returns the form of keys of the given types and their words in an entry
// (without the hash).
func formOf(ts []types.Type) (form keyForm, words int) {
	for _, t := range ts {
		switch t.Phys() {
		case types.PhysInt128:
			words += 2
		case types.PhysBytes:
			if len(ts) == 1 {
				return formString, 1
			}
			return formEncoded, 1
		case types.PhysList, types.PhysMap, types.PhysRow:
			return formEncoded, 1
		default:
			words++
		}
	}
	if len(ts) == 1 && words == 1 {
		return formWord, 1
	}
	if len(ts) > 64 {
		return formEncoded, 1
	}
	return formWords, words + 1
}

// Keys are the keys of some rows of a batch, hashed.
type Keys struct {
	Cols []vec.Vector // flat
	Rows []int32      // positions; nil means all of N
	N    int          // rows in each column
	Hash []uint64     // by ordinal: of the i'th row that counts

	form   keyForm
	words  []uint64   // formWord, formWords: by ordinal
	own    []uint64   // the memory for words
	col    *vec.Bytes // formString
	differ bool       // no key occurs twice
	buf    []byte     // formEncoded: the key of ordinal i is buf[offs[i]:offs[i+1]]
	offs   []uint32
	nulls  []int32 // ordinals of NULL keys of one column, ascending; not formEncoded
	flat   []vec.Vector
	hasher keyenc.Hasher
}

// Len returns the number of keys.
func (k *Keys) Len() int {
	if k.Rows != nil {
		return len(k.Rows)
	}
	return k.N
}

// row returns the position of the i'th key.
func (k *Keys) row(i int) int {
	if k.Rows != nil {
		return int(k.Rows[i])
	}
	return i
}

// bytes returns the i'th key of formString or formEncoded.
func (k *Keys) bytes(i int) []byte {
	if k.form == formString {
		return k.col.At(k.row(i))
	}
	return k.buf[k.offs[i]:k.offs[i+1]]
}

// Prepare hashes the keys of the rows of a batch, whose key columns have the
// types of shape. The result is valid until the next Prepare on the same Keys.
// The columns may be of any kind; those that are not flat are copied.
func (k *Keys) Prepare(shape []types.Type, cols []vec.Vector, rows []int32, n int) {
	k.Rows, k.N, k.differ = rows, n, false
	n = k.Len()
	k.Hash = grow(k.Hash, n)
	k.hasher.Hash(cols, shape, rows, k.N, k.Hash)
	k.flat = k.flat[:0]
	for _, c := range cols {
		k.flat = append(k.flat, vec.Flat(c))
	}
	k.Cols, k.nulls = k.flat, k.nulls[:0]
	var width int
	k.form, width = formOf(shape)
	switch k.form {
	case formWord:
		k.findNulls()
		if v, ok := k.Cols[0].(*vec.Fixed[int64]); ok && rows == nil && n > 0 {
			k.words = unsafe.Slice((*uint64)(unsafe.Pointer(&v.Vals[0])), n)
			return
		}
		k.own = grow(k.own, n)
		k.words = k.own
		fillWords(k.Cols[0], rows, k.words, 1)
	case formWords:
		k.own = grow(k.own, n*width)
		k.words = k.own
		k.fillSeveral(width)
	case formString:
		k.findNulls()
		k.col = k.Cols[0].(*vec.Bytes)
	case formEncoded:
		k.offs = append(k.offs[:0], 0)
		k.buf = k.buf[:0]
		for i := range n {
			k.buf = keyenc.AppendKey(k.buf, shape, k.Cols, k.row(i))
			k.offs = append(k.offs, uint32(len(k.buf)))
		}
	}
}

// Of is Prepare with the keys of slots of a table, which all differ. They are not made
// into columns on the way.
func (k *Keys) Of(t *Table, slots []Slot) {
	n := len(slots)
	if t.form != formWord && t.form != formWords {
		k.Prepare(t.shape.Key, t.Keys(slots), nil, n)
		k.differ = true
		return
	}
	k.form, k.differ, k.Rows, k.N, k.Cols, k.nulls = t.form, true, nil, n, nil, k.nulls[:0]
	k.Hash, k.own = grow(k.Hash, n), grow(k.own, n*t.keyLen)
	k.words = k.own
	slab, shift, mask, stride, at := t.slab, t.shift&63, t.mask, t.stride, t.keyAt
	if t.form == formWords {
		for i, s := range slots {
			e := slab[uint(s)>>shift][(int(s)&mask)*stride:][:stride]
			copy(k.words[i*t.keyLen:(i+1)*t.keyLen], e[at:])
			k.Hash[i] = e[t.hashAt]
		}
		return
	}
	typ := t.shape.Key[0]
	for i, s := range slots {
		w := slab[uint(s)>>shift][(int(s)&mask)*stride+at]
		k.words[i], k.Hash[i] = w, keyenc.HashWord(typ, w)
		if s == t.null {
			k.Hash[i], k.nulls = keyenc.HashNull(), append(k.nulls, int32(i))
		}
	}
}

// grow returns a slice of n words, of s if it has room.
func grow(s []uint64, n int) []uint64 {
	if cap(s) < n {
		return make([]uint64, n, max(n, vec.BatchRowsMax))
	}
	return s[:n]
}

func (k *Keys) findNulls() {
	valid := vec.Validity(k.Cols[0])
	if valid == nil {
		return
	}
	for i := range k.Len() {
		if valid.Null(k.row(i)) {
			k.nulls = append(k.nulls, int32(i))
		}
	}
}

// fillSeveral fills the words of formWords: those of the columns, 0 where NULL,
// then the null bits.
func (k *Keys) fillSeveral(width int) {
	n := k.Len()
	at := 0
	for i := range n {
		k.words[i*width+width-1] = 0
	}
	for c, v := range k.Cols {
		w := 1
		if wide, ok := v.(*vec.Fixed[types.Int128]); ok {
			w = 2
			for i := range n {
				x := wide.Vals[k.row(i)]
				k.words[i*width+at], k.words[i*width+at+1] = x.Lo, uint64(x.Hi)
			}
		} else if n > 0 {
			fillWords(v, k.Rows, k.words[at:], width)
		}
		if valid := vec.Validity(v); valid != nil {
			for i := range n {
				if !valid.Null(k.row(i)) {
					continue
				}
				key := k.words[i*width : i*width+width]
				key[at], key[at+w-1] = 0, 0
				key[width-1] |= 1 << c
			}
		}
		at += w
	}
}

// fillWords sets out[i*stride] to the canonical word of the i'th row that counts.
func fillWords(v vec.Vector, rows []int32, out []uint64, stride int) {
	switch v := v.(type) {
	case *vec.Fixed[int64]:
		fillInts(v.Vals, rows, out, stride)
	case *vec.Fixed[int32]:
		fillInts(v.Vals, rows, out, stride)
	case *vec.Fixed[int16]:
		fillInts(v.Vals, rows, out, stride)
	case *vec.Fixed[int8]:
		fillInts(v.Vals, rows, out, stride)
	case *vec.Fixed[bool]:
		fillFunc(v.Vals, rows, out, stride, func(x bool) uint64 {
			if x {
				return 1
			}
			return 0
		})
	case *vec.Fixed[float32]:
		fillFunc(v.Vals, rows, out, stride, func(x float32) uint64 { return keyenc.FloatWord(float64(x)) })
	case *vec.Fixed[float64]:
		fillFunc(v.Vals, rows, out, stride, keyenc.FloatWord)
	default:
		panic("keyed: not a key of one word")
	}
}

func fillInts[T int8 | int16 | int32 | int64](vals []T, rows []int32, out []uint64, stride int) {
	if rows == nil {
		for i, x := range vals {
			if i*stride >= len(out) {
				return
			}
			out[i*stride] = uint64(int64(x))
		}
		return
	}
	for i, r := range rows {
		out[i*stride] = uint64(int64(vals[r]))
	}
}

func fillFunc[T any](vals []T, rows []int32, out []uint64, stride int, word func(T) uint64) {
	if rows == nil {
		for i, x := range vals {
			if i*stride >= len(out) {
				return
			}
			out[i*stride] = word(x)
		}
		return
	}
	for i, r := range rows {
		out[i*stride] = word(vals[r])
	}
}

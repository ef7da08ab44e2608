package keyenc

import (
	"math/bits"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
	"github.com/zeebo/xxh3"
)

// HashVersion names the function that Hash computes. It is part of a
// checkpoint: keys keep their groups only while it is the same.
const HashVersion = 1

// The constants of HashVersion 1: odd, with half of their bits set.
const (
	hashSeed = 0x9E6C63D0876A9A47 // what a key starts from
	hashMul  = 0xD6E8FEB86659FD93 // combines a column into the key
	hashDec  = 0xA0761D6478BD642F // decimals that are no integers
	hashWide = 0xE7037ED1A0B428DB // high halves of 128-bit values
	hashNull = 0x8EBC6AF09C88C6E3 // stands for NULL
	hashNest = 0x589965CC75374CC3 // joins the parts of nested values
)

// mix multiplies and folds: wyhash's "mum" (Wang Yi, wyhash final version 4).
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Group returns the key group of a hash: its high half modulo the groups.
func Group(hash uint64, groups int) base.KeyGroup {
	return base.KeyGroup(uint32(hash>>32) % uint32(groups))
}

// HashWord returns the hash of a key of one column that is not NULL, from its
// canonical word: the int64 of integers, BOOLEAN (0, 1), dates, times, timestamps
// and intervals of one word; FloatWord of FLOAT and DOUBLE; the unscaled value of
// DECIMAL.
func HashWord(t types.Type, w uint64) uint64 {
	if t.Kind == types.Decimal {
		w = decimalWord(int64(w), t.Scale)
	}
	return mix(hashSeed^w, hashMul)
}

// HashBytes returns the hash of a key of one column of strings or bytes.
func HashBytes(b []byte) uint64 { return mix(hashSeed^xxh3.Hash(b), hashMul) }

// HashNull returns the hash of a key of one column that is NULL.
func HashNull() uint64 {
	null := uint64(hashNull)
	return mix(hashSeed^null, hashMul)
}

// A Hasher computes hashes of keys. It keeps scratch memory; the zero Hasher is
// ready to use.
type Hasher struct{ words []uint64 }

// Hash sets out[i] to the hash of the columns at the i'th row that counts: at
// rows[i], or at i if rows is nil and all n rows count. Columns may be of any
// kind; a Dict is hashed once a word.
func Hash(cols []vec.Vector, ts []types.Type, rows []int32, n int, out []uint64) {
	var h Hasher
	h.Hash(cols, ts, rows, n, out)
}

// Hash is the function Hash with the scratch of h.
func (h *Hasher) Hash(cols []vec.Vector, ts []types.Type, rows []int32, n int, out []uint64) {
	if rows != nil {
		n = len(rows)
	}
	out = out[:n]
	for i := range out {
		out[i] = hashSeed
	}
	for i, c := range cols {
		h.column(c, ts[i], rows, out)
	}
}

func (h *Hasher) column(v vec.Vector, t types.Type, rows []int32, out []uint64) {
	switch v := v.(type) {
	case *vec.Const:
		w := valueWord(v.Val, t, 0)
		for i := range out {
			out[i] = mix(out[i]^w, hashMul)
		}
	case *vec.Dict:
		h.dict(v, t, rows, out)
	case *vec.Fixed[int64]:
		if t.Kind == types.Decimal && t.Scale > 0 {
			hashFunc(v.Vals, v.Valid, rows, out, func(x int64) uint64 { return decimalWord(x, t.Scale) })
			return
		}
		hashInts(v.Vals, v.Valid, rows, out)
	case *vec.Fixed[int32]:
		hashInts(v.Vals, v.Valid, rows, out)
	case *vec.Fixed[int16]:
		hashInts(v.Vals, v.Valid, rows, out)
	case *vec.Fixed[int8]:
		hashInts(v.Vals, v.Valid, rows, out)
	case *vec.Fixed[bool]:
		hashFunc(v.Vals, v.Valid, rows, out, boolWord)
	case *vec.Fixed[float64]:
		hashFunc(v.Vals, v.Valid, rows, out, FloatWord)
	case *vec.Fixed[float32]:
		hashFunc(v.Vals, v.Valid, rows, out, func(x float32) uint64 { return FloatWord(float64(x)) })
	case *vec.Fixed[types.Int128]:
		hashFunc(v.Vals, v.Valid, rows, out, func(x types.Int128) uint64 { return wideWord(x, t) })
	case *vec.Bytes:
		hashBytes(v, rows, out)
	default:
		for i := range out {
			out[i] = mix(out[i]^valueWord(v, t, rowAt(rows, i)), hashMul)
		}
	}
}

func rowAt(rows []int32, i int) int {
	if rows != nil {
		return int(rows[i])
	}
	return i
}

// dict hashes each word once, unless there are more words than rows.
func (h *Hasher) dict(v *vec.Dict, t types.Type, rows []int32, out []uint64) {
	n := v.Words.Len()
	if n > len(out) {
		for i := range out {
			out[i] = mix(out[i]^valueWord(v.Words, t, int(v.Codes[rowAt(rows, i)])), hashMul)
		}
		return
	}
	if cap(h.words) < n {
		h.words = make([]uint64, n)
	}
	words := h.words[:n]
	for i := range words {
		words[i] = valueWord(v.Words, t, i)
	}
	if rows == nil {
		for i := range out {
			out[i] = mix(out[i]^words[v.Codes[i]], hashMul)
		}
		return
	}
	for i, r := range rows {
		out[i] = mix(out[i]^words[v.Codes[r]], hashMul)
	}
}

func hashInts[T int8 | int16 | int32 | int64](vals []T, valid vec.Bitmap, rows []int32, out []uint64) {
	switch {
	case valid == nil && rows == nil:
		vals = vals[:len(out)]
		for i, x := range vals {
			out[i] = mix(out[i]^uint64(int64(x)), hashMul)
		}
	case valid == nil:
		for i, r := range rows {
			out[i] = mix(out[i]^uint64(int64(vals[r])), hashMul)
		}
	default:
		for i := range out {
			r := rowAt(rows, i)
			w := uint64(int64(vals[r]))
			if valid.Null(r) {
				w = hashNull
			}
			out[i] = mix(out[i]^w, hashMul)
		}
	}
}

func hashFunc[T vec.Scalar](vals []T, valid vec.Bitmap, rows []int32, out []uint64, word func(T) uint64) {
	for i := range out {
		r := rowAt(rows, i)
		w := uint64(hashNull)
		if !valid.Null(r) {
			w = word(vals[r])
		}
		out[i] = mix(out[i]^w, hashMul)
	}
}

func hashBytes(v *vec.Bytes, rows []int32, out []uint64) {
	if v.Valid == nil && rows == nil {
		from := v.Offs[0]
		for i, to := range v.Offs[1 : len(out)+1] {
			out[i] = mix(out[i]^xxh3.Hash(v.Data[from:to]), hashMul)
			from = to
		}
		return
	}
	for i := range out {
		r := rowAt(rows, i)
		w := uint64(hashNull)
		if !v.Valid.Null(r) {
			w = xxh3.Hash(v.At(r))
		}
		out[i] = mix(out[i]^w, hashMul)
	}
}

func boolWord(x bool) uint64 {
	if x {
		return 1
	}
	return 0
}

// decimalWord is the word of m / 10^scale: the integer if it is one.
func decimalWord(m int64, scale int) uint64 {
	for scale > 0 && m%10 == 0 {
		m /= 10
		scale--
		if m == 0 {
			return 0
		}
	}
	if scale == 0 {
		return uint64(m)
	}
	return mix(uint64(m)^hashDec, hashMul+2*uint64(scale))
}

// wideWord is the word of a decimal or a timestamp of 128 bits, which is that of
// the narrow form where the value has one.
func wideWord(x types.Int128, t types.Type) uint64 {
	scale := t.Scale
	neg := x.Hi < 0
	if neg {
		x = neg128(x)
	}
	hi, lo := uint64(x.Hi), x.Lo
	if t.Kind == types.Decimal {
		for scale > 0 {
			qh, ql, rem := div128(hi, lo, 10)
			if rem != 0 || hi|lo == 0 {
				break
			}
			hi, lo = qh, ql
			scale--
		}
		if hi|lo == 0 {
			return 0
		}
	} else if qh, ql, rem := div128(hi, lo, 1000); rem == 0 {
		hi, lo, scale = qh, ql, 0 // microseconds
	} else {
		scale = 3
	}
	x = types.Int128{Lo: lo, Hi: int64(hi)}
	if neg {
		x = neg128(x)
	}
	if x.Hi == int64(x.Lo)>>63 {
		if scale == 0 {
			return x.Lo
		}
		return mix(x.Lo^hashDec, hashMul+2*uint64(scale))
	}
	return mix(mix(x.Lo^hashDec, hashMul+2*uint64(scale))^uint64(x.Hi), hashWide)
}

func neg128(a types.Int128) types.Int128 {
	lo, borrow := bits.Sub64(0, a.Lo, 0)
	hi, _ := bits.Sub64(0, uint64(a.Hi), borrow)
	return types.Int128{Lo: lo, Hi: int64(hi)}
}

// valueWord is the word of one value of any type.
func valueWord(v vec.Vector, t types.Type, row int) uint64 {
	v, row = deref(v, row)
	if v.Null(row) {
		return hashNull
	}
	switch v := v.(type) {
	case *vec.Fixed[int64]:
		if t.Kind == types.Decimal {
			return decimalWord(v.Vals[row], t.Scale)
		}
		return uint64(v.Vals[row])
	case *vec.Fixed[int32]:
		return uint64(int64(v.Vals[row]))
	case *vec.Fixed[int16]:
		return uint64(int64(v.Vals[row]))
	case *vec.Fixed[int8]:
		return uint64(int64(v.Vals[row]))
	case *vec.Fixed[bool]:
		return boolWord(v.Vals[row])
	case *vec.Fixed[float64]:
		return FloatWord(v.Vals[row])
	case *vec.Fixed[float32]:
		return FloatWord(float64(v.Vals[row]))
	case *vec.Fixed[types.Int128]:
		return wideWord(v.Vals[row], t)
	case *vec.Bytes:
		return xxh3.Hash(v.At(row))
	case *vec.List:
		h := mix(hashNest, uint64(v.Offs[row+1]-v.Offs[row])+1)
		for e := v.Offs[row]; e < v.Offs[row+1]; e++ {
			h = mix(h^valueWord(v.Elem, *t.Elem, int(e)), hashNest)
		}
		return h
	case *vec.Map:
		// A map has no order: the words of its entries are added.
		key, val := mapTypes(t)
		h := uint64(v.Offs[row+1] - v.Offs[row])
		for e := v.Offs[row]; e < v.Offs[row+1]; e++ {
			k := mix(valueWord(v.Key, key, int(e))^hashNest, hashMul)
			h += mix(k^valueWord(v.Elem, val, int(e)), hashNest)
		}
		return mix(h, hashNest)
	case *vec.Row:
		h := uint64(hashNest)
		for i, f := range v.Fields {
			h = mix(h^valueWord(f, t.Fields[i].Type, row), hashNest)
		}
		return h
	}
	panic("keyenc: unknown vector")
}

// mapTypes returns the key and value types of a MAP or a MULTISET.
func mapTypes(t types.Type) (key, val types.Type) {
	if t.Kind == types.Multiset {
		return *t.Elem, types.TInt
	}
	return *t.Key, *t.Elem
}

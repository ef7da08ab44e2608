package exec

import (
	"encoding/binary"
	"math"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// An ordering compares rows by sort keys. For each key a row has a word: numbers,
// and the first bytes of strings, in a form whose order as an unsigned number is
// that of the key, its direction and the place of NULLs included:
//
//	integers, times, booleans, doubles   the value, exactly
//	strings, 128 bits                    their first 8 bytes
//	NULL                                 0 or all ones
//
// So rows are mostly compared by words. Only when the words of a key are equal
// and loose says that this does not decide are the values looked at.
type ordering struct {
	keys []jobgraph.SortKey
	rank []keyRank
}

// keyRank is what the words of a key can tell.
type keyRank uint8

const (
	wordExact  keyRank = iota // equal words are equal values
	wordEdge                  // … but for the least and greatest word
	wordPrefix                // equal words say nothing
)

const (
	wordFirst = uint64(0)
	wordLast  = ^uint64(0)
)

func newOrdering(keys []jobgraph.SortKey, ts []types.Type) *ordering {
	o := &ordering{keys: keys, rank: make([]keyRank, len(keys))}
	for i, k := range keys {
		switch ts[k.Col].Phys() {
		case types.PhysInt64:
			o.rank[i] = wordEdge
		case types.PhysBytes, types.PhysInt128, types.PhysList, types.PhysMap, types.PhysRow:
			o.rank[i] = wordPrefix
		}
	}
	return o
}

// loose reports whether rows whose words of key k are both w may differ in it.
func (o *ordering) loose(k int, w uint64) bool {
	switch o.rank[k] {
	case wordExact:
		return false
	case wordEdge:
		return w == wordFirst || w == wordLast
	}
	return true
}

// value compares two values of key k.
func (o *ordering) value(k int, a vec.Vector, i int, b vec.Vector, j int) int {
	key := o.keys[k]
	an, bn := a.Null(i), b.Null(j)
	switch {
	case an && bn:
		return 0
	case an != bn:
		if an == key.NullsLast {
			return 1
		}
		return -1
	}
	c := vec.Compare(a, i, b, j)
	if key.Desc {
		return -c
	}
	return c
}

// words sets out[k][i] to the word of key k of the row at rows[i], or of row i if
// rows is nil and all n count.
func (o *ordering) words(cols []vec.Vector, rows []int32, n int, out [][]uint64) [][]uint64 {
	if rows != nil {
		n = len(rows)
	}
	if out == nil {
		out = make([][]uint64, len(o.keys))
	}
	for k, key := range o.keys {
		out[k] = grow(out[k], n)
		o.column(k, vec.Flat(cols[key.Col]), rows, out[k])
	}
	return out
}

func (o *ordering) column(k int, v vec.Vector, rows []int32, out []uint64) {
	key := o.keys[k]
	flip := uint64(0)
	if key.Desc {
		flip = ^uint64(0)
	}
	switch v := v.(type) {
	case *vec.Fixed[int64]:
		orderInts(v.Vals, rows, flip, out)
	case *vec.Fixed[int32]:
		orderInts(v.Vals, rows, flip, out)
	case *vec.Fixed[int16]:
		orderInts(v.Vals, rows, flip, out)
	case *vec.Fixed[int8]:
		orderInts(v.Vals, rows, flip, out)
	case *vec.Fixed[bool]:
		orderFunc(v.Vals, rows, flip, out, func(x bool) uint64 {
			if x {
				return 2
			}
			return 1
		})
	case *vec.Fixed[float64]:
		orderFunc(v.Vals, rows, flip, out, floatOrder)
	case *vec.Fixed[float32]:
		orderFunc(v.Vals, rows, flip, out, func(x float32) uint64 { return floatOrder(float64(x)) })
	case *vec.Fixed[types.Int128]:
		orderFunc(v.Vals, rows, flip, out, func(x types.Int128) uint64 { return uint64(x.Hi) ^ 1<<63 })
	case *vec.Bytes:
		for i := range out {
			out[i] = prefixWord(v.At(rowOf(rows, i))) ^ flip
		}
	default:
		for i := range out {
			out[i] = 1 << 63
		}
	}
	valid := vec.Validity(v)
	if valid == nil {
		return
	}
	null := wordFirst
	if key.NullsLast {
		null = wordLast
	}
	for i := range out {
		if valid.Null(rowOf(rows, i)) {
			out[i] = null
		}
	}
}

func rowOf(rows []int32, i int) int {
	if rows == nil {
		return i
	}
	return int(rows[i])
}

// floatOrder maps doubles to words in their order, NaN last.
func floatOrder(f float64) uint64 {
	w := keyenc.FloatWord(f)
	if w>>63 != 0 {
		return ^w
	}
	return w | 1<<63
}

// prefixWord is the first 8 bytes of a string as a number.
func prefixWord(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var p [8]byte
	copy(p[:], b)
	return binary.BigEndian.Uint64(p[:])
}

func orderInts[T int8 | int16 | int32 | int64](vals []T, rows []int32, flip uint64, out []uint64) {
	flip ^= 1 << 63
	if rows == nil {
		for i := range out {
			out[i] = uint64(int64(vals[i])) ^ flip
		}
		return
	}
	for i, r := range rows {
		out[i] = uint64(int64(vals[r])) ^ flip
	}
}

func orderFunc[T any](vals []T, rows []int32, flip uint64, out []uint64, word func(T) uint64) {
	for i := range out {
		out[i] = word(vals[rowOf(rows, i)]) ^ flip
	}
}

// A place is a row among several batches: batch << 32 | row.
type place uint64

func placeOf(batch, row int) place { return place(batch)<<32 | place(uint32(row)) }
func (p place) batch() int         { return int(p >> 32) }
func (p place) row() int           { return int(uint32(p)) }

// collect returns the rows at places in flat columns of several batches, as one
// column. The columns have one type.
func collect(batches []*vec.Batch, col int, t types.Type, at []place) vec.Vector {
	switch t.Phys() {
	case types.PhysBool:
		return collectFixed[bool](batches, col, at)
	case types.PhysInt8:
		return collectFixed[int8](batches, col, at)
	case types.PhysInt16:
		return collectFixed[int16](batches, col, at)
	case types.PhysInt32:
		return collectFixed[int32](batches, col, at)
	case types.PhysInt64:
		return collectFixed[int64](batches, col, at)
	case types.PhysFloat32:
		return collectFixed[float32](batches, col, at)
	case types.PhysFloat64:
		return collectFixed[float64](batches, col, at)
	case types.PhysInt128:
		return collectFixed[types.Int128](batches, col, at)
	case types.PhysBytes:
		return collectBytes(batches, col, at)
	}
	b := vec.NewBuilder(t)
	for _, p := range at {
		b.From(batches[p.batch()].Cols[col], p.row())
	}
	return b.Finish()
}

func collectFixed[T vec.Scalar](batches []*vec.Batch, col int, at []place) vec.Vector {
	out := &vec.Fixed[T]{Vals: make([]T, len(at))}
	var c *vec.Fixed[T]
	last := -1
	for i, p := range at {
		if n := p.batch(); n != last {
			c, last = batches[n].Cols[col].(*vec.Fixed[T]), n
		}
		out.Vals[i] = c.Vals[p.row()]
		if c.Valid.Null(p.row()) {
			out.Valid = nullAt(out.Valid, i, len(at))
		}
	}
	return out
}

func collectBytes(batches []*vec.Batch, col int, at []place) vec.Vector {
	out := &vec.Bytes{Offs: make([]uint32, len(at)+1)}
	n := uint32(0)
	for i, p := range at {
		c := batches[p.batch()].Cols[col].(*vec.Bytes)
		n += c.Offs[p.row()+1] - c.Offs[p.row()]
		out.Offs[i+1] = n
		if c.Valid.Null(p.row()) {
			out.Valid = nullAt(out.Valid, i, len(at))
		}
	}
	out.Data = make([]byte, n)
	for i, p := range at {
		c := batches[p.batch()].Cols[col].(*vec.Bytes)
		copy(out.Data[out.Offs[i]:], c.Data[c.Offs[p.row()]:c.Offs[p.row()+1]])
	}
	return out
}

// nullAt makes row i of n NULL in a bitmap that may be nil.
func nullAt(valid vec.Bitmap, i, n int) vec.Bitmap {
	if valid == nil {
		valid = vec.NewBitmap(n)
	}
	valid.SetNull(i)
	return valid
}

// flatBatch returns the rows of a batch that count, in flat columns, without
// kinds and marks.
func flatBatch(b *vec.Batch, rows []int32) *vec.Batch {
	out := &vec.Batch{Rows: len(rows), Cols: make([]vec.Vector, len(b.Cols))}
	whole := len(rows) == b.Rows
	for i, c := range b.Cols {
		if whole {
			out.Cols[i] = vec.Flat(c)
		} else {
			out.Cols[i] = vec.Flat(vec.Take(c, rows))
		}
	}
	return out
}

const noBound = int64(math.MaxInt64)

// bounds returns the first and last position that a spec wants.
func bounds(from, to int64) (int64, int64) {
	if to < 0 {
		to = noBound
	}
	return max(from, 1), to
}

// heldMark is a watermark that waits for the end, to go out behind results that
// come only then.
type heldMark struct {
	time int64
	any  bool
}

func (h *heldMark) hold(t int64) { h.time, h.any = t, true }

// holdLast holds the last watermark of a batch.
func (h *heldMark) holdLast(b *vec.Batch) {
	if m, ok := lastMark(b); ok {
		h.hold(m)
	}
}

func (h *heldMark) release(f *feed) {
	if h.any {
		f.watermark(h.time)
	}
	h.any = false
}

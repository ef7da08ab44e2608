package exec

import (
	"math"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// A joinIndex finds rows of a rowStore by their key. It is made when all rows are there.
//
// Integers that lie close together are their own places in an array (dense); other keys
// are found in a table. Rows of one key are a list, in the order in which they came.
type joinIndex struct {
	dense []int32 // by key - min: 1 + the first row; 0: none
	min   int64
	table *keyed.Table // word 0 as in dense
	next  []int32      // by row: 1 + the next row of its key; 0: none
	many  bool         // some key has several rows
	bytes int64
	keys  keyed.Keys
	slots []keyed.Slot
}

// A key range is dense when it is at most so many times the number of rows, or this
// small.
const (
	denseShare = 8
	denseLeast = 1 << 18
)

// bytesFor is about what the index of n rows takes.
func bytesFor(n int) int64 { return int64(n) * 20 }

// newJoinIndex makes the index of a side's rows. Rows with a NULL that equals nothing
// are in no list.
func newJoinIndex(ctx *Context, s *side, store *rowStore) (*joinIndex, error) {
	x := &joinIndex{next: keyed.Large[int32](store.n)}
	x.account(ctx, int64(4*store.n))
	if len(s.keys) == 0 {
		x.all(store.n)
		return x, nil
	}
	if len(s.keys) == 1 && len(s.strict) == 1 {
		if key, ok := store.cols[s.keys[0]].(denseKey); ok && store.n > 0 {
			low, high := key.span(store.n)
			if width := uint64(high) - uint64(low); low <= high && width < uint64(max(denseShare*store.n, denseLeast)) {
				size := width + 1
				x.min, x.dense = low, keyed.Large[int32](int(size))
				x.account(ctx, int64(4*size))
				x.many = key.link(x, store.n)
				return x, nil
			}
		}
	}
	return x, x.fill(ctx, s, store)
}

func (x *joinIndex) account(ctx *Context, bytes int64) {
	x.bytes += bytes
	ctx.Memory.Add(bytes)
}

func (x *joinIndex) close(ctx *Context) {
	if x.table != nil {
		x.table.Close()
	}
	ctx.Memory.Add(-x.bytes)
	x.dense, x.next, x.table, x.bytes = nil, nil, nil, 0
}

// all makes one list of n rows, for a join without keys.
func (x *joinIndex) all(n int) {
	x.dense, x.many = make([]int32, 1), n > 1
	for i := range n {
		x.next[i] = int32(i) + 2
	}
	if n > 0 {
		x.dense[0], x.next[n-1] = 1, 0
	}
}

// fill puts all rows into the table, the last first: so each list begins with the first.
func (x *joinIndex) fill(ctx *Context, s *side, store *rowStore) (err error) {
	x.table, err = keyed.Open(scratch{ctx.Groups}, keyed.Shape{Name: "build", Key: s.keyTs, Words: 1, Groups: ctx.Groups, Memory: ctx.Memory})
	if err != nil {
		return err
	}
	refs := make([]int32, 0, vec.BatchRowsMax)
	for from := (store.n - 1) / vec.BatchRowsMax * vec.BatchRowsMax; from >= 0 && store.n > 0; from -= vec.BatchRowsMax {
		refs = refs[:0]
		for r := from; r < min(from+vec.BatchRowsMax, store.n); r++ {
			refs = append(refs, int32(r))
		}
		b := &vec.Batch{Rows: len(refs), Cols: make([]vec.Vector, len(s.types))}
		for _, k := range s.keys {
			if b.Cols[k] == nil {
				b.Cols[k] = store.cols[k].gather(refs, false)
			}
		}
		s.prepare(&x.keys, b)
		x.slots = grow(x.slots, b.Rows)
		x.table.Upsert(&x.keys, x.slots)
		void := s.anyVoid(b)
		for i := b.Rows - 1; i >= 0; i-- {
			if void && s.void(b, i) {
				continue
			}
			first := &x.table.Words(x.slots[i])[0]
			x.many = x.many || *first != 0
			x.next[from+i] = int32(*first)
			*first = uint64(from+i) + 1
		}
	}
	return nil // over scratch, and memory is the operator's to look after
}

// find sets first[i] to 1 + the first row with the key of the batch's i'th row, or 0. s is
// the side of the batch.
func (x *joinIndex) find(s *side, b *vec.Batch, first []int32) {
	switch {
	case len(s.keys) == 0:
		for i := range first {
			first[i] = x.dense[0]
		}
		return
	case x.dense != nil:
		findDense(vec.Flat(b.Cols[s.keys[0]]), x.dense, x.min, b.Sel, first)
		return
	}
	s.prepare(&x.keys, b)
	x.slots = grow(x.slots, b.Len())
	x.table.Find(&x.keys, x.slots)
	slab, shift, mask, stride := x.table.Slab()
	for i, slot := range x.slots {
		first[i] = 0
		if slot != keyed.None {
			first[i] = int32(slab[uint(slot)>>shift][(int(slot)&mask)*stride])
		}
	}
	if s.anyVoid(b) {
		for i := range first {
			if s.void(b, b.Row(i)) {
				first[i] = 0
			}
		}
	}
}

// A denseKey is a column of a rowStore whose values may be places.
type denseKey interface {
	// span returns the least and the greatest of the first n values that are not NULL.
	span(n int) (low, high int64)
	// addTo adds the first n values to a set that has room for them.
	addTo(keys *connect.KeySet, n int)
	// link puts n rows into the lists of an index, and reports whether a key has several.
	link(x *joinIndex, n int) bool
}

func (c *fixedStore[T]) span(n int) (low, high int64) {
	low, high = math.MaxInt64, math.MinInt64
	for i, chunk := range c.chunks {
		chunk = chunk[:min(n-i<<storeBits, storeRows)]
		l, h, ok := spanOf(chunk, c.nulls[i])
		if !ok { // not integers
			return math.MaxInt64, math.MinInt64
		}
		low, high = min(low, l), max(high, h)
	}
	return low, high
}

func spanOf(chunk any, valid vec.Bitmap) (low, high int64, ok bool) {
	switch v := chunk.(type) {
	case []int64:
		low, high = spanInts(v, valid)
	case []int32:
		low, high = spanInts(v, valid)
	case []int16:
		low, high = spanInts(v, valid)
	case []int8:
		low, high = spanInts(v, valid)
	default:
		return 0, 0, false
	}
	return low, high, true
}

func spanInts[T int8 | int16 | int32 | int64](vals []T, valid vec.Bitmap) (low, high int64) {
	low, high = math.MaxInt64, math.MinInt64
	for i, v := range vals {
		if valid == nil || !valid.Null(i) {
			low, high = min(low, int64(v)), max(high, int64(v))
		}
	}
	return low, high
}

func (c *fixedStore[T]) link(x *joinIndex, n int) (many bool) {
	for i := len(c.chunks) - 1; i >= 0; i-- {
		from := i << storeBits
		next := x.next[from:min(n, from+storeRows)]
		switch v := any(c.chunks[i]).(type) {
		case []int64:
			many = linkInts(v[:len(next)], c.nulls[i], x.min, x.dense, next, from) || many
		case []int32:
			many = linkInts(v[:len(next)], c.nulls[i], x.min, x.dense, next, from) || many
		case []int16:
			many = linkInts(v[:len(next)], c.nulls[i], x.min, x.dense, next, from) || many
		case []int8:
			many = linkInts(v[:len(next)], c.nulls[i], x.min, x.dense, next, from) || many
		}
	}
	return many
}

func linkInts[T int8 | int16 | int32 | int64](vals []T, valid vec.Bitmap, low int64, dense, next []int32, from int) bool {
	var any int32
	for i := len(vals) - 1; i >= 0; i-- {
		if valid != nil && valid.Null(i) {
			continue
		}
		at := &dense[int64(vals[i])-low]
		next[i] = *at
		any |= *at
		*at = int32(from+i) + 1
	}
	return any != 0
}

// findDense finds keys in an array.
func findDense(v vec.Vector, dense []int32, low int64, sel, first []int32) {
	var valid vec.Bitmap
	switch v := v.(type) {
	case *vec.Fixed[int64]:
		findInts(v.Vals, dense, low, sel, first)
		valid = v.Valid
	case *vec.Fixed[int32]:
		findInts(v.Vals, dense, low, sel, first)
		valid = v.Valid
	case *vec.Fixed[int16]:
		findInts(v.Vals, dense, low, sel, first)
		valid = v.Valid
	case *vec.Fixed[int8]:
		findInts(v.Vals, dense, low, sel, first)
		valid = v.Valid
	default:
		panic("exec: a key of another type than the one it is compared with")
	}
	if valid == nil {
		return
	}
	for i := range first {
		at := i
		if sel != nil {
			at = int(sel[i])
		}
		if valid.Null(at) {
			first[i] = 0
		}
	}
}

func findInts[T int8 | int16 | int32 | int64](vals []T, dense []int32, low int64, sel, first []int32) {
	if sel == nil {
		vals = vals[:len(first)]
		for i := range first {
			if at := uint64(int64(vals[i]) - low); at < uint64(len(dense)) {
				first[i] = dense[at]
			} else {
				first[i] = 0
			}
		}
		return
	}
	sel = sel[:len(first)]
	for i := range first {
		if at := uint64(int64(vals[sel[i]]) - low); at < uint64(len(dense)) {
			first[i] = dense[at]
		} else {
			first[i] = 0
		}
	}
}

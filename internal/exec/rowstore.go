package exec

import (
	"unsafe"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A rowStore keeps rows by number, 0, 1, 2 …, as columns in chunks: it grows without
// copying, and a column of any of its rows is gathered in one loop. It is for what a
// batch builds once and then reads: rows neither change nor leave.
type rowStore struct {
	cols  []storeColumn
	n     int
	bytes int64
	mem   *base.Budget
}

// Rows of a chunk. The first grows to it by doubling.
const (
	storeBits = 16
	storeRows = 1 << storeBits
	storeMask = storeRows - 1
)

// A storeColumn is a column of a rowStore.
type storeColumn interface {
	// add appends the rows of v, which is flat, at the given positions; n is how many
	// rows the column has. It returns by how many bytes it has grown.
	add(v vec.Vector, rows []int32, n int) int
	// gather returns rows; NULL for what is absent, of which there is none unless some.
	gather(refs []int32, some bool) vec.Vector
}

func newRowStore(ts []types.Type, mem *base.Budget) *rowStore {
	s := &rowStore{mem: mem}
	for _, t := range ts {
		s.cols = append(s.cols, newStoreColumn(t))
	}
	return s
}

func newStoreColumn(t types.Type) storeColumn {
	switch t.Phys() {
	case types.PhysBool:
		return &fixedStore[bool]{}
	case types.PhysInt8:
		return &fixedStore[int8]{}
	case types.PhysInt16:
		return &fixedStore[int16]{}
	case types.PhysInt32:
		return &fixedStore[int32]{}
	case types.PhysInt64:
		return &fixedStore[int64]{}
	case types.PhysFloat32:
		return &fixedStore[float32]{}
	case types.PhysFloat64:
		return &fixedStore[float64]{}
	case types.PhysInt128:
		return &fixedStore[types.Int128]{}
	case types.PhysBytes:
		return &bytesStore{}
	}
	return &nestedStore{typ: t}
}

// add appends rows of columns.
func (s *rowStore) add(cols []vec.Vector, rows []int32) {
	if len(rows) == 0 {
		return
	}
	grown := 0
	for i, c := range s.cols {
		grown += c.add(vec.Flat(cols[i]), rows, s.n)
	}
	s.n += len(rows)
	s.bytes += int64(grown)
	s.mem.Add(int64(grown))
}

// gather returns the columns of rows; some may be absent.
func (s *rowStore) gather(refs []int32, some bool) []vec.Vector {
	out := make([]vec.Vector, len(s.cols))
	for i, c := range s.cols {
		out[i] = c.gather(refs, some)
	}
	return out
}

// each returns a source of batches with all rows.
func (s *rowStore) each() func() *vec.Batch {
	at := 0
	return func() *vec.Batch {
		n := min(s.n-at, vec.BatchRowsMax)
		if n == 0 {
			return nil
		}
		refs := make([]int32, n)
		for i := range refs {
			refs[i] = int32(at + i)
		}
		at += n
		return &vec.Batch{Cols: s.gather(refs, false), Rows: n}
	}
}

// close gives the memory back.
func (s *rowStore) close() {
	s.mem.Add(-s.bytes)
	s.cols, s.bytes, s.n = nil, 0, 0
}

// parts cuts rows that are to be appended behind row n by the chunks that they go to.
func parts(rows []int32, n int, f func(chunk, at int, rows []int32)) {
	for len(rows) > 0 {
		chunk, at := n>>storeBits, n&storeMask
		k := min(len(rows), storeRows-at)
		f(chunk, at, rows[:k])
		rows, n = rows[k:], n+k
	}
}

// nulls are the NULLs of a column's chunks; nil for chunks without.
type nulls []vec.Bitmap

// add notes which of the rows of a column are NULL that are appended at a place.
func (x *nulls) add(valid vec.Bitmap, chunk, at int, rows []int32) (grown int) {
	for len(*x) <= chunk {
		*x = append(*x, nil)
	}
	if valid == nil {
		return 0
	}
	for i, r := range rows {
		if !valid.Null(int(r)) {
			continue
		}
		if (*x)[chunk] == nil {
			(*x)[chunk] = vec.NewBitmap(storeRows)
			grown += storeRows / 8
		}
		(*x)[chunk].SetNull(at + i)
	}
	return grown
}

// gather returns the validity of rows.
func (x nulls) gather(refs []int32, some bool) vec.Bitmap {
	any := some
	for _, b := range x {
		any = any || b != nil
	}
	if !any {
		return nil
	}
	var out vec.Bitmap
	for i, r := range refs {
		if r < 0 || x[r>>storeBits].Null(int(r&storeMask)) {
			if out == nil {
				out = vec.NewBitmap(len(refs))
			}
			out.SetNull(i)
		}
	}
	return out
}

// fixedStore is a column of values of fixed width.
type fixedStore[T vec.Scalar] struct {
	chunks [][]T
	nulls  nulls
}

func (c *fixedStore[T]) add(v vec.Vector, rows []int32, n int) (grown int) {
	from := v.(*vec.Fixed[T])
	parts(rows, n, func(chunk, at int, rows []int32) {
		to := c.room(chunk, at+len(rows), &grown)
		vals := from.Vals
		for i, r := range rows {
			to[at+i] = vals[r]
		}
		grown += c.nulls.add(from.Valid, chunk, at, rows)
	})
	return grown
}

// room returns a chunk that has at least n rows.
func (c *fixedStore[T]) room(chunk, n int, grown *int) []T {
	if chunk == len(c.chunks) {
		size := storeRows
		if chunk == 0 {
			size = max(64, n)
		}
		c.chunks = append(c.chunks, keyed.Large[T](size))
		*grown += size * int(unsafe.Sizeof(*new(T)))
	}
	if old := c.chunks[chunk]; len(old) < n {
		size := min(max(2*len(old), n), storeRows)
		to := keyed.Large[T](size)
		copy(to, old)
		c.chunks[chunk] = to
		*grown += (size - len(old)) * int(unsafe.Sizeof(*new(T)))
	}
	return c.chunks[chunk]
}

func (c *fixedStore[T]) gather(refs []int32, some bool) vec.Vector {
	out := make([]T, len(refs))
	chunks := c.chunks
	switch {
	case some:
		for i, r := range refs {
			if r >= 0 {
				out[i] = chunks[r>>storeBits][r&storeMask]
			}
		}
	case len(chunks) == 1:
		only := chunks[0]
		for i, r := range refs {
			out[i] = only[r]
		}
	default:
		for i, r := range refs {
			out[i] = chunks[r>>storeBits][r&storeMask]
		}
	}
	return &vec.Fixed[T]{Vals: out, Valid: c.nulls.gather(refs, some)}
}

// bytesStore is a column of strings or bytes.
type bytesStore struct {
	chunks []bytesChunk
	nulls  nulls
}

// bytesChunk has row i at data[offs[i]:offs[i+1]].
type bytesChunk struct {
	offs []uint64
	data []byte
}

func (c *bytesStore) add(v vec.Vector, rows []int32, n int) (grown int) {
	from := v.(*vec.Bytes)
	parts(rows, n, func(chunk, at int, rows []int32) {
		if chunk == len(c.chunks) {
			c.chunks = append(c.chunks, bytesChunk{offs: make([]uint64, 1, len(rows)+1)})
		}
		to := &c.chunks[chunk]
		before := cap(to.data) + 8*cap(to.offs)
		for _, r := range rows {
			to.data = append(to.data, from.Data[from.Offs[r]:from.Offs[r+1]]...)
			to.offs = append(to.offs, uint64(len(to.data)))
		}
		grown += cap(to.data) + 8*cap(to.offs) - before + c.nulls.add(from.Valid, chunk, at, rows)
	})
	return grown
}

func (c *bytesStore) gather(refs []int32, some bool) vec.Vector {
	offs := make([]uint32, len(refs)+1)
	total := uint32(0)
	for i, r := range refs {
		if r >= 0 {
			k := &c.chunks[r>>storeBits]
			at := r & storeMask
			total += uint32(k.offs[at+1] - k.offs[at])
		}
		offs[i+1] = total
	}
	data := make([]byte, total)
	for i, r := range refs {
		if r >= 0 {
			k := &c.chunks[r>>storeBits]
			at := r & storeMask
			copy(data[offs[i]:], k.data[k.offs[at]:k.offs[at+1]])
		}
	}
	return &vec.Bytes{Offs: offs, Data: data, Valid: c.nulls.gather(refs, some)}
}

// nestedStore is a column of arrays, maps or rows, each added batch as it came.
type nestedStore struct {
	typ   types.Type
	added []vec.Vector
	from  []int // the first row of each
}

func (c *nestedStore) add(v vec.Vector, rows []int32, n int) int {
	own := vec.Take(v, rows)
	c.added, c.from = append(c.added, own), append(c.from, n)
	return int(vec.Bytesize(&vec.Batch{Cols: []vec.Vector{own}}))
}

func (c *nestedStore) gather(refs []int32, _ bool) vec.Vector {
	b := vec.NewBuilder(c.typ)
	for _, r := range refs {
		if r < 0 {
			b.Null()
			continue
		}
		i := c.place(int(r))
		b.From(c.added[i], int(r)-c.from[i])
	}
	return b.Finish()
}

// place finds what a row was added with.
func (c *nestedStore) place(row int) int {
	low, high := 0, len(c.from)
	for high-low > 1 {
		if mid := (low + high) / 2; c.from[mid] <= row {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

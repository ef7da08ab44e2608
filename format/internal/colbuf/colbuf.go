// Package colbuf holds the columns of a batch while a decoder fills them: one
// append a value, a row that turns out bad taken back, and a vector at the end.
package colbuf

import (
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Col is a column that grows. Exactly the slices that its physical form needs
// are in use; hot loops append to them directly.
type Col struct {
	Type  types.Type
	Phys  types.Phys
	Bools []bool
	I8    []int8
	I16   []int16
	I32   []int32
	I64   []int64
	F32   []float32
	F64   []float64
	Wide  []types.Int128
	Offs  []uint32 // bytes, lists and maps: one more than rows
	Data  []byte
	Kids  []*Col // List: element; Map: key, value; Row: fields

	rows  int // of a ROW
	valid vec.Bitmap
	bytes int // Data's size in the last batches
	last  int // rows of the last batches
}

// What a batch held decides what room the next has. A short one, as there is at the
// end of each piece of a file that was read, counts next to nothing: what had too
// little room is copied.
func lately(before, now int) int {
	if now < before/8 {
		return before - before/64
	}
	return max(now, before-before/8)
}

// more is room for somewhat more than there was lately.
func more(lately int) int { return lately + lately/16 }

// New returns an empty column.
func New(t types.Type) *Col {
	c := &Col{Type: t, Phys: t.Phys()}
	switch c.Phys {
	case types.PhysList:
		c.Kids = []*Col{New(*t.Elem)}
	case types.PhysMap:
		if t.Kind == types.Multiset {
			c.Kids = []*Col{New(*t.Elem), New(types.TInt)}
		} else {
			c.Kids = []*Col{New(*t.Key), New(*t.Elem)}
		}
	case types.PhysRow:
		for _, f := range t.Fields {
			c.Kids = append(c.Kids, New(f.Type))
		}
	}
	c.Reset(0)
	return c
}

// Reset empties the column and makes room for rows, and as many bytes as batches
// had lately. What Finish gave away is not touched.
func (c *Col) Reset(rows int) { c.reset(rows, 2*vec.BatchBytesMax) }

// ResetFor empties the column and makes room for about as much as batches had
// lately, though not for more than a text of so many bytes holds.
func (c *Col) ResetFor(text int) { c.reset(min(more(c.last), text/2+1), text+64) }

// Clear empties the column and makes no room: for what is appended all at once, which
// need not be cleared first.
func (c *Col) Clear() { c.reset(0, 0) }

func (c *Col) reset(rows, bytes int) {
	c.valid, c.rows = nil, 0
	switch c.Phys {
	case types.PhysBool:
		c.Bools = make([]bool, 0, rows)
	case types.PhysInt8:
		c.I8 = make([]int8, 0, rows)
	case types.PhysInt16:
		c.I16 = make([]int16, 0, rows)
	case types.PhysInt32:
		c.I32 = make([]int32, 0, rows)
	case types.PhysInt64:
		c.I64 = make([]int64, 0, rows)
	case types.PhysFloat32:
		c.F32 = make([]float32, 0, rows)
	case types.PhysFloat64:
		c.F64 = make([]float64, 0, rows)
	case types.PhysInt128:
		c.Wide = make([]types.Int128, 0, rows)
	case types.PhysBytes:
		c.Data = make([]byte, 0, min(more(c.bytes), bytes))
		c.Offs = append(make([]uint32, 0, rows+1), 0)
	case types.PhysList, types.PhysMap:
		c.Offs = append(make([]uint32, 0, rows+1), 0)
	}
	for _, k := range c.Kids {
		k.reset(min(more(k.last), bytes), bytes)
	}
}

// Len returns the number of rows.
func (c *Col) Len() int {
	switch c.Phys {
	case types.PhysBool:
		return len(c.Bools)
	case types.PhysInt8:
		return len(c.I8)
	case types.PhysInt16:
		return len(c.I16)
	case types.PhysInt32:
		return len(c.I32)
	case types.PhysInt64:
		return len(c.I64)
	case types.PhysFloat32:
		return len(c.F32)
	case types.PhysFloat64:
		return len(c.F64)
	case types.PhysInt128:
		return len(c.Wide)
	case types.PhysRow:
		return c.rows
	}
	return len(c.Offs) - 1
}

// SetNull makes a row NULL that is there already.
func (c *Col) SetNull(row int) {
	for row>>6 >= len(c.valid) {
		c.valid = append(c.valid, ^uint64(0))
	}
	c.valid.SetNull(row)
}

// Null appends a NULL.
func (c *Col) Null() {
	c.SetNull(c.Len())
	switch c.Phys {
	case types.PhysBool:
		c.Bools = append(c.Bools, false)
	case types.PhysInt8:
		c.I8 = append(c.I8, 0)
	case types.PhysInt16:
		c.I16 = append(c.I16, 0)
	case types.PhysInt32:
		c.I32 = append(c.I32, 0)
	case types.PhysInt64:
		c.I64 = append(c.I64, 0)
	case types.PhysFloat32:
		c.F32 = append(c.F32, 0)
	case types.PhysFloat64:
		c.F64 = append(c.F64, 0)
	case types.PhysInt128:
		c.Wide = append(c.Wide, types.Int128{})
	case types.PhysBytes:
		c.Offs = append(c.Offs, uint32(len(c.Data)))
	case types.PhysRow:
		for _, k := range c.Kids {
			k.Null()
		}
		c.rows++
	default:
		c.Offs = append(c.Offs, uint32(c.Kids[0].Len()))
	}
}

// Int appends an integer to a column of any width of integers; the caller has
// checked that it fits.
func (c *Col) Int(v int64) {
	switch c.Phys {
	case types.PhysInt64:
		c.I64 = append(c.I64, v)
	case types.PhysInt32:
		c.I32 = append(c.I32, int32(v))
	case types.PhysInt16:
		c.I16 = append(c.I16, int16(v))
	case types.PhysInt8:
		c.I8 = append(c.I8, int8(v))
	case types.PhysInt128:
		c.Wide = append(c.Wide, types.Int128Of(v))
	}
}

// Bytes appends a string or bytes, copied.
func (c *Col) Bytes(b []byte) {
	c.Data = append(c.Data, b...)
	c.Offs = append(c.Offs, uint32(len(c.Data)))
}

// End ends a row of a nested column; its Kids have been appended to.
func (c *Col) End() {
	if c.Phys == types.PhysRow {
		c.rows++
		return
	}
	c.Offs = append(c.Offs, uint32(c.Kids[0].Len()))
}

// Timestamp appends seconds and nanoseconds since the epoch, cut to the type's
// precision.
func (c *Col) Timestamp(sec int64, nano int) {
	if c.Phys == types.PhysInt64 {
		c.I64 = append(c.I64, sec*1_000_000+int64(nano/1000))
		return
	}
	c.Wide = append(c.Wide, types.Int128Of(sec).MulInt(1_000_000_000).Add(types.Int128Of(int64(nano))))
}

// Truncate takes back all rows from n on.
func (c *Col) Truncate(n int) {
	have := c.Len()
	if n >= have && c.Phys != types.PhysRow && c.Phys != types.PhysList && c.Phys != types.PhysMap && c.Phys != types.PhysBytes {
		return
	}
	for row := n; row < have && row>>6 < len(c.valid); row++ {
		c.valid.SetValid(row)
	}
	switch c.Phys {
	case types.PhysBool:
		c.Bools = c.Bools[:n]
	case types.PhysInt8:
		c.I8 = c.I8[:n]
	case types.PhysInt16:
		c.I16 = c.I16[:n]
	case types.PhysInt32:
		c.I32 = c.I32[:n]
	case types.PhysInt64:
		c.I64 = c.I64[:n]
	case types.PhysFloat32:
		c.F32 = c.F32[:n]
	case types.PhysFloat64:
		c.F64 = c.F64[:n]
	case types.PhysInt128:
		c.Wide = c.Wide[:n]
	case types.PhysBytes:
		c.Offs = c.Offs[:n+1]
		c.Data = c.Data[:c.Offs[n]]
	case types.PhysRow:
		c.rows = min(c.rows, n)
		for _, k := range c.Kids {
			k.Truncate(n)
		}
	default:
		c.Offs = c.Offs[:n+1]
		for _, k := range c.Kids {
			k.Truncate(int(c.Offs[n]))
		}
	}
}

// Finish returns the column as a vector, which owns its memory, and leaves the
// column to be Reset.
func (c *Col) Finish() vec.Vector {
	valid := c.finish()
	switch c.Phys {
	case types.PhysBool:
		return &vec.Fixed[bool]{Vals: c.Bools, Valid: valid}
	case types.PhysInt8:
		return &vec.Fixed[int8]{Vals: c.I8, Valid: valid}
	case types.PhysInt16:
		return &vec.Fixed[int16]{Vals: c.I16, Valid: valid}
	case types.PhysInt32:
		return &vec.Fixed[int32]{Vals: c.I32, Valid: valid}
	case types.PhysInt64:
		return &vec.Fixed[int64]{Vals: c.I64, Valid: valid}
	case types.PhysFloat32:
		return &vec.Fixed[float32]{Vals: c.F32, Valid: valid}
	case types.PhysFloat64:
		return &vec.Fixed[float64]{Vals: c.F64, Valid: valid}
	case types.PhysInt128:
		return &vec.Fixed[types.Int128]{Vals: c.Wide, Valid: valid}
	case types.PhysBytes:
		c.bytes = lately(c.bytes, len(c.Data))
		return &vec.Bytes{Offs: c.Offs, Data: c.Data, Valid: valid}
	case types.PhysList:
		return &vec.List{Offs: c.Offs, Elem: c.Kids[0].Finish(), Valid: valid}
	case types.PhysMap:
		return &vec.Map{Offs: c.Offs, Key: c.Kids[0].Finish(), Elem: c.Kids[1].Finish(), Valid: valid}
	}
	row := &vec.Row{N: c.rows, Valid: valid}
	for _, k := range c.Kids {
		row.Fields = append(row.Fields, k.Finish())
	}
	return row
}

// finish returns which rows are valid, and notes how many there are.
func (c *Col) finish() vec.Bitmap {
	n := c.Len()
	c.last = lately(c.last, n)
	if c.valid == nil {
		return nil
	}
	for len(c.valid) < (n+63)/64 {
		c.valid = append(c.valid, ^uint64(0))
	}
	return c.valid[:(n+63)/64]
}

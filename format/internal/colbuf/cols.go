package colbuf

import (
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Cols are the columns of a batch. Where they have few rows, as they have if there are
// hundreds of columns, those of one width share their memory: to ask for a little of it
// for each column would cost more than to fill it.
type Cols []*Col

// sharedRowsMax is how many rows columns have at most that share memory. What holds one
// of them holds all.
const sharedRowsMax = 1024

// ResetRows empties the columns and makes room for a text of which is known about how
// many rows it has.
func (cs Cols) ResetRows(text, rows int) {
	rows = min(more(rows)+1, vec.BatchRowsMax)
	if rows > sharedRowsMax {
		for _, c := range cs {
			c.reset(rows, text+64)
		}
		return
	}
	for _, c := range cs {
		own := rows
		switch c.Phys {
		case types.PhysInt32, types.PhysInt64, types.PhysFloat64:
			own = 0
		}
		c.reset(own, text+64)
	}
	share(cs, types.PhysInt32, rows, func(c *Col) *[]int32 { return &c.I32 })
	share(cs, types.PhysInt64, rows, func(c *Col) *[]int64 { return &c.I64 })
	share(cs, types.PhysFloat64, rows, func(c *Col) *[]float64 { return &c.F64 })
}

// share makes room for rows in the columns of a physical form.
func share[T any](cs Cols, phys types.Phys, rows int, vals func(*Col) *[]T) {
	all := make([]T, rows*cs.count(phys))
	for _, c := range cs {
		if c.Phys == phys {
			*vals(c), all = all[:0:rows], all[rows:]
		}
	}
}

func (cs Cols) count(phys types.Phys) (n int) {
	for _, c := range cs {
		if c.Phys == phys {
			n++
		}
	}
	return n
}

// Finish returns the columns as vectors, as Col.Finish does.
func (cs Cols) Finish() []vec.Vector {
	out := make([]vec.Vector, len(cs))
	longs := make([]vec.Fixed[int64], cs.count(types.PhysInt64))
	for i, c := range cs {
		if c.Phys != types.PhysInt64 {
			out[i] = c.Finish()
			continue
		}
		longs[0] = vec.Fixed[int64]{Vals: c.I64, Valid: c.finish()}
		out[i], longs = &longs[0], longs[1:]
	}
	return out
}

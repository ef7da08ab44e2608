package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// rowChanges collects what an operator puts out of the rows that it keeps, and the
// rows that it will forget once that has been copied.
type rowChanges struct {
	refs  []keyed.Ref
	kinds []vec.RowKind
	nums  []int64
	mixed bool // a kind other than insert is among them
	gone  []keyed.Ref
	sent  int // of refs, by take
}

func (c *rowChanges) add(kind vec.RowKind, r keyed.Ref, num int64) {
	c.refs, c.kinds, c.nums = append(c.refs, r), append(c.kinds, kind), append(c.nums, num)
	c.mixed = c.mixed || kind != vec.Insert
}

// drop forgets a row at the next forget.
func (c *rowChanges) drop(r keyed.Ref) { c.gone = append(c.gone, r) }

func (c *rowChanges) len() int { return len(c.refs) - c.sent }

// room makes place for n changes.
func (c *rowChanges) room(n int) {
	c.refs, c.kinds, c.nums = slices.Grow(c.refs, n), slices.Grow(c.kinds, n), slices.Grow(c.nums, n)
}

// take returns the next batch of the changes, with the numbers as a last column if
// wanted.
func (c *rowChanges) take(m *keyed.Multi, ts []types.Type, number bool) *vec.Batch {
	from, to := c.sent, min(c.sent+vec.BatchRowsMax, len(c.refs))
	b := &vec.Batch{Rows: to - from, Cols: gather(m, c.refs[from:to], ts)}
	if number {
		b.Cols = append(b.Cols, &vec.Fixed[int64]{Vals: slices.Clone(c.nums[from:to])})
	}
	if c.mixed {
		b.Kinds = slices.Clone(c.kinds[from:to])
	}
	if c.sent = to; to == len(c.refs) {
		c.refs, c.kinds, c.nums, c.mixed, c.sent = c.refs[:0], c.kinds[:0], c.nums[:0], false, 0
	}
	return b
}

// forget removes the rows that were dropped.
func (c *rowChanges) forget(m *keyed.Multi) {
	for _, r := range c.gone {
		m.Remove(m.SlotOf(r), r)
	}
	c.gone = c.gone[:0]
}

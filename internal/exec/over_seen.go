package exec

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Values that a running DISTINCT has seen
//
// They are in a table of the operator, seen, by partition and value, and as rows by
// partition, seenRows, which are the state. When memory is short partitions leave it
// with both; one that has most of the values stays, for it would be back with the next
// row.

// openSeen makes the values durable.
func (c *overCall) openSeen(ctx *Context, name string, group *grouping) (err error) {
	c.seenGroup = newGrouping(group.cols, c.types)
	shape := keyed.Shape{Name: name, Key: group.types, Row: []types.Type{c.types[c.arg()]}, Groups: ctx.Groups, Memory: ctx.Memory}
	if c.seenRows, err = keyed.OpenMulti(ctx.State, ctx.evicting(shape)); err != nil {
		return err
	}
	came := func(slots []keyed.Slot) {
		for _, s := range slots {
			keys, n := c.seenKeysOf(s)
			c.unseen(keys, ordinals(n), n)
		}
	}
	for s := range c.seenRows.Each {
		came([]keyed.Slot{s})
	}
	c.seenRows.Follow(keyed.Follower{Came: came, Leaves: c.forgetSeen, Held: c.seen.Held})
	return nil
}

// seenKeysOf returns the keys in seen of a partition's values.
func (c *overCall) seenKeysOf(s keyed.Slot) (keys []vec.Vector, n int) {
	refs := c.seenRows.Rows(nil, s)
	slots := make([]keyed.Slot, len(refs))
	for i := range slots {
		slots[i] = s
	}
	return append(c.seenGroup.outKeys(&c.seenRows.Table, slots), c.seenRows.Gather(refs, 0)), len(refs)
}

// forgetSeen lets the values of a partition go that leaves memory.
func (c *overCall) forgetSeen(s keyed.Slot) bool {
	if all := c.seen.Len(); all > 64*setShareMax && c.seenRows.Count(s) > all/setShareMax {
		return false
	}
	keys, n := c.seenKeysOf(s)
	c.seenKeys.Prepare(c.seenTypes(), keys, nil, n)
	slots := make([]keyed.Slot, n)
	c.seen.Find(&c.seenKeys, slots)
	for _, at := range slots {
		if at != keyed.None {
			c.seen.Delete(at)
		}
	}
	return true
}

func (c *overCall) seenTypes() []types.Type {
	return append(pickTypes(c.types, c.seenCols), c.types[c.arg()])
}

// recall brings the values of the partitions of some rows into memory.
func (c *overCall) recall(p *overPart, rows []int32) {
	if c.seenRows != nil {
		c.seenGroup.find(&c.seenRows.Table, p.cols, rows, p.n)
	}
}

// trimSeen lets values leave memory, when no rows are being computed.
func (x *overStream) trimSeen() error {
	for _, c := range x.running.list {
		if c.seenRows == nil {
			continue
		}
		c.seenRows.Trim()
		bytes, _ := c.seen.Held()
		if err := x.o.ctx.unfit(c.seenRows.Bytes()+bytes, c.seenRows.Failed()); err != nil {
			return err
		}
	}
	return nil
}

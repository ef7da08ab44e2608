package exec

import (
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// An overPart is a run of rows to compute OVER calls on: whole partitions, or the
// next rows of some, one after the other, each in order.
type overPart struct {
	cols   []vec.Vector // flat
	n      int
	starts []int32 // of the partitions in it, then n
	// slots are the entries of the accumulators, by partition.
	slots []keyed.Slot
	// rows and groups are how many rows and groups of peers the partitions had
	// before; nil: none.
	rows, groups []int64

	order *ordering
	words [][]uint64 // by sort key, by row
	peers []int32    // the first row that is a peer of row i
	ends  []int32    // behind the last peer of row i
	part  []int32    // the partition of row i
	group []int32    // the number of its peers' group in the partition, from 0
}

// prepare finds the peers.
func (p *overPart) prepare(o *ordering) {
	p.order = o
	p.words = o.words(p.cols, nil, p.n, p.words)
	p.peers, p.ends, p.part, p.group = grow(p.peers, p.n), grow(p.ends, p.n), grow(p.part, p.n), grow(p.group, p.n)
	for s := range len(p.starts) - 1 {
		from, to := p.starts[s], p.starts[s+1]
		first, group := from, int32(0)
		for i := from; i < to; i++ {
			if i > from && !p.same(int(i-1), int(i)) {
				for k := first; k < i; k++ {
					p.ends[k] = i
				}
				first = i
				group++
			}
			p.peers[i], p.part[i], p.group[i] = first, int32(s), group
		}
		for k := first; k < to; k++ {
			p.ends[k] = to
		}
	}
}

// same reports whether two rows of a partition are peers.
func (p *overPart) same(a, b int) bool {
	for k, w := range p.words {
		if w[a] != w[b] {
			return false
		}
		if c := p.order.keys[k].Col; p.order.loose(k, w[a]) && p.order.value(k, p.cols[c], a, p.cols[c], b) != 0 {
			return false
		}
	}
	return true
}

// bounds returns the partition of row i.
func (p *overPart) bounds(i int) (from, to int32) {
	s := p.part[i]
	return p.starts[s], p.starts[s+1]
}

// An overCall computes one call.
type overCall struct {
	spec  jobgraph.OverCall
	types []types.Type // of the input
	// running: the frame is all rows up to the current one (or its peers), so its
	// accumulator only grows, and may be kept between runs.
	running bool
	agg     agg.Agg
	off     int // of its words in the entry
	// seen are the values that a running DISTINCT has had, by partition and value. A
	// stream keeps them under the partition, too: durable keys decide by their group
	// where they are restored.
	seen      *keyed.Table
	seenCols  []int // of the partition
	seenKeys  keyed.Keys
	seenRows  *keyed.Multi
	seenGroup *grouping

	lo, hi []int32
}

// kind tells which functions are not aggregates over a frame.
func (c *overCall) numbers() bool {
	switch c.spec.Func {
	case "ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE":
		return true
	}
	return false
}

func (c *overCall) shifts() bool { return c.spec.Func == "LAG" || c.spec.Func == "LEAD" }

func (c *overCall) arg() int {
	if len(c.spec.Args) == 0 {
		return -1
	}
	return c.spec.Args[0]
}

// newOverCall binds a call; its accumulator begins at word off.
func newOverCall(spec jobgraph.OverCall, ts []types.Type, off int) (*overCall, error) {
	c := &overCall{spec: spec, types: ts, off: off}
	if c.numbers() || c.shifts() {
		return c, nil
	}
	f := spec.Frame
	c.running = f.From.Unbounded && !f.To.Unbounded && f.To.Offset == 0
	if c.picks() && !c.running {
		return c, nil
	}
	var err error
	c.agg, err = agg.New(spec.AggCall, !f.From.Unbounded)
	if err != nil {
		return nil, err
	}
	c.agg.Bind(off)
	return c, nil
}

// picks reports whether the result is one of the frame's values.
func (c *overCall) picks() bool {
	switch c.spec.Func {
	case "FIRST_VALUE", "LAST_VALUE", "MIN", "MAX":
		return true
	}
	return false
}

func (c *overCall) words() int {
	if c.agg == nil {
		return 0
	}
	return c.agg.Words()
}

// eval returns the call's column for the rows of p.
func (c *overCall) eval(p *overPart, g *agg.Groups) (vec.Vector, error) {
	switch {
	case c.numbers():
		return c.number(p), nil
	case c.shifts():
		return c.shift(p), nil
	case c.running:
		return c.run(p, g)
	}
	if err := c.frames(p); err != nil {
		return nil, err
	}
	switch c.spec.Func {
	case "FIRST_VALUE", "LAST_VALUE":
		return c.pick(p), nil
	case "MIN", "MAX":
		return c.extreme(p), nil
	}
	return c.slide(p, g)
}

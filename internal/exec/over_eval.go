package exec

import (
	"fmt"
	"math"
	"slices"

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

// number computes the functions that look at no values.
func (c *overCall) number(p *overPart) vec.Vector {
	if c.spec.Func == "PERCENT_RANK" || c.spec.Func == "CUME_DIST" {
		out := make([]float64, p.n)
		for i := range out {
			from, to := p.bounds(i)
			switch size := to - from; {
			case c.spec.Func == "CUME_DIST":
				out[i] = float64(p.ends[i]-from) / float64(size)
			case size > 1:
				out[i] = float64(p.peers[i]-from) / float64(size-1)
			}
		}
		return &vec.Fixed[float64]{Vals: out}
	}
	out := make([]int64, p.n)
	for i := range out {
		from, to := p.bounds(i)
		switch c.spec.Func {
		case "ROW_NUMBER":
			out[i] = int64(i) - int64(from) + 1
		case "RANK":
			out[i] = int64(p.peers[i]-from) + 1
		case "DENSE_RANK":
			out[i] = int64(p.group[i]) + 1
		case "NTILE":
			out[i] = ntile(int64(i)-int64(from), int64(to-from), constInt(c.spec.Consts, 0, 1))
		}
		if p.rows != nil && c.spec.Func == "DENSE_RANK" {
			out[i] += p.groups[p.part[i]]
		} else if p.rows != nil {
			out[i] += p.rows[p.part[i]]
		}
	}
	return intColumn(c.spec.Ret, out)
}

// ntile returns the bucket, from 1, of row i of n; the first n%k have one row more.
func ntile(i, n, k int64) int64 {
	size, more := n/k, n%k
	if i < more*(size+1) {
		return i/(size+1) + 1
	}
	return more + (i-more*(size+1))/max(size, 1) + 1
}

func constInt(consts []any, i int, other int64) int64 {
	if i < len(consts) {
		switch n := consts[i].(type) {
		case int64:
			return n
		case int:
			return int64(n)
		case float64: // from JSON
			return int64(n)
		}
	}
	return other
}

// intColumn returns integers as a column of a type.
func intColumn(t types.Type, vals []int64) vec.Vector {
	if t.Phys() == types.PhysInt64 {
		return &vec.Fixed[int64]{Vals: vals}
	}
	b := vec.NewBuilder(t)
	for _, x := range vals {
		b.Int(x)
	}
	return b.Finish()
}

// distance is how many rows LAG or LEAD looks back, negative for LEAD.
func (c *overCall) distance() int {
	n := int(constInt(c.spec.Consts, 1, 1))
	if c.spec.Func == "LEAD" {
		return -n
	}
	return n
}

// shift computes LAG and LEAD.
func (c *overCall) shift(p *overPart) vec.Vector {
	d := c.distance()
	at := make([]int32, p.n)
	outside := false
	for i := range at {
		from, to := p.bounds(i)
		k := i - d
		if k < int(from) || k >= int(to) {
			k, outside = -1, true
		}
		at[i] = int32(k)
	}
	src := p.cols[c.arg()]
	if !outside {
		return vec.Take(src, at)
	}
	b := vec.NewBuilder(c.spec.Ret)
	for i, k := range at {
		switch {
		case k >= 0:
			b.From(src, int(k))
		case len(c.spec.Args) > 2:
			b.From(p.cols[c.spec.Args[2]], i)
		default:
			b.Null()
		}
	}
	return b.Finish()
}

// passes returns the rows of [from, to) that the call's FILTER lets through.
func (c *overCall) passes(p *overPart, rows []int32, from, to int32) []int32 {
	rows = rows[:0]
	if c.spec.Filter < 0 {
		for i := from; i < to; i++ {
			rows = append(rows, i)
		}
		return rows
	}
	f := p.cols[c.spec.Filter].(*vec.Fixed[bool])
	for i := from; i < to; i++ {
		if f.Vals[i] && !f.Valid.Null(int(i)) {
			rows = append(rows, i)
		}
	}
	return rows
}

// column returns the argument's column, nil for COUNT(*).
func (c *overCall) column(p *overPart) vec.Vector {
	if a := c.arg(); a >= 0 {
		return p.cols[a]
	}
	return nil
}

// run computes a running aggregate: each row is added once, and read after it, or
// after its last peer.
func (c *overCall) run(p *overPart, g *agg.Groups) (vec.Vector, error) {
	col := c.column(p)
	var rows []int32
	var slots []keyed.Slot
	var out agg.Out
	first := c.firsts(p)
	for s, slot := range p.slots {
		for i := p.starts[s]; i < p.starts[s+1]; {
			next := i + 1
			if !c.spec.Frame.Rows {
				next = p.ends[i]
			}
			rows = c.passes(p, rows, i, next)
			if first != nil {
				rows = slices.DeleteFunc(rows, func(r int32) bool { return !first[r] })
			}
			for len(slots) < max(len(rows), int(next-i)) {
				slots = append(slots, slot)
			}
			if slots[0] != slot {
				for k := range slots {
					slots[k] = slot
				}
			}
			if len(rows) > 0 {
				c.agg.Add(g, slots[:len(rows)], rows, col)
			}
			c.agg.Read(g, slots[:next-i], &out)
			i = next
		}
	}
	if g.Err != nil {
		return nil, g.Err
	}
	v := c.agg.Finish(&out)
	return v, out.Err()
}

// firsts returns which rows have a value that the partition has not had before,
// nil without DISTINCT.
func (c *overCall) firsts(p *overPart) []bool {
	if c.seen == nil {
		return nil
	}
	out := make([]bool, p.n)
	rows := c.passes(p, nil, 0, int32(p.n))
	if len(rows) == 0 {
		return out
	}
	for _, r := range c.unseen(append(pick(p.cols, c.seenCols), p.cols[c.arg()]), rows, p.n) {
		out[r] = true
	}
	if c.seenRows != nil {
		rows = keepIf(rows, func(r int32) bool { return out[r] })
		slots, _ := c.seenGroup.upsert(&c.seenRows.Table, p.cols, rows, p.n)
		c.seenRows.AddRows(slots, []vec.Vector{p.cols[c.arg()]}, rows, nil)
	}
	return out
}

// unseen returns those of the rows whose keys, partition and value, are new, and
// remembers them.
func (c *overCall) unseen(keys []vec.Vector, rows []int32, n int) (out []int32) {
	c.seenKeys.Prepare(append(pickTypes(c.types, c.seenCols), c.types[c.arg()]), keys, rows, n)
	slots := make([]keyed.Slot, len(rows))
	c.seen.Upsert(&c.seenKeys, slots)
	for i, s := range slots {
		if w := c.seen.Words(s); w[0] == 0 {
			w[0] = 1
			out = append(out, rows[i])
		}
	}
	return out
}

// openSeen makes the values of a running DISTINCT durable.
func (c *overCall) openSeen(ctx *Context, name string, group *grouping) error {
	c.seenGroup = newGrouping(group.cols, c.types)
	var err error
	c.seenRows, err = keyed.OpenMulti(ctx.State, keyed.Shape{Name: name, Key: group.types, Row: []types.Type{c.types[c.arg()]}, Groups: ctx.Groups, Memory: ctx.Memory})
	if err != nil {
		return err
	}
	m := c.seenRows
	for s := range m.Each {
		refs := m.Rows(nil, s)
		slots := make([]keyed.Slot, len(refs))
		for i := range slots {
			slots[i] = s
		}
		keys := append(c.seenGroup.outKeys(&m.Table, slots), m.Gather(refs, 0))
		c.unseen(keys, ordinals(len(refs)), len(refs))
	}
	return nil
}

// frames computes the rows of each row's frame: [lo, hi), empty if lo >= hi.
func (c *overCall) frames(p *overPart) error {
	c.lo, c.hi = grow(c.lo, p.n), grow(c.hi, p.n)
	f := c.spec.Frame
	if !f.Rows && (f.From.Offset != 0 || f.To.Offset != 0) {
		return c.ranges(p)
	}
	for i := range p.n {
		from, to := p.bounds(i)
		lo, hi := from, to
		switch {
		case f.From.Unbounded:
		case f.Rows:
			lo = clampRow(int64(i)+f.From.Offset, from, to)
		default:
			lo = p.peers[i]
		}
		switch {
		case f.To.Unbounded:
		case f.Rows:
			hi = clampRow(int64(i)+f.To.Offset+1, from, to)
		default:
			hi = p.ends[i]
		}
		c.lo[i], c.hi[i] = lo, max(lo, hi)
	}
	return nil
}

func clampRow(i int64, from, to int32) int32 {
	return int32(min(max(i, int64(from)), int64(to)))
}

// ranges is frames for RANGE with a distance: the bounds are values of the one sort
// key, and NULLs are peers of each other only.
func (c *overCall) ranges(p *overPart) error {
	key := p.order.keys[0]
	t := c.types[key.Col]
	mul, div := int64(1), int64(1)
	switch t.Kind {
	case types.Decimal:
		mul = int64(math.Pow10(t.Scale))
	case types.Date:
		div = 86_400_000_000
	case types.Time:
		div = 1000
	}
	whole := func(d int64) int64 { return d * mul / div }
	double := func(d int64) float64 { return float64(d) }
	switch v := p.cols[key.Col].(type) {
	case *vec.Fixed[float64]:
		rangeFrames(c, p, v.Vals, v.Valid, double)
	case *vec.Fixed[float32]:
		vals := make([]float64, p.n)
		for i, x := range v.Vals {
			vals[i] = float64(x)
		}
		rangeFrames(c, p, vals, v.Valid, double)
	case *vec.Fixed[int64]:
		rangeFrames(c, p, v.Vals, v.Valid, whole)
	case *vec.Fixed[int32], *vec.Fixed[int16], *vec.Fixed[int8]:
		rangeFrames(c, p, widen(v), vec.Validity(v), whole)
	default:
		return fmt.Errorf("RANGE with a distance over %s is not supported", t.Name())
	}
	return nil
}

func widen(v vec.Vector) []int64 {
	out := make([]int64, v.Len())
	switch v := v.(type) {
	case *vec.Fixed[int32]:
		for i, x := range v.Vals {
			out[i] = int64(x)
		}
	case *vec.Fixed[int16]:
		for i, x := range v.Vals {
			out[i] = int64(x)
		}
	case *vec.Fixed[int8]:
		for i, x := range v.Vals {
			out[i] = int64(x)
		}
	}
	return out
}

// rangeFrames walks both bounds forward over each partition.
func rangeFrames[T int64 | float64](c *overCall, p *overPart, vals []T, valid vec.Bitmap, scale func(int64) T) {
	f, desc := c.spec.Frame, p.order.keys[0].Desc
	a, b := scale(f.From.Offset), scale(f.To.Offset)
	// at returns how far row k lies behind row i in the order.
	at := func(i, k int32) T {
		if desc {
			return vals[i] - vals[k]
		}
		return vals[k] - vals[i]
	}
	for s := range len(p.starts) - 1 {
		from, to := p.starts[s], p.starts[s+1]
		lo, hi := from, from
		for i := from; i < to; i++ {
			if valid.Null(int(i)) {
				c.lo[i], c.hi[i] = p.peers[i], p.ends[i]
				if f.From.Unbounded {
					c.lo[i] = from
				}
				if f.To.Unbounded {
					c.hi[i] = to
				}
				continue
			}
			for lo < to && (lo < i && valid.Null(int(lo)) || !valid.Null(int(lo)) && at(i, lo) < a) {
				lo++
			}
			for hi < to && (hi < i && valid.Null(int(hi)) || !valid.Null(int(hi)) && at(i, hi) <= b) {
				hi++
			}
			c.lo[i], c.hi[i] = lo, max(lo, hi)
			if f.From.Unbounded {
				c.lo[i], c.hi[i] = from, hi
			}
			if f.To.Unbounded {
				c.hi[i] = to
			}
		}
	}
}

// slide computes an aggregate over frames that move: rows that enter are added, and
// those that leave taken out.
func (c *overCall) slide(p *overPart, g *agg.Groups) (vec.Vector, error) {
	col := c.column(p)
	ids, err := c.ids(p)
	if err != nil {
		return nil, err
	}
	counts := make([]int32, len(ids))
	var rows, enter []int32
	var slots []keyed.Slot
	var out agg.Out
	for s, slot := range p.slots {
		lo, hi := p.starts[s], p.starts[s]
		slots = slots[:0]
		for i := p.starts[s]; i < p.starts[s+1]; i++ {
			if c.hi[i] > hi {
				// What lies between the frames never counts.
				rows = c.passes(p, rows, max(hi, c.lo[i]), c.hi[i])
				enter = rows
				if ids != nil {
					enter = keepIf(enter, func(r int32) bool { counts[ids[r]]++; return counts[ids[r]] == 1 })
				}
				c.step(g, &slots, slot, enter, col, false)
			}
			if upto := min(c.lo[i], hi); upto > lo {
				rows = c.passes(p, rows, lo, upto)
				if ids != nil {
					rows = keepIf(rows, func(r int32) bool { counts[ids[r]]--; return counts[ids[r]] == 0 })
				}
				c.step(g, &slots, slot, rows, col, true)
			}
			lo, hi = max(lo, c.lo[i]), max(hi, c.hi[i])
			slots = one(slots, slot)
			c.agg.Read(g, slots[:1], &out)
		}
		if ids != nil {
			for r := lo; r < hi; r++ {
				counts[ids[r]] = 0
			}
		}
	}
	if g.Err != nil {
		return nil, g.Err
	}
	v := c.agg.Finish(&out)
	return v, out.Err()
}

func keepIf(rows []int32, keep func(int32) bool) []int32 {
	return slices.DeleteFunc(rows, func(r int32) bool { return !keep(r) })
}

func one(slots []keyed.Slot, s keyed.Slot) []keyed.Slot {
	if len(slots) == 0 {
		slots = append(slots, s)
	}
	return slots
}

// step adds rows to a slot, or takes them out.
func (c *overCall) step(g *agg.Groups, slots *[]keyed.Slot, slot keyed.Slot, rows []int32, col vec.Vector, out bool) {
	if len(rows) == 0 {
		return
	}
	for len(*slots) < len(rows) {
		*slots = append(*slots, slot)
	}
	if out {
		c.agg.Retract(g, (*slots)[:len(rows)], rows, col)
		return
	}
	c.agg.Add(g, (*slots)[:len(rows)], rows, col)
}

// ids numbers the values of the argument, for DISTINCT; nil otherwise.
func (c *overCall) ids(p *overPart) ([]int32, error) {
	if !c.spec.Distinct || c.arg() < 0 {
		return nil, nil
	}
	t, err := keyed.Open(scratch{1}, keyed.Shape{Name: "ids", Key: []types.Type{c.types[c.arg()]}, Words: 1, Groups: 1})
	if err != nil {
		return nil, err
	}
	var keys keyed.Keys
	keys.Prepare([]types.Type{c.types[c.arg()]}, []vec.Vector{p.cols[c.arg()]}, nil, p.n)
	slots := make([]keyed.Slot, p.n)
	t.Upsert(&keys, slots)
	out := make([]int32, p.n)
	for i, s := range slots {
		out[i] = int32(s)
	}
	return out, nil
}

// pick computes FIRST_VALUE and LAST_VALUE: the first or last value of the frame
// that is not NULL.
func (c *overCall) pick(p *overPart) vec.Vector {
	src := p.cols[c.arg()]
	at := make([]int32, p.n)
	near := make([]int32, p.n+1) // the next row (or the last, + 1) that has a value
	rows := c.passes(p, nil, 0, int32(p.n))
	has := make([]bool, p.n)
	for _, r := range rows {
		has[r] = !src.Null(int(r))
	}
	if c.spec.Func == "FIRST_VALUE" {
		near[p.n] = int32(p.n)
		for i := p.n - 1; i >= 0; i-- {
			if near[i] = near[i+1]; has[i] {
				near[i] = int32(i)
			}
		}
		for i := range at {
			if at[i] = near[c.lo[i]]; at[i] >= c.hi[i] {
				at[i] = -1
			}
		}
	} else {
		near[0] = 0
		for i := range p.n {
			if near[i+1] = near[i]; has[i] {
				near[i+1] = int32(i) + 1
			}
		}
		for i := range at {
			if at[i] = near[c.hi[i]] - 1; at[i] < c.lo[i] {
				at[i] = -1
			}
		}
	}
	return takeOrNullFrom(src, c.spec.Ret, at)
}

// takeOrNullFrom takes rows of a column, NULL where the position is absent.
func takeOrNullFrom(src vec.Vector, t types.Type, at []int32) vec.Vector {
	return takeOrNull([]vec.Vector{src}, []types.Type{t}, at)[0]
}

// extreme computes MIN and MAX with a queue of the rows that may yet be it.
func (c *overCall) extreme(p *overPart) vec.Vector {
	src := p.cols[c.arg()]
	o := newOrdering([]jobgraph.SortKey{{Col: 0, Desc: c.spec.Func == "MAX"}}, []types.Type{c.types[c.arg()]})
	words := o.words([]vec.Vector{src}, nil, p.n, nil)[0]
	before := func(a, b int32) bool { // a is better than or equal to b
		if words[a] != words[b] {
			return words[a] < words[b]
		}
		return !o.loose(0, words[a]) || o.value(0, src, int(a), src, int(b)) <= 0
	}
	at := make([]int32, p.n)
	has := make([]bool, p.n)
	for _, r := range c.passes(p, nil, 0, int32(p.n)) {
		has[r] = !src.Null(int(r))
	}
	var queue []int32
	for s := range len(p.starts) - 1 {
		hi := p.starts[s]
		queue = queue[:0]
		for i := p.starts[s]; i < p.starts[s+1]; i++ {
			for ; hi < c.hi[i]; hi++ {
				if !has[hi] {
					continue
				}
				for len(queue) > 0 && before(hi, queue[len(queue)-1]) {
					queue = queue[:len(queue)-1]
				}
				queue = append(queue, hi)
			}
			for len(queue) > 0 && queue[0] < c.lo[i] {
				queue = queue[1:]
			}
			at[i] = -1
			if len(queue) > 0 && queue[0] < c.hi[i] {
				at[i] = queue[0]
			}
		}
	}
	return takeOrNullFrom(src, c.spec.Ret, at)
}

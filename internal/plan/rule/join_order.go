package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/cost"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// joinOrder orders trees of inner joins anew where the text's order would make a
// cross product though every table is connected to another (FROM a, b, c WHERE
// a.x = c.x AND b.y = c.y), and, in a batch of tables that say how many rows they
// have, so that intermediate results are small. The order of columns stays.
func joinOrder(c *context, job *logical.Job) {
	done := map[logical.Node]logical.Node{}
	var visit func(n logical.Node) logical.Node
	visit = func(n logical.Node) logical.Node {
		if out, ok := done[n]; ok {
			return out
		}
		out := c.ordered(n, visit)
		if c.shared[n] && out != n {
			c.shared[out] = true
		}
		done[n] = out
		return out
	}
	for i, r := range job.Roots {
		job.Roots[i] = visit(r)
	}
}

// ordered orders the tree of joins that begins at n, whole, and what is below its
// relations by visit.
func (c *context) ordered(n logical.Node, visit func(logical.Node) logical.Node) logical.Node {
	j, ok := n.(*logical.Join)
	if !ok || !plainInner(j) {
		return withInputs(n, visit)
	}
	t := joinTree{c: c}
	t.flatten(j, 0)
	if len(t.leaves) < 3 || len(t.leaves) > leavesMax {
		return withInputs(n, visit)
	}
	same := true
	for i, l := range t.leaves {
		t.leaves[i] = visit(l)
		same = same && t.leaves[i] == l
	}
	if out := t.best(j); out != nil {
		return out
	}
	if same {
		return n
	}
	return withInputs(n, visit)
}

// best is the tree in another order, or nil if it stays as it is.
func (t *joinTree) best(j *logical.Join) logical.Node {
	c := t.c
	known := c.Batch
	for _, l := range t.leaves {
		known = known && cost.Of(l).Known
	}
	if known && len(t.leaves) <= searchMax {
		return t.search(j)
	}
	given := t.order()
	if given == nil {
		return nil
	}
	crosses := false
	for _, step := range t.steps(upTo(len(t.leaves))) {
		crosses = crosses || !step
	}
	if !crosses && !known || slices.Equal(given, upTo(len(given))) {
		return nil
	}
	return t.build(given, j)
}

// search makes the cheapest tree, with the columns in their order.
func (t *joinTree) search(top *logical.Join) logical.Node {
	s := newJoinSearch(t)
	if !s.run() {
		return nil
	}
	place := make([]int, t.width)
	n := s.node(leafSet(1)<<len(t.leaves)-1, place, top)
	return t.inOrder(n, place, top)
}

// typeOf is the type of a column of the flat numbering.
func (t *joinTree) typeOf(col int) types.Type {
	l := t.leaf(col)
	return t.leaves[l].Schema()[col-t.start[l]].Type
}

// leavesMax bounds the joins that are ordered together.
const leavesMax = 16

func plainInner(j *logical.Join) bool {
	return j.JoinKind == jobgraph.Inner && j.Window == nil && j.Interval == nil && len(j.Hints) == 0
}

// a joinTree is a tree of inner joins taken apart: relations, and conditions over
// the columns of all of them side by side.
type joinTree struct {
	c      *context
	leaves []logical.Node
	start  []int // first column of each leaf
	conds  []*expr.Expr
	width  int
}

// flatten collects what is below j. at is the first column of j's output.
func (t *joinTree) flatten(n logical.Node, at int) {
	j, ok := n.(*logical.Join)
	if !ok || !plainInner(j) || t.c.shared[n] {
		t.leaves = append(t.leaves, n)
		t.start = append(t.start, at)
		t.width = max(t.width, at+len(n.Schema()))
		return
	}
	t.flatten(j.Left, at)
	t.flatten(j.Right, at+len(j.Left.Schema()))
	for _, e := range expr.Conjuncts(j.Cond) {
		t.conds = append(t.conds, shifted(e, at))
	}
}

// leaf returns the leaf that a column belongs to.
func (t *joinTree) leaf(col int) int {
	i := len(t.start) - 1
	for t.start[i] > col {
		i--
	}
	return i
}

// reads returns the leaves that a condition reads.
func (t *joinTree) reads(e *expr.Expr) []int {
	var out []int
	for _, c := range expr.Columns(e) {
		out = append(out, t.leaf(c))
	}
	return slices.Compact(out)
}

// connected reports whether an equality joins leaf l with what has been joined.
func (t *joinTree) connected(joined []int, l int) bool {
	for _, e := range t.conds {
		if r := t.reads(e); e.Is("=") && len(r) == 2 && has(r, l) && (has(joined, r[0]) || has(joined, r[1])) {
			return true
		}
	}
	return false
}

// steps says for each leaf after the first of an order whether it is connected.
func (t *joinTree) steps(order []int) []bool {
	var out []bool
	for i := 1; i < len(order); i++ {
		out = append(out, t.connected(order[:i], order[i]))
	}
	return out
}

// order is a greedy order: from the first leaf (or the smallest, when sizes are
// known) always on to the smallest that is connected; nil if there is none.
func (t *joinTree) order() []int {
	rows := make([]float64, len(t.leaves))
	sized := t.c.Batch
	for i, l := range t.leaves {
		s := cost.Of(l)
		rows[i] = s.Rows
		sized = sized && s.Known
	}
	first := 0
	if sized {
		for i := range rows {
			if rows[i] > rows[first] {
				first = i // the fact table streams by; the others are built
			}
		}
	}
	order := []int{first}
	for len(order) < len(t.leaves) {
		best := -1
		for i := range t.leaves {
			if has(order, i) || !t.connected(order, i) {
				continue
			}
			if best < 0 || sized && rows[i] < rows[best] {
				best = i
			}
		}
		if best < 0 {
			return nil
		}
		order = append(order, best)
	}
	return order
}

// build makes a left-deep tree in an order, each condition as low as it can be,
// and puts the columns back in theirs.
func (t *joinTree) build(order []int, top *logical.Join) logical.Node {
	place := make([]int, t.width) // where a column of the flat numbering is now
	for i := range place {
		place[i] = -1
	}
	put := func(l, at int) {
		for c := range t.leaves[l].Schema() {
			place[t.start[l]+c] = at + c
		}
	}
	put(order[0], 0)
	n := t.leaves[order[0]]
	left := t.conds
	for k, l := range order[1:] {
		at := len(n.Schema())
		put(l, at)
		var now, later []*expr.Expr
		for _, e := range left {
			if r := t.reads(e); slices.ContainsFunc(r, func(x int) bool { return !has(order[:k+2], x) }) {
				later = append(later, e)
			} else {
				now = append(now, expr.Remap(e, func(c int) int { return place[c] }))
			}
		}
		left = later
		j := &logical.Join{Left: n, Right: t.leaves[l], JoinKind: jobgraph.Inner, Pos: top.Pos}
		if len(now) > 0 {
			j.Cond = expr.And(now)
		}
		j.Out = joinSchema(j)
		n = j
	}
	return t.inOrder(n, place, top)
}

// inOrder puts the columns of a tree back in the order of the one that it replaces.
func (t *joinTree) inOrder(n logical.Node, place []int, top *logical.Join) logical.Node {
	exprs := make([]*expr.Expr, len(top.Out))
	for i, f := range top.Out {
		exprs[i] = expr.Column(place[i], f.Type)
	}
	return &logical.Project{Input: n, Exprs: exprs, Out: top.Out}
}

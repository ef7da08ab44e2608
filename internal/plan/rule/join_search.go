package rule

import (
	"math"
	"math/bits"
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/cost"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// searchMax is how many relations are joined in the best of all orders: the search
// looks at each way to cut each set of them in two (Selinger et al., SIGMOD 1979;
// Moerkotte and Neumann, VLDB 2006), which are 3^n.
const searchMax = 10

// What a row costs that a hash join builds, probes with and puts out.
const (
	buildCost = 3.0
	probeCost = 1.0
	emitCost  = 0.5
)

// A leafSet is relations of a join tree by number.
type leafSet uint32

func (s leafSet) has(leaf int) bool { return s>>leaf&1 != 0 }

// An equals is columns that are equal in every row of the result: by conditions, and
// by what follows from several (a = b and b = c).
type equals struct {
	cols   []int   // of the flat numbering, one of each relation
	leaves leafSet // theirs
}

// joinSearch finds the cheapest tree of joins for the relations of a joinTree, by the
// numbers of rows that are estimated. It makes no cross products.
type joinSearch struct {
	t       *joinTree
	classes []equals
	conds   []*expr.Expr // that are not in classes
	reads   []leafSet    // by condition
	rows    []float64    // by set
	cost    []float64    // by set; infinite: not joined yet
	sizes   []float64    // by leaf: its rows
	left    []leafSet    // by set: the best cut, its part that stands left
}

func newJoinSearch(t *joinTree) *joinSearch {
	s := &joinSearch{t: t}
	for _, n := range t.leaves {
		s.sizes = append(s.sizes, math.Max(1, cost.Of(n).Rows))
	}
	s.classify()
	n := 1 << len(t.leaves)
	s.rows, s.cost, s.left = make([]float64, n), make([]float64, n), make([]leafSet, n)
	return s
}

// classify sorts conditions into classes of equal columns and others.
func (s *joinSearch) classify() {
	for _, e := range s.t.conds {
		if cols := expr.Columns(e); e.Is("=") && len(cols) == 2 && e.Args[0].Op == expr.Col && e.Args[1].Op == expr.Col &&
			s.t.leaf(cols[0]) != s.t.leaf(cols[1]) && s.t.typeOf(cols[0]).Equal(s.t.typeOf(cols[1])) {
			s.equate(cols[0], cols[1])
			continue
		}
		s.conds = append(s.conds, e)
		var r leafSet
		for _, l := range s.t.reads(e) {
			r |= 1 << l
		}
		s.reads = append(s.reads, r)
	}
	for i := range s.classes {
		c := &s.classes[i]
		slices.Sort(c.cols)
		c.cols = slices.Compact(c.cols)
		s.sameLeaf(c)
		for _, col := range c.cols {
			c.leaves |= 1 << s.t.leaf(col)
		}
	}
}

// sameLeaf keeps one column of each relation in a class: that its others are equal is a
// condition on the relation alone.
func (s *joinSearch) sameLeaf(c *equals) {
	kept := c.cols[:0]
	for _, col := range c.cols {
		if len(kept) == 0 || s.t.leaf(kept[len(kept)-1]) != s.t.leaf(col) {
			kept = append(kept, col)
			continue
		}
		first, t := kept[len(kept)-1], s.t.typeOf(col)
		if e, err := expr.NewCall("=", expr.Column(first, t), expr.Column(col, t)); err == nil {
			s.conds, s.reads = append(s.conds, e), append(s.reads, 1<<s.t.leaf(col))
		}
	}
	c.cols = kept
}

func (s *joinSearch) equate(a, b int) {
	find := func(col int) int {
		return slices.IndexFunc(s.classes, func(c equals) bool { return slices.Contains(c.cols, col) })
	}
	i, k := find(a), find(b)
	switch {
	case i < 0 && k < 0:
		s.classes = append(s.classes, equals{cols: []int{a, b}})
	case i < 0:
		s.classes[k].cols = append(s.classes[k].cols, a)
	case k < 0:
		s.classes[i].cols = append(s.classes[i].cols, b)
	case i != k:
		s.classes[i].cols = append(s.classes[i].cols, s.classes[k].cols...)
		s.classes = slices.Delete(s.classes, k, k+1)
	}
}

// run finds the best tree; false if relations are not connected.
func (s *joinSearch) run() bool {
	all := leafSet(1)<<len(s.t.leaves) - 1
	for set := leafSet(1); set <= all; set++ {
		if bits.OnesCount32(uint32(set)) == 1 {
			s.rows[set] = s.sizes[bits.TrailingZeros32(uint32(set))]
			continue
		}
		s.rows[set] = s.estimate(set)
		s.cost[set] = math.Inf(1)
		for a := (set - 1) & set; a > 0; a = (a - 1) & set {
			s.try(set, a, set&^a)
		}
	}
	return !math.IsInf(s.cost[all], 1)
}

// try compares the join of two sets with what is best for both together so far.
func (s *joinSearch) try(set, a, b leafSet) {
	if math.IsInf(s.cost[a], 1) || math.IsInf(s.cost[b], 1) || !s.connected(a, b) {
		return
	}
	build, probe := s.rows[b], s.rows[a]
	if build > probe {
		return // the same join is tried the other way round, with its build side right
	}
	c := s.cost[a] + s.cost[b] + build*buildCost + probe*probeCost + s.rows[set]*emitCost
	if c < s.cost[set] {
		s.cost[set], s.left[set] = c, a
	}
}

func (s *joinSearch) connected(a, b leafSet) bool {
	return slices.ContainsFunc(s.classes, func(c equals) bool { return c.leaves&a != 0 && c.leaves&b != 0 })
}

// estimate is how many rows the join of a set has, in whatever order: each class of m
// equal columns divides the product by the numbers of their values but the smallest.
func (s *joinSearch) estimate(set leafSet) float64 {
	rows := 1.0
	for l := range s.t.leaves {
		if set.has(l) {
			rows *= s.sizes[l]
		}
	}
	for _, c := range s.classes {
		rows /= s.divisor(c, set)
	}
	for l := range s.t.leaves {
		for k := range l {
			if set.has(l) && set.has(k) {
				rows *= s.dependence(k, l)
			}
		}
	}
	for i, e := range s.conds {
		if s.reads[i]&^set == 0 && bits.OnesCount32(uint32(s.reads[i])) > 1 {
			rows *= cost.Passes(e)
		}
	}
	return math.Max(1, rows)
}

func (s *joinSearch) divisor(c equals, set leafSet) float64 {
	product, least, n := 1.0, math.Inf(1), 0
	for _, col := range c.cols {
		if l := s.t.leaf(col); set.has(l) {
			d, _, ok := s.key(col)
			if !ok { // as many as there are rows
				d = s.sizes[l]
			}
			product, least, n = product*d, math.Min(least, d), n+1
		}
	}
	if n < 2 {
		return 1
	}
	return product / least
}

// dependence puts right what divisors say of two relations that are joined by several
// columns, see cost.KeyValues.
func (s *joinSearch) dependence(a, b int) float64 {
	var pairs []cost.KeyPair
	apart := 1.0
	for _, c := range s.classes {
		if !c.leaves.has(a) || !c.leaves.has(b) {
			continue
		}
		x, xr, ok1 := s.key(c.of(s.t, a))
		y, yr, ok2 := s.key(c.of(s.t, b))
		if ok1 && ok2 {
			pairs = append(pairs, cost.KeyPair{Left: x, Right: y, LeftRows: xr, RightRows: yr})
			apart *= math.Max(x, y)
		}
	}
	if len(pairs) < 2 {
		return 1
	}
	return apart / cost.KeyValues(pairs)
}

func (s *joinSearch) key(col int) (distinct, rows float64, ok bool) {
	l := s.t.leaf(col)
	return cost.Key(s.t.leaves[l], col-s.t.start[l])
}

// of is the class's column of a relation.
func (c *equals) of(t *joinTree, leaf int) int {
	return c.cols[slices.IndexFunc(c.cols, func(col int) bool { return t.leaf(col) == leaf })]
}

// node makes the tree of a set. place gets where each column of the flat numbering is.
func (s *joinSearch) node(set leafSet, place []int, top *logical.Join) logical.Node {
	if bits.OnesCount32(uint32(set)) == 1 {
		l := bits.TrailingZeros32(uint32(set))
		n := s.t.leaves[l]
		for c := range n.Schema() {
			place[s.t.start[l]+c] = c
		}
		return filtered(n, s.conditions(set, 0, place))
	}
	a := s.left[set]
	b := set &^ a
	j := &logical.Join{Left: s.node(a, place, top), Right: s.node(b, place, top), JoinKind: jobgraph.Inner, Pos: top.Pos}
	for l := range s.t.leaves {
		if b.has(l) {
			for c := range s.t.leaves[l].Schema() {
				place[s.t.start[l]+c] += len(j.Left.Schema())
			}
		}
	}
	j.Cond = expr.And(s.conditions(a, b, place))
	j.Out = joinSchema(j)
	return j
}

// conditions are those that a join of two sets has to ask, over its columns: of each
// class one pair, and what reads both sides. Of a single relation, b is empty.
func (s *joinSearch) conditions(a, b leafSet, place []int) []*expr.Expr {
	var out []*expr.Expr
	for _, c := range s.classes {
		l, r := -1, -1
		for _, col := range c.cols {
			switch leaf := s.t.leaf(col); {
			case a.has(leaf) && l < 0:
				l = col
			case b.has(leaf) && r < 0:
				r = col
			}
		}
		if l < 0 || r < 0 {
			continue
		}
		t := s.t.typeOf(l)
		e, err := expr.NewCall("=", expr.Column(place[l], t), expr.Column(place[r], s.t.typeOf(r)))
		if err != nil {
			panic("rule: columns that were compared cannot be: " + err.Error())
		}
		out = append(out, e)
	}
	for i, e := range s.conds {
		r := s.reads[i]
		if r&^(a|b) == 0 && (b == 0 || r&^a != 0 && r&^b != 0) {
			out = append(out, expr.Remap(e, func(c int) int { return place[c] }))
		}
	}
	return out
}

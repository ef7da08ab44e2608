package physical

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// A joinChain is inner joins, one after the other, whose conditions ask that columns of
// all inputs be equal: one key, under which all of their rows can be kept.
type joinChain struct {
	inputs []chainInput
	equal  [][]int // by column of the key: which columns of all inputs it is
	rest   []*expr.Expr
	out    []int // where the columns of the last join are among those of all inputs
	width  int   // columns of all inputs
}

// A chainInput is an input of a joinChain.
type chainInput struct {
	of    *logical.Join // that it is an input of, by number
	which int
	keys  []int
}

// joinsOfOneKey returns the chain that ends with a join, if it is to be one operator:
// nil if there are only two inputs, or something stands in the way.
func (b *builder) joinsOfOneKey(n *logical.Join) *joinChain {
	if b.opts.Batch {
		return nil
	}
	c := b.chain(n)
	if c == nil || len(c.inputs) < 3 {
		return nil
	}
	return c
}

// wanted reports whether a join may be one operator with others: by the option, or a
// hint that names both of its sides.
func (b *builder) wanted(n *logical.Join) bool {
	return b.set.multiJoin || slices.ContainsFunc(n.Hints, func(h logical.Hint) bool { return h.Name == "MULTI_JOIN" && len(h.Args) == 2 })
}

// chain returns the chain that ends with a join, of two inputs or more; nil if the join
// cannot be in one.
func (b *builder) chain(n *logical.Join) *joinChain {
	e := n.Equi()
	if !b.wanted(n) || n.JoinKind != jobgraph.Inner || n.Interval != nil || n.Window != nil || len(e.Left) == 0 || e.AnyNullSafe() != nil || !b.tells(n, 1) {
		return nil
	}
	c := b.below(n.Left, e.Left)
	if c == nil {
		if !b.tells(n, 0) {
			return nil
		}
		c = &joinChain{inputs: []chainInput{{n, 0, e.Left}}, width: len(n.Left.Schema())}
		for i := range c.width {
			c.out = append(c.out, i)
		}
		for _, k := range e.Left {
			c.equal = append(c.equal, []int{k})
		}
	}
	keys := make([]int, len(c.equal))
	for i, k := range e.Left {
		at := c.equals(c.out[k])
		keys[at] = e.Right[i]
		c.equal[at] = append(c.equal[at], c.width+e.Right[i])
	}
	c.inputs = append(c.inputs, chainInput{n, 1, keys})
	for i := range n.Right.Schema() {
		c.out = append(c.out, c.width+i)
	}
	c.width += len(n.Right.Schema())
	for _, cond := range expr.Conjuncts(e.Rest) {
		c.rest = append(c.rest, expr.Remap(cond, func(i int) int { return c.out[i] }))
	}
	return c
}

// below returns the chain whose rows are a join's left ones, if the join asks for the
// chain's key, each column of it once.
func (b *builder) below(left logical.Node, keys []int) *joinChain {
	var project []*expr.Expr
	if p, ok := left.(*logical.Project); ok {
		project, left = p.Exprs, p.Input
		if slices.ContainsFunc(project, func(e *expr.Expr) bool { return e.Op != expr.Col }) {
			return nil
		}
	}
	n, ok := left.(*logical.Join)
	if !ok {
		return nil
	}
	c := b.chain(n)
	if c == nil || len(c.equal) != len(keys) {
		return nil
	}
	if project != nil {
		out := make([]int, len(project))
		for i, e := range project {
			out[i] = c.out[e.Index]
		}
		c.out = out
	}
	var seen []int
	for _, k := range keys {
		at := c.equals(c.out[k])
		if at < 0 || slices.Contains(seen, at) {
			return nil
		}
		seen = append(seen, at)
	}
	return c
}

// equals returns which column of the key a column is, -1 if it is none.
func (c *joinChain) equals(col int) int {
	return slices.IndexFunc(c.equal, func(of []int) bool { return slices.Contains(of, col) })
}

// tells reports whether an input tells of updates what was before.
func (b *builder) tells(n *logical.Join, input int) bool {
	info := b.changes.Info(n.Inputs()[input])
	return !b.changes.Info(n).Drop[input] && (info.Append() || info.Before())
}

// multiJoin makes one operator of a chain of joins.
func (b *builder) multiJoin(n *logical.Join, c *joinChain) (flow, error) {
	info := b.changes.Info(n)
	spec := &jobgraph.MultiJoin{SendBefore: info.Before()}
	var all types.Schema
	var schemas []types.Schema
	var ins []input
	for _, in := range c.inputs {
		f, err := b.in(in.of, in.which)
		if err != nil {
			return f, err
		}
		spec.Inputs = append(spec.Inputs, jobgraph.MultiInput{Keys: in.keys, Types: f.schema.Types(), TTLMs: ttl(in.of.Hints, in.which, b.set.ttlMs)})
		all, schemas = append(all, f.schema...), append(schemas, f.schema)
		ins = append(ins, input{flow: f, dist: hashed(in.keys)})
	}
	op := b.op(n, "", spec, all, schemas...)
	f := b.apply(op, info.Kinds, c.inputs[0].keys, ins...)
	project := make([]*expr.Expr, len(c.out))
	for i, at := range c.out {
		project[i] = expr.Column(at, n.Out[i].Type)
	}
	return b.calc(n, f, expr.And(c.rest), project, n.Out), nil
}

package jobgraph

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
)

// CheckTypes reports operators whose columns do not fit what flows into them:
// numbers out of range, physical forms that differ. Every plan passes it before
// it leaves the planner.
func (g *Graph) CheckTypes() error {
	for i, v := range g.Vertices {
		var inputs [][]types.Type
		if v.Source != nil {
			inputs = [][]types.Type{v.Source.Output.Types()}
		} else {
			inputs = make([][]types.Type, Inputs(v.Ops[0].Spec))
			for _, e := range g.Edges {
				if e.To != i {
					continue
				}
				from := g.Vertices[e.From].schema().Types()
				if inputs[e.Input] != nil {
					if err := samePhys(from, inputs[e.Input]); err != nil {
						return fmt.Errorf("vertex %d (%s): inputs that are united differ: %w", i, v.Name, err)
					}
				}
				inputs[e.Input] = from
			}
		}
		for _, op := range v.Ops {
			if err := checkOp(op, inputs); err != nil {
				return fmt.Errorf("vertex %d (%s): %s: %w", i, v.Name, op.Name, err)
			}
			inputs = [][]types.Type{op.Output.Types()}
		}
	}
	return nil
}

func (v *Vertex) schema() types.Schema {
	if n := len(v.Ops); n > 0 {
		return v.Ops[n-1].Output
	}
	return v.Source.Output
}

func samePhys(have, want []types.Type) error {
	if len(have) != len(want) {
		return fmt.Errorf("%d columns for %d", len(have), len(want))
	}
	for i := range want {
		if have[i].Phys() != want[i].Phys() {
			return fmt.Errorf("column %d is %s, expected %s", i, have[i], want[i])
		}
	}
	return nil
}

// a checker keeps the first thing that is wrong.
type checker struct {
	in  []types.Type
	err error
}

func (c *checker) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *checker) exprs(list ...*expr.Expr) {
	for _, e := range list {
		if e == nil {
			continue
		}
		expr.Walk(e, func(x *expr.Expr) bool {
			switch {
			case x.Op != expr.Col:
			case x.Index < 0 || x.Index >= len(c.in):
				c.fail("column %d of %d in %s", x.Index, len(c.in), expr.String(e, nil))
			case x.Type.Phys() != c.in[x.Index].Phys():
				c.fail("column %d is %s, read as %s in %s", x.Index, c.in[x.Index], x.Type, expr.String(e, nil))
			}
			return true
		})
	}
}

func (c *checker) cols(list ...int) {
	for _, k := range list {
		if k < 0 || k >= len(c.in) {
			c.fail("column %d of %d", k, len(c.in))
		}
	}
}

func (c *checker) order(keys []SortKey) {
	for _, k := range keys {
		c.cols(k.Col)
	}
}

func (c *checker) calls(aggs []AggCall) {
	for _, a := range aggs {
		c.cols(a.Args...)
		for i, k := range a.Args {
			if c.err == nil && i < len(a.ArgTypes) && c.in[k].Phys() != a.ArgTypes[i].Phys() {
				c.fail("argument %d of %s is %s, expected %s", i, a.Func, c.in[k], a.ArgTypes[i])
			}
		}
		if a.Filter >= 0 {
			c.cols(a.Filter)
		}
		c.order(a.Order)
	}
}

func (c *checker) window(w Window) {
	if w.Time >= 0 {
		c.cols(w.Time)
	} else {
		c.cols(w.Start, w.End)
	}
	c.cols(w.Session...)
}

func (c *checker) types(want []types.Type) {
	if err := samePhys(c.in, want); err != nil {
		c.fail("%w", err)
	}
}

func (c *checker) width(out types.Schema, want int) {
	if len(out) != want {
		c.fail("%d columns out, %d expected", len(out), want)
	}
}

func checkOp(op Op, inputs [][]types.Type) error {
	c := &checker{}
	if len(inputs) > 0 {
		c.in = inputs[0]
	}
	switch s := op.Spec.(type) {
	case *Calc:
		c.exprs(s.Filter)
		c.exprs(s.Project...)
		if s.Project != nil {
			c.width(op.Output, len(s.Project))
			for i, e := range s.Project {
				if c.err == nil && e.Type.Phys() != op.Output[i].Type.Phys() {
					c.fail("column %d is %s, computed as %s", i, op.Output[i].Type, e.Type)
				}
			}
		} else {
			c.width(op.Output, len(c.in))
		}
	case *Expand:
		c.cols(s.Keys...)
		c.types(s.Types)
		c.width(op.Output, len(c.in)+len(s.Keys)+1)
	case *GroupAgg:
		c.cols(s.Keys...)
		c.types(s.InputTypes)
		if s.Phase != Global {
			c.calls(s.Aggs)
		}
		if s.Phase != Local {
			c.width(op.Output, len(s.Keys)+len(s.Aggs))
		}
	case *WindowAgg:
		c.cols(s.Keys...)
		c.types(s.InputTypes)
		if s.Phase != Global {
			c.calls(s.Aggs)
			c.window(s.Window)
		}
		if s.Phase != Local {
			width := len(s.Keys) + len(s.Aggs) + len(s.Props)
			if s.Late {
				c.cols(s.LateIn...)
				width += 1 + len(s.LateIn) + 2
			}
			c.width(op.Output, width)
		}
	case *WindowTVF:
		c.window(s.Window)
		c.types(s.Types)
		c.width(op.Output, len(c.in)+3)
	case *Correlate:
		c.exprs(s.Args...)
		c.width(op.Output, len(c.in)+len(s.Types))
	case *Match:
		c.match(s, op.Output)
	case *Rank:
		c.cols(s.Partition...)
		c.cols(s.UniqueKey...)
		c.order(s.Order)
		c.types(s.Types)
		if s.WindowEnd >= 0 {
			c.cols(s.WindowEnd)
		}
		number := 0
		if s.Number {
			number = 1
		}
		c.width(op.Output, len(c.in)+number)
	case *Dedup:
		c.cols(s.Keys...)
		c.types(s.Types)
		if s.Time >= 0 {
			c.cols(s.Time)
		}
	case *Over:
		c.cols(s.Partition...)
		c.order(s.Order)
		c.types(s.Types)
		for _, call := range s.Calls {
			c.calls([]AggCall{call.AggCall})
		}
		c.width(op.Output, len(c.in)+len(s.Calls))
	case *Sort:
		c.order(s.Order)
		c.types(s.Types)
	case *Normalize:
		c.cols(s.Keys...)
		c.types(s.Types)
	case *Materialize:
		c.cols(s.Keys...)
		c.types(s.Types)
	case *Keep:
		c.cols(s.Keys...)
		c.types(s.Types)
		c.width(op.Output, len(s.Types))
	case *Stamp:
		c.width(op.Output, len(c.in)+1)
	case *Conflict:
		c.cols(s.Keys...)
		c.cols(s.Unique...)
		if len(c.in) > 0 {
			c.in = c.in[:len(c.in)-1]
		}
		c.types(s.Types)
		c.width(op.Output, len(c.in))
	case *Sink:
		c.types(s.Table.Schema.Types())
	case *Collect:
		c.types(s.Types)
	case *MultiJoin:
		checkMultiJoin(c, s, op, inputs)
	default:
		checkJoin(c, op, inputs)
	}
	return c.err
}

func (c *checker) match(s *Match, out types.Schema) {
	c.cols(s.Partition...)
	c.order(s.Order)
	c.types(s.Types)
	if s.Time >= 0 {
		c.cols(s.Time)
	}
	both := &checker{in: append([]types.Type(nil), c.in...)}
	for _, r := range s.Refs {
		switch r.RefKind {
		case MatchLast, MatchFirst:
			c.cols(r.Col)
		case MatchAgg:
			c.calls([]AggCall{*r.Call})
		}
		if r.Var < AllVars || r.Var >= len(s.Vars) {
			c.fail("variable %d of %d", r.Var, len(s.Vars))
		}
		both.in = append(both.in, r.Type)
	}
	for _, v := range s.Vars {
		both.exprs(v.Cond)
	}
	both.exprs(s.Measures...)
	if both.err != nil {
		c.fail("%w", both.err)
	}
	c.width(out, len(s.Partition)+len(s.Measures))
}

func checkMultiJoin(c *checker, s *MultiJoin, op Op, inputs [][]types.Type) {
	width := 0
	for i, in := range s.Inputs {
		one := &checker{in: inputs[i]}
		one.cols(in.Keys...)
		one.types(in.Types)
		if one.err != nil {
			c.fail("%w", one.err)
			return
		}
		if len(in.Keys) != len(s.Inputs[0].Keys) {
			c.fail("input %d has %d keys, the first %d", i, len(in.Keys), len(s.Inputs[0].Keys))
			return
		}
		for k, key := range in.Keys {
			if first := inputs[0][s.Inputs[0].Keys[k]]; inputs[i][key].Phys() != first.Phys() {
				c.fail("keys %s and %s", first, inputs[i][key])
			}
		}
		width += len(in.Types)
	}
	c.width(op.Output, width)
}

func checkJoin(c *checker, op Op, inputs [][]types.Type) {
	sides := func(kind JoinKind, lk, rk []int, lt, rt []types.Type, cond *expr.Expr) {
		l, r := &checker{in: inputs[0]}, &checker{in: inputs[1]}
		l.cols(lk...)
		r.cols(rk...)
		l.types(lt)
		r.types(rt)
		for _, side := range []*checker{l, r} {
			if side.err != nil {
				c.fail("%w", side.err)
			}
		}
		if len(lk) != len(rk) {
			c.fail("%d left keys, %d right ones", len(lk), len(rk))
		}
		for i := range lk {
			if c.err == nil && inputs[0][lk[i]].Phys() != inputs[1][rk[i]].Phys() {
				c.fail("keys %s and %s", inputs[0][lk[i]], inputs[1][rk[i]])
			}
		}
		both := &checker{in: append(append([]types.Type(nil), inputs[0]...), inputs[1]...)}
		if both.exprs(cond); both.err != nil {
			c.fail("%w", both.err)
		}
		want := len(both.in)
		if kind == Semi || kind == Anti {
			want = len(inputs[0])
		}
		c.width(op.Output, want)
	}
	switch s := op.Spec.(type) {
	case *Join:
		sides(s.JoinKind, s.LeftKeys, s.RightKeys, s.LeftTypes, s.RightTypes, s.Cond)
	case *HashJoin:
		sides(s.JoinKind, s.LeftKeys, s.RightKeys, s.LeftTypes, s.RightTypes, s.Cond)
	case *IntervalJoin:
		sides(s.JoinKind, append([]int{s.LeftTime}, s.LeftKeys...), append([]int{s.RightTime}, s.RightKeys...), s.LeftTypes, s.RightTypes, s.Cond)
	case *WindowJoin:
		sides(s.JoinKind, append([]int{s.LeftStart, s.LeftEnd}, s.LeftKeys...), append([]int{s.RightStart, s.RightEnd}, s.RightKeys...), s.LeftTypes, s.RightTypes, s.Cond)
	case *CurrentJoin:
		sides(s.JoinKind, s.LeftKeys, s.RightKeys, s.LeftTypes, s.RightTypes, s.Cond)
	case *LookupJoin:
		checkLookup(c, s, op)
	case *TemporalJoin:
		sides(s.JoinKind, append([]int{s.LeftTime}, s.LeftKeys...), append([]int{s.RightTime}, s.RightKeys...), s.LeftTypes, s.RightTypes, s.Cond)
	}
}

func checkLookup(c *checker, s *LookupJoin, op Op) {
	c.cols(s.LeftKeys...)
	c.types(s.LeftTypes)
	if len(s.LeftKeys) != len(s.RightKeys) {
		c.fail("%d left keys, %d right ones", len(s.LeftKeys), len(s.RightKeys))
	}
	table := &checker{in: s.Source.Output.Types()}
	table.exprs(s.Calc.Filter)
	table.exprs(s.Calc.Project...)
	if table.err != nil {
		c.fail("%w", table.err)
	}
	right := &checker{in: s.RightTypes}
	right.cols(s.RightKeys...)
	if right.err != nil {
		c.fail("%w", right.err)
	}
	both := &checker{in: append(append([]types.Type(nil), s.LeftTypes...), s.RightTypes...)}
	if both.exprs(s.Cond); both.err != nil {
		c.fail("%w", both.err)
	}
	for i := range s.LeftKeys {
		if c.err == nil && s.LeftTypes[s.LeftKeys[i]].Phys() != s.RightTypes[s.RightKeys[i]].Phys() {
			c.fail("keys %s and %s", s.LeftTypes[s.LeftKeys[i]], s.RightTypes[s.RightKeys[i]])
		}
	}
	c.width(op.Output, len(both.in))
}

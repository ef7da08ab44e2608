package bind

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// wellFormed says what is wrong with a tree: a column that the input has not, or
// has with another type; an output that is not what makes it.
func wellFormed(n logical.Node) error {
	for _, in := range n.Inputs() {
		if err := wellFormed(in); err != nil {
			return err
		}
	}
	var in types.Schema
	for _, i := range n.Inputs() {
		in = append(in, i.Schema()...)
	}
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s in %s", fmt.Sprintf(format, args...), logical.Line(n))
	}
	check := func(list ...*expr.Expr) (err error) {
		for _, e := range list {
			if e == nil {
				continue
			}
			expr.Walk(e, func(e *expr.Expr) bool {
				switch {
				case e.Op != expr.Col:
				case e.Index < 0 || e.Index >= len(in):
					err = fail("column %d of %d", e.Index, len(in))
				case !e.Type.Equal(in[e.Index].Type) || e.Type.NotNull && !in[e.Index].Type.NotNull:
					err = fail("column %s is %s, read as %s", in[e.Index].Name, in[e.Index].Type, e.Type)
				}
				return err == nil
			})
		}
		return err
	}
	cols := func(list ...int) error {
		if slices.ContainsFunc(list, func(c int) bool { return c < 0 || c >= len(in) }) {
			return fail("columns %v of %d", list, len(in))
		}
		return nil
	}
	switch n := n.(type) {
	case *logical.Filter:
		return check(n.Cond)
	case *logical.Join:
		return check(n.Cond)
	case *logical.TemporalJoin:
		return check(n.Time, n.Cond)
	case *logical.Correlate:
		if i := len(in); i >= len(n.Out) || !slices.Equal(in.Names(), n.Out[:i].Names()) {
			return fail("%d columns", len(n.Out))
		}
		return check(n.Args...)
	case *logical.Project:
		if len(n.Exprs) != len(n.Out) {
			return fail("%d expressions, %d columns", len(n.Exprs), len(n.Out))
		}
		for i, e := range n.Exprs {
			if !e.Type.Equal(n.Out[i].Type) || e.Type.NotNull != n.Out[i].Type.NotNull {
				return fail("%s is %s, not %s", n.Out[i].Name, e.Type, n.Out[i].Type)
			}
		}
		return check(n.Exprs...)
	case *logical.Aggregate:
		for _, a := range n.Aggs {
			if err := cols(append(slices.Clone(a.Args), max(a.Filter, 0))...); err != nil && (len(a.Args) > 0 || a.Filter > 0) {
				return err
			}
			for i, c := range a.Args {
				if !in[c].Type.Equal(a.ArgTypes[i]) {
					return fail("argument %s is %s, not %s", in[c].Name, in[c].Type, a.ArgTypes[i])
				}
			}
		}
		extra := len(n.Props)
		if n.Sets != nil {
			extra++
		}
		if len(n.Out) != len(n.Keys)+len(n.Aggs)+extra {
			return fail("%d columns", len(n.Out))
		}
		return cols(n.Keys...)
	case *logical.Over:
		for _, o := range n.Order {
			if err := cols(o.Col); err != nil {
				return err
			}
		}
		return cols(n.Partition...)
	case *logical.Match:
		if err := cols(n.Partition...); err != nil {
			return err
		}
		if len(n.Out) != len(n.Partition)+len(n.Measures) {
			return fail("%d columns", len(n.Out))
		}
		for i, e := range n.Measures {
			if f := n.Out[len(n.Partition)+i]; !e.Type.Equal(f.Type) || e.Type.NotNull != f.Type.NotNull {
				return fail("%s is %s, not %s", f.Name, e.Type, f.Type)
			}
		}
		for _, r := range n.Refs {
			if r.Call != nil {
				if err := cols(r.Call.Args...); err != nil {
					return err
				}
			}
			if err := cols(r.Col); err != nil {
				return err
			}
		}
		for i, name := range n.Names()[len(in):] {
			in = append(in, types.Field{Name: name, Type: n.Refs[i].Type})
		}
		for _, v := range n.Vars {
			if err := check(v.Cond); err != nil {
				return err
			}
		}
		return check(n.Measures...)
	case *logical.SetOp:
		for _, i := range n.In {
			for c, f := range i.Schema() {
				if !f.Type.Equal(n.Out[c].Type) || !f.Type.NotNull && n.Out[c].Type.NotNull {
					return fail("column %d is %s, not %s", c, f.Type, n.Out[c].Type)
				}
			}
		}
	}
	return nil
}

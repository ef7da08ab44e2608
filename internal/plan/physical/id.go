package physical

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/explain"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// id is the stable id of an operator: a hash of its path from the sink, with an
// ordinal among equals. Predicates, constants, names and parallelism are no part
// of a path, nor is what keeps no state.
func (b *builder) id(path string) string {
	k := b.ids[path]
	b.ids[path] = k + 1
	if k > 0 {
		path = fmt.Sprintf("%s#%d", path, k)
	}
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:8])
}

// path gives every relation its path from the sink: the kinds and keys of the
// relations on the way. A relation that several receivers read has the path of
// the first.
func (b *builder) path(n logical.Node, above string) {
	if _, ok := b.paths[n]; ok {
		return
	}
	p := above
	if step := step(n); step != "" {
		p += "/" + step
	}
	b.paths[n] = p
	for i, in := range n.Inputs() {
		if len(n.Inputs()) > 1 {
			b.path(in, fmt.Sprintf("%s:%d", p, i))
		} else {
			b.path(in, p)
		}
	}
}

// step is a relation's kind and keys, "" for what keeps no state.
func step(n logical.Node) string {
	switch n := n.(type) {
	case *logical.Scan:
		return "Scan(" + n.Table.Path.Catalog + "." + n.Table.Path.Database + "." + n.Table.Path.Name + ")"
	case *logical.Values:
		return "Values"
	case *logical.Aggregate:
		s := "Aggregate(" + origins(n.Input, n.Keys)
		if n.Window != nil {
			s += ";" + explain.Window(*n.Window, names(n.Input))
		}
		return s + ")"
	case *logical.Join:
		e := n.Equi()
		return "Join(" + n.JoinKind.String() + ";" + origins(n.Left, e.Left) + ";" + origins(n.Right, e.Right) + ")"
	case *logical.TemporalJoin:
		e := logical.EquiOf(n.Cond, len(n.Left.Schema()))
		return "TemporalJoin(" + origins(n.Left, e.Left) + ";" + origins(n.Right, e.Right) + ")"
	case *logical.Over:
		return "Over(" + origins(n.Input, n.Partition) + ";" + order(n.Input, n.Order) + ")"
	case *logical.Rank:
		return "Rank(" + origins(n.Input, n.Partition) + ";" + order(n.Input, n.Order) + ")"
	case *logical.Match:
		return "Match(" + origins(n.Input, n.Partition) + ";" + order(n.Input, n.Order) + ";" + jobgraph.PatternText(n.Vars) + ")"
	case *logical.Sort:
		return "Sort(" + order(n.Input, n.Order) + ")"
	case *logical.SetOp:
		if n.All && n.SetKind == logical.Union {
			return "Union"
		}
		return fmt.Sprintf("SetOp(%d,%t)", n.SetKind, n.All)
	case *logical.Sink:
		return "Sink(" + n.Table.Path.Catalog + "." + n.Table.Path.Database + "." + n.Table.Path.Name + ")"
	case *logical.Collect:
		return "Collect"
	}
	return ""
}

func order(n logical.Node, keys []jobgraph.SortKey) string {
	var parts []string
	for _, k := range keys {
		dir := "+"
		if k.Desc {
			dir = "-"
		}
		parts = append(parts, dir+origin(n, k.Col))
	}
	return strings.Join(parts, ",")
}

func origins(n logical.Node, cols []int) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = origin(n, c)
	}
	return strings.Join(parts, ",")
}

// originMax is the length from which the text of a column's origin is replaced
// by its hash: projects over projects multiply it.
const originMax = 120

// origin says where a column comes from, down to the tables, whatever the query
// calls it and wherever it stands.
func origin(n logical.Node, col int) string {
	s := originText(n, col)
	if len(s) > originMax {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:8])
	}
	return s
}

func originText(n logical.Node, col int) string {
	switch n := n.(type) {
	case *logical.Scan:
		return n.Table.Path.Name + "." + n.Out[col].Name
	case *logical.Values:
		return fmt.Sprintf("values.%d", col)
	case *logical.Project:
		return explain.Expr(n.Exprs[col], namesIn(n.Input, n.Exprs[col]))
	case *logical.Aggregate:
		switch i := col - len(n.Keys); {
		case i < 0:
			return origin(n.Input, n.Keys[col])
		case i < len(n.Aggs):
			return explain.Call(n.Aggs[i].AggCall, names(n.Input))
		default:
			return fmt.Sprintf("window.%d", i-len(n.Aggs))
		}
	case *logical.Join:
		return side(n.Left, n.Right, col)
	case *logical.TemporalJoin:
		return side(n.Left, n.Right, col)
	case *logical.Correlate:
		if k := col - len(n.Input.Schema()); k >= 0 {
			args := make([]string, len(n.Args))
			for i, a := range n.Args {
				args[i] = explain.Expr(a, names(n.Input))
			}
			return fmt.Sprintf("%s(%s).%d", n.Func, strings.Join(args, ", "), k)
		}
		return origin(n.Input, col)
	case *logical.Match:
		if col < len(n.Partition) {
			return origin(n.Input, n.Partition[col])
		}
		return explain.Expr(n.Measures[col-len(n.Partition)], n.Names())
	case *logical.WindowTVF, *logical.Over, *logical.Rank:
		in := n.Inputs()[0]
		if k := col - len(in.Schema()); k >= 0 {
			return fmt.Sprintf("%T.%d", n, k)
		}
		return origin(in, col)
	}
	if in := n.Inputs(); len(in) > 0 {
		return origin(in[0], col)
	}
	return fmt.Sprint(col)
}

func side(left, right logical.Node, col int) string {
	if k := len(left.Schema()); col >= k {
		return origin(right, col-k)
	}
	return origin(left, col)
}

// names are the origins of all columns of a relation, to write expressions with.
func names(n logical.Node) []string {
	out := make([]string, len(n.Schema()))
	for i := range out {
		out[i] = origin(n, i)
	}
	return out
}

// namesIn is names where only those are needed that an expression reads.
func namesIn(n logical.Node, e *expr.Expr) []string {
	out := make([]string, len(n.Schema()))
	for _, i := range expr.Columns(e) {
		out[i] = origin(n, i)
	}
	return out
}

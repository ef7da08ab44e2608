package cost

import (
	"math"
	"strconv"
	"time"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// analyzed is how many rows ANALYZE TABLE has found: in the table, or in all the
// partitions that it was asked about.
func analyzed(t *catalog.Table) (float64, bool) {
	switch s := t.Stats; {
	case s == nil:
	case s.Rows != nil:
		return float64(*s.Rows), true
	case len(s.Partitions) > 0:
		n := 0.0
		for _, p := range s.Partitions {
			if p.Rows != nil {
				n += float64(*p.Rows)
			}
		}
		return n, true
	}
	return 0, false
}

// values are what is known of a column of a table: of all of its rows, whatever nodes
// above leave of them. Zeros are unknown.
type values struct {
	rows     float64 // of the table
	distinct float64
	nulls    float64 // share of the rows
	noNulls  bool    // nulls is known
	ranged   bool
	min, max float64
}

// column is what is known of a column's values, if it is a table's that nodes in
// between only hand on.
func column(n logical.Node, col int) (values, bool) {
	for {
		switch x := n.(type) {
		case *logical.Scan:
			return scanned(x, col)
		case *logical.Project:
			if x.Exprs[col].Op != expr.Col {
				return values{}, false
			}
			n, col = x.Input, x.Exprs[col].Index
		case *logical.Aggregate:
			if col >= len(x.Keys) || x.Sets != nil {
				return values{}, false
			}
			n, col = x.Input, x.Keys[col]
		case *logical.Join:
			if nl := len(x.Left.Schema()); col >= nl {
				n, col = x.Right, col-nl
			} else {
				n = x.Left
			}
		case *logical.Filter:
			n = x.Input
		case *logical.Sort:
			n = x.Input
		case *logical.Rank:
			if col >= len(x.Input.Schema()) {
				return values{}, false
			}
			n = x.Input
		default:
			return values{}, false
		}
	}
}

// scanned is what ANALYZE TABLE or the connector says of a scan's column.
func scanned(n *logical.Scan, col int) (values, bool) {
	if col >= len(n.Columns) {
		return values{}, false
	}
	c := &n.Table.Columns[n.Columns[col]]
	if rows, ok := analyzed(n.Table); ok {
		s := n.Table.Stats.Columns[c.Name]
		if s == nil {
			return values{}, false
		}
		out := values{rows: rows}
		if s.Distinct != nil {
			out.distinct = math.Max(1, float64(*s.Distinct))
		}
		if s.Nulls != nil && rows > 0 {
			out.nulls, out.noNulls = float64(*s.Nulls)/rows, true
		}
		low, ok1 := bound(s.Min, c.Type)
		high, ok2 := bound(s.Max, c.Type)
		out.ranged, out.min, out.max = ok1 && ok2, low, high
		return out, true
	}
	if n.Stats == nil || n.Columns[col] >= len(n.Stats.Columns) {
		return values{}, false
	}
	s := n.Stats.Columns[n.Columns[col]]
	return values{rows: n.Stats.Rows, distinct: s.Distinct, nulls: s.Nulls, noNulls: true, ranged: s.Ranged, min: s.Min, max: s.Max}, true
}

// bound reads a least or largest value as ANALYZE TABLE has written it.
func bound(text string, t types.Type) (float64, bool) {
	switch {
	case t.Kind == types.Date:
		d, err := time.Parse("2006-01-02", text)
		return float64(d.Unix() / 86400), err == nil
	case t.Stamp():
		d, err := time.Parse("2006-01-02 15:04:05", text) // and a fraction, if there is one
		return float64(d.UnixMicro()), err == nil
	case t.Numeric():
		v, err := strconv.ParseFloat(text, 64)
		return v, err == nil
	}
	return 0, false
}

// distinct is how many values a column has, as far as it is known.
func distinct(n logical.Node, col int) (float64, bool) {
	v, ok := column(n, col)
	return v.distinct, ok && v.distinct > 0
}

// A span is the part of a column's values that comparisons with constants leave.
type span struct {
	col      int
	low      float64 // the share below it
	high     float64
	nonNulls float64
}

// spans takes the comparisons of columns with constants out of conjuncts that bound a
// column whose range is known. Together they say more than each alone: of a year
// between two dates neither knows.
func spans(in logical.Node, list []*expr.Expr) (out []span, rest []*expr.Expr) {
	for _, c := range list {
		col, below, upper, ok := bounds(in, c)
		if !ok {
			rest = append(rest, c)
			continue
		}
		at := -1
		for i := range out {
			if out[i].col == col {
				at = i
			}
		}
		if at < 0 {
			v, _ := column(in, col)
			at = len(out)
			out = append(out, span{col: col, high: 1, nonNulls: 1 - v.nulls})
		}
		if s := &out[at]; upper {
			s.high = math.Min(s.high, below)
		} else {
			s.low = math.Max(s.low, below)
		}
	}
	return out, rest
}

// passes is the share of rows in a span: at least that of one of a thousand values.
func (s span) passes() float64 { return s.nonNulls * math.Max(s.high-s.low, 0.001) }

// bounds reads a comparison with a constant: the share of the column's values below
// the constant, and whether that bounds them from above.
func bounds(in logical.Node, c *expr.Expr) (col int, below float64, upper, ok bool) {
	switch {
	case len(c.Args) != 2:
		return 0, 0, false, false
	case c.Is("<"), c.Is("<="):
		upper = true
	case c.Is(">"), c.Is(">="):
	default:
		return 0, 0, false, false
	}
	x, k := c.Args[0], c.Args[1]
	if x.Op == expr.Lit {
		x, k, upper = k, x, !upper
	}
	if x.Op != expr.Col {
		return 0, 0, false, false
	}
	v, known := column(in, x.Index)
	if !known || !v.ranged {
		return 0, 0, false, false
	}
	below, ok = v.below(k)
	return x.Index, below, upper, ok
}

// below is the share of the values below a constant, if they are spread evenly.
func (v values) below(constant *expr.Expr) (float64, bool) {
	k, ok := number(constant)
	switch {
	case !ok:
		return 0, false
	case v.max > v.min:
		return math.Min(1, math.Max(0, (k-v.min)/(v.max-v.min))), true
	case k > v.min:
		return 1, true
	}
	return 0, true
}

// knownPass is the share of an input's rows for which a comparison of a column
// with a constant holds, by the column's statistics.
func knownPass(in logical.Node, c *expr.Expr) (float64, bool) {
	if len(c.Args) == 0 || c.Args[0].Op != expr.Col {
		return 0, false
	}
	v, ok := column(in, c.Args[0].Index)
	if !ok {
		return 0, false
	}
	switch {
	case c.Is("IS NULL"):
		return v.nulls, v.noNulls
	case c.Is("IS NOT NULL"):
		return 1 - v.nulls, v.noNulls
	case v.distinct <= 0 || len(c.Args) < 2 || c.Args[1].Op == expr.Col:
		return 0, false
	case c.Is("="):
		return (1 - v.nulls) / v.distinct, true
	case c.Is("<>"):
		return (1 - v.nulls) * (1 - 1/v.distinct), true
	case c.Is("IN"):
		return (1 - v.nulls) * math.Min(1, float64(len(c.Args)-1)/v.distinct), true
	}
	return 0, false
}

// number is a constant in the units of values.
func number(e *expr.Expr) (float64, bool) {
	if e.Op != expr.Lit {
		return 0, false
	}
	counted := e.Type.Numeric() || e.Type.Kind == types.Date || e.Type.Stamp() && e.Type.Prec <= 6
	switch v := e.Value.(type) {
	case int64:
		if e.Type.Kind == types.Decimal {
			return float64(v) / math.Pow10(e.Type.Scale), true
		}
		return float64(v), counted
	case float64:
		return v, true
	case types.Int128:
		f, err := strconv.ParseFloat(v.String(), 64)
		return f / math.Pow10(e.Type.Scale), err == nil && e.Type.Kind == types.Decimal
	}
	return 0, false
}

// outerJoin reports whether a join may fill up a side with NULLs.
func outerJoin(k jobgraph.JoinKind) bool {
	return k == jobgraph.Left || k == jobgraph.Right || k == jobgraph.Full
}

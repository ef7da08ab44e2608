package cost

import (
	"math"
	"strconv"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
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

// column is what is known of a column's values: of a table's column that nodes in
// between only hand on, or nil.
func column(n logical.Node, col int) (*catalog.ColumnStats, types.Type, float64) {
	for {
		switch x := n.(type) {
		case *logical.Scan:
			rows, ok := analyzed(x.Table)
			if !ok || col >= len(x.Columns) {
				return nil, types.Type{}, 0
			}
			c := &x.Table.Columns[x.Columns[col]]
			return x.Table.Stats.Columns[c.Name], c.Type, rows
		case *logical.Filter:
			n = x.Input
		case *logical.Project:
			if x.Exprs[col].Op != expr.Col {
				return nil, types.Type{}, 0
			}
			n, col = x.Input, x.Exprs[col].Index
		default:
			return nil, types.Type{}, 0
		}
	}
}

// distinct is how many values a column has, as far as it is known.
func distinct(n logical.Node, col int) (float64, bool) {
	s, _, _ := column(n, col)
	if s == nil || s.Distinct == nil {
		return 0, false
	}
	return math.Max(1, float64(*s.Distinct)), true
}

// knownPass is the share of an input's rows for which a comparison of a column
// with a constant holds, by the column's statistics.
func knownPass(in logical.Node, c *expr.Expr) (float64, bool) {
	if len(c.Args) == 1 && c.Args[0].Op == expr.Col && (c.Is("IS NULL") || c.Is("IS NOT NULL")) {
		return nullPass(in, c)
	}
	if len(c.Args) < 2 || c.Args[0].Op != expr.Col {
		return 0, false
	}
	s, t, rows := column(in, c.Args[0].Index)
	if s == nil {
		return 0, false
	}
	filled := 1.0
	if s.Nulls != nil && rows > 0 {
		filled = 1 - float64(*s.Nulls)/rows
	}
	switch {
	case s.Distinct != nil && c.Is("="):
		return filled / math.Max(1, float64(*s.Distinct)), true
	case s.Distinct != nil && c.Is("<>"):
		return filled * (1 - 1/math.Max(1, float64(*s.Distinct))), true
	case s.Distinct != nil && c.Is("IN"):
		return filled * math.Min(1, float64(len(c.Args)-1)/math.Max(1, float64(*s.Distinct))), true
	case c.Is("<"), c.Is("<="), c.Is(">"), c.Is(">="):
		below, ok := share(s, t, c.Args[1])
		if c.Is(">") || c.Is(">=") {
			below = 1 - below
		}
		return filled * below, ok
	}
	return 0, false
}

func nullPass(in logical.Node, c *expr.Expr) (float64, bool) {
	s, _, rows := column(in, c.Args[0].Index)
	if s == nil || s.Nulls == nil || rows == 0 {
		return 0, false
	}
	nulls := float64(*s.Nulls) / rows
	if c.Is("IS NULL") {
		return nulls, true
	}
	return 1 - nulls, true
}

// share is the part of a numeric column's values below a constant, if they are
// spread evenly between the least and the largest.
func share(s *catalog.ColumnStats, t types.Type, constant *expr.Expr) (float64, bool) {
	lo, err1 := strconv.ParseFloat(s.Min, 64)
	hi, err2 := strconv.ParseFloat(s.Max, 64)
	v, ok := number(constant)
	if !t.Numeric() || err1 != nil || err2 != nil || !ok {
		return 0, false
	}
	if hi <= lo {
		if v > lo {
			return 1, true
		}
		return 0, true
	}
	return math.Min(1, math.Max(0, (v-lo)/(hi-lo))), true
}

func number(e *expr.Expr) (float64, bool) {
	if e.Op != expr.Lit {
		return 0, false
	}
	switch v := e.Value.(type) {
	case int64:
		return float64(v) / math.Pow10(e.Type.Scale), e.Type.Numeric()
	case float64:
		return v, true
	case types.Int128:
		f, err := strconv.ParseFloat(v.String(), 64)
		return f / math.Pow10(e.Type.Scale), err == nil && e.Type.Numeric()
	}
	return 0, false
}

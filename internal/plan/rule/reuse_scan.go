package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// reuseScans makes the scans of one table one, though they want other columns of
// it: a stream is read once, and a generated one is the same for all its readers.
// Scans that tell their source different filters stay apart. A batch would have to
// keep the rows for the slower reader, so there only equal scans are shared.
func reuseScans(c *context, job *logical.Job) {
	groups := map[string][]*logical.Scan{}
	for _, n := range inputsLast(job) {
		if s, ok := n.(*logical.Scan); ok && s.Limit < 0 {
			k := scanKey(s)
			groups[k] = append(groups[k], s)
		}
	}
	wide := map[logical.Node]*logical.Scan{}
	for _, list := range groups {
		if len(list) > 1 {
			w := widest(list)
			for _, s := range list {
				wide[s] = w
			}
		}
	}
	c.each(job, func(_ *context, n logical.Node) logical.Node {
		w := wide[n]
		if w == nil {
			return n
		}
		return narrowed(n.(*logical.Scan), w)
	})
}

// scanKey is what scans must have in common: the table, its options and the
// filter, in columns of the table.
func scanKey(s *logical.Scan) string {
	var b strings.Builder
	keys := make([]string, 0, len(s.Options))
	for k, v := range s.Options {
		keys = append(keys, fmt.Sprintf("%q=%q", k, v))
	}
	slices.Sort(keys)
	fmt.Fprintf(&b, "%v %v ", s.Table.Path, keys)
	for _, e := range s.Filter {
		exprText(&b, expr.Remap(e, func(c int) int { return s.Columns[c] }))
	}
	return b.String()
}

func widest(list []*logical.Scan) *logical.Scan {
	fields := map[int]types.Field{}
	for _, s := range list {
		for i, c := range s.Columns {
			if _, ok := fields[c]; !ok {
				fields[c] = s.Out[i]
			}
		}
	}
	out := *list[0]
	out.Columns, out.Out, out.Filter = nil, nil, nil
	for c := range out.Table.Columns {
		if f, ok := fields[c]; ok {
			out.Columns, out.Out = append(out.Columns, c), append(out.Out, f)
		}
	}
	for _, e := range list[0].Filter {
		out.Filter = append(out.Filter, expr.Remap(e, func(c int) int { return slices.Index(out.Columns, list[0].Columns[c]) }))
	}
	return &out
}

func narrowed(s, wide *logical.Scan) logical.Node {
	if slices.Equal(s.Columns, wide.Columns) {
		return wide
	}
	exprs := make([]*expr.Expr, len(s.Columns))
	for i, c := range s.Columns {
		exprs[i] = expr.Column(slices.Index(wide.Columns, c), s.Out[i].Type)
	}
	return &logical.Project{Input: wide, Exprs: exprs, Out: s.Out}
}

package millrace

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/parse"
	"github.com/millrace-io/millrace/internal/sql/print"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// analyze carries out ANALYZE TABLE: a query over the table, or over each of the
// partitions that are named, whose results the catalog keeps for the planner.
func (s *Session) analyze(ctx context.Context, a *ast.Analyze) (*Result, error) {
	t, err := s.cat.Table(a.Table.Strings()...)
	if err != nil {
		return nil, at(a.Table, err)
	}
	if !s.batch() {
		return nil, at(a, &base.Error{Msg: "ANALYZE TABLE counts the rows of a table, and a stream has no end", Hint: "SET 'execution.runtime-mode' = 'batch'"})
	}
	cols, err := analyzed(t, a)
	if err != nil {
		return nil, err
	}
	n := *t
	n.Stats = &catalog.Stats{}
	if t.Stats != nil {
		*n.Stats = *t.Stats
	}
	if len(a.Partition) == 0 {
		parts := n.Stats.Partitions
		if n.Stats, err = s.count(ctx, t, cols, ""); err == nil {
			n.Stats.Partitions = parts
		}
	} else {
		n.Stats.Partitions, err = s.countPartitions(ctx, a, t, cols)
	}
	if err != nil {
		return nil, err
	}
	return &Result{}, at(a.Table, s.cat.Replace(&n, t))
}

// analyzed are the columns that ANALYZE looks at: none, those named, or all whose
// values are stored.
func analyzed(t *catalog.Table, a *ast.Analyze) ([]int, error) {
	var out []int
	for i, c := range t.Columns {
		if a.AllColumns && c.Kind == catalog.Physical {
			out = append(out, i)
		}
	}
	for _, name := range a.Columns {
		i := t.Column(name.Text)
		switch {
		case i < 0:
			return nil, at(name, base.Errorf(base.Pos{}, "unknown column '%s' in table '%s'", name.Text, t.Path.Name))
		case t.Columns[i].Kind != catalog.Physical:
			return nil, at(name, base.Errorf(base.Pos{}, "column '%s' is computed or metadata: statistics are of columns that are stored", name.Text))
		}
		out = append(out, i)
	}
	return out, nil
}

// countPartitions counts each partition that PARTITION (…) names, and returns
// what is known of all.
func (s *Session) countPartitions(ctx context.Context, a *ast.Analyze, t *catalog.Table, cols []int) (map[string]*catalog.Stats, error) {
	_, st, err := s.stored(a.Table)
	if err != nil {
		return nil, err
	}
	want, err := s.binder.Partition(t, a.Table, a.Partition, false)
	if err != nil {
		return nil, err
	}
	all, err := st.Partitions()
	if err != nil {
		return nil, err
	}
	out := map[string]*catalog.Stats{}
	if t.Stats != nil {
		maps.Copy(out, t.Stats.Partitions)
	}
	names := map[string]bool{}
	for _, p := range all {
		name := st.PartitionName(p)
		names[name] = true
		if !within(p, want) {
			continue
		}
		if out[name], err = s.count(ctx, t, cols, partitionCondition(t, p)); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(out, func(name string, _ *catalog.Stats) bool { return !names[name] }) // dropped since
	return out, nil
}

// partitionCondition is SQL that holds for the rows of a partition.
func partitionCondition(t *catalog.Table, values []*string) string {
	var out []string
	for i, c := range t.PartitionBy {
		col := &t.Columns[c]
		if values[i] == nil {
			out = append(out, print.Name(col.Name)+" IS NULL")
			continue
		}
		out = append(out, fmt.Sprintf("%s = CAST(%s AS %s)", print.Name(col.Name), print.String(*values[i]), col.Type.Plain().Name()))
	}
	return " WHERE " + strings.Join(out, " AND ")
}

// count runs the query that finds statistics.
func (s *Session) count(ctx context.Context, t *catalog.Table, cols []int, where string) (*catalog.Stats, error) {
	items := []string{"COUNT(*)"}
	for _, c := range cols {
		items = append(items, statistics(t.Columns[c].Name, t.Columns[c].Type)...)
	}
	for i, x := range items {
		items[i] = "CAST(" + x + " AS STRING)"
	}
	q, err := parse.Query("SELECT " + strings.Join(items, ", ") + " FROM " + t.Path.Quoted() + where)
	if err != nil {
		return nil, fmt.Errorf("analyze %s: %w", t.Path, err)
	}
	row, err := s.one(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("analyze %s: %w", t.Path, err)
	}
	if row == nil { // a global aggregate over no rows of a table that is known to be empty
		row = make([]string, len(items))
	}
	out := &catalog.Stats{Rows: integer(row[0]), Columns: map[string]*catalog.ColumnStats{}}
	row = row[1:]
	for _, c := range cols {
		out.Columns[t.Columns[c].Name] = columnStats(t.Columns[c].Type, *out.Rows, row)
		row = row[len(statistics("", t.Columns[c].Type)):]
	}
	return out, nil
}

// statistics are the expressions that tell about a column's values: how many are
// not NULL, and, for types that have them, distinct ones, least and largest, or
// lengths.
func statistics(name string, t types.Type) []string {
	n := print.Name(name)
	switch {
	case t.Character():
		return []string{"COUNT(" + n + ")", "COUNT(DISTINCT " + n + ")", "AVG(CAST(CHAR_LENGTH(" + n + ") AS DOUBLE))", "MAX(CHAR_LENGTH(" + n + "))"}
	case ordered(t):
		return []string{"COUNT(" + n + ")", "COUNT(DISTINCT " + n + ")", "MIN(" + n + ")", "MAX(" + n + ")"}
	case t.Kind == types.Boolean:
		return []string{"COUNT(" + n + ")", "COUNT(DISTINCT " + n + ")"}
	}
	return []string{"COUNT(" + n + ")"}
}

func ordered(t types.Type) bool {
	return t.Numeric() || t.Stamp() || t.Kind == types.Date || t.Kind == types.Time
}

func columnStats(t types.Type, rows int64, row []string) *catalog.ColumnStats {
	out := &catalog.ColumnStats{}
	nulls := rows - *integer(row[0])
	out.Nulls = &nulls
	if len(row) > 1 && len(statistics("", t)) > 1 {
		out.Distinct = integer(row[1])
	}
	switch {
	case t.Character():
		if v, err := strconv.ParseFloat(row[2], 64); err == nil {
			out.AvgLen = &v
		}
		if row[3] != "" {
			out.MaxLen = integer(row[3])
		}
	case ordered(t):
		out.Min, out.Max = row[2], row[3]
	}
	return out
}

func integer(text string) *int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // counts, as CAST writes them; "" is none
	return &n
}

// one runs a query of one row of strings; NULL is "".
func (s *Session) one(ctx context.Context, q *ast.Query) ([]string, error) {
	job, err := s.binder.Job(q)
	if err != nil {
		return nil, err
	}
	var out []string
	res, err := s.start(ctx, job, func(_ types.Schema, b *vec.Batch) error {
		for i := range b.Len() {
			out = slices.Grow(out[:0], len(b.Cols))
			for _, c := range b.Cols {
				text := ""
				if c := vec.Flat(c).(*vec.Bytes); !c.Null(b.Row(i)) {
					text = string(c.At(b.Row(i)))
				}
				out = append(out, text)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, res.Job.Wait(ctx)
}

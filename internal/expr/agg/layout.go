package agg

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// A Layout is how the calls of an operator lie in a group's entry and in a
// partial row.
//
//	entry    | rows? | words of call 0 | words of call 1 | …
//	partial  | rows? | columns of the calls without a set … | a BYTES column for each set |
//
// rows is the number of rows of the group; a partial has it when rows also leave.
// DISTINCT calls, and MIN and MAX over rows that leave, see their rows through a
// set of the values of their column (exec keeps it); calls over one column share
// it. Their accumulators are not in a partial: they follow from the sets.
type Layout struct {
	Calls    []Placed
	Sets     []Set
	Packs    []Pack
	Words    int
	Blobs    []int
	Rows     int // the word of the row count, or -1
	Retracts bool
}

// Placed is a call in its place.
type Placed struct {
	Agg
	Arg    int  // the column, -1 for COUNT(*)
	Filter int  // the BOOLEAN column, or -1
	Set    int  // -1: the call sees its rows itself
	Num    int  // the counter of the set, which stands for the filter
	Shared bool // it is the row count: nothing to do but to read
}

// A Pack is a column that is made for a call of several arguments, or with ORDER
// BY: a ROW of the arguments' columns and, with Order, of BYTES that sort as the
// order asks (keyenc.AppendSortKey). A row is NULL when the first argument is,
// unless NULLs are values.
// Placed.Arg and Set.Col count packs from PackBase.
type Pack struct {
	Cols  []int
	Order []jobgraph.SortKey
	Nulls bool
}

// PackBase is where the numbers of packs begin.
const PackBase = 1 << 20

// A Set is the values of a column that some calls see once each.
type Set struct {
	Col     int
	Type    types.Type
	Nulls   bool  // NULL is a value
	Filters []int // by counter: the filter's column, or -1
}

// setFiltersMax is how many filters the DISTINCT calls over one column may have,
// SetExtremesMax how many of its calls may be a MIN or MAX.
const (
	setFiltersMax  = 64
	SetExtremesMax = 16
)

// NewLayout places calls. rows asks for a row count; with share a COUNT(*) is the
// row count.
func NewLayout(calls []jobgraph.AggCall, retracts, rows, share bool) (*Layout, error) {
	l := &Layout{Rows: -1, Retracts: retracts}
	if rows || retracts {
		l.Rows, l.Words = 0, 1
	}
	for _, c := range calls {
		p := Placed{Arg: -1, Filter: c.Filter, Set: -1}
		if len(c.Args) > 0 {
			p.Arg = c.Args[0]
		}
		packed, err := l.pack(&c, &p)
		if err != nil {
			return nil, err
		}
		extreme := c.Func == "MIN" || c.Func == "MAX"
		if p.Agg, err = New(packed, retracts && !extreme); err != nil {
			return nil, err
		}
		distinct := c.Distinct && p.Arg >= 0 && !extreme || c.Func == "APPROX_COUNT_DISTINCT"
		if distinct || extreme && retracts {
			if p.Set, p.Num, err = l.set(p.Arg, c); err != nil {
				return nil, err
			}
		}
		if share && l.Rows >= 0 && c.Func == "COUNT" && p.Arg < 0 && p.Filter < 0 {
			p.Shared = true
			p.Bind(l.Rows)
			l.Calls = append(l.Calls, p)
			continue
		}
		p.Bind(l.Words)
		for _, b := range p.Blobs() {
			l.Blobs = append(l.Blobs, l.Words+b)
		}
		l.Words += p.Words()
		l.Calls = append(l.Calls, p)
	}
	return l, nil
}

// pack makes a call of several columns one of a pack.
func (l *Layout) pack(c *jobgraph.AggCall, p *Placed) (jobgraph.AggCall, error) {
	out := *c
	cols, fields := []int(nil), []types.Field(nil)
	for i, col := range c.Args {
		if i > 0 && i < len(c.Consts) && c.Consts[i] != nil {
			continue
		}
		cols, fields = append(cols, col), append(fields, types.Field{Type: c.ArgTypes[i]})
	}
	if len(cols) < 2 && len(c.Order) == 0 {
		return out, nil
	}
	if c.Distinct {
		return out, fmt.Errorf("%s(DISTINCT …) of several columns or with ORDER BY is not supported", c.Func)
	}
	if len(c.Order) > 0 {
		fields = append(fields, types.Field{Type: types.TBytes})
	}
	p.Arg = PackBase + len(l.Packs)
	l.Packs = append(l.Packs, Pack{Cols: cols, Order: c.Order, Nulls: keepsNulls(c.Func)})
	out.ArgTypes = append([]types.Type{types.RowOf(fields...)}, c.ArgTypes[1:]...)
	return out, nil
}

// set returns the set and counter for a call over a column.
func (l *Layout) set(col int, c jobgraph.AggCall) (set, num int, err error) {
	nulls := c.Func == "ARRAY_AGG"
	set = slices.IndexFunc(l.Sets, func(s Set) bool { return s.Col == col && s.Nulls == nulls })
	if set < 0 {
		set = len(l.Sets)
		l.Sets = append(l.Sets, Set{Col: col, Type: c.ArgTypes[0], Nulls: nulls})
	}
	s := &l.Sets[set]
	num = slices.Index(s.Filters, c.Filter)
	if num >= 0 {
		return set, num, nil
	}
	if len(s.Filters) == setFiltersMax {
		return 0, 0, fmt.Errorf("more than %d filters on the DISTINCT aggregates of one column", setFiltersMax)
	}
	s.Filters = append(s.Filters, c.Filter)
	return set, len(s.Filters) - 1, nil
}

// Additive reports whether groups are put together by adding their words, so that one can
// be taken out of another again (AddWords): counts and sums of integers, which wrap.
func (l *Layout) Additive() bool {
	for _, c := range l.Calls {
		switch c.Agg.(type) {
		case *count, *sumInt:
		default:
			return false
		}
	}
	return len(l.Sets) == 0
}

// Partial returns the types of the columns of a partial row.
func (l *Layout) Partial() []types.Type {
	var out []types.Type
	if l.Retracts {
		out = append(out, types.TBigInt.Nullable(false))
	}
	for _, c := range l.Calls {
		if c.Set < 0 && !c.Shared {
			out = append(out, c.Partial()...)
		}
	}
	for range l.Sets {
		out = append(out, types.TBytes.Nullable(false))
	}
	return out
}

// PartialTypes returns the types of the columns that a local aggregate emits
// after its keys, and a global one takes.
func PartialTypes(calls []jobgraph.AggCall, retracts bool) ([]types.Type, error) {
	l, err := NewLayout(calls, retracts, false, false)
	if err != nil {
		return nil, err
	}
	return l.Partial(), nil
}

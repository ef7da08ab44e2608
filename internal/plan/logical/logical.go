// Package logical is the algebra between the binder and the physical planner: a
// tree of relations with typed expressions, without a word on how they run.
//
// Nodes are not changed once built; rules copy. Columns are numbered in a node's
// input; a join's condition sees the left columns, then the right ones. The
// binder makes the plain tree; rules bring it into the forms that the physical
// planner knows (Window, Rank, Dedup and IntervalJoin come from rules).
package logical

import (
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// A Node is a relation.
type Node interface {
	// Schema is the columns, with their time attributes.
	Schema() types.Schema
	Inputs() []Node
	// With returns a copy with other inputs, as many as before.
	With(inputs []Node) Node
}

// A Scan reads a table: physical, metadata and computed columns, in the order of
// the DDL. What a computed column is, and the watermark, stand typed in the
// table (Column.Value, Watermark.Value). Two scans of one table are equal when
// their fields are.
type Scan struct {
	Table   *catalog.Table
	Options map[string]string // of the table, with OPTIONS hints applied
	// Columns are the positions in Table.Columns that are read, in output order;
	// the binder asks for all, a rule for fewer.
	Columns []int
	Filter  []*expr.Expr // conjuncts over the output that the scan may apply; they also stand above
	Limit   int64        // -1: all
	// Stats is what the connector knows of the rows, by the positions in Table.Columns;
	// nil: nothing.
	Stats *connect.Statistics
	Out   types.Schema
	Pos   base.Pos
}

// Values is constant rows.
type Values struct {
	Rows [][]*expr.Expr
	Out  types.Schema
}

// A Filter keeps the rows for which Cond is TRUE.
type Filter struct {
	Input Node
	Cond  *expr.Expr
}

// A Project computes columns.
type Project struct {
	Input Node
	Exprs []*expr.Expr
	Out   types.Schema
}

// A Join of two relations. The binder leaves the time attributes of both sides
// in Out: whether they survive (interval and window joins) or not (all others)
// is known when a rule has given the join its form.
type Join struct {
	Left, Right Node
	JoinKind    jobgraph.JoinKind
	Cond        *expr.Expr // nil is TRUE
	Hints       []Hint
	Out         types.Schema
	Pos         base.Pos
	// Interval and Window are set by rules when Cond bounds the distance of the
	// sides' rowtimes, or asks for equal windows. Cond stays whole.
	Interval *Interval
	Window   *WindowPair
}

// An Interval says that right + Lower <= left <= right + Upper, in microseconds,
// for two rowtime columns: each numbered in its own input.
type Interval struct {
	LeftTime, RightTime int
	Lower, Upper        int64
}

// A WindowPair names the window columns of a join's inputs, each numbered in its
// own input.
type WindowPair struct {
	LeftStart, LeftEnd   int
	RightStart, RightEnd int
	Granule              int64
	Zone                 string
}

// A TemporalJoin is `left JOIN right FOR SYSTEM_TIME AS OF time`. Right is a
// versioned table (primary key and rowtime) or, with a processing time, a table
// to look up.
type TemporalJoin struct {
	Left, Right Node
	JoinKind    jobgraph.JoinKind // Inner or Left
	Time        *expr.Expr        // over the left columns: a time attribute
	Cond        *expr.Expr
	Hints       []Hint
	Out         types.Schema
	Pos         base.Pos
	// Versions is set by a rule: every row of Right is a version of its key.
	Versions bool
}

// A Correlate calls a table function (fn.TableFunc) with expressions over each row
// of its input and gives the row with each of the rows that the function returns:
// the input's columns, then the function's, then the ordinality. With Left a row
// for which it returns none comes once, with NULLs.
type Correlate struct {
	Input      Node
	JoinKind   jobgraph.JoinKind // Inner or Left
	Func       string            // upper case
	Args       []*expr.Expr
	Ordinality bool // the place among the rows of one call, from 1, as a last INT column
	Out        types.Schema
	Pos        base.Pos
}

// A Hint is one of /*+ … */ that a rule may obey.
type Hint struct {
	Name string
	Args []string
	KV   map[string]string
}

// An Agg is one aggregate call; arguments are columns of the input.
type Agg struct {
	jobgraph.AggCall
	Name string
	Pos  base.Pos
}

// An Aggregate groups by columns of its input. With Sets it is the union of the
// groupings by each set of positions in Keys; keys outside a set are NULL; the
// output then ends with a BIGINT grouping id, see GroupingID. No calls: DISTINCT.
//
// Keys lose their time attribute, but for the window_time of a window table
// function when its window_start and window_end are keys too (WindowColumn).
type Aggregate struct {
	Input Node
	Keys  []int
	Sets  [][]int
	Aggs  []Agg
	// Window is set by a rule (or the binder for legacy group windows) when Keys
	// hold the window's columns: the result comes per window. Keys then exclude
	// them and Props say which are emitted after the calls.
	Window *jobgraph.Window
	Props  []jobgraph.WindowProp
	TTL    string // STATE_TTL: how long a group is kept; "" is as long as the session says
	Out    types.Schema
	Late   *LateRows // EMIT LATE INTO, or nil
	// Emit, of a group window of a stream, tells results before and after its end.
	Emit *jobgraph.WindowEmit
	Pos  base.Pos
}

// LateRows are the rows that an aggregate by window drops because their window is
// complete, on their way into a table: once for each window that drops them.
type LateRows struct {
	Cols  []int        // of the aggregate's input
	Exprs []*expr.Expr // the sink's columns, over Cols and the window's start and end
	Sink  *Sink        // without an input
}

// GroupingID is the grouping id of n.Sets[i]: from the right, bit j is set when
// key len(Keys)-1-j is not in the set; equal sets differ in the bits above.
func (n *Aggregate) GroupingID(i int) int64 {
	id := int64(1)<<len(n.Keys) - 1
	for _, k := range n.Sets[i] {
		id &^= 1 << (len(n.Keys) - 1 - k)
	}
	for j := range i {
		if slices.Equal(n.Sets[j], n.Sets[i]) {
			id += 1 << len(n.Keys)
		}
	}
	return id
}

// A WindowTVF appends window_start, window_end and window_time.
type WindowTVF struct {
	Input  Node
	Window jobgraph.Window
	Out    types.Schema
	Pos    base.Pos
}

// Over appends a column for each call; calls of one node share partition and
// order. A call without ORDER BY has the frame of the whole partition; ranking
// functions have the zero Frame.
type Over struct {
	Input     Node
	Partition []int
	Order     []jobgraph.SortKey
	Calls     []jobgraph.OverCall
	Out       types.Schema
	Pos       base.Pos
}

// A Match finds row patterns in the rows of each partition: MATCH_RECOGNIZE with
// ONE ROW PER MATCH. Its columns are those of the partition, then the measures.
// Conditions and measures see the input's columns, then a column for each of Refs,
// as in jobgraph.Match.
type Match struct {
	Input     Node
	Partition []int
	Order     []jobgraph.SortKey // a time attribute first, ascending
	Vars      []jobgraph.MatchVar
	Skip      jobgraph.MatchSkip
	SkipVar   int
	Within    int64 // microseconds, 0: no bound
	Refs      []jobgraph.MatchRef
	Measures  []*expr.Expr
	Out       types.Schema
	Pos       base.Pos
}

// Names are the names that conditions and measures know their columns by.
func (n *Match) Names() []string {
	in := n.Input.Schema().Names()
	return append(slices.Clone(in), jobgraph.MatchNames(n.Refs, n.Vars, in)...)
}

// A Sort orders rows and keeps From..To of them (1-based, inclusive; To < 0 is
// all). No Order is a LIMIT.
type Sort struct {
	Input    Node
	Order    []jobgraph.SortKey
	From, To int64
	Pos      base.Pos
}

// SetKind is a set operation.
type SetKind uint8

// The set operations; Union with All only concatenates.
const (
	Union SetKind = iota
	Intersect
	Except
)

// A SetOp combines relations of equal types.
type SetOp struct {
	SetKind SetKind
	All     bool
	In      []Node
	Out     types.Schema
	Pos     base.Pos
}

// A Rank keeps the rows numbered From..To of each partition; made by a rule from
// a filter over ROW_NUMBER, RANK or DENSE_RANK. Number appends the number.
type Rank struct {
	Input     Node
	RankKind  jobgraph.RankKind
	Partition []int
	Order     []jobgraph.SortKey
	From, To  int64
	Number    bool
	Out       types.Schema
	Pos       base.Pos
	// Window is set by a rule when Partition holds the bounds of the input's
	// window: results come per window. Partition keeps them.
	Window *RankWindow
}

// A RankWindow names the input's window columns.
type RankWindow struct {
	Start, End int
	Granule    int64
	Zone       string
}

// A Sink writes a table; its input has exactly the table's persisted columns.
type Sink struct {
	Input     Node
	Table     *catalog.Table
	Options   map[string]string
	Overwrite bool
	Replace   bool           // with Overwrite: of the whole table, as UPDATE and DELETE do
	Static    map[int]string // partition columns with a constant value, by table column
	Conflict  string         // ON CONFLICT: "", "NOTHING", "ERROR", "DEDUPLICATE"
	Pos       base.Pos
}

// Collect hands rows to the client: a SELECT at the top level. A Sort right under
// it keeps the order of the output in a batch.
type Collect struct{ Input Node }

// A Job is what runs together: one INSERT, a statement set or a SELECT.
type Job struct {
	Name  string
	Roots []Node // Sinks, or one Collect
}

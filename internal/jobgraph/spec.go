package jobgraph

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
)

// A Spec says what an operator does. The types of this file, and Match, are the only
// ones.
//
// Columns are numbered in the operator's input; a join's condition sees the
// left columns, then the right ones. Input 0 is the left one.
type Spec interface{ Kind() string }

// Emit is when a stateful operator tells its results.
type Emit uint8

// The emission policies. OnChange is a stream's. AtEnd gives each result once,
// when the input has ended. Windows, which know by the watermark when a result
// is final, have OnChange and simply get only the last watermark in a batch.
const (
	OnChange Emit = iota
	AtEnd
)

// Calc filters, then projects.
type Calc struct {
	Filter  *expr.Expr   `json:",omitempty"`
	Project []*expr.Expr // nil means all columns as they are
}

// Values is a source of constant rows: each a list of constant expressions. It
// stands in a vertex of parallelism 1 as first operator, without inputs.
type Values struct {
	Rows  [][]*expr.Expr
	Types []types.Type
}

// An AggCall is one aggregate function over columns.
type AggCall struct {
	Func     string // upper case: COUNT, SUM, MIN …
	Args     []int  // empty for COUNT(*)
	ArgTypes []types.Type
	Distinct bool
	Filter   int // a BOOLEAN column, or -1
	Ret      types.Type
	Order    []SortKey `json:",omitempty"` // ARRAY_AGG(x ORDER BY y)
	Consts   []any     `json:",omitempty"` // by argument: its value if it is constant (LISTAGG's separator), else nil
}

// Phase is the part of a two-phase aggregation.
type Phase uint8

// The phases. A local aggregate emits its keys, then one column for each word
// and blob of its accumulators (agg.Partial has their types); a global one takes
// these. They are combined in the order of Aggs.
const (
	Single Phase = iota
	Local
	Global
)

// GroupAgg groups by columns and aggregates. It emits the keys, then a column
// for each call. No keys mean one group; AtEnd it is emitted even over no rows.
type GroupAgg struct {
	Keys       []int
	Aggs       []AggCall
	Phase      Phase
	Emit       Emit
	Retracts   bool         // the input has -U or -D
	SendBefore bool         // the output needs -U before +U
	Fold       bool         // mini-batch: several changes to a key may become one
	FoldRows   int          `json:",omitempty"` // table.exec.mini-batch.size; 0 means a batch at a time
	FoldMs     int64        `json:",omitempty"` // table.exec.mini-batch.allow-latency
	TTLMs      int64        `json:",omitempty"` // state time-to-live, 0 means for ever
	InputTypes []types.Type // of what flows in: Global has the types of partial rows
}

// WindowKind is the shape of a window.
type WindowKind uint8

// The shapes.
const (
	Tumble WindowKind = iota
	Hop
	Cumulate
	Session
)

func (k WindowKind) String() string {
	return windowKindNames[k]
}

// A Window cuts event time. Times are in microseconds, but for Months.
type Window struct {
	WKind  WindowKind
	Time   int   // the rowtime column; -1: the rows already have Start and End
	Size   int64 // CUMULATE: the maximum size; SESSION: the gap
	Slide  int64 // HOP: the slide; CUMULATE: the step
	Offset int64
	// Months: Size, Slide and OffsetMonths count months of the calendar, and windows
	// begin with a month, moved by Offset. A CUMULATE may have steps of Step
	// microseconds instead (Slide 0); the last of a window is then cut short.
	Months       bool  `json:",omitempty"`
	OffsetMonths int64 `json:",omitempty"`
	Step         int64 `json:",omitempty"`

	Start    int    // with Time -1: columns with the window's bounds (TIMESTAMP)
	End      int    // …
	Zone     string `json:",omitempty"` // of a TIMESTAMP_LTZ rowtime: windows align to local time
	Proctime bool   `json:",omitempty"`
	// Granule is the unit of the rowtime: 1000 for precision <= 3, else 1. A
	// window [s, e) is complete when the watermark reaches e - Granule.
	Granule int64
	Session []int `json:",omitempty"` // SESSION: the PARTITION BY columns
}

// WindowTVF is a window table function by itself: it appends window_start,
// window_end (TIMESTAMP) and window_time (rowtime) to each row, once for each
// window that the row is in. It drops nothing.
type WindowTVF struct {
	Window Window
	Types  []types.Type // of the input
}

// WindowProp is a column about the window that a WindowAgg emits.
type WindowProp uint8

// The properties.
const (
	WindowStart WindowProp = iota
	WindowEnd
	WindowTime // end - granule, a rowtime
)

// WindowAgg groups by window and columns. It emits the keys, a column for each
// call, then the Props. Each result comes once, when the watermark passes the
// window's end; late rows are dropped and counted.
type WindowAgg struct {
	Window     Window
	Keys       []int
	Aggs       []AggCall
	Props      []WindowProp
	Phase      Phase // Local emits keys, accumulators, then the slice's end (BIGINT microseconds, UTC or local as aligned)
	Retracts   bool
	InputTypes []types.Type // as in GroupAgg
	// Late: late rows are emitted, too. The output then has a BOOLEAN behind the
	// Props, TRUE for them, the input's columns of Late, and the start and the end of
	// the window that has dropped the row; what is not about a row is NULL.
	Late    bool         `json:",omitempty"`
	LateIn  []int        `json:",omitempty"`
	LateOut []types.Type `json:",omitempty"` // of the columns before the BOOLEAN
	// Emit, of a TUMBLE or HOP in one phase: results are told before a window is
	// complete, too, or again for rows that come late. nil: once.
	Emit *WindowEmit `json:",omitempty"`
}

// WindowEmit says when the results of a window are told besides at its end. What was
// told is updated.
type WindowEmit struct {
	// EarlyMs is how long after a row its group is told, before the end; 0 is at each
	// row, -1 is not.
	EarlyMs int64
	// LateMs is the same for a row that comes behind the end, up to LatenessMs of event
	// time; rows that come later are dropped. Without LatenessMs there are none.
	LateMs, LatenessMs int64
	SendBefore         bool
}

// JoinKind is which rows a join keeps.
type JoinKind uint8

// The kinds of join. Semi and Anti emit left rows only.
const (
	Inner JoinKind = iota
	Left
	Right
	Full
	Semi
	Anti
)

func (k JoinKind) String() string {
	return joinKindNames[k]
}

// Join joins two changing tables, or two that are complete. Rows match when the
// keys are equal (NULL equals nothing, unless NullSafe) and Cond is TRUE.
//
// Where SendBefore is false, an input with updates may come without -U. The plan
// then sees to it that the side has unique columns that hold its join keys, and
// that there is no Cond: a +U replaces the row with its unique columns.
type Join struct {
	JoinKind    JoinKind
	LeftKeys    []int
	RightKeys   []int
	NullSafe    []bool       `json:",omitempty"` // by key; IS NOT DISTINCT FROM
	Cond        *expr.Expr   `json:",omitempty"` // over left columns, then right ones
	LeftTypes   []types.Type // of the inputs
	RightTypes  []types.Type
	LeftUnique  []int // columns that identify a left row among the current ones, nil if none
	RightUnique []int
	LeftAppend  bool // the left input has inserts only
	RightAppend bool
	LeftOne     bool  `json:",omitempty"` // the left input has one row at most, of which a batch may have many versions
	RightOne    bool  `json:",omitempty"`
	SendBefore  bool  // the output needs -U before +U
	LeftTTLMs   int64 `json:",omitempty"`
	RightTTLMs  int64 `json:",omitempty"`
}

// MultiJoin joins three inputs or more that have one key in common, of which a NULL equals
// nothing: the columns of all, in the order of the inputs. Updates come with -U.
type MultiJoin struct {
	Inputs     []MultiInput
	SendBefore bool // the output needs -U before +U
}

// A MultiInput is an input of a MultiJoin: its columns of the common key, in the key's
// order, and what all of its columns are.
type MultiInput struct {
	Keys  []int
	Types []types.Type
	TTLMs int64 `json:",omitempty"`
}

// Of returns which column of which input a column of the output is.
func (s *MultiJoin) Of(col int) (input, at int) {
	for i, in := range s.Inputs {
		if col < len(in.Types) {
			return i, col
		}
		col -= len(in.Types)
	}
	return -1, -1
}

// At returns where in the output a column of an input is.
func (s *MultiJoin) At(input, col int) int {
	for _, in := range s.Inputs[:input] {
		col += len(in.Types)
	}
	return col
}

// HashJoin joins two inputs that end: it reads the build side whole, then
// streams the other. The edge of the build side has the better priority.
type HashJoin struct {
	JoinKind   JoinKind
	BuildLeft  bool
	LeftKeys   []int
	RightKeys  []int
	NullSafe   []bool     `json:",omitempty"`
	Cond       *expr.Expr `json:",omitempty"`
	LeftTypes  []types.Type
	RightTypes []types.Type
	Filters    []JoinFilter `json:",omitempty"`
	Whole      bool         `json:",omitempty"` // every subtask has all rows of the build side
}

// A JoinFilter has the values of a key of a HashJoin's build side told to sources of the
// other side (Source.Filters), which read no other rows. Number is the filter's in the
// job, Key a position in LeftKeys and RightKeys: of integers.
type JoinFilter struct{ Number, Key int }

// IntervalJoin joins rows whose times are close:
// right.time + Lower <= left.time <= right.time + Upper. Both inputs are append-only.
// Its watermark is held back so that what it emits is not late by either rowtime.
type IntervalJoin struct {
	JoinKind     JoinKind
	LeftKeys     []int
	RightKeys    []int
	LeftTime     int
	RightTime    int
	Lower, Upper int64      // microseconds
	Cond         *expr.Expr `json:",omitempty"`
	LeftTypes    []types.Type
	RightTypes   []types.Type
}

// WindowJoin joins rows of the same window. Both inputs carry the window's
// bounds; rows come out when the window ends.
type WindowJoin struct {
	JoinKind             JoinKind
	LeftKeys             []int // without the window columns
	RightKeys            []int
	NullSafe             []bool `json:",omitempty"`
	LeftStart, LeftEnd   int    // columns
	RightStart, RightEnd int
	Granule              int64
	Zone                 string     `json:",omitempty"` // of the windows, as in Window
	Cond                 *expr.Expr `json:",omitempty"`
	LeftTypes            []types.Type
	RightTypes           []types.Type
}

// TemporalJoin joins each left row with the right row of its key that was valid
// at the left row's event time. Both sides wait for the watermark. The right
// input is a changelog by key.
type TemporalJoin struct {
	JoinKind   JoinKind // Inner or Left
	LeftKeys   []int
	RightKeys  []int
	LeftTime   int
	RightTime  int
	Cond       *expr.Expr `json:",omitempty"`
	LeftTypes  []types.Type
	RightTypes []types.Type
}

// LookupJoin joins each row with the rows that a table outside the job has for its
// keys when the row comes.
//
// The table's rows, of Source.Scan.Columns, pass Source.Project, then Calc; RightTypes
// are those that leave it. With a full cache Source is read whole and RightKeys are
// looked up in what it gave; otherwise the connector is asked by Lookup.
type LookupJoin struct {
	JoinKind     JoinKind // Inner or Left
	LeftKeys     []int
	RightKeys    []int           // of the rows that leave Calc; with Lookup.Keys: unused
	Cond         *expr.Expr      `json:",omitempty"` // over left columns, then right ones
	LeftTypes    []types.Type    // of the input
	RightTypes   []types.Type    // of the rows that leave Calc
	Source       *Source         // how the table is read
	Lookup       connect.KeyScan // how it is asked
	Calc         Calc
	Cache        connect.Cache
	Ordered      bool  // rows leave in the order in which they came
	Capacity     int   // rows that are asked for at a time; 0: one batch
	TimeoutMs    int64 `json:",omitempty"` // how long an answer may take; 0: any time
	RetryDelayMs int64 `json:",omitempty"` // a row without an answer is asked for again after this long
	RetryMax     int   `json:",omitempty"` // so often
	Keep         bool  `json:",omitempty"` // the input changes: what a row was joined with is kept, to be taken back
	TTLMs        int64 `json:",omitempty"` // so long; 0: for good
}

// CurrentJoin joins each left row with the right rows of its keys that are there when
// it comes. The right input may change, with -U before +U; what it does later does not
// touch rows that have left.
type CurrentJoin struct {
	JoinKind   JoinKind // Inner or Left
	LeftKeys   []int
	RightKeys  []int
	Cond       *expr.Expr `json:",omitempty"`
	LeftTypes  []types.Type
	RightTypes []types.Type
	Await      bool // the right input ends by itself, and left rows wait for it
	Keep       bool // as of LookupJoin
	// LeftTTLMs is how long what left rows were joined with is kept, RightTTLMs how long
	// a right key that is neither changed nor met. 0 is for good.
	LeftTTLMs  int64 `json:",omitempty"`
	RightTTLMs int64 `json:",omitempty"`
}

// Correlate calls a table function for each row and emits the row with each of the
// rows that it returns: the input's columns, the function's, then the place of the
// row in the call, from 1, if it is asked for. With Left a row for which there is
// none comes once, with NULLs. All that it emits for a row has the kind of the row.
type Correlate struct {
	JoinKind   JoinKind // Inner or Left
	Func       string   // fn.TableFunc
	Args       []*expr.Expr
	Ordinality bool         `json:",omitempty"`
	Types      []types.Type // of the columns that are appended
}

// A SortKey is a column to order by.
type SortKey struct {
	Col       int
	Desc      bool
	NullsLast bool
}

// RankKind is how ties are numbered.
type RankKind uint8

// The ranking functions.
const (
	RowNumber RankKind = iota
	RankNumber
	DenseRank
)

// RankInput is what may arrive at a Rank.
type RankInput uint8

// The kinds of input. UpdateFast is a changelog by unique keys whose order
// columns only move towards the front.
const (
	RankAppend RankInput = iota
	RankUpdateFast
	RankRetract
)

// Rank keeps the rows numbered From..To of each partition in an order. Without
// partition and order it is a LIMIT with an offset.
type Rank struct {
	RankKind   RankKind
	Partition  []int
	Order      []SortKey
	From, To   int64 // 1-based, inclusive; To < 0 means all
	Number     bool  // emits the number as a last BIGINT column
	Input      RankInput
	UniqueKey  []int // RankUpdateFast: columns that identify a row within the partition's input
	Emit       Emit
	SendBefore bool
	Types      []types.Type
	TTLMs      int64 `json:",omitempty"`
	// Window: the rows have a window whose end is this column; results come once
	// at its end. -1 otherwise.
	WindowEnd int
	Granule   int64  `json:",omitempty"`
	Zone      string `json:",omitempty"` // of the windows, as in Window
}

// Dedup keeps the first or the last row of each key, by the rowtime or by arrival.
type Dedup struct {
	Keys       []int
	Time       int // the rowtime column, or -1 for arrival
	KeepLast   bool
	Emit       Emit
	SendBefore bool
	Types      []types.Type
	TTLMs      int64 `json:",omitempty"`
}

// A FrameBound is one end of an OVER frame.
type FrameBound struct {
	Unbounded bool
	Offset    int64 // rows, or microseconds, months or units of the order column: negative is PRECEDING, 0 is CURRENT ROW
	Months    bool  `json:",omitempty"` // Offset is months of the calendar
}

// A Frame is the rows that an OVER aggregate sees.
type Frame struct {
	Rows     bool // ROWS, else RANGE
	From, To FrameBound
}

// An OverCall is one function over a frame. Func may also be ROW_NUMBER, RANK,
// DENSE_RANK, PERCENT_RANK, CUME_DIST, NTILE, LAG, LEAD, FIRST_VALUE, LAST_VALUE.
type OverCall struct {
	AggCall
	Frame Frame
}

// Over appends a column for each call. All calls share partition and order. In a
// stream Time is the rowtime that leads Order, and rows are handled when the
// watermark passes them; late rows are dropped and counted. An Order by a
// processing-time column (Types has the attribute) is that of arrival; one by any
// other column makes rows change when others come in before them, so the output
// has all kinds of change. With Emit AtEnd it
// takes any order, and handles each partition when the input has ended.
type Over struct {
	Partition []int
	Order     []SortKey
	Time      int // -1: no rowtime order
	Calls     []OverCall
	Emit      Emit
	Retracts  bool
	AfterOnly bool `json:",omitempty"` // updates need no -U before +U
	Types     []types.Type
}

// Sort orders all rows and emits From..To of them, once, at the end of input.
// With Time >= 0 it is a stream's ORDER BY rowtime: rows come out as the
// watermark passes them.
type Sort struct {
	Order    []SortKey
	From, To int64 // as in Rank; 1, -1 for all
	Time     int
	Types    []types.Type
}

// Limit passes rows From..To in the order of arrival. It stands at parallelism 1.
type Limit struct{ From, To int64 }

// Normalize turns an upsert stream by Keys into a full changelog, and drops what
// changes nothing. It keeps the last row of each key.
type Normalize struct {
	Keys       []int
	SendBefore bool
	Types      []types.Type
	TTLMs      int64 `json:",omitempty"`
}

// DropBefore removes -U rows, for receivers that know rows by a key. With Delete it
// makes deletions of them: then a -U may come without its +U, because a filter has
// let only the former pass.
type DropBefore struct {
	Delete bool `json:",omitempty"`
}

// Materialize turns a changelog whose changes may arrive out of order (the sink's
// key is not the key of the stream) into an upsert stream by Keys.
type Materialize struct {
	Keys  []int
	Types []types.Type
	TTLMs int64 `json:",omitempty"`
}

// Keep remembers what was computed for each row by what gives another result each
// time, in the last Values columns, and gives the same when the row is taken back.
type Keep struct {
	Keys   []int // by which rows are kept: a row is taken back where it was sent
	Types  []types.Type
	Values int
	TTLMs  int64 `json:",omitempty"`
}

// Stamp appends a BIGINT NOT NULL column: the watermark that the sender had
// reached when the row left it.
type Stamp struct{}

// Conflict lets one row of each key through: ON CONFLICT DO ERROR (Fail) and DO
// NOTHING. The input has a Stamp as last column, which is not passed on; changes
// wait until the watermark has passed their stamp.
type Conflict struct {
	Keys   []int    // of the sink
	Names  []string // of the keys, for the error
	Unique []int    `json:",omitempty"` // by which the input's changes find each other; nil: by the whole row
	Fail   bool
	Types  []types.Type // without the stamp
	TTLMs  int64        `json:",omitempty"`
}

// Sink writes a table. It is the last operator of its chain.
type Sink struct {
	Connector string
	Table     connect.Table
	Write     connect.Write
	// NotNull: columns that must not be NULL; DropNull (table.exec.sink.not-null-enforcer)
	// drops such rows silently instead of failing.
	NotNull  []int `json:",omitempty"`
	DropNull bool  `json:",omitempty"`
	// Lengths (table.exec.sink.type-length-enforcer): empty, LengthsFit or LengthsFail,
	// what happens to a value that is not as long as its column's type says.
	Lengths string `json:",omitempty"`
	// Nested (table.exec.sink.nested-constraint-enforcer): empty, NestedRows or NestedAll,
	// how deep NOT NULL and lengths are looked at inside of values.
	Nested string `json:",omitempty"`
}

// The values of Sink.Lengths and Sink.Nested.
const (
	LengthsFit  = "TRIM_PAD"
	LengthsFail = "ERROR"
	NestedRows  = "ROWS"
	NestedAll   = "ROWS_AND_COLLECTIONS"
)

// Collect hands rows to whoever runs the job: the result of a SELECT. It stands
// at parallelism 1.
type Collect struct{ Types []types.Type }

// Expand puts out each row once for every grouping set: the row, the columns Keys
// again, NULL those that the set does not have, and the set's id. Types is of the input.
type Expand struct {
	Keys  []int
	Sets  []GroupingSet
	Types []types.Type
}

// A GroupingSet is some of an Expand's Keys, as positions in them.
type GroupingSet struct {
	Keys []int
	ID   int64
}

// Kind implements Spec.
func (*Calc) Kind() string         { return "Calc" }
func (*Values) Kind() string       { return "Values" }
func (*Expand) Kind() string       { return "Expand" }
func (*GroupAgg) Kind() string     { return "GroupAgg" }
func (*WindowTVF) Kind() string    { return "WindowTVF" }
func (*WindowAgg) Kind() string    { return "WindowAgg" }
func (*Join) Kind() string         { return "Join" }
func (*MultiJoin) Kind() string    { return "MultiJoin" }
func (*HashJoin) Kind() string     { return "HashJoin" }
func (*IntervalJoin) Kind() string { return "IntervalJoin" }
func (*WindowJoin) Kind() string   { return "WindowJoin" }
func (*TemporalJoin) Kind() string { return "TemporalJoin" }
func (*LookupJoin) Kind() string   { return "LookupJoin" }
func (*CurrentJoin) Kind() string  { return "CurrentJoin" }
func (*Correlate) Kind() string    { return "Correlate" }
func (*Rank) Kind() string         { return "Rank" }
func (*Dedup) Kind() string        { return "Dedup" }
func (*Over) Kind() string         { return "Over" }
func (*Sort) Kind() string         { return "Sort" }
func (*Limit) Kind() string        { return "Limit" }
func (*Normalize) Kind() string    { return "Normalize" }
func (*DropBefore) Kind() string   { return "DropBefore" }
func (*Materialize) Kind() string  { return "Materialize" }
func (*Keep) Kind() string         { return "Keep" }
func (*Stamp) Kind() string        { return "Stamp" }
func (*Conflict) Kind() string     { return "Conflict" }
func (*Sink) Kind() string         { return "Sink" }
func (*Collect) Kind() string      { return "Collect" }

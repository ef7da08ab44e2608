// Package jobgraph is the job as data: what the planner hands to the runtime.
// Everything in it survives JSON, so that it can cross a network, lie in a
// checkpoint or be a compiled plan.
//
// A Graph has vertices joined by edges. A vertex is a chain of operators that
// runs as one task in each of its subtasks: either a source followed by
// operators with one input each, or an operator with any number of inputs
// followed by such operators. What the last operator of a chain emits goes to
// every edge that leaves the vertex.
package jobgraph

import (
	"math"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
)

// A Graph is one job.
type Graph struct {
	ID             string `json:",omitempty"` // stable over restarts of the same script
	Name           string `json:",omitempty"`
	Batch          bool
	Parallelism    int               `json:",omitempty"`
	MaxParallelism int               `json:",omitempty"` // number of key groups
	Options        map[string]string `json:",omitempty"` // effective session options
	Vertices       []Vertex
	Edges          []Edge
}

// A Vertex is a chain of operators with a parallelism.
type Vertex struct {
	Name        string // as the dashboard shows it: "Source: bid -> Calc"
	Parallelism int
	Source      *Source `json:",omitempty"` // head of the chain, or nil
	Ops         []Op    // the chain, after the source
}

// An Op is an operator in a chain.
type Op struct {
	ID     string   // stable: names the operator's state
	Name   string   // "GroupAggregate(groupBy=[a], select=[a, COUNT(*)])"
	Pos    base.Pos `json:"-"` // where in the statement it comes from
	Spec   Spec
	Output types.Schema // what it emits
	// Kinds are the kinds of change that it may emit, as the planner inferred
	// them: "I", "I,UA,D". Empty means inserts.
	Kinds string `json:",omitempty"`
}

// An Edge carries the output of one vertex to an input of another.
type Edge struct {
	From, To int // vertices
	Input    int // of the first operator of To
	Ship     Ship
	Keys     []int `json:",omitempty"` // Hash: columns of the rows sent
	Blocking bool  `json:",omitempty"` // the receiver starts when the sender has ended
	// Priority orders the inputs of a task: one of a higher priority (a lower
	// number) is read to its end before the others.
	Priority int `json:",omitempty"`
}

// Ship is how an edge spreads rows over the receiving subtasks.
type Ship uint8

// The ways of shipping.
const (
	Forward   Ship = iota // subtask i to subtask i
	Hash                  // by the key group of Keys
	Rebalance             // batches in turn
	Broadcast             // every row to every subtask
	Gather                // everything to subtask 0
)

func (s Ship) String() string {
	return shipNames[s]
}

// A Source reads a table: scan, then computed columns and filter, then the
// watermark.
type Source struct {
	ID        string
	Connector string // the 'connector' option
	Table     connect.Table
	Scan      connect.Scan
	Project   []*expr.Expr // over Scan.Columns; nil means the columns as they are
	Watermark *Watermark   `json:",omitempty"`
	Output    types.Schema
	Kinds     string         `json:",omitempty"` // as in Op
	Filters   []SourceFilter `json:",omitempty"`
}

// A SourceFilter is the filter of a join over a column, by its position in Table.Schema.
type SourceFilter struct{ Number, Column int }

// A Watermark is computed from the rows of each split.
type Watermark struct {
	Expr       *expr.Expr // over the rows after Project: a timestamp in microseconds, or NULL
	Time       int        // the rowtime column, after Project
	IntervalMs int64      // pipeline.auto-watermark-interval: it is emitted when it has risen by more than this
	IdleMs     int64      // a split without rows for so long holds nothing back; 0 means never
	Gap        int64      `json:",omitempty"` // it is emitted after every so many rows instead; 0: by the interval
	Align      *Alignment `json:",omitempty"`
}

// Alignment holds the readers of sources back that are ahead of others of their
// group, as scan.watermark.alignment.* say.
type Alignment struct {
	Group    string
	DriftMs  int64 // how far ahead of the group's lowest watermark a reader may be
	UpdateMs int64 // how often a reader tells its watermark
}

// Limit is how far a reader may go, in microseconds of event time, when the group's
// lowest watermark is low.
func (a *Alignment) Limit(low int64) int64 {
	if drift := a.DriftMs * 1000; low <= math.MaxInt64-drift {
		return low + drift
	}
	return math.MaxInt64
}

// Package exec holds the vectorised operators.
//
// An operator is plain single-threaded code: it never starts a goroutine, never
// locks, never blocks and never reads the clock. The task that owns it calls it
// from one goroutine, in stream order.
package exec

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/vec"
)

// A Context is what an operator may know about the place it runs in.
type Context struct {
	Op          string // the operator's id
	Subtask     int
	Parallelism int
	Groups      int         // key groups of the job (max parallelism)
	State       state.Store // the operator's own, restored before Open
	Env         *fn.Env
	Memory      *base.Budget
	Moves       bool                     // what comes is of splits, of which a restore may send others here
	Mark        *int64                   // from a checkpoint: the watermark that all subtasks had reached; nil: none
	Resident    bool                     // state that is not used stays in memory all the same
	Spill       func() (fsys.FS, string) // a folder for data that does not fit
	Late        LateLog                  // nil in most runs
	// Filter is the filter of that number, for hash joins that publish their keys; nil: no
	// source of the job waits for any.
	Filter   func(number int) *connect.KeyFilter
	Counters *Counters
}

// overdrawn returns the error of an operator that cannot do with less memory, when
// the budget is used up and a part of that is its: it holds n bytes.
func (ctx *Context) overdrawn(n int64) error {
	if ctx.Memory.Add(0) || n < spillBytesLeast {
		return nil
	}
	return ctx.Memory.Exceeded(ctx.Op)
}

// Counters are what an operator counts; plain numbers, one goroutine.
type Counters struct {
	RowsIn, RowsOut int64
	LateDropped     int64
	BusyNs          int64 // in the operator itself; 0 where the task has no clock
}

// A LateLog decides about late rows in a verified run: the streaming run records
// what it drops, the batch run drops the same.
type LateLog interface {
	// Dropped records that op drops the row of b for the window that ends at end.
	Dropped(op string, end int64, b *vec.Batch, row int)
	// Drop reports whether op shall drop the row for that window; each recorded
	// drop is used once.
	Drop(op string, end int64, b *vec.Batch, row int) bool
}

// EmitBatchesMax is how many batches an operator may emit in one call. One that
// has more returns more = true and goes on in Resume.
const EmitBatchesMax = 8

// An Output takes what an operator produces.
type Output interface {
	// Emit gives b to the next operator, or to the edges that leave the task. Its
	// Marks are watermarks of the output.
	Emit(b *vec.Batch) error
	// Watermark tells that event time has reached t (microseconds), after all
	// that was emitted before.
	Watermark(t int64) error
}

// An Operator transforms streams. The calls come in this order:
//
//	Open (Process | Watermark | EndInput | Tick | Resume* | Flush Snapshot)* Close
//
// A method that returns more has not done all of its work: the task calls Resume
// (and nothing else, but Close) until it returns false. A call emits at most
// EmitBatchesMax batches.
//
// Watermarks are the operator's to forward: each one that arrives, in the marks
// of a batch or by Watermark, goes out through Output after what it caused, as a
// mark or by Output.Watermark; an operator may hold it back or merge several into
// the last. Watermarks that arrive are those of all inputs together, and rise.
//
// The batch given to Process is the operator's: it may keep it, or pass it or its
// columns on, but not write to its columns. An emitted batch is given away.
type Operator interface {
	// Open prepares the operator, reading restored state from ctx.State.
	Open(ctx *Context) error

	// Process consumes one batch of input in.
	Process(in int, b *vec.Batch, out Output) (more bool, err error)

	// Watermark tells that the event time of all inputs together has reached t:
	// timers up to t fire. The last is math.MaxInt64, before the last EndInput; the
	// task passes that one on by itself, when the operator has ended.
	Watermark(t int64, out Output) (more bool, err error)

	// EndInput tells that input in has ended. After the last one the operator
	// emits what only the end makes final.
	EndInput(in int, out Output) (more bool, err error)

	// Tick tells that processing time (ctx.Env.Now) has moved, about every
	// TickMs: for mini-batches and processing-time timers.
	Tick(now int64, out Output) (more bool, err error)

	// Resume goes on with what returned more.
	Resume(out Output) (more bool, err error)

	// Flush emits what was held back by choice (a mini-batch), before Snapshot.
	Flush(out Output) (more bool, err error)

	// Snapshot writes to ctx.State what has changed since the last call. It emits
	// nothing.
	Snapshot(e base.Epoch) error

	Close() error
}

// A Waiter is an Operator that waits for answers from outside the job. It keeps rows
// that have no answer yet while the job goes on: Process takes a batch and returns,
// and what it makes of it leaves later.
//
// Between two steps the task calls Arrived, at growing intervals when nothing comes.
// Barriers do not wait for answers: the rows that are kept are the operator's state.
// The end does: the operators behind a Waiter see theirs when nothing is pending.
type Waiter interface {
	Operator
	// Arrived goes on with what has come. did tells whether there was anything.
	Arrived(out Output) (did, more bool, err error)
	// Waiting reports whether rows are kept, and whether there is no room for more:
	// then the task gives no more until there is. What it was giving may still come.
	Waiting() (pending, full bool)
}

// TickMs is about how often Tick is called, in milliseconds.
const TickMs = 20

// Base does nothing, correctly, for the methods that an operator does not need.
type Base struct{}

// Open implements Operator.
func (Base) Open(*Context) error { return nil }

// Watermark forwards the watermark.
func (Base) Watermark(t int64, out Output) (bool, error) { return false, out.Watermark(t) }

// EndInput implements Operator.
func (Base) EndInput(int, Output) (bool, error) { return false, nil }

// Tick implements Operator.
func (Base) Tick(int64, Output) (bool, error) { return false, nil }

// Resume implements Operator.
func (Base) Resume(Output) (bool, error) { return false, nil }

// Flush implements Operator.
func (Base) Flush(Output) (bool, error) { return false, nil }

// Snapshot implements Operator.
func (Base) Snapshot(base.Epoch) error { return nil }

// Close implements Operator.
func (Base) Close() error { return nil }

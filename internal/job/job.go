// Package job is the master of one job: scheduling, checkpoints, failover, as a
// state machine.
//
// All that the master knows comes through Step, all that it wants goes out as
// commands, which are carried out in order. It starts no goroutine and reads no
// clock. Enumerators, which find splits, belong to it; they are called from Step
// and must not block.
//
// # The life of a job
//
//	Start ─ Recover ─▶ deploying ─▶ running ─▶ ending ─▶ done
//	           ▲                       │ a task failed
//	           └─ all have stopped ◀─ stopping ─▶ done (no restart left)
//
// # The life of an epoch
//
//	Barrier → Ack of every task → Save → Saved → Commit → Committed
//
// One epoch at a time is between Barrier and Committed, so epochs commit in
// order, and a manifest on disk holds everything that may still be uncommitted: a
// restore commits it again. A task that has finished is asked for its state once, by
// the first epoch after. What the tasks of an epoch that was given up had prepared
// goes into the next one. When all tasks have finished, a last epoch, without state,
// saves and commits what they prepared at their end; then the manifest says
// Finished, and only then the job is done.
package job

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/task"
)

// An Event is something that happened to a job: exactly one field is set.
type Event struct {
	Start      bool
	Tick       bool
	Recovered  bool       // Recover is done
	Want       *task.ID   // a reader has room
	Found      bool       // an enumerator may have splits for readers that wait
	Mark       *Mark      // watermark of a source that is aligned with others
	Ack        *Ack       // a task's part of an epoch is durable
	Finished   *Ack       // a task has ended; Epoch is 0
	Failed     *Failure   // a task
	Stopped    *task.ID   // a cancelled task is gone
	Saved      base.Epoch // the manifest is durable
	SaveFailed *Failure   // it could not be written
	Committed  base.Epoch
	NotDone    *Failure // Recover or Commit failed
	Checkpoint bool     // take one now
	Savepoint  *SavepointRequest
	Copied     *Copied
	Damaged    error  // a file of the checkpoint that the job was restored from
	Whole      *Whole // answer to GoBack
	Cancel     bool   // end: after a last checkpoint, if there are checkpoints
	Kill       bool   // end at once
	Lost       error  // another process has taken the job over: end, and touch nothing
}

// A Failure says what went wrong.
type Failure struct {
	Task  task.ID
	Epoch base.Epoch
	Err   error
}

// A Mark is how far a source's subtask has come, in microseconds of event time; the
// largest number there is if it holds nobody back.
type Mark struct {
	Task task.ID
	Time int64
}

// An Ack is one task's part of an epoch, durable.
type Ack struct {
	Task      task.ID
	Epoch     base.Epoch
	State     map[string]state.Handle // by operator
	Splits    []connect.Split
	Prepared  map[string][][]byte // by sink operator
	Marks     task.Marks
	Overtaken bool  // there are rows in flight
	Err       error // the state could not be made durable: the epoch is given up
}

// A Command is something that the world must do for the master: exactly one field
// is set.
type Command struct {
	Recover *checkpoint.Manifest // commit its Prepared again, drop what else sinks have left; answer Recovered
	Deploy  *Deployment
	Stop    *task.ID // cancel; answer Stopped
	Assign  *Assign
	Align   *Limit
	Barrier *Barrier
	Hurry   *Barrier             // its barriers overtake rows
	Notify  *Barrier             // tell sources that the epoch is complete
	Save    *checkpoint.Manifest // answer Saved or SaveFailed
	Commit  *Commit              // answer Committed or NotDone
	Pause   *Pause
	Drain   []task.ID       // sources that end where they stand
	Copy    *Copy           // answer Copied
	Answer  *Copied         // of a SavepointRequest
	LayOut  *jobgraph.Graph // the tasks of the next attempts are this one's
	GoBack  bool            // find the newest checkpoint that is whole and drop those behind it; answer Whole
	Log     string
	Done    *Outcome
}

// A Deployment starts a task.
type Deployment struct {
	Task    task.ID
	Restore map[string][]state.Handle // by operator
	Mark    *task.Marks
}

// An Assign hands splits to a source.
type Assign struct {
	Task       task.ID
	Assignment task.Assignment
}

// A Limit is the watermark up to which the subtasks of a source may read.
type Limit struct {
	Tasks []task.ID
	Time  int64
}

// A Barrier is for the tasks named: those without inputs, and those that have
// finished and whose state is not known yet.
type Barrier struct {
	Epoch base.Epoch
	Tasks []task.ID
}

// A Commit makes an epoch's writes visible.
type Commit struct {
	Epoch    base.Epoch
	Prepared map[string][][]byte
}

// An Outcome is how a job ended.
type Outcome struct {
	Err       error
	Lost      bool // to another process, whose the sinks are now
	Cancelled bool
	From      *checkpoint.Manifest // where a restart would go on from, or nil
}

// Options steer a Master. Times are microseconds.
type Options struct {
	Checkpoints bool  // there is a place for them
	IntervalUs  int64 // 0: only on request and at the end
	MinPauseUs  int64
	TimeoutUs   int64
	Unaligned   bool   // barriers overtake rows
	AlignedUs   int64  // … after that time
	FailuresMax int    // epochs that may fail in a row; < 0: any number
	RetryUs     int64  // until the last epoch is tried to save again
	Run         string // its name in manifests
	Plan        string // … and that of its plan
	Restart     Restart
	GoBack      bool            // the world knows how to
	Settle      *jobgraph.Graph // the layout in which the job is to settle first, or nil: see Settles
	Random      func() float64  // for Restart.Jitter
	// Enumerator makes the enumerator of a source.
	Enumerator func(src *jobgraph.Source, saved []byte) (connect.Enumerator, error)
	Bugs       Bugs
}

// Bugs are switched on by the simulator's own test, which must find each.
type Bugs struct {
	CommitEarly   bool // commit an acknowledgement before the epoch is complete
	LoseCommit    bool // do not commit again after a restore
	LateSplits    bool // the enumerator's snapshot is taken at completion, not with the barrier
	DropAbandoned bool // forget what a given-up epoch prepared
	SkipLast      bool // end without the last epoch
	HastyRestart  bool // restart while a manifest is being written
	EarlyEnd      bool // what a task prepares at its end joins the epoch that it has acknowledged
	StaleAck      bool // count an acknowledgement of another epoch
	StaleTask     bool // … of an earlier attempt
	CommitUnsaved bool // commit an epoch that is complete before its manifest is saved
	OwnState      bool // a task restores what its namesake had, whatever the parallelism was
	NoSettle      bool // rows in flight and different watermarks go into any layout
	LoseFinished  bool // do not ask a task that has finished for its state
}

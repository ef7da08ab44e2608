// Package exectest drives operators in tests: it feeds batches, watermarks and
// ends to any number of subtasks, collects what they emit, takes checkpoints into
// a real store, and crashes.
//
// A Run remembers what it was fed since its last checkpoint. Crash throws away
// what was emitted since, makes new operators from the checkpoint, at any
// parallelism, and feeds them the same again. So a test states its input once and
// may crash wherever it likes:
//
//	r := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) }, exectest.Options{Keys: [][]int{{0}}})
//	r.Process(0, batch)
//	r.Checkpoint()
//	r.Watermark(10)
//	r.Crash(3)
//	r.End()
//	got := exectest.Sum(t, r.Rows())
package exectest

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Options say how a Run is made.
type Options struct {
	// Keys are, by input, the columns that rows are spread over subtasks by; nil
	// or missing means that all go to subtask 0. Types are the columns' types by
	// input, needed with Keys.
	Keys  [][]int
	Types [][]types.Type

	Parallelism int // 1 if 0
	Groups      int // key groups; 128 if 0
	Inputs      int // 1 if 0
	Batch       bool
	Memory      *base.Budget
	Spill       func() (fsys.FS, string)
	Late        exec.LateLog
	Zone        *time.Location
}

// A Run is an operator in all its subtasks.
type Run struct {
	t       testing.TB
	make    func() exec.Operator
	opt     Options
	subs    []*sub
	now     int64 // processing time in microseconds
	inputs  []func()
	replays bool

	files   statetest.Files
	handles []state.Handle
	epoch   base.Epoch
	out     []Event
	mark    *int64 // the watermark that was fed last
	marked  *int64 // … at the last checkpoint
	stable  int    // of out, at the last checkpoint
	at      int64
}

type sub struct {
	op    exec.Operator
	ctx   *exec.Context
	store state.Store
}

// An Event is one row that was emitted, or a watermark.
type Event struct {
	Subtask int
	Kind    vec.RowKind
	Row     []any // as Value gives them
	Mark    bool
	Time    int64
}

// String returns "+I a,1" or "W 5".
func (e Event) String() string {
	if e.Mark {
		return fmt.Sprintf("W %d", e.Time)
	}
	return e.Kind.String() + " " + Text(e.Row)
}

// starts counts the calls of Start by the test's name.
var starts sync.Map

// evicts reports whether entries leave memory in the next run of a test: in every
// second one, and in half of those that have one only.
func evicts(test string) bool {
	n, _ := starts.LoadOrStore(test, new(atomic.Uint64))
	return (xxh3.HashString(test)+n.(*atomic.Uint64).Add(1))%2 == 0
}

// Start opens the operator.
func Start(t testing.TB, make func() exec.Operator, opt Options) *Run {
	t.Helper()
	if opt.Parallelism == 0 {
		opt.Parallelism = 1
	}
	if opt.Groups == 0 {
		opt.Groups = 128
	}
	if opt.Inputs == 0 {
		opt.Inputs = 1
	}
	if _, test := t.(*testing.T); test && opt.Memory == nil && evicts(t.Name()) {
		opt.Memory = &base.Budget{EvictAt: 1, EvictKeep: 1} // what can leave memory does, all the time
	}
	r := &Run{t: t, make: make, opt: opt}
	r.open()
	return r
}

func (r *Run) open() {
	r.subs = nil
	n := r.opt.Parallelism
	for i := range n {
		store, err := lsm.Backend{}.Open(fmt.Sprintf("%d-%d-%d", r.epoch, n, i), base.RangeOf(i, n, r.opt.Groups), r.handles, &r.files)
		r.must(err)
		zone := r.opt.Zone
		if zone == nil {
			zone = time.UTC
		}
		s := &sub{op: r.make(), store: store}
		s.ctx = &exec.Context{Op: "op", Mark: r.marked, Subtask: i, Parallelism: n, Groups: r.opt.Groups, State: store,
			Env:    &fn.Env{Zone: zone, Now: func() int64 { return r.now }, Streaming: !r.opt.Batch},
			Memory: r.opt.Memory, Spill: r.opt.Spill, Late: r.opt.Late, Counters: &exec.Counters{}}
		r.must(s.op.Open(s.ctx))
		r.subs = append(r.subs, s)
	}
}

func (r *Run) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// each calls f for every subtask and resumes it until it has no more.
func (r *Run) each(f func(s *sub, out exec.Output) (bool, error)) {
	r.t.Helper()
	for i, s := range r.subs {
		r.one(i, s, f)
	}
}

func (r *Run) one(i int, s *sub, f func(s *sub, out exec.Output) (bool, error)) {
	r.t.Helper()
	o := &output{r: r, sub: i}
	more, err := f(s, o)
	for calls := 0; ; calls++ {
		r.must(err)
		if o.batches > exec.EmitBatchesMax {
			r.t.Fatalf("a call emitted %d batches", o.batches)
		}
		if !more {
			return
		}
		if calls > 1e6 {
			r.t.Fatal("Resume has more for ever")
		}
		o.batches = 0
		more, err = s.op.Resume(o)
	}
}

func (r *Run) feed(f func()) {
	r.t.Helper()
	if !r.replays {
		r.inputs = append(r.inputs, f)
	}
	f()
}

// Process feeds a batch to an input; each subtask gets its rows and all marks.
func (r *Run) Process(in int, b *vec.Batch) {
	r.t.Helper()
	r.must(b.Check())
	r.feed(func() {
		if n := len(b.Marks); n > 0 {
			r.mark = &b.Marks[n-1].Time
		}
		parts := r.split(in, b)
		for i, s := range r.subs {
			if p := parts[i]; p.Len() > 0 || len(p.Marks) > 0 {
				r.one(i, s, func(s *sub, out exec.Output) (bool, error) { return s.op.Process(in, p, out) })
			}
		}
	})
}

func (r *Run) split(in int, b *vec.Batch) []*vec.Batch {
	n := r.opt.Parallelism
	if n == 1 {
		return []*vec.Batch{b}
	}
	sels := make([][]int32, n)
	rows := make([]int32, b.Len())
	for i := range rows {
		rows[i] = int32(b.Row(i))
	}
	of := make([]int, len(rows))
	if in < len(r.opt.Keys) && len(r.opt.Keys[in]) > 0 {
		var cols []vec.Vector
		var ts []types.Type
		for _, k := range r.opt.Keys[in] {
			cols, ts = append(cols, b.Cols[k]), append(ts, r.opt.Types[in][k])
		}
		hash := make([]uint64, len(rows))
		keyenc.Hash(cols, ts, rows, b.Rows, hash)
		for i, h := range hash {
			of[i] = base.SubtaskOf(keyenc.Group(h, r.opt.Groups), n, r.opt.Groups)
		}
	}
	for i, s := range of {
		sels[s] = append(sels[s], rows[i])
	}
	out := make([]*vec.Batch, n)
	for i := range out {
		p := *b
		p.Sel = append([]int32{}, sels[i]...)
		out[i] = &p
	}
	return out
}

// Watermark raises event time in all subtasks.
func (r *Run) Watermark(t int64) {
	r.t.Helper()
	r.feed(func() {
		r.mark = &t
		r.each(func(s *sub, out exec.Output) (bool, error) { return s.op.Watermark(t, out) })
	})
}

// WatermarkAt raises event time in one subtask.
func (r *Run) WatermarkAt(subtask int, t int64) {
	r.t.Helper()
	r.feed(func() {
		r.one(subtask, r.subs[subtask], func(s *sub, out exec.Output) (bool, error) { return s.op.Watermark(t, out) })
	})
}

// EndInput ends one input.
func (r *Run) EndInput(in int) {
	r.t.Helper()
	r.feed(func() {
		r.each(func(s *sub, out exec.Output) (bool, error) { return s.op.EndInput(in, out) })
	})
}

// End raises event time to its end, then ends all inputs.
func (r *Run) End() {
	r.t.Helper()
	r.Watermark(math.MaxInt64)
	for in := range r.opt.Inputs {
		r.EndInput(in)
	}
}

// Tick moves processing time.
func (r *Run) Tick(now int64) {
	r.t.Helper()
	r.feed(func() {
		r.now = now
		r.each(func(s *sub, out exec.Output) (bool, error) { return s.op.Tick(now, out) })
	})
}

// Now is the processing time, in microseconds.
func (r *Run) Now() int64 { return r.now }

// Arrive lets operators that wait for answers go on with what has come. It reports
// whether any still waits.
func (r *Run) Arrive() (pending bool) {
	r.t.Helper()
	for i, s := range r.subs {
		w, ok := s.op.(exec.Waiter)
		if !ok {
			continue
		}
		for did := true; did; {
			r.one(i, s, func(_ *sub, out exec.Output) (more bool, err error) {
				did, more, err = w.Arrived(out)
				return more, err
			})
		}
		p, _ := w.Waiting()
		pending = pending || p
	}
	return pending
}

// Checkpoint takes a checkpoint: what was emitted so far stands.
func (r *Run) Checkpoint() {
	r.t.Helper()
	r.epoch++
	var handles []state.Handle
	for i, s := range r.subs {
		r.one(i, s, func(s *sub, out exec.Output) (bool, error) { return s.op.Flush(out) })
		r.must(s.op.Snapshot(r.epoch))
		snap, err := s.store.Snapshot(r.epoch)
		r.must(err)
		for done := false; !done; {
			done, err = s.store.Drain(1)
			r.must(err)
		}
		h, err := snap.Persist()
		r.must(err)
		handles = append(handles, h)
	}
	r.handles, r.inputs, r.stable, r.at, r.marked = handles, nil, len(r.out), r.now, r.mark
}

// Crash restores the last checkpoint at a parallelism and feeds what came after
// it again.
func (r *Run) Crash(parallelism int) {
	r.t.Helper()
	r.out, r.now, r.mark = r.out[:r.stable], r.at, r.marked
	r.opt.Parallelism = parallelism
	r.open()
	r.replays = true
	for _, f := range r.inputs {
		f()
	}
	r.replays = false
}

// Late returns how many rows were dropped as late since the last Crash.
func (r *Run) Late() (n int64) {
	for _, s := range r.subs {
		n += s.ctx.Counters.LateDropped
	}
	return n
}

// Events returns what was emitted so far, of all subtasks.
func (r *Run) Events() []Event { return r.out }

// Rows returns the rows that were emitted so far.
func (r *Run) Rows() []Event {
	var out []Event
	for _, e := range r.out {
		if !e.Mark {
			out = append(out, e)
		}
	}
	return out
}

// Lines returns events as text.
func Lines(list []Event) []string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e.String()
	}
	return out
}

// output collects.
type output struct {
	r       *Run
	sub     int
	batches int
}

func (o *output) Emit(b *vec.Batch) error {
	o.batches++
	if err := b.Check(); err != nil {
		return err
	}
	marks := b.Marks
	for i := range b.Len() {
		row := b.Row(i)
		for len(marks) > 0 && int(marks[0].Row) <= row {
			o.mark(marks[0].Time)
			marks = marks[1:]
		}
		e := Event{Subtask: o.sub, Kind: b.Kind(row)}
		for _, c := range b.Cols {
			e.Row = append(e.Row, Value(c, row))
		}
		o.r.out = append(o.r.out, e)
	}
	for _, m := range marks {
		o.mark(m.Time)
	}
	return nil
}

func (o *output) mark(t int64) {
	o.r.out = append(o.r.out, Event{Subtask: o.sub, Mark: true, Time: t})
}

func (o *output) Watermark(t int64) error {
	o.mark(t)
	return nil
}

// Close closes the operators and their stores.
func (r *Run) Close() {
	r.t.Helper()
	for _, s := range r.subs {
		r.must(s.op.Close())
		r.must(s.store.Close())
	}
	r.subs = nil
}

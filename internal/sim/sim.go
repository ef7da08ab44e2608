// Package sim runs whole jobs in one goroutine under a seed: the job's master,
// its tasks with the engine's own operators and state, and a world that delays,
// fails and crashes them. The same seed gives the same run.
//
// Only the shell is replaced: what the goroutines of package cluster do, Run does
// by drawing, again and again, one of the things that could happen next: a task's
// step, the upload of a snapshot, an event's arrival at the master, the end of a
// save or a commit, a tick, the failure of one task, the crash of the process. What
// is on disk and in the sink's world survives a crash; all else is gone. A restart
// may have another parallelism.
//
// An oracle knows the rows that the sink must hold in the end. The list of bugs in
// Bugs tests the simulator: it must find each of them.
package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/build"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/cluster"
	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/internal/exchange/local"
	"github.com/millrace-io/millrace/internal/expr/fn"
	fsmem "github.com/millrace-io/millrace/internal/fsys/mem"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/task"
)

// Options steer a run.
type Options struct {
	Crashes int // of the process, at most
	Fails   int // of single tasks, at most
	Bugs    Bugs
}

// Bugs are mistakes that can be switched on.
type Bugs struct {
	Job         job.Bugs
	NoAlign     bool // barriers are not aligned
	NoFlight    bool // rows that a barrier has overtaken are forgotten
	ForgetState bool // an upload writes nothing
	LoseMarks   bool // watermarks are not restored
	DoubleSplit bool // restored splits start again from the front
	NoAbort     bool // a restart leaves what sinks had prepared, and commits it
	NoTakeBack  bool // … and what was committed behind the checkpoint that it starts from
	NoWake      bool // a reader that had nothing does not say when it has
}

// Result is what a run did.
type Result struct {
	Steps, Epochs, Crashes, Fails int
	Torn, Back                    int    // manifests, and commits taken back
	Problem                       string // "" when the sink holds what the oracle says
}

// stepsMax ends a run that does not.
const stepsMax = 400_000

type world struct {
	rnd  *rand.Rand
	opt  Options
	plan *plan
	disk *fsmem.FS
	out  *sinkWorld
	res  Result

	now     int64
	master  *job.Master
	graph   *jobgraph.Graph
	storage *checkpoint.Storage
	memory  *base.Budget
	full    bool // the storage has no room for state files
	tasks   []*running
	later   []func() // things under way that end at some time
	events  []job.Event
	done    *job.Outcome
	epoch   base.Epoch // that the attempt started from
	wires   *cluster.Wires
}

// running is a task with what has not yet reached its master.
type running struct {
	id      task.ID
	task    *task.Task
	uploads []*task.Snapshot
	dead    bool
	awake   bool // it may have something to do
}

// Run runs a job drawn from the seed to its end.
func Run(seed uint64, opt Options) (res Result) {
	w := &world{rnd: rand.New(rand.NewPCG(seed, 7)), opt: opt, disk: fsmem.New(nil), memory: &base.Budget{}}
	if seed%2 == 1 {
		w.memory.EvictAt, w.memory.EvictKeep = 1, 1 // entries leave memory all the time
	}
	defer func() {
		if p := recover(); p != nil {
			res = w.res
			res.Problem = fmt.Sprint("panic: ", p)
		}
	}()
	w.plan = drawPlan(w.rnd)
	w.out = &sinkWorld{tokens: map[string]part{}, visible: map[string]bool{}}
	for w.start(); w.done == nil && w.res.Problem == ""; w.step() {
		if w.res.Steps++; w.res.Steps > stepsMax {
			w.res.Problem = "stuck"
		}
	}
	if w.done != nil && w.done.Err != nil {
		w.res.Problem = w.done.Err.Error()
	}
	if w.res.Problem == "" {
		w.res.Problem = w.plan.check(w.out.rows())
	}
	return w.res
}

// start is a process starting: all that is not on disk is gone.
func (w *world) start() {
	w.tasks, w.later, w.events = nil, nil, nil
	w.graph = w.plan.graph(1+w.rnd.IntN(3), 1+w.rnd.IntN(3))
	w.storage = &checkpoint.Storage{FS: w.disk, Dir: "job"}
	from, err := w.storage.Latest(func(string) {})
	if from == nil && err == nil {
		from = &checkpoint.Manifest{Job: w.graph.ID, Groups: w.graph.MaxParallelism}
	}
	if err == nil {
		err = w.storage.Begin(from)
	}
	if err != nil {
		w.res.Problem = err.Error()
		return
	}
	w.master = job.New(w.graph, job.Options{Checkpoints: true, IntervalUs: w.plan.interval, TimeoutUs: 120, RetryUs: 20,
		Unaligned: w.rnd.IntN(2) == 0, AlignedUs: int64(w.rnd.IntN(40)), FailuresMax: -1, Restart: job.Restart{Attempts: -1},
		Enumerator: w.enumerator, Bugs: w.opt.Bugs.Job}, from)
	w.send(job.Event{Start: true})
}

func (w *world) enumerator(src *jobgraph.Source, saved []byte) (connect.Enumerator, error) {
	return w.plan.source.Enumerator(saved)
}

func (w *world) send(ev job.Event) { w.events = append(w.events, ev) }

// step does one of the things that could happen next.
func (w *world) step() {
	switch n := w.rnd.IntN(100); {
	case n < 2:
		w.now += int64(w.rnd.IntN(30))
		w.send(job.Event{Tick: true})
		for _, t := range w.tasks {
			if w.plan.align > 0 && !t.dead { // else ticks would hide that a task is not woken
				w.tell(t.id, task.Control{Tick: w.now})
			}
		}
	case n < 12 && len(w.events) > 0:
		ev := w.events[0]
		w.events = w.events[1:]
		if trace != nil {
			trace("%d event %s", w.res.Steps, describe(ev))
		}
		w.carryOut(w.master.Step(w.now, ev))
	case n < 16 && len(w.later) > 0:
		i := w.rnd.IntN(len(w.later))
		f := w.later[i]
		w.later = append(w.later[:i], w.later[i+1:]...)
		f()
	case n < 20:
		w.upload()
	case n == 20 && w.res.Crashes < w.opt.Crashes && w.rnd.IntN(4) == 0:
		w.res.Crashes++
		w.damage()
		w.start()
	case n == 21 && w.res.Fails < w.opt.Fails && w.rnd.IntN(4) == 0:
		w.failOne()
	default:
		w.stepTask()
	}
}

func (w *world) pick() *running {
	if len(w.tasks) == 0 {
		return nil
	}
	return w.tasks[w.rnd.IntN(len(w.tasks))]
}

func (w *world) stepTask() {
	t := w.pick()
	if t == nil || t.dead || !t.awake {
		return
	}
	t.awake = false // what wakes it during the step counts
	did, err := t.task.Step()
	if err != nil {
		t.dead = true
		w.send(job.Event{Failed: &job.Failure{Task: t.id, Err: err}})
	}
	// A table that is looked up wakes nobody: the task is asked again.
	t.awake = t.awake || did || !t.dead && t.task.Waiting() && !t.task.Done()
}

// wake says that a task may go on.
func (w *world) wake(id task.ID) {
	for _, t := range w.tasks {
		if t.id == id {
			t.awake = true
		}
	}
}

// damage tears the newest manifest, if there is another: what it had committed is to
// be taken back.
func (w *world) damage() {
	epochs, err := w.storage.Epochs()
	if err != nil || len(epochs) < 2 || w.rnd.IntN(3) > 0 {
		return
	}
	name := fmt.Sprintf("job/chk-%08d.json", epochs[len(epochs)-1])
	if err := w.disk.Put(name, []byte("torn")); err != nil {
		w.res.Problem = err.Error()
	}
	w.res.Torn++
}

func (w *world) failOne() {
	t := w.pick()
	if t == nil || t.dead || t.task.Done() {
		return
	}
	w.res.Fails++
	t.dead = true
	w.send(job.Event{Failed: &job.Failure{Task: t.id, Err: fmt.Errorf("task %s: drawn to fail", t.id)}})
}

// upload makes a task's oldest snapshot durable and acknowledges it.
func (w *world) upload() {
	t := w.pick()
	if t == nil || len(t.uploads) == 0 {
		return
	}
	s := t.uploads[0]
	t.uploads = t.uploads[1:]
	a := &job.Ack{Task: t.id, Epoch: s.Epoch, State: map[string]state.Handle{}, Splits: s.Splits, Prepared: s.Prepared, Marks: s.Marks}
	full := w.rnd.IntN(10) == 0 && s.Epoch != 0
	for op, frozen := range s.State {
		w.full = full
		h, err := frozen.Persist()
		w.full = false
		if err != nil {
			a.Err = err
		}
		if w.opt.Bugs.ForgetState && len(h.Files) > 1 {
			h.Files = h.Files[:len(h.Files)-1]
		}
		if w.opt.Bugs.LoseMarks {
			h.Values = nil
		}
		a.State[op] = h
	}
	if w.opt.Bugs.LoseMarks {
		a.Marks = task.Marks{Task: -1 << 62}
	}
	if w.opt.Bugs.DoubleSplit {
		for i := range a.Splits {
			a.Splits[i].Pos = nil
		}
	}
	if s.Epoch == 0 {
		w.send(job.Event{Finished: a})
	} else {
		w.send(job.Event{Ack: a})
	}
}

// carryOut does what the master wants; what takes time ends later, or never if
// the process crashes before.
func (w *world) carryOut(cmds []job.Command) {
	for _, c := range cmds {
		if trace != nil {
			trace("%d   command %s", w.res.Steps, describe(c))
		}
		switch {
		case c.Recover != nil:
			w.epoch = c.Recover.Epoch
			w.later = append(w.later, func() {
				for _, p := range c.Recover.Prepared {
					w.out.commit(p)
				}
				if !w.opt.Bugs.NoTakeBack && !c.Recover.Finished {
					w.res.Back += w.out.takeBack(w.epoch)
				}
				if w.opt.Bugs.NoAbort {
					w.out.commitAll()
				}
				w.out.abort()
				w.send(job.Event{Recovered: true})
			})
		case c.Deploy != nil:
			w.deploy(c.Deploy)
		case c.Stop != nil:
			w.later = append(w.later, func() {
				for _, t := range w.tasks {
					if t.id == *c.Stop {
						t.dead = true
					}
				}
				w.send(job.Event{Stopped: c.Stop})
			})
		case c.Assign != nil:
			w.tell(c.Assign.Task, task.Control{Splits: &c.Assign.Assignment})
		case c.Align != nil:
			for _, id := range c.Align.Tasks {
				w.tell(id, task.Control{Limit: &c.Align.Time})
			}
		case c.Barrier != nil:
			for _, id := range c.Barrier.Tasks {
				w.tell(id, task.Control{Barrier: c.Barrier.Epoch})
			}
		case c.Hurry != nil:
			for _, id := range c.Hurry.Tasks {
				w.tell(id, task.Control{Hurry: c.Hurry.Epoch})
			}
		case c.Notify != nil:
			for _, id := range c.Notify.Tasks {
				w.tell(id, task.Control{Committed: c.Notify.Epoch})
			}
		case c.Save != nil:
			w.later = append(w.later, func() { w.save(c.Save) })
		case c.Commit != nil:
			w.later = append(w.later, func() {
				for _, p := range c.Commit.Prepared {
					w.out.commit(p)
				}
				w.send(job.Event{Committed: c.Commit.Epoch})
			})
		case c.Done != nil:
			w.done = c.Done
		}
	}
}

func (w *world) save(m *checkpoint.Manifest) {
	if w.rnd.IntN(12) == 0 {
		w.send(job.Event{SaveFailed: &job.Failure{Epoch: m.Epoch, Err: fmt.Errorf("drawn to fail")}})
		return
	}
	if err := w.storage.Save(m); err != nil {
		w.res.Problem = err.Error()
		return
	}
	w.res.Epochs++
	if err := w.storage.Retain(2); err != nil {
		w.res.Problem = err.Error()
	}
	w.send(job.Event{Saved: m.Epoch})
}

func (w *world) tell(id task.ID, c task.Control) {
	for _, t := range w.tasks {
		if t.id == id && !t.dead {
			t.task.Deliver(c)
			t.awake = true
		}
	}
}

func (w *world) deploy(d *job.Deployment) {
	if w.wires == nil || w.wires.Attempt != d.Task.Attempt || len(w.tasks) == 0 || w.tasks[0].id.Attempt != d.Task.Attempt {
		w.wires = cluster.NewWires(w.graph, d.Task.Attempt, w.wake, func(int) local.Spill { return nil })
		w.tasks = nil
	}
	t := &running{id: d.Task, awake: true}
	epoch := w.epoch
	env := &fn.Env{Streaming: true, Now: func() int64 { return w.now }}
	cfg, err := build.Task(w.graph, d.Task, d.Restore, d.Mark, &build.World{Env: env, Memory: w.memory, Backend: lsm.Backend{DeltaBytes: 2000, Memory: w.memory}, Files: files{w.storage, w},
		Source: func(*jobgraph.Source) (connect.Source, error) { return w.plan.source, nil },
		Looker: func(*jobgraph.LookupJoin) (connect.Looker, error) { return &looker{rnd: w.rnd}, nil },
		Writer: func(op string, _ *jobgraph.Sink) connect.Writer {
			return &writer{w: w.out, epoch: epoch, name: fmt.Sprintf("%s-%d-%d-%d", op, w.res.Crashes, d.Task.Attempt, d.Task.Subtask)}
		}}, func() { w.arrive(t) })
	if err != nil {
		w.res.Problem = err.Error()
		return
	}
	w.wires.Connect(&cfg)
	if in, ok := cfg.Inbox.(*local.Inbox); ok {
		cfg.Inbox = &inbox{*in, w.rnd}
	}
	cfg.Durable, cfg.NoAlign, cfg.NoFlight = true, w.opt.Bugs.NoAlign, w.opt.Bugs.NoFlight
	cfg.Report = func(r task.Report) {
		switch {
		case r.Want:
			w.send(job.Event{Want: &t.id})
		case r.Mark != nil:
			w.send(job.Event{Mark: &job.Mark{Task: t.id, Time: *r.Mark}})
		case r.Ack != nil:
			t.uploads = append(t.uploads, r.Ack)
		case r.Finished != nil:
			t.uploads = append(t.uploads, r.Finished)
		}
	}
	if t.task, err = task.New(cfg); err != nil {
		w.res.Problem = err.Error()
		return
	}
	w.tasks = append(w.tasks, t)
}

// arrive wakes a task some time after its reader has asked for it: that is when the
// rows come.
func (w *world) arrive(t *running) {
	if !w.opt.Bugs.NoWake {
		w.later = append(w.later, func() { t.awake = true })
	}
}

// An inbox polls its channels in a drawn order.
type inbox struct {
	local.Inbox
	rnd *rand.Rand
}

// Poll implements exchange.Inbox.
func (in *inbox) Poll(skip []bool) (int, exchange.Event, bool, error) {
	one := make([]bool, len(skip))
	for _, ch := range in.rnd.Perm(len(skip)) {
		if skip[ch] {
			continue
		}
		for i := range one {
			one[i] = i != ch
		}
		if ch, ev, ok, err := in.Inbox.Poll(one); ok || err != nil {
			return ch, ev, ok, err
		}
	}
	return 0, exchange.Event{}, false, nil
}

// trace takes a line for every event and command, when a test sets it.
var trace func(format string, args ...any)

// describe writes the fields of an event or command that are set.
func describe(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// files is the storage, which may be full.
type files struct {
	*checkpoint.Storage
	w *world
}

// Put implements state.Files.
func (f files) Put(name string, data []byte) error {
	if f.w.full {
		return fmt.Errorf("put %s: drawn to fail", name)
	}
	return f.Storage.Put(name, data)
}

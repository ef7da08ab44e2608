// Package cluster runs jobs: the goroutines and timers around the state machines
// of package job and package task.
//
// Local is a cluster of one: a JobManager and its tasks in this process. They
// speak through events and commands only, as they would over a network.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/build"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/exchange/local"
	"github.com/millrace-io/millrace/internal/exchange/spill"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/task"
)

// A Local is one job in this process.
type Local struct {
	Graph   *jobgraph.Graph
	World   *build.World
	Options job.Options
	Storage *checkpoint.Storage  // nil: no checkpoints
	Restore *checkpoint.Manifest // where to start, or nil
	// Verified says that all bytes of Restore were read. Else they are while the job
	// runs, and the checkpoints before it are kept until then (checkpoint.Storage.Keep).
	Verified bool
	// Altered says that Restore is not as it is in the folder, so that the job cannot go
	// back to that.
	Altered bool
	// Fits is the error if a checkpoint of the folder has the state of another version of
	// the job, which is not to be gone on with as it is; nil: all fit.
	Fits func(*checkpoint.Manifest) error
	// Settling plans the job for the tasks of a checkpoint of the folder that has rows in
	// flight; nil: they are those of Graph.
	Settling func(*checkpoint.Manifest) (*jobgraph.Graph, error)

	Retain int // manifests kept
	Log    func(string)
	// Clock is that of World.Env if it stands still until nothing is left to do; nil
	// for one that goes.
	Clock *env.Clock
	// Recovered is called once sinks hold what the restored checkpoint says, before
	// any task of an attempt runs.
	Recovered func(attempt int)

	mu     sync.Mutex
	events []job.Event
	wake   chan struct{}
	status Status
	laid   *jobgraph.Graph // whose tasks this attempt has: Graph, or Options.Settle
	tasks  map[task.ID]*runner
	sinks  map[string]connect.Committer
	wires  *Wires
	wakers map[task.ID]*waker // of the tasks of this attempt
	moved  bool               // the clock stands at a time whose rows wait until timers are done

	savepoints   savepoints
	verification verification
}

// Run runs the job to its end. When ctx is cancelled the job takes a last
// checkpoint, if it takes any, and ends; a second cancellation is Kill.
func (l *Local) Run(ctx context.Context) (job.Outcome, error) {
	l.wake = make(chan struct{}, 1)
	l.tasks = map[task.ID]*runner{}
	l.layOut(l.Graph)
	l.Options.Enumerator = func(s *jobgraph.Source, saved []byte) (connect.Enumerator, error) {
		return build.Enumerator(s, saved, func() { l.Send(job.Event{Found: true}) })
	}
	l.Options.Checkpoints = l.Storage != nil
	if err := l.openSinks(); err != nil {
		return job.Outcome{}, err
	}
	defer l.closeSinks()
	if l.Storage != nil && l.Storage.Lease != nil {
		done := make(chan struct{})
		defer close(done)
		go l.beat(done)
	}
	l.Options.GoBack = l.Storage != nil && !l.Altered
	if l.Storage != nil && l.Restore != nil && !l.Verified {
		l.Storage.Keep(l.Restore.Epoch)
	}
	defer l.endVerify()
	defer l.closeSavepoints()
	m := job.New(l.Graph, l.Options, l.Restore)
	tick := time.NewTicker(exec.TickMs * time.Millisecond)
	defer tick.Stop()
	var still <-chan time.Time
	if l.Clock != nil {
		t := time.NewTicker(stillEvery)
		defer t.Stop()
		still = t.C
	}
	cancelled := ctx.Done()
	l.Send(job.Event{Start: true})
	for {
		for _, ev := range l.take() {
			if out := l.carryOut(m.Step(env.Now(), ev)); out != nil {
				l.stopAll()
				if !out.Lost {
					l.tidy(out)
				}
				return *out, nil
			}
		}
		select {
		case <-l.wake:
		case <-tick.C:
			l.tick()
			l.Send(job.Event{Tick: true})
		case <-still:
			l.moveClock()
		case <-cancelled:
			cancelled = nil
			l.Send(job.Event{Cancel: true})
		}
	}
}

// Send gives the master an event; from any goroutine.
func (l *Local) Send(ev job.Event) {
	l.mu.Lock()
	l.events = append(l.events, ev)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *Local) take() []job.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	evs := l.events
	l.events = nil
	return evs
}

// carryOut does what the master wants, in order.
func (l *Local) carryOut(cmds []job.Command) *job.Outcome {
	for _, c := range cmds {
		if c.Barrier != nil {
			l.began(c.Barrier.Epoch)
		}
		ids, say := ForTasks(&c)
		for _, id := range ids {
			l.tell(id, say)
		}
		switch {
		case c.Recover != nil:
			l.World.Epoch = c.Recover.Epoch // no task runs that could read it
			if l.Storage != nil {
				l.Storage.Forget()
			}
			go l.recover(c.Recover)
		case c.Deploy != nil:
			l.deploy(c.Deploy)
			l.verify()
		case c.LayOut != nil:
			l.layOut(c.LayOut)
		case c.GoBack:
			l.goBack()
		case c.Stop != nil:
			l.stop(*c.Stop)
		case c.Copy != nil:
			l.copy(c.Copy)
		case c.Answer != nil:
			l.answer(c.Answer)
		case c.Save != nil:
			go l.save(c.Save)
		case c.Commit != nil:
			go l.commit(c.Commit)
		case c.Log != "":
			l.Log(c.Log)
		case c.Done != nil:
			return c.Done
		}
	}
	return nil
}

func (l *Local) tell(id task.ID, c task.Control) {
	if r := l.tasks[id]; r != nil {
		r.deliver(c)
	}
}

func (l *Local) openSinks() error {
	l.sinks = map[string]connect.Committer{}
	for _, v := range l.Graph.Vertices {
		for _, op := range v.Ops {
			s, ok := op.Spec.(*jobgraph.Sink)
			if !ok || l.World.Writer != nil && l.World.Writer(op.ID, s) != nil {
				continue
			}
			out, err := build.Sink(s)
			if err != nil {
				return err
			}
			c, err := out.Committer()
			if err != nil {
				return err
			}
			if c != nil {
				l.sinks[op.ID] = c
			}
		}
	}
	return nil
}

func (l *Local) closeSinks() {
	for _, c := range l.sinks {
		c.Close()
	}
}

// recover commits again what the checkpoint prepared, then takes back what else
// the sinks hold of earlier attempts. A job that had finished leaves them alone:
// what it committed may have been taken away since.
func (l *Local) recover(from *checkpoint.Manifest) {
	if l.Storage != nil {
		if err := l.Storage.Held(); err != nil {
			l.lose(err)
			l.Send(job.Event{NotDone: &job.Failure{Err: err}})
			return
		}
	}
	for id, c := range l.sinks {
		if from.Finished {
			break
		}
		err := c.Commit(context.Background(), uint64(from.Epoch), from.Prepared[id])
		if err == nil {
			err = c.Abort(context.Background(), uint64(from.Epoch), nil)
		}
		if err != nil {
			l.Send(job.Event{NotDone: &job.Failure{Err: fmt.Errorf("recover sink %s: %w", id, err)}})
			return
		}
	}
	l.Send(job.Event{Recovered: true})
}

// tidy leaves the sinks of a job that did not come to its end with what its last
// checkpoint says. A checkpoint that became durable while the job was failing is
// committed; what was written behind it is taken back: what a task prepared when it finished, while others were still
// running. Without checkpoints nothing will ever commit it, and what a last commit
// that failed has made visible is half a result.
func (l *Local) tidy(out *job.Outcome) {
	if out.Err == nil && !out.Cancelled || out.From != nil && out.From.Finished {
		return
	}
	for id, c := range l.sinks {
		var epoch uint64
		var keep [][]byte
		if l.Storage != nil && out.From != nil {
			epoch, keep = uint64(out.From.Epoch), out.From.Prepared[id]
			if err := c.Commit(context.Background(), epoch, keep); err != nil {
				l.Log(fmt.Sprintf("sink %s: commit checkpoint %d: %v; a restore commits it", id, epoch, err))
			}
		}
		if err := c.Abort(context.Background(), epoch, keep); err != nil {
			l.Log(fmt.Sprintf("sink %s is not tidied up: %v", id, err))
		}
	}
}

// lose ends the job if an error says that another process has taken it over.
func (l *Local) lose(err error) {
	if errors.Is(err, checkpoint.ErrLost) {
		l.Send(job.Event{Lost: err})
	}
}

// beat says that this process still runs the job, until the job ends.
func (l *Local) beat(done chan struct{}) {
	tick := time.NewTicker(checkpoint.BeatUs * time.Microsecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if err := l.Storage.Lease.Beat(env.Now()); errors.Is(err, checkpoint.ErrLost) {
				l.lose(err)
			} else if err != nil {
				l.Log(fmt.Sprintf("that this process runs the job cannot be written down: %v", err))
			}
		}
	}
}

func (l *Local) commit(cm *job.Commit) {
	if l.Storage != nil {
		if err := l.Storage.Held(); err != nil {
			l.lose(err)
			l.Send(job.Event{NotDone: &job.Failure{Epoch: cm.Epoch, Err: err}})
			return
		}
	}
	for id, c := range l.sinks { // also those that have prepared nothing: an overwrite by no rows
		if err := c.Commit(context.Background(), uint64(cm.Epoch), cm.Prepared[id]); err != nil {
			l.Send(job.Event{NotDone: &job.Failure{Epoch: cm.Epoch, Err: fmt.Errorf("commit checkpoint %d: %w", cm.Epoch, err)}})
			return
		}
	}
	l.Send(job.Event{Committed: cm.Epoch})
}

func (l *Local) save(m *checkpoint.Manifest) {
	if l.Storage != nil {
		if err := l.Storage.Save(m); err != nil {
			l.lose(err)
			l.Send(job.Event{SaveFailed: &job.Failure{Epoch: m.Epoch, Err: err}})
			return
		}
		l.completed(m)
		if err := l.Storage.Retain(l.Retain); err != nil {
			l.Log(fmt.Sprintf("old checkpoints are not deleted: %v", err))
		}
	}
	l.Send(job.Event{Saved: m.Epoch})
}

// deploy builds a task, wires it and starts its goroutine.
func (l *Local) deploy(d *job.Deployment) {
	if l.wires == nil || l.wires.Attempt != d.Task.Attempt {
		l.wire(d.Task.Attempt)
		if l.Recovered != nil {
			l.Recovered(d.Task.Attempt)
		}
	}
	r := &runner{l: l, id: d.Task, wake: l.wakers[d.Task], stop: make(chan struct{}), gone: make(chan struct{})}
	if l.Clock != nil { // its first step knows the time
		r.deliver(task.Control{Tick: l.Clock.Now()})
	}
	l.tasks[d.Task] = r
	wires, graph := l.wires, l.laid
	go r.run(func() (*task.Task, error) {
		cfg, err := build.Task(graph, d.Task, d.Restore, d.Mark, l.World, r.wake.poke)
		if err != nil {
			return nil, err
		}
		wires.Connect(&cfg)
		if p := l.World.Profile; p != nil {
			p.Edges(graph, &cfg)
		}
		cfg.Durable = l.Storage != nil
		cfg.Report = r.report
		r.cfg = &cfg
		return task.New(cfg)
	})
}

// layOut takes the graph of the attempts that follow; no task runs.
func (l *Local) layOut(g *jobgraph.Graph) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.laid, l.status.tasks = g, nil
}

// wire makes the channels of an attempt, and for each task what wakes it.
func (l *Local) wire(attempt int) {
	wakers := map[task.ID]*waker{}
	for v := range l.laid.Vertices {
		for i := range l.laid.Vertices[v].Parallelism {
			wakers[task.ID{Vertex: v, Subtask: i, Attempt: attempt}] = newWaker()
		}
	}
	l.wakers = wakers
	l.wires = NewWires(l.laid, attempt, func(id task.ID) { wakers[id].poke() }, func(edge int) local.Spill {
		if p := l.World.Profile; p != nil {
			return spill.New(p.Waiting(edge, attempt, l.World))
		}
		return spill.New(l.World.Memory, l.World.Spill)
	})
}

func (l *Local) stop(id task.ID) {
	r := l.tasks[id]
	delete(l.tasks, id)
	if r == nil {
		l.Send(job.Event{Stopped: &id})
		return
	}
	close(r.stop)
	go func() {
		<-r.gone
		l.Send(job.Event{Stopped: &id})
	}()
}

func (l *Local) stopAll() {
	for _, r := range l.tasks {
		close(r.stop)
	}
	for _, r := range l.tasks {
		<-r.gone
	}
}

// A runner is the goroutine of a task.
type runner struct {
	l    *Local
	id   task.ID
	cfg  *task.Config
	wake *waker
	stop chan struct{}
	gone chan struct{}

	task *task.Task // once it is open; of the goroutine that runs it

	mu   sync.Mutex
	mail []task.Control
	acks chan *task.Snapshot
}

func (r *runner) deliver(c task.Control) {
	r.mu.Lock()
	if c.Tick != 0 && len(r.mail) > 0 && r.mail[len(r.mail)-1].Tick != 0 {
		r.mail[len(r.mail)-1] = c
	} else {
		r.mail = append(r.mail, c)
	}
	r.mu.Unlock()
	r.wake.poke()
}

// run owns the task from its first step until it is stopped: one that has finished
// still answers for its state.
func (r *runner) run(open func() (*task.Task, error)) {
	defer close(r.gone)
	r.acks = make(chan *task.Snapshot, 4)
	persisted := make(chan struct{})
	go r.persist(persisted)
	err := r.loop(open)
	close(r.acks)
	<-persisted
	if err != nil {
		r.l.Send(job.Event{Failed: &job.Failure{Task: r.id, Err: err}})
	}
}

func (r *runner) loop(open func() (*task.Task, error)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("task %s panicked: %v\n%s", r.id, p, debug.Stack())
		}
	}()
	t, err := open()
	if err != nil {
		return err
	}
	defer t.Close()
	r.task = t
	idle, nap := time.NewTimer(time.Hour), napMin
	defer idle.Stop()
	for {
		select {
		case <-r.stop:
			return nil
		default:
		}
		seen := r.wake.pokes.Load()
		r.mu.Lock()
		mail := r.mail
		r.mail = nil
		r.mu.Unlock()
		for _, c := range mail {
			t.Deliver(c)
		}
		did := false
		for range stepsBetweenMail {
			more, err := t.Step()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			did = true
		}
		if did {
			r.l.progress(r, t)
			nap = napMin
			continue
		}
		// A table that is looked up has no way to wake the task: it is asked again, at
		// growing intervals.
		waits := t.Waiting() && !t.Done()
		if waits {
			idle.Reset(nap)
			nap = min(2*nap, napMax)
		}
		if !waits || nap == napMax { // an answer may wait for the clock
			r.wake.settled.Store(seen)
		}
		select {
		case <-r.stop:
			return nil
		case <-r.wake.c: // by mail, a channel or the reader
		case <-idle.C:
			r.wake.pokes.Add(1)
		}
	}
}

const (
	stepsBetweenMail = 64
	napMin           = 20 * time.Microsecond
	napMax           = 10 * time.Millisecond
)

// report is called by the task from its steps.
func (r *runner) report(rep task.Report) {
	switch {
	case rep.Want:
		r.l.Send(job.Event{Want: &r.id})
	case rep.Mark != nil:
		r.l.Send(job.Event{Mark: &job.Mark{Task: r.id, Time: *rep.Mark}})
	case rep.Ack != nil:
		r.acks <- rep.Ack
	case rep.Finished != nil:
		r.l.progress(r, r.task) // the job may be done, and looked at, before this step is
		r.acks <- rep.Finished
	}
}

// persist makes snapshots durable, one after the other, and acknowledges them.
func (r *runner) persist(done chan struct{}) {
	defer close(done)
	for s := range r.acks {
		a := r.l.upload(r.id, s)
		if s.Epoch == 0 {
			r.l.Send(job.Event{Finished: a})
		} else {
			r.l.Send(job.Event{Ack: a})
		}
	}
}

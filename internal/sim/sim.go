// Package sim runs whole jobs on a whole cluster in one goroutine under a seed: a
// coordinator, its workers, the network between them and the disk under them, with
// the engine's own planner, operators, state, tasks, master, channels, checkpoints and
// file store. The same seed gives the same run.
//
// What there is of a cluster in the engine is run as it is; what there is not yet is a
// part of the simulator, which says what the engine's must do:
//
//	the engine's                                 the simulator's
//	job.Master, task.Task, exec, state, plan     coordinator: what cluster.Local does
//	exchange/local, exchange/wire, cluster.Wires worker: tasks, uploads, channels to others
//	checkpoint.Storage and Lease                 link: order and delivery over packets
//	fsys/local                                   disk: what an operating system promises
//
// Today's engine runs a job in one process (cluster.Local): its commands and events
// are calls. Here each of them is a message.
//
// # Time
//
// Nothing happens but what was scheduled, at a drawn time, in microseconds of the
// world: a task's step, the end of an upload, a packet that arrives, a tick. Faults
// come at drawn times, too, a drawn number of them: the death of a worker, of the
// coordinator, of all, between any two operations of the disk; the power going, with
// what was not synced; a task that fails; machines that cannot reach each other; a
// full disk; slow uploads; a coordinator that sleeps while another takes its place; a
// damaged manifest or state file. After a restart each vertex may have another
// parallelism. When the last fault is over the job must come to its end.
//
// # Jobs
//
// Most are queries of a grammar, which evaluates each while it draws it, by the
// plainest means: grammar.go. A few are made by hand and have what the grammar cannot
// say: classic.go.
//
// # What must hold
//
// In the end the sink holds what the oracle says, and its changes are well formed; at
// every moment what audit says. The list of Bugs tests the simulator: it must find
// each of them.
package sim

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"

	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/internal/exchange/local"
	fslocal "github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/task"
)

// Options steer a run.
type Options struct {
	Faults int // at most
	Bugs   Bugs
}

// Result is what a run did.
type Result struct {
	Steps, Epochs        int
	Packets, Lost, Twice int
	Kills                int // of processes
	Powers               int // … of all, with what was not synced
	Fails, Cuts, Fulls   int // tasks that failed, partitions, times that the disk was full
	Given                int // workers that were given up
	Settled              int // starts that handled rows in flight first, at another parallelism
	Damaged, Back        int // files, and commits taken back
	GoneBack             int // jobs that went back by themselves
	Coordinators         int
	Savepoints, Restores int    // taken, and starts from them or from an earlier checkpoint
	Problem              string // "" when all was as it must be
}

func (r *Result) add(o Result) {
	r.Steps, r.Epochs = r.Steps+o.Steps, r.Epochs+o.Epochs
	r.Packets, r.Lost, r.Twice = r.Packets+o.Packets, r.Lost+o.Lost, r.Twice+o.Twice
	r.Kills, r.Powers, r.Fails, r.Cuts, r.Fulls = r.Kills+o.Kills, r.Powers+o.Powers, r.Fails+o.Fails, r.Cuts+o.Cuts, r.Fulls+o.Fulls
	r.Given, r.Damaged, r.Back, r.Coordinators = r.Given+o.Given, r.Damaged+o.Damaged, r.Back+o.Back, r.Coordinators+o.Coordinators
	r.Savepoints, r.Restores, r.Settled, r.GoneBack = r.Savepoints+o.Savepoints, r.Restores+o.Restores, r.Settled+o.Settled, r.GoneBack+o.GoneBack
}

func (r Result) String() string {
	return fmt.Sprintf("%d steps, %d checkpoints, %d packets (%d lost, %d twice), %d processes killed, %d times without power, %d tasks failed, %d partitions, %d full disks, %d workers given up, %d files damaged, %d jobs gone back by themselves, %d commits taken back, %d coordinators, %d savepoints, %d starts from one or an earlier checkpoint, %d starts that settled %s",
		r.Steps, r.Epochs, r.Packets, r.Lost, r.Twice, r.Kills, r.Powers, r.Fails, r.Cuts, r.Fulls, r.Given, r.Damaged, r.GoneBack, r.Back, r.Coordinators, r.Savepoints, r.Restores, r.Settled, r.Problem)
}

// About says what job a seed draws.
func About(seed uint64) string {
	j, err := drawJob(rand.New(rand.NewPCG(seed, 7)))
	switch {
	case err != nil:
		return err.Error()
	case j.sql == "":
		return "a job made by hand"
	}
	return j.sql
}

const (
	// stepsMax ends a run that does not.
	stepsMax = 300_000
	// alike is how often in a row the job may fail with the same words: one that always
	// does is wrong.
	alike = 60
)

type world struct {
	seed uint64
	rnd  *rand.Rand
	opt  Options
	plan *drawn
	disk *disk
	net  network
	out  *ledger
	res  Result

	now   int64
	seq   int
	queue queue

	workers      map[int]*worker
	coordinators []*coordinator
	numbers      int
	places       map[int]string
	audit        *audit
	orders       order
	savepoints   []string    // those that are there
	drained      *savepoint  // the one with which the job is to end after its sources, which are not read then
	back         []savepoint // of them, those that the job may go back to
	slow         bool        // uploads and saves take long
	ambush       ambush
	faults       int // still to come
	done         *job.Outcome
	last         map[task.ID]map[string]state.Handle // for a bug
}

// Run runs a job drawn from the seed to its end.
func Run(seed uint64, opt Options) (res Result) {
	w := &world{seed: seed, rnd: rand.New(rand.NewPCG(seed, 7)), opt: opt, places: map[int]string{}, workers: map[int]*worker{},
		last: map[task.ID]map[string]state.Handle{}, out: &ledger{}}
	defer func() {
		if p := recover(); p != nil {
			res = w.res
			res.Problem = fmt.Sprintf("panic: %v\n%s", p, stack())
		}
	}()
	var err error
	if w.plan, err = drawJob(w.rnd); err != nil {
		return Result{Problem: err.Error()}
	}
	w.orders.dir = "job"
	w.audit = newAudit(w, "job")
	w.disk = newDisk(w.rnd, &w.opt.Bugs)
	w.disk.removed, w.disk.renamed = w.audit.removed, w.out.renamed
	w.net = drawNetwork(w, w.rnd)
	for id := range 1 + w.rnd.IntN(3) {
		k := &worker{w: w, id: id + 1}
		w.workers[k.id] = k
		k.boot()
	}
	w.place()
	if opt.Faults > 0 {
		w.faults = w.rnd.IntN(opt.Faults + 1)
		w.fate()
	}
	w.run()
	return w.res
}

func (w *world) run() {
	for w.done == nil && w.res.Problem == "" {
		if w.res.Steps++; w.res.Steps > stepsMax {
			w.fail("stuck")
			return
		}
		e := heap.Pop(&w.queue).(happening)
		w.now = e.at
		e.do()
		if w.disk.dead {
			w.disk.dead = false
			w.crash()
		}
	}
	if w.done != nil && w.done.Err != nil {
		w.fail(w.done.Err.Error())
	}
	if w.res.Problem != "" {
		return
	}
	w.disk.dieIn = 0
	fs := fslocal.On(w.disk, "")
	changes, problem := w.out.changes(fs)
	if problem == "" {
		problem = w.checkSavepoints(fs)
	}
	if problem == "" {
		problem = w.plan.check(changes)
	}
	w.res.Problem = problem
}

// stack is where a panic was, if somebody wants to know.
func stack() []byte {
	if tracer == nil {
		return nil
	}
	return debug.Stack()
}

// fail notes the first thing that is wrong.
func (w *world) fail(problem string) {
	if w.res.Problem == "" {
		w.res.Problem = problem
	}
}

// ended notes that a coordinator has come to the end of its job.
func (w *world) ended(c *coordinator) {
	switch {
	case c.over.Lost, slices.ContainsFunc(w.coordinators, func(o *coordinator) bool { return o.alive && o.number > c.number }):
		c.kill()                  // another has the job, and what this one says of its end is not heard
		w.after(retryUs, w.place) // … or had it
	case c.over.Cancelled || c.stopped != "" || w.drained != nil:
		w.restart(c)
	default:
		w.done = c.over
	}
}

// A happening is what will be done at a time.
type happening struct {
	at  int64
	seq int
	do  func()
}

// A queue has what will happen, the next first.
type queue []happening

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(happening)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = happening{}
	*q = (*q)[:last]
	return e
}

// after schedules.
func (w *world) after(us int, f func()) {
	w.seq++
	heap.Push(&w.queue, happening{w.now + int64(us), w.seq, f})
}

// storageUs is how long an upload, a save or a commit takes: some take long, and while
// the storage is slow most do.
func (w *world) storageUs() int {
	us := 1 + w.rnd.IntN(60)
	if w.rnd.IntN(12) == 0 || w.slow && w.rnd.IntN(3) > 0 {
		us *= 20
	}
	return us
}

// place starts a coordinator, again and again until one has the job.
func (w *world) place() {
	if slices.ContainsFunc(w.coordinators, func(c *coordinator) bool { return c.alive && w.now >= c.asleep }) {
		return
	}
	if w.boot(fmt.Sprint("place ", w.rnd.IntN(2))) {
		w.res.Coordinators++
		return
	}
	w.after(retryUs, w.place)
}

// arrive is a packet reaching all coordinators that listen, or the one of a term.
func (w *world) arrive(term uint64, f func(c *coordinator)) {
	for _, c := range w.coordinators {
		if c.alive && (term == 0 || term>>32 == uint64(c.number)) {
			c.do(0, func() { f(c) })
		}
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

// tracer takes a line for all that happens, when a test sets it.
var tracer func(format string, args ...any)

func (w *world) trace(format string, args ...any) {
	if tracer != nil {
		tracer("%6d "+format, append([]any{w.now}, args...)...)
	}
}

func (w *world) traceEvent(coordinator int, ev job.Event) {
	if tracer != nil && !ev.Tick {
		w.trace("%d: event %s", coordinator, describe(ev))
	}
}

func (w *world) traceCommand(coordinator int, c job.Command) {
	if tracer != nil {
		w.trace("%d:   command %s", coordinator, describe(c))
	}
}

// describe writes the fields of an event or command that are set.
func describe(v any) string {
	if ev, ok := v.(job.Event); ok {
		for _, f := range []*job.Failure{ev.Failed, ev.SaveFailed, ev.NotDone} {
			if f != nil {
				return fmt.Sprintf("task %s, epoch %d: %v", f.Task, f.Epoch, f.Err)
			}
		}
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return err.Error()
	}
	for k, f := range fields {
		if f == nil || f == false || f == "" || f == 0.0 {
			delete(fields, k)
		}
	}
	data, err = json.Marshal(fields)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

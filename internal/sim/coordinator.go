package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/cluster"
	"github.com/millrace-io/millrace/internal/fsys"
	fslocal "github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/task"
)

// A coordinator is the process of a job's master: it carries out what the master
// wants, as cluster.Local does in one process, and tells it what its workers say.
// Another may take its place while it sleeps.
type coordinator struct {
	w       *world
	number  int // 1 …: no two have one
	alive   bool
	asleep  int64 // until when it does nothing
	fs      fsys.FS
	storage *checkpoint.Storage
	master  *job.Master
	graph   *jobgraph.Graph // of the attempts that follow
	goal    *jobgraph.Graph // … once nothing is in flight
	started bool
	back    bool // the job has gone back by itself
	over    *job.Outcome
	asked   map[string]*job.SavepointRequest // that are not answered
	copied  map[string]base.Epoch            // epochs of savepoints, by request
	stopped string                           // the savepoint with which the job is to end

	sessions map[int]*session // by worker
	terms    uint64
	attempt  *attempt
	epoch    base.Epoch // that the attempt starts from
	run      string     // of the job
}

// A session is the conversation with a worker.
type session struct {
	turn  int // of the worker
	term  uint64
	link  *link
	heard int64
}

const (
	tickUs     = 100
	beatUs     = 500
	leaseScale = checkpoint.BeatUs / beatUs // microseconds of the lease for one of the world
	retryUs    = 300                        // until another coordinator is tried
)

// boot starts a coordinator in a place; false: there is one that seems to live, or the
// disk does not work.
func (w *world) boot(place string) bool {
	w.numbers++
	c := &coordinator{w: w, number: w.numbers, alive: true, sessions: map[int]*session{}, asked: map[string]*job.SavepointRequest{}, copied: map[string]base.Epoch{}, fs: fslocal.On(w.disk, "")}
	if w.opt.Bugs.ComesBack {
		c.fs = badFS{c.fs}
	}
	c.storage = &checkpoint.Storage{FS: c.fs, Dir: w.orders.dir}
	w.places[c.number] = place
	if err := c.begin(place); err != nil {
		w.trace("coordinator %d does not start: %v", c.number, err)
		if !errors.Is(err, errDead) && !errors.Is(err, fsys.ErrFull) && !errors.As(err, new(inUse)) {
			w.fail(err.Error())
		}
		return false
	}
	w.trace("coordinator %d", c.number)
	w.coordinators = append(w.coordinators, c)
	c.do(1, c.tick)
	c.do(beatUs, c.beat)
	return true
}

// inUse is the error of a folder that another seems to have.
type inUse struct{ error }

func (c *coordinator) begin(place string) error {
	w := c.w
	lease, err := c.storage.Acquire(checkpoint.World{
		Self: checkpoint.Process{Pid: c.number, Host: place, Place: place}, Now: func() int64 { return w.now * leaseScale },
		Alive: w.lives, Token: func() string { return fmt.Sprint(c.number) }})
	if err != nil {
		if errors.Is(err, errDead) || errors.Is(err, fsys.ErrFull) {
			return err
		}
		return inUse{err}
	}
	if c.storage.Lease = lease; w.opt.Bugs.NoLease {
		c.storage.Lease = nil
	}
	c.goal = w.plan.graph(w.rnd)
	c.graph = c.goal
	from, err := c.from()
	if err != nil {
		return err
	}
	plan := ""
	if !from.Finished {
		if plan, err = c.storage.PutPlan(c.graph, nil); err != nil {
			return err
		}
	}
	if err := c.storage.Begin(from); err != nil {
		return err
	}
	w.orders.from = "" // done
	settle, err := c.settling(from)
	if err != nil {
		return err
	}
	c.run = from.Run
	w.audit.begin(from)
	w.abandon(from.Epoch)
	c.verify(from)
	c.master = job.New(c.graph, job.Options{Checkpoints: true, IntervalUs: w.plan.interval, TimeoutUs: w.plan.timeout, RetryUs: 500, FailuresMax: -1,
		Unaligned: w.plan.piles || w.rnd.IntN(2) == 0, AlignedUs: w.alignedUs(),
		Run: from.Run, Plan: plan, Settle: settle, GoBack: !w.opt.Bugs.NoVerify, Restart: job.Restart{Attempts: -1, DelayUs: 150, Alike: alike}, Enumerator: c.enumerator, Bugs: w.opt.Bugs.Job}, from)
	return nil
}

// alignedUs is how long barriers wait before they overtake.
func (w *world) alignedUs() int64 {
	if w.plan.piles {
		return 0
	}
	return int64(w.rnd.IntN(300))
}

// settling is the job at the parallelism at which a checkpoint was taken whose barriers
// had overtaken rows, if it has another now.
func (c *coordinator) settling(from *checkpoint.Manifest) (*jobgraph.Graph, error) {
	if !from.Overtaken {
		return nil, nil
	}
	was, err := c.storage.Plan(from)
	if err != nil || !job.Settles(from, was, c.goal) {
		return nil, err
	}
	out := *c.goal
	out.Vertices = slices.Clone(out.Vertices)
	for v := range out.Vertices {
		out.Vertices[v].Parallelism = was.Vertices[v].Parallelism
	}
	c.w.res.Settled++
	return &out, nil
}

// from is the checkpoint that the job goes on from: the one that the operator has named,
// the newest, or that before the first row.
func (c *coordinator) from() (*checkpoint.Manifest, error) {
	if c.w.orders.from != "" {
		m, err := c.restored()
		if !errors.Is(err, state.ErrCorrupt) {
			return m, err
		}
		c.w.trace("the newest, then: %v", err)
	}
	from, err := c.latest()
	if from == nil && err == nil {
		from = &checkpoint.Manifest{Job: c.graph.ID, Run: fmt.Sprintf("%s-%d", c.storage.Dir, c.number), Groups: c.graph.MaxParallelism}
	}
	return from, err
}

// latest is the newest checkpoint that looks whole.
func (c *coordinator) latest() (*checkpoint.Manifest, error) {
	if !c.w.opt.Bugs.NoVerify {
		return c.storage.Newest(c.warn)
	}
	epochs, err := c.storage.Epochs()
	for _, e := range slices.Backward(epochs) {
		if m, err := c.storage.Load(e); err == nil {
			return m, nil
		}
	}
	return nil, err
}

// lives reports whether a process of a coordinator runs, asleep or not.
func (w *world) lives(p checkpoint.Process) bool {
	return slices.ContainsFunc(w.coordinators, func(c *coordinator) bool { return c.number == p.Pid && c.alive })
}

// do runs f later, if the process still lives then; one that sleeps does it when it
// wakes.
func (c *coordinator) do(us int, f func()) {
	c.w.after(us, func() {
		switch {
		case !c.alive:
		case c.w.now < c.asleep:
			c.do(int(c.asleep-c.w.now)+1+c.w.rnd.IntN(20), f)
		default:
			f()
		}
	})
}

func (c *coordinator) kill() {
	c.alive = false
	for _, s := range c.sessions {
		s.link.ends = true
	}
}

func (c *coordinator) enumerator(src *jobgraph.Source, saved []byte) (connect.Enumerator, error) {
	return c.w.plan.source(src).Enumerator(saved, func() {})
}

// send gives the master an event.
func (c *coordinator) send(ev job.Event) {
	c.do(1+c.w.rnd.IntN(4), func() { c.handle(ev) })
}

func (c *coordinator) handle(ev job.Event) {
	if c.over != nil {
		return
	}
	c.w.traceEvent(c.number, ev)
	c.carryOut(c.master.Step(c.w.now, ev))
}

func (c *coordinator) tick() {
	if len(c.sessions) > 0 && !c.started {
		c.started = true
		c.handle(job.Event{Start: true})
	}
	for _, id := range sortedKeys(c.sessions) {
		if c.w.now-c.sessions[id].heard > quietUs {
			c.lose(id)
		}
	}
	if c.started {
		c.handle(job.Event{Tick: true})
	}
	c.do(tickUs, c.tick)
}

// beat says that the process still has the job.
func (c *coordinator) beat() {
	if c.storage.Lease != nil {
		c.taken(c.storage.Lease.Beat(c.w.now * leaseScale))
	}
	c.do(beatUs, c.beat)
}

// taken ends the job if an error says that another has it.
func (c *coordinator) taken(err error) {
	if errors.Is(err, checkpoint.ErrLost) {
		c.send(job.Event{Lost: err})
	}
}

// hello takes a worker on.
func (c *coordinator) hello(id, turn int) {
	s := c.sessions[id]
	if s != nil && s.turn > turn {
		return
	}
	if s == nil || s.turn != turn {
		if s != nil {
			c.lose(id)
		}
		c.terms++
		s = &session{turn: turn, term: uint64(c.number)<<32 | c.terms}
		worker, term := c.w.workers[id], s.term
		s.link = &link{w: c.w, lost: func() { c.lose(id) }, out: func(p packet) {
			c.w.net.send(0, id, func() { worker.receive(term, p) })
		}, take: func(payload any) bool {
			c.handle(payload.(job.Event)) // in the order in which they were told
			return true
		}}
		c.sessions[id] = s
	}
	c.greet(id, s)
}

func (c *coordinator) greet(id int, s *session) {
	s.heard = c.w.now
	worker, turn, term := c.w.workers[id], s.turn, s.term
	c.w.net.send(0, id, func() { worker.welcome(turn, term) })
}

// heard is a worker saying that it still lives, or a packet of its conversation.
func (c *coordinator) heard(id int, term uint64) *session {
	s := c.sessions[id]
	if s == nil || s.term != term {
		worker := c.w.workers[id]
		c.w.net.send(0, id, func() { worker.stale(term) })
		return nil
	}
	s.heard = c.w.now
	return s
}

func (c *coordinator) stillThere(id int, term uint64) {
	if s := c.heard(id, term); s != nil {
		c.greet(id, s)
	}
}

func (c *coordinator) receive(id int, term uint64, p packet) {
	if s := c.heard(id, term); s != nil {
		s.link.receive(p)
	} else if ev, ok := p.payload.(job.Event); ok && c.w.opt.Bugs.NoFence && !p.ack {
		c.send(ev)
	}
}

// lose gives a worker up: its tasks have failed, whatever it does.
func (c *coordinator) lose(id int) {
	s := c.sessions[id]
	if s == nil {
		return
	}
	c.w.trace("coordinator %d gives worker %d up", c.number, id)
	delete(c.sessions, id)
	s.link.ends = true
	c.w.res.Given++
	if c.attempt == nil {
		return
	}
	for _, t := range c.tasksOf(id) {
		c.send(job.Event{Failed: &job.Failure{Task: t, Err: fmt.Errorf("worker %d is lost", id)}})
	}
}

func (c *coordinator) tasksOf(worker int) (out []task.ID) {
	for v := range c.graph.Vertices {
		for i := range c.graph.Vertices[v].Parallelism {
			if id := (task.ID{Vertex: v, Subtask: i, Attempt: c.attempt.key[1]}); c.attempt.place[id] == worker {
				out = append(out, id)
			}
		}
	}
	return out
}

// carryOut does what the master wants, in order. What takes time ends later.
func (c *coordinator) carryOut(cmds []job.Command) {
	for _, cmd := range cmds {
		c.w.traceCommand(c.number, cmd)
		ids, say := cluster.ForTasks(&cmd)
		for _, id := range ids {
			c.tell(id, say)
		}
		switch {
		case cmd.Recover != nil:
			c.epoch = cmd.Recover.Epoch
			c.storage.Forget()
			c.do(c.w.storageUs(), func() { c.recover(cmd.Recover) })
		case cmd.GoBack:
			c.do(c.w.storageUs(), c.goBack)
		case cmd.LayOut != nil:
			c.graph = cmd.LayOut
		case cmd.Deploy != nil:
			c.deploy(cmd.Deploy)
		case cmd.Stop != nil:
			c.stop(*cmd.Stop)
		case cmd.Save != nil:
			c.do(c.w.ambushed(atSave), func() { c.save(cmd.Save) })
		case cmd.Commit != nil:
			c.do(c.w.storageUs(), func() { c.commit(cmd.Commit) })
		case cmd.Copy != nil:
			c.copy(cmd.Copy)
		case cmd.Answer != nil:
			c.answer(cmd.Answer)
		case cmd.Done != nil:
			c.over = cmd.Done
			c.w.ended(c)
		}
	}
}

// recover commits again what the checkpoint prepared, then takes back what else the
// sink holds of earlier attempts.
func (c *coordinator) recover(from *checkpoint.Manifest) {
	bugs := &c.w.opt.Bugs
	err := c.storage.Held()
	c.taken(err)
	if err == nil && !from.Finished {
		if !bugs.NoRecommit {
			for _, op := range sortedKeys(from.Prepared) {
				err = errors.Join(err, commit(c.fs, from.Prepared[op]))
			}
		}
		if err == nil && !bugs.NoTakeBack {
			var n int
			n, err = takeBack(c.fs, c.run, from.Epoch)
			c.w.res.Back += n
		}
		if err == nil && bugs.NoAbort {
			err = commitAll(c.fs)
		}
		err = errors.Join(err, abort(c.fs))
	}
	if err != nil {
		c.send(job.Event{NotDone: &job.Failure{Err: fmt.Errorf("recover: %w", err)}})
		return
	}
	c.w.audit.recovered(from)
	c.send(job.Event{Recovered: true})
}

func (c *coordinator) save(m *checkpoint.Manifest) {
	if err := c.storage.Save(m); err != nil {
		c.taken(err)
		c.send(job.Event{SaveFailed: &job.Failure{Epoch: m.Epoch, Err: err}})
		return
	}
	c.w.res.Epochs++
	c.w.audit.saved(c.number, m)
	c.do(1+c.w.rnd.IntN(5), func() {
		retain := c.storage.Retain
		if c.w.opt.Bugs.RetainOne {
			retain = func(int) error { return c.retainOne(m) }
		}
		if err := retain(2); err != nil {
			c.w.trace("old checkpoints are not deleted: %v", err)
		}
		c.send(job.Event{Saved: m.Epoch})
	})
}

// retainOne is a bug: it keeps what the newest manifest names.
func (c *coordinator) retainOne(m *checkpoint.Manifest) error {
	list, err := c.fs.List(c.storage.Dir + "/shared")
	named := map[string]bool{}
	for _, handles := range m.Operators {
		for _, h := range handles {
			for _, f := range h.Files {
				named[c.storage.Dir+"/shared/"+f.Name] = true
			}
		}
	}
	for _, f := range list {
		if !named[f.Name] {
			err = errors.Join(err, c.fs.Remove(f.Name))
		}
	}
	return err
}

func (c *coordinator) commit(m *job.Commit) {
	err := c.storage.Held()
	c.taken(err)
	if err == nil {
		c.w.audit.commits(m.Epoch)
		for _, op := range sortedKeys(m.Prepared) {
			err = errors.Join(err, commit(c.fs, m.Prepared[op]))
		}
	}
	if err != nil {
		c.send(job.Event{NotDone: &job.Failure{Epoch: m.Epoch, Err: fmt.Errorf("commit: %w", err)}})
		return
	}
	c.w.audit.committed(m.Epoch)
	c.send(job.Event{Committed: m.Epoch})
}

// deploy starts a task on the worker that was drawn for it. Those of an attempt are
// drawn with its first.
func (c *coordinator) deploy(d *job.Deployment) {
	if c.attempt == nil || c.attempt.key[1] != d.Task.Attempt {
		c.attempt = &attempt{key: [2]int{c.number, d.Task.Attempt}, graph: c.graph, place: map[task.ID]int{}, storage: c.storage, epoch: c.epoch, run: c.run}
		for v := range c.graph.Vertices {
			for i := range c.graph.Vertices[v].Parallelism {
				if ids := sortedKeys(c.sessions); len(ids) > 0 {
					c.attempt.place[task.ID{Vertex: v, Subtask: i, Attempt: d.Task.Attempt}] = ids[c.w.rnd.IntN(len(ids))]
				}
			}
		}
	}
	s := c.sessions[c.attempt.place[d.Task]]
	if s == nil {
		c.send(job.Event{Failed: &job.Failure{Task: d.Task, Err: errors.New("there is no worker")}})
		return
	}
	s.link.send(deployTask{c.attempt, d})
}

func (c *coordinator) stop(id task.ID) {
	if s := c.sessions[c.attempt.place[id]]; s != nil {
		s.link.send(stopTask{c.attempt.key, id})
		return
	}
	c.send(job.Event{Stopped: &id})
}

func (c *coordinator) tell(id task.ID, what task.Control) {
	if s := c.sessions[c.attempt.place[id]]; s != nil {
		s.link.send(tellTask{c.attempt.key, id, what})
	}
}

func sortedKeys[K interface{ ~int | ~uint64 | ~string }, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}

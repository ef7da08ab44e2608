package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/build"
	"github.com/millrace-io/millrace/internal/cluster"
	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/internal/exchange/local"
	"github.com/millrace-io/millrace/internal/exchange/wire"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/fsys"
	fslocal "github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/task"
)

// A worker is a process that runs tasks for a coordinator, which speaks to it over a
// link. A worker that has not heard of its coordinator for a while, or hears that it
// was given up, drops all its tasks and asks to be taken on again.
type worker struct {
	w     *world
	id    int // 1 …
	alive bool
	life  int    // of the process; it counts them
	turn  int    // at having a coordinator; it counts them
	term  uint64 // of the conversation with a coordinator; 0: none
	up    *link
	fs    fsys.FS

	memory  *base.Budget
	host    *hosting // of the newest attempt
	offline int64    // when the coordinator was heard last
}

// An attempt is one of a job's, of one coordinator's.
type attempt struct {
	key     [2]int // coordinator, number
	graph   *jobgraph.Graph
	place   map[task.ID]int // worker
	epoch   base.Epoch      // that it started from
	run     string
	storage state.Files
}

func (a *attempt) before(b *attempt) bool {
	return a.key[0] < b.key[0] || a.key[0] == b.key[0] && a.key[1] < b.key[1]
}

// A hosting is the part of an attempt that a worker runs.
type hosting struct {
	*attempt
	term   uint64 // of the conversation in which it was told to
	worker *worker
	wires  *cluster.Wires
	tasks  map[task.ID]*running
	out    map[channel]*link
	in     map[channel]*link
}

// A channel is one of an edge, between two subtasks.
type channel struct{ edge, from, to int }

// running is a task with what has not yet reached its master.
type running struct {
	host      *hosting
	id        task.ID
	task      *task.Task
	remote    []channel // to other workers
	dead      bool
	scheduled bool
	awake     bool // something has come since its last step began
	uploads   []*task.Snapshot
	uploading bool
}

const (
	stepUs     = 6   // a step takes up to so long
	slowStepUs = 60  // … of a slow task
	napUs      = 40  // a task that waits for answers looks again
	helloUs    = 150 // between two attempts to reach a coordinator
	quietUs    = 1800
)

// boot starts the process.
func (k *worker) boot() {
	k.alive, k.term, k.up, k.host = true, 0, nil, nil
	k.life++
	k.fs = fslocal.On(k.w.disk, "")
	k.memory = &base.Budget{}
	if k.w.seed%2 == 1 {
		k.memory.EvictAt, k.memory.EvictKeep = 1, 1 // entries leave memory all the time
	}
	k.turn++
	k.hello()
}

// kill ends the process.
func (k *worker) kill() {
	k.drop()
	k.alive = false
	k.life++
}

// drop ends all tasks, and the conversation.
func (k *worker) drop() {
	if k.up != nil {
		k.up.ends = true
	}
	k.up, k.term = nil, 0
	k.turn++
	k.leave()
}

func (k *worker) leave() {
	if k.host == nil {
		return
	}
	for _, r := range k.host.tasks {
		r.dead = true
	}
	for _, l := range k.host.out {
		l.ends = true
	}
	for _, l := range k.host.in {
		l.ends = true
	}
	k.host = nil
}

// do runs f later, if the process still lives then.
func (k *worker) do(us int, f func()) {
	life := k.life
	k.w.after(us, func() {
		if k.alive && k.life == life {
			f()
		}
	})
}

// hello asks for a coordinator until there is one, and looks whether it is still there.
func (k *worker) hello() {
	if turn := k.turn; k.term == 0 {
		k.w.net.send(k.id, 0, func() { k.w.arrive(0, func(c *coordinator) { c.hello(k.id, turn) }) })
	} else if k.w.now-k.offline > quietUs {
		k.drop()
	} else {
		term := k.term
		k.w.net.send(k.id, 0, func() { k.w.arrive(term, func(c *coordinator) { c.stillThere(k.id, term) }) })
	}
	k.do(helloUs, k.hello)
}

// welcome begins a conversation with a coordinator, or says that it goes on.
func (k *worker) welcome(turn int, term uint64) {
	if !k.alive || turn != k.turn || term < k.term {
		return
	}
	k.offline = k.w.now
	if term == k.term {
		return
	}
	k.term = term
	k.up = &link{w: k.w, lost: k.drop, take: func(p any) bool { k.offline = k.w.now; k.handle(p); return true }}
	k.up.out = func(p packet) {
		k.w.net.send(k.id, 0, func() { k.w.arrive(term, func(c *coordinator) { c.receive(k.id, term, p) }) })
	}
}

// receive takes a packet of the coordinator's conversation.
func (k *worker) receive(term uint64, p packet) {
	if k.alive && k.term == term && k.up != nil {
		k.offline = k.w.now
		k.up.receive(p)
	}
}

// stale says that the coordinator knows nothing of a conversation.
func (k *worker) stale(term uint64) {
	if k.alive && k.term == term && term != 0 {
		k.drop()
	}
}

// What a coordinator tells its workers.
type (
	deployTask struct {
		attempt *attempt
		deploy  *job.Deployment
	}
	stopTask struct {
		key [2]int
		id  task.ID
	}
	tellTask struct {
		key     [2]int
		id      task.ID
		control task.Control
	}
)

func (k *worker) handle(msg any) {
	switch m := msg.(type) {
	case deployTask:
		k.enter(m.attempt)
		if err := k.deploy(m.deploy); err != nil {
			k.tell(job.Event{Failed: &job.Failure{Task: m.deploy.Task, Err: err}})
		}
	case stopTask:
		if r := k.find(m.key, m.id); r != nil {
			r.end()
		}
		k.tell(job.Event{Stopped: &m.id})
	case tellTask:
		if r := k.find(m.key, m.id); r != nil {
			r.task.Deliver(m.control)
			r.wake()
		}
	}
}

// tell sends the coordinator an event.
func (k *worker) tell(ev job.Event) {
	if k.up != nil {
		k.up.send(ev)
	}
}

func (k *worker) find(key [2]int, id task.ID) *running {
	if k.host == nil || k.host.key != key {
		return nil
	}
	if r := k.host.tasks[id]; r != nil && !r.dead {
		return r
	}
	return nil
}

// enter begins an attempt; what runs of earlier ones ends.
func (k *worker) enter(a *attempt) {
	if k.host != nil && k.host.key == a.key {
		return
	}
	k.leave()
	h := &hosting{attempt: a, term: k.term, worker: k, tasks: map[task.ID]*running{}, out: map[channel]*link{}, in: map[channel]*link{}}
	h.wires = cluster.NewWires(a.graph, a.key[1], func(id task.ID) {
		if r := h.tasks[id]; r != nil {
			r.wake()
		}
	}, func(int) local.Spill { return nil })
	k.host = h
	if k.w.plan.ticks { // else they would hide that a task is not woken
		k.do(tickUs, h.tick)
	}
}

// tick tells the tasks the time.
func (h *hosting) tick() {
	if h.worker.host != h {
		return
	}
	for _, r := range h.sorted() {
		if !r.dead {
			r.task.Deliver(task.Control{Tick: h.worker.w.now})
			r.wake()
		}
	}
	h.worker.do(tickUs, h.tick)
}

// sorted are the tasks in a fixed order.
func (h *hosting) sorted() []*running {
	return slices.SortedFunc(maps.Values(h.tasks), func(a, b *running) int {
		return cmp.Or(a.id.Vertex-b.id.Vertex, a.id.Subtask-b.id.Subtask)
	})
}

// deploy builds a task and schedules it.
func (k *worker) deploy(d *job.Deployment) error {
	h, w := k.host, k.w
	r := &running{host: h, id: d.Task}
	cfg, err := build.Task(h.graph, d.Task, d.Restore, d.Mark, k.world(h, d.Task), r.arrive)
	if err != nil {
		return err
	}
	h.wires.Connect(&cfg)
	if in, ok := cfg.Inbox.(*local.Inbox); ok {
		cfg.Inbox = &inbox{*in, w.rnd}
		if b := &w.opt.Bugs; b.Overtake || b.LoseMark {
			cfg.Inbox = &badInbox{cfg.Inbox, b, map[int]exchange.Event{}}
		}
	}
	cfg.Durable, cfg.NoAlign, cfg.NoFlight = true, w.opt.Bugs.NoAlign, w.opt.Bugs.NoFlight
	cfg.Report = r.report
	if r.task, err = task.New(cfg); err != nil {
		return err
	}
	h.tasks[d.Task] = r
	for e, edge := range h.graph.Edges {
		if edge.From != d.Task.Vertex {
			continue
		}
		for to := range h.graph.Vertices[edge.To].Parallelism {
			if h.place[task.ID{Vertex: edge.To, Subtask: to, Attempt: d.Task.Attempt}] != k.id {
				r.remote = append(r.remote, channel{e, d.Task.Subtask, to})
			}
		}
	}
	r.wake()
	return nil
}

// world is what a task is built into.
func (k *worker) world(h *hosting, id task.ID) *build.World {
	w := k.w
	var backend state.Backend = lsm.Backend{DeltaBytes: w.plan.delta, Memory: k.memory}
	if b := &w.opt.Bugs; strings.Contains(w.plan.sql, b.Only) && (b.LoseDelete || b.LoseLate || b.EarlyExpiry || b.LoseTable != "") {
		backend = badBackend{backend, b}
	}
	var files state.Files = h.storage
	if w.opt.Bugs.DropNamed {
		files = badFiles{files}
	}
	return &build.World{Env: &fn.Env{Streaming: true, Now: func() int64 { return w.now }}, Memory: k.memory, Backend: backend, Files: files,
		Source: func(s *jobgraph.Source) (connect.Source, error) { return w.plan.source(s), nil },
		Looker: func(*jobgraph.LookupJoin) (connect.Looker, error) { return &looker{rnd: w.rnd}, nil },
		Writer: func(op string, _ *jobgraph.Sink) connect.Writer {
			return &writer{fs: k.fs, epoch: h.epoch, run: h.run, name: fmt.Sprintf("%d-%d-%d", h.key[0], id.Attempt, id.Subtask)}
		}}
}

// arrive is the reader saying that it has something: some time after it was asked.
func (r *running) arrive() {
	if !r.host.worker.w.opt.Bugs.NoWake {
		r.host.worker.do(1+r.host.worker.w.rnd.IntN(r.host.worker.w.plan.fetchUs), r.wake)
	}
}

// wake says that a task may go on.
func (r *running) wake() {
	r.awake = true
	r.schedule(1 + r.host.worker.w.rnd.IntN(stepUs))
}

func (r *running) schedule(us int) {
	if r.scheduled || r.dead {
		return
	}
	r.scheduled = true
	r.host.worker.do(us, func() {
		r.scheduled = false
		if !r.dead {
			r.step()
		}
	})
}

func (r *running) step() {
	w := r.host.worker.w
	r.awake = false
	did, err := r.task.Step()
	if err != nil {
		r.fail(err)
		return
	}
	r.pump()
	switch {
	case did || r.awake:
		r.schedule(1 + w.rnd.IntN(r.stepUs()))
	case r.task.Waiting() && !r.task.Done(): // a table that is looked up wakes nobody
		r.schedule(1 + w.rnd.IntN(napUs))
	}
}

// stepUs is how long a step takes at most. Where rows pile up, some subtasks are slow.
func (r *running) stepUs() int {
	if w := r.host.worker.w; w.plan.piles && r.id.Subtask != int(w.seed%3) {
		return slowStepUs
	}
	return stepUs
}

func (r *running) end() {
	r.dead = true
	r.task.Close()
}

func (r *running) fail(err error) {
	if !r.dead {
		r.end()
		r.host.worker.tell(job.Event{Failed: &job.Failure{Task: r.id, Err: err}})
	}
}

// report takes what the task tells its master.
func (r *running) report(rep task.Report) {
	k := r.host.worker
	switch {
	case rep.Want:
		k.tell(job.Event{Want: &r.id})
	case rep.Mark != nil:
		k.tell(job.Event{Mark: &job.Mark{Task: r.id, Time: *rep.Mark}})
	case rep.Ack != nil:
		r.upload(rep.Ack)
	case rep.Finished != nil:
		r.upload(rep.Finished)
	}
}

// upload makes snapshots durable, one after the other, each some time later.
func (r *running) upload(s *task.Snapshot) {
	if s != nil {
		r.uploads = append(r.uploads, s)
	}
	if r.uploading || len(r.uploads) == 0 {
		return
	}
	r.uploading = true
	k := r.host.worker
	moment := ambush(0)
	if len(r.uploads[0].Prepared) > 0 {
		moment = atUpload
	}
	us := k.w.ambushed(moment)
	if s := r.uploads[0]; k.w.opt.Bugs.AckFirst {
		r.acknowledge(&job.Ack{Task: r.id, Epoch: s.Epoch, State: k.w.last[r.id], Splits: s.Splits, Prepared: s.Prepared, Marks: s.Marks, Overtaken: s.Overtaken})
	}
	k.do(us, func() {
		s := r.uploads[0]
		r.uploads, r.uploading = r.uploads[1:], false
		// The upload of a task that is gone goes on, and is acknowledged.
		a := k.persist(r.id, s)
		if !k.w.opt.Bugs.AckFirst {
			r.acknowledge(a)
		}
		r.upload(nil)
	})
}

func (r *running) acknowledge(a *job.Ack) {
	k := r.host.worker
	if k.term != r.host.term {
		return // nobody of today has asked for it
	}
	if a.Epoch == 0 {
		k.tell(job.Event{Finished: a})
	} else {
		k.tell(job.Event{Ack: a})
	}
}

// persist uploads one snapshot.
func (k *worker) persist(id task.ID, s *task.Snapshot) *job.Ack {
	bugs := &k.w.opt.Bugs
	a := &job.Ack{Task: id, Epoch: s.Epoch, State: map[string]state.Handle{}, Splits: s.Splits, Prepared: s.Prepared, Marks: s.Marks, Overtaken: s.Overtaken}
	for _, op := range sortedKeys(s.State) {
		h, err := s.State[op].Persist()
		if err != nil && !bugs.AckFull {
			a.Err = fmt.Errorf("state of %s: %w", op, err)
		}
		if bugs.ForgetState && len(h.Files) > 1 {
			h.Files = h.Files[:len(h.Files)-1]
		}
		if bugs.LoseMarks {
			h.Values = nil
		}
		a.State[op] = h
	}
	if bugs.AckFirst {
		k.w.last[id] = a.State
	}
	if bugs.LoseMarks {
		a.Marks = task.Marks{Task: -1 << 62}
	}
	if bugs.DoubleSplit {
		for i := range a.Splits {
			a.Splits[i].Pos = nil
		}
	}
	return a
}

// windowFrames is how many frames of a channel are on their way to another worker.
const windowFrames = 4

// pump sends on what the task has put into channels that lead to other workers.
func (r *running) pump() {
	for _, c := range r.remote {
		r.host.pump(c)
	}
}

func (h *hosting) pump(c channel) {
	q := h.wires.Queue(c.edge, c.from, c.to)
	l := h.out[c]
	for l == nil || len(l.wait) < windowFrames && !l.ends {
		_, ev, ok, err := (&local.Inbox{Queues: []*local.Queue{q}}).Poll([]bool{false})
		if !ok || err != nil {
			return
		}
		if l == nil {
			l = h.dial(c)
		}
		l.send(wire.Append(nil, ev))
	}
}

// dial begins the conversation of a channel.
func (h *hosting) dial(c channel) *link {
	k, edge := h.worker, h.graph.Edges[c.edge]
	from := task.ID{Vertex: edge.From, Subtask: c.from, Attempt: h.key[1]}
	peer := k.w.workers[h.place[task.ID{Vertex: edge.To, Subtask: c.to, Attempt: h.key[1]}]]
	l := &link{w: k.w, room: func() { h.pump(c) }}
	l.lost = func() {
		if r := h.tasks[from]; r != nil {
			r.fail(fmt.Errorf("the channel from %s to worker %d is broken", from, peer.id))
		}
	}
	l.out = func(p packet) {
		k.w.net.send(k.id, peer.id, func() { peer.data(h.attempt, c, p, k) })
	}
	h.out[c] = l
	return l
}

// data takes a packet of a channel.
func (k *worker) data(a *attempt, c channel, p packet, from *worker) {
	if !k.alive || k.host == nil || k.host.key != a.key && !(k.w.opt.Bugs.NoFence && a.before(k.host.attempt) && k.fits(c)) {
		return // not yet, or no longer: it comes again until somebody gives up
	}
	h := k.host
	l := h.in[c]
	if l == nil {
		l = &link{w: k.w, lost: func() {}}
		l.take = func(frame any) bool {
			q := local.Outbox{h.wires.Queue(c.edge, c.from, c.to)}
			if !q.Room() {
				return false
			}
			ev, _, err := wire.Decode(frame.([]byte))
			if err == nil {
				err = q.Send(0, ev)
			}
			if err != nil {
				panic(err)
			}
			return true
		}
		l.out = func(p packet) {
			k.w.net.send(k.id, from.id, func() {
				if from.alive && from.host != nil && from.host.key == a.key && from.host.out[c] != nil {
					from.host.out[c].receive(p)
				}
			})
		}
		h.in[c] = l
	}
	if k.w.opt.Bugs.NoFence && h.key != a.key {
		p.number = l.want
	}
	l.receive(p)
}

// fits reports whether the attempt that runs has such a channel.
func (k *worker) fits(c channel) bool {
	g := k.host.graph
	return c.edge < len(g.Edges) && c.from < g.Vertices[g.Edges[c.edge].From].Parallelism && c.to < g.Vertices[g.Edges[c.edge].To].Parallelism
}

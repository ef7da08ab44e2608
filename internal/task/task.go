// Package task runs one chain of operators over one partition of a stream.
//
// A Task is a state machine: Step does one bounded piece of work and returns. In
// production a goroutine calls Step in a loop and sleeps when there is nothing to
// do; in simulation a seeded scheduler picks whose Step comes next. A Task starts
// no goroutine, takes no lock and reads no clock: what the world wants of it comes
// by Deliver, what it wants of the world goes out by Config.Report.
//
// # What a step does
//
//	drain   if an operator of the chain has more to do, it goes on, last one first
//	await   an operator that waits for answers from outside takes what has come
//	source  or the reader is polled: its batch gets the watermark marks of its split
//	inbox   or one event of one channel is handled:
//	          Data      marks become the task's watermark, then the chain runs
//	          Watermark raises the channel's watermark, perhaps the task's
//	          Barrier   the channel waits; when all have come the state is frozen
//	          End       the channel has ended; when an input has, its EndInput runs
//
// # Invariants
//
//  1. No event is handled while an outbox has no room or an operator has more.
//  2. The watermark that operators see is the minimum over all channels, rises,
//     and has its place among the rows.
//  3. Between the arrival of the first and the last barrier of an epoch, no event
//     of a channel whose barrier has come is handled.
//  4. What is emitted before Snapshot belongs to the epoch; then the barrier goes
//     out on every channel, then the acknowledgement.
package task

import (
	"fmt"
	"math"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/vec"
)

// An ID names one attempt at one subtask.
type ID struct{ Vertex, Subtask, Attempt int }

func (id ID) String() string { return fmt.Sprintf("%d.%d", id.Vertex, id.Subtask) }

// An Op is an operator with its place.
type Op struct {
	ID       string
	Operator exec.Operator
	Context  *exec.Context
	Writer   connect.Writer // of a sink; nil otherwise
}

// An Edge sends what leaves the chain on to another vertex.
type Edge struct {
	Out    exchange.Outbox
	Route  Route
	Rows   int64 // sent so far
	BusyNs int64 // spent on sending them; 0 where the task has no clock
}

// A Channel is one channel of the inbox.
type Channel struct {
	Input    int   // of the first operator
	Priority int   // it is read only when all with a lower number have ended
	Route    Route // how rows come to it
}

// Config says what a task runs. It has either a Source or an Inbox, or neither:
// then its first operator makes rows by itself, from Resume, until it has no more.
type Config struct {
	ID       ID
	Source   *Source
	Inbox    exchange.Inbox
	Channels []Channel // of the inbox
	Ops      []Op
	Edges    []Edge
	Restored *Marks // where watermarks stood, from a checkpoint
	Report   func(Report)
	Durable  bool         // there are checkpoints: snapshots hold state
	Clock    func() int64 // nanoseconds, if what takes how long is measured; nil: it is not
	NoAlign  bool         // seeded bugs, for testing the simulator
	NoFlight bool         // … rows in flight are forgotten
}

// Marks is the watermark state of a task in a checkpoint.
type Marks struct {
	Task   int64
	Splits map[string]int64 `json:",omitempty"` // watermark of each open split
}

// A Report is what a task tells the job's master. Exactly one field is set.
type Report struct {
	Want     bool      // the reader has room for splits
	Mark     *int64    // watermark of a source that is aligned with others
	Ack      *Snapshot // its part of an epoch
	Finished *Snapshot // all is done: Epoch is 0
}

// A Snapshot is a task's part of an epoch: frozen, not yet durable.
type Snapshot struct {
	Epoch     base.Epoch
	State     map[string]state.Snapshot // by operator
	Splits    []connect.Split           // unfinished, where they stand
	Prepared  map[string][][]byte       // by sink operator
	Marks     Marks
	Overtaken bool // barriers have overtaken rows
}

// A Control is what the job's master tells a task, in order. Exactly one field is
// set.
type Control struct {
	Splits    *Assignment
	Barrier   base.Epoch // to a task without inputs: start this epoch; to one that has finished: its state
	Hurry     base.Epoch // barriers up to this one's overtake rows
	Committed base.Epoch // to a source: the epoch is complete
	Pause     *bool      // to a source: read no more, or go on
	Drain     bool       // to a source: it has ended
	Limit     *int64     // to a source that is aligned with others: the watermark up to which it may read
	Tick      int64      // processing time, microseconds since the epoch
}

// An Assignment answers Want.
type Assignment struct {
	Answer bool // to a Want; otherwise only Hold is news
	Splits []connect.Split
	Marks  map[string]int64 // watermarks of restored splits
	Done   bool             // no more will come
	Hold   bool             // splits are known that nobody reads yet: the watermark waits
}

// A Task is not safe for concurrent use.
type Task struct {
	cfg     Config
	chain   []link
	watch   watch
	mailbox []Control

	epoch   base.Epoch // being aligned, 0 when none
	taken   base.Epoch // the last snapshot
	hurry   base.Epoch // up to which barriers overtake rows; 0 when none is late
	flight  flight
	ack     *Snapshot // whose state is still being drained, nil when none
	skip    []bool    // channels not to poll: waiting for a barrier, ended, or of later priority
	arrived []bool    // channels whose barrier or end has come
	ended   []bool
	marks   []int64 // watermark of each channel
	idle    []bool  // channels that have no rows for now
	mark    int64   // of the task
	open    []int   // by input: channels that have not ended

	// What the task does, in this order, once the chain is drained.
	ending    []ending // EndInput calls still to be made
	flushing  bool     // Flush the operators from the first on, then snapshot
	idling    bool     // Flush the operators, then say Idle
	finishing bool     // all inputs have ended
	done      bool
	failed    error // of a channel, told by the next step
}

// ending is an input of an operator that has ended; with last, the last watermark
// comes first, and with open the end later.
type ending struct {
	op, in     int
	last, open bool
}

// New opens the operators, last first, and returns the task.
func New(cfg Config) (*Task, error) {
	t := &Task{cfg: cfg, mark: math.MinInt64, watch: watch{now: cfg.Clock}}
	if cfg.Restored != nil {
		t.mark = cfg.Restored.Task
	}
	if cfg.Inbox != nil {
		n := cfg.Inbox.Channels()
		t.skip, t.arrived, t.ended, t.idle, t.marks = make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n), make([]int64, n)
		inputs := 0
		for ch := range n {
			t.marks[ch] = math.MinInt64
			inputs = max(inputs, cfg.Channels[ch].Input+1)
		}
		t.open = make([]int, inputs)
		for ch := range n {
			t.open[cfg.Channels[ch].Input]++
		}
		t.mask()
	}
	t.chain = make([]link, len(cfg.Ops))
	for i := len(cfg.Ops) - 1; i >= 0; i-- {
		op := cfg.Ops[i]
		t.chain[i] = link{t: t, i: i, output: output{t, i + 1}, op: op.Operator}
		t.chain[i].waiter, _ = op.Operator.(exec.Waiter)
		if err := op.Operator.Open(op.Context); err != nil {
			return nil, fmt.Errorf("open %s: %w", op.ID, err)
		}
	}
	if cfg.Source == nil && cfg.Inbox == nil {
		t.chain[0].more = true
	}
	if cfg.Inbox != nil {
		if err := t.land(); err != nil {
			return nil, err
		}
	}
	if cfg.Source != nil {
		if err := cfg.Source.open(cfg.Restored); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Done reports whether the task has finished.
func (t *Task) Done() bool { return t.done }

// Waiting reports whether an operator waits for something that does not wake the task.
func (t *Task) Waiting() bool {
	pending, _ := t.waiting(len(t.chain))
	return pending || t.ack != nil
}

// Watermark returns the task's event time, in microseconds.
func (t *Task) Watermark() int64 {
	if t.cfg.Source != nil {
		return t.cfg.Source.mark
	}
	return t.mark
}

// Deliver hands the task a message; it is handled in a later step.
func (t *Task) Deliver(c Control) {
	if c.Hurry != 0 {
		if c.Hurry > t.taken {
			t.hurry = c.Hurry // it overtakes, too
		}
		return
	}
	t.mailbox = append(t.mailbox, c)
}

// Step does one piece of work. It returns false when there is none for now.
func (t *Task) Step() (bool, error) {
	if t.ack == nil {
		return t.step()
	}
	more, err := t.drainState(drainEntries)
	if err != nil {
		return false, err
	}
	did, err := t.step()
	return did || more, err
}

func (t *Task) step() (bool, error) {
	if t.failed != nil {
		return false, t.failed
	}
	if t.done {
		return t.stepDone()
	}
	if t.hurry != 0 {
		if err := t.overtake(); err != nil {
			return false, err
		}
	}
	if !t.hurries() && !t.room() {
		return false, nil
	}
	if did, err := t.drain(); did || err != nil {
		return did, err
	}
	if did, err := t.await(); did || err != nil {
		return did, err
	}
	if t.busy() { // before an operator that has no room
		return t.stepMail()
	}
	pending, full := t.waiting(len(t.chain))
	switch {
	case len(t.ending) > 0:
		e := t.ending[0]
		if pending, _ := t.waiting(e.op); pending {
			return t.stepMail()
		}
		t.ending = t.ending[1:]
		if e.last {
			if e.last = false; !e.open {
				t.ending = append([]ending{e}, t.ending...)
			}
			return true, t.chain[e.op].watermark(math.MaxInt64)
		}
		return true, t.chain[e.op].endInput(e.in)
	case t.flushing:
		return true, t.flush()
	case t.idling && !pending: // rows that wait for answers hold the watermark
		return true, t.sayIdle()
	case t.finishing && !pending:
		return true, t.finish()
	case t.finishing || full || len(t.mailbox) > 0:
		return t.stepMail()
	case t.cfg.Source != nil:
		return t.stepSource()
	case t.cfg.Inbox == nil:
		t.endAll()
		return true, nil
	}
	if len(t.flight.landed) > 0 {
		return true, t.replay()
	}
	ch, ev, ok, err := t.cfg.Inbox.Poll(t.skip)
	if !ok || err != nil {
		return ok, err
	}
	return true, t.handle(ch, ev)
}

// stepMail does what the master wants next.
func (t *Task) stepMail() (bool, error) {
	if len(t.mailbox) == 0 {
		return false, nil
	}
	c := t.mailbox[0]
	t.mailbox = t.mailbox[1:]
	return true, t.control(c)
}

func (t *Task) room() bool {
	for _, e := range t.cfg.Edges {
		if !e.Out.Room() {
			return false
		}
	}
	return true
}

func (t *Task) control(c Control) error {
	src := t.cfg.Source
	switch {
	case c.Splits != nil:
		return src.add(c.Splits)
	case c.Barrier != 0:
		t.epoch, t.flushing = c.Barrier, true
	case c.Committed != 0:
		if src != nil {
			src.Reader.Committed(uint64(c.Committed))
		}
	case c.Pause != nil:
		src.paused = *c.Pause
	case c.Drain:
		src.drained = true
	case c.Limit != nil:
		src.Align.limit = *c.Limit
	case c.Tick != 0:
		if src != nil {
			if err := src.tick(c.Tick, t.top()); err != nil {
				return err
			}
			if mark, ok := src.tells(); ok {
				t.cfg.Report(Report{Mark: &mark})
			}
		}
		for i := range t.chain {
			if err := t.chain[i].tick(c.Tick); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Task) stepSource() (bool, error) {
	src := t.cfg.Source
	if (src.held() || src.paused) && !src.ended() {
		return false, nil // until a Limit comes, or the pause ends
	}
	if src.drained {
		t.endAll()
		return true, nil
	}
	before := t.watch.turn(&src.BusyNs)
	b, did, err := src.poll()
	t.watch.turn(before)
	if err != nil {
		return false, err
	}
	if b != nil {
		return true, t.top().Emit(b)
	}
	if src.falls() {
		t.idling = true
		return true, nil
	}
	switch {
	case src.ended():
		t.endAll()
		return true, nil
	case src.wants():
		t.cfg.Report(Report{Want: true})
	}
	if m, ok := src.advanced(); ok {
		return true, t.top().Watermark(m)
	}
	if !did {
		if m, ok := src.prompt(); ok {
			return true, t.top().Watermark(m)
		}
	}
	return did, nil
}

// endAll ends a task without inputs: event time is over, then the rows are.
func (t *Task) endAll() {
	t.mark = math.MaxInt64
	t.finishing = true
	t.endInput(0, true)
}

// endInput notes that an input of the first operator has ended and, with the last
// one, those of the operators behind it. Each sees the last watermark, then its
// end, when the one before it has nothing more to emit; so what an operator emits
// at its end comes before the last watermark of the next.
func (t *Task) endInput(in int, last bool) {
	if len(t.chain) == 0 {
		return
	}
	t.ending = append(t.ending, ending{op: 0, in: in, last: last})
	for i := 1; last && i < len(t.chain); i++ {
		t.ending = append(t.ending, ending{op: i, last: true})
	}
}

func (t *Task) handle(ch int, ev exchange.Event) error {
	switch ev.Kind {
	case exchange.Data:
		t.idle[ch] = false
		t.remark(ch, ev.Batch)
		return t.chain[0].process(t.cfg.Channels[ch].Input, ev.Batch)
	case exchange.Watermark:
		if t.idle[ch] = ev.Time == exchange.Idle; t.idle[ch] {
			t.idling = t.allIdle()
			ev.Time = t.marks[ch]
		}
		if m, ok := t.raise(ch, ev.Time); ok {
			return t.chain[0].watermark(m)
		}
		return nil
	case exchange.Barrier:
		t.arrive(ch, ev.Epoch)
	case exchange.End:
		t.ended[ch], t.arrived[ch], t.idle[ch] = true, true, false
		t.finishing = all(t.ended)
		in := t.cfg.Channels[ch].Input
		if t.open[in]--; t.open[in] == 0 {
			t.endInput(in, t.finishing)
		}
		if m, ok := t.raise(ch, math.MaxInt64); ok && m < math.MaxInt64 {
			t.chain[0].push(event{kind: exchange.Watermark, time: m})
		}
	}
	t.mask()
	t.flushing = t.epoch != 0 && all(t.arrived)
	return nil
}

// arrive notes the barrier of a channel. Channels may have barriers of several epochs
// first, for a task whose senders all have ended sends none for an epoch that does not
// overtake. Then the lower ones are of epochs that were given up, and count for nothing.
func (t *Task) arrive(ch int, epoch base.Epoch) {
	if epoch < t.epoch {
		return
	}
	if 0 < t.epoch && t.epoch < epoch {
		t.giveUp()
	}
	t.epoch, t.arrived[ch] = epoch, true
}

// giveUp forgets the barriers of the epoch that is being aligned.
func (t *Task) giveUp() {
	copy(t.arrived, t.ended)
	t.epoch, t.flight.ahead = 0, nil
}

// mask decides which channels may be polled.
func (t *Task) mask() {
	first := math.MaxInt
	for ch, c := range t.cfg.Channels {
		if !t.ended[ch] {
			first = min(first, c.Priority)
		}
	}
	for ch := range t.skip {
		waits := t.epoch != 0 && t.arrived[ch] && !t.cfg.NoAlign
		later := t.cfg.Channels[ch].Priority > first && t.epoch == 0 // a barrier is let through
		t.skip[ch] = t.ended[ch] || waits || later
	}
}

// raise sets a channel's watermark and reports the task's if it has risen: to the lowest
// of the channels that are not idle, or to the highest if all are.
func (t *Task) raise(ch int, to int64) (int64, bool) {
	t.marks[ch] = max(t.marks[ch], to)
	low, idle := int64(math.MaxInt64), int64(math.MinInt64)
	for i, m := range t.marks {
		if t.idle[i] {
			idle = max(idle, m)
		} else {
			low = min(low, m)
		}
	}
	if low == math.MaxInt64 && !all(t.ended) {
		low = idle
	}
	if low <= t.mark {
		return 0, false
	}
	t.mark = low
	return low, true
}

// remark turns the marks of a batch, which are the channel's, into the task's.
func (t *Task) remark(ch int, b *vec.Batch) {
	if len(b.Marks) == 0 {
		return
	}
	var out []vec.Mark
	for _, m := range b.Marks {
		if low, ok := t.raise(ch, m.Time); ok {
			out = append(out, vec.Mark{Row: m.Row, Time: low})
		}
	}
	b.Marks = out
}

// allIdle reports whether no channel that goes on has rows for now.
func (t *Task) allIdle() bool {
	for ch := range t.idle {
		if !t.idle[ch] && !t.ended[ch] {
			return false
		}
	}
	return true
}

// sayIdle tells that the task has no rows for now, when the operators have put out
// what they hold back.
func (t *Task) sayIdle() error {
	for i := range t.chain {
		l := &t.chain[i]
		if l.idled {
			continue
		}
		l.idled = true
		if err := l.flush(); err != nil || t.busy() {
			return err
		}
	}
	for i := range t.chain {
		t.chain[i].idled = false
	}
	t.idling = false
	t.broadcast(exchange.Event{Kind: exchange.Watermark, Time: exchange.Idle})
	return nil
}

// flush calls Flush on the operators in order; when the last has nothing more, it
// takes the snapshot.
func (t *Task) flush() error {
	for i := range t.chain {
		l := &t.chain[i]
		if l.flushed == t.epoch {
			continue
		}
		l.flushed = t.epoch
		if err := l.flush(); err != nil || t.busy() {
			return err
		}
	}
	e := t.epoch
	t.epoch, t.flushing = 0, false
	if t.taken = e; e >= t.hurry {
		t.hurry = 0
	}
	copy(t.arrived, t.ended)
	t.mask()
	s, err := t.snapshot(e)
	if err != nil {
		return err
	}
	if err := t.prepare(s); err != nil {
		return err
	}
	t.broadcast(exchange.Event{Kind: exchange.Barrier, Epoch: e})
	t.ack = s
	_, err = t.drainState(drainEntries)
	return err
}

// drainEntries is how many entries of a snapshot a step writes besides its own work.
const drainEntries = 2048

// drainState writes about n entries of each operator's snapshot that is under way, and
// acknowledges it when the stores have all. It reports whether it has done something:
// what would have to wait for the storage is left for later. All go on at the same pace,
// for what a store is given meanwhile waits in memory until all have been drained.
func (t *Task) drainState(n int) (did bool, err error) {
	all := true
	for i := range t.cfg.Ops {
		op := &t.cfg.Ops[i]
		if op.Context.State == nil || t.ack.State[op.ID] == nil {
			continue
		}
		if n != math.MaxInt && op.Context.State.Crowded() {
			all = false
			continue
		}
		done, err := op.Context.State.Drain(n)
		if err != nil {
			return false, fmt.Errorf("snapshot of %s: %w", op.ID, err)
		}
		did = did || !done
		all = all && done
	}
	if !all {
		return did, nil
	}
	t.cfg.Report(Report{Ack: t.ack})
	t.ack = nil
	return true, nil
}

// settle ends the snapshot that is under way.
func (t *Task) settle() error {
	for t.ack != nil {
		if _, err := t.drainState(math.MaxInt); err != nil {
			return err
		}
	}
	return nil
}

// snapshot freezes the state, if there are checkpoints.
func (t *Task) snapshot(e base.Epoch) (*Snapshot, error) {
	if err := t.settle(); err != nil {
		return nil, err
	}
	s := &Snapshot{Epoch: e, State: map[string]state.Snapshot{}, Marks: Marks{Task: t.Watermark()}}
	if !t.cfg.Durable {
		return s, nil
	}
	var err error
	if s.Overtaken, err = t.takeOff(); err != nil {
		return nil, err
	}
	for i := range t.cfg.Ops {
		op := &t.cfg.Ops[i]
		if op.Context.State == nil {
			continue
		}
		if err := op.Operator.Snapshot(e); err != nil {
			return nil, fmt.Errorf("snapshot of %s: %w", op.ID, err)
		}
		frozen, err := op.Context.State.Snapshot(e)
		if err != nil {
			return nil, fmt.Errorf("snapshot of %s: %w", op.ID, err)
		}
		s.State[op.ID] = frozen
	}
	if src := t.cfg.Source; src != nil {
		s.Splits, s.Marks.Splits, err = src.snapshot()
	}
	return s, err
}

// prepare lets the sinks make what they have written ready to commit.
func (t *Task) prepare(s *Snapshot) error {
	s.Prepared = map[string][][]byte{}
	for i := range t.cfg.Ops {
		op := &t.cfg.Ops[i]
		if op.Writer == nil {
			continue
		}
		p, err := op.Writer.Prepare(uint64(s.Epoch))
		if err != nil {
			return fmt.Errorf("prepare %s: %w", op.ID, err)
		}
		if len(p) > 0 {
			s.Prepared[op.ID] = p
		}
	}
	return nil
}

// finish ends the task. Its state stays where it is: a job that ends needs it no
// more, and if other tasks go on, the next epoch asks for it.
func (t *Task) finish() error {
	if err := t.settle(); err != nil {
		return err
	}
	for i := range t.cfg.Ops { // no snapshot tells of what could not be read
		if op := &t.cfg.Ops[i]; op.Context.State != nil {
			if err := op.Context.State.Failed(); err != nil {
				return fmt.Errorf("end of %s: %w", op.ID, err)
			}
		}
	}
	s := &Snapshot{Marks: Marks{Task: t.Watermark()}}
	if err := t.prepare(s); err != nil {
		return err
	}
	t.broadcast(exchange.Event{Kind: exchange.End})
	t.done = true
	t.cfg.Report(Report{Finished: s})
	return nil
}

// stepDone answers what is asked of a task that has finished: its state.
func (t *Task) stepDone() (bool, error) {
	if len(t.mailbox) == 0 {
		return false, nil
	}
	c := t.mailbox[0]
	t.mailbox = t.mailbox[1:]
	if c.Barrier == 0 {
		return true, nil
	}
	s, err := t.snapshot(c.Barrier)
	if err != nil {
		return false, err
	}
	t.ack = s
	return true, t.settle()
}

// Close releases what the operators and the reader hold.
func (t *Task) Close() error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	for i := range t.cfg.Ops {
		keep(t.cfg.Ops[i].Operator.Close())
		if w := t.cfg.Ops[i].Writer; w != nil {
			keep(w.Close())
		}
		if c := t.cfg.Ops[i].Context; c.State != nil {
			keep(c.State.Close())
		}
	}
	if t.cfg.Source != nil {
		keep(t.cfg.Source.Reader.Close())
	}
	return first
}

func (t *Task) broadcast(ev exchange.Event) {
	for i := range t.cfg.Edges {
		out := t.cfg.Edges[i].Out
		for ch := range out.Channels() {
			if err := out.Send(ch, ev); err != nil && t.failed == nil {
				t.failed = err
			}
		}
	}
}

func all(b []bool) bool {
	for _, x := range b {
		if !x {
			return false
		}
	}
	return true
}

package task

import (
	"math"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/vec"
)

// A link is an operator in the chain with what waits for it. While the operator
// has more to do, what arrives is queued; what it is given is bounded by what the
// operator before it may emit in one call.
type link struct {
	t       *Task
	i       int
	output  output // of op
	op      exec.Operator
	waiter  exec.Waiter // op, if it is one
	more    bool
	queue   []event
	flushed base.Epoch // the last epoch for which Flush was called
	idled   bool       // Flush was called before the task says Idle
}

// An event waits for an operator: Data of an input, or a watermark.
type event struct {
	kind  exchange.Kind
	in    int
	batch *vec.Batch
	time  int64
}

// out is where the operator's rows go.
func (l *link) out() exec.Output { return &l.output }

func (l *link) counters() *exec.Counters { return l.t.cfg.Ops[l.i].Context.Counters }

// begin lets time run for the operator, and returns for whom it ran.
func (l *link) begin() *int64 { return l.t.watch.turn(&l.counters().BusyNs) }

func (l *link) push(e event) { l.queue = append(l.queue, e) }

func (l *link) process(in int, b *vec.Batch) (err error) {
	if l.more || len(l.queue) > 0 {
		l.push(event{kind: exchange.Data, in: in, batch: b})
		return nil
	}
	l.counters().RowsIn += int64(b.Len())
	before := l.begin()
	l.more, err = l.op.Process(in, b, l.out())
	l.t.watch.turn(before)
	return err
}

func (l *link) watermark(m int64) (err error) {
	if l.more || len(l.queue) > 0 {
		l.push(event{kind: exchange.Watermark, time: m})
		return nil
	}
	before := l.begin()
	l.more, err = l.op.Watermark(m, l.out())
	l.t.watch.turn(before)
	return err
}

func (l *link) tick(now int64) (err error) {
	if l.more || len(l.queue) > 0 {
		return nil // busy: the next tick comes soon
	}
	before := l.begin()
	l.more, err = l.op.Tick(now, l.out())
	l.t.watch.turn(before)
	return err
}

func (l *link) endInput(in int) (err error) {
	before := l.begin()
	l.more, err = l.op.EndInput(in, l.out())
	l.t.watch.turn(before)
	return err
}

func (l *link) flush() (err error) {
	before := l.begin()
	l.more, err = l.op.Flush(l.out())
	l.t.watch.turn(before)
	return err
}

func (l *link) resume() (err error) {
	before := l.begin()
	l.more, err = l.op.Resume(l.out())
	l.t.watch.turn(before)
	return err
}

func (l *link) await() (did bool, err error) {
	before := l.begin()
	did, l.more, err = l.waiter.Arrived(l.out())
	l.t.watch.turn(before)
	return did, err
}

// full reports whether the operator wants no more input for now.
func (l *link) full() bool {
	if l.waiter == nil {
		return false
	}
	_, full := l.waiter.Waiting()
	return full
}

// await lets the last operator for which something has come go on with it.
func (t *Task) await() (bool, error) {
	for i := len(t.chain) - 1; i >= 0; i-- {
		l := &t.chain[i]
		if l.waiter == nil {
			continue
		}
		did, err := l.await()
		if did || err != nil {
			return did, err
		}
		if l.full() {
			break // those before it wait
		}
	}
	return false, nil
}

// waiting reports whether one of the first n operators waits for answers, and whether
// one has no room for more.
func (t *Task) waiting(n int) (pending, full bool) {
	for i := range t.chain[:n] {
		if w := t.chain[i].waiter; w != nil {
			p, f := w.Waiting()
			pending, full = pending || p, full || f
		}
	}
	return pending, full
}

func (t *Task) busy() bool {
	for i := range t.chain {
		if t.chain[i].more || len(t.chain[i].queue) > 0 {
			return true
		}
	}
	return false
}

// drain lets the last operator that has work do a piece of it.
func (t *Task) drain() (bool, error) {
	for i := len(t.chain) - 1; i >= 0; i-- {
		l := &t.chain[i]
		if l.full() && !l.more && len(l.queue) == 0 {
			return false, nil // those before it wait
		}
		if l.more {
			return true, l.resume()
		}
		if len(l.queue) > 0 {
			e := l.queue[0]
			l.queue = l.queue[1:]
			return true, l.handle(e)
		}
	}
	return false, nil
}

func (l *link) handle(e event) (err error) {
	switch e.kind {
	case exchange.Data:
		rest := l.queue
		l.queue = nil
		err = l.process(e.in, e.batch)
		l.queue = append(l.queue, rest...)
	case exchange.Watermark:
		before := l.begin()
		l.more, err = l.op.Watermark(e.time, l.out())
		l.t.watch.turn(before)
	}
	return err
}

// top is where the task's own rows enter the chain.
func (t *Task) top() exec.Output { return output{t, 0} }

// An output is where operator i-1 emits: operator i, or the edges.
type output struct {
	t *Task
	i int
}

// Emit implements exec.Output.
func (o output) Emit(b *vec.Batch) error {
	if o.i > 0 {
		o.t.cfg.Ops[o.i-1].Context.Counters.RowsOut += int64(b.Len())
	}
	if o.i < len(o.t.chain) {
		return o.t.chain[o.i].process(0, b)
	}
	for i := range o.t.cfg.Edges {
		own, e := *b, &o.t.cfg.Edges[i] // each receiver makes the marks its own, see remark
		e.Rows += int64(b.Len())
		before := o.t.watch.turn(&e.BusyNs)
		err := e.send(&own)
		o.t.watch.turn(before)
		if err != nil {
			return err
		}
	}
	return nil
}

// Watermark implements exec.Output. The last watermark is the task's to pass on,
// after the operator's end; to other tasks the end of a channel says it.
func (o output) Watermark(m int64) error {
	if m == math.MaxInt64 {
		return nil
	}
	if o.i < len(o.t.chain) {
		return o.t.chain[o.i].watermark(m)
	}
	o.t.broadcast(exchange.Event{Kind: exchange.Watermark, Time: m})
	return nil
}

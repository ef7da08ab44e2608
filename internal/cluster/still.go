package cluster

import (
	"sync/atomic"
	"time"

	"github.com/millrace-io/millrace/internal/task"
)

// A waker wakes a task's goroutine, and tells whether the task has seen all that it was
// woken for.
type waker struct {
	c              chan struct{}
	pokes, settled atomic.Uint64
}

func newWaker() *waker {
	w := &waker{c: make(chan struct{}, 1)}
	w.pokes.Add(1) // the first step is still to come
	return w
}

// poke is for any goroutine. The count comes before the wake-up: a task that is woken
// has not settled.
func (w *waker) poke() {
	w.pokes.Add(1)
	select {
	case w.c <- struct{}{}:
	default:
	}
}

// quiet reports whether there was an instant in which no task had anything to do and
// the master no event. A task starts to work only when it is poked, by the master, by
// its reader or by another task that works: if all have settled, and nobody was poked
// until all had been looked at, then nobody worked in between.
func (l *Local) quiet() bool {
	before, ok := l.settled()
	after, _ := l.settled()
	l.mu.Lock()
	defer l.mu.Unlock()
	return ok && before == after && len(l.events) == 0
}

// settled reports whether each task has settled when it is looked at, and how often
// all of them were poked.
func (l *Local) settled() (pokes uint64, all bool) {
	all = true
	for _, r := range l.tasks {
		n := r.wake.pokes.Load()
		all = all && r.wake.settled.Load() == n
		pokes += n
	}
	return pokes, all
}

// stillEvery is how often a job under a clock that stands still is looked at.
const stillEvery = 100 * time.Microsecond

// moveClock moves a clock that stands still, if there is nothing left to do: first the
// tasks' timers see the next time that somebody waits for, then, when what they set off
// is done, the rows of that time may come.
func (l *Local) moveClock() {
	if !l.quiet() {
		return
	}
	if l.moved {
		l.moved = false
		l.Clock.Wake()
		return
	}
	if t, ok := l.Clock.Next(); ok {
		l.moved = true
		l.Clock.Move(t)
		l.tick()
	}
}

// tick tells all tasks the time.
func (l *Local) tick() {
	now := l.World.Env.Now()
	for _, r := range l.tasks {
		r.deliver(task.Control{Tick: now})
	}
}

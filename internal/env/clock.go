package env

import (
	"math"
	"slices"
	"sync"
)

// A Clock is a clock that stands still, for tests of what depends on the time. Who
// reads rows of a later time waits for it. Who runs the job moves the clock to the next
// time that is waited for when there is nothing left to do at the present one, lets all
// timers see it, and only then wakes those who wait.
//
// Times are in microseconds since the epoch. It is safe for concurrent use.
type Clock struct {
	mu    sync.Mutex
	now   int64
	waits []wait
}

type wait struct {
	until int64
	wake  func()
}

// Now returns the time.
func (c *Clock) Now() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set puts the clock to a time and forgets who waits.
func (c *Clock) Set(t int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.waits = t, nil
}

// Wait reports whether it is that time. If not, wake is called once when it is.
func (c *Clock) Wait(until int64, wake func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now < until {
		c.waits = append(c.waits, wait{until, wake})
	}
	return c.now >= until
}

// Next returns the earliest time that somebody waits for; false if nobody does.
func (c *Clock) Next() (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := int64(math.MaxInt64)
	for _, w := range c.waits {
		t = min(t, w.until)
	}
	return t, len(c.waits) > 0
}

// Move puts the clock forward. Nobody is woken yet.
func (c *Clock) Move(t int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = max(c.now, t)
}

// Wake wakes those whose time has come.
func (c *Clock) Wake() {
	c.mu.Lock()
	var due []wait
	c.waits = slices.DeleteFunc(c.waits, func(w wait) bool {
		if w.until <= c.now {
			due = append(due, w)
		}
		return w.until <= c.now
	})
	c.mu.Unlock()
	for _, w := range due {
		w.wake()
	}
}

// Package spill keeps the events of a blocking edge: in memory while the budget
// lasts, then in segment files, first in, first out.
package spill

import (
	"fmt"
	"path"
	"sync/atomic"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/internal/exchange/wire"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/vec"
)

// SegmentBytes is about how much goes into one file.
const SegmentBytes = 8 << 20

var serial atomic.Int64

// A Queue implements local.Spill. Its owner locks.
type Queue struct {
	memory *base.Budget
	place  func() (fsys.FS, string)

	events []exchange.Event // oldest, in memory
	sizes  []int64
	files  []string // then these
	tail   []byte   // then this, being filled
	head   []byte   // what is left of the file being read
}

// New returns an empty queue.
func New(memory *base.Budget, place func() (fsys.FS, string)) *Queue {
	return &Queue{memory: memory, place: place}
}

// Push keeps an event. It always does.
func (q *Queue) Push(ev exchange.Event) (bool, error) {
	if len(q.files) == 0 && len(q.tail) == 0 && len(q.head) == 0 {
		size := bytesOf(ev)
		if q.memory.Add(size) {
			q.events, q.sizes = append(q.events, ev), append(q.sizes, size)
			return true, nil
		}
		q.memory.Add(-size)
	}
	q.tail = wire.Append(q.tail, ev)
	if len(q.tail) < SegmentBytes {
		return true, nil
	}
	fs, dir := q.place()
	name := path.Join(dir, fmt.Sprintf("edge-%d", serial.Add(1)))
	if err := fs.Put(name, q.tail); err != nil {
		return false, fmt.Errorf("spill: %w", err)
	}
	q.files, q.tail = append(q.files, name), q.tail[:0]
	return true, nil
}

// Pop returns the oldest event.
func (q *Queue) Pop() (exchange.Event, bool, error) {
	if len(q.events) > 0 {
		ev := q.events[0]
		q.memory.Add(-q.sizes[0])
		q.events[0] = exchange.Event{}
		q.events, q.sizes = q.events[1:], q.sizes[1:]
		return ev, true, nil
	}
	if len(q.head) == 0 {
		if err := q.load(); err != nil || len(q.head) == 0 {
			return exchange.Event{}, false, err
		}
	}
	ev, n, err := wire.Decode(q.head)
	if err != nil || n == 0 {
		return ev, false, fmt.Errorf("read spilled rows: %w (%d bytes left)", err, len(q.head))
	}
	q.head = q.head[n:]
	return ev, true, nil
}

func (q *Queue) load() error {
	if len(q.files) == 0 {
		q.head, q.tail = q.tail, nil
		return nil
	}
	fs, _ := q.place()
	name := q.files[0]
	q.files = q.files[1:]
	f, err := fs.Open(name)
	if err != nil {
		return fmt.Errorf("read spilled rows: %w", err)
	}
	defer f.Close()
	q.head = make([]byte, f.Size())
	if n, err := f.ReadAt(q.head, 0); n < len(q.head) {
		return fmt.Errorf("read spilled rows: %w", err)
	}
	return fs.Remove(name)
}

// bytesOf is about how much memory an event holds.
func bytesOf(ev exchange.Event) int64 {
	if ev.Batch == nil {
		return 64
	}
	return vec.Bytesize(ev.Batch) + 64
}

// Package local is the exchange within one process: bounded queues of events.
//
// A queue has one sender and one receiver, which may be different goroutines.
// Each side has a Wake that the other calls when it may go on: the receiver's
// when an event has come, the sender's when room has come back.
package local

import (
	"slices"
	"sync"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exchange"
)

// A Queue is one channel.
type Queue struct {
	mu      sync.Mutex
	events  []exchange.Event // from head
	head    int
	rows    int
	full    bool // the sender has been refused since room was last there
	spill   Spill
	wakeIn  func() // the receiver
	wakeOut func() // the sender
}

// A Spill keeps events beyond what memory may hold, first in, first out. A queue
// with a Spill always has room.
type Spill interface {
	// Push reports false when the event may stay in memory.
	Push(ev exchange.Event) (bool, error)
	// Pop returns the oldest event, and false when it holds none.
	Pop() (exchange.Event, bool, error)
}

// NewQueue returns a queue; wakeIn is called when the receiver has something to
// read, wakeOut when the sender has room again. spill may be nil.
func NewQueue(wakeIn, wakeOut func(), spill Spill) *Queue {
	return &Queue{wakeIn: wakeIn, wakeOut: wakeOut, spill: spill}
}

func (q *Queue) send(ev exchange.Event) error {
	q.mu.Lock()
	if q.spill != nil {
		if kept, err := q.spill.Push(ev); kept || err != nil {
			q.mu.Unlock()
			q.wakeIn()
			return err
		}
	}
	q.events = append(q.events, ev)
	if ev.Batch != nil {
		q.rows += ev.Batch.Len()
	}
	wake := len(q.events)-q.head == 1 || ev.Kind == exchange.Barrier || ev.Kind == exchange.End
	q.mu.Unlock()
	if wake {
		q.wakeIn()
	}
	return nil
}

func (q *Queue) overtake() (epoch base.Epoch, ahead []exchange.Event, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.events[q.head:], func(ev exchange.Event) bool {
		return ev.Kind == exchange.Barrier || ev.Kind == exchange.End
	})
	if i < 0 {
		return 0, nil, false
	}
	ahead = slices.Clone(q.events[q.head : q.head+i])
	if i += q.head; q.events[i].Kind == exchange.Barrier {
		epoch = q.events[i].Epoch
		q.events = slices.Delete(q.events, i, i+1)
	}
	return epoch, ahead, true
}

func (q *Queue) room() bool {
	if q.spill != nil {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.full = q.rows >= exchange.ChannelRowsMax || len(q.events)-q.head >= exchange.ChannelBatchesMax
	return !q.full
}

func (q *Queue) poll() (ev exchange.Event, ok bool, err error) {
	q.mu.Lock()
	if q.head == len(q.events) {
		if q.spill != nil {
			ev, ok, err = q.spill.Pop()
		}
		q.mu.Unlock()
		return ev, ok, err
	}
	ev = q.events[q.head]
	q.events[q.head] = exchange.Event{}
	q.head++
	if q.head == len(q.events) {
		q.events, q.head = q.events[:0], 0
	}
	if ev.Batch != nil {
		q.rows -= ev.Batch.Len()
	}
	// The sender wakes when half of the room is back, so that it works in runs.
	wake := q.full && q.rows < exchange.ChannelRowsMax/2 && len(q.events)-q.head < exchange.ChannelBatchesMax/2
	if wake {
		q.full = false
	}
	q.mu.Unlock()
	if wake {
		q.wakeOut()
	}
	return ev, true, nil
}

// An Outbox sends on queues.
type Outbox []*Queue

// Send implements exchange.Outbox.
func (o Outbox) Send(ch int, ev exchange.Event) error { return o[ch].send(ev) }

// Room implements exchange.Outbox.
func (o Outbox) Room() bool {
	for _, q := range o {
		if !q.room() {
			return false
		}
	}
	return true
}

// Channels implements exchange.Outbox.
func (o Outbox) Channels() int { return len(o) }

// An Inbox receives from queues in turn.
type Inbox struct {
	Queues []*Queue
	next   int
}

// Poll implements exchange.Inbox.
func (in *Inbox) Poll(skip []bool) (int, exchange.Event, bool, error) {
	n := len(in.Queues)
	for i := range n {
		ch := in.next + i
		if ch >= n {
			ch -= n
		}
		if skip[ch] {
			continue
		}
		if ev, ok, err := in.Queues[ch].poll(); ok || err != nil {
			in.next = ch + 1
			if in.next == n {
				in.next = 0
			}
			return ch, ev, ok, err
		}
	}
	return 0, exchange.Event{}, false, nil
}

// Overtake implements exchange.Inbox.
func (in *Inbox) Overtake(ch int) (base.Epoch, []exchange.Event, bool) {
	return in.Queues[ch].overtake()
}

// Channels implements exchange.Inbox.
func (in *Inbox) Channels() int { return len(in.Queues) }

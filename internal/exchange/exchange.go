// Package exchange carries events between tasks, in order on each channel.
//
// Control travels with the data: four kinds of event flow and nothing else. An
// edge of the job graph is, in each sending subtask, an Outbox with a channel to
// each receiving subtask, and in each receiving subtask a part of its Inbox.
package exchange

import (
	"math"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/vec"
)

// A Kind says which of an Event's fields is set.
type Kind uint8

// The kinds of event.
const (
	Data      Kind = iota // Batch, with its marks
	Watermark             // Time: no later row has an event time <= Time; or Idle
	Barrier               // Epoch: the rows before belong to that checkpoint
	End                   // nothing follows
)

func (k Kind) String() string { return [...]string{"data", "watermark", "barrier", "end"}[k] }

// An Event is what a channel carries. It is a struct, not an interface, so that
// sending one allocates nothing.
type Event struct {
	Kind  Kind
	Batch *vec.Batch
	Time  int64
	Epoch base.Epoch
}

// Idle is the Time of a Watermark which says that the channel has no rows for now
// and holds nobody's watermark back, until its next event.
const Idle = math.MaxInt64 - 1

// Limits of what is in flight on one channel.
const (
	ChannelBatchesMax = 16
	ChannelRowsMax    = 32 * 1024
)

// An Outbox is the sending side of one edge in one subtask.
type Outbox interface {
	// Send gives ev to a channel. It never blocks; a task asks Room first, and
	// may then send the output of one step.
	Send(ch int, ev Event) error

	// Room reports whether every channel has credit. A task takes no input while
	// one of its outboxes has no room: that, and nothing else, is backpressure.
	Room() bool

	Channels() int
}

// An Inbox is the receiving side of all edges of one subtask: one channel from
// each upstream subtask of each edge.
type Inbox interface {
	// Poll returns the next event of some channel ch for which skip[ch] is false,
	// and ok false when there is none for now. Channels take turns.
	Poll(skip []bool) (ch int, ev Event, ok bool, err error)

	// Overtake takes the first barrier of a channel out of its place and returns its
	// epoch and the events before it, which stay to be polled. They are the
	// sender's and the receiver's to read, until they are polled. Where a channel
	// ends without a barrier the epoch is 0.
	Overtake(ch int) (epoch base.Epoch, ahead []Event, ok bool)

	Channels() int
}

package keyed

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/vec"
)

// Timers say of keys that are out of memory when something is due: each is a time and
// the key of a Table, in the store alone and in the order of the times.
//
//	key group    0        1        2 …
//	store        3 5 5 9  4 8      –
//	ahead        3 5      4 8               read, and not taken yet
//	rest         5        NoTimer  NoTimer  nothing behind those is before
//
// In memory there are a few of each key group, those that are due first; so Take reads
// of a key group what it gives, and Due costs nothing.
//
// The keys of Buckets have the bucket's time in front, as a column. In the store timers look
// like entries of Buckets that have no words.
type Timers struct {
	disk   state.Table
	shape  Shape
	mem    meter
	groups []groupTimers // of the store's range
	low    int           // its first
	least  int64         // no timer is before
	key    []byte
	err    error
}

// NoTimer is after every timer.
const NoTimer = math.MaxInt64

// timersAhead is how many timers of a key group are in memory.
const timersAhead = 32

// groupTimers are those of a key group.
type groupTimers struct {
	keys []byte // of the store, one behind the other
	ends []int
	at   int   // those before are taken
	rest int64 // what is not in memory is not before
}

func (g *groupTimers) ahead() int { return len(g.ends) - g.at }

// key returns the i'th.
func (g *groupTimers) key(i int) []byte {
	from := 0
	if i > 0 {
		from = g.ends[i-1]
	}
	return g.keys[from:g.ends[i]]
}

// next is the time before which there is none.
func (g *groupTimers) next() int64 {
	if g.ahead() == 0 {
		return g.rest
	}
	return timerTime(g.key(g.at))
}

// timerTime is the time in a timer's key.
func timerTime(key []byte) int64 {
	t, _, _ := keyenc.KeyTime(key[2:])
	return t
}

// OpenTimers opens the timers of a table's keys. Of the shape the name, the key, the
// groups and the memory count.
func OpenTimers(s state.Store, shape Shape) *Timers {
	shape.Words, shape.Blobs, shape.Row, shape.Extra, shape.Expiry = 0, nil, nil, 0, nil
	describe(s, EntryBuckets, shape)
	t := &Timers{disk: s.Table(shape.Name), shape: shape, mem: meter{budget: shape.Memory}, low: s.Range().Lo, least: NoTimer}
	first := int64(NoTimer)
	if !t.disk.Empty() {
		first, t.least = math.MinInt64, math.MinInt64
	}
	for g := s.Range().Lo; g < s.Range().Hi; g++ {
		t.groups = append(t.groups, groupTimers{rest: first})
	}
	return t
}

// Due reports whether there may be timers that are not after a time.
func (t *Timers) Due(at int64) bool { return t.least <= min(at, NoTimer-1) }

// Err returns the first error of the store.
func (t *Timers) Err() error { return t.err }

// keyOf makes the durable key of a timer of a table's entry.
func (t *Timers) keyOf(of *Table, s Slot, at int64) *groupTimers {
	h := of.hash(s)
	g := keyenc.Group(h, t.shape.Groups)
	t.key = keyenc.AppendKeyTime(binary.BigEndian.AppendUint16(t.key[:0], uint16(g)), at)
	prefix := 2 // the key group is there already
	if of.isBucket {
		t.key = keyenc.AppendKeyInt(t.key, of.time)
		prefix += 8
	}
	head := len(t.key)
	t.key = of.appendDurableKey(t.key, s, h)
	t.key = slices.Delete(t.key, head, head+prefix)
	return &t.groups[int(g)-t.low]
}

// Set makes a timer for an entry of a table.
func (t *Timers) Set(of *Table, s Slot, at int64) {
	g := t.keyOf(of, s, at)
	t.fail(t.disk.Put(t.key, []byte{valueVersion}))
	t.changed(g)
	g.rest, t.least = min(g.rest, at), min(t.least, at)
}

// Unset removes a timer.
func (t *Timers) Unset(of *Table, s Slot, at int64) {
	g := t.keyOf(of, s, at)
	t.fail(t.disk.Delete(t.key))
	t.changed(g)
}

// changed lets a key group be read again, if t.key lies among what is in memory of it.
func (t *Timers) changed(g *groupTimers) {
	if g.ahead() > 0 && bytes.Compare(t.key, g.key(len(g.ends)-1)) <= 0 {
		g.rest = min(g.rest, g.next())
		t.forget(g)
	}
}

// forget empties what is in memory of a key group.
func (t *Timers) forget(g *groupTimers) {
	t.mem.add(-len(g.keys))
	g.keys, g.ends, g.at = nil, nil, 0
}

// Take removes about n timers that are not after a time, and returns their keys and
// times. It has to be called until Due says that there are none any more.
func (t *Timers) Take(to int64, n int) (keys []vec.Vector, times []int64, err error) {
	to = min(to, NoTimer-1)
	build := builders(t.shape.Key)
	least := int64(NoTimer)
	for i := range t.groups {
		g := &t.groups[i]
		for g.next() <= to && len(times) < n {
			if g.ahead() == 0 {
				if err := t.read(base.KeyGroup(t.low+i), g); err != nil {
					return nil, nil, err
				}
				continue
			}
			key := g.key(g.at)
			g.at++
			if _, err := keyenc.DecodeKey(key[10:], t.shape.Key, build); err != nil {
				return nil, nil, fmt.Errorf("state table %q: %w", t.shape.Name, err)
			}
			times = append(times, timerTime(key))
			t.fail(t.disk.Delete(key))
		}
		least = min(least, g.next())
	}
	t.least = least
	return finish(build), times, t.err
}

// read reads what is due first in a key group.
func (t *Timers) read(group base.KeyGroup, g *groupTimers) error {
	t.forget(g)
	from := binary.BigEndian.AppendUint16(nil, uint16(group))
	to := keyenc.AppendAfter(nil, from)
	for key := range t.disk.Scan(keyenc.AppendKeyTime(from, g.rest), to) {
		if len(key) < 10 {
			return fmt.Errorf("state table %q: a key of %d bytes", t.shape.Name, len(key))
		}
		g.keys = append(g.keys, key...)
		g.ends = append(g.ends, len(g.keys))
		if len(g.ends) == timersAhead {
			break
		}
	}
	t.mem.add(len(g.keys))
	g.rest = NoTimer
	if len(g.ends) == timersAhead {
		g.rest = timerTime(g.key(timersAhead - 1))
	}
	return t.disk.Err()
}

func (t *Timers) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// Close gives the memory back to the budget. The store keeps what it has.
func (t *Timers) Close() { t.mem.release() }

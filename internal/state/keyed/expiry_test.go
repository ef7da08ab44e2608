package keyed

import (
	"fmt"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// New keys come for ever and none comes twice: with a time to live the state has a
// size that does not grow, in memory and on disk, whether entries leave memory or the
// operator forgets those that are there.
func TestEndlessKeysExpire(t *testing.T) {
	const ttl, steps, perStep = 400, 500, 200
	for _, memory := range []*base.Budget{{}, {EvictAt: 1, EvictKeep: 200 << 10}} {
		for _, multi := range []bool{false, true} {
			t.Run(fmt.Sprintf("keep=%d,multi=%v", memory.EvictKeep, multi), func(t *testing.T) {
				e := newEndless(t, memory.Share(), multi, ttl)
				var most, late sizes
				for i := range steps {
					e.step(perStep)
					now := e.sizes()
					if i < steps/2 {
						most.max(now)
					} else {
						late.max(now)
					}
					if i%100 == 99 {
						e.restore()
					}
				}
				t.Logf("%d entries; in the first half %+v, then %+v", steps*perStep, most, late)
				if late.memory > most.memory*5/4 || late.bytes > most.bytes*5/4 || late.files > most.files+4 || late.entries > most.entries*5/4 {
					t.Errorf("it grows: in the first half %+v, then %+v", most, late)
				}
				if live := int64(ttl / endlessStep * perStep); late.entries > 4*live {
					t.Errorf("%d entries in files, where %d live", late.entries, live)
				}
				if got := e.count(); got != ttl/endlessStep*perStep+perStep {
					t.Errorf("%d of the keys are found", got)
				}
			})
		}
	}
}

const (
	endlessStep  = 10 // milliseconds between two steps
	endlessWords = 32 // of an entry: what is saved is large enough to be merged for its size
)

type sizes struct{ memory, bytes, files, entries int64 }

func (s *sizes) max(o sizes) {
	s.memory, s.bytes = max(s.memory, o.memory), max(s.bytes, o.bytes)
	s.files, s.entries = max(s.files, o.files), max(s.entries, o.entries)
}

// endless is a table, or a Multi, that gets new keys all the time, and is saved.
type endless struct {
	t      *testing.T
	shape  Shape
	multi  bool
	files  statetest.Files
	store  state.Store
	table  *Table // of the Multi, if it is one
	rows   *Multi
	handle state.Handle
	now    int64
	next   int64
	opened int
}

func newEndless(t *testing.T, memory *base.Budget, multi bool, ttl int64) *endless {
	e := &endless{t: t, multi: multi, now: 1000}
	e.shape = Shape{Name: "t", Key: []types.Type{types.TBigInt}, Words: endlessWords, Groups: testGroups, Memory: memory, Evicts: true,
		Expiry: &Expiry{Word: 1, TTL: ttl, Now: func() int64 { return e.now }}}
	if multi {
		e.shape.Words, e.shape.Extra, e.shape.Row, e.shape.Expiry.Keys = 0, endlessWords, []types.Type{types.TBigInt}, true
	}
	e.open(nil)
	return e
}

func (e *endless) open(from []state.Handle) {
	var err error
	e.opened++
	if e.store, err = (lsm.Backend{DeltaBytes: 64 << 10, Plain: true}).Open(fmt.Sprintf("%d-", e.opened), base.RangeOf(0, 1, testGroups), from, &e.files); err != nil {
		e.t.Fatal(err)
	}
	if e.multi {
		if e.rows, err = OpenMulti(e.store, e.shape); err == nil {
			e.table = &e.rows.Table
		}
	} else {
		e.table, err = Open(e.store, e.shape)
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

// step adds n keys, forgets as an operator does, and saves.
func (e *endless) step(n int, later ...int64) {
	e.now += endlessStep
	if e.multi {
		e.rows.Trim()
	} else {
		e.table.Trim()
	}
	keys := e.keys(e.next, n)
	e.next += int64(n)
	slots := make([]Slot, n)
	e.table.Upsert(keys, slots)
	for i, s := range slots {
		if e.multi {
			e.rows.Extra(e.rows.Add(s, keys.Cols, i))[1] = uint64(e.now)
		} else {
			e.table.Words(s)[1] = uint64(e.now)
		}
	}
	if e.now%(10*endlessStep) == 0 {
		e.sweep()
	}
	e.save(later...)
}

func (e *endless) keys(from int64, n int) *Keys {
	col := &vec.Fixed[int64]{}
	for i := range n {
		col.Vals = append(col.Vals, from+int64(i))
	}
	k := &Keys{}
	k.Prepare(e.shape.Key, []vec.Vector{col}, nil, n)
	return k
}

func (e *endless) sweep() {
	for s := range e.table.Each {
		switch {
		case e.multi:
			if int64(e.rows.Extra(e.rows.Last(s))[1])+e.shape.Expiry.TTL < e.now {
				e.rows.DeleteKey(s)
			}
		case int64(e.table.Words(s)[1])+e.shape.Expiry.TTL < e.now:
			e.table.Delete(s)
		}
	}
}

// save takes a snapshot; the clock goes on by later before it is written.
func (e *endless) save(later ...int64) {
	var err error
	if e.multi {
		err = e.rows.Snapshot()
	} else {
		err = e.table.Snapshot()
	}
	if err != nil {
		e.t.Fatal(err)
	}
	snap, err := e.store.Snapshot(1)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, ms := range later {
		e.now += ms
		e.table.Trim()
	}
	for done := false; !done; {
		if done, err = e.store.Drain(1000); err != nil {
			e.t.Fatal(err)
		}
	}
	if e.handle, err = snap.Persist(); err != nil {
		e.t.Fatal(err)
	}
}

// A snapshot has what counts at its time, however late it is when its files are
// written: a restore goes back to that time.
func TestSnapshotIsOfItsTime(t *testing.T) {
	for _, multi := range []bool{false, true} {
		e := newEndless(t, &base.Budget{}, multi, 400)
		at := e.now + endlessStep
		e.step(100, 10_000)
		e.now = at
		e.restore()
		if got := e.count(); got != 100 {
			t.Errorf("multi=%v: %d of 100 keys are there", multi, got)
		}
	}
}

// restore begins anew from what was saved.
func (e *endless) restore() {
	e.table.Close()
	if err := e.store.Close(); err != nil {
		e.t.Fatal(err)
	}
	e.open([]state.Handle{e.handle})
}

func (e *endless) sizes() (s sizes) {
	s.memory = e.table.Bytes()
	for _, f := range e.handle.Files {
		s.bytes += f.Bytes
		s.files++
		s.entries += int64(f.Entries)
	}
	return s
}

// count is how many of all keys there ever were are found and not over.
func (e *endless) count() (n int) {
	for from := int64(0); from < e.next; from += 1000 {
		slots := make([]Slot, 1000)
		e.table.Find(e.keys(from, 1000), slots)
		for _, s := range slots {
			if s == None {
				continue
			}
			used := e.table.Words(s)
			if e.multi {
				used = e.rows.Extra(e.rows.First(s))
			}
			if int64(used[1])+e.shape.Expiry.TTL >= e.now {
				n++
			}
		}
	}
	return n
}

// Package strided shares out the rows of a source that makes them by number: it
// is the enumerator and the reader of the connectors that generate.
//
// A unit is what cannot be shared: a row, or a group of rows. Of k shards, number
// i has the units u with u mod k = i.
//
//		units      0 1 2 3 4 5 6 7 …
//		0 of 2     x   x   x   x
//		1 of 4       x       x
//		3 of 4           x       x
//
//	 1. Shards never overlap, and together have every unit that is left.
//	 2. What a row is depends on its number alone, so neither the number of shards
//	    nor a restart changes the rows.
//	 3. Shards that are read at one speed stay at the same place, so if numbers
//	    follow time, no watermark waits long for another.
//	 4. A shard can be divided in two: a restored source runs with more readers.
package strided

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/vec"
)

// A Shard is every Of'th unit from Index on. It is the split's position, as JSON.
type Shard struct {
	Next  int64 `json:"next"` // number of the next row; the source alone knows which unit that is
	Index int64 `json:"index"`
	Of    int64 `json:"of"`
	Start int64 `json:"start,omitempty"` // the Source's Start when the job began
}

// After returns the first unit of the shard that is not below u.
func (s Shard) After(u int64) int64 { return u + ((s.Index-u)%s.Of+s.Of)%s.Of }

func (s Shard) id() string { return fmt.Sprintf("%d of %d", s.Index, s.Of) }

func (s Shard) split() (connect.Split, error) {
	pos, err := json.Marshal(s)
	return connect.Split{ID: s.id(), Pos: pos}, err
}

func parse(split connect.Split) (Shard, error) {
	var s Shard
	if err := json.Unmarshal(split.Pos, &s); err != nil {
		return s, fmt.Errorf("read position of split %s: %w", split.ID, err)
	}
	if s.Of < 1 || s.Index < 0 || s.Index >= s.Of {
		return s, fmt.Errorf("split %s has no position %s", split.ID, split.Pos)
	}
	return s, nil
}

// A Source makes rows by number.
type Source struct {
	Ends    bool  // some day
	Readers int   // at least 1
	First   int64 // Next of the first shards
	// Start returns what Shard.Start is in a job that begins now.
	Start func() int64
	// Open returns what makes the rows of one reader, for its goroutine alone.
	Open func(subtask int) (Make, error)
}

// Make makes a batch of rows from s.Next on, and moves it past them.
type Make func(s *Shard) (Made, error)

// Made is what Make has made. No batch and not ended means that no row is due yet,
// and Wait how long it takes, about.
type Made struct {
	Batch *vec.Batch
	Rest  func(rows []int32) ([]vec.Vector, error) // see connect.Polled
	Ended bool
	Wait  time.Duration
}

// Bounded implements connect.Source.
func (s *Source) Bounded() bool { return s.Ends }

// Enumerator implements connect.Source.
func (s *Source) Enumerator(saved []byte, _ func()) (connect.Enumerator, error) {
	e := &enumerator{readers: s.Readers}
	if saved != nil {
		if err := json.Unmarshal(saved, &e.shards); err != nil {
			return nil, fmt.Errorf("read the splits not yet assigned: %w", err)
		}
		return e, nil
	}
	var start int64
	if s.Start != nil {
		start = s.Start()
	}
	for i := range int64(s.Readers) {
		e.shards = append(e.shards, Shard{Next: s.First, Index: i, Of: int64(s.Readers), Start: start})
	}
	return e, nil
}

// Reader implements connect.Source.
func (s *Source) Reader(subtask int, wake func()) (connect.Reader, error) {
	rows, err := s.Open(subtask)
	return &reader{rows: rows, wake: wake, stop: func() {}}, err
}

// An enumerator hands out the shards that it began with or that came back.
type enumerator struct {
	shards  []Shard // not assigned
	owners  []int   // of shards, from the first Assign on
	readers int
	bad     error // of a split that came back, for Assign to report
}

// Assign implements connect.Enumerator. A reader gets all that is its own, for
// what waits behind an endless split waits for ever; a reader that is through
// with that takes what another has not fetched.
func (e *enumerator) Assign(reader int) (splits []connect.Split, done bool, err error) {
	if e.bad != nil {
		return nil, false, e.bad
	}
	if e.owners == nil {
		e.share()
	}
	give := func(i int) error {
		s, err := e.shards[i].split()
		splits = append(splits, s)
		e.shards, e.owners = slices.Delete(e.shards, i, i+1), slices.Delete(e.owners, i, i+1)
		return err
	}
	for i := 0; i < len(e.shards) && err == nil; {
		if e.owners[i] != reader {
			i++
			continue
		}
		err = give(i)
	}
	if len(splits) == 0 && len(e.shards) > 0 && err == nil {
		err = give(0)
	}
	return splits, len(e.shards) == 0, err
}

// share decides who reads what. If the shards are not as many for each reader,
// as after a restore with another parallelism, it divides them until the
// difference is small.
func (e *enumerator) share() {
	const sharesMin = 4 // so no reader has a quarter more than another
	slices.SortFunc(e.shards, func(a, b Shard) int { return cmp.Compare(a.Index*b.Of, b.Index*a.Of) })
	if n := len(e.shards); n%e.readers != 0 {
		for ; n > 0 && n < sharesMin*e.readers; n = len(e.shards) {
			for _, s := range e.shards {
				s.Of, s.Index = 2*s.Of, s.Index+s.Of
				e.shards = append(e.shards, s)
			}
			for i := range n {
				e.shards[i].Of *= 2
			}
		}
	}
	e.owners = make([]int, len(e.shards))
	for i := range e.owners {
		e.owners[i] = i % e.readers
	}
}

// Waiting implements connect.Enumerator.
func (e *enumerator) Waiting() int { return len(e.shards) }

// Ordered implements connect.Enumerator.
func (e *enumerator) Ordered() bool { return false }

// Return implements connect.Enumerator.
func (e *enumerator) Return(splits []connect.Split) {
	for _, split := range splits {
		s, err := parse(split)
		if err != nil {
			e.bad = err
		}
		e.shards = append(e.shards, s)
	}
}

// Snapshot implements connect.Enumerator.
func (e *enumerator) Snapshot() ([]byte, error) { return json.Marshal(e.shards) }

// Close implements connect.Enumerator.
func (e *enumerator) Close() error { return nil }

// A reader reads its shards in turn, that with the lowest number first.
type reader struct {
	rows   Make
	shards []Shard // by Next
	wake   func()
	stop   func() // the timer that wakes
}

// Add implements connect.Reader.
func (r *reader) Add(splits []connect.Split) error {
	for _, split := range splits {
		s, err := parse(split)
		if err != nil {
			return err
		}
		r.shards = append(r.shards, s)
	}
	return nil
}

// Poll implements connect.Reader.
func (r *reader) Poll(prefer string) (connect.Polled, error) {
	if len(r.shards) > 1 {
		slices.SortFunc(r.shards, func(a, b Shard) int { return cmp.Or(cmp.Compare(a.Next, b.Next), cmp.Compare(a.Index, b.Index)) })
		if i := slices.IndexFunc(r.shards, func(s Shard) bool { return s.id() == prefer }); i > 0 {
			r.shards[0], r.shards[i] = r.shards[i], r.shards[0]
		}
	}
	wait := time.Duration(math.MaxInt64)
	for i := range r.shards {
		id := r.shards[i].id()
		made, err := r.rows(&r.shards[i])
		if err != nil {
			return connect.Polled{}, fmt.Errorf("make rows of split %s: %w", id, err)
		}
		if made.Ended {
			r.shards = slices.Delete(r.shards, i, i+1)
		}
		if made.Batch != nil || made.Ended {
			return connect.Polled{Batch: made.Batch, Rest: made.Rest, Split: id, Ended: made.Ended}, nil
		}
		wait = min(wait, made.Wait)
	}
	if len(r.shards) == 0 {
		return connect.Polled{Empty: true}, nil
	}
	r.stop()
	r.stop = env.After(max(wait, waitMin), r.wake)
	return connect.Polled{}, nil
}

// waitMin is the shortest wait for rows to be due; those of fast tables come in
// batches of as much.
const waitMin = time.Millisecond

// Snapshot implements connect.Reader.
func (r *reader) Snapshot() ([]connect.Split, error) {
	out := make([]connect.Split, len(r.shards))
	for i, s := range r.shards {
		var err error
		if out[i], err = s.split(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Committed implements connect.Reader.
func (r *reader) Committed(uint64) {}

// Close implements connect.Reader.
func (r *reader) Close() error {
	r.stop()
	return nil
}

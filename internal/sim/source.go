package sim

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/vec"
)

// A row of the source: a key, a value, an event time in microseconds.
type row struct{ key, val, time int64 }

// A source has its rows in splits.
type source struct {
	rnd    *rand.Rand
	splits [][]row
}

// drawSource draws splits whose times go up, but for a disorder of at most slack.
func drawSource(rnd *rand.Rand) *source {
	s := &source{rnd: rnd}
	for range 1 + rnd.IntN(4) {
		var rows []row
		at := int64(rnd.IntN(1000))
		for range rnd.IntN(60) {
			at += int64(rnd.IntN(40)) * unit
			late := int64(rnd.IntN(slack)) * unit
			rows = append(rows, row{key: int64(rnd.IntN(9)), val: int64(rnd.IntN(100)), time: at + slack*unit - late})
		}
		s.splits = append(s.splits, rows)
	}
	return s
}

const (
	unit  = 1000 // microseconds in which times are drawn
	slack = 50   // units by which a row may be behind the split's latest
)

// Bounded implements connect.Source.
func (s *source) Bounded() bool { return true }

// Reader implements connect.Source.
func (s *source) Reader(_ int, wake func()) (connect.Reader, error) {
	return &reader{rnd: s.rnd, src: s, wake: wake}, nil
}

// Enumerator implements connect.Source.
func (s *source) Enumerator(saved []byte) (connect.Enumerator, error) {
	e := &enumerator{}
	if saved != nil {
		return e, json.Unmarshal(saved, &e.left)
	}
	for i := range s.splits {
		e.left = append(e.left, connect.Split{ID: fmt.Sprint(i)})
	}
	return e, nil
}

type enumerator struct{ left []connect.Split }

func (e *enumerator) Assign(int) ([]connect.Split, bool, error) {
	if len(e.left) == 0 {
		return nil, true, nil
	}
	s := e.left[:1]
	e.left = e.left[1:]
	return slices.Clone(s), len(e.left) == 0, nil
}
func (e *enumerator) Waiting() int              { return len(e.left) }
func (e *enumerator) Ordered() bool             { return false }
func (e *enumerator) Return(s []connect.Split)  { e.left = append(e.left, s...) }
func (e *enumerator) Snapshot() ([]byte, error) { return json.Marshal(e.left) }
func (e *enumerator) Close() error              { return nil }

// A reader yields a few rows of one of its splits at a time, or none.
type reader struct {
	wake   func()
	rnd    *rand.Rand
	src    *source
	splits []connect.Split
}

func (r *reader) Add(s []connect.Split) error { r.splits = append(r.splits, s...); return nil }

// Poll implements connect.Reader.
func (r *reader) Poll(prefer string) (connect.Polled, error) {
	if len(r.splits) == 0 {
		return connect.Polled{Empty: true}, nil
	}
	if r.rnd.IntN(4) == 0 {
		r.wake()                     // when something has
		return connect.Polled{}, nil // nothing has arrived yet
	}
	at := r.rnd.IntN(len(r.splits))
	s := &r.splits[at]
	id, err := strconv.Atoi(s.ID)
	if err != nil {
		return connect.Polled{}, err
	}
	pos := 0
	if s.Pos != nil {
		pos = int(binary.BigEndian.Uint64(s.Pos))
	}
	rows := r.src.splits[id]
	n := min(1+r.rnd.IntN(7), len(rows)-pos)
	p := connect.Polled{Split: s.ID, Batch: batchOf(rows[pos : pos+n])}
	if pos += n; pos == len(rows) {
		p.Ended = true
		r.splits = append(r.splits[:at], r.splits[at+1:]...)
	} else {
		s.Pos = binary.BigEndian.AppendUint64(nil, uint64(pos))
	}
	p.Empty = len(r.splits) == 0
	return p, nil
}

func (r *reader) Snapshot() ([]connect.Split, error) { return slices.Clone(r.splits), nil }
func (r *reader) Committed(uint64)                   {}
func (r *reader) Close() error                       { return nil }

func batchOf(rows []row) *vec.Batch {
	k, v, t := &vec.Fixed[int64]{}, &vec.Fixed[int64]{}, &vec.Fixed[int64]{}
	for _, r := range rows {
		k.Vals, v.Vals, t.Vals = append(k.Vals, r.key), append(v.Vals, r.val), append(t.Vals, r.time)
	}
	return &vec.Batch{Rows: len(rows), Cols: []vec.Vector{k, v, t}}
}

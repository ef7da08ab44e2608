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

// A record is a row of a source, or a change of one.
type record struct {
	kind vec.RowKind
	cols [4]cell
}

// A source is a table whose rows lie in splits.
type source struct {
	rnd     *rand.Rand
	splits  [][]record
	changes bool // of every kind
}

const (
	unit  = 1000 // microseconds in which times are drawn
	slack = 50   // units by which a row may be behind the split's latest
)

// drawEvents draws splits of rows (id, key, value, time) whose times go up, but for a
// disorder of less than slack times spread units. Split i has times of its own, i of
// spread; ids are from a number on, every second one.
func drawEvents(rnd *rand.Rand, splits, rows int, spread, slot int64, id int64) *source {
	s := &source{rnd: rnd}
	for i := range splits {
		var out []record
		at := int64(rnd.IntN(1000)) / spread
		seen := map[int64]bool{}
		for range rnd.IntN(rows) {
			at += int64(rnd.IntN(40))
			t := at + slack - int64(rnd.IntN(slack))
			if spread > 1 && seen[t] {
				continue
			}
			seen[t] = true
			val := int64(rnd.IntN(100))
			if spread > 1 && val < 8 {
				val = null
			}
			out = append(out, record{cols: [4]cell{id, int64(rnd.IntN(9)), val, (t*spread + slot + int64(i)) * unit}})
			id += 2
		}
		s.splits = append(s.splits, out)
	}
	return s
}

// drawChanges draws splits of changes to a table (k, v, w) by k, a full changelog.
func drawChanges(rnd *rand.Rand) *source {
	s := &source{rnd: rnd, changes: true}
	n := 1 + rnd.IntN(2)
	for i := range n {
		var out []record
		now := map[int64][4]cell{}
		for range rnd.IntN(40) {
			k := int64(rnd.IntN(5)*n + i)
			next := [4]cell{k, int64(rnd.IntN(12)), int64(rnd.IntN(30))}
			if next[2] < 4 {
				next[2] = null
			}
			switch before, there := now[k]; {
			case !there:
				out = append(out, record{vec.Insert, next})
				now[k] = next
			case rnd.IntN(3) == 0:
				out = append(out, record{vec.Delete, before})
				delete(now, k)
			default:
				out = append(out, record{vec.UpdateBefore, before}, record{vec.UpdateAfter, next})
				now[k] = next
			}
		}
		s.splits = append(s.splits, out)
	}
	return s
}

// events are the rows of a source of events.
func (s *source) events() (out []event) {
	for _, split := range s.splits {
		for _, r := range split {
			out = append(out, event{r.cols[0], r.cols[1], r.cols[2], r.cols[3]})
		}
	}
	return out
}

// current is what the changes add up to.
func (s *source) current() (out []row) {
	n := map[row]int{}
	for _, split := range s.splits {
		for _, r := range split {
			at := row(r.cols[:3])
			if r.kind.Adds() {
				n[at]++
			} else {
				n[at]--
			}
		}
	}
	for _, r := range sorted(n) {
		for range n[r] {
			out = append(out, r)
		}
	}
	return out
}

// A scan is a source as a plan reads it. It implements connect.Source.
type scan struct {
	*source
	cols []int // of the records
}

// Bounded implements connect.Source.
func (s *source) Bounded() bool { return true }

// Reader implements connect.Source.
func (s scan) Reader(_ int, wake func()) (connect.Reader, error) {
	return &reader{rnd: s.rnd, src: s, wake: wake}, nil
}

// Enumerator implements connect.Source.
func (s *source) Enumerator(saved []byte, _ func()) (connect.Enumerator, error) {
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
	src    scan
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
	p := connect.Polled{Split: s.ID, Batch: r.src.batch(rows[pos : pos+n])}
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

func (s scan) batch(rows []record) *vec.Batch {
	b := &vec.Batch{Rows: len(rows)}
	for _, c := range s.cols {
		v := &vec.Fixed[int64]{Vals: make([]int64, len(rows))}
		for i, r := range rows {
			if v.Vals[i] = r.cols[c]; r.cols[c] == null {
				if v.Valid == nil {
					v.Valid = vec.NewBitmap(len(rows))
				}
				v.Valid.SetNull(i)
			}
		}
		b.Cols = append(b.Cols, v)
	}
	if s.changes {
		for _, r := range rows {
			b.Kinds = append(b.Kinds, r.kind)
		}
	}
	return b
}

package lsm

import (
	"bytes"
)

// A source is the entries of one layer on their way into a merge.
type source struct {
	step  func() bool // moves to the next entry
	key   []byte
	val   []byte
	dead  bool
	err   error
	tombs []span
	age   int // higher is newer
}

// covers drops the range tombstones that end at or before key and reports
// whether the next one covers it. Keys must ascend.
func (s *source) covers(key []byte) bool {
	for len(s.tombs) > 0 && !s.tombs[0].above(key) {
		s.tombs = s.tombs[1:]
	}
	return len(s.tombs) > 0 && bytes.Compare(s.tombs[0].from, key) <= 0
}

// source implements layer.
func (s *sorted) source(b span) *source {
	out := &source{tombs: clipAll(s.tombs, b)}
	i := s.seek(b.from) - 1
	var ahead window
	out.step = func() bool {
		i++
		if i >= len(s.at) {
			return false
		}
		e := ahead.ent(s, i)
		out.key, out.val, out.dead = s.delta.key(e), nil, e.vlen < 0
		if !out.dead {
			out.val = s.val(e)
		}
		return b.above(out.key)
	}
	return out
}

// A window has the entries that come next in order. They lie anywhere, so they are
// fetched some at a time: the memory then works at all of them at once.
type window struct {
	ents  [64]ent
	from  int
	upto  int
	touch byte // for reading
}

// ent returns the i'th entry of a delta in order; they are asked for one after the other.
func (w *window) ent(s *sorted, i int) *ent {
	if i >= w.upto {
		w.from, w.upto = i, min(i+len(w.ents), len(s.at))
		for k, at := range s.at[w.from:w.upto] {
			w.ents[k] = *s.ent(int(at))
		}
		for k := range w.upto - w.from {
			e := &w.ents[k]
			w.touch ^= s.chunks[e.chunk][e.off]
		}
	}
	return &w.ents[i-w.from]
}

// A merge walks several layers in key order, the newest entry of each key only.
type merge struct {
	heap   []*source // least key first, newest first among equals
	tombed []*source // those with range tombstones
	key    []byte
	val    []byte
	dead   bool
	err    error
	top    *source // its entry is the current one
	last   []byte
}

// newMerge merges the parts of layers, oldest first, within b.
func newMerge(layers []layer, b span) *merge {
	var srcs []*source
	for _, l := range layers {
		srcs = append(srcs, l.source(b))
	}
	return mergeOf(srcs)
}

func mergeOf(srcs []*source) *merge {
	m := &merge{}
	for i, s := range srcs {
		s.age = i
		if len(s.tombs) > 0 {
			m.tombed = append(m.tombed, s)
		}
		if s.step() {
			m.heap = append(m.heap, s)
		} else if s.err != nil {
			m.err = s.err
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sift(i)
	}
	return m
}

func (m *merge) less(a, b *source) bool {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c < 0
	}
	return a.age > b.age
}

func (m *merge) sift(i int) {
	for {
		k := 2*i + 1
		if k >= len(m.heap) {
			return
		}
		if k+1 < len(m.heap) && m.less(m.heap[k+1], m.heap[k]) {
			k++
		}
		if !m.less(m.heap[k], m.heap[i]) {
			return
		}
		m.heap[i], m.heap[k] = m.heap[k], m.heap[i]
		i = k
	}
}

// next moves to the next key that is not hidden by a range tombstone; it may be
// dead by a tombstone of its own. At the end look at err.
func (m *merge) next() bool {
	for m.err == nil {
		if m.top != nil && len(m.heap) > 0 {
			m.advance()
		}
		if m.err != nil || len(m.heap) == 0 {
			return false
		}
		s := m.heap[0]
		m.top = s
		if len(m.heap) > 1 {
			m.last = append(m.last[:0], s.key...)
		}
		if m.hidden(s) {
			continue
		}
		m.key, m.val, m.dead = s.key, s.val, s.dead
		return true
	}
	return false
}

// advance leaves the current key in all sources.
func (m *merge) advance() {
	single := len(m.heap) == 1
	m.stepTop()
	if single {
		return
	}
	for m.err == nil && len(m.heap) > 0 && bytes.Equal(m.heap[0].key, m.last) {
		m.stepTop()
	}
}

func (m *merge) stepTop() {
	s := m.heap[0]
	if !s.step() {
		if s.err != nil {
			m.err = s.err
			return
		}
		n := len(m.heap) - 1
		m.heap[0] = m.heap[n]
		m.heap = m.heap[:n]
	}
	m.sift(0)
}

func (m *merge) hidden(s *source) bool {
	for _, t := range m.tombed {
		if t.age > s.age && t.covers(s.key) {
			return true
		}
	}
	return false
}

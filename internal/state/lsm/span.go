package lsm

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"

	"github.com/millrace-io/millrace/internal/base"
)

// A span is the keys from <= key < to; the nil to is the end of all keys.
type span struct{ from, to []byte }

func (s span) has(key []byte) bool { return bytes.Compare(s.from, key) <= 0 && s.above(key) }

// above reports whether key < to.
func (s span) above(key []byte) bool { return s.to == nil || bytes.Compare(key, s.to) < 0 }

// spanOf returns the keys of a range of key groups.
func spanOf(r base.Range) span {
	s := span{from: binary.BigEndian.AppendUint16(nil, uint16(r.Lo))}
	if r.Hi < 1<<16 {
		s.to = binary.BigEndian.AppendUint16(nil, uint16(r.Hi))
	}
	return s
}

// clip returns the part of s inside b, and whether there is any.
func (s span) clip(b span) (span, bool) {
	if bytes.Compare(s.from, b.from) < 0 {
		s.from = b.from
	}
	if s.to == nil || b.to != nil && bytes.Compare(b.to, s.to) < 0 {
		s.to = b.to
	}
	return s, s.to == nil || bytes.Compare(s.from, s.to) < 0
}

// clipAll returns the parts of the spans, sorted and disjoint, inside b.
func clipAll(spans []span, b span) []span {
	var out []span
	first := sort.Search(len(spans), func(i int) bool { return spans[i].to == nil || bytes.Compare(spans[i].to, b.from) > 0 })
	for _, s := range spans[first:] {
		if b.to != nil && bytes.Compare(s.from, b.to) >= 0 {
			break
		}
		if s, ok := s.clip(b); ok {
			out = append(out, s)
		}
	}
	return out
}

// union sorts spans and joins those that touch.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return bytes.Compare(a.from, b.from) })
	var out []span
	for _, s := range spans {
		n := len(out)
		if n == 0 || out[n-1].to != nil && bytes.Compare(out[n-1].to, s.from) < 0 {
			out = append(out, s)
		} else if l := &out[n-1]; l.to != nil && (s.to == nil || bytes.Compare(s.to, l.to) > 0) {
			l.to = s.to
		}
	}
	return out
}

// covers reports whether one of the spans, sorted and disjoint, has the key.
func covers(spans []span, key []byte) bool {
	i, found := slices.BinarySearchFunc(spans, key, func(s span, key []byte) int { return bytes.Compare(s.from, key) })
	return found || i > 0 && spans[i-1].above(key)
}

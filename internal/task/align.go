package task

import (
	"math"

	"github.com/millrace-io/millrace/internal/jobgraph"
)

// Align keeps a source from running far ahead of others: its reader is not asked for
// rows while the source's watermark is above a limit, which is the lowest watermark
// of the group and its drift.
//
// The task tells its watermark at most every UpdateMs and the job's master answers
// with a new limit. Until the first answer the limit is the source's own first
// watermark and the drift: nothing is known of the others yet. What is held back is
// the reader, not one of its splits; the reader is asked for the split that is
// furthest behind anyway.
type Align struct {
	jobgraph.Alignment

	limit  int64
	told   int64 // watermark, as reported
	toldAt int64 // processing time; 0: never
}

func (a *Align) open() { a.limit, a.told, a.toldAt = math.MinInt64, math.MinInt64, 0 }

// held reports whether the source is too far ahead to go on.
func (s *Source) held() bool {
	if s.Align == nil || s.high == math.MinInt64 {
		return false
	}
	if s.Align.limit == math.MinInt64 {
		s.Align.limit = s.Align.Limit(s.high)
	}
	return s.high > s.Align.limit
}

// wait makes the idle timeout of every split begin now: one that is held back has no
// rows and does not idle.
func (s *Source) wait() {
	s.seen = s.now
	for _, sp := range s.splits {
		sp.seen = s.now
	}
}

// tells returns the watermark that is to be reported: the largest number there is
// for a source that has fallen idle.
func (s *Source) tells() (int64, bool) {
	a := s.Align
	if a == nil || s.high == math.MinInt64 || a.toldAt != 0 && s.now-a.toldAt < a.UpdateMs*1000 {
		return 0, false
	}
	mark := s.high
	if s.fallen {
		mark = math.MaxInt64
	}
	if mark == a.told {
		return 0, false
	}
	a.told, a.toldAt = mark, s.now
	return mark, true
}

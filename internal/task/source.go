package task

import (
	"fmt"
	"math"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/vec"
)

// A Source is the head of a chain that reads a table. It computes the watermark
// of each split from the rows, and the task's from those of the splits.
//
// The task's watermark is the lowest of its open splits; a split that has not
// yielded a row holds it back, and so do splits that are known and not assigned
// (Assignment.Hold). So the order in which splits are read makes no row late. A
// split that has ended, or idles, steps aside.
type Source struct {
	Reader connect.Reader
	// Transform turns a batch of the scan into one of the source's output.
	Transform func(*vec.Batch) (*vec.Batch, error)
	// Watermarks returns the watermark that each row of an output batch calls for,
	// by ordinal, in microseconds (math.MinInt64 for none). Nil: the table has no
	// watermark.
	Watermarks func(*vec.Batch) ([]int64, error)
	IntervalUs int64  // a mark is made when the watermark has risen by more than this
	Gap        int64  // … or after so many rows of a split, if it has risen at all; 0: by IntervalUs
	IdleUs     int64  // a split without rows for so long holds nothing back; 0: never
	Align      *Align // with other sources; nil: with none
	Prompt     bool   // a watermark that has risen is told when the reader has no rows ready

	rest    func(rows []int32) ([]vec.Vector, error) // of the last batch, see Rest
	splits  map[string]*split
	hold    bool
	noMore  bool  // the enumerator has no more splits
	asked   bool  // Want is out, no answer yet
	empty   bool  // the reader wants splits
	paused  bool  // by the master
	drained bool  // it ends where it stands, by the master
	high    int64 // the watermark as known, not yet told for IntervalUs
	mark    int64 // the watermark as told
	now     int64 // processing time of the last tick
	seen    int64 // … when the last rows came, or the source began
	quiet   bool  // no rows since the last tick
	fallen  bool  // has said Idle, and had no rows since
	Rows    int64 // read so far
	BusyNs  int64 // the task spent on them; 0 where it has no clock
}

type split struct {
	mark int64
	seen int64 // processing time of the last row
	rows int64 // since one of them was Gap's last
}

func (s *Source) open(from *Marks) error {
	s.splits, s.mark, s.high, s.empty = map[string]*split{}, math.MinInt64, math.MinInt64, true
	s.hold = true
	if from != nil {
		s.mark, s.high = from.Task, from.Task
	}
	if s.Align != nil {
		s.Align.open()
	}
	return nil
}

func (s *Source) add(a *Assignment) error {
	s.hold = a.Hold
	if !a.Answer {
		return nil
	}
	s.asked, s.noMore = false, a.Done
	if len(a.Splits) > 0 {
		s.empty = false
	}
	for _, sp := range a.Splits {
		mark, ok := a.Marks[sp.ID]
		if !ok {
			mark = math.MinInt64
		}
		s.splits[sp.ID] = &split{mark: mark, seen: s.now}
	}
	return s.Reader.Add(a.Splits)
}

func (s *Source) ended() bool { return s.empty && s.noMore || s.drained }

// wants reports, once, that the reader has nothing left to read.
func (s *Source) wants() bool {
	if !s.empty || s.asked || s.noMore {
		return false
	}
	s.asked = true
	return true
}

// poll returns the next batch with its marks, or nil; did says whether anything
// happened at all.
func (s *Source) poll() (b *vec.Batch, did bool, err error) {
	p, err := s.Reader.Poll(s.lowest())
	if err != nil {
		return nil, false, err
	}
	s.empty, s.rest = p.Empty, p.Rest
	if p.Batch == nil {
		if sp := s.splits[p.Split]; sp != nil && p.Watermark != nil {
			sp.mark = max(sp.mark, *p.Watermark)
		}
		if p.Ended {
			delete(s.splits, p.Split)
		}
		return nil, p.Ended || p.Watermark != nil, nil
	}
	if b, err = s.Transform(p.Batch); err != nil {
		return nil, false, err
	}
	s.quiet, s.fallen, s.seen = false, false, s.now
	s.Rows += int64(b.Len())
	if s.Watermarks != nil && b.Len() > 0 {
		if err := s.markRows(b, p.Split); err != nil {
			return nil, false, err
		}
	}
	if sp := s.splits[p.Split]; sp != nil && p.Watermark != nil {
		sp.mark = max(sp.mark, *p.Watermark)
	}
	if p.Ended {
		delete(s.splits, p.Split)
	}
	if b.Len() == 0 && len(b.Marks) == 0 {
		return nil, true, nil
	}
	return b, true, nil
}

// Rest makes the columns that the last batch lacks, see connect.Polled.Rest. The first
// operator calls it while it has that batch.
func (s *Source) Rest(rows []int32) ([]vec.Vector, error) { return s.rest(rows) }

// falls reports, once, that the source falls idle: none of its splits has had a row
// for IdleUs, or it has none for as long. Without IdleUs it waits: what is assigned
// later may be of any time.
func (s *Source) falls() bool {
	if s.IdleUs == 0 || s.fallen || s.Watermarks == nil || s.hold || s.noMore && len(s.splits) == 0 {
		return false
	}
	if len(s.splits) == 0 && s.now-s.seen <= s.IdleUs || len(s.splits) > 0 && s.low("") != math.MaxInt64 {
		return false
	}
	s.fallen = true
	return true
}

// markRows raises the split's watermark row by row and marks where the task's
// rises by more than the interval: after the row.
func (s *Source) markRows(b *vec.Batch, id string) error {
	marks, err := s.Watermarks(b)
	if err != nil {
		return err
	}
	sp := s.splits[id]
	if sp == nil {
		return fmt.Errorf("rows of split %q, which was not assigned", id)
	}
	sp.seen = s.now
	others := s.low(id)
	for i, m := range marks {
		if m > sp.mark {
			sp.mark = m
			s.high = max(s.high, min(m, others))
		} else if s.Gap == 0 {
			continue
		}
		if s.due(sp) {
			s.mark = s.high
			b.Marks = append(b.Marks, vec.Mark{Row: int32(b.Row(i)) + 1, Time: s.high})
		}
	}
	return nil
}

// due reports, for each row of a split, whether a mark comes behind it.
func (s *Source) due(sp *split) bool {
	if s.Gap > 0 {
		if sp.rows++; sp.rows < s.Gap {
			return false
		}
		sp.rows = 0
		return s.high > s.mark
	}
	return s.high > s.mark && (s.mark == math.MinInt64 || s.high-s.mark > s.IntervalUs)
}

// low is the lowest watermark of the splits but one.
func (s *Source) low(but string) int64 {
	if s.hold {
		return math.MinInt64
	}
	low := int64(math.MaxInt64)
	for id, sp := range s.splits {
		idle := s.IdleUs > 0 && s.now-sp.seen > s.IdleUs
		if id != but && !idle {
			low = min(low, sp.mark)
		}
	}
	return low
}

// advanced returns the watermark if it has risen for another reason than a row:
// a split has ended or idles, or none is left unassigned.
func (s *Source) advanced() (int64, bool) {
	if s.Watermarks == nil || len(s.splits) == 0 {
		return 0, false
	}
	low := s.low("")
	if low == math.MaxInt64 || low <= s.high {
		return 0, false
	}
	s.high = low
	if s.mark != math.MinInt64 && low-s.mark <= s.IntervalUs {
		return 0, false
	}
	s.mark = low
	return low, true
}

// prompt returns the watermark as known when the reader has nothing ready: nobody is
// kept busy by watermarks then, and windows need not wait for the interval. A table
// that ends is as good as read, and keeps to the interval: what is late in it does not
// depend on when it was read.
func (s *Source) prompt() (int64, bool) {
	if !s.Prompt || s.high <= s.mark || s.Gap > 0 {
		return 0, false
	}
	s.mark = s.high
	return s.mark, true
}

// tick tells processing time. When no rows flow, a watermark that waits for the
// interval goes out.
func (s *Source) tick(now int64, out interface{ Watermark(int64) error }) error {
	quiet := s.quiet
	first := s.now == 0 // what was assigned before begins to wait now
	s.now, s.quiet = now, true
	if first || s.held() {
		s.wait()
	}
	if !quiet || s.high <= s.mark || len(s.splits) == 0 || s.Gap > 0 {
		return nil
	}
	s.mark = s.high
	return out.Watermark(s.mark)
}

func (s *Source) snapshot() ([]connect.Split, map[string]int64, error) {
	splits, err := s.Reader.Snapshot()
	marks := map[string]int64{}
	for _, sp := range splits {
		if known := s.splits[sp.ID]; known != nil {
			marks[sp.ID] = known.mark
		}
	}
	return splits, marks, err
}

// lowest returns the open split that is furthest behind in event time, or "" when
// there is no choice.
func (s *Source) lowest() string {
	if len(s.splits) < 2 || s.Watermarks == nil {
		return ""
	}
	best, at := int64(math.MaxInt64), ""
	for id, sp := range s.splits {
		if sp.mark < best || sp.mark == best && id < at {
			best, at = sp.mark, id
		}
	}
	return at
}

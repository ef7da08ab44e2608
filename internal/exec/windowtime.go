package exec

import (
	"errors"
	"time"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// windowTime cuts time into windows and slices.
//
// A slice is the piece of time that no window's bound divides: all of a TUMBLE, a
// step of a CUMULATE, the greatest common divisor of size and slide of a HOP. It
// is named by its end, and so is a window. Times are those of the window's zone:
// of TIMESTAMP as they are, of TIMESTAMP_LTZ the wall clock's.
//
// Bounds lie on a ruler: the microseconds themselves, or the months of the calendar
// (see ruler). All but a CUMULATE by days within months is arithmetic on marks of
// the ruler.
type windowTime struct {
	spec   *jobgraph.Window
	ruler  ruler
	origin int64 // the mark where windows are counted from
	pane   int64 // of the ruler; 0 for steps of a CUMULATE in microseconds
	clock  wallClock

	// The last answer of fires.
	end, fire int64
	known     bool
}

func newWindowTime(spec *jobgraph.Window) (*windowTime, error) {
	w := &windowTime{spec: spec, origin: spec.Offset}
	if spec.Months {
		w.ruler, w.origin = ruler{months: true, offset: spec.Offset}, spec.OffsetMonths
	}
	switch spec.WKind {
	case jobgraph.Tumble:
		w.pane = spec.Size
	case jobgraph.Hop:
		w.pane = gcd(spec.Size, spec.Slide)
	case jobgraph.Cumulate:
		w.pane = spec.Slide
	}
	var err error
	w.clock, err = newWallClock(spec.Zone)
	return w, err
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// floorTo returns the last multiple of step, shifted by off, that is <= t.
func floorTo(t, step, off int64) int64 {
	r := (t - off) % step
	if r < 0 {
		r += step
	}
	return t - r
}

// A ruler numbers the bounds that windows can have: each microsecond, or the first
// day of each month since January 1970, moved by an offset.
type ruler struct {
	months bool
	offset int64 // microseconds
}

// mark returns the last mark <= t.
func (r ruler) mark(t int64) int64 {
	if !r.months {
		return t
	}
	at := time.UnixMicro(t - r.offset).UTC()
	return int64(at.Year()-1970)*12 + int64(at.Month()-1)
}

// time returns the time of a mark.
func (r ruler) time(mark int64) int64 {
	if !r.months {
		return mark
	}
	return time.Date(1970, time.Month(1+mark), 1, 0, 0, 0, 0, time.UTC).UnixMicro() + r.offset
}

// floor returns the mark of the last bound <= t of windows that begin every step.
func (w *windowTime) floor(t, step int64) int64 { return floorTo(w.ruler.mark(t), step, w.origin) }

// slice returns the bounds of the slice that holds a local time.
func (w *windowTime) slice(t int64) (start, end int64) {
	if w.pane == 0 {
		from, to := w.period(t)
		start = from + (t-from)/w.spec.Step*w.spec.Step
		return start, min(start+w.spec.Step, to)
	}
	m := w.floor(t, w.pane)
	return w.ruler.time(m), w.ruler.time(m + w.pane)
}

// sliceEnd returns the end of the slice that holds a local time.
func (w *windowTime) sliceEnd(t int64) int64 {
	_, end := w.slice(t)
	return end
}

// period returns the bounds of the longest window of a CUMULATE that holds a time.
func (w *windowTime) period(t int64) (from, to int64) {
	m := w.floor(t, w.spec.Size)
	return w.ruler.time(m), w.ruler.time(m + w.spec.Size)
}

// firstSlice returns the first slice of the CUMULATE window that has a slice.
func (w *windowTime) firstSlice(slice int64) int64 {
	from, _ := w.period(slice - 1)
	return w.sliceEnd(from)
}

// start returns the start of the window that ends at end.
func (w *windowTime) start(end int64) int64 {
	if w.spec.WKind == jobgraph.Cumulate {
		from, _ := w.period(end - 1)
		return from
	}
	return w.ruler.time(w.ruler.mark(end) - w.spec.Size)
}

// last returns the end of the last window that a slice is in.
func (w *windowTime) last(slice int64) int64 {
	switch w.spec.WKind {
	case jobgraph.Hop:
		return w.ruler.time(floorTo(w.ruler.mark(slice)-w.pane, w.spec.Slide, w.origin) + w.spec.Size)
	case jobgraph.Cumulate:
		_, to := w.period(slice - 1)
		return to
	}
	return slice
}

// first returns the end of the first window that a slice is in. With a slide that
// is longer than the size there may be none: then it is after last.
func (w *windowTime) first(slice int64) int64 {
	if w.spec.WKind != jobgraph.Hop {
		return slice
	}
	return w.after(slice - 1)
}

// after returns the first window end > t, of a HOP or CUMULATE.
func (w *windowTime) after(t int64) int64 {
	if w.spec.WKind == jobgraph.Hop {
		return w.ruler.time(floorTo(w.ruler.mark(t), w.spec.Slide, w.origin+w.spec.Size) + w.spec.Slide)
	}
	return w.sliceEnd(t)
}

// fires returns the watermark at which the window that ends at end is complete: the
// last instant that can be in it, on a clock that shows it twice the later one.
func (w *windowTime) fires(end int64) int64 {
	if w.clock.zone == nil {
		return end - w.spec.Granule
	}
	if w.known && w.end == end {
		return w.fire
	}
	w.end, w.fire, w.known = end, w.clock.last(end-w.spec.Granule), true
	return w.fire
}

// local returns the wall clock's time at an instant.
func (w *windowTime) local(t int64) int64 { return w.clock.local(t) }

var errNullTime = errors.New("the rowtime is NULL in a row of a window; filter such rows out")

// micros returns a time column as microseconds.
func micros(v vec.Vector) *vec.Fixed[int64] {
	switch c := vec.Flat(v).(type) {
	case *vec.Fixed[int64]:
		return c
	case *vec.Fixed[types.Int128]:
		out := &vec.Fixed[int64]{Vals: make([]int64, len(c.Vals)), Valid: c.Valid}
		for i, x := range c.Vals {
			q, _ := x.DivInt(1000)
			out.Vals[i], _ = q.Int64()
		}
		return out
	}
	panic("exec: no time column")
}

// slices appends the slice end of each row.
func (w *windowTime) slices(dst []int64, col *vec.Fixed[int64], rows []int32) ([]int64, error) {
	// Rows that follow each other are mostly in one slice: from and to are its
	// bounds as instants, on the clock of one offset.
	var end int64
	from, to := int64(0), int64(-1)
	for _, r := range rows {
		t := col.Vals[r]
		if t < from || t >= to {
			if col.Valid.Null(int(r)) {
				return nil, errNullTime
			}
			from, end = w.slice(w.local(t))
			to = end
			if c := &w.clock; c.zone != nil {
				from, to = max(from-c.off, c.from), min(to-c.off, c.to)
			}
		} else if col.Valid != nil && col.Valid.Null(int(r)) {
			return nil, errNullTime
		}
		dst = append(dst, end)
	}
	return dst, nil
}

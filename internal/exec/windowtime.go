package exec

import (
	"errors"
	"math"
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
type windowTime struct {
	spec *jobgraph.Window
	pane int64
	zone *time.Location // nil: times are instants as they are

	// The stretch of the zone in which off is the offset: instants in [from, to).
	from, to, off int64
	// The last answer of fires.
	end, fire int64
	known     bool
}

func newWindowTime(spec *jobgraph.Window) (*windowTime, error) {
	w := &windowTime{spec: spec}
	switch spec.WKind {
	case jobgraph.Tumble:
		w.pane = spec.Size
	case jobgraph.Hop:
		w.pane = gcd(spec.Size, spec.Slide)
	case jobgraph.Cumulate:
		w.pane = spec.Slide
	}
	if spec.Zone != "" && spec.Zone != "UTC" {
		loc, err := time.LoadLocation(spec.Zone)
		if err != nil {
			return nil, err
		}
		w.zone = loc
	}
	return w, nil
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

// sliceEnd returns the end of the slice that holds a local time.
func (w *windowTime) sliceEnd(t int64) int64 { return floorTo(t, w.pane, w.spec.Offset) + w.pane }

// start returns the start of the window that ends at end.
func (w *windowTime) start(end int64) int64 {
	if w.spec.WKind == jobgraph.Cumulate {
		return floorTo(end-1, w.spec.Size, w.spec.Offset)
	}
	return end - w.spec.Size
}

// last returns the end of the last window that a slice is in.
func (w *windowTime) last(slice int64) int64 {
	switch w.spec.WKind {
	case jobgraph.Hop:
		return floorTo(slice-w.pane, w.spec.Slide, w.spec.Offset) + w.spec.Size
	case jobgraph.Cumulate:
		return floorTo(slice-1, w.spec.Size, w.spec.Offset) + w.spec.Size
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
		return floorTo(t, w.spec.Slide, w.spec.Offset+w.spec.Size) + w.spec.Slide
	}
	return floorTo(t, w.pane, w.spec.Offset) + w.pane
}

// fires returns the watermark at which the window that ends at end is complete.
// In a zone whose clocks go back the later of two instants counts, and an end in
// the hour that clocks leave out is the hour's start: as Flink's timers.
func (w *windowTime) fires(end int64) int64 {
	if w.zone == nil {
		return end - w.spec.Granule
	}
	if w.known && w.end == end {
		return w.fire
	}
	const hour = 3600 * 1e6
	t := end - w.spec.Granule
	t1, t2 := w.instant(t), w.instant(t+hour)
	switch {
	case t2-t1 > hour:
		t1 += hour
	case t1 == t2:
		t1 -= t1 % hour
	}
	w.end, w.fire, w.known = end, t1, true
	return t1
}

// instant returns the instant of a local time; of two the earlier.
func (w *windowTime) instant(local int64) int64 {
	sec, us := local/1e6, local%1e6
	if us < 0 {
		sec, us = sec-1, us+1e6
	}
	// The offset of the first instant that this can be decides; if it shows
	// another local time, clocks moved in between.
	_, off := time.Unix(sec-24*3600, 0).In(w.zone).Zone()
	try := sec - int64(off)
	if _, o := time.Unix(try, 0).In(w.zone).Zone(); o != off {
		_, after := time.Unix(sec+24*3600, 0).In(w.zone).Zone()
		back := sec - int64(after)
		if _, o := time.Unix(back, 0).In(w.zone).Zone(); o == after {
			try = back
		}
	}
	return try*1e6 + us
}

// local returns the wall clock's time at an instant.
func (w *windowTime) local(t int64) int64 {
	if w.zone == nil {
		return t
	}
	if t < w.from || t >= w.to {
		at := time.UnixMicro(t).In(w.zone)
		_, off := at.Zone()
		w.off = int64(off) * 1e6
		from, to := at.ZoneBounds()
		w.from, w.to = math.MinInt64, math.MaxInt64
		if !from.IsZero() {
			w.from = from.UnixMicro()
		}
		if !to.IsZero() {
			w.to = to.UnixMicro()
		}
	}
	return t + w.off
}

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
			end = w.sliceEnd(w.local(t))
			from, to = end-w.pane, end
			if w.zone != nil {
				from, to = max(from-w.off, w.from), min(to-w.off, w.to)
			}
		} else if col.Valid != nil && col.Valid.Null(int(r)) {
			return nil, errNullTime
		}
		dst = append(dst, end)
	}
	return dst, nil
}

package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/testkit/need"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

const day = 24 * 3600 * second

// movedClocks are zones and days around which their clocks are moved: by an hour
// and by half of one, at midnight, over a whole day, for good.
var movedClocks = []struct{ zone, day string }{
	{"UTC", "2024-02-28"}, {"America/New_York", "2024-03-10"}, {"America/New_York", "2024-11-03"},
	{"Australia/Lord_Howe", "2024-04-07"}, {"Australia/Lord_Howe", "2024-10-06"}, {"Pacific/Apia", "2011-12-30"},
	{"Europe/Moscow", "2014-10-26"}, {"Asia/Beirut", "2024-03-31"}, {"Asia/Beirut", "2024-10-27"},
}

// calendarWindows are the shapes that are tried, without their offset.
var calendarWindows = []jobgraph.Window{
	{WKind: jobgraph.Tumble, Months: true, Size: 1}, {WKind: jobgraph.Tumble, Months: true, Size: 3},
	{WKind: jobgraph.Tumble, Months: true, Size: 12}, {WKind: jobgraph.Tumble, Size: 7 * day}, {WKind: jobgraph.Tumble, Size: day},
	{WKind: jobgraph.Tumble, Size: 3600 * second}, {WKind: jobgraph.Tumble, Size: 900 * second},
	{WKind: jobgraph.Hop, Months: true, Slide: 1, Size: 3}, {WKind: jobgraph.Hop, Months: true, Slide: 2, Size: 3},
	{WKind: jobgraph.Hop, Months: true, Slide: 3, Size: 1}, {WKind: jobgraph.Hop, Slide: 3600 * second, Size: day},
	{WKind: jobgraph.Cumulate, Months: true, Slide: 1, Size: 12}, {WKind: jobgraph.Cumulate, Months: true, Step: day, Size: 1},
	{WKind: jobgraph.Cumulate, Months: true, Step: 7 * day, Size: 1}, {WKind: jobgraph.Cumulate, Slide: 3600 * second, Size: day},
}

// bound returns the bound number n of windows that begin every step.
func bound(w *jobgraph.Window, step, n int64) int64 {
	if w.Months {
		return time.Date(1970, time.Month(1+w.OffsetMonths+n*step), 1, 0, 0, 0, 0, time.UTC).UnixMicro() + w.Offset
	}
	return n*step + w.Offset
}

// calendarOf returns start and end of the windows of a local time, by trying all
// that are near.
func calendarOf(w *jobgraph.Window, t int64) (out [][2]int64) {
	unit := int64(1)
	if w.Months {
		unit = 30 * day
	}
	step := w.Size
	if w.WKind == jobgraph.Hop {
		step = w.Slide
	}
	near := (t-w.Offset)/(unit*step) - w.OffsetMonths/step
	reach := w.Size/step + 20
	for n := near - reach; n < near+reach; n++ {
		start := bound(w, step, n)
		end := start + w.Size
		if w.Months {
			at := time.UnixMicro(start - w.Offset).UTC()
			end = at.AddDate(0, int(w.Size), 0).UnixMicro() + w.Offset
		}
		ends := []int64{end}
		if w.WKind == jobgraph.Cumulate {
			ends = nil
			for e := start; e < end; {
				switch {
				case !w.Months:
					e += w.Slide
				case w.Step > 0:
					e += w.Step
				default:
					e = time.UnixMicro(e-w.Offset).UTC().AddDate(0, int(w.Slide), 0).UnixMicro() + w.Offset
				}
				ends = append(ends, min(e, end))
			}
		}
		for _, e := range ends {
			if start <= t && t < e {
				out = append(out, [2]int64{start, e})
			}
		}
	}
	return out
}

// over reports whether no later instant can be in a window that ends at a local time.
func over(loc *time.Location, end, mark int64) bool {
	if mark == math.MinInt64 {
		return false
	}
	local := func(t int64) int64 {
		_, off := time.UnixMicro(t).In(loc).Zone()
		return t + int64(off)*second
	}
	next := mark + 1000
	if local(next) < end {
		return false
	}
	// Clocks that go back show times again.
	for t := next; t < next+26*3600*second; t += 60*second - t%(60*second) {
		if local(t) < end {
			return false
		}
	}
	return true
}

func TestWindowCalendars(t *testing.T) {
	ts := []types.Type{types.LTZOf(3)}
	for seed := range seeds(200) {
		r := rand.New(rand.NewPCG(seed, 17))
		c := movedClocks[r.IntN(len(movedClocks))]
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			need.Skip(t, err)
		}
		w := calendarWindows[r.IntN(len(calendarWindows))]
		w.Granule, w.Zone = 1000, c.zone
		if r.IntN(3) == 0 {
			w.Offset = (r.Int64N(9) - 4) * day / 4
		}
		if w.Months && r.IntN(3) == 0 {
			w.OffsetMonths = r.Int64N(7) - 3
		}
		at, _ := time.ParseInLocation("2006-01-02", c.day, time.UTC)
		now := at.UnixMicro() - 2*day
		pace := []int64{600, 3600, 4 * 3600, 5 * 86400}[r.IntN(4)]
		if w.Months == (pace < 86400) && r.IntN(4) > 0 {
			pace = 86400
		}
		t.Run(fmt.Sprintf("seed=%d %s %+v", seed, c.zone, w), func(t *testing.T) {
			var rows [][]any
			var marks []vec.Mark
			mark, dropped := int64(math.MinInt64), int64(0)
			counts := map[string]int{}
			for i := range 120 {
				now += r.Int64N(pace) * second
				row := now - r.Int64N(6)/5*r.Int64N(3*pace)*second
				rows = append(rows, []any{row})
				_, off := time.UnixMicro(row).In(loc).Zone()
				in, any := calendarOf(&w, row+int64(off)*second), false
				for _, b := range in {
					if !over(loc, b[1], mark) {
						counts[fmt.Sprintf("%d,%d", b[0], b[1])]++
						any = true
					}
				}
				if len(in) > 0 && !any {
					dropped++
				}
				if m := now - r.Int64N(pace)*second; r.IntN(3) == 0 && m > mark {
					mark = m
					marks = append(marks, vec.Mark{Row: int32(i + 1), Time: mark})
				}
			}
			spec := &jobgraph.WindowAgg{Window: w, Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false)},
				Props: []jobgraph.WindowProp{jobgraph.WindowStart, jobgraph.WindowEnd, jobgraph.WindowTime}, InputTypes: ts}
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{})
			in := exectest.Batch(ts, rows, nil)
			in.Marks = marks
			for _, b := range exectest.Cut(r, in, []int{1, 7, 1024}[r.IntN(3)]) {
				run.Process(0, b)
			}
			run.End()
			var want, got []string
			for bounds, n := range counts {
				want = append(want, fmt.Sprintf("%d,%s", n, bounds))
			}
			for _, e := range run.Rows() {
				got = append(got, exectest.Text(e.Row[:3]))
			}
			sort.Strings(want)
			slices.Sort(got)
			diff(t, got, want)
			checkMarks(t, run.Events(), 3)
			if run.Late() != dropped {
				t.Errorf("%d rows late, want %d", run.Late(), dropped)
			}
		})
	}
}

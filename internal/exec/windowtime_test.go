package exec_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/testkit/need"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TestWindowZones cuts days on which clocks change; a TIMESTAMP_LTZ belongs to the
// window of the wall clock.
func TestWindowZones(t *testing.T) {
	ts := []types.Type{types.LTZOf(3)}
	for _, c := range []struct {
		zone, day string
		size      time.Duration
	}{
		{"America/New_York", "2024-03-10T00:00:00", 6 * time.Hour}, {"America/New_York", "2024-11-03T00:00:00", 6 * time.Hour},
		{"America/New_York", "2024-03-10T00:00:00", time.Hour}, {"America/New_York", "2024-11-03T00:00:00", time.Hour},
		{"Asia/Tokyo", "2024-03-10T00:00:00", 24 * time.Hour}, {"Asia/Kolkata", "2024-03-10T00:00:00", time.Hour}, {"UTC", "2024-03-10T00:00:00", time.Hour},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			need.Skip(t, err)
		}
		start, _ := time.ParseInLocation("2006-01-02T15:04:05", c.day, loc)
		counts := map[string]int{}
		var rows [][]any
		var marks []vec.Mark
		for i := range 2 * 30 {
			at := start.Add(time.Duration(i) * 30 * time.Minute)
			rows = append(rows, []any{at.UnixMicro()})
			marks = append(marks, vec.Mark{Row: int32(i + 1), Time: at.UnixMicro() - 1000})
			_, off := at.Zone()
			local := at.UnixMicro() + int64(off)*1e6
			end := local - local%c.size.Microseconds() + c.size.Microseconds()
			counts[fmt.Sprintf("%d", end)]++
		}
		spec := &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Tumble, Size: c.size.Microseconds(), Time: 0, Granule: 1000, Zone: c.zone},
			Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false)}, Props: []jobgraph.WindowProp{jobgraph.WindowEnd, jobgraph.WindowTime}, InputTypes: ts}
		run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{})
		in := exectest.Batch(ts, rows, nil)
		in.Marks = marks
		run.Process(0, in)
		run.End()
		var want, got []string
		for end, n := range counts {
			want = append(want, fmt.Sprintf("%d,%s", n, end))
		}
		for _, e := range run.Rows() {
			got = append(got, exectest.Text(e.Row[:2]))
		}
		sort.Strings(want)
		sort.Strings(got)
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			diff(t, got, want)
			checkMarks(t, run.Events(), 2)
			if run.Late() != 0 {
				t.Errorf("%d rows late", run.Late())
			}
		})
	}
}

// TestWindowProctime: windows of the clock fire by it, and at the end of input.
func TestWindowProctime(t *testing.T) {
	ts := []types.Type{types.TInt}
	spec := &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Tumble, Size: 10 * second, Time: 0, Granule: 1000, Proctime: true}, Keys: []int{0},
		Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false)}, Props: []jobgraph.WindowProp{jobgraph.WindowEnd}, InputTypes: ts}
	run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{})
	run.Tick(1 * second)
	rows := exectest.Batch(ts, [][]any{{1}, {1}, {2}}, nil)
	rows.Marks = []vec.Mark{{Row: 1, Time: 90 * second}} // event time is ahead of the clock
	run.Process(0, rows)
	run.Watermark(100 * second)
	run.Tick(9 * second)
	run.Process(0, exectest.Batch(ts, [][]any{{1}}, nil))
	run.Tick(10 * second)
	run.Process(0, exectest.Batch(ts, [][]any{{1}}, nil))
	run.End()
	diff(t, exectest.Lines(run.Rows()), []string{"+I 1,3,10000000", "+I 2,1,10000000", "+I 1,1,20000000"})
}

// TestWindowProctimeKinds has the other kinds of windows follow a clock that the test
// moves, over a checkpoint: rows belong to the time at which they come, to the
// millisecond, and a window is told when the clock has passed it.
func TestWindowProctimeKinds(t *testing.T) {
	ts := []types.Type{types.TInt}
	for _, c := range []struct {
		win  jobgraph.Window
		want []string // key, rows, start, end
	}{
		{jobgraph.Window{WKind: jobgraph.Hop, Size: 10 * second, Slide: 5 * second}, []string{
			"before 5", "at 5", "+I 1,2,-5000000,5000000", "+I 2,1,-5000000,5000000",
			"at 12", "+I 1,3,0,10000000", "+I 2,1,0,10000000",
			"end", "+I 1,1,10000000,20000000", "+I 1,2,5000000,15000000"}},
		{jobgraph.Window{WKind: jobgraph.Cumulate, Size: 10 * second, Slide: 5 * second}, []string{
			"before 5", "at 5", "+I 1,2,0,5000000", "+I 2,1,0,5000000",
			"at 12", "+I 1,3,0,10000000", "+I 2,1,0,10000000",
			"end", "+I 1,1,10000000,15000000", "+I 1,1,10000000,20000000"}},
		{jobgraph.Window{WKind: jobgraph.Session, Size: 6 * second}, []string{
			"before 5", "at 5",
			"at 12", "+I 1,3,1000000,12000000", "+I 2,1,1000000,7000000",
			"end", "+I 1,1,12000000,18000000"}},
	} {
		c.win.Granule, c.win.Proctime = 1000, true
		spec := &jobgraph.WindowAgg{Window: c.win, Keys: []int{0}, Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false)},
			Props: []jobgraph.WindowProp{jobgraph.WindowStart, jobgraph.WindowEnd}, InputTypes: ts}
		t.Run(c.win.WKind.String(), func(t *testing.T) {
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{ts}, Parallelism: 4})
			var got []string
			told := 0
			tell := func(when string) {
				rows := exectest.Lines(run.Rows())
				part := slices.Clone(rows[told:])
				told = len(rows)
				slices.Sort(part)
				got = append(append(got, when), part...)
			}
			run.Tick(1*second + 500)
			run.Process(0, exectest.Batch(ts, [][]any{{1}, {1}, {2}}, nil))
			run.Watermark(100 * second) // event time is another matter
			run.Tick(5*second - 1)      // 4.999 s are not over
			tell("before 5")
			run.Tick(5 * second)
			tell("at 5")
			run.Checkpoint()
			run.Crash(1)
			run.Tick(6*second + 999)
			run.Process(0, exectest.Batch(ts, [][]any{{1}}, nil))
			run.Tick(12 * second)
			tell("at 12")
			run.Process(0, exectest.Batch(ts, [][]any{{1}}, nil))
			run.End()
			tell("end")
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// lateLog remembers what was dropped, by time and window.
type lateLog struct{ n map[string]int }

func (l *lateLog) key(op string, end int64, b *vec.Batch, row int) string {
	return fmt.Sprint(op, end, exectest.Value(b.Cols[colTime], row))
}
func (l *lateLog) Dropped(op string, end int64, b *vec.Batch, row int) { l.n[l.key(op, end, b, row)]++ }
func (l *lateLog) Drop(op string, end int64, b *vec.Batch, row int) bool {
	k := l.key(op, end, b, row)
	if l.n[k] == 0 {
		return false
	}
	l.n[k]--
	return true
}

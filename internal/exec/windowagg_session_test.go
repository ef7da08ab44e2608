package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

type sessionWin struct {
	key        string
	start, end int64
	rows       [][]any
}

// sessionModel keeps sessions as lists of rows, one row after the other.
func sessionModel(spec *jobgraph.WindowAgg, rows [][]any, marks []vec.Mark) (out []string, dropped int64) {
	var live []*sessionWin
	emit := func(wm int64) {
		live = slices.DeleteFunc(live, func(s *sessionWin) bool {
			if s.end-spec.Window.Granule > wm {
				return false
			}
			m := newAggModel(&jobgraph.GroupAgg{Keys: spec.Keys, Aggs: spec.Aggs})
			for _, r := range s.rows {
				m.change(vec.Insert, r)
			}
			out = append(out, exectest.Text(append(m.result(m.order[0]), s.start, s.end, s.end-spec.Window.Granule)))
			return true
		})
	}
	wm := int64(math.MinInt64)
	for i, row := range rows {
		for len(marks) > 0 && int(marks[0].Row) <= i {
			wm = marks[0].Time
			emit(wm)
			marks = marks[1:]
		}
		t := row[colTime].(int64)
		var key []any
		for _, c := range spec.Keys {
			key = append(key, row[c])
		}
		n := &sessionWin{key: exectest.Text(key), start: t, end: t + spec.Window.Size}
		attached := spec.Window.Time < 0
		if attached {
			n.start, n.end = t/(10*second)*10*second, t/(10*second)*10*second+10*second
		}
		rest := live[:0:0]
		for _, s := range live {
			if s.key == n.key && (!attached && s.start <= n.end && s.end >= n.start || attached && s.start == n.start && s.end == n.end) {
				n.start, n.end, n.rows = min(n.start, s.start), max(n.end, s.end), append(n.rows, s.rows...)
				continue
			}
			rest = append(rest, s)
		}
		if len(n.rows) == 0 && n.end-spec.Window.Granule <= wm {
			dropped++
			continue
		}
		n.rows = append(n.rows, row)
		live = append(rest, n)
	}
	emit(math.MaxInt64)
	sort.Strings(out)
	return out, dropped
}

func TestSessionAggRandom(t *testing.T) {
	for seed := range seeds(120) {
		r := rand.New(rand.NewPCG(seed, 6))
		ts := aggTypes
		spec := &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Session, Time: colTime, Size: (1 + r.Int64N(8)) * second, Granule: 1000}, Keys: [][]int{{colK}, {colK, colS}, {}}[r.IntN(3)],
			Aggs: unordered(manyCalls()), Props: allProps}
		rows, marks := timedRows(r, 1+r.IntN(200), 4, r.IntN(2) == 0)
		if r.IntN(3) == 0 { // windows that rows bring with them
			spec.Window = jobgraph.Window{Time: -1, Start: 9, End: 10, Granule: 1000}
			ts = append(slices.Clone(aggTypes), types.TimestampOf(3), types.TimestampOf(3))
			for i, row := range rows {
				start := row[colTime].(int64) / (10 * second) * 10 * second
				rows[i] = append(row, start, start+10*second)
			}
		}
		spec.InputTypes = ts
		t.Run(fmt.Sprintf("seed=%d %+v", seed, spec.Window), func(t *testing.T) {
			want, dropped := sessionModel(spec, rows, marks)
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{Keys: [][]int{spec.Keys}, Types: [][]types.Type{ts}})
			in := exectest.Batch(ts, rows, nil)
			in.Marks = marks
			crashed := false
			for _, b := range exectest.Cut(r, in, []int{1, 3, 20, 1024}[r.IntN(4)]) {
				run.Process(0, exectest.Disguise(r, b))
				switch r.IntN(10) {
				case 0:
					run.Checkpoint()
				case 1:
					run.Crash(1 + r.IntN(1+2*min(1, len(spec.Keys))))
					crashed = true
				}
			}
			run.End()
			diff(t, exectest.Sum(t, run.Rows()), want)
			if !crashed && run.Late() != dropped {
				t.Fatalf("%d rows dropped as late, want %d", run.Late(), dropped)
			}
			checkMarks(t, run.Events(), len(spec.Keys)+len(spec.Aggs)+2)
		})
	}
}

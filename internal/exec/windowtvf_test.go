package exec_test

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

func TestWindowTVFRandom(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 12))
		win := randomWindow(r)
		rows, marks := timedRows(r, 150, 4, true)
		var want []string
		for _, row := range rows {
			at := row[colTime].(int64)
			for _, e := range windowsOf(&win, at) {
				want = append(want, exectest.Text(append(append([]any{}, row...), windowStart(&win, at, e), e, e-win.Granule)))
			}
		}
		sort.Strings(want)
		run := exectest.Start(t, func() exec.Operator { return exec.NewWindowTVF(&jobgraph.WindowTVF{Window: win}) }, exectest.Options{})
		in := exectest.Batch(aggTypes, rows, nil)
		in.Marks = marks
		for _, b := range exectest.Cut(r, in, 60) {
			run.Process(0, exectest.Disguise(r, b))
		}
		run.End()
		t.Run(fmt.Sprintf("seed=%d %+v", seed, win), func(t *testing.T) { diff(t, exectest.Sum(t, run.Rows()), want) })
	}
}

func TestSessionTVF(t *testing.T) {
	win := jobgraph.Window{WKind: jobgraph.Session, Time: 1, Size: 10 * second, Granule: 1000, Session: []int{0}}
	ts := []types.Type{types.TString, types.TimestampOf(3), types.TDouble}
	run := exectest.Start(t, func() exec.Operator { return exec.NewWindowTVF(&jobgraph.WindowTVF{Window: win, Types: ts}) },
		exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{ts}})
	run.Process(0, exectest.Batch(ts, [][]any{{"a", 1 * second, 0.5}, {"b", 2 * second, nil}, {"a", 5 * second, 1.5}}, nil))
	run.Checkpoint()
	run.Crash(2)
	run.Process(0, exectest.Batch(ts, [][]any{{"a", 15 * second, 2.5}, {"b", 40 * second, 3.5}}, nil))
	run.End()
	diff(t, exectest.Sum(t, run.Rows()), []string{"a,1000000,0.5,1000000,25000000,24999000", "a,15000000,2.5,1000000,25000000,24999000", "a,5000000,1.5,1000000,25000000,24999000",
		"b,2000000,NULL,2000000,12000000,11999000", "b,40000000,3.5,40000000,50000000,49999000"})
}

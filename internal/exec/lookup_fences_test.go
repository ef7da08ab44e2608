package exec_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A row leaves a join between the watermarks between which it came, over checkpoints
// and crashes too: what was late stays late. After a rescale the rows of several subtasks lie in one,
// whose watermark before counts for nothing: they all come.
func TestFencesRandom(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(3)
		rescales := r.IntN(4) == 0
		opt := exectest.Options{Keys: [][]int{{0}, {0}}, Types: [][]types.Type{timedTypes, remoteTypes}, Parallelism: n}
		lookup := lookupSpec(jobgraph.Left)
		lookup.Ordered, lookup.Capacity, lookup.Keep = r.IntN(2) == 0, r.IntN(6), r.IntN(4) == 0
		current := &jobgraph.CurrentJoin{JoinKind: jobgraph.Left, LeftKeys: []int{0}, RightKeys: []int{0},
			LeftTypes: timedTypes, RightTypes: remoteTypes, Await: r.IntN(4) > 0}
		op := func() exec.Operator {
			return exec.NewLookupJoin(lookup, &remote{r: r, seen: map[string]int{}, out: map[uint64]int{}})
		}
		if seed%2 == 0 {
			opt.Inputs = 2
			op = func() exec.Operator { return exec.NewCurrentJoin(current) }
		}
		run := exectest.Start(t, op, opt)
		before := fencedRandom(r, run, func() int {
			if rescales {
				return 1 + r.IntN(3)
			}
			return n
		})
		if opt.Inputs == 2 {
			run.EndInput(1)
		} else {
			settle(t, run, 0)
		}
		checkFences(t, seed, run.Events(), before, rescales)
		run.Close()
	}
}

// fencedRandom feeds rows with watermarks between and returns, by row, the watermark
// before it.
func fencedRandom(r *rand.Rand, run *exectest.Run, parallelism func() int) (before []int64) {
	mark := int64(0)
	raise := func() int64 { mark += 1 + r.Int64N(3); return mark }
	for range 15 {
		var rows [][]any
		var marks []vec.Mark
		for range 1 + r.IntN(6) {
			if r.IntN(3) == 0 {
				marks = append(marks, vec.Mark{Row: int32(len(rows)), Time: raise()})
			}
			rows = append(rows, timedRow(r, len(before), 7))
			before = append(before, mark)
		}
		b := exectest.Batch(timedTypes, rows, nil)
		b.Marks = marks
		run.Process(0, exectest.Disguise(r, b))
		switch r.IntN(8) {
		case 0, 1, 2:
			run.Checkpoint()
		case 3, 4:
			run.Crash(parallelism())
		case 5:
			run.Watermark(raise())
		default:
			run.Arrive()
		}
	}
	return before
}

func checkFences(t *testing.T, seed uint64, events []exectest.Event, before []int64, rescaled bool) {
	t.Helper()
	var marks [3]int64
	seen := map[int64]bool{}
	for _, e := range events {
		if e.Mark {
			marks[e.Subtask] = e.Time
			continue
		}
		id := e.Row[1].(int64)
		seen[id] = true
		if got, want := marks[e.Subtask], before[id]; got != want && !rescaled {
			t.Fatalf("seed %d: row %d came behind the watermark %d, and leaves behind %d", seed, id, want, got)
		}
	}
	if len(seen) != len(before) {
		t.Fatalf("seed %d: %d of %d rows have left", seed, len(seen), len(before))
	}
}

// A watermark that waits behind a row comes after a rescale, too, although the inputs do
// not tell it again.
func TestFenceAfterRescale(t *testing.T) {
	var table exec.LookupTable = silent{} // until the crash
	run := exectest.Start(t, func() exec.Operator { return exec.NewLookupJoin(lookupSpec(jobgraph.Left), table) }, exectest.Options{})
	run.Process(0, exectest.Batch(timedTypes, [][]any{{"k1", 1, 1, 7}}, nil))
	run.Watermark(5)
	run.Checkpoint()
	table = &remote{r: rand.New(rand.NewPCG(1, 1)), seen: map[string]int{}, out: map[uint64]int{}}
	run.Crash(2)
	settle(t, run, 0)
	if got, want := exectest.Lines(run.Events()), []string{"+I k1,1,1,7,k1,0", "W 5"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	run.Close()
}

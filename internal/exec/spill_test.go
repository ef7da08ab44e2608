package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/fsys"
	fsmem "github.com/millrace-io/millrace/internal/fsys/mem"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A fed batch goes to an input of an operator.
type fed struct {
	in int
	b  *vec.Batch
}

// inTightMemory runs an operator in batch mode without a budget and with one that
// is always used up, and compares the rows that the two changelogs come to. It
// returns what the first put out.
func inTightMemory(t *testing.T, make func() exec.Operator, inputs int, batches []fed) []exectest.Event {
	t.Helper()
	fs, spilled := fsmem.New(nil), 0
	budget := &base.Budget{Limit: 1}
	tight := exectest.Options{Inputs: inputs, Batch: true, Memory: budget, Spill: func() (fsys.FS, string) { spilled++; return fs, "spill" }}
	var runs [2]*exectest.Run
	for i, opt := range []exectest.Options{{Inputs: inputs, Batch: true}, tight} {
		runs[i] = exectest.Start(t, make, opt)
		in := batches[0].in
		for _, f := range batches {
			if f.in != in {
				runs[i].EndInput(in)
				in = f.in
			}
			runs[i].Process(in, f.b)
		}
		runs[i].EndInput(in)
	}
	if spilled == 0 {
		t.Error("nothing was spilled")
	}
	want, got := runs[0].Rows(), runs[1].Rows()
	if len(want) == 0 {
		t.Error("there are no results to compare")
	}
	diff(t, exectest.Sum(t, got), exectest.Sum(t, want))
	runs[1].Close()
	if budget.Used() != 0 {
		t.Errorf("%d bytes are still counted", budget.Used())
	}
	if left, _ := fs.List("spill"); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
	return want
}

var spillTypes = []types.Type{tInt, tInt, tStr, tTime} // key, id, text, time

// spillRows are n rows of some keys, in batches; kinds may be nil.
func spillRows(r *rand.Rand, in, n, keys int, kind func(row []any) vec.RowKind) []fed {
	var out []fed
	for id := 0; id < n; {
		var part [][]any
		var kinds []vec.RowKind
		for range min(4000, n-id) {
			row := []any{r.IntN(keys), id, fmt.Sprint("a text of some length ", r.IntN(50)), r.IntN(1000)}
			id++
			if r.IntN(50) == 0 {
				row[2] = nil
			}
			part = append(part, row)
			if kind != nil {
				kinds = append(kinds, kind(row))
			}
		}
		out = append(out, fed{in, exectest.Batch(spillTypes, part, kinds)})
	}
	return out
}

func TestRankSpill(t *testing.T) {
	order := []jobgraph.SortKey{{Col: 3}, {Col: 2, Desc: true}}
	for name, spec := range map[string]jobgraph.Rank{
		"first":      {From: 1, To: 1},
		"three":      {From: 1, To: 3, Number: true},
		"ties":       {From: 2, To: 4, Number: true, RankKind: jobgraph.RankNumber},
		"dense":      {From: 1, To: 2, Number: true, RankKind: jobgraph.DenseRank},
		"by key":     {From: 1, To: 2, Number: true, Input: jobgraph.RankUpdateFast, UniqueKey: []int{1}},
		"retracting": {From: 1, To: 2, Number: true, Input: jobgraph.RankRetract},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 1))
			spec.Partition, spec.Order, spec.Emit, spec.Types, spec.WindowEnd = []int{0}, order, jobgraph.AtEnd, spillTypes, -1
			rows := spillRows(r, 0, 60_000, 30_000, nil)
			if spec.Input == jobgraph.RankRetract {
				rows = takenBack(r, rows)
			}
			inTightMemory(t, func() exec.Operator { return exec.NewRank(&spec) }, 1, rows)
		})
	}
}

// takenBack adds deletions of rows of earlier batches.
func takenBack(r *rand.Rand, rows []fed) (out []fed) {
	for i, f := range rows {
		out = append(out, f)
		if i%3 > 0 {
			old := *rows[r.IntN(i)].b
			old.Kinds = nil
			for range old.Rows {
				old.Kinds = append(old.Kinds, vec.Delete)
			}
			old.Sel = []int32{}
			for row := int32(i); int(row) < old.Rows; row += 40 {
				old.Sel = append(old.Sel, row)
			}
			out = append(out, fed{f.in, &old})
		}
	}
	return out
}

func TestDedupSpill(t *testing.T) {
	for name, spec := range map[string]jobgraph.Dedup{
		"first by arrival": {Time: -1},
		"last by arrival":  {Time: -1, KeepLast: true},
		"first by time":    {Time: 3},
		"last by time":     {Time: 3, KeepLast: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			spec.Keys, spec.Emit, spec.Types = []int{0, 2}, jobgraph.AtEnd, spillTypes
			inTightMemory(t, func() exec.Operator { return exec.NewDedup(&spec) }, 1, spillRows(r, 0, 80_000, 20_000, nil))
		})
	}
}

func TestNormalizeSpill(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	spec := &jobgraph.Normalize{Keys: []int{0}, SendBefore: true, Types: spillTypes}
	rows := spillRows(r, 0, 80_000, 30_000, func([]any) vec.RowKind {
		if r.IntN(5) == 0 {
			return vec.Delete
		}
		return vec.UpdateAfter
	})
	inTightMemory(t, func() exec.Operator { return exec.NewNormalize(spec) }, 1, rows)
}

// TestHashJoinSpillWhole compares all rows of joins whose build side cannot be cut
// by a key: without keys, and with few of them.
func TestHashJoinSpillWhole(t *testing.T) {
	for _, kind := range []jobgraph.JoinKind{jobgraph.Inner, jobgraph.Left, jobgraph.Right, jobgraph.Full, jobgraph.Semi, jobgraph.Anti} {
		for _, buildLeft := range []bool{false, true} {
			for _, keys := range [][]int{nil, {0}} {
				if keys != nil && (buildLeft || kind != jobgraph.Full && kind != jobgraph.Anti) {
					continue // it is cut to no avail, and then as without keys
				}
				t.Run(fmt.Sprint(kind, buildLeft, keys), func(t *testing.T) {
					r := rand.New(rand.NewPCG(1, 4))
					spec := &jobgraph.HashJoin{JoinKind: kind, BuildLeft: buildLeft, LeftKeys: keys, RightKeys: keys, LeftTypes: spillTypes, RightTypes: spillTypes,
						Cond: fcall("=", expr1(1), expr1(5))} // of the ids
					build := buildInput(buildLeft)
					rows := spillRows(r, build, 30_000, 1, nil)
					for _, f := range spillRows(r, 1-build, 12, 1, nil) {
						f.b.Cols[1] = exectest.Batch(spillTypes, probeIDs(), nil).Cols[1]
						rows = append(rows, f)
					}
					inTightMemory(t, func() exec.Operator { return exec.NewHashJoin(spec) }, 2, rows)
				})
			}
		}
	}
}

func expr1(col int) *expr.Expr { return expr.Column(col, tInt) }

// probeIDs are rows whose ids are of the first, the last and no rows of the build
// side.
func probeIDs() (out [][]any) {
	for _, id := range []int{0, 1, 29_999, 29_998, 15_000, 15_001, 40_000, 40_001, 7, 7, -1, 22_222} {
		out = append(out, []any{0, id, nil, 0})
	}
	return out
}

// TestMatchSpill has more rows than memory, in partitions that lie over many
// batches, and one that has no time limit and is open at the end.
func TestMatchSpill(t *testing.T) {
	for _, within := range []int64{0, 3000} {
		spec := matchSpec(jobgraph.SkipPastLastRow, 0, within, matchVar("A", 1, 1), matchVar("B", 0, -1), matchVar("C", 1, 1))
		spec.Vars[0].Cond = fcall("=", expr.Column(mX, tInt), big(1))
		spec.Vars[1].Cond = fcall("<", expr.Column(mX, tInt), big(8))
		spec.Vars[2].Cond = fcall("=", expr.Column(mX, tInt), big(9))
		r := rand.New(rand.NewPCG(1, 5))
		var rows []fed
		for id := 0; id < 60_000; {
			var part [][]any
			for range 4000 {
				part = append(part, []any{fmt.Sprint("k", r.IntN(1+r.IntN(500))), id, r.IntN(10), "text of some length", 100_000 - id + r.IntN(500)})
				id++
			}
			rows = append(rows, fed{0, exectest.Batch(matchTypes, part, nil)})
		}
		if n := len(inTightMemory(t, func() exec.Operator { return exec.NewMatch(spec) }, 1, rows)); n < 1000 {
			t.Errorf("only %d matches", n)
		}
	}
}

// TestMatchBudget: the attempts that are open count, in both modes.
func TestMatchBudget(t *testing.T) {
	for _, batch := range []bool{false, true} {
		spec := matchSpec(jobgraph.SkipToNextRow, 0, 0, matchVar("A", 1, -1), matchVar("B", 1, 1))
		spec.Vars[1].Cond = fcall("=", expr.Column(mX, tInt), big(-1)) // never
		budget := &base.Budget{Limit: 1 << 20}
		store, err := lsm.Backend{}.Open("", base.Range{Hi: 1}, nil, &statetest.Files{})
		if err != nil {
			t.Fatal(err)
		}
		op := exec.NewMatch(spec)
		ctx := &exec.Context{Op: "match", Groups: 1, Parallelism: 1, State: store, Memory: budget, Counters: &exec.Counters{},
			Env: &fn.Env{Zone: time.UTC, Streaming: !batch}, Spill: memSpill()}
		if err := op.Open(ctx); err != nil {
			t.Fatal(err)
		}
		err = feedUntilError(op, 8_000)
		if err == nil || err.Error() != "match needs more memory than the budget of 1 MB; raise 'memory.size'" {
			t.Errorf("batch %v: %v", batch, err)
		}
		op.Close()
		if budget.Used() != 0 {
			t.Errorf("batch %v: %d bytes are still counted", batch, budget.Used())
		}
	}
}

// feedUntilError gives an operator n rows of one partition, and the end.
func feedUntilError(op exec.Operator, n int) error {
	var rows [][]any
	for id := range n {
		rows = append(rows, []any{"k", id, 1, nil, id})
	}
	out := nowhere{}
	more, err := op.Process(0, exectest.Batch(matchTypes, rows, nil), out)
	for _, f := range []func() (bool, error){
		func() (bool, error) { return op.Watermark(math.MaxInt64, out) },
		func() (bool, error) { return op.EndInput(0, out) },
	} {
		for more && err == nil {
			more, err = op.Resume(out)
		}
		if err == nil {
			more, err = f()
		}
	}
	for more && err == nil {
		more, err = op.Resume(out)
	}
	return err
}

type nowhere struct{}

func (nowhere) Emit(*vec.Batch) error { return nil }
func (nowhere) Watermark(int64) error { return nil }

// TestOverEndPieces has one partition that does not fit, with and without a key.
func TestOverEndPieces(t *testing.T) {
	for _, partition := range [][]int{nil, {0}} {
		distinct := overCallOf("COUNT", 4, rangeFrame(unboundedRow, 0))
		distinct.Distinct = true
		spec := &jobgraph.Over{Time: -1, Emit: jobgraph.AtEnd, Types: overTypes, Partition: partition, Order: []jobgraph.SortKey{{Col: 2, Desc: true}},
			Calls: []jobgraph.OverCall{overCallOf("RANK", -1, jobgraph.Frame{}), overCallOf("DENSE_RANK", -1, jobgraph.Frame{}),
				overCallOf("SUM", 1, rangeFrame(unboundedRow, 0)), overCallOf("MAX", 4, rangeFrame(unboundedRow, 0)), distinct}}
		r := rand.New(rand.NewPCG(1, 6))
		var rows []fed
		for id := 0; id < 60_000; {
			var part [][]any
			for range 4000 {
				row := overRow(r, id)
				if row[0] = "one"; id%10 == 0 {
					row[0] = fmt.Sprint("p", id%700)
				}
				row[2], row[4] = r.IntN(20_000), fmt.Sprint("text ", r.IntN(300))
				part = append(part, row)
				id++
			}
			rows = append(rows, fed{0, exectest.Batch(overTypes, part, nil)})
		}
		inTightMemory(t, func() exec.Operator { return exec.NewOver(spec) }, 1, rows)
	}
}

package exec_test

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr"
	_ "github.com/millrace-io/millrace/internal/expr/fn/scalar"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// The rows of the join test: key, name, window_start, window_end, amount.
var joinTypes = []types.Type{types.TInt, types.TString, types.TimestampOf(3), types.TimestampOf(3), types.TBigInt}

func joinModel(spec *jobgraph.WindowJoin, left, right [][]any) []string {
	nulls := func(n int) []any { return make([]any, n) }
	match := func(l, r []any) bool {
		safe := len(spec.NullSafe) > 0 && spec.NullSafe[0]
		if len(spec.LeftKeys) > 0 && spec.LeftKeys[0] == 0 {
			if (l[0] == nil || r[0] == nil) && (!safe || l[0] != r[0]) {
				return false
			}
			if l[0] != r[0] {
				return false
			}
		}
		if l[2] != r[2] || l[3] != r[3] {
			return false
		}
		return spec.Cond == nil || l[4] != nil && r[4] != nil && l[4].(int64) < r[4].(int64)
	}
	var out []string
	hit := make([]bool, len(right))
	for _, l := range left {
		found := false
		for j, r := range right {
			if !match(l, r) {
				continue
			}
			found, hit[j] = true, true
			if spec.JoinKind < jobgraph.Semi {
				out = append(out, exectest.Text(append(append([]any{}, l...), r...)))
			}
		}
		switch {
		case spec.JoinKind == jobgraph.Semi && found, spec.JoinKind == jobgraph.Anti && !found:
			out = append(out, exectest.Text(l))
		case !found && (spec.JoinKind == jobgraph.Left || spec.JoinKind == jobgraph.Full):
			out = append(out, exectest.Text(append(append([]any{}, l...), nulls(5)...)))
		}
	}
	for j, r := range right {
		if !hit[j] && (spec.JoinKind == jobgraph.Right || spec.JoinKind == jobgraph.Full) {
			out = append(out, exectest.Text(append(nulls(5), r...)))
		}
	}
	sort.Strings(out)
	if out == nil {
		return []string{}
	}
	return out
}

func TestWindowJoinRandom(t *testing.T) {
	for seed := range seeds(150) {
		r := rand.New(rand.NewPCG(seed, 7))
		spec := &jobgraph.WindowJoin{JoinKind: jobgraph.JoinKind(seed % 6), LeftKeys: []int{0}, RightKeys: []int{0}, LeftStart: 2, LeftEnd: 3, RightStart: 2, RightEnd: 3,
			Granule: 1000, LeftTypes: joinTypes, RightTypes: joinTypes}
		if r.IntN(3) == 0 {
			spec.NullSafe = []bool{true}
		}
		keys := [][]int{{0}, {0}}
		switch r.IntN(5) {
		case 0: // the window is the key
			spec.LeftKeys, spec.RightKeys, spec.NullSafe, keys = []int{3}, []int{3}, nil, [][]int{{3}, {3}}
		case 1:
			spec.LeftKeys, spec.RightKeys, spec.NullSafe, keys = []int{0, 2}, []int{0, 2}, nil, [][]int{{0, 2}, {0, 2}}
		case 2:
			spec.LeftKeys, spec.RightKeys, spec.NullSafe, keys = nil, nil, nil, nil
		}
		if r.IntN(2) == 0 {
			spec.Cond = &expr.Expr{Op: expr.Call, Func: "<", Type: types.TBoolean, Args: []*expr.Expr{expr.Column(4, types.TBigInt), expr.Column(9, types.TBigInt)}}
		}
		row := func(win int64) []any {
			var k, v any
			if r.IntN(8) > 0 {
				k = int64(r.IntN(6))
			}
			if r.IntN(8) > 0 {
				v = r.Int64N(10)
			}
			return []any{k, string(rune('a' + r.IntN(5))), win * 10 * second, (win + 1) * 10 * second, v}
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewWindowJoin(spec) },
			exectest.Options{Inputs: 2, Keys: keys, Types: [][]types.Type{joinTypes, joinTypes}})
		var all [2][][]any
		late := int64(0)
		for win := int64(0); win < 8; win++ {
			for in := range 2 {
				var rows [][]any
				for range r.IntN(12) {
					at := win + r.Int64N(2)
					if r.IntN(10) == 0 && win > 1 {
						late++
						rows = append(rows, row(win-2))
						if k := rows[len(rows)-1][0]; k == nil && len(spec.LeftKeys) > 0 && spec.LeftKeys[0] == 0 && spec.NullSafe == nil && !outer(spec.JoinKind, in) {
							late-- // it was dropped before
						}
						continue
					}
					rows = append(rows, row(at))
					all[in] = append(all[in], rows[len(rows)-1])
				}
				if len(rows) > 0 {
					run.Process(in, exectest.Disguise(r, exectest.Batch(joinTypes, rows, nil)))
				}
			}
			crash := r.IntN(3)
			if crash == 0 {
				run.Checkpoint()
			}
			b := exectest.Batch(joinTypes, nil, nil)
			b.Marks = []vec.Mark{{Time: win * 10 * second}}
			run.Process(0, b)
			if crash < 2 {
				lateBefore := run.Late()
				p := 1 + r.IntN(3)
				if keys == nil {
					p = 1
				}
				run.Crash(p)
				late -= lateBefore - run.Late()
			}
		}
		run.End()
		t.Run(fmt.Sprintf("seed=%d %v keys=%v", seed, spec.JoinKind, spec.LeftKeys), func(t *testing.T) {
			diff(t, exectest.Sum(t, run.Rows()), joinModel(spec, all[0], all[1]))
			if run.Late() != late {
				t.Errorf("%d rows late, want %d", run.Late(), late)
			}
		})
	}
}

func outer(k jobgraph.JoinKind, in int) bool {
	if in == 0 {
		return k == jobgraph.Left || k == jobgraph.Full || k == jobgraph.Anti
	}
	return k == jobgraph.Right || k == jobgraph.Full
}

// TestWindowJoinBig has more pairs than one call may emit.
func TestWindowJoinBig(t *testing.T) {
	spec := &jobgraph.WindowJoin{LeftStart: 2, LeftEnd: 3, RightStart: 2, RightEnd: 3, Granule: 1000, LeftTypes: joinTypes, RightTypes: joinTypes}
	run := exectest.Start(t, func() exec.Operator { return exec.NewWindowJoin(spec) }, exectest.Options{Inputs: 2})
	var rows [][]any
	for i := range 300 {
		rows = append(rows, []any{int64(i), "x", int64(0), 10 * second, int64(i)})
	}
	run.Process(0, exectest.Batch(joinTypes, rows, nil))
	run.Process(1, exectest.Batch(joinTypes, rows, nil))
	run.End()
	if n := len(run.Rows()); n != 300*300 {
		t.Fatalf("%d pairs", n)
	}
}

// TestWindowJoinManyRows has windows with more rows than stay in the columns in which they
// come, in one batch or in several, and little memory.
func TestWindowJoinManyRows(t *testing.T) {
	for _, c := range []struct {
		name    string
		each    int // rows of a batch
		evictAt int64
		keys    []int
	}{{"one batch", 10000, 0, nil}, {"several", 3000, 0, []int{3}}, {"keys", 3000, 0, []int{0}}, {"little memory", 500, 1, []int{0}}} {
		t.Run(c.name, func(t *testing.T) {
			less := &expr.Expr{Op: expr.Call, Func: "<", Type: types.TBoolean, Args: []*expr.Expr{expr.Column(4, types.TBigInt), expr.Column(9, types.TBigInt)}}
			spec := &jobgraph.WindowJoin{JoinKind: jobgraph.Left, LeftKeys: c.keys, RightKeys: c.keys, LeftStart: 2, LeftEnd: 3, RightStart: 2, RightEnd: 3, Granule: 1000,
				LeftTypes: joinTypes, RightTypes: joinTypes, Cond: less}
			memory := &base.Budget{EvictAt: c.evictAt, EvictKeep: c.evictAt}
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowJoin(spec) }, exectest.Options{Inputs: 2, Memory: memory})
			var all [2][][]any
			for side, n := range []int{10000, 3} {
				for i := range n {
					all[side] = append(all[side], []any{int64(1), "x", int64(0), 10 * second, int64(i % 5)})
				}
				for from := 0; from < n; from += c.each {
					run.Process(side, exectest.Batch(joinTypes, all[side][from:min(from+c.each, n)], nil))
				}
			}
			run.End()
			diff(t, exectest.Sum(t, run.Rows()), joinModel(spec, all[0], all[1]))
		})
	}
}

// TestWindowJoinMemory counts what windows hold: nothing more when they are complete, and
// nothing at all when the operator is closed.
func TestWindowJoinMemory(t *testing.T) {
	op := exec.NewWindowJoin(&jobgraph.WindowJoin{LeftKeys: []int{0}, RightKeys: []int{0}, LeftStart: 2, LeftEnd: 3, RightStart: 2, RightEnd: 3, Granule: 1000,
		LeftTypes: joinTypes, RightTypes: joinTypes})
	ctx := benchContext(t)
	ctx.Memory = &base.Budget{}
	if err := op.Open(ctx); err != nil {
		t.Fatal(err)
	}
	out := &discard{}
	must := func(more bool, err error) {
		for more && err == nil {
			more, err = op.Resume(out)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var settled int64
	for win := range int64(20) {
		var rows [][]any
		for i := range int64(1000) {
			rows = append(rows, []any{i, "x", win * second, (win + 1) * second, i})
		}
		before := ctx.Memory.Used()
		for side := range 2 {
			must(op.Process(side, exectest.Batch(joinTypes, rows, nil), out))
		}
		if more := ctx.Memory.Used() - before; more < 2*1000*8 {
			t.Fatalf("%d bytes are counted for 2,000 rows", more)
		}
		must(op.Watermark((win+1)*second, out))
		if used := ctx.Memory.Used(); win == 1 {
			settled = used
		} else if win > 1 && used != settled {
			t.Fatalf("%d bytes behind window %d, %d behind the first", used, win, settled)
		}
	}
	rows := [][]any{{int64(1), "x", 30 * second, 31 * second, int64(1)}}
	must(op.Process(0, exectest.Batch(joinTypes, rows, nil), out))
	if err := op.Close(); err != nil {
		t.Fatal(err)
	}
	if used := ctx.Memory.Used(); used != 0 {
		t.Errorf("%d bytes are counted for a join that is closed", used)
	}
}

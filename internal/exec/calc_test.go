package exec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func TestCalcRandom(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 10))
		limit := int64(r.IntN(22) - 11)
		spec := &jobgraph.Calc{Filter: &expr.Expr{Op: expr.Call, Func: "<", Type: types.TBoolean, Args: []*expr.Expr{expr.Column(colV, types.TBigInt), expr.Literal(types.TBigInt, limit)}},
			Project: []*expr.Expr{expr.Column(colS, types.TString), {Op: expr.Call, Func: "+", Type: types.TBigInt, Args: []*expr.Expr{expr.Column(colV, types.TBigInt), expr.Column(colV, types.TBigInt)}}}}
		rows, marks := timedRows(r, 200, 4, false)
		_, kinds := changelog(r, 200, 4, true)
		var want []string
		at := marks
		for i, row := range rows {
			for len(at) > 0 && int(at[0].Row) <= i {
				want = append(want, fmt.Sprint("W ", at[0].Time))
				at = at[1:]
			}
			if v, ok := row[colV].(int64); ok && v < limit {
				want = append(want, kinds[i].String()+" "+exectest.Text([]any{row[colS], 2 * v}))
			}
		}
		in := exectest.Batch(aggTypes, rows, kinds)
		in.Marks = marks
		// Every other time the source leaves out what the filter does not read.
		late, whole := exec.LateColumns(spec), []vec.Vector(nil)
		if !slices.Equal(late, []int{colS}) {
			t.Fatal(late)
		}
		rest := func(rows []int32) ([]vec.Vector, error) {
			if rows == nil {
				return []vec.Vector{whole[colS]}, nil
			}
			return []vec.Vector{vec.Take(whole[colS], rows)}, nil
		}
		run := exectest.Start(t, func() exec.Operator {
			if seed%2 == 0 {
				return exec.NewCalc(spec)
			}
			return &leftOut{exec.NewLateCalc(spec, late, rest), func(b *vec.Batch) {
				if whole = b.Cols; r.IntN(8) > 0 {
					b.Cols = slices.Clone(b.Cols)
					b.Cols[colS] = nil
				}
			}}
		}, exectest.Options{})
		for _, b := range exectest.Cut(r, in, 50) {
			run.Process(0, exectest.Disguise(r, b))
		}
		diff(t, lastMarks(exectest.Lines(run.Events())), lastMarks(append(want, marksOf(at)...)))
	}
}

// leftOut takes columns away from what an operator is given.
type leftOut struct {
	exec.Operator
	take func(b *vec.Batch)
}

func (l *leftOut) Process(in int, b *vec.Batch, out exec.Output) (bool, error) {
	l.take(b)
	return l.Operator.Process(in, b, out)
}

func marksOf(marks []vec.Mark) (out []string) {
	for _, m := range marks {
		out = append(out, fmt.Sprint("W ", m.Time))
	}
	return out
}

// lastMarks keeps the last of watermarks in a row: an operator may leave out the others.
func lastMarks(lines []string) []string {
	out := []string{}
	for _, l := range lines {
		if n := len(out); n > 0 && l[0] == 'W' && out[n-1][0] == 'W' {
			out[n-1] = l
			continue
		}
		out = append(out, l)
	}
	return out
}

func TestLimit(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 11))
		spec := &jobgraph.Limit{From: 1 + r.Int64N(30), To: r.Int64N(120)}
		if r.IntN(4) == 0 {
			spec.To = -1
		}
		var rows [][]any
		for i := range 100 {
			rows = append(rows, []any{int64(i), "x", nil})
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewLimit(spec) }, exectest.Options{})
		for _, b := range exectest.Cut(r, exectest.Batch(kvTypes, rows, nil), 20) {
			run.Process(0, exectest.Disguise(r, b))
			if r.IntN(3) == 0 {
				run.Checkpoint()
				run.Crash(1)
			}
		}
		want := []string{}
		for i := range 100 {
			if n := int64(i + 1); n >= spec.From && (spec.To < 0 || n <= spec.To) {
				want = append(want, fmt.Sprintf("+I %d,x,NULL", i))
			}
		}
		diff(t, exectest.Lines(run.Rows()), want)
	}
}

func TestDropBefore(t *testing.T) {
	run := exectest.Start(t, func() exec.Operator { return exec.NewDropBefore(&jobgraph.DropBefore{}) }, exectest.Options{})
	run.Process(0, exectest.Batch(kvTypes[:1], [][]any{{1}, {1}, {2}, {2}}, []vec.RowKind{vec.Insert, vec.UpdateBefore, vec.UpdateAfter, vec.Delete}))
	if got := exectest.Lines(run.Rows()); !slices.Equal(got, []string{"+I 1", "+U 2", "-D 2"}) {
		t.Fatal(got)
	}
}

func TestValues(t *testing.T) {
	spec := &jobgraph.Values{Types: kvTypes[:2], Rows: [][]*expr.Expr{{expr.Int(1), expr.Text("a")}, {expr.NullOf(types.TInt), expr.Text("b")}}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewValues(spec) }, exectest.Options{})
	run.End()
	run.Checkpoint()
	run.Crash(1)
	run.End()
	if got := exectest.Lines(run.Rows()); !slices.Equal(got, []string{"+I 1,a", "+I NULL,b"}) {
		t.Fatal(got)
	}
}

package exec_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TEST_REPEAT(s, n) is a table function of two arguments: s, n times.
func init() {
	fn.RegisterTable(&fn.TableFunc{Name: "TEST_REPEAT", Resolve: func([]fn.Arg) (*fn.TableImpl, error) {
		return &fn.TableImpl{Args: []types.Type{types.TString, types.TInt}, Out: types.Schema{{Name: "s", Type: types.TString}},
			Eval: func(_ *fn.Call, args []vec.Vector, n int) fn.Rows {
				offs := make([]uint32, n+1)
				for i := range offs {
					offs[i] = uint32(i)
				}
				times := args[1].(*vec.Fixed[int32])
				return fn.Rows{Offs: offs, Valid: times.Valid, Cols: args[:1], Times: times.Vals}
			}}, nil
	}})
}

var correlateRow = types.RowOf(types.Field{Name: "a", Type: types.TInt}, types.Field{Name: "b", Type: types.TString})

// A collection is the type of what is taken apart, in the tests.
type collection struct {
	t    types.Type
	outs []types.Type
}

var collections = []collection{
	{types.ArrayOf(types.TInt), []types.Type{types.TInt}},
	{types.ArrayOf(types.TString), []types.Type{types.TString}},
	{types.ArrayOf(types.ArrayOf(types.TBoolean)), []types.Type{types.ArrayOf(types.TBoolean)}},
	{types.ArrayOf(correlateRow), []types.Type{types.TInt, types.TString}},
	{types.MapOf(types.TString, types.TDouble), []types.Type{types.TString, types.TDouble}},
	{types.MultisetOf(types.TInt), []types.Type{types.TInt}},
	{types.MultisetOf(correlateRow), []types.Type{types.TInt, types.TString}},
}

// put appends a random value and returns the rows that a value of a collection
// gives (a nil one is no row, but has a place).
func put(r *rand.Rand, b *vec.Builder, t types.Type, most int) (v any, rows [][]any) {
	if r.IntN(5) == 0 {
		b.Null()
		return nil, nil
	}
	switch t.Kind {
	case types.Int:
		v = int64(r.IntN(9))
	case types.Double:
		v = r.Float64()
	case types.Boolean:
		v = r.IntN(2) == 0
	case types.Varchar:
		v = fmt.Sprint("s", r.IntN(9))
	case types.Row:
		var out []any
		for i, f := range t.Fields {
			x, _ := put(r, b.Kid(i), f.Type, 3)
			out = append(out, x)
		}
		b.End()
		return out, nil
	case types.Array:
		out := []any{}
		for range r.IntN(most + 1) {
			x, _ := put(r, b.Kid(0), *t.Elem, 3)
			out = append(out, x)
			rows = append(rows, rowOf(*t.Elem, x))
		}
		b.End()
		return out, rows
	case types.Map, types.Multiset:
		return nil, putEntries(r, b, t, most)
	}
	exectest.Put(b, v)
	return v, nil
}

func putEntries(r *rand.Rand, b *vec.Builder, t types.Type, most int) (rows [][]any) {
	for range r.IntN(most + 1) {
		if t.Kind == types.Map {
			k, _ := put(r, b.Kid(0), *t.Key, 3)
			x, _ := put(r, b.Kid(1), *t.Elem, 3)
			rows = append(rows, []any{k, x})
			continue
		}
		x, _ := put(r, b.Kid(0), *t.Elem, 3)
		n := 1 + r.IntN(3)
		b.Kid(1).Int(int64(n))
		row := rowOf(*t.Elem, x)
		if row == nil {
			n = 1 // has one place, whatever its count
		}
		for range n {
			rows = append(rows, row)
		}
	}
	b.End()
	return rows
}

func rowOf(t types.Type, x any) []any {
	if t.Kind != types.Row {
		return []any{x}
	}
	if x == nil {
		return nil
	}
	return x.([]any)
}

// narrow is an operator of whose output only the first column and those after the
// second are looked at: the second may be large.
type narrow struct{ exec.Operator }

func (n narrow) Process(in int, b *vec.Batch, out exec.Output) (bool, error) {
	return n.Operator.Process(in, b, narrowed{out})
}
func (n narrow) Resume(out exec.Output) (bool, error) { return n.Operator.Resume(narrowed{out}) }

type narrowed struct{ exec.Output }

func (n narrowed) Emit(b *vec.Batch) error {
	b.Cols = append([]vec.Vector{b.Cols[0]}, b.Cols[2:]...)
	return n.Output.Emit(b)
}

// Whatever the collection, its size and the shape of the batch: the rows come in
// order, with the kind of their row, and the marks where they stood.
func TestCorrelateRandom(t *testing.T) {
	for seed := range seeds(140) {
		r := rand.New(rand.NewPCG(seed, 14))
		of := collections[seed%uint64(len(collections))]
		spec := &jobgraph.Correlate{JoinKind: jobgraph.Inner, Func: "UNNEST", Args: []*expr.Expr{expr.Column(1, of.t)}, Types: of.outs, Ordinality: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			spec.JoinKind = jobgraph.Left
		}
		if spec.Ordinality {
			spec.Types = append(append([]types.Type(nil), of.outs...), types.TInt)
		}
		n, most := 60, 4
		if seed%10 == 0 {
			n, most = 8, 12000 // several batches a row, several calls a batch
		}
		in, want := correlateInput(r, spec, of, n, most)
		run := exectest.Start(t, func() exec.Operator {
			if most > 4 {
				return narrow{exec.NewCorrelate(spec)}
			}
			return exec.NewCorrelate(spec)
		}, exectest.Options{})
		for _, b := range exectest.Cut(r, in, 20) {
			run.Process(0, exectest.Disguise(r, b))
		}
		if !t.Run(fmt.Sprintf("seed=%d %s", seed, of.t), func(t *testing.T) {
			diff(t, lastMarks(exectest.Lines(run.Events())), lastMarks(want))
		}) {
			return
		}
	}
}

// correlateInput makes a batch and the lines that it must give.
func correlateInput(r *rand.Rand, spec *jobgraph.Correlate, of collection, n, most int) (*vec.Batch, []string) {
	id, col := vec.NewBuilder(types.TBigInt), vec.NewBuilder(of.t)
	in := &vec.Batch{Rows: n}
	var rows [][][]any // of each row
	for i := range n {
		if r.IntN(4) == 0 {
			in.Marks = append(in.Marks, vec.Mark{Row: int32(i), Time: int64(i)})
		}
		in.Kinds = append(in.Kinds, vec.RowKind(r.IntN(4)))
		id.Int(int64(i))
		_, made := put(r, col, of.t, most)
		rows = append(rows, made)
	}
	in.Marks = append(in.Marks, vec.Mark{Row: int32(n), Time: int64(n)})
	in.Cols = []vec.Vector{id.Finish(), col.Finish()}
	var want []string
	marks := in.Marks
	for i, made := range rows {
		if int(marks[0].Row) == i {
			want, marks = append(want, fmt.Sprint("W ", marks[0].Time)), marks[1:]
		}
		told := false
		tell := func(cells []any, place any) {
			row := []any{int64(i)}
			if most <= 4 {
				row = append(row, exectest.Value(in.Cols[1], i))
			}
			row = append(row, cells...)
			if spec.Ordinality {
				row = append(row, place)
			}
			want = append(want, in.Kinds[i].String()+" "+exectest.Text(row))
			told = true
		}
		for k, row := range made {
			if row != nil {
				tell(row, int64(k+1))
			}
		}
		if !told && spec.JoinKind == jobgraph.Left {
			tell(make([]any, len(of.outs)), nil)
		}
	}
	return in, append(want, fmt.Sprint("W ", n))
}

func TestCorrelateTwoArguments(t *testing.T) {
	spec := &jobgraph.Correlate{JoinKind: jobgraph.Left, Func: "TEST_REPEAT", Types: []types.Type{types.TString},
		Args: []*expr.Expr{expr.Column(0, types.TString), expr.Column(1, types.TInt)}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewCorrelate(spec) }, exectest.Options{})
	run.Process(0, exectest.Batch([]types.Type{types.TString, types.TInt}, [][]any{{"a", 2}, {"b", 0}, {"c", nil}, {nil, 1}}, nil))
	diff(t, exectest.Lines(run.Events()), []string{"+I a,2,a", "+I a,2,a", "+I b,0,NULL", "+I c,NULL,NULL", "+I NULL,1,NULL"})
}

// BenchmarkCorrelate takes arrays of four strings apart.
func BenchmarkCorrelate(b *testing.B) {
	for _, kind := range []jobgraph.JoinKind{jobgraph.Inner, jobgraph.Left} {
		b.Run(kind.String(), func(b *testing.B) {
			t := types.ArrayOf(types.TString)
			var rows [][]any
			for i := range 1000 {
				tags := []any{}
				for k := range i % 9 {
					tags = append(tags, fmt.Sprint("tag", k))
				}
				rows = append(rows, []any{i, tags})
			}
			in := exectest.Batch([]types.Type{types.TBigInt, t}, rows, nil)
			op := exec.NewCorrelate(&jobgraph.Correlate{JoinKind: kind, Func: "UNNEST", Args: []*expr.Expr{expr.Column(1, t)}, Ordinality: true, Types: []types.Type{types.TString, types.TInt}})
			if err := op.Open(&exec.Context{Env: &fn.Env{}}); err != nil {
				b.Fatal(err)
			}
			out := &discard{}
			b.ReportAllocs()
			for b.Loop() {
				if more, err := op.Process(0, in, out); more || err != nil {
					b.Fatal(more, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(out.rows), "ns/row")
		})
	}
}

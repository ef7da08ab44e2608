package exec_test

import (
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TestGroupAggFlink075 is conformance 075, with Flink's changes in their order:
// SELECT cnt, COUNT(*) FROM (SELECT cust, COUNT(*) AS cnt FROM orders GROUP BY cust) GROUP BY cnt.
func TestGroupAggFlink075(t *testing.T) {
	count := jobgraph.AggCall{Func: "COUNT", Filter: -1, Ret: types.TBigInt.Nullable(false)}
	inner := &jobgraph.GroupAgg{Keys: []int{0}, Aggs: []jobgraph.AggCall{count}, SendBefore: true, InputTypes: []types.Type{types.TString}}
	outer := &jobgraph.GroupAgg{Keys: []int{1}, Aggs: []jobgraph.AggCall{count}, SendBefore: true, Retracts: true, InputTypes: []types.Type{types.TString, types.TBigInt}}
	var rows [][]any
	for _, c := range strings.Fields("c1 c2 c1 c3 c2 c1 - c3 c3 c2 c1 c4 c1 c2") {
		if c == "-" {
			rows = append(rows, []any{nil})
			continue
		}
		rows = append(rows, []any{c})
	}
	in := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(inner) }, exectest.Options{})
	in.Process(0, exectest.Batch(inner.InputTypes, rows, nil))
	var changes [][]any
	var kinds []vec.RowKind
	for _, e := range in.Rows() {
		changes, kinds = append(changes, e.Row), append(kinds, e.Kind)
	}
	out := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(outer) }, exectest.Options{})
	out.Process(0, exectest.Batch(outer.InputTypes, changes, kinds))
	want := `+I 1,1
-U 1,1
+U 1,2
-U 1,2
+U 1,1
+I 2,1
-U 1,1
+U 1,2
-U 1,2
+U 1,1
-U 2,1
+U 2,2
-U 2,2
+U 2,1
+I 3,1
-U 1,1
+U 1,2
-U 1,2
+U 1,1
-U 2,1
+U 2,2
-U 2,2
+U 2,1
-U 3,1
+U 3,2
-D 2,1
-U 3,2
+U 3,3
-U 3,3
+U 3,2
+I 4,1
-U 1,1
+U 1,2
-D 4,1
+I 5,1
-U 3,2
+U 3,1
+I 4,1`
	diff(t, exectest.Lines(out.Rows()), strings.Split(want, "\n"))
}

// oneGroup computes calls over one group of one column's values.
func oneGroup(t *testing.T, typ types.Type, vals []any, calls ...jobgraph.AggCall) string {
	t.Helper()
	var rows [][]any
	for _, v := range vals {
		rows = append(rows, []any{v})
	}
	for i := range calls {
		c := &calls[i]
		c.Filter = -1
		c.Args, c.ArgTypes = []int{0}, []types.Type{typ}
		ret, casts, err := agg.Resolve(c.Func, c.ArgTypes)
		if err != nil {
			t.Fatal(err)
		}
		c.Ret, c.ArgTypes = ret, casts
	}
	spec := &jobgraph.GroupAgg{Aggs: calls, Emit: jobgraph.AtEnd, InputTypes: []types.Type{typ}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) }, exectest.Options{Batch: true})
	run.Process(0, exectest.Batch(spec.InputTypes, rows, nil))
	run.End()
	return exectest.Text(run.Rows()[0].Row)
}

func funcs(names ...string) (out []jobgraph.AggCall) {
	for _, n := range names {
		out = append(out, jobgraph.AggCall{Func: n})
	}
	return out
}

// TestFunctions has results of Flink's: conformance 070, 071, 074 and the notes on
// overflow.
func TestFunctions(t *testing.T) {
	dec := types.DecimalOf(10, 2)
	sep := funcs("LISTAGG")
	sep[0].Consts = []any{nil, "|"}
	for _, c := range []struct {
		typ   types.Type
		vals  []any
		calls []jobgraph.AggCall
		want  string
	}{
		{types.TInt, []any{1, 2, 7, 9}, funcs("VARIANCE", "VAR_POP", "AVG", "SUM"), "14,11,4,19"},
		{types.TDouble, []any{0.1, 0.15, 0.1}, funcs("VAR_SAMP", "STDDEV_POP"), "0.000833333333333333,0.02357022603955158"},
		{dec, []any{410050, 520000, nil, 410050}, funcs("STDDEV_POP", "STDDEV_SAMP", "AVG", "SUM"), "518309271,634796621,4467000000,1340100"},
		{dec, []any{610000}, funcs("STDDEV_POP", "STDDEV_SAMP", "VAR_SAMP"), "0,NULL,NULL"},
		{types.TInt, []any{2147483647, 1}, funcs("SUM", "AVG"), "-2147483648,1073741824"},
		{types.Of(types.TinyInt), []any{-7, 2}, funcs("SUM", "AVG", "MIN"), "-5,-2,-7"},
		{types.TInt, nil, funcs("SUM", "$SUM0", "COUNT", "MIN", "FIRST_VALUE", "COLLECT", "ARRAY_AGG"), "NULL,0,0,NULL,NULL,{},NULL"},
		{types.TString, []any{nil, "x", "y", nil}, funcs("FIRST_VALUE", "LAST_VALUE", "LISTAGG", "COLLECT", "ARRAY_AGG", "MIN"), "x,y,x,y,{x=1, y=1},[<nil> x y <nil>],x"},
		{types.TString, []any{"a", "b"}, sep, "a|b"},
		{types.TString, []any{"only"}, funcs("SINGLE_VALUE"), "only"},
		{types.TInt, []any{nil}, funcs("SINGLE_VALUE"), "NULL"},
		{types.TInt, []any{nil, 3, 4}, funcs("FIRST_VALUE", "LAST_VALUE"), "3,4"},
		{types.TBoolean, []any{true, nil, false}, funcs("MIN", "MAX", "FIRST_VALUE", "APPROX_COUNT_DISTINCT"), "false,true,true,2"},
		{types.DecimalOf(38, 0), []any{types.Pow10(37).MulInt(9), types.Pow10(37).MulInt(9)}, funcs("SUM"), "NULL"},
	} {
		if got := oneGroup(t, c.typ, c.vals, c.calls...); got != c.want {
			t.Errorf("%s of %v: got %s, want %s", c.calls[0].Func, c.vals, got, c.want)
		}
	}
}

// TestFirstLastRetract: what comes first may go away.
func TestFirstLastRetract(t *testing.T) {
	typ := []types.Type{types.TInt}
	spec := &jobgraph.GroupAgg{Aggs: []jobgraph.AggCall{{Func: "FIRST_VALUE", Args: []int{0}, ArgTypes: typ, Filter: -1, Ret: types.TInt}, {Func: "LAST_VALUE", Args: []int{0}, ArgTypes: typ, Filter: -1, Ret: types.TInt},
		{Func: "LISTAGG", Args: []int{1}, ArgTypes: []types.Type{types.TString}, Filter: -1, Ret: types.TString}}, Retracts: true, InputTypes: []types.Type{types.TInt, types.TString}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) }, exectest.Options{})
	run.Process(0, exectest.Batch(spec.InputTypes, [][]any{{1, "a"}, {2, "b"}, {3, "c"}, {1, "a"}, {3, "c"}}, []vec.RowKind{0, 0, 0, vec.Delete, vec.Delete}))
	diff(t, exectest.Lines(run.Rows()), []string{"+I 1,1,a", "+U 1,2,a,b", "+U 1,3,a,b,c", "+U 2,3,b,c", "+U 2,2,b"})
}

// TestSingleValueTwice fails.
func TestSingleValueTwice(t *testing.T) {
	spec := &jobgraph.GroupAgg{Aggs: funcs("SINGLE_VALUE"), Emit: jobgraph.AtEnd, InputTypes: []types.Type{types.TInt}}
	spec.Aggs[0].Args, spec.Aggs[0].ArgTypes, spec.Aggs[0].Filter, spec.Aggs[0].Ret = []int{0}, spec.InputTypes, -1, types.TInt
	op := exec.NewGroupAgg(spec)
	ctx := benchContext(t)
	if err := op.Open(ctx); err != nil {
		t.Fatal(err)
	}
	_, err := op.Process(0, exectest.Batch(spec.InputTypes, [][]any{{1}, {2}}, nil), &discard{})
	if err == nil || !strings.Contains(err.Error(), "more than one row") {
		t.Fatal(err)
	}
}

// TestSeveralArguments has functions of several columns and with ORDER BY, the
// values being Flink's of conformance 228 and 034.
func TestSeveralArguments(t *testing.T) {
	points := types.ArrayOf(types.TDouble)
	ts := []types.Type{types.TDouble, points, types.TBigInt, types.TString, types.TInt}
	p3 := []any{0.0, 0.25, 1.0}
	rows := [][]any{{1.0, p3, int64(1), "b", 1}, {9.0, p3, int64(1), nil, 2}, {nil, p3, int64(1), "c", nil}, {2.0, p3, int64(2), "a", 4}, {7.0, p3, nil, "d", 5}}
	fn := func(name string, args ...int) jobgraph.AggCall {
		c := jobgraph.AggCall{Func: name, Args: args, Filter: -1}
		for _, a := range args {
			c.ArgTypes = append(c.ArgTypes, ts[a])
		}
		var err error
		if c.Ret, _, err = agg.Resolve(name, c.ArgTypes); err != nil {
			t.Fatal(err)
		}
		return c
	}
	median := fn("PERCENTILE", 0, 0)
	median.Consts = []any{nil, 0.5}
	ordered, joined := fn("ARRAY_AGG", 3), fn("LISTAGG", 3)
	ordered.Order = []jobgraph.SortKey{{Col: 4, Desc: true, NullsLast: true}}
	joined.Order = []jobgraph.SortKey{{Col: 4}}
	spec := &jobgraph.GroupAgg{Aggs: []jobgraph.AggCall{median, fn("PERCENTILE", 0, 1), fn("PERCENTILE", 0, 1, 2), ordered, joined,
		fn("JSON_ARRAYAGG", 4), fn("JSON_ARRAYAGG_NULL_ON_NULL", 3)}, InputTypes: ts, Emit: jobgraph.AtEnd}
	run := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) }, exectest.Options{Batch: true})
	run.Process(0, exectest.Batch(ts, rows, nil))
	run.End()
	diff(t, exectest.Lines(run.Rows()), []string{`+I 4.5,[1 1.75 9],[1 1.75 9],[d a <nil> b c],c,b,a,d,[1,2,4,5],["b",null,"c","a","d"]`})

	object := &jobgraph.GroupAgg{Aggs: []jobgraph.AggCall{fn("JSON_OBJECTAGG", 3, 4), fn("JSON_OBJECTAGG_ABSENT_ON_NULL", 3, 4)}, InputTypes: ts, Emit: jobgraph.AtEnd}
	run = exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(object) }, exectest.Options{Batch: true})
	run.Process(0, exectest.Batch(ts, [][]any{rows[0], rows[2], rows[3]}, nil))
	run.End()
	diff(t, exectest.Lines(run.Rows()), []string{`+I {"a":4,"b":1,"c":null},{"a":4,"b":1}`})
}

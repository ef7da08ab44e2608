package expr_test

import (
	"testing"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// An expensive part of a filter sees the rows for which a plain one has not decided, and
// the columns behind the filter take its results.
func TestExpensivePartOnce(t *testing.T) {
	seen := 0
	fn.Register(&fn.Func{Name: "TEST_EXPENSIVE", Resolve: func(args []fn.Arg) (*fn.Impl, error) {
		return &fn.Impl{Args: []types.Type{types.TString}, Ret: types.TString, Eval: func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
			each(rows, n, func(int) { seen++ })
			return args[0], nil
		}}, nil
	}})
	call := func(name string, args ...*expr.Expr) *expr.Expr {
		t.Helper()
		e, err := expr.NewCall(name, args...)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	a, s := expr.Column(0, types.TInt), expr.Column(1, types.TString)
	found := call("TEST_EXPENSIVE", s)
	plain := call("=", a, expr.Int(7))
	filter, column := call("OR", call("IS NOT NULL", found), plain), call("CASE", plain, expr.Text("seven"), found)
	p, err := expr.CompileAll([]*expr.Expr{filter, column}, &fn.Env{})
	if err != nil {
		t.Fatal(err)
	}
	texts := vec.NewBuilder(types.TString)
	for _, text := range []string{"p", "q", "r"} {
		texts.String(text)
	}
	texts.Null()
	cols := []vec.Vector{&vec.Fixed[int32]{Vals: []int32{7, 1, 7, 2}}, texts.Finish()}
	sel, err := p.Filter(cols, nil, 4)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Rest(cols, sel, 4, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(sel) != 3 || seen != 1 {
		t.Errorf("rows %v pass; the expensive part was computed %d times for the one row that has a text and no 7", sel, seen)
	}
	if got := cell(column.Type, out[0], 1); got != "q" {
		t.Errorf("that row has %q", got)
	}
}

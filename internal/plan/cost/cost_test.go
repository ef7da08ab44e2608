package cost

import (
	"math"
	"testing"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	_ "github.com/millrace-io/millrace/internal/expr/fn/scalar"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

func ptr(n int64) *int64 { return &n }

// scan is a table of 1000 rows: k has 50 values, 200 NULLs, from 0 to 100; s has
// 4 values.
func scan() *logical.Scan {
	t := &catalog.Table{Columns: []catalog.Column{{Name: "k", Type: types.TInt}, {Name: "s", Type: types.TString}},
		Stats: &catalog.Stats{Rows: ptr(1000), Columns: map[string]*catalog.ColumnStats{
			"k": {Distinct: ptr(50), Nulls: ptr(200), Min: "0", Max: "100"},
			"s": {Distinct: ptr(4), Nulls: ptr(0)},
		}}}
	return &logical.Scan{Table: t, Columns: []int{0, 1}, Limit: -1, Out: t.Schema()}
}

func call(t *testing.T, name string, args ...*expr.Expr) *expr.Expr {
	t.Helper()
	e, err := expr.NewCall(name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func rows(t *testing.T, n logical.Node, want float64) {
	t.Helper()
	if got := Of(n); math.Abs(got.Rows-want) > 1e-6 || !got.Known {
		t.Errorf("%v rows (known: %v), want %v", got.Rows, got.Known, want)
	}
}

func TestColumnStatistics(t *testing.T) {
	k, s, ten := expr.Column(0, types.TInt), expr.Column(1, types.TString), expr.Literal(types.TInt, int64(10))
	filter := func(c *expr.Expr) logical.Node { return &logical.Filter{Input: scan(), Cond: c} }
	rows(t, scan(), 1000)
	rows(t, filter(call(t, "=", k, ten)), 1000*0.8/50)
	rows(t, filter(call(t, "<>", k, ten)), 1000*0.8*49/50)
	rows(t, filter(call(t, "<", k, ten)), 1000*0.8*0.1)
	rows(t, filter(call(t, ">", k, ten)), 1000*0.8*0.9)
	rows(t, filter(call(t, "IS NULL", k)), 200)
	rows(t, filter(call(t, "AND", call(t, "IS NOT NULL", k), call(t, "=", s, expr.Literal(types.TString, "x")))), 1000*0.8/4)
	rows(t, &logical.Aggregate{Input: scan(), Keys: []int{0, 1}}, 200)
	// a column that a projection hands on
	p := &logical.Project{Input: scan(), Exprs: []*expr.Expr{s, k}, Out: types.Schema{{Name: "s", Type: types.TString}, {Name: "k", Type: types.TInt}}}
	rows(t, &logical.Aggregate{Input: p, Keys: []int{1}}, 50)
	// each of the 50 values meets its like
	join := &logical.Join{Left: scan(), Right: scan(), JoinKind: jobgraph.Inner, Cond: call(t, "=", k, expr.Column(2, types.TInt))}
	rows(t, join, 1000*1000/50)
}

package expr_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	_ "github.com/millrace-io/millrace/internal/expr/fn/scalar"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// The columns of the random tables.
var columns = types.Schema{
	{Name: "a", Type: types.TInt}, {Name: "b", Type: types.TInt}, {Name: "c", Type: types.TBigInt.Nullable(false)},
	{Name: "d", Type: types.TDouble}, {Name: "p", Type: types.DecimalOf(10, 2)}, {Name: "s", Type: types.TString},
	{Name: "t", Type: types.TString}, {Name: "ts", Type: types.TimestampOf(3)}, {Name: "x", Type: types.TBoolean}, {Name: "y", Type: types.TBoolean},
}

type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 7))} }

func (r random) value(t types.Type) any {
	if !t.NotNull && r.IntN(5) == 0 {
		return nil
	}
	switch t.Kind {
	case types.Boolean:
		return r.IntN(2) == 0
	case types.Double:
		return []float64{0, 1, -1.5, 2.25, 1e10, 3}[r.IntN(6)]
	case types.Varchar:
		return []string{"", "a", "abc", "b%", "straße", "Hello World", "12", "x-y-z"}[r.IntN(8)]
	case types.Timestamp:
		return int64(r.IntN(2000000000)) * types.Second
	}
	return int64(r.IntN(9) - 3)
}

// table makes a random table, its columns flat, constant or dictionaries.
func (r random) table(n int) []vec.Vector {
	var cols []vec.Vector
	for _, f := range columns {
		b := vec.NewBuilder(f.Type)
		form := r.IntN(4)
		rows := n
		if form == 0 {
			rows = 1
		} else if form == 1 {
			rows = 3
		}
		for range rows {
			if v := r.value(f.Type); v == nil {
				b.Null()
			} else {
				b.From(expr.Vector(f.Type, v), 0)
			}
		}
		v := b.Finish()
		switch form {
		case 0:
			v = &vec.Const{Val: v, N: n}
		case 1:
			codes := make([]uint32, n)
			for i := range codes {
				codes[i] = uint32(r.IntN(3))
			}
			v = &vec.Dict{Codes: codes, Words: v}
		}
		cols = append(cols, v)
	}
	return cols
}

func (r random) leaf(kind types.Kind) *expr.Expr {
	for range 20 {
		i := r.IntN(len(columns))
		if columns[i].Type.Kind == kind {
			return expr.Column(i, columns[i].Type)
		}
	}
	t := types.Of(kind)
	return expr.Literal(t, r.value(t))
}

// expr makes a random expression of a kind.
func (r random) expr(kind types.Kind, depth int) *expr.Expr {
	if depth == 0 || r.IntN(6) == 0 {
		return r.leaf(kind)
	}
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	sub := func(k types.Kind) *expr.Expr { return r.expr(k, depth-1) }
	var e *expr.Expr
	var err error
	switch kind {
	case types.Boolean:
		e, err = r.predicate(pick, sub)
	case types.Int:
		switch r.IntN(4) {
		case 0:
			e, err = expr.NewCall("CHAR_LENGTH", sub(types.Varchar))
		case 1:
			e, err = expr.NewCall("CASE", sub(types.Boolean), sub(kind), sub(types.Boolean), sub(kind), sub(kind))
		case 2:
			e, err = expr.NewCall(pick("COALESCE", "GREATEST", "LEAST", "NULLIF"), sub(kind), sub(kind))
		default:
			e, err = expr.NewCall(pick("+", "-", "*"), sub(kind), sub(kind))
		}
	case types.Varchar:
		switch r.IntN(4) {
		case 0:
			e, err = expr.NewCall(pick("UPPER", "LOWER", "REVERSE", "INITCAP"), sub(kind))
		case 1:
			e, err = expr.NewCall("CASE", sub(types.Boolean), expr.Text("yes"), sub(types.Boolean), expr.Text("n"), expr.Text("perhaps"))
		case 2:
			e, err = expr.NewCall("SUBSTRING", sub(kind), sub(types.Int))
		default:
			e, err = expr.NewCall(pick("||", "COALESCE"), sub(kind), sub(kind))
		}
		if err == nil {
			e, err = expr.Cast(e, types.TString)
		}
	default:
		return r.leaf(kind)
	}
	if err != nil {
		panic(err)
	}
	return e
}

func (r random) predicate(pick func(...string) string, sub func(types.Kind) *expr.Expr) (*expr.Expr, error) {
	compare := func() string {
		return pick("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
	}
	switch r.IntN(9) {
	case 0:
		return expr.NewCall("AND", sub(types.Boolean), sub(types.Boolean), sub(types.Boolean))
	case 1:
		return expr.NewCall("OR", sub(types.Boolean), sub(types.Boolean))
	case 2:
		return expr.NewCall(pick("NOT", "IS TRUE", "IS NOT TRUE", "IS FALSE", "IS UNKNOWN", "IS NULL", "IS NOT NULL"), sub(types.Boolean))
	case 3:
		return expr.NewCall(compare(), sub(types.Varchar), sub(types.Varchar))
	case 4:
		return expr.NewCall("LIKE", sub(types.Varchar), expr.Text(pick("a%", "%b%", "%c", "_b%", "abc", "%")))
	case 5:
		return expr.NewCall("IN", sub(types.Int), expr.Int(1), sub(types.Int), expr.Int(3))
	case 6:
		return expr.NewCall(compare(), r.leaf(types.Decimal), r.leaf(types.BigInt))
	case 7:
		return expr.NewCall(compare(), r.leaf(types.Double), sub(types.Int))
	}
	return expr.NewCall(compare(), sub(types.Int), sub(types.Int))
}

// selection draws rows; nil for all.
func (r random) selection(n int) []int32 {
	if r.IntN(3) == 0 {
		return nil
	}
	rows := []int32{}
	for i := range int32(n) {
		if r.IntN(3) > 0 {
			rows = append(rows, i)
		}
	}
	return rows
}

func cell(t types.Type, v vec.Vector, i int) string {
	return string(expr.AppendText(nil, t, v, i, time.UTC))
}

// TestRandom compares batches with a reference that evaluates row by row without
// kernels: plain, folded, through JSON, with shared parts, and as a filter, over
// flat, constant and dictionary columns with NULLs and random selections.
func TestRandom(t *testing.T) {
	env := &fn.Env{Zone: time.UTC}
	for seed := range uint64(3000) {
		r := newRandom(seed)
		n := 1 + r.IntN(90)
		cols := r.table(n)
		rows := r.selection(n)
		kind := []types.Kind{types.Boolean, types.Int, types.Varchar}[r.IntN(3)]
		e := r.expr(kind, 4)
		want := oneByOne(t, e, cols, rows, n)
		compareAll(t, seed, e, want, cols, rows, n, env)
	}
}

func each(rows []int32, n int, f func(i int)) {
	if rows == nil {
		for i := range n {
			f(i)
		}
	}
	for _, r := range rows {
		f(int(r))
	}
}

// oneByOne is the text of the result in each row, by the reference.
func oneByOne(t *testing.T, e *expr.Expr, cols []vec.Vector, rows []int32, n int) map[int]string {
	out := map[int]string{}
	each(rows, n, func(i int) { out[i] = referenceText(e, reference(t, e, referenceRow(t, cols, i))) })
	return out
}

func compareAll(t *testing.T, seed uint64, e *expr.Expr, want map[int]string, cols []vec.Vector, rows []int32, n int, env *fn.Env) {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	back := &expr.Expr{}
	if err := json.Unmarshal(data, back); err != nil || !expr.Equal(e, back) {
		t.Fatalf("%s came back as %s (%v)", e, back, err)
	}
	folded, _ := expr.Fold(e, env)
	p, err := expr.CompileAll([]*expr.Expr{e, folded, back, e}, env)
	if err != nil {
		t.Fatalf("seed %d: %s: %v", seed, e, err)
	}
	vs, err := p.Eval(cols, rows, n)
	if err != nil {
		t.Fatalf("seed %d: %s: %v", seed, e, err)
	}
	for k, v := range vs {
		if v.Len() != n {
			t.Fatalf("seed %d: %s has %d rows of %d", seed, e, v.Len(), n)
		}
		each(rows, n, func(i int) {
			if got := cell(e.Type, v, i); got != want[i] {
				t.Fatalf("seed %d, form %d: %s in row %d is %s, want %s", seed, k, e, i, got, want[i])
			}
		})
	}
	if e.Type.Kind == types.Boolean {
		compareFilter(t, seed, e, want, cols, rows, n, env)
	}
}

// What a filter has in common with the expressions behind it is evaluated once, perhaps of
// fewer rows than they ask for.
func TestFilterAndRest(t *testing.T) {
	env := &fn.Env{Zone: time.UTC}
	for seed := range uint64(2000) {
		r := newRandom(seed)
		n := 1 + r.IntN(90)
		cols, rows := r.table(n), r.selection(n)
		list := []*expr.Expr{r.expr(types.Boolean, 4)}
		expr.Walk(list[0], func(e *expr.Expr) bool {
			switch e.Type.Kind {
			case types.Int, types.Varchar:
				list = append(list, e)
			case types.Boolean:
				list = append(list, e)
				c, err := expr.NewCall("CASE", e, expr.Int(1), list[0], expr.Int(2), expr.Int(3))
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, c)
			}
			return true
		})
		p, err := expr.CompileAll(list, env)
		if err != nil {
			t.Fatal(err)
		}
		sel, err := p.Filter(cols, rows, n)
		if err != nil {
			t.Fatal(err)
		}
		if sel != nil && len(sel) == 0 {
			continue
		}
		copied := r.IntN(3) == 0
		if copied && sel != nil {
			for i, c := range cols {
				cols[i] = vec.Take(c, sel)
			}
			n, sel = len(sel), nil
		}
		got, err := p.Rest(cols, sel, n, copied)
		if err != nil {
			t.Fatal(err)
		}
		for k, e := range list[1:] {
			want := oneByOne(t, e, cols, sel, n)
			each(sel, n, func(i int) {
				if text := cell(e.Type, got[k], i); text != want[i] {
					t.Fatalf("seed %d: %s in row %d behind the filter %s is %s, want %s", seed, e, i, list[0], text, want[i])
				}
			})
		}
	}
}

func compareFilter(t *testing.T, seed uint64, e *expr.Expr, want map[int]string, cols []vec.Vector, rows []int32, n int, env *fn.Env) {
	t.Helper()
	p, err := expr.Compile(e, env)
	if err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(rows)
	sel, err := p.Filter(cols, rows, n)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(rows) != before {
		t.Fatalf("seed %d: %s changed the rows it was given", seed, e)
	}
	got := map[int]bool{}
	if sel == nil && rows != nil {
		t.Fatalf("seed %d: %s gave nil for a selection", seed, e)
	}
	each(sel, n, func(i int) { got[i] = true })
	each(rows, n, func(i int) {
		if got[i] != (want[i] == "TRUE") {
			t.Fatalf("seed %d: %s lets row %d pass: %v, is %s", seed, e, i, got[i], want[i])
		}
	})
	if len(got) > len(want) {
		t.Fatalf("seed %d: %s lets %d rows of %d pass", seed, e, len(got), len(want))
	}
}

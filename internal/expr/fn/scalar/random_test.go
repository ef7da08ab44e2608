package scalar_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/internal/expr/roar"
	"github.com/millrace-io/millrace/internal/expr/variant"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// argTypes are the types that arguments are drawn from.
var argTypes = []types.Type{types.TBoolean, types.TInt, types.TInt, types.Of(types.TinyInt), types.TBigInt, types.TDouble, types.Of(types.Float),
	types.DecimalOf(10, 2), types.DecimalOf(25, 4), types.TString, types.TString, types.TString, {Kind: types.Char, Len: 3}, types.TBytes, types.TDate,
	types.Of(types.Time), types.TimestampOf(3), types.TimestampOf(9), types.LTZOf(3), types.Of(types.IntervalMonth), types.Of(types.IntervalSecond),
	types.ArrayOf(types.TInt), types.ArrayOf(types.TString), types.MapOf(types.TString, types.TInt), types.MultisetOf(types.TInt),
	types.RowOf(types.Field{Name: "a", Type: types.TInt}), types.TVariant, types.TBitmap}

// argTexts are texts that mean something to one function or another.
var argTexts = strings.Split("|a|abc|Abc|é😀|12|-3.5|1e2|%b%|a_c|b.|(a)(b)?|[a-z]+|$.a|{\"a\":1}|[1,2]|\"x\"|2020-01-02|2020-01-02 03:04:05|10:11:12|yyyy-MM-dd|HH:mm|UTC|America/New_York|UTF-8|4142|aGk=|a=1,b=2|,|http://u@f.com:8/p?k=v#r|HOST|QUERY|k|1.2.3.4|true", "|")

// fill appends a random value, which may be NULL.
func fill(r *rand.Rand, b *vec.Builder, t types.Type) {
	if !t.NotNull && r.IntN(6) == 0 {
		b.Null()
		return
	}
	switch t.Kind {
	case types.Boolean:
		b.Bool(r.IntN(2) == 0)
	case types.Float, types.Double:
		b.Float([]float64{0, 1, -1.5, 2.25, 1e10, 0.5}[r.IntN(6)])
	case types.Varchar:
		b.String(argTexts[r.IntN(len(argTexts))])
	case types.Char:
		b.String([]string{"abc", "x  ", "éab"}[r.IntN(3)])
	case types.Varbinary:
		b.Bytes([]byte{'a', byte(r.IntN(256))}[:r.IntN(3)])
	case types.Variant:
		var j kernel.JSON
		cell, _ := j.Variant(nil, new(variant.Builder), []string{`{"a":1}`, `[1,"b"]`, `null`, `2.5`}[r.IntN(4)], false)
		b.Bytes(cell)
	case types.Bitmap:
		s := roar.New()
		for range r.IntN(4) {
			s.Add(int32(r.IntN(5)))
		}
		b.Bytes(s.Append(nil))
	case types.Array, types.Multiset, types.Map:
		n := r.IntN(4)
		for i := range n {
			switch t.Kind {
			case types.Array:
				fill(r, b.Kid(0), *t.Elem)
			case types.Multiset:
				b.Kid(0).Int(int64(i))
				b.Kid(1).Int(int64(1 + r.IntN(2)))
			default:
				b.Kid(0).String(fmt.Sprint("k", i))
				fill(r, b.Kid(1), *t.Elem)
			}
		}
		b.End()
	case types.Row:
		fill(r, b.Kid(0), t.Fields[0].Type)
		b.End()
	case types.Date:
		b.Int(int64(r.IntN(40000) - 10000))
	case types.Time:
		b.Int(int64(r.IntN(86400)) * 1000)
	case types.Timestamp, types.TimestampLTZ:
		us := int64(r.IntN(2_000_000_000)-500_000_000)*types.Second + int64(r.IntN(1000))*types.Milli
		if t.Prec > 6 {
			b.Int128(types.Int128Of(us).MulInt(1000))
		} else {
			b.Int(us)
		}
	default:
		b.Int(int64(r.IntN(12) - 3))
	}
}

// column makes a random column: flat, of one value, or a dictionary.
func column(r *rand.Rand, t types.Type, n int) vec.Vector {
	b := vec.NewBuilder(t)
	form := r.IntN(4)
	rows := []int{1, 3, n, n}[form]
	for range rows {
		fill(r, b, t)
	}
	v := b.Finish()
	switch form {
	case 0:
		return &vec.Const{Val: v, N: n}
	case 1:
		codes := make([]uint32, n)
		for i := range codes {
			codes[i] = uint32(r.IntN(3))
		}
		return &vec.Dict{Codes: codes, Words: v}
	}
	return v
}

// TestEveryFunctionByRows calls every function with arguments of random types, on
// batches of 1, 2, 7 and 1024 rows with selections, constant and dictionary columns
// and NULLs, and compares each row with what the function gives for that row alone,
// as a column and as constants that are folded. A batch fails if a row of it does.
func TestEveryFunctionByRows(t *testing.T) {
	env := &fn.Env{Zone: time.UTC}
	never := map[string]bool{"CURRENT_WATERMARK": true}
	for _, name := range fn.Names() {
		f := fn.Lookup(name)
		if f.Volatile || f.Constant || f.Resolve == nil || never[name] || name != f.Name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(len(name)), uint64(name[0])))
			calls := 0
			for try := 0; try < 30_000 && calls < 12; try++ {
				var list []types.Type
				var args []*expr.Expr
				for i := range r.IntN(5) {
					list = append(list, argTypes[r.IntN(len(argTypes))])
					args = append(args, expr.Column(i, list[i]))
				}
				e, err := expr.NewCall(name, args...)
				if err != nil {
					continue
				}
				calls++
				byRows(t, r, env, e, list, []int{1, 2, 7, 1024}[calls%4])
			}
			if calls == 0 && !specialArgs[name] {
				t.Errorf("no arguments were found that %s takes", name)
			}
		})
	}
}

// specialArgs are functions whose arguments the parser makes.
var specialArgs = map[string]bool{"EXTRACT": true, "JSON_ARRAY": true, "JSON_OBJECT": true, "FIELD": true, "OVERLAPS": true, "TIMESTAMPADD": true, "TIMESTAMPDIFF": true, "TRIM": true}

func byRows(t *testing.T, r *rand.Rand, env *fn.Env, e *expr.Expr, list []types.Type, n int) {
	var cols []vec.Vector
	for _, c := range list {
		cols = append(cols, column(r, c, n))
	}
	var rows []int32
	if r.IntN(2) == 0 {
		for rows = []int32{}; len(rows) == 0; {
			for i := range int32(n) {
				if r.IntN(3) > 0 {
					rows = append(rows, i)
				}
			}
		}
	}
	many, one := compiled(t, env, e), compiled(t, env, e)
	if many == nil {
		return
	}
	got, failed := many.Eval(cols, rows, n)
	anyFails := false
	kernel.Each(rows, n, func(i int) {
		alone := make([]vec.Vector, len(cols))
		for k, c := range cols {
			alone[k] = vec.Take(c, []int32{int32(i)})
		}
		want, err := one.Eval(alone, nil, 1)
		if err != nil {
			anyFails = true
			return
		}
		text := string(expr.AppendText(nil, e.Type, want, 0, time.UTC))
		if failed == nil {
			if batch := string(expr.AppendText(nil, e.Type, got, i, time.UTC)); batch != text {
				t.Fatalf("%s of row %d of %d is %s in a batch and %s alone (%s)", e, i, n, batch, text, rowText(list, alone))
			}
		}
		if i < 3 && e.Func != "ITEM" { // a constant index below 1 is refused
			folded(t, env, e, list, alone, text)
		}
	})
	if (failed != nil) != anyFails {
		t.Fatalf("%s on %d rows fails: %v, but a row alone fails: %v", e, n, failed, anyFails)
	}
}

func compiled(t *testing.T, env *fn.Env, e *expr.Expr) *expr.Program {
	p, err := expr.Compile(e, env)
	if err != nil {
		t.Fatalf("%s: %v", e, err)
	}
	return p
}

// folded compares a row with the same call of constants.
func folded(t *testing.T, env *fn.Env, e *expr.Expr, list []types.Type, row []vec.Vector, want string) {
	values := make([]*expr.Expr, len(list))
	for k := range list {
		v, ok := expr.ValueAt(vec.Flat(row[k]), 0)
		if !ok {
			return
		}
		values[k] = expr.Literal(list[k], v)
		values[k].Type = list[k]
	}
	constant := expr.Map(e, func(x *expr.Expr) *expr.Expr {
		if x.Op == expr.Col {
			return values[x.Index]
		}
		return x
	})
	short, err := expr.Fold(constant, env)
	if err != nil {
		t.Fatal(err)
	}
	v, err := expr.EvalConst(short, env)
	if err != nil {
		t.Fatalf("%s of constants: %v, want %s", e, err, want)
	}
	if got := string(expr.AppendText(nil, e.Type, v, 0, time.UTC)); got != want {
		t.Fatalf("%s is %s folded, want %s (%s)", constant, got, want, rowText(list, row))
	}
}

func rowText(list []types.Type, row []vec.Vector) string {
	var cells []string
	for k, v := range row {
		cells = append(cells, string(expr.AppendText(nil, list[k], v, 0, time.UTC)))
	}
	return strings.Join(cells, " | ")
}

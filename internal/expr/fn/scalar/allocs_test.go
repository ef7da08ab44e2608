package scalar_test

import (
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/parse"
	"github.com/millrace-io/millrace/vec"
)

const (
	allocRows = 1024
	// allocsMax is what a call may allocate for a batch: the column that it makes, which
	// grows a few times, and what it keeps for itself.
	allocsMax = 64
)

// mayAllocate are the functions that allocate for a row, and why.
var mayAllocate = map[string]string{
	"BITMAP_AND": bitmaps, "BITMAP_ANDNOT": bitmaps, "BITMAP_BUILD": bitmaps, "BITMAP_CARDINALITY": bitmaps, "BITMAP_FROM_BYTES": bitmaps,
	"BITMAP_OR": bitmaps, "BITMAP_TO_ARRAY": bitmaps, "BITMAP_TO_STRING": bitmaps, "BITMAP_XOR": bitmaps,
	"JSON_QUERY": documents, "JSON_UNQUOTE": documents, "PARSE_JSON": documents, "TRY_PARSE_JSON": documents, "RETURNING ARRAY": documents,
	"REGEXP_COUNT": places, "REGEXP_EXTRACT": places, "REGEXP_EXTRACT_ALL": places, "REGEXP_INSTR": places, "REGEXP_REPLACE": places,
	"STR_TO_MAP": "a map is built to drop keys that are there twice",
	"PARSE_URL":  "net/url makes a URL of the text",
	"PRINTF":     "package fmt takes values as interfaces",
}

const (
	bitmaps   = "a Roaring bitmap is built of the value"
	documents = "a JSON document is built of the text"
	places    = "package regexp returns the places of groups as a slice of each match"
)

// TestAllocations calls every function with the arguments of its example, as columns of
// 1,024 rows: none may allocate for each row but those that say why.
func TestAllocations(t *testing.T) {
	env := &fn.Env{Zone: time.UTC, Now: func() int64 { return 0 }}
	for _, name := range fn.Names() {
		f := fn.Lookup(name)
		if name != f.Name || f.Doc.Example == "" || strings.HasPrefix(name, "UNIX_TIMESTAMP NOW") || name == "CURRENT_WATERMARK" {
			continue
		}
		call := exampleCall(t, f, env)
		if call == nil {
			continue // evaluated by the evaluator itself, or not a call in SQL
		}
		e, cols := overColumns(t, call, env)
		p, err := expr.Compile(e, env)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		run := func() {
			if _, err := p.Eval(cols, nil, allocRows); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		run()
		n := testing.AllocsPerRun(5, run)
		switch why, may := mayAllocate[name]; {
		case n > allocsMax && !may:
			t.Errorf("%s: %.0f allocations for %d rows: %s", name, n, allocRows, e)
		case n <= allocsMax && may:
			t.Errorf("%s allocates %.0f times for %d rows: it is no exception any more (%s)", name, n, allocRows, why)
		}
	}
}

// exampleCall is the call of the function in its example; nil if there is none left
// when the example is bound.
func exampleCall(t *testing.T, f *fn.Func, env *fn.Env) (call *expr.Expr) {
	q, err := parse.Query("SELECT " + f.Doc.Example)
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	n, err := bind.New(catalog.New(), env).Query(q)
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	p, ok := n.(*logical.Project)
	if !ok {
		return nil
	}
	expr.Walk(p.Exprs[0], func(e *expr.Expr) bool {
		if call == nil && e.Op == expr.Call && fn.Lookup(e.Func) == f {
			call = e
		}
		return call == nil
	})
	return call
}

// overColumns puts columns in the place of the call's arguments: of as many as it takes
// as columns.
func overColumns(t *testing.T, call *expr.Expr, env *fn.Env) (*expr.Expr, []vec.Vector) {
	var cols []vec.Vector
	for _, a := range call.Args {
		v, err := expr.EvalConst(a, env)
		if err != nil {
			t.Fatalf("%s: %v", call, err)
		}
		cols = append(cols, vec.Take(vec.Flat(v), make([]int32, allocRows)))
	}
	best, most := call, -1
	for mask := range 1 << min(len(call.Args), 6) {
		args := append([]*expr.Expr(nil), call.Args...)
		for i := range args {
			if mask>>i&1 == 1 {
				args[i] = expr.Column(i, args[i].Type)
			}
		}
		if bits.OnesCount(uint(mask)) <= most {
			continue
		}
		e, err := expr.NewCall(call.Func, args...)
		if err != nil {
			continue
		}
		if p, err := expr.Compile(e, env); err == nil {
			if _, err := p.Eval(cols, nil, allocRows); err == nil {
				best, most = e, bits.OnesCount(uint(mask))
			}
		}
	}
	return best, cols
}

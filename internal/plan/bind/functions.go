package bind

import (
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/sql/parse"
	"github.com/millrace-io/millrace/types"
)

// A Function is what is known of a built-in function. SHOW FUNCTIONS, DESCRIBE
// FUNCTION, completion in the shell and docs/functions.md all take it from
// Functions, so that there is one place where a function is described: where it is
// registered.
type Function struct {
	Name    string // as it is called: upper case, or a sign
	Aliases []string
	Kind    string // scalar, aggregate, window, table or match
	fn.Doc
}

// User reports whether a function is one of the program's own, written in Go.
func (f Function) User() bool { return fn.User(f.Name) || agg.User(f.Name) }

// A place is a function that the binder or the planner knows, not the registry.
type place struct{ kind, name, signature, meaning, example string } // kind is the category, too

var places = []place{
	{"window", "ROW_NUMBER", "ROW_NUMBER() OVER (…)", "the row's number in its partition", "ROW_NUMBER() OVER (ORDER BY price)"},
	{"window", "RANK", "RANK() OVER (…)", "the number of rows before that are not equal in the order, and one; equal rows leave gaps", "RANK() OVER (ORDER BY item)"},
	{"window", "DENSE_RANK", "DENSE_RANK() OVER (…)", "RANK without gaps", "DENSE_RANK() OVER (ORDER BY item)"},
	{"window", "PERCENT_RANK", "PERCENT_RANK() OVER (…)", "RANK as a share: 0 for the first, (rank - 1) / (rows - 1)", "PERCENT_RANK() OVER (ORDER BY price)"},
	{"window", "CUME_DIST", "CUME_DIST() OVER (…)", "the share of rows that are not behind this one in the order", "CUME_DIST() OVER (ORDER BY price)"},
	{"window", "NTILE", "NTILE(n) OVER (…)", "the number of the row's bucket, when the partition is cut into n", "NTILE(2) OVER (ORDER BY price)"},
	{"window", "LAG", "LAG(x [, n [, default]]) OVER (…)", "x of the row n places before, 1 by default", "LAG(price) OVER (ORDER BY price)"},
	{"window", "LEAD", "LEAD(x [, n [, default]]) OVER (…)", "x of the row n places behind, 1 by default", "LEAD(price, 1, 0) OVER (ORDER BY price)"},
	{"table", "TUMBLE", "TUMBLE(TABLE t, DESCRIPTOR(time), size [, offset])", "the rows with window_start, window_end and window_time of windows side by side", "SELECT * FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '10' MINUTE)"},
	{"table", "HOP", "HOP(TABLE t, DESCRIPTOR(time), slide, size [, offset])", "the rows once for each of the windows, which overlap, that they are in", "SELECT * FROM HOP(TABLE bid, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE)"},
	{"table", "CUMULATE", "CUMULATE(TABLE t, DESCRIPTOR(time), step, size [, offset])", "the rows once for each of the windows, which grow by a step up to a size", "SELECT * FROM CUMULATE(TABLE bid, DESCRIPTOR(ts), INTERVAL '2' MINUTE, INTERVAL '10' MINUTE)"},
	{"table", "SESSION", "SESSION(TABLE t [PARTITION BY key], DESCRIPTOR(time), gap)", "the rows with the windows that a gap ends", "SELECT * FROM SESSION(TABLE bid PARTITION BY item, DESCRIPTOR(ts), INTERVAL '5' MINUTE)"},
	{"aggregate", "GROUPING", "GROUPING(x, …)", "with GROUPING SETS, ROLLUP and CUBE: a bit for each x, set where it is not grouped by", "GROUPING(item)"},
	{"aggregate", "GROUPING_ID", "GROUPING_ID(x, …)", "GROUPING under another name", "GROUPING_ID(item)"},
	{"aggregate", "GROUP_ID", "GROUP_ID()", "the number of a grouping set that is there more than once", "GROUP_ID()"},
	{"match", "FIRST", "FIRST(variable.column [, n])", "in MATCH_RECOGNIZE: the column of the n-th row of a variable, from 0", "FIRST(a.price)"},
	{"match", "LAST", "LAST(variable.column [, n])", "in MATCH_RECOGNIZE: the column of the n-th row of a variable from its end, from 0", "LAST(a.price, 1)"},
	{"match", "MATCH_ROWTIME", "MATCH_ROWTIME([column])", "in MATCH_RECOGNIZE: the event time of the last row, as a time attribute", "MATCH_ROWTIME()"},
	{"match", "MATCH_PROCTIME", "MATCH_PROCTIME()", "in MATCH_RECOGNIZE: the processing time, as a time attribute", "MATCH_PROCTIME()"},
}

// Functions returns all built-in functions, by kind and name. Those without a
// signature are inner workings and left out.
func Functions() []Function {
	var out []Function
	for _, name := range fn.Names() {
		f := fn.Lookup(name)
		if f.Name == name && f.Doc.Signature != "" && !strings.HasSuffix(name, " NOW") {
			out = append(out, Function{Name: f.Name, Aliases: f.Aliases, Kind: "scalar", Doc: f.Doc})
		}
	}
	out = append(out, aggregates()...)
	for _, name := range fn.TableNames() {
		if f := fn.LookupTable(name); f.Name == name && f.Doc.Signature != "" {
			out = append(out, Function{Name: name, Aliases: f.Aliases, Kind: "table", Doc: f.Doc})
		}
	}
	out = append(out,
		Function{Name: "CURRENT_DATABASE", Kind: "scalar", Doc: fn.Doc{Category: "conversion", Signature: "CURRENT_DATABASE()", Meaning: "the name of the current database", Example: "CURRENT_DATABASE()"}},
		Function{Name: "SOURCE_WATERMARK", Kind: "scalar", Doc: fn.Doc{Category: "temporal", Signature: "SOURCE_WATERMARK()", Meaning: "in a declaration of a watermark: the source gives its own", Example: "WATERMARK FOR ts AS SOURCE_WATERMARK()"}})
	for _, p := range places {
		out = append(out, Function{Name: p.name, Kind: p.kind, Doc: fn.Doc{Category: p.kind, Signature: p.signature, Meaning: p.meaning, Example: p.example}})
	}
	slices.SortStableFunc(out, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// aggregates are those that have a name in SQL. A name whose signature is that of
// another is an alias of it.
func aggregates() []Function {
	var out []Function
	for _, name := range agg.Names() {
		if doc, _ := agg.Doc(name); strings.HasPrefix(doc.Signature, name+"(") && name[0] != '$' && !strings.Contains(name, "_ON_NULL") {
			out = append(out, Function{Name: name, Kind: "aggregate", Doc: doc})
		}
	}
	for _, name := range agg.Names() {
		doc, _ := agg.Doc(name)
		for i := range out {
			if out[i].Signature == doc.Signature && out[i].Name != name && !strings.Contains(name, "_ON_NULL") {
				out[i].Aliases = append(out[i].Aliases, name)
			}
		}
	}
	return out
}

// FunctionNamed returns what is known of a function by one of its names, in any
// case.
func FunctionNamed(name string) (Function, bool) {
	name = strings.ToUpper(name)
	for _, f := range Functions() {
		if f.Name == name || slices.Contains(f.Aliases, name) {
			return f, true
		}
	}
	return Function{}, false
}

// Result evaluates the example of a scalar function. ok is false for an example
// whose value is another each time, or that needs a query around it.
func (f Function) Result(env *fn.Env) (text string, t types.Type, ok bool, err error) {
	if f.Kind != "scalar" || f.Example == "" || f.Name == "SOURCE_WATERMARK" {
		return "", t, false, nil
	}
	if reg := fn.Lookup(f.Name); reg != nil && (reg.Volatile || reg.Constant) {
		return "", t, false, nil
	}
	e, err := parse.Expr(f.Example)
	if err != nil {
		return "", t, false, err
	}
	x := exprBinder{b: New(catalog.New(), env), clause: "an example"}
	bound, err := x.bind(e)
	if err != nil {
		return "", t, false, err
	}
	v, err := expr.EvalConst(bound, env)
	if err != nil {
		return "", t, false, err
	}
	return string(expr.AppendText(nil, bound.Type, v, 0, env.Zone)), bound.Type.Plain(), true, nil
}

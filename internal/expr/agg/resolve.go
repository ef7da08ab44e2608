package agg

import (
	"fmt"
	"maps"
	"slices"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// A function is a row of the table of aggregate functions.
type function struct {
	doc    fn.Doc
	min    int                                                                   // arguments
	max    int                                                                   // …
	takes  string                                                                // in an error: "a number"
	accept func(types.Type) bool                                                 // of the first argument
	ret    func(arg types.Type) types.Type                                       // from the first argument
	make   func(jobgraph.AggCall, bool) (Agg, error)                             //
	orders bool                                                                  // ORDER BY means something
	all    func(args []types.Type) (ret types.Type, casts []types.Type, ok bool) // instead of accept and ret
	// resolve is instead of all of these.
	resolve func(args []types.Type) (ret types.Type, casts []types.Type, err error)
	text    bool // the arguments are cast to STRING
}

// functions are all aggregate functions by name; aliases are entries of their own.
var functions map[string]*function

func init() {
	one := func(sig, meaning, example, takes string, accept func(types.Type) bool, ret func(types.Type) types.Type,
		make func(jobgraph.AggCall, bool) (Agg, error)) *function {
		return &function{doc: fn.Doc{Category: "aggregate", Signature: sig, Meaning: meaning, Example: example},
			min: 1, max: 1, takes: takes, accept: accept, ret: ret, make: make}
	}
	number := types.Type.Numeric
	bigint := func(types.Type) types.Type { return types.TBigInt.Nullable(false) }
	same := func(t types.Type) types.Type { return t.Plain() }
	null := func(t types.Type) types.Type { return t.Plain().Nullable(true) }

	functions = map[string]*function{
		"COUNT":        one("COUNT(*) | COUNT([DISTINCT] x)", "the number of rows, or of values that are not NULL", "COUNT(DISTINCT user_id)", "a value", anything, bigint, newCount),
		"SUM":          one("SUM([DISTINCT] x)", "the sum in the argument's type (it wraps); DECIMAL(p, s) gives DECIMAL(38, s), NULL when that overflows", "SUM(price)", "a number", number, sumType, newSum(sumPlain)),
		"$SUM0":        one("$SUM0(x)", "as SUM, but 0 over no rows", "$SUM0(n)", "a number", number, func(t types.Type) types.Type { return sumType(t).Nullable(false) }, newSum(sumZero)),
		"AVG":          one("AVG([DISTINCT] x)", "the mean; of integers it is an integer, cut; DECIMAL(p, s) gives DECIMAL(38, max(6, s))", "AVG(price)", "a number", number, meanType, newSum(sumMean)),
		"MIN":          one("MIN(x)", "the least value", "MIN(ts)", "a value that can be ordered", ordered, same, newExtreme(-1)),
		"MAX":          one("MAX(x)", "the greatest value", "MAX(price)", "a value that can be ordered", ordered, same, newExtreme(1)),
		"STDDEV_POP":   one("STDDEV_POP(x)", "the standard deviation of the population, in the type of AVG(x)", "STDDEV_POP(x)", "a number", number, meanType, newVariance(false, true)),
		"STDDEV_SAMP":  one("STDDEV_SAMP(x)", "the standard deviation of the sample, in the type of AVG(x); NULL for one row", "STDDEV_SAMP(x)", "a number", number, sampleType, newVariance(true, true)),
		"VAR_POP":      one("VAR_POP(x)", "the variance of the population, in the type of AVG(x)", "VAR_POP(x)", "a number", number, meanType, newVariance(false, false)),
		"VAR_SAMP":     one("VAR_SAMP(x)", "the variance of the sample, in the type of AVG(x); NULL for one row", "VAR_SAMP(x)", "a number", number, sampleType, newVariance(true, false)),
		"FIRST_VALUE":  one("FIRST_VALUE(x)", "the first value that is not NULL, in the order of arrival", "FIRST_VALUE(url)", "a value", anything, same, newFirst(pickFirst)),
		"LAST_VALUE":   one("LAST_VALUE(x)", "the last value that is not NULL, in the order of arrival", "LAST_VALUE(url)", "a value", anything, same, newFirst(pickLast)),
		"SINGLE_VALUE": one("SINGLE_VALUE(x)", "the one value; an error if there are several", "SINGLE_VALUE(x) FILTER (WHERE n = 1)", "a value", anything, null, newFirst(pickSingle)),
		"LISTAGG":      one("LISTAGG([DISTINCT] x [, separator])", "the texts joined, in the order of arrival; the separator is a comma by default; NULLs are passed over", "LISTAGG(name, '; ')", "a text", textual, same, newList(endJoin, false)),
		"COLLECT": one("COLLECT([DISTINCT] x)", "the multiset of the values that are not NULL", "COLLECT(tag)", "a value", anything,
			func(t types.Type) types.Type { return types.MultisetOf(t.Plain()).Nullable(false) }, newList(endMultiset, false)),
		"ARRAY_AGG": one("ARRAY_AGG([DISTINCT] x)", "the array of the values with NULLs, in the order of arrival", "ARRAY_AGG(tag)", "a value", anything,
			func(t types.Type) types.Type { return types.ArrayOf(t.Plain()) }, newList(endArray, true)),
		"APPROX_COUNT_DISTINCT": one("APPROX_COUNT_DISTINCT(x)", "the number of different values; here it is exact", "APPROX_COUNT_DISTINCT(user_id)", "a value", anything, bigint, newCount),
	}
	object := func(name, meaning string, nulls bool) *function {
		f := one("JSON_OBJECTAGG(KEY k VALUE v [NULL | ABSENT ON NULL])", meaning, "JSON_OBJECTAGG(KEY url VALUE price)", "a text and a value that JSON has", textual, jsonText, newList(endJSONObject, nulls))
		f.min, f.max = 2, 2
		f.all = func(args []types.Type) (types.Type, []types.Type, bool) {
			ok := args[0].Character() && jsonable(args[1])
			return jsonText(args[0]), []types.Type{types.TString.Nullable(!args[0].NotNull), args[1].Plain()}, ok
		}
		return f
	}
	array := func(nulls bool) *function {
		f := one("JSON_ARRAYAGG(v [NULL | ABSENT ON NULL])", "a JSON array of the values, in the order of arrival; without NULLs by default", "JSON_ARRAYAGG(price)", "a value that JSON has", jsonable, jsonText, newList(endJSONArray, nulls))
		f.orders = true
		return f
	}
	functions["JSON_OBJECTAGG"] = object("JSON_OBJECTAGG", "a JSON object of the rows, with NULLs by default; a key that is NULL or there twice is an error", true)
	functions["JSON_OBJECTAGG_ABSENT_ON_NULL"] = object("", "JSON_OBJECTAGG with ABSENT ON NULL", false)
	functions["JSON_OBJECTAGG_NULL_ON_NULL"] = functions["JSON_OBJECTAGG"]
	functions["JSON_ARRAYAGG"] = array(false)
	functions["JSON_ARRAYAGG_ABSENT_ON_NULL"] = functions["JSON_ARRAYAGG"]
	functions["JSON_ARRAYAGG_NULL_ON_NULL"] = array(true)
	maps.Copy(functions, bitmaps(one))
	functions["PERCENTILE"] = one("PERCENTILE(x, p [, frequency])", "the exact percentile, with linear interpolation; p is between 0 and 1, or an array of such", "PERCENTILE(latency, 0.99)",
		"a number, a number or an array of numbers, and an integer", number, null, newList(endPercentile, false))
	functions["PERCENTILE"].min, functions["PERCENTILE"].max = 2, 3
	functions["PERCENTILE"].all = resolvePercentile
	functions["ARRAY_AGG"].orders, functions["LISTAGG"].orders = true, true
	functions["COUNT"].min, functions["COUNT"].accept = 0, anything
	functions["LISTAGG"].max, functions["LISTAGG"].text = 2, true
	functions["STDDEV"] = functions["STDDEV_SAMP"]
	functions["VARIANCE"] = functions["VAR_SAMP"]
	functions["SUM0"] = functions["$SUM0"]
}

func anything(types.Type) bool  { return true }
func textual(t types.Type) bool { return t.Character() }
func ordered(t types.Type) bool {
	return t.Kind != types.Null && fixed(t) || t.Phys() == types.PhysBytes && !t.Coded()
}

func jsonText(types.Type) types.Type {
	return types.Type{Kind: types.Varchar, Len: 2000, NotNull: true}
}

// jsonable reports whether a value is a JSON number, text or boolean.
func jsonable(t types.Type) bool {
	return t.Numeric() || t.Character() || t.Kind == types.Boolean
}

func sumType(t types.Type) types.Type {
	if t.Kind == types.Decimal {
		return types.DecimalOf(types.DecimalMax, t.Scale).Nullable(!t.NotNull)
	}
	return t
}

func meanType(t types.Type) types.Type {
	if t.Kind == types.Decimal {
		return types.DecimalOf(types.DecimalMax, max(6, t.Scale)).Nullable(!t.NotNull)
	}
	return t
}

func sampleType(t types.Type) types.Type { return meanType(t).Nullable(true) }

// Resolve returns the type of a call and what its arguments are to be cast to.
// The result is NOT NULL when the argument is; the caller makes it nullable where
// a group may have no rows (no GROUP BY, or a FILTER), but for COUNT and COLLECT.
func Resolve(name string, args []types.Type) (ret types.Type, casts []types.Type, err error) {
	f := functions[name]
	if f == nil {
		return ret, nil, fmt.Errorf("there is no aggregate function %s", name)
	}
	if f.resolve != nil {
		return f.resolve(args)
	}
	if len(args) < f.min || len(args) > f.max {
		return ret, nil, fmt.Errorf("%s takes %s, not %d", name, arity(f), len(args))
	}
	if len(args) == 0 {
		return f.ret(types.TNull), nil, nil
	}
	if f.all != nil {
		ret, casts, ok := f.all(args)
		if !ok {
			return ret, nil, fmt.Errorf("%s takes %s", name, f.takes)
		}
		return ret, casts, nil
	}
	casts = slices.Clone(args)
	for i, t := range args {
		if i == 0 && !f.accept(t) || i > 0 && f.text && !t.Character() {
			return ret, nil, fmt.Errorf("%s takes %s, not %s", name, f.takes, t.Name())
		}
		casts[i] = t.Plain()
		if f.text {
			casts[i] = types.TString.Nullable(!t.NotNull)
		}
	}
	return f.ret(casts[0]), casts, nil
}

func arity(f *function) string {
	switch {
	case f.min == f.max:
		return []string{"", "one argument", "two arguments"}[f.min]
	case f.min == 2:
		return "two or three arguments"
	case f.min == 0:
		return "no argument (*) or one"
	}
	return "one or two arguments"
}

// Known reports whether name, in upper case, is an aggregate function.
func Known(name string) bool { return functions[name] != nil }

// Names returns the names of all aggregate functions, sorted.
func Names() []string { return slices.Sorted(maps.Keys(functions)) }

// Doc returns what the documentation says of a function.
func Doc(name string) (fn.Doc, bool) {
	f := functions[name]
	if f == nil {
		return fn.Doc{}, false
	}
	return f.doc, true
}

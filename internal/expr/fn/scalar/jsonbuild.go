package scalar

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(
		&fn.Func{Name: "JSON_OBJECT", Resolve: resolveJSONObject, Doc: doc("json", "JSON_OBJECT([KEY] k VALUE v, … [NULL|ABSENT ON NULL])", "an object, its keys in order", "JSON_OBJECT('K' VALUE 1)")},
		&fn.Func{Name: "JSON_ARRAY", Resolve: resolveJSONArray, Doc: doc("json", "JSON_ARRAY(v, … [NULL|ABSENT ON NULL])", "an array", "JSON_ARRAY(1, 2)")},
		kernel.Define("JSON", doc("json", "JSON(s)", "inside JSON_OBJECT and JSON_ARRAY, a text that is JSON already", "JSON_OBJECT('K' VALUE JSON('{}'))"),
			kernel.Sig{Args: oneText, Ret: types.TString, Eval: func(_ *fn.Call, args []vec.Vector, _ []int32, _ int) (vec.Vector, error) { return args[0], nil }}),
		kernel.Define("JSON_STRING", doc("json", "JSON_STRING(x)", "any value as JSON", "JSON_STRING(1)"),
			kernel.Sig{Args: []kernel.Want{kernel.Anything}, Ret: types.TString, Eval: evalJSONString}),
		kernel.Define("JSON_QUOTE", doc("json", "JSON_QUOTE(s)", "a text as a JSON string", `JSON_QUOTE('a"b')`),
			kernel.Sig{Args: oneText, Ret: types.TString, Eval: kernel.TextToText(quoteJSON)}),
		kernel.Define("JSON_UNQUOTE", doc("json", "JSON_UNQUOTE(s)", "the text of a JSON string; what is none stays as it is", `JSON_UNQUOTE('"ab"')`),
			kernel.Sig{Args: oneText, Ret: types.TString, Eval: kernel.TextToText(unquoteJSON)}),
	)
	for _, kind := range []string{"", " VALUE", " OBJECT", " ARRAY", " SCALAR"} {
		fn.Register(jsonTest("IS JSON"+kind, kind, true), jsonTest("IS NOT JSON"+kind, kind, false))
	}
}

// jsonTest is IS [NOT] JSON; NULL is no JSON.
func jsonTest(name, kind string, want bool) *fn.Func {
	return kernel.Define(name, doc("json", "s "+name, "whether a text is JSON of that kind; NULL is none", "'{}' "+name),
		kernel.Sig{Args: oneText, Ret: types.TBoolean, NullsIn: true, NeverNull: true,
			Eval: func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
				s, nulls, j := kernel.Str(args[0]), kernel.NullsOf(args[0]), state[jsonCall](c)
				return kernel.Nums(rows, n, func(i int) bool {
					return (!nulls.At(i) && j.doc.Parse(kernel.TextOf(s.At(i))) && isJSON(kind, j.doc.Vals[0].Kind)) == want
				}), nil
			}})
}

func isJSON(kind string, is kernel.JSONKind) bool {
	switch kind {
	case " OBJECT":
		return is == kernel.JSONObject
	case " ARRAY":
		return is == kernel.JSONArray
	case " SCALAR":
		return is < kernel.JSONArray
	}
	return true
}

func unquoteJSON(dst, s []byte) []byte {
	var j kernel.JSON
	if len(s) < 2 || s[0] != '"' || !j.Parse(string(s)) || j.Vals[0].Kind != kernel.JSONString {
		return append(dst, s...)
	}
	return append(dst, j.Vals[0].Text...)
}

func evalJSONString(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	zone, t := types.NewZone(nil), c.Args[0].Type
	return kernel.Strs(rows, n, func(dst []byte, i int) []byte { return kernel.AppendJSON(dst, t, args[0], i, zone, false) }), nil
}

// rawJSON are the functions whose result is put into JSON as it is.
var rawJSON = map[string]bool{"JSON_OBJECT": true, "JSON_ARRAY": true, "JSON": true, "JSON_OBJECTAGG": true, "JSON_ARRAYAGG": true}

func onNullOf(name string, args []fn.Arg) (absent bool, err error) {
	if len(args) > 0 {
		switch args[0].Value {
		case "NULL":
			return false, nil
		case "ABSENT":
			return true, nil
		}
	}
	return false, fmt.Errorf("%s takes NULL or ABSENT as its first argument", name)
}

func resolveJSONObject(args []fn.Arg) (*fn.Impl, error) {
	absent, err := onNullOf("JSON_OBJECT", args)
	if err != nil || len(args)%2 == 0 {
		return nil, fmt.Errorf("JSON_OBJECT takes keys and values in turn, not %s", kernel.Given(args))
	}
	impl := &fn.Impl{Args: typesOf(args), Ret: types.TString.Nullable(false), NullsIn: true}
	for i := 1; i < len(args); i += 2 {
		if !args[i].Type.Character() {
			return nil, fmt.Errorf("a key of JSON_OBJECT is a text, not %s", args[i].Type.Name())
		}
	}
	impl.Eval = func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		zone := types.NewZone(nil)
		var keys []string
		var vals []int
		return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
			keys, vals = keys[:0], vals[:0]
			for k := 1; k < len(args); k += 2 {
				if args[k].Null(i) {
					return nil, false, fmt.Errorf("a key of JSON_OBJECT is NULL")
				}
				if !absent || !args[k+1].Null(i) {
					keys = append(keys, string(kernel.Str(args[k]).At(i)))
					vals = append(vals, k+1)
				}
			}
			return kernel.AppendJSONObject(dst, keys, func(dst []byte, k int) []byte {
				a := vals[k]
				return kernel.AppendJSON(dst, c.Args[a].Type, args[a], i, zone, rawJSON[c.Args[a].Func])
			}), true, nil
		})
	}
	return impl, nil
}

func resolveJSONArray(args []fn.Arg) (*fn.Impl, error) {
	absent, err := onNullOf("JSON_ARRAY", args)
	if err != nil {
		return nil, err
	}
	impl := &fn.Impl{Args: typesOf(args), Ret: types.TString.Nullable(false), NullsIn: true}
	impl.Eval = func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		zone := types.NewZone(nil)
		return kernel.Strs(rows, n, func(dst []byte, i int) []byte {
			dst = append(dst, '[')
			some := false
			for a := 1; a < len(args); a++ {
				if absent && args[a].Null(i) {
					continue
				}
				if some {
					dst = append(dst, ',')
				}
				some = true
				dst = kernel.AppendJSON(dst, c.Args[a].Type, args[a], i, zone, rawJSON[c.Args[a].Func])
			}
			return append(dst, ']')
		}), nil
	}
	return impl, nil
}

// quoteJSON is Flink's JSON_QUOTE: all but ASCII, and the slash, is escaped; control
// characters without a short form are not.
func quoteJSON(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range string(s) {
		switch at := strings.IndexRune("\"\\/\b\f\n\r\t", c); {
		case at >= 0:
			dst = append(dst, '\\', `"\/bfnrt`[at])
		case c < 0x80:
			dst = append(dst, byte(c))
		case c < 0x10000:
			dst = appendEscape(dst, c)
		default:
			high, low := utf16.EncodeRune(c)
			dst = appendEscape(appendEscape(dst, high), low)
		}
	}
	return append(dst, '"')
}

// appendEscape appends a unit of UTF-16 as JSON escapes it: \u20ac.
func appendEscape(dst []byte, u rune) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
}

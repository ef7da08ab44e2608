package scalar

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// The clauses of the JSON functions come as constant texts after the path:
//
//	JSON_EXISTS(json, path [, onError])              TRUE FALSE UNKNOWN ERROR
//	JSON_VALUE(json, path [, onEmpty, emptyDefault [, onError, errorDefault]])
//	                                                 NULL ERROR DEFAULT; a default is a
//	                                                 text, NULL where there is none
//	JSON_QUERY(json, path [, wrapper [, onEmpty [, onError]]])
//	                                                 WITHOUT CONDITIONAL UNCONDITIONAL;
//	                                                 NULL, EMPTY ARRAY, EMPTY OBJECT, ERROR
//	JSON_OBJECT(onNull, k, v, …), JSON_ARRAY(onNull, v, …)   NULL or ABSENT
//
// RETURNING a type is a TRY_CAST around the call.
func init() {
	two := []kernel.Want{kernel.Text, kernel.Text}
	more := func(n int) []kernel.Want {
		w := two
		for range n {
			w = append(w[:len(w):len(w)], kernel.Text)
		}
		return w
	}
	fn.Register(
		kernel.Define("JSON_EXISTS", doc("json", "JSON_EXISTS(json, path [TRUE|FALSE|UNKNOWN|ERROR ON ERROR])", "whether a path leads to a value that is not null", `JSON_EXISTS('{"a":true}', '$.a')`),
			kernel.Sig{Args: more(1), Opt: 1, Ret: types.TBoolean, MayBeNull: true, Eval: evalJSONExists}),
		kernel.Define("JSON_VALUE", doc("json", "JSON_VALUE(json, path [NULL|ERROR|DEFAULT x ON EMPTY] [… ON ERROR])", "the scalar at a path, as text", `JSON_VALUE('{"a":true}', '$.a')`),
			kernel.Sig{Args: more(4), Opt: 4, Ret: types.TString, MayBeNull: true, NullsIn: true, Eval: evalJSONValue}),
		kernel.Define("JSON_QUERY", doc("json", "JSON_QUERY(json, path [WITH WRAPPER] [… ON EMPTY] [… ON ERROR])", "the object or array at a path, as JSON", `JSON_QUERY('{"a":{"b":1}}', '$.a')`),
			kernel.Sig{Args: more(3), Opt: 3, Ret: types.TString, MayBeNull: true, Eval: evalJSONQuery}),
		kernel.Define("RETURNING ARRAY", doc("json", "JSON_QUERY(json, path RETURNING ARRAY<STRING>)", "the elements of a JSON array as texts; NULL for other JSON", `JSON_QUERY('{"a":[1]}', '$.a' RETURNING ARRAY<STRING>)`),
			kernel.Sig{Args: oneText, Ret: types.ArrayOf(types.TString), MayBeNull: true, Eval: evalJSONTexts}),
	)
}

// A jsonCall is the scratch of a JSON function.
type jsonCall struct {
	doc  kernel.JSON
	path kernel.Cache[*kernel.JSONPath]
}

// A jsonResult is where a path leads: to nothing or null (empty), which at a strict
// path is an error (failed), or to places of the document.
type jsonResult struct {
	failed, empty bool
	lax, many     bool
	places        []int
}

func (c *jsonCall) find(json, path []byte) (jsonResult, error) {
	p, err := c.path.Get(path, kernel.NewJSONPath)
	if err != nil {
		return jsonResult{}, err
	}
	r := jsonResult{lax: p.Lax, many: p.Many()}
	if !c.doc.Parse(kernel.TextOf(json)) {
		r.failed, r.empty = !p.Lax, true
		return r, nil
	}
	places, missing := p.Find(&c.doc)
	r.places = places
	r.empty = missing || !r.many && c.doc.Vals[places[0]].Kind == kernel.JSONNull
	r.failed = r.empty && !p.Lax
	return r, nil
}

// clause returns the i-th argument, a constant, or what stands for it.
func clause(args []vec.Vector, i int, otherwise string) string {
	if i >= len(args) {
		return otherwise
	}
	return string(kernel.Str(args[i]).At(0))
}

func evalJSONExists(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, path, j := kernel.Str(args[0]), kernel.Str(args[1]), state[jsonCall](c)
	onError := clause(args, 2, "FALSE")
	var failed error
	v := kernel.NumsNull(rows, n, func(i int) (bool, bool) {
		r, err := j.find(s.At(i), path.At(i))
		switch {
		case err != nil:
			failed = err
		case !r.failed:
			return !r.empty, true
		case onError == "ERROR":
			failed = fmt.Errorf("the JSON path %q leads nowhere in %.200q", path.At(i), s.At(i))
		}
		return onError == "TRUE", onError != "UNKNOWN"
	})
	return v, failed
}

func evalJSONValue(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, path, j := kernel.Str(args[0]), kernel.Str(args[1]), state[jsonCall](c)
	sn, pn := kernel.NullsOf(args[0]), kernel.NullsOf(args[1])
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		if sn.At(i) || pn.At(i) {
			return dst, false, nil
		}
		r, err := j.find(s.At(i), path.At(i))
		if err != nil {
			return nil, false, err
		}
		scalar := !r.empty && !r.many && j.doc.Vals[r.places[0]].Kind < kernel.JSONArray
		switch {
		case scalar:
			return j.doc.AppendText(dst, r.places[0]), true, nil
		case !r.lax:
			return otherwise(dst, args, 4, i, "ERROR", path.At(i), s.At(i))
		}
		return otherwise(dst, args, 2, i, "EMPTY", path.At(i), s.At(i))
	})
}

// otherwise applies the ON EMPTY or ON ERROR clause at args[at:].
func otherwise(dst []byte, args []vec.Vector, at, row int, event string, path, json []byte) ([]byte, bool, error) {
	switch clause(args, at, "NULL") {
	case "ERROR":
		return nil, false, fmt.Errorf("JSON_VALUE has no scalar at the path %q of %.200q (ERROR ON %s)", path, json, event)
	case "DEFAULT":
		if at+1 < len(args) && !kernel.NullsOf(args[at+1]).At(row) {
			return append(dst, kernel.Str(args[at+1]).At(row)...), true, nil
		}
	}
	return dst, false, nil
}

func evalJSONQuery(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, path, j := kernel.Str(args[0]), kernel.Str(args[1]), state[jsonCall](c)
	wrapper, onEmpty, onError := clause(args, 2, "WITHOUT"), clause(args, 3, "NULL"), clause(args, 4, "NULL")
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		r, err := j.find(s.At(i), path.At(i))
		if err != nil {
			return nil, false, err
		}
		if r.failed {
			return instead(dst, onError, "ERROR", path.At(i), s.At(i))
		}
		if r.empty {
			return instead(dst, onEmpty, "EMPTY", path.At(i), s.At(i))
		}
		list := r.many || j.doc.Vals[r.places[0]].Kind == kernel.JSONArray
		scalar := !r.many && j.doc.Vals[r.places[0]].Kind < kernel.JSONArray
		wrap := wrapper == "UNCONDITIONAL" || wrapper == "CONDITIONAL" && !list
		switch {
		case scalar && !wrap && r.lax:
			return instead(dst, onEmpty, "EMPTY", path.At(i), s.At(i))
		case scalar && !wrap:
			return instead(dst, onError, "ERROR", path.At(i), s.At(i))
		}
		return j.append(dst, r, wrap), true, nil
	})
}

// append appends what a path found, in an array if there may be several, and in
// another if it is wrapped.
func (c *jsonCall) append(dst []byte, r jsonResult, wrap bool) []byte {
	if wrap {
		dst = append(dst, '[')
	}
	if r.many {
		dst = append(dst, '[')
	}
	for i, at := range r.places {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.doc.Append(dst, at)
	}
	if r.many {
		dst = append(dst, ']')
	}
	if wrap {
		dst = append(dst, ']')
	}
	return dst
}

func instead(dst []byte, what, event string, path, json []byte) ([]byte, bool, error) {
	switch what {
	case "EMPTY ARRAY":
		return append(dst, "[]"...), true, nil
	case "EMPTY OBJECT":
		return append(dst, "{}"...), true, nil
	case "ERROR":
		return nil, false, fmt.Errorf("JSON_QUERY has no object or array at the path %q of %.200q (ERROR ON %s)", path, json, event)
	}
	return dst, false, nil
}

// evalJSONTexts makes an array of the elements of a JSON array: scalars as their text,
// null as NULL, arrays and objects as JSON.
func evalJSONTexts(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s := kernel.Str(args[0])
	var doc kernel.JSON
	return buildRows(c.Ret, rows, n, func(b *vec.Builder, i int) {
		if !doc.Parse(string(s.At(i))) || doc.Vals[0].Kind != kernel.JSONArray {
			b.Null()
			return
		}
		for k := doc.Vals[0].Kid; k != 0; k = doc.Vals[k].Next {
			switch v := doc.Vals[k]; {
			case v.Kind == kernel.JSONNull:
				b.Kid(0).Null()
			case v.Kind < kernel.JSONArray:
				b.Kid(0).Bytes([]byte(v.Text))
			default:
				b.Kid(0).Bytes(doc.Append(nil, k))
			}
		}
		b.End()
	}), nil
}

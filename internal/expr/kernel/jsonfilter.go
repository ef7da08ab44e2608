package kernel

import (
	"strconv"
	"strings"
)

// A jsonFilter is the condition of a path's step [?(…)]: comparisons and tests of
// paths that begin with @, the value that is tested, joined by &&, || and !.
type jsonFilter interface {
	holds(j *JSON, at int) bool
}

type (
	jsonAnd     struct{ a, b jsonFilter }
	jsonOr      struct{ a, b jsonFilter }
	jsonNot     struct{ a jsonFilter }
	jsonHas     struct{ path *JSONPath }
	jsonCompare struct {
		op   string
		a, b jsonOperand
	}
	// A jsonOperand is a path, or a value if path is nil.
	jsonOperand struct {
		path  *JSONPath
		value JSONValue
	}
)

func (f jsonAnd) holds(j *JSON, at int) bool { return f.a.holds(j, at) && f.b.holds(j, at) }
func (f jsonOr) holds(j *JSON, at int) bool  { return f.a.holds(j, at) || f.b.holds(j, at) }
func (f jsonNot) holds(j *JSON, at int) bool { return !f.a.holds(j, at) }

func (f jsonHas) holds(j *JSON, at int) bool {
	places, missing := f.path.from(j, at)
	return !missing && len(places) > 0
}

func (f jsonCompare) holds(j *JSON, at int) bool {
	a, ok := f.a.get(j, at)
	b, ok2 := f.b.get(j, at)
	if !ok || !ok2 {
		return false
	}
	c, ordered := compareJSON(a, b)
	switch f.op {
	case "==":
		return ordered && c == 0
	case "!=":
		return !ordered || c != 0
	case "<":
		return ordered && c < 0
	case "<=":
		return ordered && c <= 0
	case ">":
		return ordered && c > 0
	}
	return ordered && c >= 0
}

func (o jsonOperand) get(j *JSON, at int) (JSONValue, bool) {
	if o.path == nil {
		return o.value, true
	}
	places, missing := o.path.from(j, at)
	if missing || len(places) != 1 {
		return JSONValue{}, false
	}
	return j.Vals[places[0]], true
}

// compareJSON orders numbers and texts; other values are equal or not ordered.
func compareJSON(a, b JSONValue) (c int, ordered bool) {
	switch {
	case a.Kind != b.Kind || a.Kind >= JSONArray:
		return 0, false
	case a.Kind == JSONNumber:
		x, _ := strconv.ParseFloat(a.Text, 64)
		y, _ := strconv.ParseFloat(b.Text, 64)
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	case a.Kind == JSONString:
		return strings.Compare(a.Text, b.Text), true
	}
	return 0, a.Text == b.Text
}

// A filterReader reads a condition from the front of a text; bad sticks.
type filterReader struct {
	s   string
	bad bool
}

// readFilter reads ?(condition)] and returns what follows it.
func readFilter(s string) (f jsonFilter, rest string, ok bool) {
	r := &filterReader{s: strings.TrimPrefix(s, "?")}
	if !r.take("(") {
		return nil, s, false
	}
	f = r.or()
	ok = r.take(")") && r.take("]") && !r.bad
	return f, r.s, ok
}

func (r *filterReader) take(word string) bool {
	r.s = strings.TrimLeft(r.s, " ")
	rest, ok := strings.CutPrefix(r.s, word)
	if ok {
		r.s = rest
	}
	return ok
}

func (r *filterReader) or() jsonFilter {
	f := r.and()
	for r.take("||") {
		f = jsonOr{f, r.and()}
	}
	return f
}

func (r *filterReader) and() jsonFilter {
	f := r.test()
	for r.take("&&") {
		f = jsonAnd{f, r.test()}
	}
	return f
}

func (r *filterReader) test() jsonFilter {
	switch {
	case r.take("!"):
		return jsonNot{r.test()}
	case r.take("("):
		f := r.or()
		r.bad = r.bad || !r.take(")")
		return f
	}
	a := r.operand()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if r.take(op) {
			return jsonCompare{op, a, r.operand()}
		}
	}
	r.bad = r.bad || a.path == nil
	return jsonHas{a.path}
}

func (r *filterReader) operand() jsonOperand {
	r.s = strings.TrimLeft(r.s, " ")
	if strings.HasPrefix(r.s, "@") {
		p := &JSONPath{}
		end := 1
		for end < len(r.s) && strings.IndexByte(" =!<>&|)", r.s[end]) < 0 {
			end++
		}
		r.bad = r.bad || p.read(r.s[1:end]) != ""
		r.s = r.s[end:]
		return jsonOperand{path: p}
	}
	if r.s != "" && (r.s[0] == '\'' || r.s[0] == '"') {
		if end := strings.IndexByte(r.s[1:], r.s[0]); end >= 0 {
			text := r.s[1 : end+1]
			r.s = r.s[end+2:]
			return jsonOperand{value: JSONValue{Kind: JSONString, Text: text}}
		}
	}
	end := 0
	for end < len(r.s) && strings.IndexByte(" =!<>&|)", r.s[end]) < 0 {
		end++
	}
	word := r.s[:end]
	r.s = r.s[end:]
	kind := JSONNumber
	switch word {
	case "true", "false":
		kind = JSONBool
	case "null":
		kind = JSONNull
	default:
		_, err := strconv.ParseFloat(word, 64)
		r.bad = r.bad || err != nil
	}
	return jsonOperand{value: JSONValue{Kind: kind, Text: word}}
}

package kernel

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A JSONPath is a compiled path: lax or strict (the default), and steps such as
// $.a, $['a'], $['a','b'], $[1], $[-1], $[0,2], $[1:3], $[*], $.*, $..a, $[?(@.a > 1)]
// and $.length().
type JSONPath struct {
	Lax   bool
	steps []jsonStep
	many  bool // it has a step that may give several values
}

type jsonStep struct {
	kind    stepKind
	key     string
	index   int
	keys    []string // of stepKeys
	indexes []int    // of stepIndexes; of stepSlice from and to
	filter  jsonFilter
}

type stepKind uint8

const (
	stepKey stepKind = iota
	stepIndex
	stepKeys   // an object of some of the members
	stepLength // the number of elements or members
	stepIndexes
	stepSlice
	stepFilter
	stepAll
	stepDeep // the key at any depth; every value if it is empty
)

var jsonMode = regexp.MustCompile(`^\s*(strict|lax)\s+(.+)$`)

// NewJSONPath compiles a path.
func NewJSONPath(text string) (*JSONPath, error) {
	p := &JSONPath{}
	spec := text
	if m := jsonMode.FindStringSubmatch(text); m != nil {
		p.Lax, spec = m[1] == "lax", m[2]
	}
	spec = strings.TrimSpace(spec)
	if !strings.HasPrefix(spec, "$") {
		spec = "$." + spec
	}
	if rest := p.read(spec[1:]); rest != "" {
		return nil, fmt.Errorf("cannot read the JSON path %q at %q", text, rest)
	}
	return p, nil
}

// read appends the steps of a path, and returns what it cannot read.
func (p *JSONPath) read(rest string) string {
	for rest != "" {
		step, left, ok := jsonPathStep(rest)
		if !ok {
			return rest
		}
		p.steps = append(p.steps, step)
		p.many = p.many || step.kind >= stepIndexes
		rest = left
	}
	return ""
}

func jsonPathStep(s string) (step jsonStep, rest string, ok bool) {
	switch {
	case strings.HasPrefix(s, ".."):
		step.kind = stepDeep
		if strings.HasPrefix(s, "..[") {
			return step, s[2:], true
		}
		step.key, rest = jsonName(s[2:])
		if step.key == "*" {
			step.key = ""
		}
		return step, rest, true
	case s[0] == '.':
		step.key, rest = jsonName(s[1:])
		switch step.key {
		case "*":
			step.kind = stepAll
		case "length()":
			step.kind = stepLength
		}
		return step, rest, step.key != ""
	case s[0] != '[':
		return step, s, false
	}
	switch {
	case len(s) > 1 && (s[1] == '\'' || s[1] == '"'):
		return jsonKeys(s)
	case len(s) > 1 && s[1] == '?':
		step.kind = stepFilter
		var ok bool
		step.filter, rest, ok = readFilter(s[1:])
		return step, rest, ok
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return step, s, false
	}
	step, ok = jsonIndexes(s[1:end])
	return step, s[end+1:], ok
}

// jsonKeys reads ['a'] and ['a','b'].
func jsonKeys(s string) (step jsonStep, rest string, ok bool) {
	quote := s[1:2]
	end := strings.Index(s[2:], quote+"]")
	if end < 0 {
		return step, s, false
	}
	step.key, rest = s[2:end+2], s[end+4:]
	for key := range strings.SplitSeq(step.key, quote+","+quote) {
		step.keys = append(step.keys, key)
	}
	if len(step.keys) > 1 {
		step.kind = stepKeys
	}
	return step, rest, true
}

// jsonIndexes reads what is in brackets: *, 1, 1,2 or 1:2.
func jsonIndexes(s string) (step jsonStep, ok bool) {
	s = strings.TrimSpace(s)
	if s == "*" {
		step.kind = stepAll
		return step, true
	}
	if from, to, ok := strings.Cut(s, ":"); ok {
		step.kind, step.indexes = stepSlice, []int{0, math.MaxInt}
		for i, text := range []string{from, to} {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			n, err := strconv.Atoi(text)
			if err != nil {
				return step, false
			}
			step.indexes[i] = n
		}
		return step, true
	}
	step.kind = stepIndexes
	for text := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return step, false
		}
		step.indexes = append(step.indexes, n)
	}
	if len(step.indexes) == 1 {
		step.kind, step.index = stepIndex, step.indexes[0]
	}
	return step, true
}

func jsonName(s string) (name, rest string) {
	end := strings.IndexAny(s, ".[")
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:]
}

// Find returns the places of the values that the path leads to, and whether a
// step found nothing; Many says whether they are to be read as an array. The places
// are the document's scratch: they hold until the next Find.
func (p *JSONPath) Find(j *JSON) (places []int, missing bool) {
	j.Vals = j.Vals[:j.parsed] // a former path may have made values
	places, next, missing := p.walk(j, append(j.places[0][:0], 0), j.places[1])
	j.places = [2][]int{places, next}
	if missing {
		return nil, true
	}
	return places, false
}

// from is Find that starts at a value, for the paths inside of a filter.
func (p *JSONPath) from(j *JSON, at int) (places []int, missing bool) {
	places, _, missing = p.walk(j, []int{at}, nil)
	return places, missing
}

// walk takes the steps from the values at places; next is scratch.
func (p *JSONPath) walk(j *JSON, places, next []int) (found, scratch []int, missing bool) {
	for k, s := range p.steps {
		next = next[:0]
		for _, at := range places {
			next = j.step(next, at, s)
		}
		if len(next) == 0 && (!p.many || p.definite(k) && !j.fits(places[0], s)) {
			return places, next, true
		}
		places, next = next, places
	}
	return places, next, false
}

// Many reports whether the path may lead to several values.
func (p *JSONPath) Many() bool { return p.many }

// definite tells if one value comes to a step: all steps before it give one.
func (p *JSONPath) definite(step int) bool {
	return !slices.ContainsFunc(p.steps[:step], func(s jsonStep) bool { return s.kind >= stepIndexes })
}

// fits tells if a step can be taken from a value, though it may lead nowhere.
func (j *JSON) fits(at int, s jsonStep) bool {
	switch s.kind {
	case stepIndexes, stepSlice:
		return j.Vals[at].Kind == JSONArray
	case stepKey, stepIndex, stepKeys, stepLength:
		return false
	}
	return true
}

func (j *JSON) step(to []int, at int, s jsonStep) []int {
	v := &j.Vals[at]
	switch s.kind {
	case stepKeys:
		if v.Kind == JSONObject {
			return append(to, j.pick(at, s.keys))
		}
	case stepLength:
		if v.Kind >= JSONArray {
			return append(to, j.made(JSONValue{Kind: JSONNumber, Text: strconv.Itoa(len(j.kids(at)))}))
		}
	case stepIndexes, stepSlice:
		if v.Kind == JSONArray {
			return append(to, s.among(j.kids(at))...)
		}
	case stepFilter:
		kids := []int{at}
		if v.Kind == JSONArray {
			kids = j.kids(at)
		}
		for _, k := range kids {
			if s.filter.holds(j, k) {
				to = append(to, k)
			}
		}
	case stepKey:
		if v.Kind == JSONObject {
			if k := j.member(at, s.key); k > 0 {
				return append(to, k)
			}
		}
	case stepIndex:
		if v.Kind == JSONArray {
			if k := j.elem(at, s.index); k > 0 {
				return append(to, k)
			}
		}
	case stepAll:
		for k := v.Kid; k != 0; k = j.Vals[k].Next {
			to = append(to, k)
		}
	case stepDeep:
		if s.key == "" {
			to = append(to, at)
		} else if v.Kind == JSONObject {
			to = j.step(to, at, jsonStep{key: s.key})
		}
		for k := v.Kid; k != 0; k = j.Vals[k].Next {
			to = j.step(to, k, s)
		}
	}
	return to
}

// kids returns the places of the elements or members of a value.
func (j *JSON) kids(at int) []int {
	var out []int
	for k := j.Vals[at].Kid; k != 0; k = j.Vals[k].Next {
		out = append(out, k)
	}
	return out
}

// among picks elements by their numbers; negative ones count from the end.
func (s *jsonStep) among(kids []int) []int {
	place := func(i int) int {
		if i < 0 {
			i += len(kids)
		}
		return i
	}
	if s.kind == stepSlice {
		from, to := max(0, place(s.indexes[0])), min(len(kids), place(s.indexes[1]))
		return kids[min(from, len(kids)):max(min(from, len(kids)), to)]
	}
	var out []int
	for _, i := range s.indexes {
		if i = place(i); i >= 0 && i < len(kids) {
			out = append(out, kids[i])
		}
	}
	return out
}

// made adds a value that the document does not have.
func (j *JSON) made(v JSONValue) int {
	j.Vals = append(j.Vals, v)
	return len(j.Vals) - 1
}

// pick makes an object of some members of one.
func (j *JSON) pick(at int, keys []string) int {
	object := j.made(JSONValue{Kind: JSONObject})
	for _, key := range slices.Backward(keys) {
		if k := j.member(at, key); k > 0 {
			v := j.Vals[k]
			v.Next = j.Vals[object].Kid
			kid := j.made(v)
			j.Vals[object].Kid = kid
		}
	}
	return object
}

// member returns the last value of a key, 0 if there is none.
func (j *JSON) member(at int, key string) int {
	found := 0
	for k := j.Vals[at].Kid; k != 0; k = j.Vals[k].Next {
		if j.Vals[k].Key == key {
			found = k
		}
	}
	return found
}

// elem returns the i-th element from 0, or from the end if i is negative.
func (j *JSON) elem(at, i int) int {
	if i < 0 {
		n := 0
		for k := j.Vals[at].Kid; k != 0; k = j.Vals[k].Next {
			n++
		}
		i += n
		if i < 0 {
			return 0
		}
	}
	k := j.Vals[at].Kid
	for ; i > 0 && k != 0; i-- {
		k = j.Vals[k].Next
	}
	return k
}

// Append appends a value as compact JSON, the keys of objects in order.
func (j *JSON) Append(dst []byte, at int) []byte {
	v := &j.Vals[at]
	switch v.Kind {
	case JSONString:
		return AppendJSONString(dst, v.Text)
	case JSONArray:
		dst = append(dst, '[')
		for k := v.Kid; k != 0; k = j.Vals[k].Next {
			if k != v.Kid {
				dst = append(dst, ',')
			}
			dst = j.Append(dst, k)
		}
		return append(dst, ']')
	case JSONObject:
		return j.appendObject(dst, at)
	}
	return j.AppendText(dst, at)
}

// AppendText appends the text of a scalar: of a number as Java's BigDecimal has it.
func (j *JSON) AppendText(dst []byte, at int) []byte {
	v := &j.Vals[at]
	if v.Kind == JSONNumber {
		return appendBigDecimal(dst, v.Text)
	}
	return append(dst, v.Text...)
}

// appendBigDecimal appends a number as it is, but for a zero's sign and an exponent,
// which it keeps, or gets, if the number has no digit before it or many zeros behind
// the point (java.math.BigDecimal.toString).
func appendBigDecimal(dst []byte, text string) []byte {
	mantissa, exp := text, 0
	if e := strings.IndexAny(text, "eE"); e >= 0 {
		var err error
		if exp, err = strconv.Atoi(text[e+1:]); err != nil {
			return append(dst, text...)
		}
		mantissa = text[:e]
	}
	negative := strings.HasPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		digits, negative = "0", false
	}
	if negative {
		dst = append(dst, '-')
	}
	scale := len(fraction) - exp
	adjusted := len(digits) - 1 - scale
	switch {
	case scale < 0 || adjusted < -6:
		if dst = append(dst, digits[0]); len(digits) > 1 {
			dst = append(append(dst, '.'), digits[1:]...)
		}
		return append(dst, fmt.Sprintf("E%+d", adjusted)...)
	case scale == 0:
		return append(dst, digits...)
	case adjusted >= 0:
		return append(append(append(dst, digits[:adjusted+1]...), '.'), digits[adjusted+1:]...)
	}
	dst = append(dst, "0."...)
	for range -adjusted - 1 {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

func (j *JSON) appendObject(dst []byte, at int) []byte {
	var keys []int
	for k := j.Vals[at].Kid; k != 0; k = j.Vals[k].Next {
		if j.member(at, j.Vals[k].Key) == k {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b int) int { return strings.Compare(j.Vals[a].Key, j.Vals[b].Key) })
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendJSONString(dst, j.Vals[k].Key), ':')
		dst = j.Append(dst, k)
	}
	return append(dst, '}')
}

// AppendJSONString appends a text as a JSON string.
func AppendJSONString(dst []byte, s string) []byte {
	const hexDigits = "0123456789ABCDEF"
	dst = append(dst, '"')
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		default:
			if k := strings.IndexByte("\b\f\n\r\t", c); k >= 0 {
				dst = append(dst, '\\', "bfnrt"[k])
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
		}
	}
	return append(dst, '"')
}

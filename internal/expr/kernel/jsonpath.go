package kernel

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A JSONPath is a compiled path: lax or strict (the default), and steps such as
// $.a, $['a'], $[1], $[-1], $[*], $.* and $..a.
type JSONPath struct {
	Lax   bool
	steps []jsonStep
	many  bool // it has a step that may give several values
}

type jsonStep struct {
	kind  stepKind
	key   string
	index int
}

type stepKind uint8

const (
	stepKey stepKind = iota
	stepIndex
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
	for rest := spec[1:]; rest != ""; {
		step, left, ok := jsonPathStep(rest)
		if !ok {
			return nil, fmt.Errorf("cannot read the JSON path %q at %q", text, rest)
		}
		p.steps = append(p.steps, step)
		p.many = p.many || step.kind >= stepAll
		rest = left
	}
	return p, nil
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
		if step.key == "*" {
			step.kind = stepAll
		}
		return step, rest, step.key != ""
	case s[0] != '[':
		return step, s, false
	}
	end := strings.IndexByte(s, ']')
	if len(s) > 1 && (s[1] == '\'' || s[1] == '"') {
		if k := strings.Index(s[2:], s[1:2]+"]"); k >= 0 {
			step.key = s[2 : k+2]
			return step, s[k+4:], true
		}
		return step, s, false
	}
	if end < 0 {
		return step, s, false
	}
	if s[1:end] == "*" {
		step.kind = stepAll
		return step, s[end+1:], true
	}
	step.kind = stepIndex
	i, err := strconv.Atoi(strings.TrimSpace(s[1:end]))
	step.index = i
	return step, s[end+1:], err == nil
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
	places, next := append(j.places[0][:0], 0), j.places[1][:0]
	for _, s := range p.steps {
		next = next[:0]
		for _, at := range places {
			next = j.step(next, at, s)
		}
		if len(next) == 0 && !p.many {
			return nil, true
		}
		places, next = next, places
	}
	j.places = [2][]int{places, next}
	return places, false
}

// Many reports whether the path may lead to several values.
func (p *JSONPath) Many() bool { return p.many }

func (j *JSON) step(to []int, at int, s jsonStep) []int {
	v := &j.Vals[at]
	switch s.kind {
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
	return append(dst, v.Text...)
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

package kernel

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A JSONKind is what a JSON value is.
type JSONKind uint8

// The kinds of JSON values.
const (
	JSONNull JSONKind = iota
	JSONBool
	JSONNumber
	JSONString
	JSONArray
	JSONObject
)

// A JSONValue is a value of a JSON document. Next is the value after it in the
// same array or object, Kid the first one inside; 0 is none, as the root, which
// has the place 0, is never either.
type JSONValue struct {
	Kind      JSONKind
	Text      string // of numbers and booleans as written, of strings unescaped
	Key       string // in an object
	Kid, Next int
}

// A JSON is a parsed document; parsing again reuses its memory.
type JSON struct {
	Vals   []JSONValue
	parsed int // how many of them are the document's
	s      string
	at     int

	places [2][]int // scratch of JSONPath.Find
}

// jsonDepthMax bounds how deep arrays and objects nest.
const jsonDepthMax = 1000

// Parse reads a document; false if it is no JSON.
func (j *JSON) Parse(s string) bool {
	j.Vals, j.s, j.at = j.Vals[:0], s, 0
	if !j.value(0) {
		return false
	}
	j.blank()
	j.parsed = len(j.Vals)
	return j.at == len(s)
}

func (j *JSON) blank() {
	for j.at < len(j.s) && (j.s[j.at] == ' ' || j.s[j.at] == '\t' || j.s[j.at] == '\n' || j.s[j.at] == '\r') {
		j.at++
	}
}

// skip moves over a character that has to come next, after blanks.
func (j *JSON) skip(c byte) bool {
	j.blank()
	if j.at < len(j.s) && j.s[j.at] == c {
		j.at++
		return true
	}
	return false
}

func (j *JSON) value(depth int) bool {
	j.blank()
	if j.at == len(j.s) || depth > jsonDepthMax {
		return false
	}
	place := len(j.Vals)
	j.Vals = append(j.Vals, JSONValue{})
	switch c := j.s[j.at]; {
	case c == '{' || c == '[':
		return j.nested(place, depth)
	case c == '"':
		text, ok := j.text()
		j.Vals[place] = JSONValue{Kind: JSONString, Text: text}
		return ok
	case c == '-' || c >= '0' && c <= '9':
		return j.number(place)
	}
	for _, w := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(j.s[j.at:], w) {
			j.at += len(w)
			j.Vals[place] = JSONValue{Kind: JSONBool, Text: w}
			if w == "null" {
				j.Vals[place] = JSONValue{Kind: JSONNull, Text: w}
			}
			return true
		}
	}
	return false
}

func (j *JSON) nested(place, depth int) bool {
	object := j.s[j.at] == '{'
	end := byte(']')
	j.Vals[place].Kind = JSONArray
	if object {
		end = '}'
		j.Vals[place].Kind = JSONObject
	}
	j.at++
	if j.skip(end) {
		return true
	}
	last := 0
	for {
		key := ""
		if object {
			var ok bool
			j.blank()
			if key, ok = j.text(); !ok || !j.skip(':') {
				return false
			}
		}
		at := len(j.Vals)
		if !j.value(depth + 1) {
			return false
		}
		j.Vals[at].Key = key
		if last == 0 {
			j.Vals[place].Kid = at
		} else {
			j.Vals[last].Next = at
		}
		last = at
		if j.skip(end) {
			return true
		}
		if !j.skip(',') {
			return false
		}
	}
}

func (j *JSON) number(place int) bool {
	start := j.at
	digits := func() bool {
		from := j.at
		for j.at < len(j.s) && j.s[j.at] >= '0' && j.s[j.at] <= '9' {
			j.at++
		}
		return j.at > from
	}
	if j.s[j.at] == '-' {
		j.at++
	}
	zero := j.at < len(j.s) && j.s[j.at] == '0'
	from := j.at
	if !digits() || zero && j.at > from+1 {
		return false
	}
	if j.at < len(j.s) && j.s[j.at] == '.' {
		j.at++
		if !digits() {
			return false
		}
	}
	if j.at < len(j.s) && (j.s[j.at] == 'e' || j.s[j.at] == 'E') {
		j.at++
		if j.at < len(j.s) && (j.s[j.at] == '+' || j.s[j.at] == '-') {
			j.at++
		}
		if !digits() {
			return false
		}
	}
	j.Vals[place] = JSONValue{Kind: JSONNumber, Text: j.s[start:j.at]}
	return true
}

// text reads a string; one without escapes shares the document's memory.
func (j *JSON) text() (string, bool) {
	if j.at == len(j.s) || j.s[j.at] != '"' {
		return "", false
	}
	j.at++
	start := j.at
	for j.at < len(j.s) {
		switch c := j.s[j.at]; {
		case c == '"':
			j.at++
			return j.s[start : j.at-1], true
		case c == '\\':
			return j.escaped(start)
		case c < ' ':
			return "", false
		}
		j.at++
	}
	return "", false
}

func (j *JSON) escaped(start int) (string, bool) {
	out := []byte(j.s[start:j.at])
	for j.at < len(j.s) {
		c := j.s[j.at]
		j.at++
		switch {
		case c == '"':
			return string(out), true
		case c < ' ':
			return "", false
		case c != '\\':
			out = append(out, c)
			continue
		case j.at == len(j.s):
			return "", false
		}
		e := j.s[j.at]
		j.at++
		if e == 'u' {
			r, ok := j.unicode()
			if !ok {
				return "", false
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		k := strings.IndexByte(`"\/bfnrt`, e)
		if k < 0 {
			return "", false
		}
		out = append(out, "\"\\/\b\f\n\r\t"[k])
	}
	return "", false
}

// unicode reads what follows \u, with the second half of a pair.
func (j *JSON) unicode() (rune, bool) {
	r, ok := j.hex4()
	if ok && utf16.IsSurrogate(r) && strings.HasPrefix(j.s[j.at:], `\u`) {
		back := j.at
		j.at += 2
		if low, ok := j.hex4(); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, true
			}
		}
		j.at = back
	}
	return r, ok
}

func (j *JSON) hex4() (rune, bool) {
	if j.at+4 > len(j.s) {
		return 0, false
	}
	r := rune(0)
	for _, c := range j.s[j.at : j.at+4] {
		k := strings.IndexRune("0123456789abcdef", c|0x20)
		if c >= '0' && c <= '9' {
			k = int(c - '0')
		}
		if k < 0 {
			return 0, false
		}
		r = r<<4 | rune(k)
	}
	j.at += 4
	return r, true
}

package kernel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A runeSet is characters as ranges, ascending and apart.
type runeSet []runeRange

type runeRange struct{ lo, hi rune }

// normal sorts ranges and joins those that touch.
func (s runeSet) normal() runeSet {
	s = slices.Clone(s)
	slices.SortFunc(s, func(a, b runeRange) int { return int(a.lo - b.lo) })
	var out runeSet
	for _, r := range s {
		if n := len(out); n > 0 && r.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, r.hi)
		} else {
			out = append(out, r)
		}
	}
	return out
}

func (s runeSet) not() runeSet {
	var out runeSet
	next := rune(0)
	for _, r := range s.normal() {
		if r.lo > next {
			out = append(out, runeRange{next, r.lo - 1})
		}
		next = r.hi + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, runeRange{next, unicode.MaxRune})
	}
	return out
}

func (s runeSet) and(t runeSet) runeSet {
	return append(s.not(), t.not()...).not()
}

// foldMax bounds how many characters of a set have their other cases added: a set
// of more has them already, or nearly.
const foldMax = 1 << 12

// fold adds the other cases, of ASCII letters or of all.
func (s runeSet) fold(all bool) runeSet {
	out := slices.Clone(s)
	n := 0
	for _, r := range s {
		for c := r.lo; c <= r.hi && n < foldMax; c++ {
			n++
			if c > unicode.MaxASCII && !all {
				break
			}
			for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
				if all || f <= unicode.MaxASCII {
					out = append(out, runeRange{f, f})
				}
			}
		}
	}
	return out.normal()
}

// text writes the set as a class of regexp, or of regexp2, which knows \u0000 and
// takes what is beyond it as it is.
func (s runeSet) text(back bool) string {
	var b strings.Builder
	one := func(c rune) {
		switch {
		case c > 0xffff && back:
			b.WriteRune(c)
		case back:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			fmt.Fprintf(&b, `\x{%x}`, c)
		}
	}
	b.WriteByte('[')
	for _, r := range s.normal() {
		one(r.lo)
		if r.hi > r.lo {
			b.WriteByte('-')
			one(r.hi)
		}
	}
	b.WriteByte(']')
	return b.String()
}

func tableSet(t *unicode.RangeTable) runeSet {
	var out runeSet
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			out = append(out, runeRange{lo, hi})
			return
		}
		for c := lo; c <= hi; c += stride {
			out = append(out, runeRange{c, c})
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return out.normal()
}

// Java's classes of one letter.
var (
	digitSet = runeSet{{'0', '9'}}
	wordSet  = runeSet{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	spaceSet = runeSet{{'\t', '\r'}, {' ', ' '}}
	blankSet = runeSet{{'\t', '\t'}, {' ', ' '}, {0xa0, 0xa0}, {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200a}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}}
	breakSet = runeSet{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
)

// posixSets are \p{Lower} and its like, which are about ASCII.
var posixSets = map[string]runeSet{
	"Lower": {{'a', 'z'}}, "Upper": {{'A', 'Z'}}, "ASCII": {{0, 0x7f}}, "Alpha": {{'A', 'Z'}, {'a', 'z'}}, "Digit": digitSet,
	"Alnum": {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}, "Punct": {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}},
	"Graph": {{'!', '~'}}, "Print": {{' ', '~'}}, "Blank": {{'\t', '\t'}, {' ', ' '}}, "Cntrl": {{0, 0x1f}, {0x7f, 0x7f}},
	"XDigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, "Space": spaceSet,
}

// javaSets are \p{javaLowerCase} and its like, and the binary properties.
var javaSets = map[string]func() runeSet{
	"javaLowerCase": func() runeSet { return tableSet(unicode.Lower) }, "javaUpperCase": func() runeSet { return tableSet(unicode.Upper) },
	"javaTitleCase": func() runeSet { return tableSet(unicode.Title) }, "javaDigit": func() runeSet { return tableSet(unicode.Nd) },
	"javaLetter":        func() runeSet { return tableSet(unicode.L) },
	"javaLetterOrDigit": func() runeSet { return append(tableSet(unicode.L), tableSet(unicode.Nd)...).normal() },
	"javaAlphabetic":    alphabetic, "javaIdeographic": func() runeSet { return tableSet(unicode.Ideographic) },
	"javaSpaceChar": func() runeSet { return tableSet(unicode.Z) },
	"javaWhitespace": func() runeSet {
		s := append(tableSet(unicode.Z), runeRange{'\t', '\r'}, runeRange{0x1c, 0x1f})
		return s.and(runeSet{{0xa0, 0xa0}, {0x2007, 0x2007}, {0x202f, 0x202f}}.not())
	},
	"javaISOControl": func() runeSet { return runeSet{{0, 0x1f}, {0x7f, 0x9f}} },
	"IsAlphabetic":   alphabetic, "IsLetter": func() runeSet { return tableSet(unicode.L) }, "IsDigit": func() runeSet { return tableSet(unicode.Nd) },
	"IsLowercase":   func() runeSet { return append(tableSet(unicode.Lower), tableSet(unicode.Other_Lowercase)...).normal() },
	"IsUppercase":   func() runeSet { return append(tableSet(unicode.Upper), tableSet(unicode.Other_Uppercase)...).normal() },
	"IsPunctuation": func() runeSet { return tableSet(unicode.P) }, "IsControl": func() runeSet { return tableSet(unicode.Cc) },
	"IsWhite_Space": func() runeSet { return tableSet(unicode.White_Space) }, "IsHex_Digit": func() runeSet { return tableSet(unicode.Hex_Digit) },
	"IsIdeographic": func() runeSet { return tableSet(unicode.Ideographic) },
	"L1":            func() runeSet { return runeSet{{0, 0xff}} }, "all": func() runeSet { return runeSet{{0, unicode.MaxRune}} },
}

func alphabetic() runeSet {
	s := append(tableSet(unicode.L), tableSet(unicode.Nl)...)
	return append(s, tableSet(unicode.Other_Alphabetic)...).normal()
}

// property finds \p{name}.
func property(name string) (runeSet, bool) {
	if s, ok := posixSets[name]; ok {
		return s, true
	}
	if f, ok := javaSets[name]; ok {
		return f(), true
	}
	if key, value, ok := strings.Cut(name, "="); ok {
		switch strings.ToLower(key) {
		case "script", "sc":
			return scriptSet(value)
		case "general_category", "gc":
			return categorySet(value)
		}
		return nil, false
	}
	if s, ok := categorySet(strings.TrimPrefix(name, "Is")); ok {
		return s, true
	}
	if script, ok := strings.CutPrefix(name, "Is"); ok {
		return scriptSet(script)
	}
	return nil, false
}

func categorySet(name string) (runeSet, bool) {
	switch name {
	case "LC":
		return append(append(tableSet(unicode.Lu), tableSet(unicode.Ll)...), tableSet(unicode.Lt)...).normal(), true
	case "LD":
		return append(tableSet(unicode.L), tableSet(unicode.Nd)...).normal(), true
	}
	t := unicode.Categories[name]
	if t == nil || len(name) > 2 {
		return nil, false
	}
	return tableSet(t), true
}

func scriptSet(name string) (runeSet, bool) {
	for script, t := range unicode.Scripts {
		if strings.EqualFold(script, name) {
			return tableSet(t), true
		}
	}
	return nil, false
}

// class reads [a-z&&[^aeiou]\d]: what is beside each other is joined, && takes what
// both sides have.
func (r *javaReader) class() (runeSet, error) {
	start := r.at
	r.at++
	negated := r.peek(0) == '^'
	if negated {
		r.at++
	}
	var done, cur runeSet
	joined, some := false, false
	end := func() {
		cur = cur.normal()
		if joined {
			cur = done.and(cur)
		}
	}
	for first := true; ; first = false {
		c := r.peek(0)
		switch {
		case c < 0:
			return nil, r.bad(start, "the class is not closed")
		case c == ']' && (!first || some):
			r.at++
			end()
			if negated {
				cur = cur.not()
			}
			return cur, nil
		case r.flags.comments && unicode.IsSpace(c):
			r.at++
			continue
		case c == '&' && r.peek(1) == '&':
			r.at += 2
			end()
			done, cur, joined = cur, nil, true
			some = true
			continue
		case c == '[':
			inner, err := r.class()
			if err != nil {
				return nil, err
			}
			cur, some = append(cur, inner...), true
			continue
		}
		part, err := r.classRange()
		if err != nil {
			return nil, err
		}
		cur, some = append(cur, r.folded(part)...), true
	}
}

// classRange reads a character, a range or an escape in a class.
func (r *javaReader) classRange() (runeSet, error) {
	start := r.at
	set, err := r.classAtom()
	if err != nil || len(set) != 1 || set[0].lo != set[0].hi || r.peek(0) != '-' || r.peek(1) == ']' || r.peek(1) == '[' || r.peek(1) < 0 {
		return set, err
	}
	r.at++
	high, err := r.classAtom()
	if err != nil {
		return nil, err
	}
	if len(high) != 1 || high[0].lo != high[0].hi || high[0].lo < set[0].lo {
		return nil, r.bad(start, "the range does not ascend")
	}
	return runeSet{{set[0].lo, high[0].lo}}, nil
}

func (r *javaReader) classAtom() (runeSet, error) {
	c := r.peek(0)
	if c == '\\' {
		return r.classEscape()
	}
	r.at++
	return runeSet{{c, c}}, nil
}

// controls are the escapes of one control character.
var controls = map[rune]rune{'t': '\t', 'n': '\n', 'r': '\r', 'f': '\f', 'a': '\a', 'e': 0x1b}

// classEscape reads an escape that stands for characters.
func (r *javaReader) classEscape() (runeSet, error) {
	start, c := r.at, r.peek(1)
	r.at += 2
	if set, ok := r.letterClass(c); ok {
		return set, nil
	}
	if x, ok := controls[c]; ok {
		return runeSet{{x, x}}, nil
	}
	switch {
	case c < 0:
		return nil, r.bad(start, "a backslash ends the pattern")
	case c == 'p' || c == 'P':
		return r.property(start, c == 'P')
	case c == 'x' || c == 'u' || c == '0':
		return r.code(start, c)
	case c == 'c' && r.peek(0) >= 0:
		r.at++
		x := r.src[r.at-1] ^ 64
		return runeSet{{x, x}}, nil
	case c == 'Q':
		return r.quotedClass(), nil
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		return nil, r.bad(start, `\`+string(c)+" is not supported")
	}
	return runeSet{{c, c}}, nil
}

// quotedClass reads \Q…\E in a class.
func (r *javaReader) quotedClass() (out runeSet) {
	for ; r.at < len(r.src) && !r.follows(`\E`); r.at++ {
		out = append(out, runeRange{r.src[r.at], r.src[r.at]})
	}
	r.at = min(len(r.src), r.at+2)
	return out.normal()
}

// letterClass is \d and its like, of ASCII or, under (?U), of Unicode.
func (r *javaReader) letterClass(c rune) (runeSet, bool) {
	lower := unicode.ToLower(c)
	set, ok := map[rune]runeSet{'d': digitSet, 'w': wordSet, 's': spaceSet, 'h': blankSet, 'v': breakSet}[lower]
	if !ok {
		return nil, false
	}
	if r.flags.unicodeClass {
		switch lower {
		case 'd':
			set = tableSet(unicode.Nd)
		case 's':
			set = tableSet(unicode.White_Space)
		case 'w':
			set = append(alphabetic(), tableSet(unicode.M)...)
			set = append(append(set, tableSet(unicode.Nd)...), tableSet(unicode.Pc)...)
			set = append(set, runeRange{0x200c, 0x200d}).normal()
		}
	}
	if c != lower {
		return set.not(), true
	}
	return set, true
}

func (r *javaReader) property(start int, negated bool) (runeSet, error) {
	name := ""
	if r.peek(0) == '{' {
		end := slices.Index(r.src[r.at:], '}')
		if end < 0 {
			return nil, r.bad(start, "the name of a property is not closed")
		}
		name = string(r.src[r.at+1 : r.at+end])
		r.at += end + 1
	} else if r.peek(0) >= 0 {
		name = string(r.peek(0))
		r.at++
	}
	set, ok := property(name)
	if !ok {
		return nil, r.bad(start, fmt.Sprintf("there is no property %q here: there are those of POSIX, categories and scripts of Unicode and most of Java's", name))
	}
	if negated {
		return set.not(), nil
	}
	return set, nil
}

// code reads \xhh, \x{h…}, \uhhhh and \0ooo.
func (r *javaReader) code(start int, kind rune) (runeSet, error) {
	from, base, most := r.at, 16, 4
	switch {
	case kind == 'x' && r.peek(0) == '{':
		end := slices.Index(r.src[r.at:], '}')
		if end < 0 {
			return nil, r.bad(start, "the code is not closed")
		}
		from, r.at = r.at+1, r.at+end+1
		return r.codeOf(start, string(r.src[from:r.at-1]), 16)
	case kind == 'x':
		most = 2
	case kind == '0':
		base, most = 8, 3
	}
	for n := 0; n < most && r.peek(0) >= 0; n++ {
		if _, err := strconv.ParseUint(string(r.peek(0)), base, 8); err != nil {
			break
		}
		if x, _ := strconv.ParseUint(string(r.src[from:r.at+1]), base, 32); kind == '0' && x > 0o377 {
			break
		}
		r.at++
	}
	if kind != '0' && r.at-from != most {
		return nil, r.bad(start, "a code has two digits behind \\x and four behind \\u")
	}
	return r.codeOf(start, string(r.src[from:r.at]), base)
}

func (r *javaReader) codeOf(start int, digits string, base int) (runeSet, error) {
	x, err := strconv.ParseUint(digits, base, 32)
	if err != nil || x > unicode.MaxRune {
		return nil, r.bad(start, "no such character")
	}
	return runeSet{{rune(x), rune(x)}}, nil
}

package kernel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A javaPattern is a pattern of java.util.regex in the words of both engines. What
// the linear one cannot do is left out of linear and named in only.
//
// The translation writes out what the three dialects disagree about: classes become
// lists of ranges, the dot and \w, \d, \s what they are in Java, named groups plain
// ones, possessive quantifiers atomic groups, and letters both their cases under
// (?i), which in Java is about ASCII unless (?u) is there.
type javaPattern struct {
	linear string // for regexp
	back   string // for regexp2
	only   string // why it needs the backtracking engine, "" if it does not
	// ends: it asks for the end of the text, which in Java is before a last line break
	// too; lines: for the ends of lines, where Java knows more breaks. Texts with such
	// breaks take the backtracking engine.
	ends, lines bool
	// words: it asks where words begin and end; to Java, letters that are not ASCII
	// are part of words there, though \w does not match them. Texts with such letters
	// take the backtracking engine.
	words bool
	// groups are the names of groups, "" of those without.
	groups []string
}

// javaFlags are what (?idmsuxU) switches.
type javaFlags struct{ fold, unix, multi, dotAll, unicodeFold, comments, unicodeClass bool }

func (f *javaFlags) set(c rune, on bool) bool {
	switch c {
	case 'i':
		f.fold = on
	case 'd':
		f.unix = on
	case 'm':
		f.multi = on
	case 's':
		f.dotAll = on
	case 'u':
		f.unicodeFold = on
	case 'x':
		f.comments = on
	case 'U':
		f.unicodeClass, f.unicodeFold = on, on
	default:
		return false
	}
	return true
}

// A javaReader translates a pattern from its front to its end.
type javaReader struct {
	javaPattern
	src    []rune
	at     int
	flags  javaFlags
	open   []javaGroup
	lin    strings.Builder
	bck    strings.Builder
	atom   [2]int // where the last atom begins in lin and bck
	atomOK bool   // there is an atom that a quantifier can follow
}

// javaGroup is what an open group gives back at its end.
type javaGroup struct {
	flags javaFlags
	atom  [2]int
	at    int
}

// readJava translates a pattern, or says what is wrong with it and where.
func readJava(pattern string) (p javaPattern, err error) {
	r := &javaReader{src: []rune(pattern)}
	for r.at < len(r.src) && err == nil {
		err = r.next()
	}
	if err == nil && len(r.open) > 0 {
		err = r.bad(r.open[len(r.open)-1].at, "the group is not closed")
	}
	if err != nil {
		return javaPattern{}, err
	}
	r.linear, r.back = r.lin.String(), r.bck.String()
	return r.javaPattern, nil
}

func (r *javaReader) bad(at int, what string) error {
	return fmt.Errorf("regular expression %q: character %d: %s", string(r.src), at+1, what)
}

// need notes that only the backtracking engine can do it.
func (r *javaReader) need(what string) {
	if r.only == "" {
		r.only = what
	}
}

func (r *javaReader) write(s string) { r.lin.WriteString(s); r.bck.WriteString(s) }

// begin notes that an atom begins here.
func (r *javaReader) begin() {
	r.atom, r.atomOK = [2]int{r.lin.Len(), r.bck.Len()}, true
}

// peek returns the character i behind the next, or -1.
func (r *javaReader) peek(i int) rune {
	if r.at+i < len(r.src) {
		return r.src[r.at+i]
	}
	return -1
}

func (r *javaReader) follows(s string) bool {
	return strings.HasPrefix(string(r.src[r.at:min(len(r.src), r.at+len(s))]), s)
}

func (r *javaReader) next() error {
	c := r.src[r.at]
	if r.flags.comments && (unicode.IsSpace(c) || c == '#') {
		r.comment(c)
		return nil
	}
	switch c {
	case '(':
		return r.group()
	case ')':
		return r.close()
	case '[':
		set, err := r.class()
		if err != nil {
			return err
		}
		r.begin()
		r.set(set)
		return nil
	case '\\':
		return r.escape()
	case '*', '+', '?', '{':
		return r.quantifier(c)
	case '|':
		r.at++
		r.atomOK = false
		r.write("|")
	case '^':
		r.at++
		r.anchor(r.flags.multi, `(?m:^)`, `(?<=\A|\n|\r(?!\n)|[\x0b\x0c\u0085\u2028\u2029])(?!\z)`, `(?<=\A|\n)(?!\z)`, `\A`)
	case '$':
		r.at++
		r.dollar()
	case '.':
		r.at++
		r.begin()
		r.set(r.dot())
	default:
		r.at++
		r.begin()
		r.literal(c)
	}
	return nil
}

func (r *javaReader) comment(c rune) {
	for r.at++; c == '#' && r.at < len(r.src) && r.src[r.at-1] != '\n'; r.at++ {
	}
}

// literal writes a character, in both cases if that is asked for.
func (r *javaReader) literal(c rune) {
	if set := r.folded(runeSet{{c, c}}); len(set) > 1 || set[0].hi > set[0].lo {
		r.set(set)
		return
	}
	r.write(quoteRune(c))
}

func quoteRune(c rune) string {
	if c < utf8.RuneSelf && !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' && c > ' ' {
		return `\` + string(c)
	}
	return string(c)
}

// folded adds the other cases of letters.
func (r *javaReader) folded(set runeSet) runeSet {
	if !r.flags.fold {
		return set
	}
	return set.fold(r.flags.unicodeFold)
}

// set writes a class.
func (r *javaReader) set(set runeSet) {
	if len(set) == 0 {
		r.lin.WriteString(`[^\x00-\x{10FFFF}]`)
		r.bck.WriteString(`(?!)`)
		return
	}
	r.lin.WriteString(set.text(false))
	r.bck.WriteString(set.text(true))
}

func (r *javaReader) dot() runeSet {
	switch {
	case r.flags.dotAll:
		return runeSet{{0, unicode.MaxRune}}
	case r.flags.unix:
		return runeSet{{'\n', '\n'}}.not()
	}
	return runeSet{{'\n', '\n'}, {'\r', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}.not()
}

// anchor writes a place: in the mode of many lines, where only line feeds are
// breaks, and otherwise.
func (r *javaReader) anchor(multi bool, linear, java, unix, one string) {
	r.atomOK = false
	switch {
	case !multi:
		r.write(one)
		return
	case r.flags.unix:
		r.bck.WriteString(unix)
	default:
		r.bck.WriteString(java)
	}
	r.lin.WriteString(linear)
	r.lines = true
}

// dollar writes the end of the text, which may be before a last line break, or of
// a line.
func (r *javaReader) dollar() {
	r.atomOK = false
	r.ends, r.lines = true, r.lines || r.flags.multi
	end := `(?=(?:\r\n|(?<!\r)\n|[\r\u0085\u2028\u2029])?\z)`
	switch {
	case r.flags.multi && r.flags.unix:
		r.lin.WriteString(`(?m:$)`)
		r.bck.WriteString(`(?=\n|\z)`)
	case r.flags.multi:
		r.lin.WriteString(`(?m:$)`)
		r.bck.WriteString(`(?=\r\n|(?<!\r)\n|[\r\u0085\u2028\u2029]|\z)`)
	case r.flags.unix:
		r.lin.WriteString(`\z`)
		r.bck.WriteString(`(?=\n?\z)`)
	default:
		r.lin.WriteString(`\z`)
		r.bck.WriteString(end)
	}
}

// group opens a group of any kind, or reads flags.
func (r *javaReader) group() error {
	start := r.at
	r.open = append(r.open, javaGroup{flags: r.flags, atom: [2]int{r.lin.Len(), r.bck.Len()}, at: start})
	r.atomOK = false
	r.at++
	if r.peek(0) != '?' {
		r.groups = append(r.groups, "")
		r.write("(")
		return nil
	}
	for _, k := range []struct{ java, only string }{{"?:", ""}, {"?=", "look-ahead"}, {"?!", "look-ahead"},
		{"?<=", "look-behind"}, {"?<!", "look-behind"}, {"?>", "an atomic group"}} {
		if r.follows(k.java) {
			r.at += len(k.java)
			r.write("(" + k.java)
			if k.only != "" {
				r.need(k.only)
			}
			return nil
		}
	}
	if r.follows("?<") {
		return r.named(start)
	}
	return r.inline(start)
}

func (r *javaReader) named(start int) error {
	r.at += 2
	from := r.at
	for isNameRune(r.peek(0), r.at > from) {
		r.at++
	}
	name := string(r.src[from:r.at])
	switch {
	case name == "" || r.peek(0) != '>':
		return r.bad(start, "the name of a group is letters and digits between < and >")
	case slices.Contains(r.groups, name):
		return r.bad(start, "there is a group of the name "+name+" already")
	}
	r.at++
	r.groups = append(r.groups, name)
	r.write("(")
	return nil
}

func isNameRune(c rune, digits bool) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || digits && c >= '0' && c <= '9'
}

// inline reads (?i) and (?i-s:…). Flags are written out, so the engines see none.
func (r *javaReader) inline(start int) error {
	on := true
	for r.at++; ; r.at++ {
		switch c := r.peek(0); {
		case c == '-' && on:
			on = false
		case c == ':':
			r.at++
			r.write("(?:")
			return nil
		case c == ')':
			r.at++
			r.open = r.open[:len(r.open)-1]
			return nil
		case c < 0 || !r.flags.set(c, on):
			return r.bad(start, "no such kind of group")
		}
	}
}

func (r *javaReader) close() error {
	if len(r.open) == 0 {
		return r.bad(r.at, "a closing parenthesis without an opening one")
	}
	g := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	r.flags, r.atom, r.atomOK = g.flags, g.atom, true
	r.at++
	r.write(")")
	return nil
}

// quantifier reads * + ? {n,m} and what follows: ? is reluctant, + possessive.
func (r *javaReader) quantifier(c rune) error {
	if !r.atomOK {
		return r.bad(r.at, "nothing stands before "+string(c)+" that could be repeated")
	}
	from := r.at
	r.at++
	if c == '{' {
		if err := r.bounds(from); err != nil {
			return err
		}
	}
	q := string(r.src[from:r.at])
	switch r.peek(0) {
	case '?':
		r.at++
		q += "?"
	case '+':
		r.at++
		r.need("a possessive quantifier")
		all := r.bck.String()
		r.bck.Reset()
		r.bck.WriteString(all[:r.atom[1]] + "(?>" + all[r.atom[1]:] + q + ")")
		r.lin.WriteString(q)
		r.atomOK = false
		return nil
	}
	r.write(q)
	r.atomOK = false
	return nil
}

func (r *javaReader) bounds(from int) error {
	number := func() (int, bool) {
		start := r.at
		for c := r.peek(0); c >= '0' && c <= '9'; c = r.peek(0) {
			r.at++
		}
		n, err := strconv.Atoi(string(r.src[start:r.at]))
		return n, err == nil
	}
	low, ok := number()
	high := low
	if ok && r.peek(0) == ',' {
		r.at++
		if r.peek(0) != '}' {
			high, ok = number()
		}
	}
	if !ok || r.peek(0) != '}' || high < low {
		return r.bad(from, "a repetition is {n}, {n,} or {n,m}")
	}
	r.at++
	return nil
}

// escape reads what a backslash begins, outside a class.
func (r *javaReader) escape() error {
	start, c := r.at, r.peek(1)
	switch c {
	case 'Q':
		r.quoted()
		return nil
	case 'b', 'B':
		if r.follows(`\b{`) {
			return r.bad(start, `\b{g} is not supported`)
		}
		r.at += 2
		r.atomOK, r.words = false, true
		r.write(`\` + string(c))
		return nil
	case 'A', 'z':
		r.at += 2
		r.atomOK = false
		r.write(`\` + string(c))
		return nil
	case 'Z':
		r.at += 2
		multi := r.flags.multi
		r.flags.multi = false
		r.dollar()
		r.flags.multi = multi
		return nil
	case 'G':
		r.at += 2
		r.atomOK = false
		r.need(`\G`)
		r.bck.WriteString(`\G`)
		return nil
	case 'R':
		r.at += 2
		r.begin()
		r.lin.WriteString(`(?:\r\n|[\n\x0b\x0c\r\x{85}\x{2028}\x{2029}])`)
		r.bck.WriteString(`(?:\r\n|[\n\x0b\x0c\r\u0085\u2028\u2029])`)
		return nil
	case 'k':
		return r.backName(start)
	}
	if c >= '1' && c <= '9' {
		return r.backNumber(start)
	}
	set, err := r.classEscape()
	if err != nil {
		return err
	}
	r.begin()
	if len(set) == 1 && set[0].lo == set[0].hi {
		r.literal(set[0].lo)
		return nil
	}
	r.set(r.folded(set))
	return nil
}

// quoted reads \Q…\E.
func (r *javaReader) quoted() {
	for r.at += 2; r.at < len(r.src) && !r.follows(`\E`); r.at++ {
		r.begin()
		r.literal(r.src[r.at])
	}
	r.at = min(len(r.src), r.at+2)
}

func (r *javaReader) backName(start int) error {
	end := slices.Index(r.src[r.at:], '>')
	if r.peek(2) != '<' || end < 0 {
		return r.bad(start, `a reference to a group is \k<name>`)
	}
	name := string(r.src[r.at+3 : r.at+end])
	n := slices.Index(r.groups, name)
	if n < 0 || name == "" {
		return r.bad(start, "no group before has the name "+name)
	}
	r.at += end + 1
	r.reference(n + 1)
	return nil
}

// backNumber reads \1 and so on: as many digits as there are groups for.
func (r *javaReader) backNumber(start int) error {
	n := int(r.peek(1) - '0')
	r.at += 2
	for c := r.peek(0); c >= '0' && c <= '9' && 10*n+int(c-'0') <= len(r.groups); c = r.peek(0) {
		n = 10*n + int(c-'0')
		r.at++
	}
	if n > len(r.groups) {
		return r.bad(start, fmt.Sprintf("there is no group %d before", n))
	}
	r.reference(n)
	return nil
}

func (r *javaReader) reference(n int) {
	r.begin()
	r.need("a back reference")
	option := ""
	if r.flags.fold {
		option = "i"
	}
	fmt.Fprintf(&r.bck, `(?%s:\%d)`, option, n)
}

package sqltest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A File is a file of tests; docs/testing.md explains the format.
type File struct {
	Name  string
	Title string
	// Modes are those that its tests run in.
	Modes []string
	Tol   float64

	clock       bool // there is a clock section
	pinned      int  // the parallelism that the file asks for, or 0
	parallelism int  // of the run
	sections    []section
	lines       []string
}

// A section is a line "-- word rest" and the lines up to the next.
type section struct {
	word string
	rest string
	line int // of its head, from 1
	body []tableLine
	// expects are those that follow an sql or script section.
	expects []expectation
}

// An expectation is a section "-- expect …".
type expectation struct {
	from, to  int      // its lines in the file, from 0; to is exclusive
	mode      string   // "" is both
	changelog bool     // the lines are changes in their order
	fails     bool     // … parts of the message of an error
	ordered   bool     // the order of a batch's rows counts
	lines     []string // a row each, which may have line breaks
}

// words are those that begin a section. A line that begins otherwise is part of one.
var words = []string{"flags", "clock", "advance", "table", "sql", "script", "expect"}

// ReadFile reads a file of tests.
func ReadFile(name string) (*File, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parseFile(name, string(data))
}

func parseFile(name, text string) (*File, error) {
	f := &File{Name: name, Modes: []string{Stream, Batch}}
	f.lines = strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	title, ok := strings.CutPrefix(f.lines[0], "# ")
	if !ok || strings.TrimSpace(title) == "" {
		return nil, fmt.Errorf("%s:1: the first line says what the file shows: # …", name)
	}
	f.Title = title
	var flat []section
	for i, line := range f.lines {
		if word, rest, ok := head(line); ok {
			flat = append(flat, section{word: word, rest: rest, line: i + 1})
			continue
		}
		if len(flat) == 0 {
			if line != "" && !strings.HasPrefix(line, "#") {
				return nil, fmt.Errorf("%s:%d: %q is in no section; sections begin with -- and one of %s", name, i+1, line, strings.Join(words, ", "))
			}
			continue
		}
		s := &flat[len(flat)-1]
		s.body = append(s.body, tableLine{i + 1, line})
	}
	for _, s := range flat {
		if err := f.add(s); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, s.line, err)
		}
	}
	return f, nil
}

func head(line string) (word, rest string, ok bool) {
	text, ok := strings.CutPrefix(line, "-- ")
	if !ok {
		return "", "", false
	}
	word, rest, _ = strings.Cut(text, " ")
	return word, strings.TrimSpace(rest), slices.Contains(words, word)
}

func (f *File) add(s section) error {
	switch s.word {
	case "flags":
		return f.flags(s.rest)
	case "clock":
		if _, err := parseTime(s.rest); err != nil {
			return err
		}
		f.clock = true
	case "advance":
		if err := f.timeLine("advance " + s.rest); err != nil {
			return err
		}
	case "table":
		if err := s.table(); err != nil {
			return err
		}
		for _, l := range s.body {
			if err := f.timeLine(l.text); err != nil {
				return fmt.Errorf("line %d: %w", l.line, err)
			}
		}
	case "script":
		if s.rest == "" {
			return fmt.Errorf("-- script is followed by the name of a file")
		}
	case "expect":
		if len(f.sections) == 0 || f.sections[len(f.sections)-1].word != "sql" && f.sections[len(f.sections)-1].word != "script" {
			return fmt.Errorf("-- expect follows an -- sql")
		}
		e, err := expect(s)
		if err != nil {
			return err
		}
		last := &f.sections[len(f.sections)-1]
		last.expects = append(last.expects, e)
		return nil
	}
	f.sections = append(f.sections, s)
	return nil
}

// timeLine checks a line of a table that moves the clock, which the file must have set.
func (f *File) timeLine(line string) error {
	_, ok, err := moment{}.after(line)
	if ok && !f.clock {
		return fmt.Errorf("the clock is moved, but it is the machine's; set it with '-- clock 2024-01-31 10:00:00' above")
	}
	return err
}

func (f *File) flags(rest string) (err error) {
	for _, flag := range strings.Fields(rest) {
		key, value, _ := strings.Cut(flag, "=")
		switch key {
		case Stream, Batch:
			f.Modes = []string{key}
		case "parallelism":
			if f.pinned, err = strconv.Atoi(value); err == nil && f.pinned < 1 {
				err = fmt.Errorf("it is at least 1")
			}
		case "tol":
			f.Tol, err = strconv.ParseFloat(value, 64)
		default:
			return fmt.Errorf("unknown flag '%s'; there are stream, batch, parallelism=N and tol=X", flag)
		}
		if err != nil {
			return fmt.Errorf("flag '%s': %w", flag, err)
		}
	}
	return nil
}

// table takes the declaration out of the body, to where its parentheses close, and
// what is not a row.
func (s *section) table() error {
	for !balanced(s.rest) {
		if len(s.body) == 0 {
			return fmt.Errorf("a parenthesis of the table is not closed")
		}
		s.rest += "\n" + s.body[0].text
		s.body = s.body[1:]
	}
	if !strings.Contains(s.rest, "(") {
		return fmt.Errorf("-- table is followed by a name and columns, as in CREATE TABLE: orders (id INT, …)")
	}
	s.body = join(s.body)
	s.body = slices.DeleteFunc(s.body, func(l tableLine) bool { return l.text == "" || strings.HasPrefix(l.text, "#") })
	for i, l := range s.body {
		if l.text == nullRow {
			s.body[i].text = ""
		}
	}
	return nil
}

func balanced(s string) bool { return strings.Count(s, "(") == strings.Count(s, ")") }

// join puts lines together that one cell in quotes goes over.
func join(lines []tableLine) []tableLine {
	var out []tableLine
	open := false
	for _, l := range lines {
		if open {
			out[len(out)-1].text += "\n" + l.text
		} else {
			out = append(out, l)
		}
		if !strings.HasPrefix(out[len(out)-1].text, "{") && strings.Count(l.text, `"`)%2 == 1 {
			open = !open
		}
	}
	return out
}

func expect(s section) (expectation, error) {
	e := expectation{from: s.line - 1, to: s.line + len(s.body)}
	for _, word := range strings.Fields(s.rest) {
		switch word {
		case Stream, Batch:
			e.mode = word
		case "changelog":
			e.changelog = true
		case "error":
			e.fails = true
		case "ordered":
			e.ordered = true
		default:
			return e, fmt.Errorf("unknown word '%s' after -- expect; there are stream, batch, changelog, ordered and error", word)
		}
	}
	if e.changelog && e.mode == Batch {
		return e, fmt.Errorf("a batch has no changelog")
	}
	body := s.body
	for len(body) > 0 && (body[len(body)-1].text == "" || strings.HasPrefix(body[len(body)-1].text, "#")) {
		body = body[:len(body)-1]
		e.to--
	}
	for _, l := range join(body) {
		switch {
		case l.text == nullRow:
			e.lines = append(e.lines, "")
		case !strings.HasPrefix(l.text, "# "):
			e.lines = append(e.lines, l.text)
		}
	}
	return e, nil
}

// nullRow is how a file writes a row of one column that is NULL, which is an empty
// line otherwise.
const nullRow = "(null)"

// Files finds the files that a person names: files, folders with everything below
// them, and patterns. It is an error if one of them stands for none.
func Files(args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		found, err := filesOf(arg)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: there is no .test file", arg)
		}
		out = append(out, found...)
	}
	return slices.Compact(out), nil
}

func filesOf(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	switch {
	case err == nil && !info.IsDir():
		return []string{arg}, nil
	case err != nil && strings.ContainsAny(arg, "*?["):
		return filepath.Glob(arg)
	case err != nil:
		return nil, err
	}
	var out []string
	err = filepath.WalkDir(arg, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".test") {
			out = append(out, path)
		}
		return err
	})
	return out, err
}

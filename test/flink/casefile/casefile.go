// Package casefile reads and writes the case files of test/flink: small SQL
// programs with the results that Apache Flink gives.
package casefile

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sections of a case file, in their order. The first four are the program, the
// others what was recorded.
var sections = []string{"set", "tables", "setup", "query", "batch", "batch-error", "stream", "stream-error", "changelog"}

// Results are the sections that are recorded.
var Results = sections[4:]

// knownFlags are those that README.md explains.
var knownFlags = []string{"ordered", "modes", "tol", "error_has", "phase", "quirk", "changelog", "limit", "batch", "stream", "no-parallel"}

var (
	headLine = regexp.MustCompile(`^-- (case|topic|flags|note): ?(.*)$`)
	setBegin = regexp.MustCompile(`(?i)^\s*EXECUTE\s+STATEMENT\s+SET`)
	setEnd   = regexp.MustCompile(`(?i)^\s*END\s*;?\s*$`)
)

// A Case is a case file.
type Case struct {
	Name, Topic, Note string
	Text              map[string]string // by section
	flags             []flag
}

type flag struct{ name, value string } // the value is "" for a flag without one

// Read reads a case file.
func Read(file string) (*Case, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &Case{Name: strings.TrimSuffix(filepath.Base(file), ".case"), Text: map[string]string{}}
	section, lines := "", []string(nil)
	for i, line := range append(strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), "-- end") {
		mark, isMark := strings.CutPrefix(line, "-- ")
		switch {
		case isMark && (mark == "end" || slices.Contains(sections, mark)):
			if section != "" {
				c.Text[section] = strings.Join(lines, "\n")
			}
			section, lines = mark, nil
		case section != "":
			lines = append(lines, line)
		default:
			if err := c.head(line); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
			}
		}
	}
	if c.Text["query"] == "" {
		return nil, fmt.Errorf("%s: there is no query", file)
	}
	return c, nil
}

// head reads a line before the first section.
func (c *Case) head(line string) error {
	m := headLine.FindStringSubmatch(line)
	switch {
	case m == nil:
		return fmt.Errorf("%q is neither a head line nor a section", line)
	case m[1] == "case" && m[2] != c.Name:
		return fmt.Errorf("the case's name is %s, the file's %s", m[2], c.Name)
	case m[1] == "topic":
		c.Topic = m[2]
	case m[1] == "note":
		c.Note = m[2]
	case m[1] == "flags":
		for _, word := range strings.Fields(m[2]) {
			name, value, _ := strings.Cut(word, "=")
			if !slices.Contains(knownFlags, name) {
				return fmt.Errorf("unknown flag %s", name)
			}
			c.flags = append(c.flags, flag{name, value})
		}
	}
	return nil
}

// String is the case's file.
func (c *Case) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- case: %s\n-- topic: %s\n", c.Name, c.Topic)
	if len(c.flags) > 0 {
		b.WriteString("-- flags:")
		for _, f := range c.flags {
			b.WriteString(" " + f.name)
			if f.value != "" {
				b.WriteString("=" + f.value)
			}
		}
		b.WriteString("\n")
	}
	if c.Note != "" {
		fmt.Fprintf(&b, "-- note: %s\n", c.Note)
	}
	for _, s := range sections {
		if text, ok := c.Text[s]; ok {
			fmt.Fprintf(&b, "-- %s\n%s\n", s, text)
		}
	}
	return b.String()
}

// Recorded tells if the case has results.
func (c *Case) Recorded() bool {
	return slices.ContainsFunc(Results, func(s string) bool { _, ok := c.Text[s]; return ok })
}

// Flag tells if the case has a flag.
func (c *Case) Flag(name string) bool {
	return slices.ContainsFunc(c.flags, func(f flag) bool { return f.name == name })
}

// Value is what follows a flag's equals sign, "" for one that is not there.
func (c *Case) Value(name string) string {
	for _, f := range c.flags {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// SetFlag adds a flag or changes its value.
func (c *Case) SetFlag(name, value string) {
	for i, f := range c.flags {
		if f.name == name {
			c.flags[i].value = value
			return
		}
	}
	c.flags = append(c.flags, flag{name, value})
}

// DropFlag takes a flag away.
func (c *Case) DropFlag(name string) {
	c.flags = slices.DeleteFunc(c.flags, func(f flag) bool { return f.name == name })
}

// Modes are those in which the case is checked.
func (c *Case) Modes() []string {
	if c.Flag("modes") {
		return strings.Split(c.Value("modes"), ",")
	}
	return []string{"batch", "stream"}
}

// Tol is how much numbers may differ, relatively.
func (c *Case) Tol() float64 {
	f, _ := strconv.ParseFloat(c.Value("tol"), 64)
	return f
}

// Script is the case's text, its query last.
func (c *Case) Script(data, out string) string {
	var b strings.Builder
	for _, s := range []string{"set", "tables", "setup", "query"} {
		if text := strings.TrimSpace(c.Text[s]); text != "" {
			b.WriteString(text)
			if !strings.HasSuffix(text, ";") {
				b.WriteString(";")
			}
			b.WriteString("\n")
		}
	}
	return strings.NewReplacer("${DATA}", data, "${OUT}", out).Replace(b.String())
}

// Rows are those of a section. A cell may hold line breaks.
func (c *Case) Rows(section string) []string {
	text := c.Text[section]
	if text == noRows {
		return nil
	}
	var out []string
	open := false // inside quotes
	for line := range strings.SplitSeq(text, "\n") {
		if open {
			out[len(out)-1] += "\n" + line
		} else {
			out = append(out, line)
		}
		if strings.Count(line, `"`)%2 == 1 {
			open = !open
		}
	}
	return out
}

// Statements are those of the program, the query last. One ends with a semicolon at
// a line's end; what is between EXECUTE STATEMENT SET and END belongs to one.
func (c *Case) Statements(data, out string) []string {
	var all []string
	var now []string
	inSet := false
	for line := range strings.SplitSeq(c.Script(data, out), "\n") {
		if strings.TrimSpace(line) == "" && len(now) == 0 {
			continue
		}
		inSet = inSet || setBegin.MatchString(line)
		text, ends := strings.CutSuffix(strings.TrimRight(line, " "), ";")
		if inSet && !setEnd.MatchString(line) {
			now = append(now, line)
			continue
		}
		if now = append(now, text); ends || inSet {
			all, now, inSet = append(all, strings.Join(now, "\n")), nil, false
		}
	}
	return all
}

const noRows = "(no rows)"

// Body is the text of a section with rows.
func Body(rows []string) string {
	if len(rows) == 0 {
		return noRows
	}
	return strings.Join(rows, "\n")
}

package flink

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sections of a case file, in their order.
var sections = []string{"set", "tables", "setup", "query", "batch", "batch-error", "stream", "stream-error", "changelog"}

// knownFlags are those that README.md explains.
var knownFlags = []string{"ordered", "modes", "tol", "error_has", "phase", "quirk", "changelog", "limit", "batch", "stream", "no-parallel"}

var headLine = regexp.MustCompile(`^-- (case|topic|flags|note): ?(.*)$`)

// A testCase is a case file.
type testCase struct {
	name  string
	flags map[string]string // "" for a flag without a value
	text  map[string]string // by section
}

func readCase(file string) (*testCase, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &testCase{name: strings.TrimSuffix(filepath.Base(file), ".case"), flags: map[string]string{}, text: map[string]string{}}
	section, lines := "", []string(nil)
	for i, line := range append(strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), "-- end") {
		mark, isMark := strings.CutPrefix(line, "-- ")
		switch {
		case isMark && (mark == "end" || slices.Contains(sections, mark)):
			if section != "" {
				c.text[section] = strings.Join(lines, "\n")
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
	if c.text["query"] == "" {
		return nil, fmt.Errorf("%s: there is no query", file)
	}
	return c, nil
}

// head reads a line before the first section.
func (c *testCase) head(line string) error {
	m := headLine.FindStringSubmatch(line)
	switch {
	case m == nil:
		return fmt.Errorf("%q is neither a head line nor a section", line)
	case m[1] == "case" && m[2] != c.name:
		return fmt.Errorf("the case's name is %s, the file's %s", m[2], c.name)
	case m[1] != "flags":
		return nil
	}
	for _, word := range strings.Fields(m[2]) {
		flag, value, _ := strings.Cut(word, "=")
		if !slices.Contains(knownFlags, flag) {
			return fmt.Errorf("unknown flag %s", flag)
		}
		c.flags[flag] = value
	}
	return nil
}

func (c *testCase) flag(name string) bool {
	_, ok := c.flags[name]
	return ok
}

// modes are those in which the case is checked.
func (c *testCase) modes() []string {
	if c.flag("modes") {
		return strings.Split(c.flags["modes"], ",")
	}
	return []string{"batch", "stream"}
}

func (c *testCase) tol() float64 {
	f, _ := strconv.ParseFloat(c.flags["tol"], 64)
	return f
}

// script is the case's text, its query last.
func (c *testCase) script(data, out string) string {
	var b strings.Builder
	for _, s := range []string{"set", "tables", "setup", "query"} {
		if text := strings.TrimSpace(c.text[s]); text != "" {
			b.WriteString(text)
			if !strings.HasSuffix(text, ";") {
				b.WriteString(";")
			}
			b.WriteString("\n")
		}
	}
	return strings.NewReplacer("${DATA}", data, "${OUT}", out).Replace(b.String())
}

// rows are those of a section. A cell may hold line breaks.
func (c *testCase) rows(section string) []string {
	text := c.text[section]
	if text == "(no rows)" {
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

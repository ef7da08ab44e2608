// Package plantest runs cases of text files, for tests of what becomes of statements.
package plantest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Cases runs the cases of testdata/*.test, or with rewrite writes what becomes of them
// into the files. A case is a line that begins with word, statements, "----", and what
// becomes of them up to an empty line; all else is comment. open makes what runs the
// cases of one file, given the words behind the first one.
func Cases(t *testing.T, word string, rewrite bool, open func() func(t *testing.T, args []string, sql string) string) {
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) == 0 {
		t.Fatal("no test files", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".test"), func(t *testing.T) { file(t, f, word, rewrite, open()) })
	}
}

func file(t *testing.T, name, word string, rewrite bool, run func(t *testing.T, args []string, sql string) string) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	lines := strings.Split(string(data), "\n")
	all := len(lines)
	// until returns the lines before one that is end, and goes behind it.
	until := func(end string) (text string, found bool) {
		for len(lines) > 0 {
			l := lines[0]
			lines = lines[1:]
			if l == end {
				return text, len(lines) > 0
			}
			text += l + "\n"
		}
		return text, false
	}
	for len(lines) > 0 {
		l := lines[0]
		start := all - len(lines) + 1
		lines = lines[1:]
		out.WriteString(l)
		if len(lines) > 0 {
			out.WriteString("\n")
		}
		args := strings.Fields(l)
		if len(args) == 0 || args[0] != word {
			continue
		}
		sql, _ := until("----")
		want, more := until("")
		got := strings.ReplaceAll(run(t, args[1:], sql), "\n\n", "\n")
		out.WriteString(sql + "----\n" + got)
		if more {
			out.WriteString("\n")
		}
		if !rewrite && got != want {
			t.Errorf("%s:%d:\n%s---- got\n%s---- want\n%s", name, start, sql, got, want)
		}
	}
	if rewrite {
		if err := os.WriteFile(name, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

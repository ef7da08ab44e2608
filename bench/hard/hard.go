package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A hard is a query over rows that are bad for speed, and the rows that it must give.
// They are counted without an engine, from how the input was made.
type hard struct {
	name     string
	rows     int64 // what the rate is of: rows read, of a join rows joined
	memoryMB int64 // memory.size
	// write puts the input files into a folder; nil: rows are generated.
	write  func(dir string) error
	script func(dir string) string
	want   func() []string // the rows of the result, as CSV, in any order
	// written checks the files that the query has put into a folder; nil: it puts none.
	written func(dir string) error
}

// The folders of a case in its own.
func in(dir string) string  { return filepath.Join(dir, "in") }
func out(dir string) string { return filepath.Join(dir, "out") }

// prepare writes what a case needs into a folder, and returns the script's file.
func (h hard) prepare(dir string) (string, error) {
	if h.write != nil {
		if err := os.Mkdir(in(dir), 0o755); err != nil {
			return "", err
		}
		if err := h.write(in(dir)); err != nil {
			return "", fmt.Errorf("write input: %w", err)
		}
	}
	file := filepath.Join(dir, "job.sql")
	return file, os.WriteFile(file, []byte(h.script(dir)), 0o644)
}

// args are those of the command line.
func (h hard) args(script, mode string) []string {
	return []string{"run", script, "--mode", mode, "--set", fmt.Sprintf("memory.size=%dmb", h.memoryMB), "--format", "csv", "--no-header", "--quiet"}
}

// check compares a result, and what is in files, with what they must be.
func (h hard) check(dir, result string) error {
	got := strings.Split(strings.TrimSuffix(result, "\n"), "\n")
	want := h.want()
	slices.Sort(got)
	slices.Sort(want)
	if len(got) != len(want) {
		return fmt.Errorf("%d rows, where %d are right", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("row %.200s, where %.200s is right", got[i], want[i])
		}
	}
	if h.written == nil {
		return nil
	}
	return h.written(out(dir))
}

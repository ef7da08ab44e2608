package cli

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/millrace-io/millrace/internal/sqltest"
)

type testCommand struct {
	Files       []string          `arg:"" name:"file" help:"Files of tests, folders, or patterns."`
	Only        string            `name:"run" placeholder:"REGEXP" help:"Only tests whose FILE/NAME matches."`
	Rewrite     bool              `help:"Write what comes out into the files as what is expected."`
	JUnit       string            `name:"junit" placeholder:"FILE" help:"Write the results as JUnit XML."`
	Timeout     time.Duration     `default:"1m" help:"How long a test may take in one mode."`
	Set         map[string]string `help:"Options: KEY=VALUE, as SET has them; they win over SET." mapsep:"none"`
	Parallelism int               `default:"1" help:"Subtasks of each operator, for files that do not say."`
	Verbose     bool              `short:"v" help:"Name the tests that pass, too."`
}

// Run runs tests.
func (c *testCommand) Run(w *world) error {
	if c.Rewrite && c.Parallelism > 1 {
		return usageError{errors.New("--rewrite writes what one subtask gives: leave --parallelism out")}
	}
	opts := sqltest.Options{Rewrite: c.Rewrite, TimeLimit: c.Timeout, Options: c.Set, Parallelism: c.Parallelism}
	if c.Only != "" {
		re, err := regexp.Compile(c.Only)
		if err != nil {
			return usageError{fmt.Errorf("--run: %w", err)}
		}
		opts.Run = re
	}
	files, err := sqltest.Files(c.Files)
	if err != nil {
		return usageError{err}
	}
	began := time.Now()
	var all []sqltest.Result
	failed := 0
	for _, name := range files {
		results := c.file(w, name, opts)
		for _, r := range results {
			if r.Problem != "" {
				failed++
			}
			c.say(w, r)
		}
		all = append(all, results...)
	}
	if c.JUnit != "" {
		if err := writeJUnit(c.JUnit, all); err != nil {
			return usageError{err}
		}
	}
	took := time.Since(began).Round(time.Millisecond)
	switch {
	case len(all) == 0:
		return usageError{fmt.Errorf("no test matches --run %s", c.Only)}
	case failed > 0:
		fmt.Fprintf(w.out, "FAIL  %d of %d tests in %d files, %v\n", failed, len(all), len(files), took)
		return errSilent
	}
	fmt.Fprintf(w.out, "ok    %d tests in %d files, %v\n", len(all), len(files), took)
	return nil
}

// file runs one file. What is wrong with the file as a whole is a failed test of it.
func (c *testCommand) file(w *world, name string, opts sqltest.Options) []sqltest.Result {
	f, err := sqltest.ReadFile(name)
	if err == nil {
		var results []sqltest.Result
		if results, err = f.Run(w.ctx, opts); err == nil {
			return results
		}
	}
	return []sqltest.Result{{File: name, Name: "file", Line: 1, Problem: err.Error()}}
}

func (c *testCommand) say(w *world, r sqltest.Result) {
	switch {
	case r.Problem != "":
		fmt.Fprintf(w.out, "FAIL  %s:%d: %s\n      %s\n", r.File, r.Line, r.Name, strings.ReplaceAll(r.Problem, "\n", "\n      "))
	case c.Verbose:
		fmt.Fprintf(w.out, "ok    %s:%d: %s (%v)\n", r.File, r.Line, r.Name, r.Took)
	}
}

func writeJUnit(name string, results []sqltest.Result) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := sqltest.WriteJUnit(out, results); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

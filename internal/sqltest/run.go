package sqltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/env"
)

// Options say how files run.
type Options struct {
	Run       *regexp.Regexp    // of "file/name"; nil is all tests
	Rewrite   bool              // write what comes out as the expectation
	TimeLimit time.Duration     // of a test in one mode; 0 is a minute
	Options   map[string]string // of the session; they win over SET
	// Parallelism is that of files that do not say theirs; 0 is 1. Above 1 the changes
	// of a changelog come in any order, so what they add up to is compared.
	Parallelism int
}

// A Result is what a test gave.
type Result struct {
	File    string
	Name    string // what stands after "-- sql", or its number
	Line    int    // of "-- sql"
	Problem string // "" when it passed
	Took    time.Duration
}

// An outcome is what an sql section gave in one mode.
type outcome struct {
	changes []Change
	err     error
	took    int64
}

// Run runs the tests of a file, each in all its modes, and returns a Result for
// each. An error is one of the file itself.
func (f *File) Run(ctx context.Context, o Options) ([]Result, error) {
	register()
	if f.pinned == 0 {
		f.parallelism = max(o.Parallelism, 1)
	} else {
		f.parallelism = f.pinned
	}
	runs := map[string]map[int]*outcome{}
	for _, mode := range f.Modes {
		run, err := f.runMode(ctx, mode, o)
		if err != nil {
			return nil, err
		}
		runs[mode] = run
	}
	var out []Result
	var edits []edit
	number := 0
	for i, s := range f.sections {
		if len(s.expects) == 0 {
			continue
		}
		number++
		r := Result{File: f.Name, Name: f.testName(s, number), Line: s.line}
		if runs[f.Modes[0]][i] == nil {
			continue
		}
		got := map[string]*outcome{}
		for _, mode := range f.Modes {
			got[mode] = runs[mode][i]
			r.Took += time.Duration(got[mode].took) * time.Microsecond
		}
		if o.Rewrite {
			edits = append(edits, f.rewrite(s, got)...)
		} else {
			r.Problem = f.judge(s, got)
		}
		out = append(out, r)
	}
	if o.Rewrite {
		return out, f.apply(edits)
	}
	return out, nil
}

func (f *File) testName(s section, number int) string {
	if s.word == "sql" && s.rest != "" {
		return s.rest
	}
	return fmt.Sprint(number)
}

// runMode runs the sections in one session. The outcomes are by section; one that
// has no expectation and fails ends the file.
func (f *File) runMode(ctx context.Context, mode string, o Options) (out map[int]*outcome, err error) {
	times := &times{}
	s := Script{Mode: mode, Parallelism: f.parallelism, Options: o.Options}
	cfg := s.config()
	cfg.Defaults = map[string]string{"pipeline.auto-watermark-interval": "0 ms", "table.local-time-zone": "UTC"}
	if f.clock {
		times.clock = &env.Clock{}
		times.begin(env.Now())
		cfg.Clock = times.clock
	}
	session, err := millrace.Open(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	out = map[int]*outcome{}
	number := 0
	for i, sec := range f.sections {
		name, text := f.Name, ""
		switch sec.word {
		case "clock":
			t, _ := parseTime(sec.rest) // it was read before
			times.begin(t)
			continue
		case "advance":
			d, _ := connect.ParseDuration(sec.rest)
			times.begin(times.start + d.Microseconds())
			continue
		case "table":
			m := newMemory(f.Name, sec.body, times, mode == Batch)
			defer m.forget()
			text = at(sec.line, fmt.Sprintf("CREATE TEMPORARY TABLE %s WITH ('connector' = '%s', 'table' = '%s')", sec.rest, connectorName, m.number))
		case "script":
			name = filepath.Join(filepath.Dir(f.Name), sec.rest)
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", f.Name, sec.line, err)
			}
			text = string(data)
		case "sql":
			text = at(sec.line+1, body(sec.body))
		}
		if len(sec.expects) > 0 {
			number++
			if o.Run != nil && !o.Run.MatchString(f.Name+"/"+f.testName(sec, number)) {
				continue
			}
		}
		run := &outcome{took: -env.Now()}
		run.changes, run.err = f.runText(ctx, session, name, text, o.TimeLimit, times)
		run.took += env.Now()
		if len(sec.expects) == 0 && run.err != nil {
			return nil, fmt.Errorf("%s: %w", mode, run.err)
		}
		out[i] = run
	}
	return out, nil
}

// at puts a text where it stands in the file, for the positions in errors.
func at(line int, text string) string { return strings.Repeat("\n", line-1) + text }

func body(lines []tableLine) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

func (f *File) runText(ctx context.Context, s *millrace.Session, name, text string, limit time.Duration, t *times) ([]Change, error) {
	if limit == 0 {
		limit = time.Minute
	}
	ctx, stop := context.WithTimeoutCause(ctx, limit, ErrTime)
	defer stop()
	changes, err := runIn(ctx, s, name, text, t.rewind)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return changes, err
}

// judge says what is wrong with the outcomes of a test, "" for nothing.
func (f *File) judge(s section, got map[string]*outcome) string {
	var problems []string
	for _, mode := range f.Modes {
		checked := false
		for _, e := range s.expects {
			if e.mode == "" || e.mode == mode {
				checked = true
				if p := f.check(e, mode, got[mode]); p != "" {
					problems = append(problems, fmt.Sprintf("%s:\n%s", mode, p))
				}
			}
		}
		if !checked {
			problems = append(problems, fmt.Sprintf("%s: nothing is expected; say what, or '-- flags %s'", mode, f.Modes[0]))
		}
	}
	return strings.Join(problems, "\n")
}

func (f *File) check(e expectation, mode string, got *outcome) string {
	if e.fails {
		if got.err == nil {
			return fmt.Sprintf("  no error, but %d changes, want the error: %s", len(got.changes), strings.Join(e.lines, "; "))
		}
		for _, l := range e.lines {
			if !strings.Contains(got.err.Error(), l) {
				return fmt.Sprintf("  error: %v\n  it does not say: %s", got.err, l)
			}
		}
		return ""
	}
	if got.err != nil {
		return "  error: " + got.err.Error()
	}
	rows, err := Fold(got.changes)
	if err != nil {
		return "  the changelog is not well formed: " + err.Error()
	}
	how := Comparison{Tol: f.Tol}
	have, want := rows, e.lines
	switch {
	case e.changelog && mode == Stream && f.parallelism == 1:
		how.Ordered, have = true, Lines(got.changes)
	case e.changelog:
		if want, err = foldLines(e.lines); err != nil {
			return "  the expected changelog is not well formed: " + err.Error()
		}
	case e.ordered && mode == Batch:
		how.Ordered, have = true, list(got.changes)
	}
	if how.Diff(have, want) == "" {
		return ""
	}
	return how.Show(have, want)
}

// foldLines adds up changes as they are written in a file.
func foldLines(lines []string) ([]string, error) {
	var changes []Change
	for _, l := range lines {
		kind, row, ok := cutKind(l)
		if !ok {
			return nil, fmt.Errorf("%q does not begin with +I, -U, +U or -D", l)
		}
		changes = append(changes, Change{kind, row})
	}
	return Fold(changes)
}

// list returns the rows of a batch in their order.
func list(changes []Change) []string {
	var rows []string
	for _, c := range changes {
		rows = append(rows, c.Row)
	}
	return rows
}

// message is an error without its place, which moves with the lines of the file.
func message(err error) string {
	var u *base.Error
	if errors.As(err, &u) {
		return strings.ReplaceAll(u.Msg, "\n", " ")
	}
	return strings.ReplaceAll(place.ReplaceAllString(err.Error(), ""), "\n", " ")
}

var place = regexp.MustCompile(`^\S*?\d+:\d+: `)

package sqltest

import (
	"os"
	"slices"
	"strings"
)

// An edit puts lines in the place of some others.
type edit struct {
	from, to int
	lines    []string
}

// rewrite makes expectations of what came out. A changelog stays one; where the
// modes differ, each has its own.
func (f *File) rewrite(s section, got map[string]*outcome) []edit {
	var edits []edit
	for i, e := range s.expects {
		if i > 0 && e.mode == "" && !e.changelog { // the first says it all
			edits = append(edits, edit{e.from, e.to, nil})
			continue
		}
		edits = append(edits, edit{e.from, e.to, f.expected(e, s, got)})
	}
	return edits
}

func (f *File) expected(e expectation, s section, got map[string]*outcome) []string {
	mode := e.mode
	if mode == "" {
		mode = f.Modes[0]
	}
	if got[mode] == nil {
		return f.lines[e.from:e.to]
	}
	lines := expectLines(e, e.mode, mode, got[mode])
	other := got[Batch]
	if e.mode != "" || mode == Batch || other == nil || len(s.expects) > 1 {
		return lines
	}
	if e.changelog && got[Stream].err == nil && other.err == nil {
		a, _ := Fold(got[Stream].changes)
		b, _ := Fold(other.changes)
		if (Comparison{Tol: f.Tol}).Diff(b, a) == "" {
			return lines
		}
	} else if second := expectLines(e, e.mode, Batch, other); slices.Equal(sorted(second), sorted(lines)) {
		return second
	}
	e.mode = Stream
	lines = expectLines(e, Stream, Stream, got[Stream])
	e.changelog = false
	return slices.Concat(lines, []string{""}, expectLines(e, Batch, Batch, other))
}

func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

// expectLines is a section for an outcome, which says that it is of a mode.
func expectLines(e expectation, says, mode string, got *outcome) []string {
	head := "-- expect"
	if says != "" {
		head += " " + says
	}
	if got.err != nil {
		return []string{head + " error", message(got.err)}
	}
	rows, _ := Fold(got.changes)
	switch {
	case e.changelog && mode == Stream:
		head, rows = head+" changelog", Lines(got.changes)
	case e.ordered:
		head += " ordered"
		if mode == Batch {
			rows = list(got.changes)
		}
	}
	var out []string
	for _, r := range rows {
		if r == "" {
			r = nullRow
		}
		out = append(out, strings.Split(r, "\n")...)
	}
	return append([]string{head}, out...)
}

// apply writes the file with the edits, which are in order.
func (f *File) apply(edits []edit) error {
	var out []string
	at := 0
	for _, e := range edits {
		out = append(append(out, f.lines[at:e.from]...), e.lines...)
		at = e.to
	}
	out = append(out, f.lines[at:]...)
	text := strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
	if text == strings.TrimRight(strings.Join(f.lines, "\n"), "\n")+"\n" {
		return nil
	}
	return os.WriteFile(f.Name, []byte(text), 0o644)
}

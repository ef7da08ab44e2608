package testkit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Pending is a list of checks that do not pass yet, each with its reason: a file
// of lines `NAME  reason`, where # starts a comment. A check that is not in the list
// must pass, and one that is must not, so that the list shrinks.
type Pending struct {
	// Update makes Check take everything down and fail nothing, for Rewrite.
	Update bool

	file    string
	reasons map[string]string

	mu   sync.Mutex
	seen map[string]string // what each check of this run said; "" is that it passed
}

// ReadPending reads a list. A file that does not exist is an empty list.
func ReadPending(file string) (*Pending, error) {
	p := &Pending{file: file, reasons: map[string]string{}, seen: map[string]string{}}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		name, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" {
			continue
		}
		if reason = strings.TrimSpace(reason); reason == "" {
			return nil, fmt.Errorf("%s:%d: %s has no reason", file, i+1, name)
		}
		if _, twice := p.reasons[name]; twice {
			return nil, fmt.Errorf("%s:%d: %s is there twice", file, i+1, name)
		}
		p.reasons[name] = reason
	}
	return p, nil
}

// Has reports whether a check is in the list.
func (p *Pending) Has(name string) bool {
	_, ok := p.reasons[name]
	return ok
}

// Check takes what a check said: problem is "" when it passed.
func (p *Pending) Check(t *testing.T, name, problem string) {
	t.Helper()
	p.mu.Lock()
	p.seen[name] = problem
	p.mu.Unlock()
	reason, listed := p.reasons[name]
	switch {
	case p.Update:
	case problem != "" && !listed:
		t.Error(problem)
	case problem == "" && listed:
		t.Errorf("it passes now: take it out of %s (%s)", p.file, reason)
	case listed:
		t.Logf("pending: %s: %s", reason, problem)
	}
}

// Unknown returns the names in the list that no check of this run had.
func (p *Pending) Unknown() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, name := range slices.Sorted(maps.Keys(p.reasons)) {
		if _, ok := p.seen[name]; !ok {
			out = append(out, name)
		}
	}
	return out
}

// Rewrite writes the list as this run found it, with the reasons that are known and
// what the check said for the rest. Comments at the head of the file stay.
func (p *Pending) Rewrite() error {
	old, err := os.ReadFile(p.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var out bytes.Buffer
	for line := range strings.Lines(string(old)) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		out.WriteString(line)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(p.seen)) {
		if p.seen[name] == "" {
			continue
		}
		reason := p.reasons[name]
		if reason == "" {
			reason = strings.ReplaceAll(strings.Split(p.seen[name], "\n")[0], "#", "")
		}
		fmt.Fprintf(&out, "%s  %s\n", name, reason)
	}
	return os.WriteFile(p.file, out.Bytes(), 0o644)
}

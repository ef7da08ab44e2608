package arch

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// outside are the calls that ask the outside world. Only package env makes them, so
// that a simulator can give another world; the command line, tests and benchmarks
// measure and draw with the real one.
var outside = map[string][]string{
	"time":         {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick"},
	"os":           {"Getenv", "LookupEnv", "Environ", "TempDir", "UserHomeDir", "UserConfigDir", "UserCacheDir", "Hostname"},
	"net":          {"Dial", "DialTimeout", "Listen"},
	"crypto/rand":  {"*"},
	"math/rand":    {"*"},
	"math/rand/v2": {"*"},
}

// seeded are what math/rand has without a seed of its own.
var seeded = []string{"New", "NewPCG", "NewChaCha8", "NewSource", "NewZipf", "Rand", "PCG", "Source", "Zipf"}

func TestOnlyEnvAsksTheWorld(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || f.under("internal/env", "internal/cli", "bench", "test", "internal/testkit", "examples") {
			continue
		}
		for pkg, names := range outside {
			for _, u := range f.uses(pkg) {
				banned := slices.Contains(names, u.name) || names[0] == "*" && !slices.Contains(seeded, u.name)
				if banned {
					t.Errorf("%s: %s.%s: ask package env", f.at(u.pos), filepath.Base(strings.TrimSuffix(pkg, "/v2")), u.name)
				}
			}
		}
	}
}

// The state machines have no goroutines, channels or locks: the shells around them
// have.
func TestMachinesAreSingleThreaded(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || !slices.Contains([]string{"internal/task", "internal/job", "internal/exec"}, f.pkg) {
			continue
		}
		for _, imp := range f.file.Imports {
			if imp.Path.Value == `"sync"` {
				t.Errorf("%s imports sync", f.path)
			}
		}
		for i, line := range strings.Split(string(f.text), "\n") {
			if code := strings.TrimSpace(line); strings.HasPrefix(code, "go func") || strings.HasPrefix(code, "select {") {
				t.Errorf("%s:%d: %s", f.path, i+1, code)
			}
		}
	}
}

// TestPackagesAreDescribed wants a doc comment for every package: in one file, and
// beginning with its name.
func TestPackagesAreDescribed(t *testing.T) {
	docs, onlyTests := map[string][]string{}, map[string]bool{}
	for _, f := range sources(t) {
		if _, seen := onlyTests[f.pkg]; !seen {
			onlyTests[f.pkg] = true
		}
		if f.test {
			continue
		}
		onlyTests[f.pkg] = false
		text := f.file.Doc.Text()
		if text == "" {
			docs[f.pkg] = append(docs[f.pkg], "")
			continue
		}
		docs[f.pkg] = append(docs[f.pkg], f.path)
		start := "Package " + f.file.Name.Name + " "
		if f.file.Name.Name == "main" {
			start = "Command "
		}
		if !strings.HasPrefix(text, start) {
			t.Errorf("%s: the package's comment does not begin with %q", f.path, start)
		}
	}
	for pkg, only := range onlyTests {
		if n := len(slices.DeleteFunc(docs[pkg], func(s string) bool { return s == "" })); n != 1 && !only {
			t.Errorf("package %s has %d doc comments, want 1", pkg, n)
		}
	}
}

func TestFilesAreFormatted(t *testing.T) {
	for _, f := range sources(t) {
		if out, err := format.Source(f.text); err != nil || !bytes.Equal(out, f.text) {
			t.Errorf("%s is not as gofmt has it: %v", f.path, err)
		}
	}
}

// TestNothingIsLeftForLater looks for notes to oneself: what is to be done is an
// issue, what is not done is in README.md.
func TestNothingIsLeftForLater(t *testing.T) {
	words := []string{"TO" + "DO", "FIX" + "ME", "X" + "XX"}
	for _, name := range files(t) {
		switch filepath.Ext(name) {
		case ".go", ".md", ".sql", ".yml", ".yaml", ".mod":
		default:
			if filepath.Base(name) != "Makefile" {
				continue
			}
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			for _, w := range words {
				if strings.Contains(line, w) {
					t.Errorf("%s:%d: %s", name, i+1, strings.TrimSpace(line))
				}
			}
		}
	}
}

// Files and functions stay readable.
const (
	linesMax = 1000 // of a file
)

func TestFilesAreShort(t *testing.T) {
	for _, f := range sources(t) {
		if n := bytes.Count(f.text, []byte("\n")); n > linesMax {
			t.Errorf("%s has %d lines, more than %d", f.path, n, linesMax)
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/cli"
)

// Every case gives the rows that were counted, in both modes, where there is less of it.
func TestSmall(t *testing.T) {
	for _, h := range small() {
		for _, mode := range []string{"streaming", "batch"} {
			t.Run(h.name+"/"+mode, func(t *testing.T) {
				dir := t.TempDir()
				script, err := h.prepare(dir)
				if err != nil {
					t.Fatal(err)
				}
				result, errs := file(t, dir, "result"), file(t, dir, "errors")
				if code := cli.Run(append(h.args(script, mode), "--parallelism", "2"), nil, result, errs); code != 0 {
					t.Fatalf("exit status %d: %s", code, text(t, errs))
				}
				if err := h.check(dir, text(t, result)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func small() []hard {
	return []hard{hotKey(20_000), hotWindow(200_000), longKeys(5000), longRows(12), columns(200), matches(3, 100), hop(2000, 2), files(1000, 7)}
}

// A result that is not right is told.
func TestCheck(t *testing.T) {
	h := hard{want: func() []string { return []string{"1,2", "3,4"} }}
	for result, want := range map[string]string{
		"3,4\n1,2\n":      "",
		"1,2\n":           "1 rows, where 2 are right",
		"1,2\n3,5\n":      "row 3,5, where 3,4 is right",
		"1,2\n1,2\n3,4\n": "3 rows, where 2 are right",
	} {
		got := ""
		if err := h.check("", result); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", result, got, want)
		}
	}
	l := longRows(12)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "part"), []byte(`{"id":0,"n":0,"doc":"X"}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := l.written(dir); err == nil || !strings.Contains(err.Error(), "row 0 that is not right") {
		t.Errorf("a wrong row in a file: %v", err)
	}
	if err := l.written(t.TempDir()); err == nil || !strings.Contains(err.Error(), "lacks") {
		t.Errorf("rows that are missing in a file: %v", err)
	}
}

func file(t *testing.T, dir, name string) *os.File {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func text(t *testing.T, f *os.File) string {
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Package examples has jobs that run as they are; the test runs them.
package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/cli"
)

// Every folder with a job.sql is run in both modes, in a copy. A file of expected
// is what a folder of out holds (NAME.csv: out/NAME), what the job prints (stdout.csv)
// or what show.sql prints after it (show.csv). Lines are in no order.
func TestExamples(t *testing.T) {
	jobs, err := filepath.Glob("*/job.sql")
	if err != nil || len(jobs) < 3 {
		t.Fatalf("%d examples, error %v", len(jobs), err)
	}
	for _, job := range jobs {
		for _, mode := range []string{"streaming", "batch"} {
			name := filepath.Dir(job)
			t.Run(name+"/"+mode, func(t *testing.T) {
				from, err := filepath.Abs(name)
				if err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
					t.Fatal(err)
				}
				t.Chdir(dir)
				got := map[string]string{"stdout.csv": run(t, "run", "job.sql", "--mode", mode, "--quiet")}
				if _, err := os.Stat("show.sql"); err == nil {
					got["show.csv"] = run(t, "run", "show.sql", "--mode", mode, "--quiet")
				}
				check(t, got)
			})
		}
	}
}

func check(t *testing.T, got map[string]string) {
	t.Helper()
	files, err := filepath.Glob("expected/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing is expected, error %v", err)
	}
	for _, f := range files {
		want, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text, ok := got[filepath.Base(f)]
		if !ok {
			text = folder(t, filepath.Join("out", strings.TrimSuffix(filepath.Base(f), ".csv")))
		}
		if sorted(text) != sorted(string(want)) {
			t.Errorf("%s:\n%swant\n%s", f, text, want)
		}
	}
}

// run runs the program and returns what it prints.
func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if status := cli.Main(args, os.Stdin, out, os.Stderr); status != 0 {
		t.Fatalf("millrace %s: exit status %d", strings.Join(args, " "), status)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// folder returns the lines of all files of a folder that are not hidden.
func folder(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "[^._]*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files, error %v", dir, err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

func sorted(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestUDF runs the tests of the example with functions of its own, in the program
// that has them.
func TestUDF(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "udf")
	if out, err := exec.Command("go", "build", "-o", bin, "./udf").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if out, err := exec.Command(bin, "test", "udf").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

package flink

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/testkit"
	"github.com/millrace-io/millrace/test/flink/casefile"
)

var update = flag.Bool("update", false, "write pending.txt anew")

// TestMain lets many cases run at a time: most of their time they wait for a clock.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestCases runs every case in every mode. In a stream it also compares the
// sequence of changes, where it is recorded, and checks that the changelog is well
// formed: nothing is taken away that is not there.
func TestCases(t *testing.T) {
	pending, err := testkit.ReadPending("pending.txt")
	if err != nil {
		t.Fatal(err)
	}
	pending.Update = *update
	files := caseFiles(t)
	t.Run("cases", func(t *testing.T) {
		for _, file := range files {
			c, err := casefile.Read(file)
			if err != nil {
				t.Error(err)
				continue
			}
			data := dataOf(t, file)
			for _, mode := range c.Modes() {
				name := c.Name + "/" + mode
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					problem := check(t, c, mode, data)
					if c.Flag("quirk") {
						t.Logf("a quirk of Flink; as recorded: %t %s", problem == "", problem)
						return
					}
					pending.Check(t, name, problem)
				})
			}
		}
	})
	if *update {
		if err := pending.Rewrite(); err != nil {
			t.Error(err)
		}
		return
	}
	if f := flag.Lookup("test.run"); f.Value.String() == "" {
		for _, name := range pending.Unknown() {
			t.Errorf("pending.txt lists %s, which is no case", name)
		}
	}
}

// caseFiles are the files of all cases.
func caseFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, folder := range []string{".", "more"} {
		found, err := filepath.Glob(filepath.Join(folder, "*.case"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no case files in %s: %v", folder, err)
		}
		files = append(files, found...)
	}
	return files
}

// dataOf is the folder of a case's input files.
func dataOf(t *testing.T, file string) string {
	t.Helper()
	data, err := filepath.Abs(filepath.Join(filepath.Dir(file), "data"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// check runs a case in a mode, at parallelism 1 and, unless it is no-parallel, 2. It
// returns "" when all is as recorded.
func check(t *testing.T, c *casefile.Case, mode, data string) string {
	for _, parallelism := range []int{1, 2} {
		if parallelism > 1 && c.Flag("no-parallel") {
			break
		}
		changes, err := testkit.Script{File: c.Name, Text: c.Script(data, t.TempDir()), Mode: mode, Parallelism: parallelism,
			Defaults: map[string]string{"table.local-time-zone": "UTC"}}.Run(t.Context())
		problem := judge(c, mode, changes, err, parallelism == 1)
		if problem == "" {
			continue
		}
		if parallelism > 1 {
			problem = fmt.Sprintf("at parallelism %d: %s", parallelism, problem)
		}
		return problem
	}
	return ""
}

// judge compares what a run gave with what is recorded.
func judge(c *casefile.Case, mode string, changes []testkit.Change, err error, sequence bool) string {
	other := map[string]string{"batch": "stream", "stream": "batch"}[mode]
	want := mode
	if _, fails := c.Text[mode+"-error"]; fails {
		if err != nil {
			return judgeError(c, err)
		}
		if _, ok := c.Text[other]; !ok {
			if c.Flag("limit") {
				return ""
			}
			return "an error was expected"
		}
		want = other // Flink refuses it in this mode only: the other mode's rows will do
	}
	if err != nil {
		return err.Error()
	}
	if mode == "batch" {
		return judgeBatch(c, changes, c.Rows(want))
	}
	rows, err := testkit.Fold(changes)
	if err != nil {
		return err.Error()
	}
	if _, ok := c.Text["changelog"]; ok && sequence {
		if got, recorded := testkit.Lines(changes), c.Rows("changelog"); !slices.Equal(got, recorded) {
			return "another sequence of changes: " + (testkit.Comparison{Ordered: true}).Diff(got, recorded)
		}
	}
	return testkit.Comparison{Tol: c.Tol()}.Diff(rows, c.Rows(want))
}

func judgeBatch(c *casefile.Case, changes []testkit.Change, want []string) string {
	rows := make([]string, len(changes))
	for i, ch := range changes {
		if rows[i] = ch.Row; ch.Kind.String() != "+I" {
			return fmt.Sprintf("a change in batch mode: %s", ch)
		}
	}
	return testkit.Comparison{Tol: c.Tol(), Ordered: c.Flag("ordered")}.Diff(rows, want)
}

// judgeError judges an error that is expected: it names what it has to, comes when
// it has to, and, from the planner, has a place.
func judgeError(c *casefile.Case, err error) string {
	if word := c.Value("error_has"); !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(word)) {
		return fmt.Sprintf("the message does not name %s: %v", word, err)
	}
	var user *base.Error
	if planned := errors.As(err, &user); c.Value("phase") == "runtime" && planned && user.Pos != (base.Pos{}) {
		return fmt.Sprintf("the error comes before rows flow: %v", err)
	}
	return ""
}

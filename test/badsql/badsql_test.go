package badsql

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/internal/base"
	_ "github.com/millrace-io/millrace/internal/cli" // its connectors and formats
)

// casesMin is the number of cases that there are at least.
const casesMin = 150

var rewrite = flag.Bool("rewrite", false, "write what users are told into testdata")

// A bad is one case of a file: after its line "stream" or "batch" the script, and
// after "----" what is said. In the mode "run" it is a stream whose constants are found
// wrong when the job starts; in the others planning refuses it.
type bad struct {
	mode, script, want string
}

// TestBadSQL runs the cases of testdata: scripts of which a statement is wrong, in
// one mode, behind the tables of tables.sql.
func TestBadSQL(t *testing.T) {
	tables, err := os.ReadFile("testdata/tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	files, _ := filepath.Glob("testdata/*.test")
	for _, file := range files {
		head, list := read(t, file)
		cases += len(list)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test"), func(t *testing.T) {
			for i, c := range list {
				got := told(t, c.mode, string(tables), c.script)
				if list[i].want = got; got != c.want && !*rewrite {
					t.Errorf("%s\n%s\nsays  %s\nwant  %s", c.mode, c.script, got, c.want)
				}
			}
			if *rewrite {
				write(t, file, head, list)
			}
		})
	}
	if cases < casesMin {
		t.Errorf("%d cases, want %d", cases, casesMin)
	}
}

// read returns a file's first line and its cases.
func read(t *testing.T, file string) (head string, list []bad) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, text, _ := strings.Cut(string(data), "\n\n")
	seen := map[string]bool{}
	for _, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		mode, rest, _ := strings.Cut(block, "\n")
		script, want, ok := strings.Cut(rest+"\n", "\n----\n")
		if mode != "stream" && mode != "batch" && mode != "run" || !ok || seen[mode+script] {
			t.Fatalf("%s: no case, or one that is there twice:\n%s", file, block)
		}
		seen[mode+script] = true
		list = append(list, bad{mode, script, strings.TrimSpace(want)})
	}
	return head, list
}

func write(t *testing.T, file, head string, list []bad) {
	t.Helper()
	var out strings.Builder
	out.WriteString(head + "\n")
	for _, c := range list {
		out.WriteString("\n" + c.mode + "\n" + c.script + "\n----\n" + c.want + "\n")
	}
	if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// told is what a user is told by the first statement that fails.
func told(t *testing.T, mode, tables, script string) string {
	t.Helper()
	s, err := millrace.Open(millrace.Config{Defaults: map[string]string{"execution.runtime-mode": map[string]string{"stream": "streaming", "run": "streaming", "batch": "batch"}[mode], "parallelism.default": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := execute(s, "tables.sql", tables, false); err != nil {
		t.Fatal(err)
	}
	err = execute(s, "job.sql", script, mode == "run")
	switch {
	case err == nil:
		t.Errorf("it is not refused:\n%s", script)
		return "it is not refused"
	case !base.IsUser(err) && mode != "run":
		t.Errorf("the error is not a user's: %v", err)
	}
	message := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "job.sql:"), "\n\n", "\n")
	if !placed.MatchString(message) {
		t.Errorf("the error has no place: %v", err)
	}
	if word := planner.FindString(message); word != "" && !strings.Contains(script, word) {
		t.Errorf("the planner's word '%s' is in the error: %v", word, err)
	}
	return message
}

// placed is how an error begins, behind the script's name.
var placed = regexp.MustCompile(`^[1-9]\d*:[1-9]\d*: .`)

// planner are words that a user did not write and shall not read.
var planner = regexp.MustCompile(`\w*\$\d+|\$\w+|GroupAgg|Calc\b|Exchange|logical\.|physical\.|ast\.|REINTERPRET|<nil>|%!`)

// execute runs a script to its first error. Jobs that start after all are waited for,
// or cancelled.
func execute(s *millrace.Session, file, text string, wait bool) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for st, err := range s.Script(file, text) {
		if err != nil {
			return err
		}
		res, err := s.Execute(ctx, st, nil)
		if err != nil {
			return err
		}
		if res.Job != nil {
			if !wait {
				res.Job.Cancel()
			}
			if err := res.Job.Wait(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
		}
	}
	return nil
}

package forms

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/testkit"
)

var update = flag.Bool("update", false, "write pending.txt anew")

// clock finds the processing times in a row: all else happens in 2024.
var clock = regexp.MustCompile(`202[5-9]-[0-9: .-]+|20[3-9][0-9]-[0-9: .-]+`)

// TestForms runs each query of forms.tsv over T, whose rows are inserts, and over U,
// whose rows change, in both modes. What the stream's changes add up to has to be
// what the batch gives. A line of forms.tsv is a name, a query, in which {T} stands
// for the table, and what of the rows is compared: all of them when it is empty,
// "count" where SQL leaves open which rows they are, "nothing" where they hang on
// the clock, and "inserts" for the number of rows over T alone, where a row that is
// taken back could be another one than had been given.
func TestForms(t *testing.T) {
	pending, err := testkit.ReadPending("pending.txt")
	if err != nil {
		t.Fatal(err)
	}
	pending.Update = *update
	tables, err := os.ReadFile("tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	data, err := filepath.Abs("data")
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("forms.tsv")
	if err != nil {
		t.Fatal(err)
	}
	setup := strings.ReplaceAll(string(tables), "${DATA}", data)
	t.Run("forms", func(t *testing.T) {
		for line := range strings.Lines(string(list)) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			for _, table := range []string{"T", "U"} {
				if table == "U" && (f[2] == "inserts" || !strings.Contains(f[1], "{T}")) {
					continue
				}
				name := strings.NewReplacer(" ", "_", "/", "_").Replace(f[0]) + "/" + table
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					pending.Check(t, name, check(t, setup+strings.ReplaceAll(f[1], "{T}", table)+";", f[2]))
				})
			}
		}
	})
	if *update {
		if err := pending.Rewrite(); err != nil {
			t.Error(err)
		}
	}
}

// A run is a mode and a parallelism.
type run struct {
	mode        string
	parallelism int
}

// runs are those of every form: when tests are to be short, each mode once.
func runs() []run {
	if testing.Short() {
		return []run{{testkit.Batch, 1}, {testkit.Stream, 2}}
	}
	return []run{{testkit.Batch, 1}, {testkit.Stream, 1}, {testkit.Batch, 2}, {testkit.Stream, 2}}
}

// check runs a script in both modes, at parallelism 1 and 2. It returns "" when all
// rows agree.
func check(t *testing.T, text, compare string) string {
	var want []string
	for _, run := range runs() {
		changes, err := testkit.Script{File: "form", Text: text, Mode: run.mode, Parallelism: run.parallelism}.Run(t.Context())
		var rows []string
		if err == nil {
			rows, err = testkit.Fold(changes)
		}
		if err != nil {
			return run.mode + ": " + err.Error()
		}
		for i := range rows {
			rows[i] = clock.ReplaceAllString(rows[i], "now")
		}
		if want == nil {
			want = rows
		}
		if problem := differ(rows, want, compare); problem != "" {
			return run.mode + ": " + problem
		}
	}
	return ""
}

// differ says how rows differ in what is compared of them.
func differ(rows, want []string, compare string) string {
	switch {
	case compare == "":
		return testkit.Comparison{Tol: 1e-12}.Diff(rows, want)
	case compare != "nothing" && len(rows) != len(want):
		return "another number of rows"
	}
	return ""
}

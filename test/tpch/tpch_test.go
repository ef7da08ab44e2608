package tpch

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/bench/queries/tpch"
	"github.com/millrace-io/millrace/internal/testkit"
)

const scale = 0.01

// tolerance is relative. DuckDB divides decimals as DOUBLE, Flink SQL to a DECIMAL of
// at least six digits behind the point.
const tolerance = 1e-6

// noRow are queries whose answer at this scale is a global aggregate over no rows:
// a row of NULL in a batch, no row in a stream (docs/differences.md).
var noRow = map[string]bool{"q17": true}

func TestQueries(t *testing.T) {
	data, err := filepath.Abs("data")
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range tpch.Queries(scale) {
		t.Run(q.Name, func(t *testing.T) {
			if testing.Short() && i%5 != 1 { // q2, q7, q12, q17, q22
				t.Skip("only every fifth query in short mode")
			}
			want := answer(t, q.Name)
			t.Run(testkit.Batch, func(t *testing.T) {
				changes := run(t, testkit.Batch, tpch.Declare(data)+q.Batch)
				var rows []string
				for _, c := range changes {
					if !c.Kind.Adds() {
						t.Fatalf("a batch takes a row back: %s", c)
					}
					rows = append(rows, c.Row)
				}
				ordered := strings.Contains(q.Batch, "\nORDER BY ")
				if diff := (testkit.Comparison{Ordered: ordered, Tol: tolerance}).Diff(rows, want); diff != "" {
					t.Error(diff)
				}
			})
			t.Run(testkit.Stream, func(t *testing.T) {
				if noRow[q.Name] {
					if len(want) != 1 || want[0] != "" {
						t.Fatalf("the answer has rows: %q", want)
					}
					want = nil
				}
				rows, err := testkit.Fold(run(t, testkit.Stream, tpch.Declare(data)+q.Stream))
				if err != nil {
					t.Fatal(err)
				}
				if diff := (testkit.Comparison{Tol: tolerance}).Diff(rows, want); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func run(t *testing.T, mode, text string) []testkit.Change {
	t.Helper()
	changes, err := testkit.Script{File: t.Name(), Text: text, Mode: mode, Parallelism: 2}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// answer returns the rows that DuckDB gave.
func answer(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("answers", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(bytes.TrimSuffix(data, []byte("\n"))), "\n")
	return lines[1:] // behind the names
}

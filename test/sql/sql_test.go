package sql

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/sqltest"
	_ "github.com/millrace-io/millrace/internal/testkit" // connectors and formats
)

var rewrite = flag.Bool("rewrite", false, "write what comes out into the files")

// TestFiles runs each file with one subtask and with two.
func TestFiles(t *testing.T) {
	files, err := sqltest.Files([]string{"."})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".test"), func(t *testing.T) {
			run(t, name, sqltest.Options{Rewrite: *rewrite, Parallelism: 1})
			if !*rewrite {
				run(t, name, sqltest.Options{Parallelism: 2})
			}
		})
	}
}

func run(t *testing.T, name string, o sqltest.Options) {
	f, err := sqltest.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	results, err := f.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) == 0 {
		t.Errorf("%s expects nothing", name)
	}
	for _, r := range results {
		if r.Problem != "" {
			t.Errorf("%s:%d: %s, parallelism %d\n%s", r.File, r.Line, r.Name, o.Parallelism, r.Problem)
		}
	}
}

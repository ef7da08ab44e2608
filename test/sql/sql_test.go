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

func TestFiles(t *testing.T) {
	files, err := sqltest.Files([]string{"."})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".test"), func(t *testing.T) {
			f, err := sqltest.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			results, err := f.Run(t.Context(), sqltest.Options{Rewrite: *rewrite})
			if err != nil {
				t.Fatal(err)
			}
			if len(results) == 0 {
				t.Errorf("%s expects nothing", name)
			}
			for _, r := range results {
				if r.Problem != "" {
					t.Errorf("%s:%d: %s\n%s", r.File, r.Line, r.Name, r.Problem)
				}
			}
		})
	}
}

package evolve_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEarlierCheckpoints restores checkpoints that earlier commits have written of the
// job in testdata/earlier.sql, in the middle of its rows, at another parallelism than
// they had. Nothing is put out before the last rows of a key, so what is there in the end
// follows from the state.
//
// A new one: run that script for two seconds with a folder for checkpoints, end it with
// Ctrl-C, and pack the job's folder, without the owner's file, as <commit>.tar.gz.
func TestEarlierCheckpoints(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.tar.gz")
	if err != nil || len(archives) < 4 {
		t.Fatal(archives, err)
	}
	script, err := os.ReadFile("testdata/earlier.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, archive := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".tar.gz"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			job := filepath.Join(dir, unpack(t, archive, dir))
			if err := resumed(t, dir, place(dir, string(script)), job, change{set: map[string]string{"parallelism.default": "3"}}); err != nil {
				t.Fatal(err)
			}
			for _, sink := range []string{"totals", "joined", "windows", "firsts", "tops"} {
				final := folded(t, filepath.Join(dir, "out", sink))
				if len(final) != 10 {
					t.Errorf("%s has %d keys", sink, len(final))
				}
				for k, row := range final {
					if want := 120*number(row["k"]) + 10*7140 + zeroth(k); number(row["n"]) != 120 || number(row["total"]) != want {
						t.Errorf("%s has %v, not a total of %d", sink, row, want)
					}
				}
			}
		})
	}
}

// zeroth is what the rows of key 0, which end at 1200 and do not begin at 0, have more.
func zeroth(k string) int {
	if k == "0" {
		return 1200
	}
	return 0
}

// unpack unpacks an archive and returns the folder in it.
func unpack(t *testing.T, archive, dir string) (top string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return top
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, filepath.Clean("/"+h.Name))
		if top == "" {
			top, _, _ = strings.Cut(h.Name, "/")
		}
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(name, 0o755)
		} else {
			var data []byte
			if data, err = io.ReadAll(in); err == nil {
				err = os.WriteFile(name, data, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

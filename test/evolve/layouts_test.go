package evolve_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/fsys/local"
)

// layoutsOf is the script of the job that the archives in testdata/layouts are of: an
// operator of each kind that keeps state, with a time to live.
func layoutsOf(t *testing.T, dir string) string {
	t.Helper()
	script, err := os.ReadFile("testdata/layouts.sql")
	if err != nil {
		t.Fatal(err)
	}
	return place(dir, string(script))
}

var layoutSinks = []string{"tops", "uniques", "lows", "lasts", "firsts", "tumbles", "hops", "sessions", "intervals", "versions", "patterns", "overs"}

// TestEarlierLayouts restores checkpoints of earlier commits, most of which do not record how
// they keep the state of the job in testdata/layouts.sql: some keep a word less with the
// rows of a Top-N, with the values of DISTINCT calls, or with the keys of a
// deduplication. What comes out is what comes out without an interruption. Nothing does
// before the last rows of a key.
//
// A new one is made as those of TestEarlierCheckpoints are.
func TestEarlierLayouts(t *testing.T) {
	archives, err := filepath.Glob("testdata/layouts/*.tar.gz")
	if err != nil || len(archives) < 6 {
		t.Fatal(archives, err)
	}
	whole := t.TempDir()
	s, err := millrace.Open(millrace.Config{Options: map[string]string{"parallelism.default": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := execute(s, strings.ReplaceAll(layoutsOf(t, whole), "'rows-per-second'='300'", "'rows-per-second'='100000'")); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, archive := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".tar.gz"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			job := filepath.Join(dir, unpack(t, archive, dir))
			if err := resumed(t, dir, layoutsOf(t, dir), job, change{set: map[string]string{"parallelism.default": "3"}}); err != nil {
				t.Fatal(err)
			}
			for _, sink := range layoutSinks {
				got, want := left(t, filepath.Join(dir, "out", sink)), left(t, filepath.Join(whole, "out", sink))
				if len(want) < 5 || !maps.Equal(got, want) {
					t.Errorf("%s has\n%v\nnot\n%v", sink, got, want)
				}
			}
		})
	}
}

// TestEarlierLayoutIsWrittenDown goes on in the folder of an earlier commit: the
// checkpoint that it starts from, whose state is written anew, says so. A process that
// dies before the next one must not write it anew twice.
func TestEarlierLayoutIsWrittenDown(t *testing.T) {
	dir := t.TempDir()
	chk := filepath.Join(dir, "chk")
	folder := filepath.Join(chk, unpack(t, "testdata/layouts/9db6b09.tar.gz", chk))
	was := found(t, folder)
	if layouts, err := was.Layouts(was.Manifest); err != nil || layouts != nil {
		t.Fatalf("%v, %v of a commit that recorded none", layouts, err)
	}
	s, err := millrace.Open(millrace.Config{CheckpointDir: chk, Restore: "latest", Log: func(line string) { t.Log(line) },
		Options: options(dir, map[string]string{"execution.checkpointing.interval": "1 h"})})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := execute(s, layoutsOf(t, dir)); err != nil {
		t.Fatal(err)
	}
	is := found(t, folder)
	layouts, err := is.Layouts(is.Manifest)
	if err != nil || len(layouts) == 0 || is.Manifest.Epoch != was.Manifest.Epoch {
		t.Errorf("checkpoint %d has layouts %v, %v", is.Manifest.Epoch, layouts, err)
	}
	if err := s.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func found(t *testing.T, path string) *checkpoint.Found {
	t.Helper()
	f, err := checkpoint.Find(local.New(""), path, "", func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRecordedLayouts alters what a savepoint records: what another version of the
// program might have kept otherwise is refused, and never read.
func TestRecordedLayouts(t *testing.T) {
	const script = tables + sinkOfTotals + "INSERT INTO totals SELECT k, COUNT(*), SUM(v) FROM src GROUP BY k;"
	dir := t.TempDir()
	job := place(dir, strings.ReplaceAll(script, "TYPE", "INT"))
	savepoint := stopped(t, dir, job, nil)
	for _, c := range []struct {
		name    string
		alter   func(*checkpoint.Layout)
		refused string
	}{
		{"another version", func(l *checkpoint.Layout) { l.Version++ }, "table 'groups': it is in version 1 of its layout; this version of the program keeps version 0"},
		{"another accumulator", func(l *checkpoint.Layout) { l.Words[1] += "s" }, "table 'groups': this version of the program keeps the accumulator of SUM("},
		{"another word", func(l *checkpoint.Layout) { l.Words[0] = "bytes" }, "it has to count the rows of a group, which the state does not"},
		{"another table", func(l *checkpoint.Layout) { l.Table = "heaps" }, "table 'heaps': this version of the program knows no such table"},
		{"another form", func(l *checkpoint.Layout) { l.Rows = true }, "table 'groups' is kept in another way"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := found(t, savepoint)
			m := *f.Manifest
			g, err := f.Plan(&m)
			if err != nil {
				t.Fatal(err)
			}
			layouts, err := f.Layouts(&m)
			if err != nil || len(layouts) != 1 {
				t.Fatal(layouts, err)
			}
			for id := range layouts {
				c.alter(&layouts[id][0])
			}
			to, err := checkpoint.NewSavepoint(local.New(""), filepath.Join(t.TempDir(), "altered"))
			if err != nil {
				t.Fatal(err)
			}
			if m.Plan, err = f.PutPlan(g, layouts); err != nil {
				t.Fatal(err)
			}
			if err := f.Derive(&m, to); err != nil {
				t.Fatal(err)
			}
			err = resumed(t, dir, job, to.Dir, change{})
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("the error is %v, not %q", err, c.refused)
			}
		})
	}
}

// TestNoWayBackBeforeChange damages all checkpoints that a job has taken since it went on
// from one of an earlier commit, where a start does not look. The newest that is whole
// has the state in the former layout: the job must not go back to it by itself.
func TestNoWayBackBeforeChange(t *testing.T) {
	dir := t.TempDir()
	chk := filepath.Join(dir, "chk")
	folder := filepath.Join(chk, unpack(t, "testdata/layouts/9db6b09.tar.gz", chk))
	script := strings.ReplaceAll(layoutsOf(t, dir), "'rows-per-second'='300'", "'rows-per-second'='20'")
	was := found(t, folder).Manifest.Epoch
	open := func() *millrace.Session {
		s, err := millrace.Open(millrace.Config{CheckpointDir: chk, Restore: "latest", Log: func(line string) { t.Log(line) },
			Options: options(dir, map[string]string{"execution.checkpointing.num-retained": "1000"})})
		if err != nil {
			t.Fatal(err)
		}
		if err := execute(s, script); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	for found(t, folder).Manifest.Epoch < was+2 {
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := s.Jobs()[0].Stop(context.Background(), filepath.Join(dir, "savepoints"), false); err != nil {
		t.Fatal(err)
	}
	s.Close()
	st := found(t, folder).Storage
	epochs, err := st.Epochs()
	if err != nil {
		t.Fatal(err)
	}
	old, damaged := map[string]bool{}, 0
	for _, e := range epochs {
		m, err := st.Load(e)
		if err != nil {
			t.Fatal(err)
		}
		for f := range m.Files() {
			if e < was {
				old[f.Name] = true
			}
			if e < was || old[f.Name] {
				continue
			}
			old[f.Name] = true // once
			flip(t, filepath.Join(folder, "shared", f.Name))
			damaged++
		}
	}
	if damaged == 0 {
		t.Fatal("nothing is damaged")
	}
	s = open()
	defer s.Close()
	if err := s.Wait(context.Background()); err == nil || !strings.Contains(err.Error(), "is of before the job or the program was changed") {
		t.Errorf("the error is %v", err)
	}
}

// flip flips a bit among the entries of a state file.
func flip(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const header, frame = 16, 9
	data[header+frame] ^= 4
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// left is how often each row is there that the changes in a folder leave, whatever files
// they are in.
func left(t *testing.T, dir string) map[string]int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var ev struct{ Before, After json.RawMessage }
			if err := json.Unmarshal([]byte(line), &ev); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			rows[string(ev.Before)]--
			rows[string(ev.After)]++
		}
	}
	delete(rows, "null")
	maps.DeleteFunc(rows, func(_ string, n int) bool { return n == 0 })
	return rows
}

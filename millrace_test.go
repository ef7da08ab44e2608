package millrace_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
	_ "github.com/millrace-io/millrace/connect/datagen"
	_ "github.com/millrace-io/millrace/connect/filesystem"
	_ "github.com/millrace-io/millrace/format/csv"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// run runs a script to its end and returns the rows of its SELECTs, as text.
func run(cfg millrace.Config, text string) ([]string, error) {
	s, err := millrace.Open(cfg)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	ctx := context.Background()
	var rows []string
	for st, err := range s.Script("test.sql", text) {
		if err != nil {
			return rows, err
		}
		res, err := s.Execute(ctx, st, func(_ types.Schema, b *vec.Batch) error {
			for i := range b.Len() {
				r := b.Row(i)
				line := b.Kind(r).String()
				for _, c := range b.Cols {
					line += " " + cell(c, r)
				}
				rows = append(rows, line)
			}
			return nil
		})
		if err != nil {
			return rows, err
		}
		if res.Job != nil {
			if err := res.Job.Wait(ctx); err != nil {
				return rows, err
			}
		}
	}
	return rows, s.Wait(ctx)
}

func cell(c vec.Vector, row int) string {
	switch c := vec.Flat(c).(type) {
	case *vec.Fixed[int32]:
		return fmt.Sprint(c.Vals[row])
	case *vec.Fixed[int64]:
		return fmt.Sprint(c.Vals[row])
	case *vec.Bytes:
		return string(c.At(row))
	}
	return "?"
}

func streaming(more map[string]string) millrace.Config {
	opts := map[string]string{"parallelism.default": "1"}
	for k, v := range more {
		opts[k] = v
	}
	return millrace.Config{Options: opts}
}

func Example() {
	s, err := millrace.Open(millrace.Config{Options: map[string]string{"execution.runtime-mode": "batch"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	ctx := context.Background()
	script := "SELECT w, COUNT(*) AS n FROM (VALUES ('a'), ('b'), ('a')) AS t(w) GROUP BY w ORDER BY w"
	for st, err := range s.Script("words.sql", script) {
		if err != nil {
			fmt.Println(err)
			return
		}
		res, err := s.Execute(ctx, st, func(_ types.Schema, b *vec.Batch) error {
			for i := range b.Len() {
				fmt.Println(cell(b.Cols[0], b.Row(i)), cell(b.Cols[1], b.Row(i)))
			}
			return nil
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		res.Job.Wait(ctx)
	}
	// Output:
	// a 2
	// b 1
}

func TestStreamTellsChangesAndBatchTellsResults(t *testing.T) {
	const text = "SELECT k, SUM(v) FROM (VALUES (1, 10), (1, 5)) AS t(k, v) GROUP BY k"
	got, err := run(streaming(nil), text)
	if want := []string{"+I 1 10", "-U 1 10", "+U 1 15"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("stream: %v, %v; want %v", got, err, want)
	}
	got, err = run(streaming(map[string]string{"execution.runtime-mode": "batch"}), text)
	if want := []string{"+I 1 15"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("batch: %v, %v; want %v", got, err, want)
	}
}

func TestErrorsHaveAPlace(t *testing.T) {
	_, err := run(streaming(nil), "SELECT 1;\n\nSELECT prise FROM (VALUES (1)) AS t(price)")
	var u *base.Error
	if !errors.As(err, &u) || u.File != "test.sql" || u.Pos != (base.Pos{Line: 3, Col: 8}) || !strings.Contains(u.Hint, "'price'") {
		t.Errorf("got %v", err)
	}
}

func TestFlagsWinOverSet(t *testing.T) {
	got, err := run(streaming(map[string]string{"execution.runtime-mode": "batch"}),
		"SET 'execution.runtime-mode' = 'streaming'; SELECT k, COUNT(*) FROM (VALUES (1), (1)) AS t(k) GROUP BY k")
	if want := []string{"+I 1 2"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

// TestJobsResume runs a job whose result is in files, then the same script again
// with restore: what is recorded as finished does not run again.
func TestJobsResume(t *testing.T) {
	dir := t.TempDir()
	text := fmt.Sprintf(`CREATE TABLE src (id BIGINT) WITH ('connector' = 'datagen', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '1000');
CREATE TABLE dst (id BIGINT) WITH ('connector' = 'filesystem', 'path' = '%s/out', 'format' = 'csv');
INSERT INTO dst SELECT id FROM src WHERE MOD(id, 10) = 0`, dir)
	var log []string
	cfg := streaming(nil)
	cfg.CheckpointDir, cfg.Log = filepath.Join(dir, "chk"), func(line string) { log = append(log, line) }
	if _, err := run(cfg, text); err != nil {
		t.Fatal(err)
	}
	lines := readLines(t, filepath.Join(dir, "out"))
	if len(lines) != 100 {
		t.Fatalf("%d rows, want 100", len(lines))
	}
	cfg.Restore = "latest"
	if _, err := run(cfg, text); err != nil {
		t.Fatal(err)
	}
	if again := readLines(t, filepath.Join(dir, "out")); len(again) != 100 {
		t.Errorf("%d rows after a finished job was restored", len(again))
	}
	if !slices.ContainsFunc(log, func(l string) bool { return strings.Contains(l, "had finished") }) {
		t.Errorf("the log does not say that the job had finished: %q", log)
	}
}

func readLines(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") {
			t.Errorf("leftover %s", name)
			return nil
		}
		data, err := os.ReadFile(name)
		out = append(out, strings.Fields(string(data))...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVerifyAgreesOnLateRows(t *testing.T) {
	dir := t.TempDir()
	data := "a,2024-01-01 00:00:01\na,2024-01-01 00:00:30\na,2024-01-01 00:00:02\nb,2024-01-01 00:00:31\n"
	if err := os.WriteFile(filepath.Join(dir, "in.csv"), []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`CREATE TABLE t (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '%s/in.csv', 'format' = 'csv');
SELECT window_start, k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k`, dir)
	list, err := millrace.Verify(context.Background(), streaming(nil), "test.sql", text)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	if c := list[0]; !c.Agree() || c.Rows != 3 || c.Late != 1 {
		t.Errorf("got %+v", c)
	}
}

package millrace_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
)

// runJobs runs a script with checkpoints in dir and returns the ids of its jobs and
// what was logged.
func runJobs(t *testing.T, dir, restore, script string) (ids []string, log string) {
	t.Helper()
	var lines []string
	logged := make(chan string, 1000)
	s, err := millrace.Open(millrace.Config{CheckpointDir: dir, Restore: restore, Log: func(l string) { logged <- l }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for st, err := range s.Script("job.sql", strings.ReplaceAll(script, "DIR", t.TempDir())) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Execute(context.Background(), st, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	close(logged)
	for l := range logged {
		lines = append(lines, l)
	}
	for _, j := range s.Jobs() {
		ids = append(ids, j.ID)
	}
	return ids, strings.Join(lines, "\n")
}

const idTables = `
CREATE TABLE s (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '10');
CREATE TABLE x (a INT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'DIR/x');
CREATE TABLE y (a INT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'DIR/y');
`

// TestJobIDs shows that a job keeps its id, and so its checkpoints, when statements
// are put before it.
func TestJobIDs(t *testing.T) {
	for _, c := range []struct {
		script string
		want   []string
	}{
		{"INSERT INTO x SELECT a FROM s", []string{"x"}},
		{"INSERT INTO y SELECT a FROM s; INSERT INTO x SELECT a FROM s", []string{"y", "x"}},
		{"INSERT INTO x SELECT a FROM s; INSERT INTO x SELECT a + 1 FROM s; INSERT INTO y SELECT a FROM s", []string{"x", "x-2", "y"}},
		{"SELECT 1; INSERT INTO x SELECT a FROM s", []string{"select", "x"}},
		{"SET 'pipeline.name' = 'my job'; INSERT INTO x SELECT a FROM s; INSERT INTO y SELECT a FROM s; RESET 'pipeline.name'; INSERT INTO x SELECT a FROM s", []string{"my-job-x", "my-job-y", "x"}},
		{"EXECUTE STATEMENT SET BEGIN INSERT INTO x SELECT a FROM s; INSERT INTO y SELECT a FROM s; END", []string{"x-y"}},
	} {
		if got, _ := runJobs(t, t.TempDir(), "", idTables+c.script); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", c.script, got, c.want)
		}
	}
}

// TestJobIDOfEarlierVersion shows that checkpoints in folders that count statements
// are gone on with.
func TestJobIDOfEarlierVersion(t *testing.T) {
	dir := t.TempDir()
	script := idTables + "INSERT INTO x SELECT a FROM s; INSERT INTO x SELECT a + 1 FROM s;"
	runJobs(t, dir, "", script)
	for from, to := range map[string]string{"x": "4-x", "x-2": "12-x"} {
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	ids, log := runJobs(t, dir, "latest", script)
	if !slices.Equal(ids, []string{"4-x", "12-x"}) || strings.Count(log, "had finished; it does not run again") != 2 {
		t.Errorf("%q, %s", ids, log)
	}
	if ids, _ = runJobs(t, dir, "", script); !slices.Equal(ids, []string{"x", "x-2"}) {
		t.Errorf("started anew: %q", ids)
	}
	if ids, _ = runJobs(t, dir, "latest", script); !slices.Equal(ids, []string{"x", "x-2"}) {
		t.Errorf("the newer folders are not used: %q", ids)
	}
}

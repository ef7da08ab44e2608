package badinput

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLongLine reads lines of 200 MB, which are within the limit, and finds the
// place of one that is not.
func TestLongLine(t *testing.T) {
	if testing.Short() {
		t.Skip("writes and reads 400 MB")
	}
	dir := t.TempDir()
	long := strings.Repeat("x", 200_000_000)
	write(t, dir, map[string]string{"in.csv": "1,a\n2," + long + "\n3,c\n", "in.json": `{"a":1,"b":"a"}` + "\n" + `{"a":2,"b":"` + long + `"}` + "\n" + `{"a":3,"b":"c"}` + "\n"})
	for _, format := range []string{"csv", "json"} {
		got := runIn(t, dir, "run", "-e", table("a INT, b STRING", "in."+format, format)+"SELECT a, CHAR_LENGTH(b) AS n FROM t;")
		if got.exit != 0 || sorted(got.stdout) != "a,n\n1,1\n2,200000000\n3,1\n" || got.stderr != "" {
			t.Errorf("%s: exit status %d, %.300q, %.300q", format, got.exit, got.stdout, got.stderr)
		}
		got = runIn(t, dir, "run", "-e", table("a INT, b STRING", "in."+format, format, "source.max-record-size", "1 mb")+"SELECT COUNT(b) FROM t;")
		if got.exit != 1 {
			t.Errorf("exit status %d", got.exit)
		}
		at := map[string]string{"csv": "4", "json": "16"}[format]
		says(t, got.stderr, 1, place+"'in."+format+"' at byte "+at+": a record is larger than 1048576 bytes, which 'source.max-record-size' allows")
	}
}

// rows returns the lines of the visible files below a folder, sorted.
func rows(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Fields(string(data))...)
		return nil
	})
	slices.Sort(out)
	return out
}

func numbered(from, to int) (lines string, want []string) {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "%d,row%d\n", i, i)
		want = append(want, fmt.Sprintf("%d,row%d", i, i))
	}
	slices.Sort(want)
	return b.String(), want
}

// TestNothingCommittedIsLost fails a job by a bad record behind many good ones, with
// checkpoints. What was committed stays; when the record is mended, the job goes on
// and every row is there once.
func TestNothingCommittedIsLost(t *testing.T) {
	dir := t.TempDir()
	lines, want := numbered(0, 600_000)
	bad := strings.Replace(lines, "\n599990,", "\nxxxxxx,", 1)
	write(t, dir, map[string]string{"in.csv": bad, "job.sql": table("a INT, b STRING", "in.csv", "csv") + insert})
	args := []string{"run", "-f", "job.sql", "--checkpoint-dir", "ck", "--set", "execution.checkpointing.interval=20ms", "--quiet", "--parallelism", "1"}
	got := runIn(t, dir, args...)
	if got.exit != 1 {
		t.Fatalf("exit status %d, %q", got.exit, got.stderr)
	}
	says(t, got.stderr, 1, place+"'in.csv' at byte *, record 599991: column 'a': 'xxxxxx' is not a valid INT, in \"xxxxxx,row599990\"")
	noHalfFiles(t, dir)
	before := rows(t, filepath.Join(dir, "out"))
	if len(before) == 0 {
		t.Log("no checkpoint was committed before the bad record")
	}
	write(t, dir, map[string]string{"in.csv": lines})
	got = runIn(t, dir, append(args, "--restore", "latest")...)
	if got.exit != 0 || got.stderr != "" || got.stdout != "" {
		t.Fatalf("exit status %d, %q, %q", got.exit, got.stderr, got.stdout)
	}
	if after := rows(t, filepath.Join(dir, "out")); !slices.Equal(after, want) {
		t.Errorf("%d rows, should be %d; %d had been committed", len(after), len(want), len(before))
	}
}

// copied runs a copy of a file with checkpoints, so that there is a folder of a job
// that has finished.
func copied(t *testing.T) (dir string) {
	dir = t.TempDir()
	write(t, dir, map[string]string{"in.csv": three, "job.sql": table("a INT, b STRING", "in.csv", "csv") + insert})
	if got := runIn(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "ck"); got.exit != 0 {
		t.Fatal(got)
	}
	return dir
}

// TestTruncatedCheckpoint cuts the newest checkpoint: the one before is used, the log
// says so, and nothing is doubled.
func TestTruncatedCheckpoint(t *testing.T) {
	dir := copied(t)
	list, _ := filepath.Glob(filepath.Join(dir, "ck/o/chk-*.json"))
	if len(list) < 2 {
		t.Fatal(list)
	}
	if err := os.Truncate(list[len(list)-1], 100); err != nil {
		t.Fatal(err)
	}
	got := runIn(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "ck", "--restore", "latest")
	if got.exit != 0 || !strings.Contains(got.stderr, filepath.Base(list[len(list)-1])+" fails its checksum") ||
		!strings.Contains(got.stderr, "what they committed is taken back") {
		t.Errorf("exit status %d: %s", got.exit, got.stderr)
	}
	if got := rows(t, filepath.Join(dir, "out")); !slices.Equal(got, []string{"1,a", "2,b", "3,c"}) {
		t.Errorf("the sink has %q", got)
	}
	got = runIn(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "ck", "--restore", "latest")
	if got.exit != 0 || got.stderr != "o: had finished; it does not run again\n" {
		t.Errorf("exit status %d: %s", got.exit, got.stderr)
	}
}

// TestCheckpointOfAnotherJob restores a job from what another has left.
func TestCheckpointOfAnotherJob(t *testing.T) {
	dir := copied(t)
	write(t, dir, map[string]string{"other.sql": strings.ReplaceAll(table("a INT, b STRING", "in.csv", "csv"), "TABLE t", "TABLE u") + strings.ReplaceAll(insert, "FROM t", "FROM u")})
	for _, from := range []string{"ck", "ck/o", "latest"} {
		ck := "ck2"
		if from == "latest" {
			ck = "ck"
		}
		got := runIn(t, dir, "run", "-f", "other.sql", "--checkpoint-dir", ck, "--restore", from)
		if got.exit != 2 {
			t.Errorf("%s: exit status %d", from, got.exit)
		}
		says(t, got.stderr, 2, "ck/o/chk-00000001.json of job o has positions of source default_catalog.default_database.t, which this job does not have: it is another job's, or the query has changed; --allow-non-restored-state leaves it out")
	}
	if got := rows(t, filepath.Join(dir, "out")); !slices.Equal(got, []string{"1,a", "2,b", "3,c"}) {
		t.Errorf("the sink has %q", got)
	}
}

// TestRunsTwice runs a job anew in a folder with checkpoints: the rows are there
// twice, as in Flink.
func TestRunsTwice(t *testing.T) {
	dir := copied(t)
	if got := runIn(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "ck"); got.exit != 0 {
		t.Fatal(got)
	}
	if got := rows(t, filepath.Join(dir, "out")); len(got) != 6 {
		t.Errorf("the sink has %q", got)
	}
}

// TestOverwriteTwice runs INSERT OVERWRITE twice: what the first run wrote is replaced.
func TestOverwriteTwice(t *testing.T) {
	dir := copied(t)
	write(t, dir, map[string]string{"over.sql": strings.ReplaceAll(table("a INT, b STRING", "in.csv", "csv")+insert, "INSERT INTO", "INSERT OVERWRITE")})
	for range 2 {
		got := runIn(t, dir, "run", "-f", "over.sql", "--mode", "batch")
		if got.exit != 0 {
			t.Fatal(got)
		}
		if got := rows(t, filepath.Join(dir, "out")); len(got) != 3 {
			t.Errorf("the sink has %q", got)
		}
	}
}

// tmpfs makes a small file system.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		why := fmt.Sprintf("a small tmpfs cannot be mounted (needs root): %v: %s", err, bytes.TrimSpace(out))
		if os.Getenv("CI") == "true" && os.Getuid() == 0 {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("unmount: %v: %s", err, out)
		}
	})
	return dir
}

// fill takes all room but some bytes.
func fill(t *testing.T, dir string, size, left int) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	if err := os.WriteFile(name, make([]byte, size-left), 0o644); err != nil {
		t.Fatal(err)
	}
	return func() { os.Remove(name) }
}

// TestFullDiskOfSink fails a job whose output has no room, whole: no half of the
// result stays.
func TestFullDiskOfSink(t *testing.T) {
	full := tmpfs(t, "1m")
	dir := t.TempDir()
	lines, _ := numbered(0, 200_000)
	write(t, dir, map[string]string{"in.csv": lines})
	script := table("a INT, b STRING", "in.csv", "csv") + strings.ReplaceAll(insert, "'out'", "'"+full+"/out'")
	got := runIn(t, dir, "run", "-e", script)
	if got.exit != 1 {
		t.Errorf("exit status %d", got.exit)
	}
	says(t, got.stderr, 1, "*table default_catalog.default_database.o: write '"+full+"/out/part-*no space left*")
	if got := rows(t, filepath.Join(full, "out")); len(got) > 0 {
		t.Errorf("%d rows are left", len(got))
	}
	noHalfFiles(t, full)
}

const paced = `CREATE TABLE t (a INT, b STRING) WITH ('connector'='datagen', 'rows-per-second'='20000', 'fields.a.kind'='sequence', 'fields.a.start'='1', 'fields.a.end'='40000', 'fields.b.length'='20');
CREATE TABLE o (a INT, b STRING) WITH ('connector'='filesystem', 'path'='out', 'format'='csv');
INSERT INTO o SELECT a, b FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY a ORDER BY PROCTIME()) AS rn FROM t) WHERE rn = 1;
`

// TestFullDiskOfCheckpoints fills the checkpoint folder while a job runs: checkpoints
// fail and are heard of, the job goes on, and all resumes when there is room again.
func TestFullDiskOfCheckpoints(t *testing.T) {
	full := tmpfs(t, "16m")
	dir := t.TempDir()
	write(t, dir, map[string]string{"job.sql": paced})
	free := fill(t, full, 16<<20, 40<<10)
	cmd := exec.Command(binary, "run", "-f", "job.sql", "--checkpoint-dir", filepath.Join(full, "ck"), "--set", "execution.checkpointing.interval=100ms")
	cmd.Dir = dir
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer late.Stop()
	failed := 0
	var log []string
	for in := bufio.NewScanner(stderr); in.Scan(); {
		log = append(log, in.Text())
		if strings.Contains(in.Text(), "failed: ") && strings.Contains(in.Text(), "no space left") {
			if failed++; failed == 3 {
				free()
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %q", err, log)
	}
	if failed < 3 {
		t.Errorf("%d checkpoints failed: %q", failed, log)
	}
	got := rows(t, filepath.Join(dir, "out"))
	if got = slices.Compact(got); len(got) != 40000 {
		t.Errorf("%d rows", len(got))
	}
	noHalfFiles(t, dir)
	noHalfFiles(t, full)
	if list, _ := filepath.Glob(filepath.Join(full, "ck/o/chk-*.json")); len(list) < 2 {
		t.Errorf("no checkpoint came after those that failed: %q", list)
	}
}

// TestFullDiskAtTheEnd lets the last checkpoint fail: the job fails with one line; run
// again with room, it ends, and the rows are there once.
func TestFullDiskAtTheEnd(t *testing.T) {
	full := tmpfs(t, "1m")
	dir := t.TempDir()
	write(t, dir, map[string]string{"job.sql": strings.ReplaceAll(paced, "'20000'", "'1000000'")})
	free := fill(t, full, 1<<20, 8<<10) // for the first, empty checkpoint
	args := []string{"run", "-f", "job.sql", "--checkpoint-dir", filepath.Join(full, "ck"), "--quiet"}
	got := runIn(t, dir, args...)
	if got.exit != 1 {
		t.Errorf("exit status %d", got.exit)
	}
	says(t, got.stderr, 1, "*no space left*")
	if got := rows(t, filepath.Join(dir, "out")); len(got) != 0 && len(got) != 40000 { // or the last of two records did not fit
		t.Errorf("%d rows: half of an epoch", len(got))
	}
	free()
	if got = runIn(t, dir, append(args, "--restore", "latest")...); got.exit != 0 || got.stderr != "" {
		t.Errorf("exit status %d: %s", got.exit, got.stderr)
	}
	if got := rows(t, filepath.Join(dir, "out")); len(slices.Compact(slices.Clone(got))) != 40000 || len(got) != 40000 {
		t.Errorf("%d rows", len(got))
	}
	noHalfFiles(t, dir)
}

// TestQuiet shows that --quiet leaves errors only, and that without it standard output
// still has results only.
func TestQuiet(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"in.csv": three, "job.sql": table("a INT, b STRING", "in.csv", "csv") + insert + "SELECT a FROM t WHERE a = 2;\n"})
	args := []string{"run", "-f", "job.sql", "--checkpoint-dir", "ck", "--restore", "latest"}
	loud := runIn(t, dir, args...)
	if loud.exit != 0 || loud.stdout != "a\n2\n" || !strings.Contains(loud.stderr, "it starts from the beginning") {
		t.Errorf("%+v", loud)
	}
	quiet := runIn(t, dir, append(args, "--quiet")...)
	if quiet.exit != 0 || quiet.stdout != "a\n2\n" || quiet.stderr != "" {
		t.Errorf("%+v", quiet)
	}
}

// TestRestartsByItself fills the disk that a sink writes to while a job runs that
// restarts after failures: when there is room again it goes on, and every row is
// there once.
func TestRestartsByItself(t *testing.T) {
	full := tmpfs(t, "8m")
	dir := t.TempDir()
	lines, want := numbered(0, 200_000)
	write(t, dir, map[string]string{"in.csv": lines, "job.sql": table("a INT, b STRING", "in.csv", "csv") + strings.ReplaceAll(insert, "'out'", "'"+full+"/out'")})
	free := fill(t, full, 8<<20, 1<<20)
	cmd := exec.Command(binary, "run", "-f", "job.sql", "--checkpoint-dir", "ck", "--set", "execution.checkpointing.interval=10ms",
		"--set", "restart-strategy.type=fixed-delay", "--set", "restart-strategy.fixed-delay.attempts=1000", "--set", "restart-strategy.fixed-delay.delay=20ms")
	cmd.Dir = dir
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer late.Stop()
	restarts := 0
	var log []string
	for in := bufio.NewScanner(stderr); in.Scan(); {
		log = append(log, in.Text())
		if strings.Contains(in.Text(), "restarting in ") {
			if restarts++; restarts == 5 {
				free()
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %q", err, log)
	}
	if restarts < 5 {
		t.Errorf("%d restarts: %q", restarts, log)
	}
	if got := rows(t, filepath.Join(full, "out")); !slices.Equal(got, want) {
		t.Errorf("%d rows, should be %d", len(got), len(want))
	}
	noHalfFiles(t, full)
}

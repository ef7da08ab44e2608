package badinput

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"
)

// endless is a job that does not end by itself.
var endless = strings.Replace(paced, "'fields.a.end'='40000'", "'fields.a.end'='400000000'", 1)

// A started is a process that a test has to end.
type started struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr bytes.Buffer
	gone   chan error
}

// start runs the binary in the background.
func start(t *testing.T, dir string, args ...string) *started {
	t.Helper()
	p := &started{t: t, cmd: exec.Command(binary, args...), gone: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Stderr = dir, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.gone <- p.cmd.Wait() }()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// end waits for the process to end.
func (p *started) end() error {
	p.t.Helper()
	select {
	case err := <-p.gone:
		return err
	case <-time.After(time.Minute):
		p.cmd.Process.Kill()
		p.t.Fatalf("it does not end: %s", p.stderr.String())
		return nil
	}
}

// eventually waits for something.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// checkpoints waits until job o in a folder has some manifests.
func checkpoints(t *testing.T, ck string, n int) {
	t.Helper()
	eventually(t, "checkpoints in "+ck, func() bool {
		list, _ := filepath.Glob(filepath.Join(ck, "o/chk-*.json"))
		return len(list) >= n
	})
}

// stopped runs an endless job and stops it with a savepoint, whose folder it returns.
func stopped(t *testing.T) (dir, savepoint string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, map[string]string{"job.sql": endless})
	p := start(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "ck", "--parallelism", "2", "--set", "execution.checkpointing.interval=50ms")
	checkpoints(t, filepath.Join(dir, "ck"), 2)
	got := runIn(t, dir, "stop", "ck/o", "--to", "sp")
	if got.exit != 0 {
		t.Fatal(got)
	}
	if err := p.end(); err != nil {
		t.Fatal(err, p.stderr.String())
	}
	path, err := filepath.Rel(dir, strings.TrimSpace(got.stdout))
	if err != nil {
		t.Fatal(err)
	}
	return dir, path
}

// reseal writes a sealed file again, changed.
func reseal(t *testing.T, name string, change func(map[string]any)) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	body := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&body); err != nil {
		t.Fatal(err)
	}
	change(body)
	out, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, fmt.Appendf(out, "\n%016x\n", xxh3.Hash(out)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// addOperator gives a manifest an operator more, with state.
func addOperator(t *testing.T, manifest string) {
	t.Helper()
	reseal(t, manifest, func(m map[string]any) {
		ops := m["Operators"].(map[string]any)
		for _, handles := range ops {
			if files, _ := handles.([]any)[0].(map[string]any)["Files"].([]any); len(files) > 0 {
				ops["more"] = handles
				return
			}
		}
		t.Fatal("no operator has state")
	})
}

// TestWrongSavepoint restores from a savepoint that is not as it was.
func TestWrongSavepoint(t *testing.T) {
	dir, sp := stopped(t)
	files, err := filepath.Glob(filepath.Join(dir, sp, "shared/*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	state, manifest := files[0], filepath.Join(dir, sp, "savepoint.json")
	for _, c := range []struct {
		name  string
		spoil func() error
		file  string
		args  []string
		exit  int
		says  string
	}{
		{"another folder", func() error { return nil }, manifest, []string{"--restore", "sp"}, 2, "restore sp: *sp*"},
		{"missing", func() error { return os.Remove(state) }, state, nil, 2, "restore " + sp + ": open " + sp + "/shared/" + filepath.Base(state) + ": no such file or directory"},
		{"truncated", func() error { return os.Truncate(state, 10) }, state, nil, 1, "restore " + sp + ": corrupt state file: " + sp + "/shared/" + filepath.Base(state) + " *"},
		{"altered", func() error { return flip(state) }, state, nil, 1, "restore " + sp + ": corrupt state file: " + sp + "/shared/" + filepath.Base(state) + " fails its checksum"},
		{"manifest truncated", func() error { return os.Truncate(manifest, 100) }, manifest, nil, 1, "restore " + sp + ": corrupt state file: " + sp + "/savepoint.json fails its checksum"},
		{"manifest altered", func() error { return flip(manifest) }, manifest, nil, 1, "restore " + sp + ": corrupt state file: " + sp + "/savepoint.json fails its checksum"},
		{"another version", func() error { reseal(t, manifest, func(m map[string]any) { m["Version"] = 9 }); return nil }, manifest, nil, 1,
			"restore " + sp + ": " + sp + "/savepoint.json has version 9 of the checkpoint format; this program reads version 1"},
		{"another hash", func() error { reseal(t, manifest, func(m map[string]any) { m["Hash"] = 9 }); return nil }, manifest, nil, 2,
			sp + "/savepoint.json was taken with version 9 of the key hash; this program has version 1"},
		{"an operator more", func() error {
			addOperator(t, manifest)
			return nil
		}, manifest, nil, 2, sp + "/savepoint.json of job o has state of operator more, which this job does not have: it is another job's, or the query has changed; --allow-non-restored-state leaves it out"},
		{"a claim mode", func() error { return nil }, manifest, []string{"--claim-mode", "MINE"}, 2, "--claim-mode must be one of \"NO_CLAIM\",\"CLAIM\",\"LEGACY\",\"\" but got \"MINE\"*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			was, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.spoil(); err != nil {
				t.Fatal(err)
			}
			defer os.WriteFile(c.file, was, 0o644)
			args := []string{"run", "-f", "job.sql", "--checkpoint-dir", "new", "--restore", sp}
			got := runIn(t, dir, append(args, c.args...)...)
			if got.exit != c.exit {
				t.Errorf("exit status %d", got.exit)
			}
			says(t, got.stderr, c.exit, c.says)
			if list, _ := filepath.Glob(filepath.Join(dir, "new/o/chk-*")); len(list) > 0 {
				t.Errorf("it has begun: %q", list)
			}
		})
	}
}

// flip alters a bit in the middle of a file.
func flip(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(name, data, 0o644)
}

// TestLeaveOut restores with an operator more in the savepoint than in the job, which
// is allowed.
func TestLeaveOut(t *testing.T) {
	dir, sp := stopped(t)
	addOperator(t, filepath.Join(dir, sp, "savepoint.json"))
	p := start(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "new", "--restore", sp, "--allow-non-restored-state", "--set", "execution.checkpointing.interval=50ms")
	checkpoints(t, filepath.Join(dir, "new"), 2)
	if got := runIn(t, dir, "cancel", "new/o"); got.exit != 0 {
		t.Error(got)
	}
	if err := p.end(); err != nil || !strings.Contains(p.stderr.String(), "savepoint.json has state of operator more, which this job does not have: left out") {
		t.Error(err, p.stderr.String())
	}
}

// TestOtherGroups restores with another number of key groups: from a checkpoint it is
// refused, with the way out.
func TestOtherGroups(t *testing.T) {
	dir, _ := stopped(t)
	got := runIn(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "ck", "--restore", "latest", "--set", "pipeline.max-parallelism=64")
	if got.exit != 2 {
		t.Errorf("exit status %d", got.exit)
	}
	says(t, got.stderr, 2, "checkpoint * was taken with 'pipeline.max-parallelism' = 128, which is fixed by a job's first checkpoint; it is 64 now. A savepoint can be restored with another: millrace savepoint ck/o")
}

// TestOwned restores from the checkpoints of a job that runs.
func TestOwned(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"job.sql": endless})
	p := start(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "ck", "--set", "execution.checkpointing.interval=50ms")
	checkpoints(t, filepath.Join(dir, "ck"), 2)
	got := runIn(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "other", "--restore", "ck/o")
	if got.exit != 2 {
		t.Errorf("exit status %d", got.exit)
	}
	says(t, got.stderr, 2, "restore ck/o: the checkpoint folder ck/o is in use by process * on host '*' since *; end it, or use another folder; a job that runs is copied by a savepoint: millrace savepoint ck/o")
	p.cmd.Process.Kill()
}

// TestNobodyThere speaks to jobs that do not run.
func TestNobodyThere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"job.sql": endless, "some/file": ""})
	p := start(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "ck", "--set", "execution.checkpointing.interval=50ms")
	checkpoints(t, filepath.Join(dir, "ck"), 2)
	p.cmd.Process.Kill()
	p.end()
	for _, c := range []struct {
		args []string
		exit int
		says string
	}{
		{[]string{"stop", "ck/o"}, 1, "job o does not run: no process runs the job: nobody answers at ck/o/control.sock, which a process that was killed has left; millrace savepoint ck/o makes a savepoint of its newest checkpoint"},
		{[]string{"cancel", "o", "--checkpoint-dir", "ck"}, 1, "job o does not run: *"},
		{[]string{"stop", "p", "--checkpoint-dir", "ck"}, 2, "there is no job 'p' in ck: there are o"},
		{[]string{"stop", "p", "--checkpoint-dir", "some"}, 2, "there is no job 'p': some has no checkpoints of any"},
		{[]string{"savepoint", "some"}, 2, "some is no job's folder for checkpoints; to name a job by its id or pipeline.name, give --checkpoint-dir"},
		{[]string{"list"}, 2, "which jobs? Give the folder for checkpoints"},
	} {
		got := runIn(t, dir, c.args...)
		if got.exit != c.exit {
			t.Errorf("%v: exit status %d", c.args, got.exit)
		}
		says(t, got.stderr, c.exit, c.says)
	}
	if got := runIn(t, dir, "list", "ck"); got.exit != 0 || !strings.Contains(got.stdout, "KILLED") {
		t.Error(got)
	}
	got := runIn(t, dir, "savepoint", "ck/o")
	if got.exit != 0 || !strings.HasPrefix(got.stdout, filepath.Join(dir, "ck/savepoint-o-")) || !strings.HasPrefix(got.stderr, "job o does not run: a savepoint of its checkpoint ") {
		t.Error(got)
	}
	if got := runIn(t, dir, "list", "ck"); got.exit != 0 || !strings.Contains(got.stdout, "STOPPED") || strings.Contains(got.stdout, "savepoint") {
		t.Error(got) // who made the savepoint has given the folder back
	}
}

// TestStopsAtOnce stops one job twice, while it takes checkpoints without a pause: one
// of the two is told that it came second.
func TestStopsAtOnce(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"job.sql": endless})
	p := start(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "ck", "--set", "execution.checkpointing.interval=1ms")
	checkpoints(t, filepath.Join(dir, "ck"), 2)
	answers := make(chan outcome)
	for range 2 {
		go func() { answers <- runIn(t, dir, "stop", "ck/o") }()
	}
	exits := []int{}
	for range 2 {
		got := <-answers
		exits = append(exits, got.exit)
		if got.exit != 0 {
			says(t, got.stderr, 1, "job o * not *")
		}
	}
	if slices.Sort(exits); !slices.Equal(exits, []int{0, 1}) {
		t.Errorf("exit statuses %v", exits)
	}
	if err := p.end(); err != nil {
		t.Error(err, p.stderr.String())
	}
	if list, _ := filepath.Glob(filepath.Join(dir, "ck/savepoint-*")); len(list) != 1 {
		t.Errorf("savepoints: %q", list)
	}
}

// TestSavepointOntoAFullDisk writes savepoints where there is no room: nothing of them
// stays, and the job goes on, whether it was to be stopped or not.
func TestSavepointOntoAFullDisk(t *testing.T) {
	full := tmpfs(t, "1m")
	fill(t, full, 1<<20, 4<<10)
	dir := t.TempDir()
	write(t, dir, map[string]string{"job.sql": endless})
	p := start(t, dir, "run", "-f", "job.sql", "--checkpoint-dir", "ck", "--set", "execution.checkpointing.interval=50ms")
	checkpoints(t, filepath.Join(dir, "ck"), 2)
	for _, args := range [][]string{{"savepoint", "ck/o", "--to", full}, {"stop", "ck/o", "--to", full}} {
		got := runIn(t, dir, args...)
		if got.exit != 1 {
			t.Errorf("%v: exit status %d", args, got.exit)
		}
		says(t, got.stderr, 1, "*o*: *"+full+"/savepoint-o-*no space left*")
	}
	if list, _ := filepath.Glob(filepath.Join(full, "savepoint-*")); len(list) > 0 {
		t.Errorf("left: %q", list)
	}
	if got := runIn(t, dir, "list", "ck"); !strings.Contains(got.stdout, "RUNNING") {
		t.Error(got)
	}
	before := len(rows(t, filepath.Join(dir, "out")))
	eventually(t, "rows after it was not stopped", func() bool { return len(rows(t, filepath.Join(dir, "out"))) > before })
	if got := runIn(t, dir, "stop", "ck/o"); got.exit != 0 {
		t.Error(got)
	}
	if err := p.end(); err != nil {
		t.Error(err, p.stderr.String())
	}
}

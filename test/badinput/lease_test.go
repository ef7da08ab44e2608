package badinput

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSameFolderTwice runs a command that runs already, with the same checkpoint
// folder: it is told who has it. When that one is killed, the command runs.
func TestSameFolderTwice(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"job.sql": strings.Replace(paced, "'fields.a.end'='40000'", "'fields.a.end'='4000000'", 1)})
	args := []string{"run", "-f", "job.sql", "--checkpoint-dir", "ck", "--set", "execution.checkpointing.interval=50ms"}
	first := exec.Command(binary, args...)
	first.Dir = dir
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	ended := func() {
		_ = first.Process.Kill()
		_ = first.Wait()
	}
	defer ended()
	deadline := time.Now().Add(time.Minute)
	for {
		if list, _ := filepath.Glob(filepath.Join(dir, "ck/o/chk-*.json")); len(list) > 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no checkpoint came")
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, restore := range []string{"", "latest"} {
		second := args
		if restore != "" {
			second = append(second, "--restore", restore)
		}
		got := runIn(t, dir, second...)
		if got.exit != 1 {
			t.Errorf("exit status %d", got.exit)
		}
		says(t, got.stderr, 1, "the checkpoint folder ck/o is in use by process * on host '*' since *; end it, or use another folder")
	}
	ended()
	third := exec.Command(binary, append(args, "--restore", "latest")...)
	third.Dir = dir
	log, err := third.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(log)
	in.Scan()
	_ = third.Process.Kill()
	_ = third.Wait()
	if !strings.HasPrefix(in.Text(), "o: restored from checkpoint ") {
		t.Errorf("the killed one stands in the way: %s", in.Text())
	}
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A waiting is a process in which nothing happens.
type waiting struct {
	Jobs  int     `json:"jobs"` // 0: the shell
	MB    float64 `json:"resident_mb"`
	OwnMB float64 `json:"own_mb"` // without the pages of the binary's file
	CPU   float64 `json:"cpu_seconds_a_second"`
}

func (c config) idle(ctx context.Context) ([]waiting, error) {
	shell, err := c.shell(ctx)
	if err != nil {
		return nil, fmt.Errorf("the shell: %w", err)
	}
	out := []waiting{shell}
	for _, n := range c.jobs {
		w, err := c.jobsThatWait(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("%d jobs: %w", n, err)
		}
		out = append(out, w)
	}
	return out, nil
}

// shell is the process of `millrace sql` that has answered a query.
func (c config) shell(ctx context.Context) (waiting, error) {
	cmd := exec.CommandContext(ctx, c.Millrace, "sql")
	in, err := cmd.StdinPipe()
	if err != nil {
		return waiting{}, err
	}
	return c.watched(cmd, 1, "42", func() error {
		_, err := io.WriteString(in, "SELECT 42;\n")
		return err
	})
}

// jobsThatWait is a process with n jobs, each of which has printed a row.
func (c config) jobsThatWait(ctx context.Context, n int) (waiting, error) {
	rows := filepath.Join(c.Work, "rows")
	if err := errors.Join(os.MkdirAll(rows, 0o755), os.WriteFile(filepath.Join(rows, "one.csv"), []byte("7,1\n"), 0o644)); err != nil {
		return waiting{}, err
	}
	script := filepath.Join(c.Work, "jobs.sql")
	if err := os.WriteFile(script, []byte(jobsScript(rows, n)), 0o644); err != nil {
		return waiting{}, err
	}
	cmd := exec.CommandContext(ctx, c.Millrace, "run", script, "--mode", "streaming", "--parallelism", "1", "--quiet")
	w, err := c.watched(cmd, n, "+I[7, 1]", func() error { return nil })
	w.Jobs = n
	return w, err
}

func jobsScript(rows string, n int) string {
	return fmt.Sprintf(`CREATE TABLE t (k BIGINT, v BIGINT) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv', 'source.monitor-interval' = '10s');
CREATE TABLE o (k BIGINT, n BIGINT) WITH ('connector' = 'print');
`, strings.ReplaceAll(rows, "'", "''")) + strings.Repeat("INSERT INTO o SELECT k, COUNT(*) FROM t GROUP BY k;\n", n)
}

// lineLimit is how long a process may take for the lines that tell that it waits.
const lineLimit = 5 * time.Minute

// watched starts a process, waits for n lines with a text, and looks at it while it does
// nothing; then it is killed.
func (c config) watched(cmd *exec.Cmd, n int, text string, begin func() error) (waiting, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return waiting{}, err
	}
	defer read.Close()
	cmd.Stdout, cmd.Stderr = write, write
	err = cmd.Start()
	write.Close()
	if err != nil {
		return waiting{}, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	if err := begin(); err != nil {
		return waiting{}, err
	}
	if err := read.SetReadDeadline(time.Now().Add(lineLimit)); err != nil {
		return waiting{}, err
	}
	said := ""
	for lines := bufio.NewScanner(read); n > 0; {
		if !lines.Scan() {
			return waiting{}, fmt.Errorf("%d lines with %q are missing; the last said: %.300s", n, text, said)
		}
		if said = lines.Text(); strings.Contains(said, text) {
			n--
		}
	}
	time.Sleep(c.settle)
	before, err := processorTime(cmd.Process.Pid)
	if err != nil {
		return waiting{}, err
	}
	began := time.Now()
	time.Sleep(c.watch)
	after, err := processorTime(cmd.Process.Pid)
	if err != nil {
		return waiting{}, err
	}
	seconds := time.Since(began).Seconds()
	all, own, err := resident(cmd.Process.Pid)
	return waiting{MB: all, OwnMB: own, CPU: (after - before) / seconds}, err
}

// resident is a process's memory in MB, and that without pages of files.
func resident(pid int) (all, own float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch name {
		case "VmRSS":
			all = kb / 1024
		case "RssAnon":
			own = kb / 1024
		}
	}
	if all == 0 || own == 0 {
		return 0, 0, fmt.Errorf("/proc/%d/status tells no memory", pid)
	}
	return all, own, nil
}

// ticks is how many a second has in which Linux tells processor time.
const ticks = 100

// processorTime is what a process has used, in seconds.
func processorTime(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// the second field is a name in parentheses, in which may be anything
	rest := string(text[strings.LastIndexByte(string(text), ')')+1:])
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %.100s", pid, text)
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	return (user + system) / ticks, errors.Join(err1, err2)
}

// perJob is what a job more costs, in MB, by the processes with the fewest and the most.
func perJob(idle []waiting) (mb float64, ok bool) {
	var jobs []waiting
	for _, w := range idle {
		if w.Jobs > 0 {
			jobs = append(jobs, w)
		}
	}
	if len(jobs) < 2 || jobs[0].Jobs == jobs[len(jobs)-1].Jobs {
		return 0, false
	}
	least, most := jobs[0], jobs[len(jobs)-1]
	return (most.MB - least.MB) / float64(most.Jobs-least.Jobs), true
}

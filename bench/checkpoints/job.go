package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A line is what a running job tells of itself, each progressEvery.
type line struct {
	At    int64 `json:"at_us"`
	Rows  int64 // read
	Epoch int64 // of the last checkpoint
	Took  int64 `json:"took_us"`
}

const progressEvery = 10 * time.Millisecond

// A job is a process of the binary that runs a script with one job.
type job struct {
	cmd    *exec.Cmd
	folder string // of its checkpoints
	ended  chan struct{}

	mu    sync.Mutex
	now   line
	moved int64 // when rows were read last, in microseconds
	stall int64 // the longest time in which none were, since it was made 0
	taken []taken
	log   []string
}

// taken is a checkpoint that is complete.
type taken struct {
	triggered time.Time
	took      time.Duration
	written   int64 // bytes that it has added
	state     int64 // bytes of all of it
}

// start runs a script with its checkpoints under dir/ck; id is the job's.
func (c config) start(ctx context.Context, dir, id, script string, stdout *os.File, flags ...string) (*job, error) {
	file := filepath.Join(dir, "job.sql")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		return nil, err
	}
	j := &job{folder: filepath.Join(dir, "ck", id), ended: make(chan struct{})}
	args := append([]string{"run", file, "--checkpoint-dir", filepath.Join(dir, "ck"), fmt.Sprintf("--progress-json=%s", progressEvery)}, flags...)
	j.cmd = exec.CommandContext(ctx, c.Millrace, args...)
	if stdout != nil {
		j.cmd.Stdout = stdout
	}
	out, err := j.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := j.cmd.Start(); err != nil {
		return nil, err
	}
	go j.read(out)
	return j, nil
}

// read takes in what the process tells until it ends.
func (j *job) read(out io.Reader) {
	defer close(j.ended)
	for in := bufio.NewScanner(out); in.Scan(); {
		var l line
		j.mu.Lock()
		if json.Unmarshal(in.Bytes(), &l) != nil {
			j.log = append(j.log, in.Text())
		} else {
			j.note(l)
		}
		j.mu.Unlock()
	}
}

// note takes in a line; under the lock. A stall lasts from the line that told of the
// last rows to the last that tells of no more, so it may be longer by twice the time
// between two lines.
func (j *job) note(l line) {
	switch {
	case l.Rows != j.now.Rows:
		j.moved = l.At
	case j.moved > 0:
		j.stall = max(j.stall, l.At-j.moved)
	}
	if l.Epoch != j.now.Epoch && l.Took > 0 {
		took := time.Duration(l.Took) * time.Microsecond
		j.taken = append(j.taken, taken{triggered: time.UnixMicro(l.At).Add(-took), took: took})
	}
	j.now = l
}

func (j *job) last() line {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now
}

// kill ends it as a crash does.
func (j *job) kill() {
	j.cmd.Process.Kill()
	<-j.ended
	j.cmd.Wait()
}

// failure is an error if the process has ended.
func (j *job) failure() error {
	select {
	case <-j.ended:
		return errors.New("the job has ended: " + strings.Join(j.log, "\n"))
	default:
		return nil
	}
}

func (j *job) until(ctx context.Context, cond func(line) bool) error {
	for !cond(j.last()) {
		if err := j.failure(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(progressEvery):
		}
	}
	return nil
}

// stateFiles returns the sizes of the state files in a job's folder.
func stateFiles(folder string) map[string]int64 {
	out := map[string]int64{}
	list, _ := filepath.Glob(filepath.Join(folder, "shared", "*.state"))
	for _, name := range list {
		if info, err := os.Stat(name); err == nil {
			out[name] = info.Size()
		}
	}
	return out
}

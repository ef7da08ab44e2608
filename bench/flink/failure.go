package flink

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Submit runs a script that starts one job and returns the job's id; the job goes on.
func (c *Cluster) Submit(ctx context.Context, script string) (string, error) {
	before, err := c.jobs(ctx)
	if err != nil {
		return "", err
	}
	if _, err := c.Query(ctx, script); err != nil {
		return "", err
	}
	after, err := c.jobs(ctx)
	if err != nil {
		return "", err
	}
	for id := range after {
		if _, old := before[id]; !old {
			return id, nil
		}
	}
	return "", errors.New("the script started no job")
}

// Running is an error if a job has ended, with the reason.
func (c *Cluster) Running(ctx context.Context, id string) error {
	jobs, err := c.jobs(ctx)
	if err != nil {
		return err
	}
	switch j, there := jobs[id]; {
	case !there:
		return fmt.Errorf("there is no job %s", id)
	case j.State == "FAILED" || j.State == "CANCELED" || j.State == "FINISHED":
		return c.failure(ctx, j)
	}
	return nil
}

// A Checkpoint is one that is complete.
type Checkpoint struct {
	Triggered time.Time
	Took      time.Duration // to the last acknowledgement
	Written   int64         // bytes that it has added
	State     int64         // bytes of all of it
}

// Checkpoints returns a job's complete checkpoints of this run of the JobManager, the
// oldest first.
func (c *Cluster) Checkpoints(ctx context.Context, id string) ([]Checkpoint, error) {
	var got struct {
		History []struct {
			Status    string `json:"status"`
			Triggered int64  `json:"trigger_timestamp"`
			Took      int64  `json:"end_to_end_duration"`
			Written   int64  `json:"checkpointed_size"`
			State     int64  `json:"state_size"`
		}
	}
	if err := c.get(ctx, "/jobs/"+id+"/checkpoints", &got); err != nil {
		return nil, err
	}
	var out []Checkpoint
	for i := len(got.History) - 1; i >= 0; i-- { // the newest is first
		if h := got.History[i]; h.Status == "COMPLETED" {
			out = append(out, Checkpoint{time.UnixMilli(h.Triggered), time.Duration(h.Took) * time.Millisecond, h.Written, h.State})
		}
	}
	return out, nil
}

// NewestCheckpoint returns where a job's newest checkpoint is that is there and whole:
// what one may go on from when the JobManager is gone.
func (c *Cluster) NewestCheckpoint(id string) (string, error) {
	all, err := filepath.Glob(filepath.Join(c.dir, "checkpoints", id, "chk-*", "_metadata"))
	newest, path := -1, ""
	for _, name := range all {
		dir := filepath.Dir(name)
		if n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), "chk-")); err == nil && n > newest {
			newest, path = n, "file://"+dir
		}
	}
	if path == "" {
		return "", errors.Join(err, fmt.Errorf("job %s has no checkpoint", id))
	}
	return path, nil
}

// KillTask kills the oldest TaskManager as a crash does; a job that it had goes to the
// next one that is there.
func (c *Cluster) KillTask() {
	p := c.tasks[0]
	c.tasks = c.tasks[1:]
	p.kill()
}

// Kill kills all processes as a crash does.
func (c *Cluster) Kill() {
	for _, p := range c.processes() {
		p.kill()
	}
	c.job, c.tasks = nil, nil
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// Restart starts a cluster again that was killed, and waits until it takes jobs.
func (c *Cluster) Restart(ctx context.Context, slots int) error {
	if len(c.processes()) > 0 {
		return fmt.Errorf("the cluster in %s runs", filepath.Base(c.dir))
	}
	return c.boot(ctx, slots)
}

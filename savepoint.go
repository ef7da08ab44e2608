package millrace

import (
	"context"
	"fmt"
	"strings"
)

// A job that takes no checkpoints keeps nothing of which there could be a savepoint.
func (j *Job) durable() error {
	if j.local.Storage == nil {
		return fmt.Errorf("job '%s' takes no checkpoints, so there can be no savepoint of it; see 'execution.checkpointing.dir'", j.ID)
	}
	return nil
}

// Savepoint writes a savepoint of a running job into a new folder of dir, "" for where
// the options say, and returns it. The job goes on. From any goroutine.
func (j *Job) Savepoint(ctx context.Context, dir string) (string, error) {
	if err := j.durable(); err != nil {
		return "", err
	}
	return j.local.Savepoint(ctx, j.savepointDir(dir), false, false)
}

// Stop ends a job with a savepoint and returns its folder. With drain the job comes to
// its end first: its sources end where they stand, and what waits for later rows, as
// open windows do, gives its results. When there is no savepoint, the job goes on,
// unless it has drained.
func (j *Job) Stop(ctx context.Context, dir string, drain bool) (string, error) {
	if err := j.durable(); err != nil {
		return "", err
	}
	path, err := j.local.Savepoint(ctx, j.savepointDir(dir), true, drain)
	if err != nil {
		return "", err
	}
	j.saved.Store(true)
	select {
	case <-j.ended:
		return path, nil
	case <-ctx.Done():
		return path, ctx.Err()
	}
}

func (j *Job) savepointDir(dir string) string {
	if dir == "" {
		return j.savepoints
	}
	return strings.TrimPrefix(dir, "file://")
}

package millrace

import (
	"context"
	"path/filepath"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/control"
)

// commanded is a session as commands of other processes see it: they speak through the
// sockets in the folders of its jobs.
type commanded struct{ s *Session }

// Jobs implements control.Jobs.
func (c commanded) Jobs() []control.Job {
	out := []control.Job{}
	for _, j := range c.s.Jobs() {
		if j.local == nil || j.local.Storage == nil {
			continue
		}
		v := control.Job{ID: j.ID, Name: j.Name, State: j.state(), Start: j.began / 1000, End: -1}
		now := c.s.cfg.Now() / 1000
		if !j.runs() {
			v.End = j.over.Load() / 1000
			now = v.End
		}
		v.Duration = now - v.Start
		out = append(out, v)
	}
	return out
}

// Savepoint implements control.Jobs.
func (c commanded) Savepoint(ctx context.Context, id, dir string) (string, error) {
	j, err := c.s.job(id)
	if err != nil {
		return "", err
	}
	path, err := j.Savepoint(ctx, dir)
	return absolute(path, err)
}

// Stop implements control.Jobs.
func (c commanded) Stop(ctx context.Context, id, dir string, drain bool) (string, error) {
	j, err := c.s.job(id)
	if err != nil {
		return "", err
	}
	path, err := j.Stop(ctx, dir, drain)
	return absolute(path, err)
}

// absolute makes a path one that a command understands that stands elsewhere.
func absolute(path string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// Cancel implements control.Jobs.
func (c commanded) Cancel(id string) error {
	j, err := c.s.job(id)
	if err != nil {
		return err
	}
	j.stopped.Store(true)
	j.Cancel()
	return nil
}

// listen opens the socket of a job that has its folder. A job whose socket cannot be
// opened runs all the same.
func (s *Session) listen(j *Job, st *checkpoint.Storage) {
	if !s.cfg.Control {
		return
	}
	e, err := s.control.Listen(j.ID, st.Dir)
	if err != nil {
		s.cfg.Log(j.ID + ": commands will not find this process: " + err.Error())
		return
	}
	j.endpoint = e
}

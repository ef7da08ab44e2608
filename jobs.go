package millrace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

var jobColumns = []string{"job id", "job name", "status", "start time"}

// showJobs lists the jobs of this session: a process runs no others.
func (s *Session) showJobs() (*Result, error) {
	var rows [][]string
	for _, j := range s.Jobs() {
		rows = append(rows, s.jobRow(j))
	}
	return listing(jobColumns, rows), nil
}

func (s *Session) jobRow(j *Job) []string {
	return []string{j.ID, j.Name, j.state(), time.UnixMicro(j.began).In(s.Zone()).Format("2006-01-02 15:04:05.000")}
}

// state is the job's status in Flink's words.
func (j *Job) state() string {
	switch {
	case j.runs():
		return "RUNNING"
	case j.saved.Load():
		return "FINISHED"
	case j.stopped.Load() || errors.Is(j.err, context.Canceled):
		return "CANCELED"
	case j.err != nil:
		return "FAILED"
	}
	return "FINISHED"
}

// job finds a job by its id, or by the number that the id begins with.
func (s *Session) job(id string) (*Job, error) {
	var ids []string
	for _, j := range s.Jobs() {
		if j.ID == id {
			return j, nil
		}
		ids = append(ids, j.ID)
	}
	err := base.Errorf(base.Pos{}, "there is no job '%s'", id)
	if err.Hint = "SHOW JOBS lists the jobs of this session"; len(ids) == 0 {
		err.Hint = "this session has started no jobs"
	}
	return nil, err
}

func (s *Session) describeJob(a *ast.Describe) (*Result, error) {
	j, err := s.job(a.ID)
	if err != nil {
		return nil, at(a, err)
	}
	return listing(jobColumns, [][]string{s.jobRow(j)}), nil
}

// stopJob ends a job: after a last checkpoint if it takes any, or with a savepoint.
func (s *Session) stopJob(ctx context.Context, a *ast.StopJob) (*Result, error) {
	j, err := s.job(a.ID)
	if err == nil && a.Drain && !a.Savepoint {
		err = base.Errorf(base.Pos{}, "WITH DRAIN goes with WITH SAVEPOINT only")
	}
	if err == nil && !j.runs() && a.Savepoint {
		err = base.Errorf(base.Pos{}, "job '%s' has ended: it is %s", j.ID, j.state())
	}
	if err != nil {
		return nil, at(a, err)
	}
	if !a.Savepoint {
		j.stopped.Store(true)
		j.Cancel()
		<-j.ended
		return &Result{}, nil
	}
	path, err := j.Stop(ctx, "", a.Drain)
	if err != nil {
		return nil, at(a, fmt.Errorf("job '%s' is not stopped: %w", j.ID, err))
	}
	return listing([]string{"savepoint path"}, [][]string{{path}}), nil
}

// runs reports whether the job has not ended.
func (j *Job) runs() bool {
	select {
	case <-j.ended:
		return false
	default:
		return true
	}
}

// module refuses what Flink's modules and jars could change: there is the module
// core, and it is always used.
func module(st ast.Statement) error {
	refuse := func(msg string) error { return at(st, base.Errorf(base.Pos{}, "%s", msg)) }
	switch a := st.(type) {
	case *ast.UseModules:
		for _, n := range a.Names {
			if n.Text != "core" {
				return refuse("there is no module '" + n.Text + "'; there is core")
			}
		}
	case *ast.LoadModule:
		if a.Name.Text == "core" {
			return refuse("module 'core' is loaded already")
		}
		return refuse("there is no module '" + a.Name.Text + "': modules are Java classes, which are not run here")
	case *ast.UnloadModule:
		if a.Name.Text == "core" {
			return refuse("module 'core' cannot be unloaded")
		}
		return refuse("there is no module '" + a.Name.Text + "'; there is core")
	case *ast.Jar:
		return refuse("there is no Java here to load '" + a.Path + "' into: write functions in SQL or in Go")
	}
	return nil
}

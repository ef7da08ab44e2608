package testkit

import (
	"context"
	"testing"
	"time"

	"github.com/millrace-io/millrace"
)

// Checkpoint runs a script whose last statement is a job that does not end until its
// sources have given so many rows, and stops it with a checkpoint in dir. restore is as
// of millrace.Config.
func Checkpoint(t testing.TB, dir, restore, script string, rows int64, options map[string]string) {
	t.Helper()
	s, err := millrace.Open(millrace.Config{CheckpointDir: dir, Restore: restore, Options: options, Log: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	for st, err := range s.Script("job.sql", script) {
		if err == nil {
			_, err = s.Execute(ctx, st, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	jobs := s.Jobs()
	j := jobs[len(jobs)-1]
	for j.Status().SourceRows < rows {
		select {
		case <-j.Ended():
			t.Fatalf("the job ended: %v", j.Wait(ctx))
		case <-ctx.Done():
			t.Fatalf("%d rows of %d were read", j.Status().SourceRows, rows)
		case <-time.After(5 * time.Millisecond):
		}
	}
	stop()
	if err := s.Wait(ctx); err != nil && err != context.Canceled {
		t.Fatal(err)
	}
}

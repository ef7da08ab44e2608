package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/jobgraph"
)

// A verification reads the checkpoint that the job was restored from to its last byte,
// while the tasks run. Until it has, the checkpoints before it are kept.
type verification struct {
	begun bool
	stop  context.CancelFunc
	work  sync.WaitGroup
}

// verify begins to read what the job was restored from, if nobody has.
func (l *Local) verify() {
	v := &l.verification
	if v.begun || l.Storage == nil || l.Restore == nil || l.Verified {
		return
	}
	v.begun = true
	ctx, stop := context.WithCancel(context.Background())
	v.stop = stop
	v.work.Add(1)
	go func() {
		defer v.work.Done()
		defer stop()
		switch err := l.Storage.Verify(ctx, l.Restore); {
		case ctx.Err() != nil:
		case err != nil:
			l.Send(job.Event{Damaged: err})
		default:
			l.Storage.Keep(0)
		}
	}()
}

// endVerify ends it, whatever it has come to.
func (l *Local) endVerify() {
	v := &l.verification
	if v.stop != nil {
		v.stop()
	}
	v.work.Wait()
}

// goBack finds the newest checkpoint that is whole and makes it the newest of all.
func (l *Local) goBack() {
	v := &l.verification
	if v.stop != nil {
		v.stop()
	}
	v.work.Add(1)
	go func() {
		defer v.work.Done()
		m, settle, err := l.whole()
		l.Send(job.Event{Whole: &job.Whole{Manifest: m, Settle: settle, Err: err}})
	}()
}

func (l *Local) whole() (*checkpoint.Manifest, *jobgraph.Graph, error) {
	if err := l.Storage.Held(); err != nil {
		l.lose(err)
		return nil, nil, err
	}
	m, err := l.Storage.Latest(l.Log)
	if err != nil {
		return nil, nil, err
	}
	if m == nil {
		return nil, nil, errors.New("there is no checkpoint")
	}
	if l.Fits != nil {
		if err := l.Fits(m); err != nil {
			return nil, nil, err
		}
	}
	var settle *jobgraph.Graph
	if m.Overtaken && l.Settling != nil {
		if settle, err = l.Settling(m); err != nil {
			return nil, nil, err
		}
	}
	next, err := l.Storage.Next()
	if err != nil {
		return nil, nil, err
	}
	if next > m.Epoch+1 {
		l.Log(fmt.Sprintf("goes back to checkpoint %d: checkpoints %d to %d are given up, and what they committed is taken back where the sink can: their rows come again", m.Epoch, m.Epoch+1, next-1))
	}
	l.Storage.Keep(0)
	return m, settle, l.Storage.Begin(m)
}

package cluster

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/job"
)

// savepoints are those that were asked for and are not answered.
type savepoints struct {
	mu     sync.Mutex
	asked  map[string]chan *job.Copied
	number int
	ended  bool
	copies sync.WaitGroup
}

// ErrOver is what is said of a savepoint of a job that runs no more.
var ErrOver = errors.New("the job has ended")

// Savepoint has a savepoint written into a folder of dir, and returns its folder. With
// stop the job ends then; with drain, after its sources have ended. From any goroutine.
func (l *Local) Savepoint(ctx context.Context, dir string, stop, drain bool) (path string, err error) {
	s := &l.savepoints
	s.mu.Lock()
	if s.ended || l.Storage == nil {
		s.mu.Unlock()
		return "", ErrOver
	}
	s.number++
	id := strconv.Itoa(s.number)
	answer := make(chan *job.Copied, 1)
	if s.asked == nil {
		s.asked = map[string]chan *job.Copied{}
	}
	s.asked[id] = answer
	s.mu.Unlock()
	l.Send(job.Event{Savepoint: &job.SavepointRequest{ID: id, Dir: dir, Stop: stop, Drain: drain}})
	select {
	case a := <-answer:
		return a.Path, a.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// copy makes a savepoint of a checkpoint, beside the job's work.
func (l *Local) copy(c *job.Copy) {
	s := &l.savepoints
	unpin := l.Storage.Pin(c.Manifest) // before a later epoch makes it an old one
	s.copies.Add(1)
	go func() {
		defer s.copies.Done()
		defer unpin()
		token := strconv.FormatUint(env.Seed(), 36)
		path, err := l.Storage.Savepoint(c.Manifest, c.Request.Dir, token[:min(8, len(token))])
		l.Send(job.Event{Copied: &job.Copied{ID: c.Request.ID, Path: path, Err: err}})
	}()
}

func (l *Local) answer(a *job.Copied) {
	s := &l.savepoints
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.asked[a.ID]; ch != nil {
		ch <- a
		delete(s.asked, a.ID)
	}
}

// closeSavepoints waits for copies under way and answers what nobody else will.
func (l *Local) closeSavepoints() {
	s := &l.savepoints
	s.copies.Wait()
	for _, ev := range l.take() {
		if ev.Copied != nil {
			l.answer(ev.Copied)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for id, ch := range s.asked {
		ch <- &job.Copied{ID: id, Err: ErrOver}
	}
	s.asked = nil
}

package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// process is one that runs jobs.
type process struct {
	stopped chan struct{}
}

func (p *process) Jobs() []Job {
	j := Job{ID: "out", Name: "n", State: "RUNNING", End: -1}
	select {
	case <-p.stopped:
		j.State, j.End = "CANCELED", 1
	default:
	}
	return []Job{j}
}

func (p *process) Savepoint(_ context.Context, id, dir string) (string, error) {
	if dir == "full" {
		return "", errors.New("no space left")
	}
	return dir + "/savepoint-" + id, nil
}

func (p *process) Stop(_ context.Context, id, dir string, drain bool) (string, error) {
	close(p.stopped)
	return fmt.Sprint(dir, "/", id, " drain=", drain), nil
}

func (p *process) Cancel(string) error { close(p.stopped); return nil }

func serve(t *testing.T, dir string) (*process, *Server, *Endpoint, *Client) {
	t.Helper()
	p := &process{stopped: make(chan struct{})}
	s := NewServer(p)
	e, err := s.Listen("out", dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Dial(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return p, s, e, c
}

func end(t *testing.T, s *Server, e *Endpoint) {
	t.Helper()
	if err := e.Leave(); err != nil {
		t.Error(err)
	}
	e.Close()
	s.Wait()
}

func TestCommands(t *testing.T) {
	dir := t.TempDir()
	_, s, e, c := serve(t, dir)
	ctx := context.Background()
	jobs, err := c.Jobs(ctx)
	if err != nil || len(jobs) != 1 || jobs[0].ID != "out" || jobs[0].State != "RUNNING" {
		t.Error(jobs, err)
	}
	if path, err := c.Savepoint(ctx, "out", "d"); path != "d/savepoint-out" || err != nil {
		t.Error(path, err)
	}
	if _, err := c.Savepoint(ctx, "out", "full"); err == nil || err.Error() != "no space left" {
		t.Error(err)
	}
	if _, err := c.Savepoint(ctx, "other", "d"); err == nil || err.Error() != "job other not found" {
		t.Error(err)
	}
	// A job ends, and with it its socket: who has stopped it hears of the savepoint
	// all the same.
	answer := make(chan string)
	go func() {
		path, err := c.Stop(ctx, "out", "d", true)
		answer <- fmt.Sprint(path, " ", err)
	}()
	p := s.jobs.(*process)
	<-p.stopped
	end(t, s, e)
	if got := <-answer; got != "d/out drain=true <nil>" {
		t.Error(got)
	}
	if _, err := Dial(ctx, dir); !errors.Is(err, ErrNoProcess) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Error(left)
	}
}

func TestCancel(t *testing.T) {
	_, s, e, c := serve(t, t.TempDir())
	if err := c.Cancel(context.Background(), "out"); err != nil {
		t.Error(err)
	}
	end(t, s, e)
}

// TestLongName shows that a folder's name may be longer than a socket's, and that only
// the user may open what stands for it.
func TestLongName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long-", 30))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	_, s, e, c := serve(t, dir)
	if _, err := c.Jobs(context.Background()); err != nil {
		t.Error(err)
	}
	for name, mode := range map[string]os.FileMode{e.name: 0o600, filepath.Dir(e.name): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	end(t, s, e)
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Error(left)
	}
	if _, err := os.Stat(filepath.Dir(e.name)); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// TestKilled shows that the socket of a process that was killed is told from one that
// answers, and does not stand in the way of the next.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketFile), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := Dial(context.Background(), dir); !errors.Is(err, ErrNoProcess) || !strings.Contains(err.Error(), "killed") {
		t.Error(err)
	}
	_, s, e, _ := serve(t, dir)
	end(t, s, e)
}

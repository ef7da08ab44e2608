package checkpoint_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/internal/fsys/mem"
)

// machines are processes that share a folder; a test moves their clock and ends them.
type machines struct {
	fs    fsys.FS
	now   int64
	ended map[int]bool
	n     int
}

func (m *machines) acquire(pid int, place string) (*checkpoint.Storage, error) {
	m.n++
	token := fmt.Sprint(m.n)
	s := &checkpoint.Storage{FS: m.fs, Dir: "ck/job"}
	var err error
	s.Lease, err = s.Acquire(checkpoint.World{
		Self:  checkpoint.Process{Pid: pid, Host: "host-" + place, Place: place, Start: "1"},
		Now:   func() int64 { return m.now },
		Alive: func(p checkpoint.Process) bool { return !m.ended[p.Pid] },
		Token: func() string { return token },
	})
	return s, err
}

func (m *machines) must(t *testing.T, pid int, place string) *checkpoint.Storage {
	t.Helper()
	s, err := m.acquire(pid, place)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newMachines() *machines {
	return &machines{fs: mem.New(nil), now: 1_000_000_000, ended: map[int]bool{}}
}

// TestLease shows that a folder has one owner at a time, whom the others are told.
func TestLease(t *testing.T) {
	m := newMachines()
	a := m.must(t, 7, "x")
	_, err := m.acquire(8, "x")
	if err == nil || !strings.Contains(err.Error(), "ck/job is in use by process 7 on host 'host-x' since ") || !strings.HasSuffix(err.Error(), "end it, or use another folder") {
		t.Errorf("taken: %v", err)
	}
	if _, err := m.acquire(7, "x"); err == nil {
		t.Error("the same process had it twice")
	}
	if err := a.Lease.Release(); err != nil {
		t.Fatal(err)
	}
	m.must(t, 8, "x")
}

// TestLeaseOfTheKilled shows that a process that was killed does not stand in the way
// of its restart: on its machine at once, elsewhere when its lease has ended.
func TestLeaseOfTheKilled(t *testing.T) {
	m := newMachines()
	m.must(t, 7, "x")
	m.ended[7] = true
	if _, err := m.acquire(8, "y"); err == nil || !strings.Contains(err.Error(), "if it was killed, the folder is free at ") {
		t.Errorf("from elsewhere: %v", err)
	}
	b := m.must(t, 8, "x")
	m.now += 3 * checkpoint.BeatUs
	if err := b.Lease.Beat(m.now); err != nil {
		t.Fatal(err)
	}
	m.now += 4 * checkpoint.BeatUs
	if _, err := m.acquire(9, "y"); err == nil {
		t.Error("taken before the lease had ended")
	}
	m.now++
	m.must(t, 9, "y")
}

// TestLeaseLost shows that a process that was taken to be gone, and goes on, writes
// nothing more, and does not give away what is another's.
func TestLeaseLost(t *testing.T) {
	m := newMachines()
	a := m.must(t, 7, "x")
	if err := a.Save(&checkpoint.Manifest{Job: "job", Epoch: 1}); err != nil {
		t.Fatal(err)
	}
	m.now += 5 * checkpoint.BeatUs
	b := m.must(t, 8, "y")
	for what, err := range map[string]error{
		"held": a.Held(), "beat": a.Lease.Beat(m.now),
		"save":   a.Save(&checkpoint.Manifest{Job: "job", Epoch: 2}),
		"finish": a.Save(&checkpoint.Manifest{Job: "job", Epoch: 1, Finished: true}),
	} {
		if !errors.Is(err, checkpoint.ErrLost) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := a.Lease.Release(); err != nil {
		t.Error(err)
	}
	if err := b.Held(); err != nil {
		t.Error(err)
	}
	if err := b.Lease.Release(); err != nil {
		t.Error(err)
	}
	m.must(t, 9, "z")
	if err := a.Held(); !errors.Is(err, checkpoint.ErrLost) {
		t.Errorf("a later owner's file was taken for its own: %v", err)
	}
}

// TestSavedBehind shows that what a loser has saved in the last moment is dropped by
// the one who meets it.
func TestSavedBehind(t *testing.T) {
	m := newMachines()
	s := m.must(t, 7, "x")
	late := &checkpoint.Storage{FS: m.fs, Dir: s.Dir} // looks at no lease
	if err := late.Save(&checkpoint.Manifest{Job: "job", Run: "loser", Epoch: 3}); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(&checkpoint.Manifest{Job: "job", Run: "owner", Epoch: 3}); !errors.Is(err, fsys.ErrExist) {
		t.Errorf("saved over it: %v", err)
	}
	if err := s.Save(&checkpoint.Manifest{Job: "job", Run: "owner", Epoch: 4}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Epochs(); err != nil || len(got) != 1 || got[0] != 4 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestLeaseRace lets many take a folder whose owner is gone, on a real disk: one gets
// it.
func TestLeaseRace(t *testing.T) {
	m := newMachines()
	m.fs = local.New(t.TempDir())
	m.must(t, 7, "x")
	m.ended[7] = true
	const racers = 8
	var all sync.WaitGroup
	won := make(chan int, racers)
	for i := range racers {
		all.Go(func() {
			s := &checkpoint.Storage{FS: m.fs, Dir: "ck/job"}
			_, err := s.Acquire(checkpoint.World{
				Self: checkpoint.Process{Pid: 100 + i, Place: "x"}, Now: func() int64 { return m.now },
				Alive: func(p checkpoint.Process) bool { return p.Pid != 7 }, Token: func() string { return fmt.Sprint("racer", i) },
			})
			if err == nil {
				won <- i
			} else if !strings.Contains(err.Error(), "is in use by process 10") {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Errorf("%d have the folder", len(won))
	}
}

// A torn listing is read while one owner's file takes the place of another's: it has
// neither.
type torn struct {
	fsys.FS
	lists int
}

func (f *torn) List(dir string) ([]fsys.Info, error) {
	if f.lists++; f.lists == 1 {
		return nil, nil
	}
	return f.FS.List(dir)
}

// TestLeaseTornListing shows that such a listing makes no second owner.
func TestLeaseTornListing(t *testing.T) {
	m := newMachines()
	m.must(t, 7, "x")
	m.ended[7] = true
	a := m.must(t, 8, "x") // has owner-2 now, and owner-1 is free
	m.fs = &torn{FS: m.fs}
	if _, err := m.acquire(9, "x"); err == nil || !strings.Contains(err.Error(), "is in use by process 8") {
		t.Errorf("a second owner: %v", err)
	}
	if err := a.Held(); err != nil {
		t.Error(err)
	}
}

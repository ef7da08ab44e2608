package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/millrace-io/millrace/internal/fsys"
)

// A Lease is the right to write a job's folder: of two processes that run the same
// job with the same folder, one has it and the other is told who. It needs no more
// of a file store than that a file can be put if it is absent.
//
//		<job>/owner-<n>.json     who has the folder; rewritten by the owner alone
//
//	 1. Who puts owner-<n+1> while owner-<n> is the newest, and its owner is gone, is
//	    the owner: of several that try only one can put it. It then deletes owner-<n>.
//	    A listing that is read just then may have neither file, and whoever read it
//	    puts a lower number: each lists again when it has put its file, and gives way
//	    to a higher one, which was there before.
//	 2. An owner whose file is not there any more, or is another's, has lost the
//	    folder, and writes nothing more: it looks before every manifest and commit.
//	 3. A process on the same machine is gone when it does not run. Of others that
//	    cannot be known: they are gone when they have not rewritten their file for
//	    leaseUs. A process that is stopped for so long and goes on later finds 2.
//
// Between looking and writing a manifest a loser may still be overtaken. Its
// manifest is put if absent, as all are, so the new owner either found it when it
// began, and went on from it, or meets it as a taken name, drops it and goes on with
// the next epoch.
type Lease struct {
	storage *Storage
	name    string
	owner   Owner
}

// An Owner is a process that has a job's folder.
type Owner struct {
	Process
	Token string // no other's
	Since int64  // microseconds since 1970
	Beat  int64  // … when it was last known to run
}

// A Process says which process of which machine.
type Process struct {
	Pid   int
	Host  string
	Place string // where its pid means something: the machine, its boot and its pid namespace
	Start string // when it started, in some unit: a pid is given again
}

// BeatUs is how often an owner rewrites its file; without that for leaseUs it is
// taken to be gone by others that cannot know. Microseconds.
const (
	BeatUs  = 10_000_000
	leaseUs = 4 * BeatUs
)

// ErrLost is returned, wrapped, to an owner that another has taken the place of.
var ErrLost = errors.New("the checkpoint folder was taken over")

// A World is what a Lease asks of the machine.
type World struct {
	Self  Process
	Now   func() int64
	Alive func(Process) bool // of a process of the same Place
	Token func() string
}

// Acquire takes the folder, or says who has it.
func (s *Storage) Acquire(w World) (*Lease, error) {
	me := Owner{Process: w.Self, Token: w.Token(), Since: w.Now(), Beat: w.Now()}
	data, err := json.Marshal(me)
	if err != nil {
		return nil, err
	}
	for {
		n, err := s.newestOwner()
		if err != nil {
			return nil, err
		}
		if n > 0 {
			o, err := s.ownerOf(n)
			if errors.Is(err, fsys.ErrNotExist) {
				continue // released since
			}
			if err == nil {
				err = s.busy(o, w)
			}
			if err != nil {
				return nil, err
			}
		}
		name := s.ownerFile(n + 1)
		switch err := s.FS.PutIfAbsent(name, data); {
		case errors.Is(err, fsys.ErrExist):
			continue // somebody was faster
		case err != nil:
			return nil, fmt.Errorf("the checkpoint folder %s cannot be written: %w", s.Dir, err)
		}
		now, err := s.newestOwner()
		if err != nil {
			return nil, errors.Join(err, s.FS.Remove(name))
		}
		if now > n+1 {
			if err := s.FS.Remove(name); err != nil {
				return nil, err
			}
			continue
		}
		if n > 0 {
			if err := s.FS.Remove(s.ownerFile(n)); err != nil {
				return nil, err
			}
		}
		return &Lease{s, name, me}, nil
	}
}

func (s *Storage) ownerFile(n int) string { return path.Join(s.Dir, fmt.Sprintf("owner-%d.json", n)) }

// newestOwner returns the highest number of an owner's file, 0 if there is none.
func (s *Storage) newestOwner() (int, error) {
	list, err := s.FS.List(s.Dir)
	if err != nil {
		return 0, fmt.Errorf("list %s: %w", s.Dir, err)
	}
	newest := 0
	for _, f := range list {
		var n int
		name := path.Base(f.Name)
		if _, err := fmt.Sscanf(name, "owner-%d.json", &n); err == nil && strings.HasSuffix(name, ".json") {
			newest = max(newest, n)
		}
	}
	return newest, nil
}

// ownerOf reads an owner's file. One that cannot be understood is nobody's.
func (s *Storage) ownerOf(n int) (Owner, error) {
	var o Owner
	data, err := s.read(s.ownerFile(n))
	if err != nil {
		return o, err
	}
	if json.Unmarshal(data, &o) != nil {
		return Owner{}, nil //nolint:nilerr // a file that was not written whole names nobody
	}
	return o, nil
}

// busy is the error if an owner is not gone.
func (s *Storage) busy(o Owner, w World) error {
	here := o.Place == w.Self.Place && o.Place != ""
	ends := o.Beat + leaseUs
	if here && !w.Alive(o.Process) || !here && w.Now() > ends {
		return nil
	}
	clock := func(us int64) string { return time.UnixMicro(us).Format("2006-01-02 15:04:05") }
	hint := "end it, or use another folder"
	if !here {
		hint = fmt.Sprintf("if it was killed, the folder is free at %s", clock(ends))
	}
	return fmt.Errorf("the checkpoint folder %s is in use by process %d on host '%s' since %s; %s", s.Dir, o.Pid, o.Host, clock(o.Since), hint)
}

// Held returns ErrLost, wrapped, if another process has the folder.
func (l *Lease) Held() error {
	data, err := l.storage.read(l.name)
	var o Owner
	switch {
	case errors.Is(err, fsys.ErrNotExist):
	case err != nil:
		return err
	case json.Unmarshal(data, &o) == nil && o.Token == l.owner.Token:
		return nil
	}
	return fmt.Errorf("%s: %w by another process, which took this one to be gone", l.storage.Dir, ErrLost)
}

// Beat says that the owner still runs.
func (l *Lease) Beat(now int64) error {
	if err := l.Held(); err != nil {
		return err
	}
	l.owner.Beat = now
	data, err := json.Marshal(l.owner)
	if err != nil {
		return err
	}
	return l.storage.FS.Put(l.name, data)
}

// Release gives the folder back.
func (l *Lease) Release() error {
	if err := l.Held(); err != nil {
		return nil //nolint:nilerr // it is not this process's to give
	}
	return l.storage.FS.Remove(l.name)
}

// Owned is the error, if a process has the folder that is not gone. A folder that
// cannot be written is taken as it looks.
func (s *Storage) Owned(w World) error {
	n, err := s.newestOwner()
	if err != nil || n == 0 {
		return err
	}
	o, err := s.ownerOf(n)
	if errors.Is(err, fsys.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.busy(o, w)
}

// HasOwner reports whether a process has the folder or, killed, has not given it back.
func (s *Storage) HasOwner() bool {
	n, err := s.newestOwner()
	return err == nil && n > 0
}

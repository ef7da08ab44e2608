package checkpoint

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/fsys"
)

// RetainedMin is how many manifests are kept at least: with a second one, a torn
// newest file loses an interval and not the job.
const RetainedMin = 2

// A Storage is one job's folder. Its methods may be called from many goroutines,
// Save and Retain from one at a time. It implements state.Files.
type Storage struct {
	FS  fsys.FS
	Dir string // of the job
	// Lease, if set, is looked at before every manifest.
	Lease *Lease

	plan string // of the job that runs, once it is written

	mu   sync.Mutex
	live map[string]bool // state files that running tasks have put and not dropped
	pins map[string]int  // files that are being copied
	kept base.Epoch      // see Keep
}

// Path is where the manifest of a checkpoint is.
func (s *Storage) Path(e base.Epoch) string { return s.manifest(e) }

func (s *Storage) manifest(e base.Epoch) string {
	return path.Join(s.Dir, fmt.Sprintf("chk-%08d.json", e))
}

// Save writes a manifest.
func (s *Storage) Save(m *Manifest) error {
	m.Version = Version
	data, err := encode(m)
	if err != nil {
		return err
	}
	if m.Finished { // it replaces the one that says Ended, which is as good if this fails
		return s.replace(m)
	}
	name := s.manifest(m.Epoch)
	if err := s.Held(); err != nil {
		return err
	}
	if err = s.FS.PutIfAbsent(name, data); err != nil {
		_ = s.FS.Remove(name) // it must not turn up later: the caller goes on without it
	}
	return err // which names the file
}

// replace writes a manifest over the one of its epoch.
func (s *Storage) replace(m *Manifest) error {
	m.Version = Version
	data, err := encode(m)
	if err != nil {
		return err
	}
	if err := s.Held(); err != nil {
		return err
	}
	return s.FS.Put(s.manifest(m.Epoch), data)
}

// Held returns ErrLost, wrapped, if another process has taken the folder over.
func (s *Storage) Held() error {
	if s.Lease == nil {
		return nil
	}
	return s.Lease.Held()
}

// Put writes a state file. Its name is unique to the job. Retain leaves it until it
// is dropped, though no manifest names it.
func (s *Storage) Put(name string, data []byte) error {
	s.mu.Lock()
	if s.live == nil {
		s.live = map[string]bool{}
	}
	s.live[name] = true
	s.mu.Unlock()
	err := s.FS.Put(path.Join(s.Dir, "shared", name), data)
	if err != nil {
		s.Drop(name, true) // a copy of the file may have been there before
	}
	return err
}

// Open opens a state file.
func (s *Storage) Open(name string) (fsys.File, error) {
	return s.FS.Open(path.Join(s.Dir, "shared", name))
}

// Owner implements state.Files. A folder without a lease is one process's.
func (s *Storage) Owner() string {
	if s.Lease == nil {
		return ""
	}
	return s.Lease.owner.Token + "-"
}

// Drop implements state.Files. It looks at no lease: another owner's files have other
// names.
func (s *Storage) Drop(name string, named bool) {
	s.mu.Lock()
	delete(s.live, name)
	s.mu.Unlock()
	if !named {
		_ = s.FS.Remove(path.Join(s.Dir, "shared", name)) // else sweep does it, or it goes with the folder
	}
}

// Forget drops the files of tasks that are gone.
func (s *Storage) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.live)
}

func (s *Storage) isLive(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[name]
}

// Get reads a state file.
func (s *Storage) Get(name string) ([]byte, error) { return s.read(path.Join(s.Dir, "shared", name)) }

func (s *Storage) read(name string) ([]byte, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, f.Size())
	if len(data) == 0 {
		return data, nil
	}
	if n, err := f.ReadAt(data, 0); n < len(data) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// Epochs returns the epochs that have a manifest, ascending.
func (s *Storage) Epochs() ([]base.Epoch, error) {
	list, err := s.FS.List(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var out []base.Epoch
	for _, f := range list {
		var e base.Epoch
		name := path.Base(f.Name)
		if _, err := fmt.Sscanf(name, "chk-%d.json", &e); err == nil && strings.HasSuffix(name, ".json") {
			out = append(out, e)
		}
	}
	return out, nil
}

// Load reads the manifest of an epoch.
func (s *Storage) Load(e base.Epoch) (*Manifest, error) { return s.loadFile(s.manifest(e)) }

func (s *Storage) loadFile(name string) (*Manifest, error) {
	data, err := s.read(name)
	if err != nil {
		return nil, err
	}
	return decode(name, data)
}

// Retain deletes all but the newest n manifests, then the plans and state files that
// no remaining manifest names and no running task reads.
func (s *Storage) Retain(n int) error {
	if err := s.Held(); err != nil {
		return err // it would delete what the new owner's tasks have written
	}
	epochs, err := s.Epochs()
	if err != nil {
		return err
	}
	n = max(n, RetainedMin)
	gone := false
	for _, e := range epochs[:max(0, len(epochs)-n)] {
		if s.keeps(e) {
			continue
		}
		if err := s.FS.Remove(s.manifest(e)); err != nil {
			return err
		}
		gone = true
	}
	if gone { // if the power fails none must come back whose files are gone
		if err := s.FS.Sync(s.Dir); err != nil {
			return err
		}
	}
	return s.sweep()
}

// sweep deletes the plans and state files that nobody needs.
func (s *Storage) sweep() error {
	epochs, err := s.Epochs()
	if err != nil {
		return err
	}
	named := map[string]bool{s.plan: true}
	for _, e := range epochs {
		m, err := s.Load(e)
		if err != nil {
			return nil //nolint:nilerr // an unreadable manifest may name anything: nothing is deleted
		}
		named[m.Plan] = true
		for f := range m.Files() {
			named[f.Name] = true
		}
	}
	unnamed := func(name string) bool { return !named[name] && !s.isLive(name) && !s.pinned(name) }
	if err := s.removeIf(s.Dir, func(name string) bool { return isPlan(name) && unnamed(name) }); err != nil {
		return err
	}
	return s.removeIf(path.Join(s.Dir, "shared"), unnamed)
}

// removeIf deletes the files of a folder that are gone by their names.
func (s *Storage) removeIf(dir string, gone func(name string) bool) error {
	list, err := s.FS.List(dir)
	if err != nil {
		return err
	}
	for _, f := range list {
		if gone(path.Base(f.Name)) {
			if err := s.FS.Remove(f.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Writable checks, by writing, that checkpoints can be kept.
func (s *Storage) Writable() error {
	name := path.Join(s.Dir, ".writable")
	if err := s.FS.Put(name, nil); err != nil {
		return fmt.Errorf("the checkpoint folder %s cannot be written: %w", s.Dir, err)
	}
	return s.FS.Remove(name)
}

// Begin makes a manifest the newest of the folder, whose job goes on from it: those
// of later epochs, which come again, are deleted, and it is written if it is not
// there. What a process that was killed had half written goes too.
func (s *Storage) Begin(m *Manifest) error {
	half, err := s.FS.Uncommitted(s.Dir)
	if err != nil {
		return fmt.Errorf("list checkpoints: %w", err)
	}
	for _, u := range half {
		if err := s.FS.Abort(u.Token); err != nil {
			return err
		}
	}
	epochs, err := s.Epochs()
	if err != nil {
		return err
	}
	there := false
	for _, e := range epochs {
		if there = there || e == m.Epoch; e > m.Epoch {
			if err := s.FS.Remove(s.manifest(e)); err != nil {
				return err
			}
		}
	}
	if !there {
		return s.Save(m)
	}
	// A savepoint may be of an epoch that has come again since.
	if now, err := s.Load(m.Epoch); err != nil || !now.has(m) {
		return s.replace(m)
	}
	// Those that are gone must not come back: what they had committed is taken back.
	return s.FS.Sync(s.Dir)
}

// Next returns the first epoch that is above all that have a manifest, whole or
// not.
func (s *Storage) Next() (base.Epoch, error) {
	epochs, err := s.Epochs()
	if err != nil || len(epochs) == 0 {
		return 0, err
	}
	return epochs[len(epochs)-1] + 1, nil
}

// Any reports whether the folder has a manifest.
func (s *Storage) Any() bool {
	epochs, err := s.Epochs()
	return err == nil && len(epochs) > 0
}

// EpochOf returns the epoch that a manifest's name says.
func EpochOf(name string) (base.Epoch, bool) {
	var e base.Epoch
	_, err := fmt.Sscanf(path.Base(name), "chk-%d.json", &e)
	return e, err == nil && strings.HasSuffix(name, ".json")
}

// Adopt copies what a manifest names into another job's folder, so that the job's own
// checkpoints may go on naming it.
func (s *Storage) Adopt(m *Manifest, to *Storage) error {
	if s.Dir == to.Dir {
		return nil
	}
	if err := s.copyTo(m, to); err != nil {
		return fmt.Errorf("restore %s: %w", s.Dir, err)
	}
	return nil
}

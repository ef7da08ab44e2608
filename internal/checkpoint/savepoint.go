package checkpoint

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/state"
)

// A savepoint is a checkpoint on its own, which no job writes to and none deletes:
//
//	savepoint-<job>-<token>/savepoint.json   the manifest
//	                        plan-<sum>.json
//	                        shared/…
//
// Its manifest is written last, so a folder that has one is whole.
const savepointFile = "savepoint.json"

// isSavepoint reports whether a folder holds a savepoint.
func isSavepoint(fs fsys.FS, dir string) bool {
	_, err := fs.Stat(path.Join(dir, savepointFile))
	return err == nil
}

// IsSavepoint reports whether what was found belongs to no job.
func (f *Found) IsSavepoint() bool { return path.Base(f.Path) == savepointFile }

// Savepoint copies a checkpoint into a new folder in dir and returns the folder's
// name. token makes the name no other's. What was copied of one that fails is
// removed. The files must stay while it runs: see Pin.
func (s *Storage) Savepoint(m *Manifest, dir, token string) (string, error) {
	to := &Storage{FS: s.FS, Dir: path.Join(dir, fmt.Sprintf("savepoint-%s-%s", m.Job, token))}
	if list, err := s.FS.List(to.Dir); err != nil || len(list) > 0 {
		return "", errors.Join(err, fmt.Errorf("the folder %s is not empty", to.Dir))
	}
	err := s.copyTo(m, to)
	if err == nil {
		var data []byte
		if data, err = encode(m); err == nil {
			err = s.FS.PutIfAbsent(path.Join(to.Dir, savepointFile), data)
		}
	}
	if err != nil {
		if lost := s.Held(); lost != nil {
			err = lost // the new owner deletes what it does not need: that is no damage
		}
		return "", errors.Join(err, s.FS.RemoveAll(to.Dir))
	}
	return to.Dir, nil
}

// copyTo copies what a manifest names, with a look at the checksums.
func (s *Storage) copyTo(m *Manifest, to *Storage) error {
	done := map[string]bool{}
	for f := range m.Files() {
		if done[f.Name] {
			continue
		}
		done[f.Name] = true
		data, err := s.intact(f)
		if err == nil {
			err = to.Put(f.Name, data)
		}
		if err != nil {
			return err
		}
	}
	return s.CopyPlan(m, to)
}

// intact reads a state file and checks its checksum.
func (s *Storage) intact(f state.File) ([]byte, error) {
	data, err := s.Get(f.Name)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != f.Bytes || xxh3.Hash(data) != f.Sum {
		return nil, fmt.Errorf("%w: %s fails its checksum", state.ErrCorrupt, path.Join(s.Dir, "shared", f.Name))
	}
	return data, nil
}

// Pin keeps the files of a checkpoint from Retain until the function is called that
// it returns.
func (s *Storage) Pin(m *Manifest) (unpin func()) {
	count := func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.pins == nil {
			s.pins = map[string]int{}
		}
		s.pins[m.Plan] += n
		for f := range m.Files() {
			s.pins[f.Name] += n
		}
	}
	count(1)
	return func() { count(-1) }
}

func (s *Storage) pinned(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pins[name] > 0
}

// Discard deletes a savepoint, or a checkpoint with what no other of its folder
// names, whose job has all of it in a folder of its own.
func (f *Found) Discard() error {
	if f.IsSavepoint() {
		return f.FS.RemoveAll(f.Dir)
	}
	if err := f.FS.Remove(f.Path); err != nil {
		return err
	}
	if f.Any() {
		return f.sweep()
	}
	return f.FS.RemoveAll(f.Dir)
}

// savepointOf returns the folder of the savepoint that a path means.
func savepointOf(fs fsys.FS, name string) (dir string, ok bool) {
	name = strings.TrimSuffix(name, "/"+savepointFile)
	return name, isSavepoint(fs, name)
}

func findSavepoint(s *Storage) (*Found, error) {
	name := path.Join(s.Dir, savepointFile)
	m, err := s.loadFile(name)
	if err == nil {
		err = s.Glance(m)
	}
	if err != nil {
		return nil, err
	}
	return &Found{s, m, name}, nil
}

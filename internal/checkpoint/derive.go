package checkpoint

import (
	"errors"
	"fmt"
	"path"

	"github.com/millrace-io/millrace/internal/fsys"
)

// NewSavepoint returns the storage of a savepoint that is to be made in a folder, which
// is empty or not there.
func NewSavepoint(fs fsys.FS, dir string) (*Storage, error) {
	list, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		return nil, fmt.Errorf("%s is there already: a savepoint is never changed, name a new folder", dir)
	}
	if _, err := fs.Stat(dir); err != nil && !errors.Is(err, fsys.ErrNotExist) {
		return nil, err
	}
	return &Storage{FS: fs, Dir: dir}, nil
}

// Derive completes a savepoint whose manifest names files of this folder, which are
// copied, beside those that were put into the savepoint's. One that fails is removed.
func (s *Storage) Derive(m *Manifest, to *Storage) error {
	err := s.derive(m, to)
	if err != nil {
		return errors.Join(err, to.FS.RemoveAll(to.Dir))
	}
	return nil
}

func (s *Storage) derive(m *Manifest, to *Storage) error {
	done := map[string]bool{}
	for f := range m.Files() {
		if done[f.Name] {
			continue
		}
		done[f.Name] = true
		if _, err := to.FS.Stat(path.Join(to.Dir, "shared", f.Name)); err == nil {
			continue
		}
		data, err := s.intact(f)
		if err == nil {
			err = to.Put(f.Name, data)
		}
		if err != nil {
			return err
		}
	}
	if err := s.CopyPlan(m, to); err != nil {
		return err
	}
	data, err := encode(m)
	if err != nil {
		return err
	}
	return to.FS.PutIfAbsent(path.Join(to.Dir, savepointFile), data)
}

package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/millrace-io/millrace/internal/fsys"
)

var _ fsys.Swapper = (*FS)(nil)

// Stage implements fsys.Swapper: it is a neighbour of the folder. A link, a file
// or the root of a file system cannot be exchanged with one.
func (f *FS) Stage(dir, id string) (string, bool) {
	if f.disk != (machine{}) {
		return "", false
	}
	stage := path.Join(path.Dir(path.Clean(dir)), "."+path.Base(dir)+"."+id+".new")
	at := f.path(dir)
	st, err := os.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return stage, true
	}
	if err != nil || !st.IsDir() {
		return "", false
	}
	above, err := os.Stat(filepath.Dir(at))
	if err != nil || !sameDevice(st, above) {
		return "", false
	}
	return stage, path.Clean(dir) != "." && path.Clean(dir) != "/"
}

// Swap implements fsys.Swapper.
func (f *FS) Swap(dir, stage string) error {
	a, b := f.path(dir), f.path(stage)
	if err := f.mkdirAll(a); err != nil {
		return fmt.Errorf("replace %s: %w", dir, err)
	}
	if err := exchange(a, b); err != nil {
		return fmt.Errorf("replace %s: %w", dir, err)
	}
	if err := f.carry(b, a); err != nil {
		return fmt.Errorf("replace %s: %w", dir, err)
	}
	return errors.Join(f.disk.SyncDir(filepath.Dir(a)), f.disk.SyncDir(filepath.Dir(b)))
}

// Same implements fsys.Swapper.
func (f *FS) Same(dir string) func() bool {
	before, err := f.disk.Stat(f.path(dir))
	return func() bool {
		now, err2 := f.disk.Stat(f.path(dir))
		if err != nil || err2 != nil {
			return errors.Is(err, fs.ErrNotExist) == errors.Is(err2, fs.ErrNotExist)
		}
		return f.disk.Same(before, now)
	}
}

// carry moves what is hidden from an old folder into the new one.
func (f *FS) carry(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		old, at := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch hidden := strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_"); {
		case hidden:
			if _, err := os.Lstat(at); err == nil {
				continue // the new one has its own
			}
			if err := f.mkdirAll(to); err != nil {
				return err
			}
			if err := os.Rename(old, at); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		case e.IsDir():
			if err := f.carry(old, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// renameAll exchanges two folders by three renames: there is a moment without a.
func renameAll(a, b string) error {
	tmp := b + ".old"
	if err := os.Rename(a, tmp); err != nil {
		return err
	}
	if err := os.Rename(b, a); err != nil {
		return errors.Join(err, os.Rename(tmp, a))
	}
	return os.Rename(tmp, b)
}

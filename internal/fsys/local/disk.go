package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A Disk is what the store asks of an operating system: a folder tree whose changes
// are visible at once, and survive the machine when they were synced, a file's bytes
// by the file, its name by its folder. The simulator has one of its own, which takes
// that at its word.
type Disk interface {
	Open(name string) (File, error)
	Stat(name string) (fs.FileInfo, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	// Temp makes a file whose name is pattern with the last * replaced.
	Temp(dir, pattern string) (File, error)
	Mkdir(name string) error
	// Rename replaces what has the name to, in one step; Link fails with fs.ErrExist.
	Rename(from, to string) error
	Link(from, to string) error
	Remove(name string) error
	RemoveAll(name string) error
	SyncDir(name string) error
	// Same reports whether two infos are of one file or folder.
	Same(a, b fs.FileInfo) bool
}

// A File of a Disk.
type File interface {
	io.ReaderAt
	io.Writer
	io.Closer
	Name() string
	Stat() (fs.FileInfo, error)
	Sync() error
}

// machine is the Disk of this machine.
type machine struct{}

func (machine) Open(name string) (File, error)             { return os.Open(name) }
func (machine) Stat(name string) (fs.FileInfo, error)      { return os.Stat(name) }
func (machine) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }
func (machine) Mkdir(name string) error                    { return os.Mkdir(name, 0o777) }
func (machine) Rename(from, to string) error               { return os.Rename(from, to) }
func (machine) Link(from, to string) error                 { return os.Link(from, to) }
func (machine) Remove(name string) error                   { return os.Remove(name) }
func (machine) RemoveAll(name string) error                { return os.RemoveAll(name) }
func (machine) Same(a, b fs.FileInfo) bool                 { return os.SameFile(a, b) }

func (machine) Temp(dir, pattern string) (File, error) {
	h, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	if err := h.Chmod(0o644); err != nil {
		return nil, errors.Join(err, h.Close(), os.Remove(h.Name()))
	}
	return h, nil
}

func (machine) SyncDir(name string) error {
	h, err := os.Open(name)
	if err != nil {
		return err
	}
	err = h.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // a file system whose folders cannot be synced
	}
	return errors.Join(err, h.Close())
}

// scratch is the Disk of this machine for files that are nobody's after a crash: they are
// not synced, and stay in the page cache as long as they may.
type scratch struct{ machine }

func (s scratch) Temp(dir, pattern string) (File, error) {
	f, err := s.machine.Temp(dir, pattern)
	if err != nil {
		return nil, err
	}
	return scratchFile{f}, nil
}

func (scratch) SyncDir(string) error { return nil }

type scratchFile struct{ File }

func (scratchFile) Sync() error { return nil }

// walk calls visit for the files below a folder, at any depth, in order.
func walk(d Disk, dir string, visit func(path string)) error {
	entries, err := d.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		at := filepath.Join(dir, e.Name())
		if !e.IsDir() {
			visit(at)
		} else if err := walk(d, at, visit); err != nil {
			return err
		}
	}
	return nil
}

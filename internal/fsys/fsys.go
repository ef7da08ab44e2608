// Package fsys is the one file interface of the engine: what files, object
// stores and HDFS have in common.
package fsys

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// ErrExist is returned by PutIfAbsent when the name is taken.
var ErrExist = fs.ErrExist

// ErrNotExist is what opening a missing file returns, wrapped.
var ErrNotExist = fs.ErrNotExist

// ErrFull marks errors of a store that has no room left.
var ErrFull = errors.New("no space left")

// Info is what a listing says of a file.
type Info struct {
	Name    string // full name, as Open takes it
	Size    int64
	ModTime time.Time
	Dir     bool
}

// A Watcher is an FS that can tell what comes into a folder.
type Watcher interface {
	// Watch calls note, from a goroutine of its own, with the name of each entry that
	// comes into a folder, in their order. A file is whole when it has come by a rename
	// or its writer has closed it; another may be, or be told again when it is. Without a
	// name: something may have been missed. Of files in folders below nothing is told,
	// nor of what other machines do. note is not called after stop has returned.
	Watch(dir string, note func(name string, whole bool)) (stop func(), err error)
}

// A File is open for reading. ReadAt may be called from many goroutines.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// An FS is a file store. Names are slash-separated paths. All methods may be
// called from many goroutines.
type FS interface {
	Open(name string) (File, error)
	Stat(name string) (Info, error)
	// List returns the entries of a folder, sorted by name; none if it is missing.
	// Pending files are not among them.
	List(dir string) ([]Info, error)
	// Put writes a file whole: it is there with all of data, synced, or not at
	// all. Folders are made as needed.
	Put(name string, data []byte) error
	// PutIfAbsent is Put that fails with ErrExist if the name is taken.
	PutIfAbsent(name string, data []byte) error
	// MkdirAll makes a folder, so that it is there though it holds no file.
	MkdirAll(dir string) error
	// Remove deletes a file or an empty folder; a missing one is no error. It may be
	// back when the machine has lost its power, until its folder was synced.
	Remove(name string) error
	// Sync makes what was removed from a folder stay so; a missing one is no error.
	Sync(dir string) error
	// RemoveAll deletes a folder with all that it holds.
	RemoveAll(dir string) error
	// Create starts a pending file: nothing is visible under name until the
	// token that Prepare returns is committed.
	Create(name string) (Pending, error)
	// Commit makes a prepared file visible. It is idempotent: a file that is
	// there already, as committed before, is no error. A file that is neither
	// pending nor there is lost, and ErrNotExist.
	Commit(token string) error
	// Abort drops a pending file, prepared or not; a missing one is no error.
	Abort(token string) error
	// Uncommitted returns the pending files below a folder, at any depth, sorted
	// by name: those that were created, here or by a process that is gone, and
	// neither committed nor dropped. Their tokens serve Abort, and those that
	// were prepared also Commit.
	Uncommitted(dir string) ([]Uncommitted, error)
}

// Uncommitted is a pending file.
type Uncommitted struct {
	Name  string // that it would get
	Token string
}

// A Swapper is an FS that can exchange folders.
type Swapper interface {
	// Stage returns the name of a hidden folder from which Swap can replace dir;
	// not ok if that cannot be done in one step. id tells it from others.
	Stage(dir, id string) (stage string, ok bool)
	// Swap puts stage, or a folder in it, in the place of dir, or of the folder of
	// that name in it, in one step: whoever opens files by name finds the old ones
	// or the new ones. What is hidden in dir (pending files, names that begin with
	// . or _) comes along; the rest is then in stage.
	Swap(dir, stage string) error
	// Same returns what tells later whether dir is still the folder that it is now.
	// A listing during which it was not may lack files.
	Same(dir string) func() bool
}

// A Pending file is written front to back, then prepared, then committed by its
// token, perhaps by another process after a crash.
type Pending interface {
	io.Writer
	// Prepare makes what was written durable and returns the token.
	Prepare() (token string, err error)
	// Discard drops the file without a trace. After Prepare it does nothing.
	Discard() error
}

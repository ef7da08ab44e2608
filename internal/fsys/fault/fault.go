// Package fault makes a file store fail as told: on the n'th operation, by kind
// or by name, before or after it took effect, or from then on.
package fault

import (
	"errors"
	"fmt"
	"sync"

	"github.com/millrace-io/millrace/internal/fsys"
)

// ErrInjected is what a failed operation returns, wrapped.
var ErrInjected = errors.New("injected fault")

// ErrCrashed is what every operation returns after a crash until Restart.
var ErrCrashed = errors.New("the process has crashed")

// An Op is an operation that is about to run.
type Op struct {
	N    int    // how many ran before it
	Kind string // the method: "Open", "ReadAt", "Put", "Create", "Write", "Prepare", "Commit" …
	Name string // the file, or for Commit and Abort the token
}

// A Fault is what happens to an operation.
type Fault int

// The faults.
const (
	None  Fault = iota
	Fail        // it returns an error and does nothing
	After       // it takes effect, yet returns an error
	Full        // it does nothing and returns ErrFull
	Short       // a Write or ReadAt does half of its bytes and returns an error; anything else fails
	Crash       // it does nothing; it and all that follows return ErrCrashed
	Lost        // as Crash, and what was written and not prepared is gone
)

// FS is a store with faults over another.
type FS struct {
	under  fsys.FS
	decide func(Op) Fault

	mu      sync.Mutex
	n       int
	crashed bool
	open    map[*pending]bool
}

var _ fsys.FS = (*FS)(nil)

// New wraps a store. decide is called for each operation, one at a time; it must
// not call the store.
func New(under fsys.FS, decide func(Op) Fault) *FS {
	return &FS{under: under, decide: decide, open: map[*pending]bool{}}
}

// At returns a decision that does one fault at operation n.
func At(n int, fault Fault) func(Op) Fault {
	return func(op Op) Fault {
		if op.N == n {
			return fault
		}
		return None
	}
}

// Ops is how many operations have run or failed.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

// Restart ends a crash.
func (f *FS) Restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashed = false
}

// do runs one operation; short runs its first half.
func (f *FS) do(kind, name string, run func() error, short func() error) error {
	f.mu.Lock()
	op := Op{N: f.n, Kind: kind, Name: name}
	f.n++
	if f.crashed {
		f.mu.Unlock()
		return fmt.Errorf("%s %s: %w", kind, name, ErrCrashed)
	}
	fault := f.decide(op)
	var lost []*pending
	if fault == Crash || fault == Lost {
		f.crashed = true
		for p := range f.open {
			if fault == Lost {
				lost = append(lost, p)
			}
			delete(f.open, p)
		}
	}
	f.mu.Unlock()
	for _, p := range lost {
		_ = p.under.Discard()
	}
	failed := fmt.Errorf("%s %s: %w", kind, name, ErrInjected)
	switch fault {
	case Fail:
		return failed
	case After:
		return errors.Join(run(), failed)
	case Full:
		return fmt.Errorf("%s %s: %w: %w", kind, name, fsys.ErrFull, ErrInjected)
	case Short:
		if short != nil {
			return errors.Join(short(), failed)
		}
		return failed
	case Crash, Lost:
		return fmt.Errorf("%s %s: %w", kind, name, ErrCrashed)
	}
	return run()
}

type file struct {
	fsys.File
	fs   *FS
	name string
}

func (r *file) ReadAt(p []byte, off int64) (n int, err error) {
	err = r.fs.do("ReadAt", r.name,
		func() error { n, err = r.File.ReadAt(p, off); return err },
		func() error { n, err = r.File.ReadAt(p[:len(p)/2], off); return err })
	return n, err
}

// Open implements fsys.FS.
func (f *FS) Open(name string) (out fsys.File, err error) {
	err = f.do("Open", name, func() error {
		h, err := f.under.Open(name)
		out = &file{h, f, name}
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Stat implements fsys.FS.
func (f *FS) Stat(name string) (out fsys.Info, err error) {
	err = f.do("Stat", name, func() error { out, err = f.under.Stat(name); return err }, nil)
	return out, err
}

// List implements fsys.FS.
func (f *FS) List(dir string) (out []fsys.Info, err error) {
	err = f.do("List", dir, func() error { out, err = f.under.List(dir); return err }, nil)
	return out, err
}

// Put implements fsys.FS.
func (f *FS) Put(name string, data []byte) error {
	return f.do("Put", name, func() error { return f.under.Put(name, data) }, nil)
}

// PutIfAbsent implements fsys.FS.
func (f *FS) PutIfAbsent(name string, data []byte) error {
	return f.do("PutIfAbsent", name, func() error { return f.under.PutIfAbsent(name, data) }, nil)
}

// MkdirAll implements fsys.FS.
func (f *FS) MkdirAll(dir string) error {
	return f.do("MkdirAll", dir, func() error { return f.under.MkdirAll(dir) }, nil)
}

// Remove implements fsys.FS.
func (f *FS) Remove(name string) error {
	return f.do("Remove", name, func() error { return f.under.Remove(name) }, nil)
}

// Sync implements fsys.FS.
func (f *FS) Sync(dir string) error {
	return f.do("Sync", dir, func() error { return f.under.Sync(dir) }, nil)
}

// RemoveAll implements fsys.FS.
func (f *FS) RemoveAll(dir string) error {
	return f.do("RemoveAll", dir, func() error { return f.under.RemoveAll(dir) }, nil)
}

// Commit implements fsys.FS.
func (f *FS) Commit(token string) error {
	return f.do("Commit", token, func() error { return f.under.Commit(token) }, nil)
}

// Abort implements fsys.FS.
func (f *FS) Abort(token string) error {
	return f.do("Abort", token, func() error { return f.under.Abort(token) }, nil)
}

// Uncommitted implements fsys.FS.
func (f *FS) Uncommitted(dir string) (out []fsys.Uncommitted, err error) {
	err = f.do("Uncommitted", dir, func() error { out, err = f.under.Uncommitted(dir); return err }, nil)
	return out, err
}

type pending struct {
	fs    *FS
	under fsys.Pending
	name  string
}

// Create implements fsys.FS.
func (f *FS) Create(name string) (out fsys.Pending, err error) {
	err = f.do("Create", name, func() error {
		under, err := f.under.Create(name)
		if err != nil {
			return err
		}
		p := &pending{f, under, name}
		f.mu.Lock()
		f.open[p] = true
		f.mu.Unlock()
		out = p
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (p *pending) closed() {
	p.fs.mu.Lock()
	delete(p.fs.open, p)
	p.fs.mu.Unlock()
}

func (p *pending) Write(b []byte) (n int, err error) {
	err = p.fs.do("Write", p.name,
		func() error { n, err = p.under.Write(b); return err },
		func() error { n, err = p.under.Write(b[:len(b)/2]); return err })
	return n, err
}

func (p *pending) Prepare() (token string, err error) {
	err = p.fs.do("Prepare", p.name, func() error {
		p.closed()
		token, err = p.under.Prepare()
		return err
	}, nil)
	return token, err
}

func (p *pending) Discard() error {
	return p.fs.do("Discard", p.name, func() error {
		p.closed()
		return p.under.Discard()
	}, nil)
}

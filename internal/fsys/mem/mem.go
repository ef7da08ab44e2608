// Package mem is a file store in memory, for the simulator and for tests. It is
// deterministic: nothing in it depends on a clock, on chance or on a map's order.
package mem

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/millrace-io/millrace/internal/fsys"
)

// FS is a file store in memory. The zero FS is not usable; call New.
type FS struct {
	mu      sync.Mutex
	clock   func() time.Time
	files   map[string]*file
	dirs    map[string]bool     // made by MkdirAll
	pending map[string]*pending // by token
	next    int
}

var _ fsys.FS = (*FS)(nil)

type file struct {
	data []byte // never changed once the file is visible
	time time.Time
}

// New returns an empty store. clock gives files their time of change; if it is
// nil, the n'th file that becomes visible is from second n of 1970.
func New(clock func() time.Time) *FS {
	f := &FS{clock: clock, files: map[string]*file{}, dirs: map[string]bool{}, pending: map[string]*pending{}}
	if clock == nil {
		n := int64(0)
		f.clock = func() time.Time { n++; return time.Unix(n, 0).UTC() }
	}
	return f
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// below reports whether name is inside the folder dir.
func below(name, dir string) bool { return dir == "" || strings.HasPrefix(name, dir+"/") }

type reader struct {
	data []byte
}

func (r reader) Size() int64  { return int64(len(r.data)) }
func (r reader) Close() error { return nil }
func (r reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	if off >= int64(len(r.data)) {
		return 0, io.EOF
	}
	n := copy(p, r.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Open implements fsys.FS.
func (f *FS) Open(name string) (fsys.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x := f.files[clean(name)]; x != nil {
		return reader{x.data}, nil
	}
	return nil, fmt.Errorf("open %s: %w", name, fsys.ErrNotExist)
}

// Stat implements fsys.FS. A folder is there while a file is in it, and if it was
// made.
func (f *FS) Stat(name string) (fsys.Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := clean(name)
	if x := f.files[at]; x != nil {
		return fsys.Info{Name: name, Size: int64(len(x.data)), ModTime: x.time}, nil
	}
	if f.folder(at) {
		return fsys.Info{Name: name, Dir: true}, nil
	}
	return fsys.Info{}, fmt.Errorf("stat %s: %w", name, fsys.ErrNotExist)
}

func (f *FS) folder(at string) bool {
	for n := range f.files {
		if below(n, at) {
			return true
		}
	}
	for n := range f.dirs {
		if n == at || below(n, at) {
			return true
		}
	}
	return false
}

// List implements fsys.FS.
func (f *FS) List(dir string) ([]fsys.Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := clean(dir)
	found := map[string]fsys.Info{}
	for n := range f.dirs {
		if below(n, at) {
			base, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(n, at), "/"), "/")
			found[base] = fsys.Info{Name: path.Join(dir, base), Dir: true}
		}
	}
	for n, x := range f.files {
		if !below(n, at) {
			continue
		}
		rest := strings.TrimPrefix(strings.TrimPrefix(n, at), "/")
		base, _, nested := strings.Cut(rest, "/")
		i := fsys.Info{Name: path.Join(dir, base), Dir: nested}
		if !nested {
			i.Size, i.ModTime = int64(len(x.data)), x.time
		}
		found[base] = i
	}
	var out []fsys.Info
	for _, base := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[base])
	}
	return out, nil
}

// Put implements fsys.FS.
func (f *FS) Put(name string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[clean(name)] = &file{slices.Clone(data), f.clock()}
	return nil
}

// PutIfAbsent implements fsys.FS.
func (f *FS) PutIfAbsent(name string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files[clean(name)] != nil {
		return fmt.Errorf("write %s: %w", name, fsys.ErrExist)
	}
	f.files[clean(name)] = &file{slices.Clone(data), f.clock()}
	return nil
}

// MkdirAll implements fsys.FS.
func (f *FS) MkdirAll(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files[clean(dir)] != nil {
		return fmt.Errorf("%s is not a folder", dir)
	}
	f.dirs[clean(dir)] = true
	return nil
}

// Remove implements fsys.FS.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := clean(name)
	if f.files[at] == nil {
		for n := range f.files {
			if below(n, at) {
				return fmt.Errorf("remove %s: the folder is not empty", name)
			}
		}
	}
	for n := range f.dirs {
		if below(n, at) {
			return fmt.Errorf("remove %s: the folder is not empty", name)
		}
	}
	delete(f.files, at)
	delete(f.dirs, at)
	return nil
}

// Sync implements fsys.FS.
func (f *FS) Sync(string) error { return nil }

// RemoveAll implements fsys.FS.
func (f *FS) RemoveAll(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := clean(dir)
	maps.DeleteFunc(f.files, func(n string, _ *file) bool { return n == at || below(n, at) })
	maps.DeleteFunc(f.dirs, func(n string, _ bool) bool { return n == at || below(n, at) })
	maps.DeleteFunc(f.pending, func(_ string, p *pending) bool { return p.name == at || below(p.name, at) })
	return nil
}

type pending struct {
	fs       *FS
	token    string
	name     string
	given    string // the name as the caller wrote it
	data     []byte
	prepared bool
	closed   bool
}

// Create implements fsys.FS.
func (f *FS) Create(name string) (fsys.Pending, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	p := &pending{fs: f, token: strconv.Itoa(f.next) + ":" + clean(name), name: clean(name), given: name}
	f.pending[p.token] = p
	return p, nil
}

func (p *pending) Write(b []byte) (int, error) {
	p.fs.mu.Lock()
	defer p.fs.mu.Unlock()
	if p.closed {
		return 0, fmt.Errorf("write %s: it is closed", p.given)
	}
	p.data = append(p.data, b...)
	return len(b), nil
}

func (p *pending) Prepare() (string, error) {
	p.fs.mu.Lock()
	defer p.fs.mu.Unlock()
	if p.closed {
		return "", fmt.Errorf("prepare %s: it is closed", p.given)
	}
	p.prepared, p.closed = true, true
	return p.token, nil
}

func (p *pending) Discard() error {
	p.fs.mu.Lock()
	defer p.fs.mu.Unlock()
	if !p.closed {
		p.closed = true
		delete(p.fs.pending, p.token)
	}
	return nil
}

func tokenName(token string) (string, error) {
	n, name, ok := strings.Cut(token, ":")
	if _, err := strconv.Atoi(n); err != nil || !ok {
		return "", fmt.Errorf("%q is not a token of the file store in memory", token)
	}
	return name, nil
}

// Commit implements fsys.FS.
func (f *FS) Commit(token string) error {
	name, err := tokenName(token)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pending[token]
	if p == nil {
		if f.files[name] == nil {
			return fmt.Errorf("commit %s: neither it nor its pending file is there: %w", name, fsys.ErrNotExist)
		}
		return nil
	}
	if !p.prepared {
		return fmt.Errorf("commit %s: it is not prepared", name)
	}
	f.files[name] = &file{p.data, f.clock()}
	delete(f.pending, token)
	return nil
}

// Abort implements fsys.FS.
func (f *FS) Abort(token string) error {
	if _, err := tokenName(token); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.pending[token]; p != nil {
		p.closed = true
		delete(f.pending, token)
	}
	return nil
}

// Uncommitted implements fsys.FS.
func (f *FS) Uncommitted(dir string) ([]fsys.Uncommitted, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []fsys.Uncommitted
	for _, p := range f.pending {
		if below(p.name, clean(dir)) {
			out = append(out, fsys.Uncommitted{Name: p.given, Token: p.token})
		}
	}
	slices.SortFunc(out, func(a, b fsys.Uncommitted) int {
		return strings.Compare(a.Name+"\x00"+a.Token, b.Name+"\x00"+b.Token)
	})
	return out, nil
}

// Crash drops what a crash of the writing process would lose: pending files that
// are not prepared.
func (f *FS) Crash() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for token, p := range f.pending {
		if !p.prepared {
			p.closed = true
			delete(f.pending, token)
		}
	}
}

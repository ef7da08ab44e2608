// Package local is the file store on the disks of this machine.
//
// What is visible is durable: a file is written under a hidden name in its own
// folder, synced, renamed, and the folder is synced. What is removed is so when Sync
// says it. The hidden name is
//
//	.<name>.<random>.inprogress
//
// so a crash leaves files that every reader skips and Uncommitted finds.
package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"

	"github.com/millrace-io/millrace/internal/fsys"
)

const pendingSuffix = ".inprogress"

// FS is a folder tree of the operating system.
type FS struct {
	root string
	disk Disk
	safe sync.Map // folders whose names are known to be synced
}

var _ fsys.FS = (*FS)(nil)

// New returns the store of the files below root; with "", names are paths of
// the operating system.
func New(root string) *FS { return On(machine{}, root) }

// Scratch is New for files that are nobody's after a crash.
func Scratch(root string) *FS { return On(scratch{}, root) }

// On returns the store of the files below root of another disk. It exchanges no folders.
func On(disk Disk, root string) *FS { return &FS{root: root, disk: disk} }

func (f *FS) path(name string) string {
	if f.root == "" {
		return filepath.FromSlash(name)
	}
	return filepath.Join(f.root, filepath.FromSlash(name))
}

// full marks errors that mean that the store has no room.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", fsys.ErrFull, err)
	}
	return err
}

type file struct {
	File
	size int64
}

func (f *file) Size() int64 { return f.size }

// Open implements fsys.FS.
func (f *FS) Open(name string) (fsys.File, error) {
	h, err := f.disk.Open(f.path(name))
	if err != nil {
		return nil, err
	}
	st, err := h.Stat()
	if err == nil && st.IsDir() {
		err = fmt.Errorf("open %s: is a folder", name)
	}
	if err != nil {
		_ = h.Close()
		return nil, err
	}
	return &file{h, st.Size()}, nil
}

func info(name string, st fs.FileInfo) fsys.Info {
	out := fsys.Info{Name: name, ModTime: st.ModTime(), Dir: st.IsDir()}
	if !out.Dir {
		out.Size = st.Size()
	}
	return out
}

// Stat implements fsys.FS.
func (f *FS) Stat(name string) (fsys.Info, error) {
	st, err := f.disk.Stat(f.path(name))
	if err != nil {
		return fsys.Info{}, err
	}
	return info(name, st), nil
}

func pendingName(base string) bool {
	return strings.HasPrefix(base, ".") && strings.HasSuffix(base, pendingSuffix)
}

// List implements fsys.FS. Links are followed; one that leads nowhere is left out.
// One that was exchanged with another folder meanwhile is listed again: its files
// are being deleted.
func (f *FS) List(dir string) ([]fsys.Info, error) {
	for range listTries {
		same := f.Same(dir)
		if out, err := f.list(dir); same() {
			return out, err
		}
	}
	return nil, fmt.Errorf("list %s: the folder is replaced faster than it can be read", dir)
}

const listTries = 100

func (f *FS) list(dir string) ([]fsys.Info, error) {
	entries, err := f.disk.ReadDir(f.path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []fsys.Info
	for _, e := range entries {
		if pendingName(e.Name()) {
			continue
		}
		st, err := f.disk.Stat(filepath.Join(f.path(dir), e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since, or a dangling link
		}
		if err != nil {
			return nil, err
		}
		out = append(out, info(path.Join(dir, e.Name()), st))
	}
	return out, nil
}

// mkdirAll makes a folder and those above it, each synced into its parent. One that
// is there may be the work of a process that died before it had synced it, so that is
// done again, once in the life of a store.
func (f *FS) mkdirAll(dir string) error {
	parent := filepath.Dir(dir)
	_, safe := f.safe.Load(dir)
	st, err := f.disk.Stat(dir)
	switch {
	case err == nil && !st.IsDir():
		return fmt.Errorf("%s is not a folder", dir)
	case err == nil && safe:
		return nil
	case err == nil:
		// A parent that may not be opened is not one in which this user makes folders.
		if err := f.disk.SyncDir(parent); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	default:
		if parent != dir {
			if err := f.mkdirAll(parent); err != nil {
				return err
			}
		}
		if err := f.disk.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return full(err)
		}
		if err := f.disk.SyncDir(parent); err != nil {
			return err
		}
	}
	f.safe.Store(dir, true)
	return nil
}

// temp makes the hidden file that is to become name.
func (f *FS) temp(name string) (File, error) {
	p := f.path(name)
	if err := f.mkdirAll(filepath.Dir(p)); err != nil {
		return nil, err
	}
	h, err := f.disk.Temp(filepath.Dir(p), "."+filepath.Base(p)+".*"+pendingSuffix)
	if err != nil {
		return nil, full(err)
	}
	return h, nil
}

// put writes a hidden file whole and hands its name to publish.
func (f *FS) put(name string, data []byte, publish func(from, to string) error) error {
	h, err := f.temp(name)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	tmp := h.Name()
	if err = write(h, data); err == nil {
		err = h.Sync()
	}
	err = errors.Join(err, h.Close())
	if err == nil {
		err = publish(tmp, f.path(name))
	}
	if err == nil {
		err = f.disk.SyncDir(filepath.Dir(tmp))
	}
	if err != nil {
		_ = f.disk.Remove(tmp)
		return fmt.Errorf("write %s: %w", name, full(err))
	}
	return nil
}

// Put implements fsys.FS.
func (f *FS) Put(name string, data []byte) error { return f.put(name, data, f.disk.Rename) }

// PutIfAbsent implements fsys.FS. A hard link is what fails when the name is taken.
func (f *FS) PutIfAbsent(name string, data []byte) error {
	return f.put(name, data, func(from, to string) error {
		if err := f.disk.Link(from, to); err != nil {
			return err
		}
		return f.disk.Remove(from)
	})
}

// MkdirAll implements fsys.FS.
func (f *FS) MkdirAll(dir string) error { return f.mkdirAll(f.path(dir)) }

// Remove implements fsys.FS.
func (f *FS) Remove(name string) error {
	if err := f.disk.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Sync implements fsys.FS.
func (f *FS) Sync(dir string) error {
	if err := f.disk.SyncDir(f.path(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// RemoveAll implements fsys.FS.
func (f *FS) RemoveAll(dir string) error { return f.disk.RemoveAll(f.path(dir)) }

// token is what a token holds: names as the store takes them.
type token struct {
	Pending string `json:"pending"`
	Name    string `json:"name"`
}

func (t token) String() string {
	b, _ := json.Marshal(t) // two strings cannot fail
	return string(b)
}

func parseToken(s string) (token, error) {
	var t token
	if err := json.Unmarshal([]byte(s), &t); err != nil || t.Pending == "" || t.Name == "" {
		return t, fmt.Errorf("%q is not a token of the local file store", s)
	}
	return t, nil
}

type pending struct {
	disk   Disk
	f      File
	token  token
	size   int64   // while behind is nil
	behind *behind // of a large file
}

// Create implements fsys.FS.
func (f *FS) Create(name string) (fsys.Pending, error) {
	h, err := f.temp(name)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	return &pending{disk: f.disk, f: h, token: token{Pending: path.Join(path.Dir(name), filepath.Base(h.Name())), Name: name}}, nil
}

func (p *pending) Write(b []byte) (int, error) {
	if p.f == nil {
		return 0, fmt.Errorf("write %s: it is closed", p.token.Name)
	}
	n, err := p.write(b)
	if err != nil {
		return n, fmt.Errorf("write %s: %w", p.token.Name, full(err))
	}
	return n, nil
}

// write writes the beginning of a file itself, as much as behindFrom says.
func (p *pending) write(b []byte) (n int, err error) {
	if _, ok := p.f.(*os.File); !ok {
		return p.f.Write(b)
	}
	if p.behind == nil && p.size+int64(len(b)) > behindFrom {
		if left := behindFrom - p.size; left > 0 {
			n, err = p.f.Write(b[:left])
			if p.size += int64(n); err != nil {
				return n, err
			}
		}
		if p.size == behindFrom { // else it was tried before
			p.behind = newBehind(p.f)
		}
	}
	var k int
	if p.behind != nil {
		k, err = p.behind.Write(b[n:])
		return n + k, err
	}
	k, err = p.f.Write(b[n:])
	p.size += int64(k)
	return n + k, err
}

// settle ends what is written behind the writer's back.
func (p *pending) settle(whole bool) error {
	b := p.behind
	if p.behind = nil; b == nil {
		return nil
	}
	return b.close(whole)
}

// Prepare implements fsys.Pending. The folder is synced as well, so that the
// hidden name is there after a crash.
func (p *pending) Prepare() (string, error) {
	if p.f == nil {
		return "", fmt.Errorf("prepare %s: it is closed", p.token.Name)
	}
	err := p.settle(true)
	if err == nil {
		err = p.f.Sync()
	}
	if err == nil {
		err = p.disk.SyncDir(filepath.Dir(p.f.Name()))
	}
	err = errors.Join(err, p.f.Close())
	p.f = nil
	if err != nil {
		return "", fmt.Errorf("prepare %s: %w", p.token.Name, full(err))
	}
	return p.token.String(), nil
}

// Discard implements fsys.Pending.
func (p *pending) Discard() error {
	if p.f == nil {
		return nil
	}
	_ = p.settle(false) // what came of it matters no more
	err := errors.Join(p.f.Close(), p.disk.Remove(p.f.Name()))
	p.f = nil
	return err
}

// Commit implements fsys.FS.
func (f *FS) Commit(tok string) error {
	t, err := parseToken(tok)
	if err != nil {
		return err
	}
	from, to := f.path(t.Pending), f.path(t.Name)
	err = f.disk.Rename(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		if _, there := f.disk.Stat(to); there != nil {
			return fmt.Errorf("commit %s: neither it nor its pending file is there: %w", t.Name, fsys.ErrNotExist)
		}
	} else if err != nil {
		return fmt.Errorf("commit %s: %w", t.Name, full(err))
	}
	return f.disk.SyncDir(filepath.Dir(to))
}

// Abort implements fsys.FS.
func (f *FS) Abort(tok string) error {
	t, err := parseToken(tok)
	if err != nil {
		return err
	}
	return f.Remove(t.Pending)
}

// Uncommitted implements fsys.FS.
func (f *FS) Uncommitted(dir string) ([]fsys.Uncommitted, error) {
	var out []fsys.Uncommitted
	err := walk(f.disk, f.path(dir), func(p string) {
		if !pendingName(filepath.Base(p)) {
			return
		}
		rel, err := filepath.Rel(f.path(dir), p)
		if err != nil {
			return // not below it, which cannot be
		}
		at := path.Join(dir, filepath.ToSlash(rel))
		base := strings.TrimSuffix(filepath.Base(p)[1:], pendingSuffix)
		if i := strings.LastIndexByte(base, '.'); i > 0 {
			base = base[:i]
		}
		name := path.Join(path.Dir(at), base)
		out = append(out, fsys.Uncommitted{Name: name, Token: token{Pending: at, Name: name}.String()})
	})
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, err
}

var _ io.Writer = (*pending)(nil)

package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/millrace-io/millrace/internal/fsys/local"
)

// A disk is the local.Disk under the engine's own file store. What is written is
// visible at once, and there after a crash of any process. When the power goes, a
// file keeps what was synced of it, and of the rest what chance leaves: nothing, a
// part, or zeros in its place; a folder keeps a part of what was changed since it was
// synced, from the first change on. It may be full for a while, and a crash may come
// between any two of its operations.
type disk struct {
	rnd  *rand.Rand
	bugs *Bugs
	root *node
	temp int

	full  bool
	dieIn int  // operations until the process that runs them dies; 0: it does not
	dead  bool // … and it has: nothing works until the world knows

	removed func(name string) // is told of every file that is deleted
	renamed func(to string)   // … that gets another name
}

// A node is a file or a folder.
type node struct {
	data   []byte
	synced []byte // of a file
	safe   bool   // all of a file's bytes are synced

	names   map[string]*node // of a folder; nil: it is a file
	durable map[string]*node
	log     []edit // since durable was all
}

// An edit is a change of one folder: names that get a node, or none.
type edit map[string]*node

func newDisk(rnd *rand.Rand, bugs *Bugs) *disk {
	return &disk{rnd: rnd, bugs: bugs, root: folder(), removed: func(string) {}, renamed: func(string) {}}
}

func folder() *node {
	return &node{names: map[string]*node{}, durable: map[string]*node{}}
}

var _ local.Disk = (*disk)(nil)

var errDead = errors.New("the process is dead")

// op counts an operation.
func (d *disk) op() error {
	if d.dieIn > 0 && !d.dead {
		d.dieIn--
		d.dead = d.dieIn == 0
	}
	if d.dead {
		return errDead
	}
	return nil
}

func (d *disk) find(name string) (*node, error) {
	at := d.root
	for _, part := range strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/") {
		if part == "" {
			continue
		}
		if at = at.names[part]; at == nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
	}
	return at, nil
}

// parent returns the folder of a name and its last part.
func (d *disk) parent(name string) (*node, string, error) {
	dir, base := path.Split(path.Clean("/" + name))
	at, err := d.find(dir)
	return at, base, err
}

func (n *node) edit(c edit) {
	n.log = append(n.log, c)
	c.on(n.names)
}

func (c edit) on(names map[string]*node) {
	for name, to := range c {
		if to == nil {
			delete(names, name)
		} else {
			names[name] = to
		}
	}
}

// Open implements local.Disk.
func (d *disk) Open(name string) (local.File, error) {
	if err := d.op(); err != nil {
		return nil, err
	}
	n, err := d.find(name)
	if err != nil {
		return nil, err
	}
	return &handle{d, n, name}, nil
}

// Stat implements local.Disk.
func (d *disk) Stat(name string) (fs.FileInfo, error) {
	if err := d.op(); err != nil {
		return nil, err
	}
	n, err := d.find(name)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), n}, nil
}

// ReadDir implements local.Disk.
func (d *disk) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := d.op(); err != nil {
		return nil, err
	}
	n, err := d.find(name)
	if err != nil {
		return nil, err
	}
	var out []fs.DirEntry
	for _, k := range slices.Sorted(maps.Keys(n.names)) {
		out = append(out, fs.FileInfoToDirEntry(info{k, n.names[k]}))
	}
	return out, nil
}

// Temp implements local.Disk.
func (d *disk) Temp(dir, pattern string) (local.File, error) {
	if err := d.op(); err != nil {
		return nil, err
	}
	if d.full && d.rnd.IntN(4) == 0 {
		return nil, &fs.PathError{Op: "create", Path: dir, Err: syscall.ENOSPC}
	}
	at, err := d.find(dir)
	if err != nil {
		return nil, err
	}
	d.temp++
	name := strings.Replace(pattern, "*", fmt.Sprint(d.temp), 1)
	n := &node{}
	at.edit(edit{name: n})
	return &handle{d, n, path.Join(dir, name)}, nil
}

// Mkdir implements local.Disk.
func (d *disk) Mkdir(name string) error {
	if err := d.op(); err != nil {
		return err
	}
	at, base, err := d.parent(name)
	if err != nil {
		return err
	}
	if at.names[base] != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
	}
	at.edit(edit{base: folder()})
	return nil
}

// Rename implements local.Disk; both names are in one folder.
func (d *disk) Rename(from, to string) error {
	if err := d.op(); err != nil {
		return err
	}
	at, a, err := d.parent(from)
	if err != nil {
		return err
	}
	n := at.names[a]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	at.edit(edit{a: nil, path.Base(to): n})
	d.renamed(to)
	return nil
}

// Link implements local.Disk; both names are in one folder.
func (d *disk) Link(from, to string) error {
	if err := d.op(); err != nil {
		return err
	}
	at, a, err := d.parent(from)
	if err != nil {
		return err
	}
	n, b := at.names[a], path.Base(to)
	switch {
	case n == nil:
		return &fs.PathError{Op: "link", Path: from, Err: fs.ErrNotExist}
	case at.names[b] != nil:
		return &fs.PathError{Op: "link", Path: to, Err: fs.ErrExist}
	}
	at.edit(edit{b: n})
	return nil
}

// Remove implements local.Disk.
func (d *disk) Remove(name string) error {
	if err := d.op(); err != nil {
		return err
	}
	at, base, err := d.parent(name)
	if err != nil {
		return err
	}
	if at.names[base] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	at.edit(edit{base: nil})
	d.removed(name)
	return nil
}

// RemoveAll implements local.Disk.
func (d *disk) RemoveAll(name string) error {
	if err := d.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncDir implements local.Disk.
func (d *disk) SyncDir(name string) error {
	if err := d.op(); err != nil || d.bugs.NoSyncDir {
		return err
	}
	n, err := d.find(name)
	if err != nil {
		return err
	}
	n.durable, n.log = maps.Clone(n.names), nil
	return nil
}

// Same implements local.Disk.
func (d *disk) Same(a, b fs.FileInfo) bool { return a.(info).node == b.(info).node }

// A handle is an open file.
type handle struct {
	d    *disk
	n    *node
	name string
}

func (h *handle) Name() string               { return h.name }
func (h *handle) Close() error               { return nil }
func (h *handle) Stat() (fs.FileInfo, error) { return info{path.Base(h.name), h.n}, h.d.op() }

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	if err := h.d.op(); err != nil {
		return 0, err
	}
	if off >= int64(len(h.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) Write(p []byte) (int, error) {
	if err := h.d.op(); err != nil {
		return 0, err
	}
	h.n.safe = false
	if h.d.full && h.d.rnd.IntN(2) == 0 { // else somebody else has made room
		n := h.d.rnd.IntN(len(p) + 1)
		h.n.data = append(h.n.data, p[:n]...)
		return n, &fs.PathError{Op: "write", Path: h.name, Err: syscall.ENOSPC}
	}
	h.n.data = append(h.n.data, p...)
	return len(p), nil
}

func (h *handle) Sync() error {
	if err := h.d.op(); err != nil || h.d.bugs.NoSync {
		return err
	}
	h.n.synced, h.n.safe = bytes.Clone(h.n.data), true
	return nil
}

// power is the power going: what is not synced is what chance makes of it.
func (d *disk) power() { d.lose(d.root) }

func (d *disk) lose(n *node) {
	if n.names == nil {
		if n.safe {
			return
		}
		switch more := len(n.data) - len(n.synced); d.rnd.IntN(3) {
		case 0:
			n.data = n.synced
		case 1:
			n.data = n.data[:len(n.synced)+d.rnd.IntN(more+1)]
		case 2:
			torn := append(bytes.Clone(n.synced), make([]byte, more)...)
			copy(torn[:len(n.synced)+d.rnd.IntN(more+1)], n.data)
			n.data = torn
		}
		n.synced, n.safe = n.data, true
		return
	}
	for _, c := range n.log[:d.rnd.IntN(len(n.log)+1)] {
		c.on(n.durable)
	}
	n.names, n.log = maps.Clone(n.durable), nil
	for _, k := range slices.Sorted(maps.Keys(n.names)) {
		d.lose(n.names[k])
	}
}

// spoil damages a file: it is cut, or a bit of it flips.
func (d *disk) spoil(name string, cut bool) bool {
	n, err := d.find(name)
	if err != nil || len(n.data) == 0 {
		return false
	}
	at := d.rnd.IntN(len(n.data))
	if cut {
		n.data = n.data[:at]
	} else {
		n.data = bytes.Clone(n.data)
		n.data[at] ^= 1 << d.rnd.IntN(8)
	}
	n.synced, n.safe = n.data, true
	return true
}

// info is what Stat says of a node.
type info struct {
	name string
	node *node
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(len(i.node.data)) }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.node.names != nil }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.IsDir() {
		return fs.ModeDir | 0o777
	}
	return 0o644
}

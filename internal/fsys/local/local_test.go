package local

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/fsystest"
	"github.com/millrace-io/millrace/internal/testkit/need"
)

func TestContract(t *testing.T) {
	fsystest.Run(t, func(t *testing.T) (fsys.FS, fsys.FS, string) {
		return New(""), New(""), filepath.ToSlash(t.TempDir())
	})
}

func TestContractBelowRoot(t *testing.T) {
	fsystest.Run(t, func(t *testing.T) (fsys.FS, fsys.FS, string) {
		root := t.TempDir()
		return New(root), New(root), "some/table"
	})
}

func TestFullIsMarked(t *testing.T) {
	err := full(&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
	if !errors.Is(err, fsys.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if h, err := os.OpenFile("/dev/full", os.O_WRONLY, 0); err == nil {
		p := &pending{f: h, token: token{Name: "x"}}
		if _, err := p.Write([]byte("x")); !errors.Is(err, fsys.ErrFull) {
			t.Fatal(err)
		}
		_ = h.Close()
	}
}

// synced is a disk that tells which folders are synced, or dies in place of
// syncing one of them.
type synced struct {
	machine
	dies string
	dirs []string
}

var errDies = errors.New("the process dies")

func (d *synced) SyncDir(name string) error {
	if name == d.dies {
		return errDies
	}
	d.dirs = append(d.dirs, name)
	return d.machine.SyncDir(name)
}

// A process makes a folder and dies before that is synced: who finds the folder and
// relies on it syncs it, once.
func TestFolderOfDeadProcessIsSynced(t *testing.T) {
	above := t.TempDir()
	out := filepath.Join(above, "out")
	if err := On(&synced{dies: above}, "").MkdirAll(out); !errors.Is(err, errDies) {
		t.Fatal(err)
	}
	disk := &synced{}
	next := On(disk, "")
	for range 2 {
		if err := next.Put(filepath.Join(out, "a"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{above, out, out}; !slices.Equal(disk.dirs, want) {
		t.Fatalf("synced %q, want %q", disk.dirs, want)
	}
}

func TestDanglingLinkIsNotListed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(dir+"/nowhere", dir+"/link"); err != nil {
		need.Skip(t, err)
	}
	in, err := New("").List(dir)
	if err != nil || len(in) != 0 {
		t.Fatal(in, err)
	}
}

func TestSwap(t *testing.T) {
	root := t.TempDir()
	f := New(root)
	put := func(name, text string) {
		t.Helper()
		if err := f.Put(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	put("t/a", "old")
	put("t/sub/b", "old")
	put("t/sub/_SUCCESS", "")
	put("t/.keep", "")
	pending, err := f.Create("t/sub/c") // of another writer
	if err != nil {
		t.Fatal(err)
	}
	token, err := pending.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	stage, ok := f.Stage("t", "x")
	if !ok || stage != ".t.x.new" {
		t.Fatal(stage, ok)
	}
	put(stage+"/a", "new")
	same := f.Same("t")
	if !same() {
		t.Error("nothing has changed")
	}
	if err := f.Swap("t", stage); err != nil {
		t.Fatal(err)
	}
	if same() {
		t.Error("the folder is another one")
	}
	if err := f.RemoveAll(stage); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(token); err != nil {
		t.Error(err)
	}
	var left []string
	if err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(root, p)
			left = append(left, rel)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"t/.keep", "t/a", "t/sub/_SUCCESS", "t/sub/c"}; !slices.Equal(left, want) {
		t.Errorf("%v, want %v", left, want)
	}
	// what cannot be exchanged in one step is said before anything is written
	if err := os.Symlink("t", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "t/a"} {
		if stage, ok := f.Stage(name, "x"); ok {
			t.Errorf("%s: %s", name, stage)
		}
	}
	if _, ok := f.Stage("missing/deep", "x"); !ok {
		t.Error("a table without a folder can be written")
	}
}

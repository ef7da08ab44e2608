package local

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/fsystest"
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

func TestDanglingLinkIsNotListed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(dir+"/nowhere", dir+"/link"); err != nil {
		t.Skip(err)
	}
	in, err := New("").List(dir)
	if err != nil || len(in) != 0 {
		t.Fatal(in, err)
	}
}

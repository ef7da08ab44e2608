package local

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/millrace-io/millrace/internal/fsys"
)

// pattern returns n bytes that begin off behind a page.
func pattern(n, off int) []byte {
	b := make([]byte, n+2*directAlign) // large ones begin with a page
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b[off : off+n]
}

func written(t *testing.T, name string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes are not the %d that were written", name, len(got), len(want))
	}
}

// Large files go around the page cache as far as they can; what is read is what was
// written, whatever its place in memory and its length.
func TestPutLarge(t *testing.T) {
	for _, fs := range []*FS{New(t.TempDir()), Scratch(t.TempDir())} {
		for _, n := range []int{directBytesMin - 1, directBytesMin, directBytesMin + 1, 9*directBytesMin - directAlign, 9*directBytesMin + 17} {
			for _, off := range []int{0, 1, 512} {
				name, want := fmt.Sprintf("%d-%d", n, off), pattern(n, off)
				if err := fs.Put(name, want); err != nil {
					t.Fatal(err)
				}
				written(t, fs.path(name), want)
			}
		}
	}
}

// writeDirect leaves the file as it was: what follows goes through the page cache.
func TestWriteDirect(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data := pattern(directBytesMin+directAlign+5, 0)
	n, err := writeDirect(f, data)
	if err != nil || n != 0 && n != directBytesMin+directAlign {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if n == 0 {
		t.Log("this file system has only the page cache")
	}
	if _, err := f.Write(data[n:]); err != nil {
		t.Fatalf("after %d bytes: %v", n, err)
	}
	written(t, f.Name(), data)
}

// A large pending file is written behind its writer's back, in pieces of any size, of
// which some cross the place where that begins; so are more files than have buffers.
func TestPendingLarge(t *testing.T) {
	for _, size := range []int{behindFrom - 1, behindFrom, behindFrom + 1, behindFrom + 5*behindBytes, behindFrom + 2*behindBytes + 4321} {
		for _, piece := range []int{1000, 64 << 10, 3 << 20} {
			fs := New(t.TempDir())
			want := pattern(size, 0)
			var all []fsys.Pending
			for i := range behindMax + 1 {
				p, err := fs.Create(fmt.Sprint(i))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, p)
			}
			for at := 0; at < size; at += piece {
				b := bytes.Clone(want[at:min(at+piece, size)])
				for _, p := range all {
					if n, err := p.Write(b); err != nil || n != len(b) {
						t.Fatalf("%d bytes of %d, %v", n, len(b), err)
					}
				}
				clear(b) // it is the caller's again
			}
			if err := all[0].Discard(); err != nil {
				t.Fatal(err)
			}
			for i, p := range all[1:] {
				token, err := p.Prepare()
				if err == nil {
					err = fs.Commit(token)
				}
				if err != nil {
					t.Fatal(err)
				}
				written(t, fs.path(fmt.Sprint(i+1)), want)
			}
			if n := behinds.Load(); n != 0 {
				t.Fatalf("%d files have buffers that are closed", n)
			}
		}
	}
}

// fullFile is a file on a disk that has no room.
type fullFile struct{ File }

func (fullFile) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// That the disk is full is told by a later write, and at the latest by Prepare.
func TestBehindFull(t *testing.T) {
	w := newBehind(fullFile{})
	data := pattern(behindBytes, 0)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the second write: %v", err)
	}
	if err := w.close(true); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("close: %v", err)
	}
}

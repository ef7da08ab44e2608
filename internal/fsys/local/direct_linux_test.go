package local

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// aligned returns n bytes that begin off behind a page.
func aligned(n, off int) []byte {
	b := make([]byte, n+2*directAlign) // large ones begin with a page
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b[off : off+n]
}

// Large files go around the page cache as far as they can; what is read is what was
// written, whatever their place in memory and their length.
func TestWriteDirect(t *testing.T) {
	fs := New(t.TempDir())
	for _, n := range []int{directBytesMin - 1, directBytesMin, directBytesMin + 1, 3*directBytesMin - directAlign, 3*directBytesMin + 17} {
		for _, off := range []int{0, 1, 512} {
			name, want := fmt.Sprintf("%d-%d", n, off), aligned(n, off)
			if err := fs.Put(name, want); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(fs.path(name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes are not those that were written", name, len(got))
			}
		}
	}
}

// What is left over when a file was written to disk goes through the page cache.
func TestWriteDirectLeavesTheRest(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data := aligned(directBytesMin+directAlign+5, 0)
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
	if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes of %d, %v", len(got), len(data), err)
	}
}

package local

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/millrace-io/millrace/internal/fsys"
)

var _ fsys.Watcher = (*FS)(nil)

// What is asked of inotify: names that appear by a rename, or whose writer has closed
// them, are files that are whole; others may not be.
const (
	watchWhole = unix.IN_MOVED_TO | unix.IN_CLOSE_WRITE
	watchMask  = watchWhole | unix.IN_CREATE | unix.IN_ONLYDIR
)

// watchBytes holds some events: one has 16 bytes and a name.
const watchBytes = 64 << 10

// Watch implements fsys.Watcher with inotify.
func (f *FS) Watch(dir string, note func(name string, whole bool)) (stop func(), err error) {
	if f.disk != (machine{}) {
		return nil, fmt.Errorf("watch %s: %w", dir, errors.ErrUnsupported)
	}
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	in := os.NewFile(uintptr(fd), "inotify") // Close ends a Read, as it does not block
	if _, err := unix.InotifyAddWatch(fd, f.path(dir), watchMask); err != nil {
		in.Close()
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		buf := make([]byte, watchBytes)
		for {
			n, err := in.Read(buf)
			if err != nil {
				return
			}
			eachEvent(buf[:n], func(mask uint32, base string) {
				if base == "" { // an overflow, or the folder is gone
					note("", false)
					return
				}
				note(path.Join(dir, base), mask&watchWhole != 0 && mask&unix.IN_ISDIR == 0)
			})
		}
	}()
	return func() {
		in.Close()
		<-gone
	}, nil
}

// eachEvent reads what the kernel has written: for each event the watch, a mask, a
// cookie, the length of the name, all of 32 bits, and the name, filled up with zeros.
func eachEvent(b []byte, do func(mask uint32, base string)) {
	for len(b) >= unix.SizeofInotifyEvent {
		mask, n := binary.NativeEndian.Uint32(b[4:]), int(binary.NativeEndian.Uint32(b[12:]))
		name := b[unix.SizeofInotifyEvent:][:n]
		do(mask, string(bytes.TrimRight(name, "\x00")))
		b = b[unix.SizeofInotifyEvent+n:]
	}
}

package local

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const (
	// directBytesMin is from how many bytes on a write goes around the page cache: for
	// the kernel to copy them costs five times the processor time of having the disk
	// fetch them, and the cache has better things to keep.
	directBytesMin = 256 << 10
	// directAlign is what all disks want memory, places and lengths to be multiples of.
	directAlign = 4 << 10
)

// write writes all of data, as much of it as can be around the page cache. The file is
// at a place where a page may begin.
func write(h File, data []byte) error {
	if f, ok := h.(*os.File); ok {
		n, err := writeDirect(f, data)
		if err != nil {
			return err
		}
		data = data[n:]
	}
	_, err := h.Write(data)
	return err
}

// writeDirect writes as many bytes as it can around the page cache.
func writeDirect(f *os.File, data []byte) (n int, err error) {
	whole := len(data) &^ (directAlign - 1)
	if whole < directBytesMin || uintptr(unsafe.Pointer(unsafe.SliceData(data)))%directAlign != 0 || !setDirect(f, true) {
		return 0, nil
	}
	n, err = f.Write(data[:whole])
	if !setDirect(f, false) && err == nil {
		return n, errors.New("fcntl: it stays without the page cache")
	}
	if errors.Is(err, syscall.EINVAL) { // a disk that wants more than directAlign
		err = nil
	}
	return n, err
}

// A behind writes a file behind its writer's back: while one buffer is on its way to the
// disk the next is filled.
type behind struct {
	f    File
	fill []byte
	next []byte     // to be filled when that is full
	done chan error // what came of the one on its way
	busy bool       // there is one
}

const (
	// behindFrom is how large a file is before it is written so: most stay small.
	behindFrom  = 4 << 20
	behindBytes = 512 << 10
	// behindMax is for how many files at a time there are buffers.
	behindMax = 8
)

var behinds atomic.Int32

// newBehind returns nil if there are enough.
func newBehind(f File) *behind {
	if behinds.Add(1) > behindMax {
		behinds.Add(-1)
		return nil
	}
	return &behind{f: f, fill: make([]byte, 0, behindBytes), next: make([]byte, 0, behindBytes), done: make(chan error, 1)}
}

// Write returns the error of an earlier one, too.
func (w *behind) Write(b []byte) (n int, err error) {
	for n < len(b) {
		k := copy(w.fill[len(w.fill):cap(w.fill)], b[n:])
		w.fill = w.fill[:len(w.fill)+k]
		n += k
		if len(w.fill) < cap(w.fill) {
			continue
		}
		if err := w.wait(); err != nil {
			return n, err
		}
		full := w.fill
		w.fill, w.next, w.busy = w.next[:0], full, true
		go func() { w.done <- write(w.f, full) }()
	}
	return n, nil
}

// wait waits for the buffer that is on its way.
func (w *behind) wait() error {
	if !w.busy {
		return nil
	}
	w.busy = false
	return <-w.done
}

// close writes what is left, unless the file is given up.
func (w *behind) close(whole bool) error {
	behinds.Add(-1)
	err := w.wait()
	if err == nil && whole {
		err = write(w.f, w.fill)
	}
	return err
}

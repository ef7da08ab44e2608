package local

import (
	"errors"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// directBytesMin is the size from which a file goes around the page cache: for the
	// kernel to copy a file costs five times the processor time of having the disk
	// fetch it, and the cache has better things to keep.
	directBytesMin = 1 << 20
	// directAlign is what all disks want memory, places and lengths to be multiples of.
	directAlign = 4 << 10
)

// writeDirect writes the beginning of an empty file from memory to disk and returns how
// much that was: nothing where the file system cannot do it.
func writeDirect(f *os.File, data []byte) (n int, err error) {
	if len(data) < directBytesMin || uintptr(unsafe.Pointer(unsafe.SliceData(data)))%directAlign != 0 {
		return 0, nil
	}
	flags, err := control(f, unix.F_GETFL, 0)
	if err != nil {
		return 0, err
	}
	if _, err := control(f, unix.F_SETFL, flags|unix.O_DIRECT); err != nil {
		return 0, nil // a file system that has only the page cache
	}
	n, err = f.Write(data[:len(data)&^(directAlign-1)])
	if errors.Is(err, unix.EINVAL) { // a disk with another alignment
		n = 0
		_, err = f.Seek(0, io.SeekStart)
	}
	_, back := control(f, unix.F_SETFL, flags)
	return n, errors.Join(err, back)
}

// control is fcntl.
func control(f *os.File, cmd, arg int) (out int, err error) {
	c, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	if failed := c.Control(func(fd uintptr) { out, err = unix.FcntlInt(fd, cmd, arg) }); failed != nil {
		return 0, failed
	}
	return out, err
}

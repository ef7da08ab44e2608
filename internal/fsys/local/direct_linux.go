package local

import (
	"os"

	"golang.org/x/sys/unix"
)

// setDirect lets what is written to a file go around the page cache, or no more; not ok
// if the file system cannot.
func setDirect(f *os.File, on bool) (ok bool) {
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	err = c.Control(func(fd uintptr) {
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		if err != nil {
			return
		}
		if flags &^= unix.O_DIRECT; on {
			flags |= unix.O_DIRECT
		}
		_, err = unix.FcntlInt(fd, unix.F_SETFL, flags)
		ok = err == nil
	})
	return ok && err == nil
}

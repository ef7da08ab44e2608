package measure

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// WarmBytes is more than what most measured processes take, with the files that they
// leave in the page cache. Tests, which measure nothing, set it to 0.
var WarmBytes = 4 << 30

const warmVariable = "MILLRACE_BENCH_WARM"

// A process with the variable touches memory and ends: it must not be the one that
// measures, whose own peak a process that it starts begins with.
func init() {
	n, err := strconv.Atoi(os.Getenv(warmVariable))
	if err != nil {
		return
	}
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		os.Exit(1)
	}
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	os.Exit(0)
}

// Warm has memory ready for what is measured next. The host of a virtual machine takes
// back what is not used for some seconds, and gives it again for one or two seconds of
// processor time a GiB: who asks first pays, whatever it is that is measured.
func Warm() error {
	if WarmBytes == 0 {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), warmVariable+"="+strconv.Itoa(WarmBytes))
	return cmd.Run()
}

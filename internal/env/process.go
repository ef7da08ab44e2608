package env

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Process returns this process's id and when it started, in the system's own words;
// "" where the system does not tell.
func Process() (pid int, start string) {
	pid = os.Getpid()
	_, start = stat(pid)
	return pid, start
}

// Alive reports whether a process of this Place runs that started then. One that has
// ended and is not yet waited for does not.
func Alive(pid int, start string) bool {
	state, began := stat(pid)
	if state != "" {
		return state != "Z" && state != "X" && (start == "" || began == start)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}

// stat returns the state and the start of a process, as Linux tells them.
func stat(pid int) (state, start string) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", ""
	}
	_, rest, _ := strings.Cut(string(data[strings.LastIndexByte(string(data), ')')+1:]), " ")
	const startAt = 19 // field 22, of which the first two and the space are cut off
	f := strings.Fields(rest)
	if len(f) <= startAt {
		return "", ""
	}
	return f[0], f[startAt]
}

// Place returns the machine's name, and a text that is the same only where process
// ids mean the same: on this machine since it was started, in this pid namespace.
func Place() (host, place string) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	ns, _ := os.Readlink("/proc/self/ns/pid")
	return host, host + " " + strings.TrimSpace(string(boot)) + " " + ns
}

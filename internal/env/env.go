// Package env is the outside world as values: the only place that reads clocks,
// randomness and environment variables. Everything else is given an Env or a
// function of it, so that the simulator can give another.
package env

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Now returns the time in microseconds since the epoch.
func Now() int64 { return time.Now().UnixMicro() }

var began = time.Now()

// Nanos returns the time in nanoseconds since some moment: for how long things take.
func Nanos() int64 { return int64(time.Since(began)) }

// After calls f on a goroutine of its own when d has passed, unless stop comes first.
func After(d time.Duration, f func()) (stop func()) {
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}

// Seed returns a random seed.
func Seed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// Getenv returns the value of an environment variable, or def.
func Getenv(key, def string) string {
	if v := os.Getenv(key); v != "" {
		return v
	}
	return def
}

// TempDir returns the system's folder for temporary files.
func TempDir() string { return os.TempDir() }

// Float returns a random number from 0 to below 1.
func Float() float64 { return float64(Seed()>>11) / (1 << 53) }

// Print writes lines to standard error, those of one call together.
func Print(lines []byte) { os.Stderr.Write(lines) }

// Sleep waits for some microseconds.
func Sleep(us int64) { time.Sleep(time.Duration(us) * time.Microsecond) }

// MachineMemory returns how many bytes of memory this process may have: what the
// machine has, or less if its control group says so; 8 GiB if neither can be read.
func MachineMemory() int64 {
	least := int64(math.MaxInt64)
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "MemTotal:" {
				if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil {
					least = kb << 10
				}
			}
		}
	}
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(name); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
				least = min(least, n)
			}
		}
	}
	if least == math.MaxInt64 {
		return 8 << 30
	}
	return least
}

// LimitMemory makes the garbage collector work harder when the process comes to
// have so many bytes. With less than collectBytesLeast, which the program has anyway with
// the least that a job needs, it would do nothing but collect.
func LimitMemory(bytes int64) {
	debug.SetMemoryLimit(max(bytes, collectBytesLeast))
}

const collectBytesLeast = 64 << 20

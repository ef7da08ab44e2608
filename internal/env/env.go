// Package env is the outside world as values: the only place that reads clocks,
// randomness and environment variables. Everything else is given an Env or a
// function of it, so that the simulator can give another.
package env

import (
	"crypto/rand"
	"encoding/binary"
	"os"
	"time"
)

// Now returns the time in microseconds since the epoch.
func Now() int64 { return time.Now().UnixMicro() }

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

// Sleep waits for some microseconds.
func Sleep(us int64) { time.Sleep(time.Duration(us) * time.Microsecond) }

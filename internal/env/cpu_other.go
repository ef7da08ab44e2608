//go:build !unix

package env

// CPUNanos returns 0: this system is not asked how long the process has computed.
func CPUNanos() int64 { return 0 }

package flink

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// ticks is the unit of CPU times in /proc: USER_HZ, which is 100 on every Linux
// that Go runs on.
const ticks = 100

// CPUSeconds is the processor time that a process has used.
func CPUSeconds(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	// The second field is the command in parentheses, and may have anything in it.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const user, system = 14 - 3, 15 - 3 // numbered from 1 in proc(5), the third is fields[0]
	if len(fields) <= system {
		return 0, fmt.Errorf("read processor time: /proc/%d/stat has %d fields", pid, len(fields))
	}
	var sum float64
	for _, i := range []int{user, system} {
		n, err := strconv.ParseFloat(string(fields[i]), 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		sum += n
	}
	return sum / ticks, nil
}

// PeakBytes is the largest resident memory that a process had since ResetPeak.
func PeakBytes(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read peak memory: %w", err)
	}
	_, rest, ok := bytes.Cut(text, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if !ok || len(fields) == 0 {
		return 0, fmt.Errorf("read peak memory: none in /proc/%d/status", pid)
	}
	kb, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return kb << 10, err
}

// ResetPeak lets the peak begin at what the process has now.
func ResetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

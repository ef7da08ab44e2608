// Package measure has what the benchmarks of this folder share: what a process cost,
// what ran it, and the record of the runs.
package measure

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Binary returns the path of Millrace: what was given, or, for "", one that it builds
// into a folder.
func Binary(ctx context.Context, given, dir string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	path := filepath.Join(dir, "millrace")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/millrace").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build millrace: %w: %s", err, out)
	}
	return filepath.Abs(path)
}

// A Cost is what a process cost from its start to its end.
type Cost struct {
	Seconds    float64
	CPUSeconds float64
	PeakBytes  int64 // of resident memory
}

// Run runs a command to its end. What it cost is told whether it failed or not.
func Run(cmd *exec.Cmd) (Cost, error) {
	began := time.Now()
	err := cmd.Run()
	c := Cost{Seconds: time.Since(began).Seconds()}
	if p := cmd.ProcessState; p != nil {
		c.CPUSeconds = (p.UserTime() + p.SystemTime()).Seconds()
		c.PeakBytes = p.SysUsage().(*syscall.Rusage).Maxrss << 10
	}
	return c, err
}

// Commit is the short name of the commit that is checked out.
func Commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// Machine says what ran it: cores, processor, Go.
func Machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name\t: "); ok {
			model, _, _ = strings.Cut(rest, "\n")
		}
	}
	return fmt.Sprintf("%d cores of %s, %s", runtime.NumCPU(), model, runtime.Version())
}

// Now is the time that a record has.
func Now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// Append appends a run to a file of JSON lines in the history folder; with "" as the
// folder it does nothing.
func Append(history, file string, record any) error {
	if history == "" {
		return nil
	}
	line, err := json.Marshal(record)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(history, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(history, file), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// MedianBy returns the one of some runs whose figure is in the middle. It sorts them.
func MedianBy[T any, N cmp.Ordered](runs []T, figure func(T) N) T {
	slices.SortFunc(runs, func(a, b T) int { return cmp.Compare(figure(a), figure(b)) })
	return runs[len(runs)/2]
}

// GeometricMean is that of ratios above zero; of none it is NaN.
func GeometricMean(ratios []float64) float64 {
	var logs float64
	for _, x := range ratios {
		logs += math.Log(x)
	}
	return math.Exp(logs / float64(len(ratios)))
}

// Thousands writes 1234567 as 1,234,567.
func Thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

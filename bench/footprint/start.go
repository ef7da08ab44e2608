package main

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// A start is what it takes from the start of a process to its first row.
type start struct {
	What   string  `json:"what"`
	Least  float64 `json:"least_ms"`
	Median float64 `json:"median_ms"`
	P90    float64 `json:"p90_ms"`
	Most   float64 `json:"most_ms"`
	CPU    float64 `json:"cpu_ms"` // of the whole process, the median
}

// starts takes turns, so that what else the machine does falls on all of them.
func (c config) starts(ctx context.Context) ([]start, error) {
	selects := func(mode string) []string {
		return []string{"run", "-e", "SELECT 1", "--mode", mode, "--quiet", "--format", "csv", "--no-header"}
	}
	cases := []struct {
		what string
		args []string
		row  string
	}{
		{"version", []string{"version"}, ""},
		{"SELECT 1, batch", selects("batch"), "1"},
		{"SELECT 1, streaming", selects("streaming"), "1"},
	}
	wall, cpu := make([][]float64, len(cases)), make([][]float64, len(cases))
	for range c.runs {
		for i, x := range cases {
			first, used, err := c.start(ctx, x.args, x.row)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", x.what, err)
			}
			wall[i], cpu[i] = append(wall[i], milliseconds(first)), append(cpu[i], milliseconds(used))
		}
	}
	var out []start
	for i, x := range cases {
		slices.Sort(wall[i])
		slices.Sort(cpu[i])
		n := c.runs
		out = append(out, start{x.what, wall[i][0], wall[i][n/2], wall[i][n*9/10], wall[i][n-1], cpu[i][n/2]})
	}
	return out, nil
}

// start runs the binary and returns how long its first line took, which is row or, for
// "", any.
func (c config) start(ctx context.Context, args []string, row string) (first, cpu time.Duration, err error) {
	cmd := exec.CommandContext(ctx, c.Millrace, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	line, readErr := bufio.NewReader(out).ReadString('\n')
	first = time.Since(began)
	if err := cmd.Wait(); err != nil {
		return 0, 0, fmt.Errorf("%w: %s", err, stderr.String())
	}
	if line = strings.TrimSpace(line); readErr != nil || line == "" || row != "" && line != row {
		return 0, 0, fmt.Errorf("the first line is %q, not %q", line, row)
	}
	return first, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

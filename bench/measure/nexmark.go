package measure

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// A QueryRun is what a query of `millrace nexmark` took.
type QueryRun struct {
	Seconds     float64
	CPU         float64 `json:"cpu_seconds"`
	PeakBytes   int64   `json:"peak_memory_bytes"`
	Checkpoints int
}

// Nexmark runs one query in a process of its own, with warm memory; flags are those of `millrace nexmark`.
func Nexmark(ctx context.Context, millrace, query string, events int64, flags ...string) (QueryRun, error) {
	if err := Warm(); err != nil {
		return QueryRun{}, err
	}
	args := append([]string{"nexmark", "-q", query, "--events", fmt.Sprint(events), "--json"}, flags...)
	cmd := exec.CommandContext(ctx, millrace, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return QueryRun{}, fmt.Errorf("millrace %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	var got []QueryRun
	if err := json.Unmarshal(out, &got); err != nil || len(got) != 1 {
		return QueryRun{}, fmt.Errorf("millrace %s: %w: %.200s", strings.Join(args, " "), err, out)
	}
	return got[0], nil
}

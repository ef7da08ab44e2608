// Command hard measures Millrace on input that is bad for speed: a hot key, millions
// of long keys, rows of a megabyte, hundreds of columns, joins with a thousand matches,
// half a million overlapping windows, a thousand files.
//
//	go run ./bench/hard                          all of it, as a stream and as a batch
//	go run ./bench/hard -only hop,join -modes batch
//	go run ./bench/hard -scale 0.01              less of everything, a glance
//
// Each query is a process of its own with a limit of memory, `memory.size`. It must
// end, its rows must be those that this program has counted by itself, and its resident
// memory must have stayed within the limit; otherwise the run fails. CPU-seconds are
// those of the whole process, the printing of its result included.
//
// The table goes to stdout as Markdown, a JSON line to bench/history/hard.jsonl.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
)

type config struct {
	measure.Bench
	only        string
	modes       string
	profiles    string
	parallelism int
	scale       float64
	limit       time.Duration
}

func main() { measure.Main("hard", run) }

func run(ctx context.Context, args []string) error {
	var c config
	f := flag.NewFlagSet("hard", flag.ContinueOnError)
	c.Flags(f)
	f.StringVar(&c.only, "only", "", "cases, as 'hop,join'; all without it")
	f.StringVar(&c.modes, "modes", "streaming,batch", "streaming, batch or both")
	f.StringVar(&c.profiles, "profiles", "", "folder for a CPU profile of each query")
	f.IntVar(&c.parallelism, "parallelism", 2, "subtasks of each operator")
	f.Float64Var(&c.scale, "scale", 1, "how many rows, of those that count")
	f.DurationVar(&c.limit, "limit", 30*time.Minute, "that a query may take")
	if err := f.Parse(args); err != nil {
		return err
	}
	if c.scale <= 0 || c.parallelism < 1 {
		return errors.New("-scale and -parallelism are numbers above zero")
	}
	end, err := c.Begin(ctx, "hard")
	if err != nil {
		return err
	}
	defer end()
	if c.profiles != "" {
		if err := os.MkdirAll(c.profiles, 0o755); err != nil {
			return err
		}
	}
	return c.all(ctx)
}

// A figure is what a case cost in a mode.
type figure struct {
	Case    string  `json:"case"`
	Mode    string  `json:"mode"`
	Rows    int64   `json:"rows"`
	Limit   string  `json:"memory_size"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	PeakMB  int64   `json:"peak_mb"`
	Error   string  `json:"error,omitempty"`
}

// all measures every case. One that fails does not keep the others from being run.
func (c config) all(ctx context.Context) error {
	var figures []figure
	var failed []error
	for _, h := range cases(c.scale) {
		if c.only != "" && !slices.Contains(strings.Split(c.only, ","), h.name) {
			continue
		}
		for _, mode := range strings.Split(c.modes, ",") {
			fig, err := c.measure(ctx, h, mode)
			if err != nil {
				fig.Error = err.Error()
				failed = append(failed, fmt.Errorf("%s, %s: %w", h.name, mode, err))
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			figures = append(figures, fig)
		}
	}
	return errors.Join(append(failed, c.report(figures))...)
}

// measure runs a case in a folder that is gone afterwards.
func (c config) measure(ctx context.Context, h hard, mode string) (figure, error) {
	f := figure{Case: h.name, Mode: mode, Rows: h.rows, Limit: fmt.Sprintf("%d mb", h.memoryMB)}
	dir, err := os.MkdirTemp(c.Work, h.name+"-")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	script, err := h.prepare(dir)
	if err != nil {
		return f, err
	}
	args := append(h.args(script, mode), "--parallelism", strconv.Itoa(c.parallelism))
	if c.profiles != "" {
		args = append(args, "--cpu-profile", filepath.Join(c.profiles, h.name+"-"+mode+".prof"))
	}
	debug.FreeOSMemory() // what this process holds counts as the peak of those that it starts
	limited, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	cmd := exec.CommandContext(limited, c.Millrace, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cost, err := measure.Run(cmd)
	f.Seconds, f.CPU, f.PeakMB = cost.Seconds, cost.CPUSeconds, cost.PeakBytes>>20
	switch {
	case limited.Err() != nil:
		return f, fmt.Errorf("not done after %s", c.limit)
	case err != nil:
		return f, fmt.Errorf("%w: %s", err, errs.Bytes())
	}
	if err := h.check(dir, out.String()); err != nil {
		return f, err
	}
	if most := h.memoryMB + h.memoryMB/10; f.PeakMB > most {
		return f, fmt.Errorf("%d MB of memory, where memory.size is %d MB", f.PeakMB, h.memoryMB)
	}
	return f, nil
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/bench/measure"
)

// A figure is what a query cost over so many events.
type figure struct {
	Query       string  `json:"query"`
	Events      int64   `json:"events"`
	Parallelism int     `json:"parallelism"`
	Seconds     float64 `json:"seconds"`
	CPU         float64 `json:"cpu_seconds"`
	PeakMB      int64   `json:"peak_mb"`
}

// perEvent is in nanoseconds of processor time.
func (f figure) perEvent() float64 { return f.CPU * 1e9 / float64(f.Events) }

func (c config) nexmark(ctx context.Context, q string, events int64, parallelism int, flags ...string) (figure, error) {
	var runs []measure.QueryRun
	for range c.runs {
		r, err := measure.Nexmark(ctx, c.Millrace, q, events, append(flags, "--parallelism", strconv.Itoa(parallelism))...)
		if err != nil {
			return figure{}, err
		}
		runs = append(runs, r)
	}
	m := measure.MedianBy(runs, func(r measure.QueryRun) float64 { return r.CPU })
	return figure{q, events, parallelism, m.Seconds, m.CPU, m.PeakBytes >> 20}, nil
}

func (c config) byEvents(ctx context.Context) (out []figure, err error) {
	for _, q := range c.events {
		for n := c.least; n <= c.most; n *= 2 {
			f, err := c.nexmark(ctx, q, n, 2, "--event-interval", c.interval)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

func (c config) byParallelism(ctx context.Context) (out []figure, err error) {
	for _, q := range c.both {
		for p := 1; p <= 2; p++ {
			f, err := c.nexmark(ctx, q, c.each, p)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// A lookup is what a row costs that changes one of so many groups, in nanoseconds of
// processor time.
type lookup struct {
	Keys   int64   `json:"keys"`
	Read   float64 `json:"read_ns"`   // the row alone
	Change float64 `json:"change_ns"` // what the group adds to it
	PeakMB int64   `json:"peak_mb"`
}

// stateScript groups rows, or only reads them. 104729 is a prime: all keys come before
// one comes again, and neighbours are far from each other.
func stateScript(keys, rows int64, group bool) string {
	query := "SELECT k, n, n FROM t"
	if group {
		query = "SELECT k, COUNT(*), SUM(n) FROM t GROUP BY k"
	}
	return fmt.Sprintf(`CREATE TABLE t (n BIGINT, k AS MOD(n * 104729, %d)) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '%d');
CREATE TABLE o (k BIGINT, c BIGINT, s BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO o %s;
`, keys, rows, query)
}

func (c config) byState(ctx context.Context) (out []lookup, err error) {
	for _, keys := range c.keys {
		l := lookup{Keys: keys}
		var ns [2]float64
		for i, group := range []bool{false, true} {
			few, err := c.script(ctx, stateScript(keys, keys, group))
			if err != nil {
				return nil, err
			}
			many, err := c.script(ctx, stateScript(keys, keys+c.rows, group))
			if err != nil {
				return nil, err
			}
			ns[i] = (many.CPUSeconds - few.CPUSeconds) * 1e9 / float64(c.rows)
			l.PeakMB = many.PeakBytes >> 20
		}
		l.Read, l.Change = ns[0], ns[1]-ns[0]
		out = append(out, l)
	}
	return out, nil
}

// script runs a script as a stream at parallelism 1.
func (c config) script(ctx context.Context, text string) (measure.Cost, error) {
	file := filepath.Join(c.Work, "job.sql")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return measure.Cost{}, err
	}
	var runs []measure.Cost
	for range c.runs {
		cmd := exec.CommandContext(ctx, c.Millrace, "run", file, "--mode", "streaming", "--parallelism", "1", "--quiet")
		var errs strings.Builder
		cmd.Stderr = &errs
		cost, err := measure.Run(cmd)
		if err != nil {
			return cost, fmt.Errorf("%w: %s", err, errs.String())
		}
		runs = append(runs, cost)
	}
	return measure.MedianBy(runs, func(c measure.Cost) float64 { return c.CPUSeconds }), nil
}

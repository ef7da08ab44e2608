package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/bench/measure"
)

//go:embed figures.tsv
var recorded string

// figures reads what Flink did with its own generator, recorded on two cores: the
// suite's settings, and with object reuse where that was measured.
func figures() (map[string]result, error) {
	out := map[string]result{}
	lines := strings.Split(strings.TrimSpace(recorded), "\n")
	for _, line := range lines[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			return nil, fmt.Errorf("figures.tsv: %d fields in %q", len(f), line)
		}
		var n [5]float64
		for i := range n {
			if f[i+1] == "-" {
				continue
			}
			var err error
			if n[i], err = strconv.ParseFloat(f[i+1], 64); err != nil {
				return nil, fmt.Errorf("figures.tsv: %w", err)
			}
		}
		per := max(n[2], n[4])
		out[f[0]] = result{Query: f[0], Events: int64(n[0]), Seconds: n[1], CPUSeconds: n[0] / per, PerCPU: per, PeakBytes: int64(n[3]) << 20}
	}
	return out, nil
}

// generator measures Millrace with its generator in the job.
func (c config) generator(ctx context.Context) error {
	known, err := figures()
	if err != nil {
		return err
	}
	millrace, err := measure.Binary(ctx, c.millrace, c.work)
	if err != nil {
		return err
	}
	var rows []row
	for _, name := range c.queries {
		r := row{Query: name}
		if f, ok := known[name]; ok {
			r.Flink = &f
		}
		per := c
		switch {
		case c.events != 0:
		case r.Flink != nil:
			per.events = r.Flink.Events
		default:
			per.events = 2_000_000
		}
		r.Millrace = per.timed(ctx, name, func(ctx context.Context, m *result) error { return per.millraceNexmark(ctx, millrace, m) })
		rows = append(rows, r)
	}
	title := fmt.Sprintf("Millrace with its generator, %s mode, parallelism %d, %s, beside Flink's recorded figures", c.mode, c.parallelism, c.density)
	return c.report(title, "Flink, recorded", rows)
}

func (c config) millraceNexmark(ctx context.Context, millrace string, m *result) error {
	checkpoints, err := os.MkdirTemp(c.work, "checkpoints-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(checkpoints)
	args := append([]string{"nexmark", "-q", m.Query, "--events", strconv.FormatInt(c.events, 10), "--mode", c.mode,
		"--parallelism", strconv.Itoa(c.parallelism), "--json"}, c.densityFlag()...)
	if c.mode == "streaming" {
		args = append(args, "--checkpoint-interval", checkpointInterval, "--checkpoint-dir", checkpoints,
			"--set", multiJoin+"=true")
	}
	if err := measure.Warm(); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, millrace, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("millrace %s: %w: %.2000s", strings.Join(args, " "), err, stderr.Bytes())
	}
	var got []result
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("millrace %s: %w", strings.Join(args, " "), err)
	}
	if len(got) != 1 {
		return fmt.Errorf("millrace %s: %d results", strings.Join(args, " "), len(got))
	}
	*m = got[0]
	return nil
}

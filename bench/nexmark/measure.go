package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/millrace-io/millrace/bench/flink"
	"github.com/millrace-io/millrace/bench/queries"
)

// A measure is what one query cost one engine.
type measure struct {
	Query       string  `json:"query"`
	Events      int64   `json:"events"`
	Seconds     float64 `json:"seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	PerCPU      float64 `json:"events_per_cpu_second"`
	PeakBytes   int64   `json:"peak_memory_bytes"`
	Checkpoints int     `json:"checkpoints"`
	Error       string  `json:"error,omitempty"`
}

func (m *measure) divide() {
	if m.CPUSeconds > 0 {
		m.PerCPU = float64(m.Events) / m.CPUSeconds
	}
}

// files measures both engines over the same files, query by query in turn.
func (c config) files(ctx context.Context) error {
	if c.events == 0 {
		c.events = 2_000_000
	}
	data := c.dataDir()
	_, missing := os.Stat(data)
	withFlink, withMillrace := strings.Contains(c.engines, "flink"), strings.Contains(c.engines, "millrace")
	var millrace string
	if withMillrace || missing != nil {
		var err error
		if millrace, err = c.binary(ctx); err != nil {
			return err
		}
	}
	if missing != nil {
		if err := c.writeData(ctx, millrace, data); err != nil {
			return err
		}
	}
	var cluster *flink.Cluster
	if withFlink {
		var err error
		if cluster, err = c.cluster(ctx); err != nil {
			return err
		}
		defer cluster.Stop()
	}
	tables := queries.Files(data, "", c.format)
	onFlink := func(ctx context.Context, q queries.Query, m *measure) error {
		script := slices.Concat(session(c.mode, cluster.CheckpointDir()), tables, q.Setup, []string{q.Insert()})
		res, err := cluster.Run(ctx, queries.Script(script...))
		m.Seconds, m.CPUSeconds, m.PeakBytes, m.Checkpoints = res.Seconds, res.CPUSeconds, res.PeakBytes, res.Checkpoints
		return err
	}
	if withFlink && c.warm {
		q, err := queries.Get("q0")
		if err != nil {
			return err
		}
		if err := onFlink(ctx, q, &measure{}); err != nil {
			return fmt.Errorf("warm Flink up: %w", err)
		}
	}
	var rows []row
	for _, name := range c.queries {
		q, err := queries.Get(name)
		if err != nil {
			return err
		}
		r := row{Query: name}
		if withFlink {
			r.Flink = c.timed(ctx, name, func(ctx context.Context, m *measure) error { return onFlink(ctx, q, m) })
		}
		if withMillrace {
			r.Millrace = c.timed(ctx, name, func(ctx context.Context, m *measure) error {
				return c.millraceRun(ctx, millrace, queries.Script(tables...)+q.Script(), m)
			})
		}
		rows = append(rows, r)
	}
	title := fmt.Sprintf("Both engines over the same %s files, %s mode, parallelism %d, %s, %s events", c.format, c.mode, c.parallelism, c.density, thousands(c.events))
	return c.report(title, "Flink", rows)
}

// timed measures one query as often as asked and returns the median run. What goes
// wrong is part of the result, so that the other queries are measured.
func (c config) timed(ctx context.Context, name string, run func(context.Context, *measure) error) *measure {
	var all []*measure
	for range c.runs {
		m := &measure{Query: name, Events: c.events}
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		err := run(ctx, m)
		cancel()
		if err != nil {
			m.Error = err.Error()
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			return m
		}
		m.divide()
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *measure) int { return cmp.Compare(a.PerCPU, b.PerCPU) })
	return all[len(all)/2]
}

func (c config) densityFlag() []string {
	key, value, _ := strings.Cut(c.density, "=")
	return []string{"--" + key, value}
}

// dataDir is the folder of the events as files; a work folder that is kept has them
// for the next run.
func (c config) dataDir() string {
	return filepath.Join(c.work, fmt.Sprintf("data-%s-%d-%s", c.format, c.events, strings.ReplaceAll(c.density, "=", "-")))
}

// writeData has Millrace write the events.
func (c config) writeData(ctx context.Context, millrace, dir string) error {
	args := append([]string{"nexmark", "--events", strconv.FormatInt(c.events, 10), "--write", dir + ".part", "--format", c.format}, c.densityFlag()...)
	cmd := exec.CommandContext(ctx, millrace, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", millrace, strings.Join(args, " "), err)
	}
	return os.Rename(dir+".part", dir)
}

// millraceRun runs a script and fills in what the process cost.
func (c config) millraceRun(ctx context.Context, millrace, script string, m *measure) error {
	file := filepath.Join(c.work, m.Query+".sql")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		return err
	}
	args := []string{"run", "-f", file, "--mode", c.mode, "--parallelism", strconv.Itoa(c.parallelism)}
	if c.mode == "streaming" {
		checkpoints, err := os.MkdirTemp(c.work, "checkpoints-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(checkpoints)
		args = append(args, "--checkpoint-dir", checkpoints, "--set", "execution.checkpointing.interval="+checkpointInterval)
		for _, o := range tableOptions {
			args = append(args, "--set", o.key+"="+o.value)
		}
	}
	cmd := exec.CommandContext(ctx, millrace, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	m.Seconds = time.Since(began).Seconds()
	if p := cmd.ProcessState; p != nil {
		m.CPUSeconds = (p.UserTime() + p.SystemTime()).Seconds()
		m.PeakBytes = p.SysUsage().(*syscall.Rusage).Maxrss << 10
	}
	if err != nil {
		return fmt.Errorf("millrace %s: %w: %.2000s", strings.Join(args, " "), err, out.Bytes())
	}
	return nil
}

//go:embed figures.tsv
var recorded string

// figures reads what Flink did with its own generator, recorded on two cores: the
// suite's settings, and with object reuse where that was measured.
func figures() (map[string]measure, error) {
	out := map[string]measure{}
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
		out[f[0]] = measure{Query: f[0], Events: int64(n[0]), Seconds: n[1], CPUSeconds: n[0] / per, PerCPU: per, PeakBytes: int64(n[3]) << 20}
	}
	return out, nil
}

// generator measures Millrace with its generator in the job.
func (c config) generator(ctx context.Context) error {
	known, err := figures()
	if err != nil {
		return err
	}
	millrace, err := c.binary(ctx)
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
		r.Millrace = per.timed(ctx, name, func(ctx context.Context, m *measure) error { return per.millraceNexmark(ctx, millrace, m) })
		rows = append(rows, r)
	}
	title := fmt.Sprintf("Millrace with its generator, %s mode, parallelism %d, %s, beside Flink's recorded figures", c.mode, c.parallelism, c.density)
	return c.report(title, "Flink, recorded", rows)
}

func (c config) millraceNexmark(ctx context.Context, millrace string, m *measure) error {
	checkpoints, err := os.MkdirTemp(c.work, "checkpoints-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(checkpoints)
	args := append([]string{"nexmark", "-q", m.Query, "--events", strconv.FormatInt(c.events, 10), "--mode", c.mode,
		"--parallelism", strconv.Itoa(c.parallelism), "--json"}, c.densityFlag()...)
	if c.mode == "streaming" {
		args = append(args, "--checkpoint-interval", checkpointInterval, "--checkpoint-dir", checkpoints)
	}
	cmd := exec.CommandContext(ctx, millrace, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("millrace %s: %w: %.2000s", strings.Join(args, " "), err, stderr.Bytes())
	}
	var got []measure
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("millrace %s: %w", strings.Join(args, " "), err)
	}
	if len(got) != 1 {
		return fmt.Errorf("millrace %s: %d results", strings.Join(args, " "), len(got))
	}
	*m = got[0]
	return nil
}

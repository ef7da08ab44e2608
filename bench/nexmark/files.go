package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/bench/flink"
	"github.com/millrace-io/millrace/bench/measure"
	"github.com/millrace-io/millrace/bench/queries"
)

// A result is what one query cost one engine.
type result struct {
	Query       string  `json:"query"`
	Events      int64   `json:"events"`
	Seconds     float64 `json:"seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	PerCPU      float64 `json:"events_per_cpu_second"`
	PeakBytes   int64   `json:"peak_memory_bytes"`
	Checkpoints int     `json:"checkpoints"`
	Error       string  `json:"error,omitempty"`
}

func (m *result) divide() {
	if m.CPUSeconds > 0 {
		m.PerCPU = float64(m.Events) / m.CPUSeconds
	}
}

// query returns a query; its own files, if it has any, are in a folder of the run.
func (c config) query(name string) (queries.Query, error) {
	q, err := queries.Get(name)
	if err != nil || !q.NeedsFolder() {
		return q, err
	}
	dir, err := os.MkdirTemp(c.work, name+"-")
	if err != nil {
		return q, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return q, err
	}
	return q.In(dir)
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
		if millrace, err = measure.Binary(ctx, c.millrace, c.work); err != nil {
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
	onFlink := func(ctx context.Context, q queries.Query, m *result) error {
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
		if err := onFlink(ctx, q, &result{}); err != nil {
			return fmt.Errorf("warm Flink up: %w", err)
		}
	}
	var rows []row
	for _, name := range c.queries {
		q, err := c.query(name)
		if err != nil {
			return err
		}
		r := row{Query: name}
		if withFlink {
			r.Flink = c.timed(ctx, name, func(ctx context.Context, m *result) error { return onFlink(ctx, q, m) })
		}
		if withMillrace {
			r.Millrace = c.timed(ctx, name, func(ctx context.Context, m *result) error {
				return c.millraceRun(ctx, millrace, queries.Script(tables...)+q.Script(), m)
			})
		}
		rows = append(rows, r)
	}
	title := fmt.Sprintf("Both engines over the same %s files, %s mode, parallelism %d, %s, %s events", c.format, c.mode, c.parallelism, c.density, measure.Thousands(c.events))
	return c.report(title, "Flink", rows)
}

// timed measures one query as often as asked and returns the median run. What goes
// wrong is part of the result, so that the other queries are measured.
func (c config) timed(ctx context.Context, name string, run func(context.Context, *result) error) *result {
	var all []*result
	for range c.runs {
		m := &result{Query: name, Events: c.events}
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
	return measure.MedianBy(all, func(m *result) float64 { return m.PerCPU })
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
func (c config) millraceRun(ctx context.Context, millrace, script string, m *result) error {
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
			args = append(args, "--set", o.Key+"="+o.Value)
		}
	}
	if err := measure.Warm(); err != nil { // Flink's process has its memory since it started
		return err
	}
	cmd := exec.CommandContext(ctx, millrace, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cost, err := measure.Run(cmd)
	m.Seconds, m.CPUSeconds, m.PeakBytes = cost.Seconds, cost.CPUSeconds, cost.PeakBytes
	if err != nil {
		return fmt.Errorf("millrace %s: %w: %.2000s", strings.Join(args, " "), err, out.Bytes())
	}
	return nil
}

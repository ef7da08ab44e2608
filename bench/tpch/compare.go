package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/millrace-io/millrace/bench/measure"
	"github.com/millrace-io/millrace/bench/queries/tpch"
)

//go:embed duckdb.py
var duckdbProgram string

// A result is what one query cost one engine.
type result struct {
	Query      string  `json:"query"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	PeakBytes  int64   `json:"peak_memory_bytes,omitempty"`
	Rows       int     `json:"rows"`
	Error      string  `json:"error,omitempty"`
}

// middle is the run with the middle CPU time.
func middle(runs []result) result {
	return measure.MedianBy(runs, func(r result) float64 { return r.CPUSeconds })
}

// duckdb runs the queries on DuckDB, one process for all, and writes the answers into
// a folder.
func (k kit) duckdb(ctx context.Context, c config, data, answers string) (map[string]result, error) {
	var list [][2]string
	for _, q := range c.queries {
		for range c.runs {
			list = append(list, [2]string{q.Name, q.Batch})
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "tpch-*.json")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(text); err != nil {
		return nil, err
	}
	if err := cmp.Or(file.Close(), os.MkdirAll(answers, 0o755)); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, k.program("python"), "-c", duckdbProgram, data, file.Name(), strconv.Itoa(c.threads), answers)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, k.log
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run DuckDB: %w", err)
	}
	runs := map[string][]result{}
	for in := bufio.NewScanner(&out); in.Scan(); {
		var m result
		if err := json.Unmarshal(in.Bytes(), &m); err != nil {
			return nil, err
		}
		runs[m.Query] = append(runs[m.Query], m)
	}
	medians := map[string]result{}
	for name, list := range runs {
		medians[name] = middle(list)
	}
	return medians, nil
}

// compare measures both engines and reports.
func (c config) compare(ctx context.Context, k kit, data string) error {
	work, err := os.MkdirTemp("", "millrace-tpch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if c.binary, err = measure.Binary(ctx, c.binary, work); err != nil {
		return err
	}
	other, err := k.duckdb(ctx, c, data, work)
	if err != nil {
		return err
	}
	var rows []row
	for _, q := range c.queries {
		r := row{Query: q.Name, DuckDB: other[q.Name], Millrace: map[string]result{}}
		for _, mode := range c.modes {
			var runs []result
			for range c.runs {
				runs = append(runs, c.millrace(ctx, q, mode, data, work))
			}
			r.Millrace[mode] = middle(runs)
		}
		rows = append(rows, r)
	}
	return c.report(rows)
}

// millrace runs a query in a process of its own. What goes wrong is part of the
// result, so that the other queries are run.
func (c config) millrace(ctx context.Context, q tpch.Query, mode, data, work string) result {
	m := result{Query: q.Name}
	text, ordered := q.Batch, q.Batch
	if mode != "batch" {
		text, ordered = q.Stream, "" // the rows of a stream's changes have no order
	}
	script := filepath.Join(work, "job.sql")
	if err := os.WriteFile(script, []byte(tpch.Declare(data)+text+";\n"), 0o644); err != nil {
		return result{Query: q.Name, Error: err.Error()}
	}
	limited, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	args := []string{"run", "-f", script, "--mode", mode, "--parallelism", strconv.Itoa(c.threads), "--quiet"}
	if c.memory != "" {
		args = append(args, "--set", "memory.size="+c.memory)
	}
	cmd := exec.CommandContext(limited, c.binary, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cost, err := measure.Run(cmd)
	m.Seconds, m.CPUSeconds, m.PeakBytes = cost.Seconds, cost.CPUSeconds, cost.PeakBytes
	switch {
	case limited.Err() != nil && ctx.Err() == nil:
		m.Error = fmt.Sprintf("not done after %s", c.limit)
		return m
	case err != nil:
		m.Error = fmt.Sprintf("%v: %s", err, stderr.Bytes())
		return m
	}
	want, err := os.ReadFile(filepath.Join(work, q.Name+".csv"))
	if err != nil {
		m.Error = err.Error()
		return m
	}
	m.Rows = len(lines(stdout.Bytes()))
	m.Error = diff(ordered, stdout.Bytes(), want)
	return m
}

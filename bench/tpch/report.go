package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A row is one query on both engines.
type row struct {
	Query    string  `json:"query"`
	Millrace measure `json:"millrace"`
	DuckDB   measure `json:"duckdb"`
}

// record is the JSON line of a run.
type record struct {
	Time    time.Time `json:"time"`
	Commit  string    `json:"commit"`
	Machine string    `json:"machine"`
	Scale   string    `json:"scale"`
	Mode    string    `json:"mode"`
	Threads int       `json:"threads"`
	DuckDB  string    `json:"duckdb_version"`
	Rows    []row     `json:"rows"`
}

// report prints the table and appends the record. A query that failed is an error.
func (c config) report(rows []row) error {
	r := record{Time: time.Now().UTC().Truncate(time.Second), Commit: commit(), Machine: fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.Version()),
		Scale: c.scale, Mode: c.mode, Threads: c.threads, DuckDB: duckdbVersion, Rows: rows}
	writeTable(os.Stdout, r)
	if c.history != "" {
		if err := r.append(filepath.Join(c.history, "tpch.jsonl")); err != nil {
			return err
		}
	}
	var failed []string
	for _, row := range rows {
		if row.Millrace.Error != "" {
			failed = append(failed, row.Query+": "+row.Millrace.Error)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d queries failed:\n%s", len(failed), strings.Join(failed, "\n"))
	}
	return nil
}

func (r record) append(file string) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func writeTable(w io.Writer, r record) {
	fmt.Fprintf(w, "### TPC-H, scale factor %s, %s mode, %d threads\n\n%s, commit %s, %s\n\n", r.Scale, r.Mode, r.Threads, r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	fmt.Fprintf(w, "| query | rows | DuckDB %s: s | CPU-s | Millrace: s | CPU-s | peak MB | DuckDB's CPU-s / Millrace's |\n|---|---|---|---|---|---|---|---|\n", r.DuckDB)
	var logs float64
	n := 0
	for _, row := range r.Rows {
		d, m := row.DuckDB, row.Millrace
		if m.Error != "" {
			fmt.Fprintf(w, "| %s | %d | %.2f | %.2f | failed | | | |\n", row.Query, d.Rows, d.Seconds, d.CPUSeconds)
			continue
		}
		ratio := d.CPUSeconds / m.CPUSeconds
		fmt.Fprintf(w, "| %s | %d | %.2f | %.2f | %.2f | %.2f | %d | %.2f |\n", row.Query, m.Rows, d.Seconds, d.CPUSeconds, m.Seconds, m.CPUSeconds, m.PeakBytes>>20, ratio)
		if ratio > 0 {
			logs += math.Log(ratio)
			n++
		}
	}
	if n > 0 {
		fmt.Fprintf(w, "\nGeometric mean of the ratios of %d queries: %.2f\n", n, math.Exp(logs/float64(n)))
	}
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

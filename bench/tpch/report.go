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

// A row is one query on both engines, on Millrace by mode.
type row struct {
	Query    string             `json:"query"`
	DuckDB   measure            `json:"duckdb"`
	Millrace map[string]measure `json:"millrace"`
}

// record is the JSON line of a run.
type record struct {
	Time    time.Time `json:"time"`
	Commit  string    `json:"commit"`
	Machine string    `json:"machine"`
	Scale   string    `json:"scale"`
	Threads int       `json:"threads"`
	DuckDB  string    `json:"duckdb_version"`
	Rows    []row     `json:"rows"`
}

// report prints the table and appends the record. A query that failed is an error.
func (c config) report(rows []row) error {
	r := record{Time: time.Now().UTC().Truncate(time.Second), Commit: commit(), Machine: fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.Version()),
		Scale: c.scale, Threads: c.threads, DuckDB: duckdbVersion, Rows: rows}
	writeTable(os.Stdout, r, c.modes)
	if c.history != "" {
		if err := r.append(filepath.Join(c.history, "tpch.jsonl")); err != nil {
			return err
		}
	}
	var failed []string
	for _, row := range rows {
		for _, mode := range c.modes {
			if e := row.Millrace[mode].Error; e != "" {
				failed = append(failed, row.Query+", "+mode+": "+e)
			}
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d runs failed:\n%s", len(failed), strings.Join(failed, "\n"))
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

func writeTable(w io.Writer, r record, modes []string) {
	fmt.Fprintf(w, "### TPC-H, scale factor %s, %d threads\n\n%s, commit %s, %s\n\n", r.Scale, r.Threads, r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	head, rule := fmt.Sprintf("| query | rows | DuckDB %s: s | CPU-s |", r.DuckDB), "|---|---|---|---|"
	for _, mode := range modes {
		head, rule = head+fmt.Sprintf(" %s: s | CPU-s | peak MB | ratio |", mode), rule+"---|---|---|---|"
	}
	fmt.Fprintf(w, "%s\n%s\n", head, rule)
	ratios := map[string][]float64{}
	for _, row := range r.Rows {
		d := row.DuckDB
		fmt.Fprintf(w, "| %s | %d | %.2f | %.2f |", row.Query, d.Rows, d.Seconds, d.CPUSeconds)
		for _, mode := range modes {
			m := row.Millrace[mode]
			if m.Error != "" {
				fmt.Fprintf(w, " failed | %.2f | %d | |", m.CPUSeconds, m.PeakBytes>>20)
				continue
			}
			ratio := d.CPUSeconds / m.CPUSeconds
			fmt.Fprintf(w, " %.2f | %.2f | %d | %.2f |", m.Seconds, m.CPUSeconds, m.PeakBytes>>20, ratio)
			if ratio > 0 {
				ratios[mode] = append(ratios[mode], ratio)
			}
		}
		fmt.Fprintln(w)
	}
	for _, mode := range modes {
		if list := ratios[mode]; len(list) > 0 {
			fmt.Fprintf(w, "\nGeometric mean of the ratios of %d queries, %s: %.2f\n", len(list), mode, geometricMean(list))
		}
	}
}

func geometricMean(list []float64) float64 {
	var logs float64
	for _, x := range list {
		logs += math.Log(x)
	}
	return math.Exp(logs / float64(len(list)))
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
)

// A row is one query on both engines, on Millrace by mode.
type row struct {
	Query    string            `json:"query"`
	DuckDB   result            `json:"duckdb"`
	Millrace map[string]result `json:"millrace"`
}

// record is the JSON line of a run.
type record struct {
	Time    time.Time `json:"time"`
	Commit  string    `json:"commit"`
	Machine string    `json:"machine"`
	Scale   string    `json:"scale"`
	Threads int       `json:"threads"`
	Memory  string    `json:"memory_size,omitempty"`
	DuckDB  string    `json:"duckdb_version"`
	Rows    []row     `json:"rows"`
}

// report prints the table and appends the record. A query that failed is an error.
func (c config) report(rows []row) error {
	r := record{Time: measure.Now(), Commit: measure.Commit(), Machine: measure.Machine(),
		Scale: c.scale, Threads: c.threads, Memory: c.memory, DuckDB: duckdbVersion, Rows: rows}
	writeTable(os.Stdout, r, c.modes)
	if err := measure.Append(c.history, "tpch.jsonl", r); err != nil {
		return err
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

func writeTable(w io.Writer, r record, modes []string) {
	memory := ""
	if r.Memory != "" {
		memory = ", memory.size " + r.Memory
	}
	fmt.Fprintf(w, "### TPC-H, scale factor %s, %d threads%s\n\n%s, commit %s, %s\n\n", r.Scale, r.Threads, memory, r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
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
			fmt.Fprintf(w, "\nGeometric mean of the ratios of %d queries, %s: %.2f\n", len(list), mode, measure.GeometricMean(list))
		}
		other, own, most := totals(r.Rows, mode)
		fmt.Fprintf(w, "\n%s, CPU-seconds of all: DuckDB %.1f, Millrace %.1f, **%.2f** times as many; the most memory: %d MB\n", mode, other, own, own/other, most>>20)
	}
}

// totals adds up both engines' CPU time, of what did not fail, and finds Millrace's
// largest peak.
func totals(rows []row, mode string) (duckdb, millrace float64, peakBytes int64) {
	for _, row := range rows {
		m := row.Millrace[mode]
		peakBytes = max(peakBytes, m.PeakBytes)
		if m.Error == "" {
			duckdb, millrace = duckdb+row.DuckDB.CPUSeconds, millrace+m.CPUSeconds
		}
	}
	return duckdb, millrace, peakBytes
}

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
)

// A row is one query, on either engine; nil where it was not measured.
type row struct {
	Query    string  `json:"query"`
	Flink    *result `json:"flink,omitempty"`
	Millrace *result `json:"millrace,omitempty"`
}

// record is the JSON line of a run.
type record struct {
	Time     time.Time `json:"time"`
	Commit   string    `json:"commit"`
	Machine  string    `json:"machine"`
	Title    string    `json:"title"`
	Kind     string    `json:"kind"`
	Mode     string    `json:"mode"`
	Format   string    `json:"format,omitempty"`
	Density  string    `json:"density"`
	Parallel int       `json:"parallelism"`
	Rows     []row     `json:"rows"`
}

// report prints the table and appends the record.
func (c config) report(title, flinkName string, rows []row) error {
	r := record{Time: measure.Now(), Commit: measure.Commit(), Machine: measure.Machine(), Title: title,
		Kind: c.kind, Mode: c.mode, Density: c.density, Parallel: c.parallelism, Rows: rows}
	if c.kind == "files" {
		r.Format = c.format
	}
	writeTable(os.Stdout, r, flinkName)
	return measure.Append(c.history, "nexmark.jsonl", r)
}

func writeTable(w io.Writer, r record, flinkName string) {
	fmt.Fprintf(w, "## %s\n\n%s, commit %s, %s\n\n", r.Title, r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	fmt.Fprintf(w, "| query | events | %s: events/s | events/CPU-s | peak MB | Millrace: events/s | events/CPU-s | peak MB | checkpoints | ratio per CPU-s |\n", flinkName)
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
	var ratios []float64
	for _, row := range r.Rows {
		ratio, checkpoints, events := "", "", ""
		if m := row.Millrace; m != nil {
			events = measure.Thousands(m.Events)
			checkpoints = fmt.Sprint(m.Checkpoints)
		} else if row.Flink != nil {
			events = measure.Thousands(row.Flink.Events)
		}
		if x := ratioOf(row); x > 0 {
			ratio = fmt.Sprintf("%.1f", x)
			ratios = append(ratios, x)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", row.Query, events, cells(row.Flink), cells(row.Millrace), checkpoints, ratio)
	}
	if len(ratios) > 0 {
		fmt.Fprintf(w, "\nGeometric mean of the ratios of %d queries: %.2f\n", len(ratios), measure.GeometricMean(ratios))
	}
	for _, row := range r.Rows {
		for _, m := range []*result{row.Flink, row.Millrace} {
			if m != nil && m.Error != "" {
				fmt.Fprintf(w, "\n%s: %s\n", row.Query, strings.SplitN(m.Error, "\n", 2)[0])
			}
		}
	}
}

// ratioOf is how many more events a CPU-second brings in Millrace; 0 if unknown.
func ratioOf(r row) float64 {
	if r.Flink == nil || r.Millrace == nil || r.Flink.Error != "" || r.Millrace.Error != "" || r.Flink.PerCPU == 0 {
		return 0
	}
	return r.Millrace.PerCPU / r.Flink.PerCPU
}

func cells(m *result) string {
	switch {
	case m == nil:
		return " | | "
	case m.Error != "":
		return "failed | | "
	}
	return fmt.Sprintf("%s | %s | %d", measure.Thousands(int64(float64(m.Events)/m.Seconds)), measure.Thousands(int64(m.PerCPU)), m.PeakBytes>>20)
}

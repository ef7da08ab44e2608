package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
)

// record is the JSON line of a run.
type record struct {
	Time    time.Time `json:"time"`
	Commit  string    `json:"commit"`
	Machine string    `json:"machine"`
	Limits  []limit   `json:"limits"`
	Idle    float64   `json:"idle_cpu_seconds"`
	Figures []figure  `json:"figures"`
}

// report prints the tables and appends the record.
func report(history string, limits []limit, idle measure.Cost, figures []figure) error {
	r := record{measure.Now(), measure.Commit(), measure.Machine(), limits, idle.CPUSeconds, figures}
	writeTables(os.Stdout, r)
	return measure.Append(history, "ingest.jsonl", r)
}

func writeTables(w io.Writer, r record) {
	fmt.Fprintf(w, "%s, commit %s, %s\n\n", r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	fmt.Fprintln(w, "| one core | MB/s |\n|---|---|")
	for _, l := range r.Limits {
		fmt.Fprintf(w, "| %s | %s |\n", l.What, measure.Thousands(int64(l.MB)))
	}
	fmt.Fprintf(w, "\nA process that reads nothing takes %.3f CPU-seconds, which are taken off.\n\n", r.Idle)
	fmt.Fprintln(w, "| table | format | columns | rows | MB | s | CPU-s | MB/CPU-s | ns/row | peak MB |\n|---|---|---|---|---|---|---|---|---|---|")
	for _, f := range r.Figures {
		table := f.Table
		if f.Splits > 0 {
			table += fmt.Sprintf(", %s splits", measure.Thousands(f.Splits))
		}
		fmt.Fprintf(w, "| %s | %s | %d | %s | %.0f | %.2f | %.2f | %s | %s | %d |\n", table, f.Format, f.Columns, measure.Thousands(f.Rows), f.MB,
			f.Seconds, f.CPU, measure.Thousands(int64(f.perCPU())), measure.Thousands(int64(f.CPU*1e9/float64(f.Rows))), f.PeakMB)
	}
}

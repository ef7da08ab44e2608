package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
)

// record is the JSON line of a run.
type record struct {
	Time        time.Time `json:"time"`
	Commit      string    `json:"commit"`
	Machine     string    `json:"machine"`
	Parallelism int       `json:"parallelism"`
	Scale       float64   `json:"scale"`
	Figures     []figure  `json:"figures"`
}

// report prints the table and appends the record.
func (c config) report(figures []figure) error {
	r := record{measure.Now(), measure.Commit(), measure.Machine(), c.parallelism, c.scale, figures}
	r.write(os.Stdout)
	return measure.Append(c.History, "hard.jsonl", r)
}

func (r record) write(w io.Writer) {
	fmt.Fprintf(w, "%s, commit %s, %s\n\n", r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	fmt.Fprintln(w, "| case | mode | rows | memory.size | s | CPU-s | rows/CPU-s | peak MB |\n|---|---|---|---|---|---|---|---|")
	for _, f := range r.Figures {
		rate := ""
		if f.Error == "" {
			rate = measure.Thousands(int64(float64(f.Rows) / f.CPU))
		} else {
			rate, _, _ = strings.Cut(f.Error, "\n")
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %.2f | %.2f | %s | %d |\n", f.Case, f.Mode, measure.Thousands(f.Rows), f.Limit, f.Seconds, f.CPU, rate, f.PeakMB)
	}
}

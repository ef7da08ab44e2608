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
	Time        time.Time `json:"time"`
	Commit      string    `json:"commit"`
	Machine     string    `json:"machine"`
	Parallelism int       `json:"parallelism"`
	Rate        int       `json:"rate"`
	Keys        int       `json:"keys"`
	Figures     []figure  `json:"figures"`
}

// report prints the table and appends the record.
func (c config) report(figures []figure) error {
	r := record{measure.Now(), measure.Commit(), measure.Machine(), c.parallelism, c.rate, c.keys, figures}
	r.write(os.Stdout)
	return measure.Append(c.History, "latency.jsonl", r)
}

func (r record) write(w io.Writer) {
	fmt.Fprintf(w, "%s events a second, %s keys, parallelism %d; %s, commit %s, %s\n\n", measure.Thousands(int64(r.Rate)), measure.Thousands(int64(r.Keys)), r.Parallelism,
		r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	fmt.Fprintln(w, "| query | rows out | median, ms | p99, ms | most, ms | p99 of a 1 ms timer, ms | longest rename, ms | processors busy |\n|---|---|---|---|---|---|---|---|")
	for _, f := range r.Figures {
		fmt.Fprintf(w, "| %s | %s | %.1f | **%.1f** | %.1f | %.1f | %.1f | %.2f |\n", f.Query, measure.Thousands(int64(f.Rows)), f.Median, f.P99, f.Most, f.Timer, f.Rename, f.CPU)
	}
}

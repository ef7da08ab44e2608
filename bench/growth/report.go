package main

import (
	"fmt"
	"io"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
)

// record is the JSON line of a run.
type record struct {
	Time        time.Time `json:"time"`
	Commit      string    `json:"commit"`
	Machine     string    `json:"machine"`
	Interval    string    `json:"event_interval"`
	Rows        int64     `json:"rows"`
	Events      []figure  `json:"events,omitempty"`
	Parallelism []figure  `json:"parallelism,omitempty"`
	State       []lookup  `json:"state,omitempty"`
}

func (r record) write(w io.Writer) {
	fmt.Fprintf(w, "%s, commit %s, %s\n", r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	if len(r.Events) > 0 {
		fmt.Fprintf(w, "\nEvents %s apart, streaming, parallelism 2:\n\n", r.Interval)
		fmt.Fprintln(w, "| query | events | s | CPU-s | CPU-ns/event | CPU of half as many, times | peak MB |\n|---|---|---|---|---|---|---|")
	}
	for i, f := range r.Events {
		times := ""
		if i > 0 && r.Events[i-1].Query == f.Query {
			times = fmt.Sprintf("%.2f", f.CPU/r.Events[i-1].CPU)
		}
		fmt.Fprintf(w, "| %s | %s | %.2f | %.2f | %.0f | %s | %d |\n", f.Query, measure.Thousands(f.Events), f.Seconds, f.CPU, f.perEvent(), times, f.PeakMB)
	}
	if len(r.Parallelism) > 0 {
		fmt.Fprintln(w, "\n| query | events | parallelism 1: s | CPU-s | parallelism 2: s | CPU-s | CPU, times | wall, times faster |\n|---|---|---|---|---|---|---|---|")
	}
	for i := 0; i+1 < len(r.Parallelism); i += 2 {
		one, two := r.Parallelism[i], r.Parallelism[i+1]
		fmt.Fprintf(w, "| %s | %s | %.2f | %.2f | %.2f | %.2f | **%.2f** | %.2f |\n", one.Query, measure.Thousands(one.Events), one.Seconds, one.CPU, two.Seconds, two.CPU,
			two.CPU/one.CPU, one.Seconds/two.Seconds)
	}
	if len(r.State) > 0 {
		fmt.Fprintf(w, "\n%s rows that change a group each, parallelism 1:\n\n", measure.Thousands(r.Rows))
		fmt.Fprintln(w, "| keys | reading a row, CPU-ns | its change of a group, CPU-ns | of that with the fewest keys, times | peak MB |\n|---|---|---|---|---|")
	}
	for _, l := range r.State {
		fmt.Fprintf(w, "| %s | %.0f | %.0f | **%.2f** | %d |\n", measure.Thousands(l.Keys), l.Read, l.Change, l.Change/r.State[0].Change, l.PeakMB)
	}
}

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
	BinaryBytes int64     `json:"binary_bytes"`
	Starts      []start   `json:"starts,omitempty"`
	Idle        []waiting `json:"idle,omitempty"`
}

func (r record) write(w io.Writer) {
	fmt.Fprintf(w, "%s, commit %s, %s\n\nThe binary has %.1f MB.\n", r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"), float64(r.BinaryBytes)/1e6)
	if len(r.Starts) > 0 {
		fmt.Fprintln(w, "\n| from the start to the first line | least, ms | median | 90 % | most | CPU-ms of the process |\n|---|---|---|---|---|---|")
	}
	for _, s := range r.Starts {
		fmt.Fprintf(w, "| %s | %.0f | **%.0f** | %.0f | %.0f | %.0f |\n", s.What, s.Least, s.Median, s.P90, s.Most, s.CPU)
	}
	if len(r.Idle) > 0 {
		fmt.Fprintln(w, "\n| process that waits | resident MB | of it its own | processors busy |\n|---|---|---|---|")
	}
	for _, i := range r.Idle {
		what := "the shell"
		switch {
		case i.Jobs == 1:
			what = "1 job"
		case i.Jobs > 1:
			what = measure.Thousands(int64(i.Jobs)) + " jobs"
		}
		fmt.Fprintf(w, "| %s | **%.1f** | %.1f | %.3f |\n", what, i.MB, i.OwnMB, i.CPU)
	}
	if mb, ok := perJob(r.Idle); ok {
		fmt.Fprintf(w, "\nA job that idles takes %.2f MB.\n", mb)
	}
}

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
)

// throughputRow is one query.
type throughputRow struct {
	Query string           `json:"query"`
	None  measure.QueryRun `json:"none"`
	Each  measure.QueryRun `json:"each_second"`
}

// throughputRecord is the JSON line of kind throughput.
type throughputRecord struct {
	Time    time.Time       `json:"time"`
	Commit  string          `json:"commit"`
	Machine string          `json:"machine"`
	Events  int64           `json:"events"`
	Rows    []throughputRow `json:"rows"`
}

// throughput measures queries with a checkpoint a second and with none.
func (c config) throughput(ctx context.Context) error {
	r := throughputRecord{Time: measure.Now(), Commit: measure.Commit(), Machine: measure.Machine(), Events: c.events}
	fmt.Printf("### Nexmark with a checkpoint each second and with none, %s events, medians of %d\n\n%s, commit %s, %s\n\n", measure.Thousands(c.events), c.runs,
		r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	fmt.Println("| query | none: s | CPU-s | each second: s | CPU-s | checkpoints | throughput, wall | throughput, CPU |\n|---|---|---|---|---|---|---|---|")
	for _, q := range c.queries {
		row, err := c.inTurn(ctx, q)
		if err != nil {
			return err
		}
		x, y := row.None, row.Each
		fmt.Printf("| %s | %.2f | %.2f | %.2f | %.2f | %d | %.0f %% | %.0f %% |\n", q, x.Seconds, x.CPU, y.Seconds, y.CPU, y.Checkpoints, 100*x.Seconds/y.Seconds, 100*x.CPU/y.CPU)
		r.Rows = append(r.Rows, row)
	}
	fmt.Println()
	return measure.Append(c.History, "checkpoints.jsonl", r)
}

// inTurn runs a query with and without checkpoints in turn, and returns the medians,
// of both figures by themselves.
func (c config) inTurn(ctx context.Context, q string) (throughputRow, error) {
	var none, each []measure.QueryRun
	for range c.runs {
		a, err := measure.Nexmark(ctx, c.Millrace, q, c.events)
		if err != nil {
			return throughputRow{}, err
		}
		dir, err := os.MkdirTemp(c.Work, "nexmark-")
		if err != nil {
			return throughputRow{}, err
		}
		b, err := measure.Nexmark(ctx, c.Millrace, q, c.events, "--checkpoint-interval", "1s", "--checkpoint-dir", dir)
		if err != nil {
			return throughputRow{}, err
		}
		if err := os.RemoveAll(dir); err != nil {
			return throughputRow{}, err
		}
		none, each = append(none, a), append(each, b)
	}
	return throughputRow{q, middle(none), middle(each)}, nil
}

func middle(runs []measure.QueryRun) measure.QueryRun {
	m := measure.MedianBy(runs, func(r measure.QueryRun) float64 { return r.CPU })
	m.Seconds = measure.MedianBy(runs, func(r measure.QueryRun) float64 { return r.Seconds }).Seconds
	return m
}

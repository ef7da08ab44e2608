// Command ingest measures what it costs Millrace to read files.
//
//	go run ./bench/ingest                     all of it
//	go run ./bench/ingest -only lineitem,bid  some tables
//	go run ./bench/ingest -mb 64 -runs 1      smaller files, a glance
//
// Each table is written as CSV, JSON lines and Parquet, then read by
// `INSERT INTO blackhole SELECT …` with all columns and with two, at parallelism 1.
// What counts is the processor time of the whole process, all threads together, less
// that of a process that reads nothing: it is the same on a machine that is busy, and
// it is MB per core. The MB are those of the text, for Parquet of the decoded columns:
// 8 bytes for a number or a time (4 for INT and DATE), for a string its text and 4.
//
// Beside the tables stand the limits, measured in the same run: how fast one core
// copies memory, finds a byte in it and checks UTF-8.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/bench/measure"
)

type config struct {
	millrace string
	work     string
	only     string
	formats  string
	history  string
	mb       int64
	runs     int
	profiles string
}

func main() { measure.Main("ingest", run) }

func run(ctx context.Context, args []string) error {
	var c config
	f := flag.NewFlagSet("ingest", flag.ContinueOnError)
	f.StringVar(&c.millrace, "millrace", "", "the binary; built without it")
	f.StringVar(&c.work, "work", "", "folder of the files, which are kept there; without it a temporary one")
	f.StringVar(&c.only, "only", "", "tables, as 'bid,lineitem'; all without it")
	f.StringVar(&c.formats, "formats", "csv,json,parquet", "formats")
	f.StringVar(&c.history, "history", "bench/history", "folder of the records; empty for none")
	f.Int64Var(&c.mb, "mb", 256, "about how large a table is as CSV, in MB")
	f.IntVar(&c.runs, "runs", 3, "of each query; the median counts")
	f.StringVar(&c.profiles, "profiles", "", "folder for a CPU profile of each query")
	if err := f.Parse(args); err != nil {
		return err
	}
	if c.runs < 1 || c.mb < 1 {
		return errors.New("-runs and -mb are numbers above zero")
	}
	if c.work == "" {
		dir, err := os.MkdirTemp("", "ingest-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		c.work = dir
	}
	if err := os.MkdirAll(filepath.Join(c.work, "scripts"), 0o755); err != nil {
		return err
	}
	if c.profiles != "" {
		if err := os.MkdirAll(c.profiles, 0o755); err != nil {
			return err
		}
	}
	var err error
	if c.millrace, err = measure.Binary(ctx, c.millrace, c.work); err != nil {
		return err
	}
	return c.all(ctx)
}

// A figure is what it cost to read a table.
type figure struct {
	Table   string  `json:"table"`
	Format  string  `json:"format"`
	Columns int     `json:"columns"`
	Splits  int64   `json:"splits,omitempty"` // if it was cut into more than usual
	Rows    int64   `json:"rows"`
	MB      float64 `json:"mb"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	PeakMB  int64   `json:"peak_mb"`
}

func (f figure) perCPU() float64 { return f.MB / f.CPU }

func (c config) all(ctx context.Context) error {
	idle, err := c.query(ctx, "idle", "SELECT 1;")
	if err != nil {
		return err
	}
	var figures []figure
	for _, t := range tables(c.mb << 20) {
		if c.only != "" && !slices.Contains(strings.Split(c.only, ","), t.name) {
			continue
		}
		got, err := c.table(ctx, t, idle)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
		figures = append(figures, got...)
	}
	// last: what this process has in memory counts as the peak of those that it starts
	return report(c.history, limitsOfOneCore(), idle, figures)
}

// table writes a table's files and measures them.
func (c config) table(ctx context.Context, t table, idle measure.Cost) ([]figure, error) {
	made, err := c.write(ctx, t)
	if err != nil {
		return nil, err
	}
	var out []figure
	for _, format := range strings.Split(c.formats, ",") {
		for _, few := range []bool{false, true} {
			f, err := c.measure(ctx, t, made, format, few, 0, idle)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
		if t.splits > 0 && format != "parquet" { // a Parquet file is cut at its row groups
			f, err := c.measure(ctx, t, made, format, false, t.splits, idle)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

func (c config) measure(ctx context.Context, t table, made made, format string, few bool, splits int64, idle measure.Cost) (figure, error) {
	cols := t.columns
	if few {
		cols = t.few()
	}
	options := ""
	size := made.bytes[format]
	f := figure{Table: t.name, Format: format, Columns: len(cols), Splits: splits, Rows: made.rows, MB: float64(size) / 1e6}
	if format == "parquet" {
		f.MB = float64(made.decoded(cols)) / 1e6
	}
	if splits > 0 {
		options = fmt.Sprintf(", 'source.split-size' = '%d'", size/splits+1)
	}
	script := t.declare("t", made.dir, format, options) + blackhole(cols) + "INSERT INTO o SELECT " + names(cols) + " FROM t;\n"
	var runs []measure.Cost
	for range c.runs {
		cost, err := c.query(ctx, fmt.Sprintf("%s-%s-%d-%d", t.name, format, len(cols), splits), script)
		if err != nil {
			return f, err
		}
		runs = append(runs, cost)
	}
	cost := measure.MedianBy(runs, func(c measure.Cost) float64 { return c.CPUSeconds })
	f.Seconds, f.CPU, f.PeakMB = cost.Seconds, max(cost.CPUSeconds-idle.CPUSeconds, 0.001), cost.PeakBytes>>20
	return f, nil
}

// query runs a script at parallelism 1 as a batch.
func (c config) query(ctx context.Context, name, script string) (measure.Cost, error) {
	file := filepath.Join(c.work, "scripts", name+".sql")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		return measure.Cost{}, err
	}
	args := []string{"run", file, "--mode", "batch", "--parallelism", "1", "--quiet"}
	if c.profiles != "" {
		args = append(args, "--cpu-profile", filepath.Join(c.profiles, name+".prof"))
	}
	cmd := exec.CommandContext(ctx, c.millrace, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cost, err := measure.Run(cmd)
	if err != nil {
		return cost, fmt.Errorf("millrace %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return cost, nil
}

// Command nexmark measures Millrace beside Apache Flink on the Nexmark queries.
//
//	go run ./bench/nexmark                  both engines in turn over the same files
//	go run ./bench/nexmark -kind generator  Millrace's generator, beside Flink's recorded figures
//	go run ./bench/nexmark -kind check      Flink's row counts over test/nexmark, to check the texts
//
// Flink comes from package registries on first use (400 MB, two minutes; pip, mvn
// and Java 17 are needed). It runs as JobManager and TaskManager processes with
// the settings in settings.go and those of bench/flink. The figure that counts is events per CPU-second,
// which a shared machine disturbs less than events per second: that of Flink is
// without the start of its processes, and without what they use when idle; that of
// Millrace is of its whole process.
//
// Tables go to stdout as Markdown, one JSON line to bench/history/nexmark.jsonl.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/flink"
	"github.com/millrace-io/millrace/bench/measure"
	"github.com/millrace-io/millrace/bench/queries"
)

// config is what the command line says.
type config struct {
	kind        string
	queries     []string
	events      int64
	format      string
	mode        string
	density     string
	parallelism int
	timeout     time.Duration
	runs        int
	warm        bool
	cache       string
	work        string
	millrace    string
	history     string
	engines     string
}

func main() { measure.Main("nexmark", run) }

func run(ctx context.Context, args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	if c.work == "" {
		dir, err := os.MkdirTemp("", "nexmark-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		c.work = dir
	}
	if c.work, err = filepath.Abs(c.work); err != nil {
		return err
	}
	switch c.kind {
	case "files":
		return c.files(ctx)
	case "generator":
		return c.generator(ctx)
	case "check":
		return c.check(ctx)
	}
	return fmt.Errorf("-kind %s is not files, generator or check", c.kind)
}

func parse(args []string) (config, error) {
	var c config
	var names string
	f := flag.NewFlagSet("nexmark", flag.ContinueOnError)
	f.StringVar(&c.kind, "kind", "files", "files, generator or check: what is measured")
	f.StringVar(&names, "q", "", "queries, as 'q0,q5'; all that both engines run without it")
	f.Int64Var(&c.events, "events", 0, "events; 2,000,000 over files, those of the recorded run with the generator")
	f.StringVar(&c.format, "format", "parquet", "parquet or json: the files")
	f.StringVar(&c.mode, "mode", "streaming", "streaming or batch")
	f.StringVar(&c.density, "density", "event-span=10s", "event-span=10s or event-interval=10ms: how event time advances")
	f.IntVar(&c.parallelism, "parallelism", 2, "of both engines")
	f.DurationVar(&c.timeout, "timeout", 10*time.Minute, "of one query")
	f.IntVar(&c.runs, "runs", 1, "of each query on each engine; the median counts")
	f.BoolVar(&c.warm, "warm", true, "run q0 once on Flink before anything is measured, for its compiler")
	f.StringVar(&c.cache, "flink", "", "folder of the installed Flink; in the user's cache without it")
	f.StringVar(&c.work, "work", "", "folder of data, logs and checkpoints, kept; without it a temporary one")
	f.StringVar(&c.millrace, "millrace", "", "the binary; built from ./cmd/millrace without it")
	f.StringVar(&c.history, "history", "bench/history", "folder for the JSON line; empty for none")
	f.StringVar(&c.engines, "engines", "flink,millrace", "which to run over files")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if c.runs < 1 {
		return c, fmt.Errorf("-runs %d is not a number of runs", c.runs)
	}
	c.queries = queries.Standard
	if names != "" {
		c.queries = strings.Split(names, ",")
	}
	for _, q := range c.queries {
		if _, err := queries.Get(q); err != nil {
			return c, err
		}
	}
	return c, nil
}

// cluster installs Flink if need be and starts it.
func (c config) cluster(ctx context.Context) (*flink.Cluster, error) {
	dist, err := flink.Install(ctx, c.cache, os.Stderr)
	if err != nil {
		return nil, fmt.Errorf("install Flink: %w", err)
	}
	return flink.Start(ctx, dist, filepath.Join(c.work, "flink"), flink.Settings{Slots: c.parallelism, TaskManagerMB: 4096, Options: flink.SuiteOptions()})
}

// Command latency measures how long it takes from the arrival of a row to the row that
// it makes, at a steady rate far below what Millrace can do:
//
//	go run ./bench/latency                            # 50,000 events a second, half a minute each query
//	go run ./bench/latency -q window -rate 200000 -keys 100
//
// A job reads a folder that it watches, and prints its changes into a pipe. This
// program puts a file of CSV into the folder each hundredth of a second: it is written
// under a hidden name and appears by a rename, which is the arrival of its rows: the time
// just behind it is noted, for it may have to wait for the file system, and just before it for rows
// that are out sooner. At the other end of the pipe the time is noted at which rows
// are read. There are no mini-batches, and checkpoints each second.
//
// Of query group, an aggregation without windows, each row makes one row, which has the time of
// its arrival. Of query window the rows of a window of a second count from the arrival
// of the first row that is behind its end: before that it could not be known to be
// complete.
//
// On a busy machine everybody waits for the processor. So this program also has a
// timer of a millisecond all the time, and tells how late that is.
//
// The table goes to stdout as Markdown, a JSON line to bench/history/latency.jsonl.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
)

type config struct {
	measure.Bench
	queries     []string
	profiles    string
	parallelism int
	rate        int // rows a second
	files       int // in which they come
	keys        int
	monitor     time.Duration
	checkpoints time.Duration // between two; 0: none
	warm        time.Duration
	length      time.Duration
}

func main() { measure.Main("latency", run) }

func run(ctx context.Context, args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	end, err := c.Begin(ctx, "latency")
	if err != nil {
		return err
	}
	defer end()
	if c.profiles != "" {
		if err := os.MkdirAll(c.profiles, 0o755); err != nil {
			return err
		}
	}
	var figures []figure
	for _, q := range c.queries {
		f, err := c.measure(ctx, q)
		if err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		figures = append(figures, f)
	}
	return c.report(figures)
}

func parse(args []string) (config, error) {
	var c config
	var names string
	f := flag.NewFlagSet("latency", flag.ContinueOnError)
	c.Flags(f)
	f.StringVar(&names, "q", "window,group", "queries: window, group")
	f.StringVar(&c.profiles, "profiles", "", "folder for a CPU profile of each query")
	f.IntVar(&c.parallelism, "parallelism", 2, "subtasks of each operator")
	f.IntVar(&c.rate, "rate", 50_000, "rows a second")
	f.IntVar(&c.files, "files", 100, "files a second in which they come")
	f.IntVar(&c.keys, "keys", 1000, "keys")
	f.DurationVar(&c.monitor, "monitor", time.Second, "source.monitor-interval: how often the folder is listed, beside what is told of it")
	f.DurationVar(&c.checkpoints, "checkpoints", time.Second, "time between checkpoints; 0 for none")
	f.DurationVar(&c.warm, "warm", 3*time.Second, "how long rows come that do not count")
	f.DurationVar(&c.length, "length", 30*time.Second, "how long rows come that do")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	c.queries = strings.Split(names, ",")
	for _, q := range c.queries {
		if queries[q] == "" {
			return c, fmt.Errorf("-q %s is not window or group", q)
		}
	}
	if c.files < 1 || c.rate < c.files || c.keys < 1 || c.parallelism < 1 || c.length < time.Second {
		return c, errors.New("-files, -keys and -parallelism must be 1 at least, -rate as many as -files, -length 1s")
	}
	return c, nil
}

// Command checkpoints measures what checkpoints and recovery cost, Millrace's beside
// Apache Flink's and by themselves:
//
//	go run ./bench/checkpoints                       all but Flink: state, stall, throughput
//	go run ./bench/checkpoints -kind flink           both engines, one after the other
//	go run ./bench/checkpoints -kind state -keys 35000000 -percent 1
//	go run ./bench/checkpoints -kind throughput -q q9 -runs 5
//
// kind flink: a query reads files of Nexmark's events from a folder that it watches,
// and prints its changes into a pipe, at whose other end this program notes when rows
// come. First 5 million events are there, and are read as fast as they can be; then
// come some thousand a second, in files of a tenth of a second each; then, when all is
// read and in a checkpoint, the process is killed and a backlog of files appears. What
// comes out of the pipe next is a new row, as nothing is left to repeat. Flink has the
// settings of bench/flink and those in flink.go, RocksDB with incremental checkpoints.
//
// kind state: a job groups by -keys keys, each with some 300 bytes that do not
// compress: a checkpoint of all of them, and then one when a share of them has changed.
// The checkpoints come from `millrace savepoint`, which takes one when it is asked.
//
// kind throughput: Nexmark's queries with a checkpoint each second and with none, in
// turn; medians of -runs. CPU-seconds count on a shared machine.
//
// Tables go to stdout as Markdown, a JSON line for each to
// bench/history/checkpoints.jsonl.
package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
	"github.com/millrace-io/millrace/bench/queries"
)

type config struct {
	measure.Bench
	kinds   []string
	queries []string
	events  int64
	runs    int

	keys     int64   // of kind state
	percents []int64 // changed between two checkpoints
	memory   string  // memory.size; empty: no limit
	copies   string  // folder of savepoints; empty: beside the checkpoints

	cache   string // of kind flink: where Flink is
	engines []string
	rate    int64         // events a second
	steady  time.Duration // how long
}

func main() { measure.Main("checkpoints", run) }

func run(ctx context.Context, args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	end, err := c.Begin(ctx, "checkpoints")
	if err != nil {
		return err
	}
	defer end()
	for _, kind := range c.kinds {
		switch kind {
		case "state":
			err = c.state(ctx)
		case "throughput":
			err = c.throughput(ctx)
		case "flink":
			err = c.beside(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func parse(args []string) (config, error) {
	var c config
	var kinds, names, percents, engines string
	f := flag.NewFlagSet("checkpoints", flag.ContinueOnError)
	c.Flags(f)
	f.StringVar(&kinds, "kind", "state,throughput", "state, throughput, flink: what is measured")
	f.StringVar(&names, "q", "q4,q9,q20", "Nexmark queries")
	f.Int64Var(&c.events, "events", 5_000_000, "events of each query; of kind flink those that make the state")
	f.IntVar(&c.runs, "runs", 3, "of each query with and without checkpoints, and of each kill; the median counts")
	f.Int64Var(&c.keys, "keys", 3_500_000, "keys of kind state, 300 bytes each")
	f.StringVar(&percents, "percent", "1,100", "of the keys that have changed at the second checkpoint")
	f.StringVar(&c.memory, "memory", "", "memory.size of kind state; without it all keys are in memory, and the first checkpoint writes them")
	f.StringVar(&c.copies, "savepoints", "", "folder for the savepoints of kind state, each as large as the state; in -work without it")
	f.StringVar(&c.cache, "flink", "", "folder of the installed Flink; in the user's cache without it")
	f.StringVar(&engines, "engines", "flink,millrace", "of kind flink: which to run")
	f.Int64Var(&c.rate, "rate", 10_000, "events a second that follow the first ones")
	f.DurationVar(&c.steady, "steady", 30*time.Second, "how long they come before the first kill")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	c.kinds, c.queries, c.engines = strings.Split(kinds, ","), strings.Split(names, ","), strings.Split(engines, ",")
	for _, p := range strings.Split(percents, ",") {
		n, err := strconv.ParseInt(p, 10, 64)
		if err != nil || n < 1 || n > 100 {
			return c, fmt.Errorf("-percent %s: a number from 1 to 100 is expected", p)
		}
		c.percents = append(c.percents, n)
	}
	return c, c.check()
}

func (c config) check() error {
	for _, k := range c.kinds {
		if !slices.Contains([]string{"state", "throughput", "flink"}, k) {
			return fmt.Errorf("-kind %s is not state, throughput or flink", k)
		}
	}
	for _, e := range c.engines {
		if e != "flink" && e != "millrace" {
			return fmt.Errorf("-engines %s is not flink or millrace", e)
		}
	}
	for _, q := range c.queries {
		if _, err := queries.Get(q); err != nil {
			return err
		}
	}
	switch {
	case c.runs < 1:
		return fmt.Errorf("-runs %d is not a number of runs", c.runs)
	case c.keys < 100 || c.events < 1 || c.rate < filesPerSecond || c.steady < time.Second:
		return fmt.Errorf("-keys must be 100 at least, -events 1, -rate %d, -steady 1s", filesPerSecond)
	}
	return nil
}

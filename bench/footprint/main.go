// Command footprint measures what Millrace takes while it does little or nothing:
//
//	go run ./bench/footprint
//	go run ./bench/footprint -kind start -runs 100
//	go run ./bench/footprint -kind idle -jobs 1,101,1001
//
// kind start: the time from the start of a process to the first row of `SELECT 1`, beside
// that of a process that only tells its version, and the size of the binary.
//
// kind idle: the resident memory of the shell that has answered a query and waits, and of
// processes with so many jobs that wait for files: each groups the rows of a folder that
// it watches, and has printed a row. Their processor time is that of ten seconds in which
// nothing comes.
//
// Tables go to stdout as Markdown, a JSON line to bench/history/footprint.jsonl.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
)

type config struct {
	measure.Bench
	kinds  []string
	jobs   []int
	runs   int
	settle time.Duration // how long jobs wait before their memory is looked at
	watch  time.Duration // how long their processor time is
}

func main() { measure.Main("footprint", run) }

func run(ctx context.Context, args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	end, err := c.Begin(ctx, "footprint")
	if err != nil {
		return err
	}
	defer end()
	r, err := c.all(ctx)
	if err != nil {
		return err
	}
	r.write(os.Stdout)
	return measure.Append(c.History, "footprint.jsonl", r)
}

func parse(args []string) (config, error) {
	c := config{settle: 3 * time.Second, watch: 10 * time.Second}
	var kinds, jobs string
	f := flag.NewFlagSet("footprint", flag.ContinueOnError)
	c.Flags(f)
	f.StringVar(&kinds, "kind", "start,idle", "start, idle: what is measured")
	f.StringVar(&jobs, "jobs", "1,101,1001", "jobs that idle in one process, the least first")
	f.IntVar(&c.runs, "runs", 40, "starts of each kind of process")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	c.kinds = strings.Split(kinds, ",")
	for _, k := range c.kinds {
		if k != "start" && k != "idle" {
			return c, fmt.Errorf("-kind %s is not start or idle", k)
		}
	}
	for n := range strings.SplitSeq(jobs, ",") {
		k, err := strconv.Atoi(n)
		if err != nil || k < 1 {
			return c, fmt.Errorf("-jobs %s: numbers above zero with commas between them", jobs)
		}
		c.jobs = append(c.jobs, k)
	}
	if c.runs < 1 || !slices.IsSorted(c.jobs) || f.NArg() > 0 {
		return c, errors.New("-runs is above zero, -jobs are in order, and there are no arguments")
	}
	return c, nil
}

func (c config) all(ctx context.Context) (record, error) {
	r := record{Time: measure.Now(), Commit: measure.Commit(), Machine: measure.Machine()}
	info, err := os.Stat(c.Millrace)
	if err != nil {
		return r, err
	}
	r.BinaryBytes = info.Size()
	if slices.Contains(c.kinds, "start") {
		if r.Starts, err = c.starts(ctx); err != nil {
			return r, fmt.Errorf("start: %w", err)
		}
	}
	if slices.Contains(c.kinds, "idle") {
		if r.Idle, err = c.idle(ctx); err != nil {
			return r, fmt.Errorf("idle: %w", err)
		}
	}
	return r, nil
}

// Command growth measures whether what Millrace costs grows with what it does, and not
// faster:
//
//	go run ./bench/growth                       all of it
//	go run ./bench/growth -kind events -q q1,q5 -most 100000000
//	go run ./bench/growth -kind parallelism -runs 5
//	go run ./bench/growth -kind state
//
// kind events: Nexmark's queries over 1, 2, 4 … million events, a fixed time apart, so
// that windows hold the same. Twice the events ought to take twice the time.
//
// kind parallelism: queries with one subtask of each operator and with two. The
// CPU-seconds ought to be the same.
//
// kind state: a GROUP BY over ten thousand keys and over ten million. Each key comes
// once; what -rows more rows cost is a lookup and a change each, in an order that no
// cache knows. What the same rows cost without the grouping is taken off.
//
// Tables go to stdout as Markdown, a JSON line to bench/history/growth.jsonl.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/bench/measure"
	"github.com/millrace-io/millrace/bench/queries"
)

type config struct {
	measure.Bench
	kinds    []string
	events   []string // queries of kind events
	both     []string // … and of kind parallelism
	interval string
	least    int64
	most     int64
	each     int64 // events of kind parallelism
	keys     []int64
	rows     int64
	runs     int
}

func main() { measure.Main("growth", run) }

func run(ctx context.Context, args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	end, err := c.Begin(ctx, "growth")
	if err != nil {
		return err
	}
	defer end()
	r := record{Time: measure.Now(), Commit: measure.Commit(), Machine: measure.Machine(), Interval: c.interval, Rows: c.rows}
	for _, kind := range c.kinds {
		var err error
		switch kind {
		case "events":
			r.Events, err = c.byEvents(ctx)
		case "parallelism":
			r.Parallelism, err = c.byParallelism(ctx)
		case "state":
			r.State, err = c.byState(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	r.write(os.Stdout)
	return measure.Append(c.History, "growth.jsonl", r)
}

func parse(args []string) (config, error) {
	c := config{keys: []int64{10_000, 10_000_000}}
	var kinds, names string
	f := flag.NewFlagSet("growth", flag.ContinueOnError)
	c.Flags(f)
	f.StringVar(&kinds, "kind", "events,parallelism,state", "events, parallelism, state: what is measured")
	f.StringVar(&names, "q", "", "Nexmark queries; without it q1, q4 and q5 of kind events, q5 and q9 of kind parallelism")
	f.StringVar(&c.interval, "event-interval", "10us", "event time between two events, of kind events")
	f.Int64Var(&c.least, "least", 1_000_000, "events that kind events begins with")
	f.Int64Var(&c.most, "most", 16_000_000, "events that kind events ends with, at most")
	f.Int64Var(&c.each, "events", 4_000_000, "events of kind parallelism")
	f.Int64Var(&c.rows, "rows", 20_000_000, "rows of kind state")
	f.IntVar(&c.runs, "runs", 3, "of each; the one with the middle CPU time counts")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	c.kinds, c.events, c.both = strings.Split(kinds, ","), []string{"q1", "q4", "q5"}, []string{"q5", "q9"}
	if names != "" {
		c.events = strings.Split(names, ",")
		c.both = c.events
	}
	for _, k := range c.kinds {
		if !slices.Contains([]string{"events", "parallelism", "state"}, k) {
			return c, fmt.Errorf("-kind %s is not events, parallelism or state", k)
		}
	}
	for _, q := range slices.Concat(c.events, c.both) {
		if _, err := queries.Get(q); err != nil {
			return c, err
		}
	}
	if c.runs < 1 || c.least < 1 || c.most < c.least || c.each < 1 || c.rows < 1 {
		return c, errors.New("-runs, -least, -most, -events and -rows are numbers above zero, and -most is -least at least")
	}
	return c, nil
}

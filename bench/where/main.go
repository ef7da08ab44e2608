// Command where tells where the processor time of Nexmark's queries goes, by the part
// of the engine, in nanoseconds an event:
//
//	go run ./bench/where
//	go run ./bench/where -q q5,q9 -events 20000000
//	go run ./bench/where -- --event-interval 10ms
//
// Each query runs once over the generator, with a profile; what follows the flags are
// flags of `millrace nexmark`. The shares are those of the profile's samples, which
// other work on the machine changes little; the nanoseconds it may double.
//
// A Markdown table goes to stdout, a JSON line to bench/history/where.jsonl.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
	"github.com/millrace-io/millrace/bench/queries"
)

type config struct {
	measure.Bench
	queries []string
	events  int64
	flags   []string
}

// record is the JSON line of a run.
type record struct {
	Time    time.Time `json:"time"`
	Commit  string    `json:"commit"`
	Machine string    `json:"machine"`
	Flags   []string  `json:"flags,omitempty"`
	Queries []figure  `json:"queries"`
}

// A figure is what an event of a query costs, in nanoseconds: in all, and by part.
type figure struct {
	Query  string             `json:"query"`
	Events int64              `json:"events"`
	All    float64            `json:"all_ns"`
	Parts  map[string]float64 `json:"parts_ns"`
}

func main() { measure.Main("where", run) }

func run(ctx context.Context, args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	end, err := c.Begin(ctx, "where")
	if err != nil {
		return err
	}
	defer end()
	r := record{Time: measure.Now(), Commit: measure.Commit(), Machine: measure.Machine(), Flags: c.flags}
	for _, q := range c.queries {
		f, err := c.query(ctx, q)
		if err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		r.Queries = append(r.Queries, f)
	}
	r.write(os.Stdout)
	return measure.Append(c.History, "where.jsonl", r)
}

func parse(args []string) (config, error) {
	var c config
	var names string
	f := flag.NewFlagSet("where", flag.ContinueOnError)
	c.Flags(f)
	f.StringVar(&names, "q", strings.Join(queries.Names(), ","), "Nexmark queries")
	f.Int64Var(&c.events, "events", 4_000_000, "events of each query")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	c.queries, c.flags = strings.Split(names, ","), f.Args()
	for _, q := range c.queries {
		if _, err := queries.Get(q); err != nil {
			return c, err
		}
	}
	if c.events < 1 {
		return c, fmt.Errorf("-events %d is not a number of events", c.events)
	}
	return c, nil
}

// query runs one with a profile, and shares its processor time out.
func (c config) query(ctx context.Context, q string) (figure, error) {
	profile := filepath.Join(c.Work, q+".prof")
	got, err := measure.Nexmark(ctx, c.Millrace, q, c.events, append([]string{"--quiet", "--cpu-profile", profile}, c.flags...)...)
	if err != nil {
		return figure{}, err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", c.Millrace, profile)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	traces, err := cmd.Output()
	if err != nil {
		return figure{}, fmt.Errorf("go tool pprof: %w: %s", err, &stderr)
	}
	shares, err := share(bytes.NewReader(traces))
	if err != nil {
		return figure{}, err
	}
	f := figure{Query: q, Events: c.events, All: got.CPU * 1e9 / float64(c.events), Parts: map[string]float64{}}
	for part, s := range shares {
		f.Parts[part] = s * f.All
	}
	return f, nil
}

func (r record) write(w io.Writer) {
	fmt.Fprintf(w, "%s, commit %s, %s\n\n", r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	fmt.Fprintf(w, "| query | all | %s |\n|---|---|%s\n", strings.Join(partNames(), " | "), strings.Repeat("---|", len(partNames())))
	for _, f := range r.Queries {
		fmt.Fprintf(w, "| %s | %.0f |", f.Query, f.All)
		for _, p := range partNames() {
			fmt.Fprintf(w, " %.0f |", f.Parts[p])
		}
		fmt.Fprintln(w)
	}
}

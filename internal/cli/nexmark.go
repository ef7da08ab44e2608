package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/bench/queries"
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/plan/bind"
)

type nexmarkCommand struct {
	Queries            []string          `short:"q" name:"queries" default:"all" placeholder:"q0,q5|all" help:"Queries, or all."`
	Events             int64             `default:"1000000" help:"How many events are generated."`
	Mode               string            `enum:"streaming,batch" default:"streaming" help:"streaming or batch."`
	Parallelism        int               `help:"Subtasks of each operator; the number of cores by default."`
	CheckpointInterval string            `placeholder:"10s" help:"Take checkpoints that often (streaming)."`
	CheckpointDir      string            `placeholder:"DIR" help:"Folder for checkpoints; a temporary one by default."`
	EventSpan          string            `placeholder:"10s" help:"Event time of all events together; 10s by default, as in the suite."`
	EventInterval      string            `placeholder:"10ms" help:"Event time between two events, in place of a span."`
	Set                map[string]string `help:"Further options: KEY=VALUE." mapsep:"none"`
	JSON               bool              `name:"json" help:"An array of objects, one a query."`
	Write              string            `placeholder:"DIR" help:"Write the events into files instead of running queries."`
	FromEvent          int64             `placeholder:"N" help:"With --write: leave out the events before this one."`
	FileEvents         int64             `placeholder:"N" help:"With --write: a file for each N events; by default one for all."`
	Format             string            `enum:"csv,json,parquet" default:"parquet" help:"Format of these files: csv, json or parquet."`
	Quiet              bool              `help:"Only errors on standard error."`
}

// suiteOptions are the Nexmark suite's settings of a stream. Its other one, the
// split of distinct aggregations, means nothing here.
var suiteOptions = map[string]string{
	"table.exec.mini-batch.enabled":       "true",
	"table.exec.mini-batch.allow-latency": "2s",
	"table.exec.mini-batch.size":          "50000",
}

// A nexmarkResult is what one query cost. CPU time and memory are the process's.
type nexmarkResult struct {
	Query       string  `json:"query"`
	Events      int64   `json:"events"`
	Seconds     float64 `json:"seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	PerCPU      float64 `json:"events_per_cpu_second"`
	PeakBytes   int64   `json:"peak_memory_bytes"`
	Checkpoints int     `json:"checkpoints"`
	Error       string  `json:"error,omitempty"`
}

// Run measures the queries one after the other, each in a session of its own.
func (c *nexmarkCommand) Run(w *world) error {
	if err := c.check(); err != nil {
		return usageError{err}
	}
	if c.Write != "" {
		return c.write(w)
	}
	list, err := c.list()
	if err != nil {
		return usageError{err}
	}
	if c.CheckpointInterval != "" && c.CheckpointDir == "" && c.Mode == "streaming" {
		dir, err := os.MkdirTemp("", "millrace-nexmark-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		c.CheckpointDir = dir
	}
	var all []nexmarkResult
	for _, q := range list {
		r, err := c.measure(w, q)
		if w.ctx.Err() != nil || isUsage(err) {
			return err
		}
		if err != nil {
			r.Error = err.Error()
			fmt.Fprintf(w.err, "millrace: %s: %v\n", q.Name, err)
		}
		all = append(all, r)
	}
	if err := c.report(w, all); err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(r nexmarkResult) bool { return r.Error != "" }) {
		return errSilent
	}
	return nil
}

func isUsage(err error) bool {
	var u usageError
	return errors.As(err, &u)
}

func (c *nexmarkCommand) check() error {
	if c.EventSpan != "" && c.EventInterval != "" {
		return errors.New("give --event-span or --event-interval, not both")
	}
	if c.EventSpan == "" && c.EventInterval == "" {
		c.EventSpan = "10s"
	}
	for flag, v := range map[string]string{"--event-span": c.EventSpan, "--event-interval": c.EventInterval} {
		if v == "" {
			continue
		}
		if d, err := eventTime(v); err != nil || d <= 0 {
			return fmt.Errorf("%s %s: a duration above zero is expected, such as 10s or 500ms", flag, v)
		}
	}
	if c.Events < 1 {
		return fmt.Errorf("--events %d: there must be at least one", c.Events)
	}
	if c.Write == "" && (c.FromEvent != 0 || c.FileEvents != 0) {
		return errors.New("--from-event and --file-events are for --write")
	}
	if c.FromEvent < 0 || c.FromEvent > c.Events {
		return fmt.Errorf("--from-event %d: there are the events 1 to %d", c.FromEvent, c.Events)
	}
	if c.FileEvents < 0 {
		return fmt.Errorf("--file-events %d: there must be at least one event in a file", c.FileEvents)
	}
	if c.CheckpointInterval != "" {
		if _, err := connect.ParseDuration(c.CheckpointInterval); err != nil {
			return fmt.Errorf("--checkpoint-interval: %w", err)
		}
	}
	return nil
}

// list returns the queries that are asked for.
func (c *nexmarkCommand) list() ([]queries.Query, error) {
	names := c.Queries
	if len(names) == 1 && names[0] == "all" {
		names = queries.Names()
	}
	var out []queries.Query
	for _, n := range names {
		q, err := queries.Get(strings.ToLower(strings.TrimSpace(n)))
		if err != nil {
			msg := fmt.Sprintf("there is no query '%s'", n)
			if near := nearNames(n, queries.Names()); len(near) > 0 {
				msg += "; did you mean " + strings.Join(near, " or ") + "?"
			}
			return nil, fmt.Errorf("%s\nthe queries are %s", msg, strings.Join(queries.Names(), ", "))
		}
		out = append(out, q)
	}
	return out, nil
}

// nearNames returns the names that differ from s by one letter, three at most.
func nearNames(s string, names []string) []string {
	var out []string
	for _, n := range names {
		if connect.Near(s, []string{n}) != "" && len(out) < 3 {
			out = append(out, "'"+n+"'")
		}
	}
	return out
}

// tableOptions are those of the generator's tables.
func (c *nexmarkCommand) tableOptions() string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	out := "'events.num' = " + quote(strconv.FormatInt(c.Events, 10)) + ", 'seed' = '1', "
	if c.EventInterval != "" {
		return out + "'event-interval' = " + quote(c.EventInterval)
	}
	return out + "'event-span' = " + quote(c.EventSpan)
}

func (c *nexmarkCommand) session(w *world) (*millrace.Session, error) {
	set := map[string]string{}
	if c.Mode == "streaming" {
		for k, v := range suiteOptions {
			set[k] = v
		}
		if c.CheckpointInterval != "" {
			set["execution.checkpointing.interval"] = c.CheckpointInterval
		}
	}
	for k, v := range c.Set {
		set[k] = v
	}
	cfg, err := (&jobFlags{Mode: c.Mode, Set: set, Parallelism: c.Parallelism, CheckpointDir: c.CheckpointDir, Quiet: c.Quiet}).config(w)
	if err != nil {
		return nil, err
	}
	if _, ok := cfg.Options[bind.OptZone]; !ok {
		cfg.Options[bind.OptZone] = "UTC"
	}
	return millrace.Open(cfg)
}

// measure runs one query. What the ones before left behind is dropped first.
func (c *nexmarkCommand) measure(w *world, q queries.Query) (nexmarkResult, error) {
	r := nexmarkResult{Query: q.Name, Events: c.Events}
	s, err := c.session(w)
	if err != nil {
		return r, usageError{err}
	}
	defer s.Close()
	if q.NeedsFolder() {
		dir, err := os.MkdirTemp("", "millrace-"+q.Name+"-")
		if err != nil {
			return r, err
		}
		defer os.RemoveAll(dir)
		if q, err = q.In(dir); err != nil {
			return r, err
		}
	}
	setup := queries.Script(append(queries.Generated(c.tableOptions()), q.Setup...)...)
	if _, err := execute(w.ctx, s, q.Name, setup); err != nil {
		return r, err
	}
	runtime.GC()
	debug.FreeOSMemory()
	stop := (&runner{w: w, s: s, quiet: c.Quiet}).progress()
	resetPeak()
	cpu, began := cpuTime(), time.Now()
	job, err := execute(w.ctx, s, q.Name, q.Insert())
	if err == nil {
		err = job.Wait(w.ctx)
	}
	r.Seconds, r.CPUSeconds, r.PeakBytes = time.Since(began).Seconds(), (cpuTime() - cpu).Seconds(), peakMemory()
	stop()
	if job != nil {
		r.Checkpoints = job.Status().Checkpoints
	}
	if r.CPUSeconds > 0 {
		r.PerCPU = float64(r.Events) / r.CPUSeconds
	}
	return r, err
}

// execute runs the statements of a text and returns the last job.
func execute(ctx context.Context, s *millrace.Session, name, text string) (*millrace.Job, error) {
	var job *millrace.Job
	for st, err := range s.Script(name, text) {
		if err != nil {
			return nil, err
		}
		res, err := s.Execute(ctx, st, nil)
		if err != nil {
			return nil, err
		}
		if res.Job != nil {
			job = res.Job
		}
	}
	return job, nil
}

func (c *nexmarkCommand) report(w *world, all []nexmarkResult) error {
	if c.JSON {
		if all == nil {
			all = []nexmarkResult{}
		}
		data, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w.out, "%s\n", data)
		return err
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"query", "events", "seconds", "CPU seconds", "events/s", "events/CPU-s", "peak MB", "checkpoints"})
	var cols []table.ColumnConfig
	for i := 2; i <= 8; i++ {
		cols = append(cols, table.ColumnConfig{Number: i, Align: text.AlignRight})
	}
	t.SetColumnConfigs(cols)
	for _, r := range all {
		if r.Error != "" {
			t.AppendRow(table.Row{r.Query, "failed"})
			continue
		}
		t.AppendRow(table.Row{r.Query, grouped(r.Events), fmt.Sprintf("%.2f", r.Seconds), fmt.Sprintf("%.2f", r.CPUSeconds),
			grouped(int64(float64(r.Events) / r.Seconds)), grouped(int64(r.PerCPU)), grouped(r.PeakBytes >> 20), r.Checkpoints})
	}
	density := "events span " + c.EventSpan + " of event time"
	if c.EventInterval != "" {
		density = "one event each " + c.EventInterval + " of event time"
	}
	_, err := fmt.Fprintf(w.out, "%s\n%s mode, %s, generator included\n", t.Render(), c.Mode, density)
	return err
}

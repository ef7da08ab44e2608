package sqltest

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/internal/rowtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// The modes of a script.
const (
	Batch  = "batch"
	Stream = "stream"
)

// A Script is a text of statements and how it runs.
type Script struct {
	File        string // its name in errors
	Text        string
	Mode        string            // Batch or Stream
	Parallelism int               // 0 is 1
	Options     map[string]string // they win over the script's SET
	Defaults    map[string]string // the script's SET wins over them
	TimeLimit   time.Duration     // 0 is a minute
}

// A Change is a change of a result, its row as package rowtext writes it, without
// the line break.
type Change struct {
	Kind vec.RowKind
	Row  string
}

// String is the change as a line: "+I,a,1".
func (c Change) String() string { return c.Kind.String() + "," + c.Row }

// Lines writes changes as lines.
func Lines(changes []Change) []string {
	out := make([]string, len(changes))
	for i, c := range changes {
		out[i] = c.String()
	}
	return out
}

// ErrTime is the error of a script that has not ended within its limit.
var ErrTime = errors.New("no end within the time limit")

// Run runs a script and returns the changes of its last SELECT: every INSERT is
// waited for before the next statement starts. When it fails, the changes that had
// come are returned with the error.
func (s Script) Run(ctx context.Context) ([]Change, error) {
	limit := s.TimeLimit
	if limit == 0 {
		limit = time.Minute
	}
	ctx, stop := context.WithTimeoutCause(ctx, limit, ErrTime)
	defer stop()
	changes, err := s.run(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return changes, err
}

func (s Script) config() millrace.Config {
	mode := "streaming"
	if s.Mode == Batch {
		mode = "batch"
	}
	cfg := millrace.Config{Options: map[string]string{
		"execution.runtime-mode": mode, "parallelism.default": strconv.Itoa(max(s.Parallelism, 1)), "table.dml-sync": "true",
	}, Defaults: s.Defaults}
	for k, v := range s.Options {
		cfg.Options[k] = v
	}
	return cfg
}

func (s Script) run(ctx context.Context) (changes []Change, err error) {
	session, err := millrace.Open(s.config())
	if err != nil {
		return changes, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	return runIn(ctx, session, s.File, s.Text, func() {})
}

// runIn runs a text in a session, statement by statement, and returns the changes of
// its last SELECT, or the rows of the statement that listed some last. It calls begin
// before each.
func runIn(ctx context.Context, session *millrace.Session, file, text string, begin func()) (changes []Change, err error) {
	for st, err := range session.Script(file, text) {
		if err != nil {
			return changes, err
		}
		c := collector{zone: session.Zone()}
		begin()
		res, err := session.Execute(ctx, st, c.take)
		if err != nil {
			return changes, err
		}
		if res.Job == nil {
			if res.Kind == millrace.Listing || res.Kind == millrace.Plan {
				if changes, err = c.listing(res); err != nil {
					return changes, err
				}
			}
			continue
		}
		err = res.Job.Wait(ctx)
		if res.Kind == millrace.Query {
			changes = c.changes
		}
		if err != nil {
			return changes, err
		}
	}
	return changes, nil
}

// listing takes the rows of a SHOW or DESCRIBE, or the lines of a plan.
func (c *collector) listing(res *millrace.Result) ([]Change, error) {
	for _, b := range res.Rows {
		schema := res.Schema
		if schema == nil {
			schema = types.Schema{{Name: "plan", Type: types.TString}}
		}
		if err := c.take(schema, b); err != nil {
			return nil, err
		}
	}
	return c.changes, nil
}

// A collector takes the batches of one SELECT.
type collector struct {
	zone    *time.Location
	changes []Change
	line    []byte
}

func (c *collector) take(schema types.Schema, b *vec.Batch) error {
	w := rowtext.Writer{Schema: schema, Zone: c.zone}
	for i := range b.Len() {
		row := b.Row(i)
		c.line = w.Append(c.line[:0], b, row)
		c.changes = append(c.changes, Change{b.Kind(row), string(c.line[:len(c.line)-1])})
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
	"github.com/millrace-io/millrace/bench/queries"
)

const (
	parallelism = 2
	interval    = "1 s" // of checkpoints
	// backlogFiles are those that appear with a kill.
	backlogFiles = 20
	// settled is how long an engine must have been silent to have read all there is.
	settled = 3 * time.Second
	// recoveryMax is how long a recovery may take.
	recoveryMax = 5 * time.Minute
)

// An engine runs a query.
type engine interface {
	checkpoints(ctx context.Context) ([]taken, error) // that are complete, the oldest first
	stateBytes(ctx context.Context) (int64, error)    // of the newest
	alive(ctx context.Context) error                  // why it is not
	kills() []kill
	close()
}

// A kill is a way to end an engine as a crash does, and to have it go on.
type kill struct {
	name    string
	prepare func(ctx context.Context) error // before it; may be nil
	kill    func()
	restart func(ctx context.Context) error
}

// A phase is what checkpoints cost while events came.
type phase struct {
	Seconds     float64 `json:"seconds"`
	Checkpoints int     `json:"checkpoints"`
	MedianMs    float64 `json:"median_ms"`
	LongestMs   float64 `json:"longest_ms"`
	Bytes       int64   `json:"bytes"` // of all of them
	GapMs       float64 `json:"gap_ms"`
}

// A recovery is the time from a kill to the first new row.
type recovery struct {
	Name string    `json:"name"`
	Ms   []float64 `json:"ms"` // of all runs, the shortest first
}

// measured is one query on one engine.
type measured struct {
	Engine     string     `json:"engine"`
	Load       phase      `json:"load"`
	Steady     phase      `json:"steady"`
	State      int64      `json:"state_bytes"`
	Rows       int64      `json:"rows"` // printed before the first kill
	Recoveries []recovery `json:"recoveries"`
	Error      string     `json:"error,omitempty"` // of a recovery, which ended the measurement
}

// besideRow is one query on the engines.
type besideRow struct {
	Query   string     `json:"query"`
	Engines []measured `json:"engines"`
}

// besideRecord is the JSON line of kind flink.
type besideRecord struct {
	Time    time.Time   `json:"time"`
	Commit  string      `json:"commit"`
	Machine string      `json:"machine"`
	Flink   string      `json:"flink_version"`
	Events  int64       `json:"events"`
	Rate    int64       `json:"rate"`
	Steady  float64     `json:"steady_seconds"`
	Rows    []besideRow `json:"rows"`
}

// beside measures the engines one after the other, query by query.
func (c config) beside(ctx context.Context) error {
	const kindsMax = 4
	perKill := int64(backlogFiles) + 1
	live := c.rate*int64(c.steady.Seconds()+1) + c.rate/filesPerSecond*perKill*int64(c.runs*kindsMax)
	fmt.Fprintln(os.Stderr, "writing events")
	f, err := c.writeEvents(ctx, live)
	if err != nil {
		return err
	}
	r := c.besideRecord()
	var all []besideRow
	for _, name := range c.queries {
		q, err := queries.Get(name)
		if err != nil {
			return err
		}
		row := besideRow{Query: name}
		for _, e := range c.engines {
			m, err := c.measureEngine(ctx, e, q, f)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", name, e, err)
			}
			row.Engines = append(row.Engines, m)
		}
		r.Rows = []besideRow{row} // a line for each query: a run of all of them takes long
		if err := measure.Append(c.History, "checkpoints.jsonl", r); err != nil {
			return err
		}
		all = append(all, row)
	}
	r.Rows = all
	r.write(os.Stdout)
	return nil
}

// measureEngine measures one query on one engine, in a folder of its own.
func (c config) measureEngine(ctx context.Context, name string, q queries.Query, f *feed) (m measured, err error) {
	dir, err := os.MkdirTemp(c.Work, name+"-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(dir)
	if err := f.begin(filepath.Join(dir, "in")); err != nil {
		return m, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return m, err
	}
	defer r.Close()
	defer w.Close()
	rows := &watch{}
	go rows.read(r)
	var e engine
	if name == "flink" {
		e, err = c.onFlink(ctx, dir, f.script(q), w)
	} else {
		e, err = c.onMillrace(ctx, dir, q, f.script(q), w)
	}
	if err != nil {
		return m, err
	}
	defer e.close()
	t := &trial{c: c, engine: e, feed: f, rows: rows, name: q.Name + " on " + name}
	return t.run(ctx, name)
}

// A trial is one query on one engine, while it is measured.
type trial struct {
	c      config
	engine engine
	feed   *feed
	rows   *watch
	name   string
}

func (t *trial) run(ctx context.Context, name string) (measured, error) {
	m := measured{Engine: name}
	var err error
	t.say("the first events")
	if m.Load, err = t.phase(ctx, func() error { return nil }); err != nil {
		return m, err
	}
	t.say("%.1f s; %s of events", m.Load.Seconds, t.c.steady)
	if m.Steady, err = t.phase(ctx, func() error { return t.feed.run(ctx, t.c.steady) }); err != nil {
		return m, err
	}
	_, _, _, m.Rows = t.rows.look()
	if m.State, err = t.engine.stateBytes(ctx); err != nil {
		return m, err
	}
	for _, k := range t.engine.kills() {
		t.say("%s", k.name)
		r := recovery{Name: k.name}
		for range t.c.runs {
			took, err := t.recovery(ctx, k)
			if err != nil {
				t.say("failed: %v", err)
				m.Error = fmt.Sprintf("%s: %v", k.name, err)
				return m, ctx.Err() // what was measured counts
			}
			t.say("%.2f s", took.Seconds())
			r.Ms = append(r.Ms, ms(took))
		}
		slices.Sort(r.Ms)
		m.Recoveries = append(m.Recoveries, r)
	}
	return m, nil
}

func (t *trial) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s %s: %s\n", time.Now().Format("15:04:05"), t.name, fmt.Sprintf(format, args...))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// phase lets events come and waits until they are read and in a checkpoint. Its
// checkpoints are those that were begun before the last row had come.
func (t *trial) phase(ctx context.Context, events func() error) (phase, error) {
	began := time.Now()
	t.rows.mark()
	if err := events(); err != nil {
		return phase{}, err
	}
	if err := t.settle(ctx); err != nil {
		return phase{}, err
	}
	all, err := t.engine.checkpoints(ctx)
	if err != nil {
		return phase{}, err
	}
	first, last, gap, _ := t.rows.look()
	p := phase{Seconds: last.Sub(first).Seconds(), GapMs: ms(gap)}
	var took []float64
	for _, k := range all {
		if k.triggered.After(began) && k.triggered.Before(last) {
			took = append(took, ms(k.took))
			p.Bytes += k.written
			p.LongestMs = max(p.LongestMs, ms(k.took))
		}
	}
	if p.Checkpoints = len(took); p.Checkpoints > 0 {
		p.MedianMs = measure.MedianBy(took, func(x float64) float64 { return x })
	}
	return p, nil
}

// settle waits until all that has come is read, and in a checkpoint.
func (t *trial) settle(ctx context.Context) error {
	for {
		if err := t.engine.alive(ctx); err != nil {
			return err
		}
		all, err := t.engine.checkpoints(ctx)
		if err != nil {
			return err
		}
		_, last, _, _ := t.rows.look()
		if !last.IsZero() && time.Since(last) > settled && len(all) > 0 && all[len(all)-1].triggered.After(last.Add(time.Second)) {
			return nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// recovery kills the engine, lets it go on, and returns how long it took until a row
// came. All that it has read is in a checkpoint, so the row is a new one, of the files
// that appear with the kill.
func (t *trial) recovery(ctx context.Context, k kill) (time.Duration, error) {
	if k.prepare != nil {
		if err := k.prepare(ctx); err != nil {
			return 0, err
		}
	}
	if err := t.settle(ctx); err != nil {
		return 0, err
	}
	t.rows.mark()
	began := time.Now()
	k.kill()
	if err := t.feed.put(backlogFiles); err != nil {
		return 0, err
	}
	if err := k.restart(ctx); err != nil {
		return 0, err
	}
	for {
		if first, _, _, _ := t.rows.look(); !first.IsZero() {
			return first.Sub(began), nil
		}
		if time.Since(began) > recoveryMax {
			return 0, errors.Join(fmt.Errorf("no row came in %s", recoveryMax), t.engine.alive(ctx))
		}
		if err := pause(ctx, progressEvery); err != nil {
			return 0, err
		}
	}
}

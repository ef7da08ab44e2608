package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/millrace-io/millrace/bench/queries"
)

// How the events come: those of the beginning in files of loadFileEvents, the others
// in filesPerSecond files a second.
const (
	loadFileEvents = 500_000
	filesPerSecond = 10
	eventInterval  = "2us" // as 5 million over 10 s of event time
)

// tables are those whose files are there; no query of this benchmark reads persons.
var tables = []string{"auction", "bid"}

// A feed puts files into a folder that an engine watches, one after the other; each
// appears whole, as a link to a file that was written before.
type feed struct {
	first string     // folder of the files that are there at the beginning
	live  [][]string // each a file of every table, in their order
	in    string     // the folder that is watched
	next  int        // of live
}

// events writes the events of all runs; live is how many follow the first ones.
func (c config) writeEvents(ctx context.Context, live int64) (*feed, error) {
	f := &feed{first: filepath.Join(c.Work, "first")}
	rest := filepath.Join(c.Work, "live")
	for _, args := range [][]string{
		{"--events", strconv.FormatInt(c.events, 10), "--file-events", strconv.Itoa(loadFileEvents), "--write", f.first},
		{"--events", strconv.FormatInt(c.events+live, 10), "--from-event", strconv.FormatInt(c.events+1, 10),
			"--file-events", strconv.FormatInt(c.rate/filesPerSecond, 10), "--write", rest},
	} {
		cmd := exec.CommandContext(ctx, c.Millrace, append([]string{"nexmark", "--quiet", "--event-interval", eventInterval}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", cmd, err, out)
		}
	}
	names, err := filepath.Glob(filepath.Join(rest, "bid", "*"))
	for _, name := range names {
		var files []string
		for _, t := range tables {
			files = append(files, filepath.Join(rest, t, filepath.Base(name)))
		}
		f.live = append(f.live, files)
	}
	return f, err
}

// begin begins anew with an empty folder, and puts the first files there.
func (f *feed) begin(in string) error {
	f.in, f.next = in, 0
	for _, t := range tables {
		if err := os.MkdirAll(filepath.Join(in, t), 0o755); err != nil {
			return err
		}
		names, err := filepath.Glob(filepath.Join(f.first, t, "*"))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.Link(name, filepath.Join(in, t, "first-"+filepath.Base(name))); err != nil {
				return err
			}
		}
	}
	return nil
}

// put lets the next n files of each table appear.
func (f *feed) put(n int) error {
	for range n {
		if f.next == len(f.live) {
			return errors.New("the events are used up")
		}
		for i, name := range f.live[f.next] {
			if err := os.Link(name, filepath.Join(f.in, tables[i], filepath.Base(name))); err != nil {
				return err
			}
		}
		f.next++
	}
	return nil
}

// run lets files appear at their rate for a time.
func (f *feed) run(ctx context.Context, d time.Duration) error {
	tick := time.NewTicker(time.Second / filesPerSecond)
	defer tick.Stop()
	for range int(d.Seconds() * filesPerSecond) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := f.put(1); err != nil {
			return err
		}
	}
	return nil
}

// script is a query over the folder that is watched, printed.
func (f *feed) script(q queries.Query) []string {
	out := queries.Tables(func(table string) string {
		return fmt.Sprintf("'connector' = 'filesystem', 'path' = '%s/%s', 'format' = 'parquet', 'source.monitor-interval' = '100 ms'", f.in, table)
	})
	for _, s := range q.Setup {
		out = append(out, toPrint(s))
	}
	return append(out, q.Insert())
}

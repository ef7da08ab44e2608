package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// A feed puts files into a folder at a steady rate.
type feed struct {
	dir   string
	rate  int
	files int // a second
	keys  int
	rows  int // so far
	buf   []byte
	comes func(at, came time.Time) // told of each file before it appears and when it has: the time in its rows, and now
	slow  time.Duration            // the longest that a rename took
}

// run goes on until a time. A file that comes late, as this program had to wait, is
// made up for by the next: the rate holds.
func (f *feed) run(ctx context.Context, end time.Time) error {
	tick := time.NewTicker(time.Second / time.Duration(f.files))
	defer tick.Stop()
	began := time.Now()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := time.Now()
		if now.After(end) {
			return nil
		}
		if err := f.put(n, now, int(now.Sub(began).Seconds()*float64(f.rate))); err != nil {
			return err
		}
	}
}

// put writes a file with the rows up to a number.
func (f *feed) put(n int, now time.Time, upTo int) error {
	f.buf = f.buf[:0]
	at := now.UnixMicro()
	for ; f.rows < upTo; f.rows++ {
		// a step that goes through all keys, not in their order
		f.buf = append(strconv.AppendInt(f.buf, int64(f.rows)*7919%int64(f.keys), 10), ',')
		f.buf = append(strconv.AppendInt(f.buf, at, 10), '\n')
	}
	hidden := filepath.Join(f.dir, "."+strconv.Itoa(n))
	if err := os.WriteFile(hidden, f.buf, 0o644); err != nil {
		return err
	}
	before := time.Now()
	f.comes(now, before)
	if err := os.Rename(hidden, filepath.Join(f.dir, fmt.Sprintf("%08d.csv", n))); err != nil {
		return err
	}
	after := time.Now()
	f.comes(now, after)
	f.slow = max(f.slow, after.Sub(before))
	return nil
}

// lateness is by how much a timer of a millisecond was late, again and again until the
// end, in milliseconds.
func lateness(ctx context.Context) (late []float64) {
	for ctx.Err() == nil {
		before := time.Now()
		time.Sleep(time.Millisecond)
		late = append(late, float64(time.Since(before)-time.Millisecond)/1e6)
	}
	return late
}

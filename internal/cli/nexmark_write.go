package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/connect/nexmark"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/vec"
)

// write writes the events into the folders DIR/person, DIR/auction and DIR/bid: one
// file each, as DIR/bid/part-0.parquet, or with --file-events one for each so many
// events, in the order of their names. Files of one name are of the same events.
func (c *nexmarkCommand) write(w *world) error {
	cfg := nexmark.Config{Events: c.Events, Seed: 1}
	var err error
	if c.EventInterval != "" {
		cfg.Interval, err = eventTime(c.EventInterval)
	} else {
		cfg.Span, err = eventTime(c.EventSpan)
	}
	if err != nil {
		return usageError{err}
	}
	g, err := nexmark.New(cfg)
	if err != nil {
		return usageError{err}
	}
	f := format.Lookup(c.Format)
	if f == nil {
		return usageError{fmt.Errorf("there is no format '%s'", c.Format)}
	}
	began := time.Now()
	var rows, size atomic.Int64
	stop := c.writeProgress(w, &rows)
	kinds := []nexmark.Kind{nexmark.Person, nexmark.Auction, nexmark.Bid}
	errs := make([]error, len(kinds))
	var wg sync.WaitGroup
	for i, k := range kinds {
		wg.Go(func() {
			var n int64
			n, errs[i] = c.writeKind(w.ctx, g, k, f, &rows)
			size.Add(n)
		})
	}
	wg.Wait()
	stop()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if !c.Quiet {
		s := time.Since(began).Seconds()
		fmt.Fprintf(w.err, "%s, %s MB in %.1f s (%s rows/s): %s\n", plural(int(rows.Load()), "row"), grouped(size.Load()>>20), s,
			grouped(int64(float64(rows.Load())/s)), c.Write)
	}
	return nil
}

// eventTime reads a duration as the connector's options have it, or as Go does.
func eventTime(s string) (time.Duration, error) {
	d, err := connect.ParseDuration(s)
	if err != nil {
		if g, e := time.ParseDuration(strings.ReplaceAll(s, " ", "")); e == nil {
			return g, nil
		}
	}
	return d, err
}

func (c *nexmarkCommand) writeProgress(w *world, rows *atomic.Int64) (stop func()) {
	if c.Quiet || !w.errTTY {
		return func() {}
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				fmt.Fprint(w.err, "\r\x1b[K")
				return
			case <-tick.C:
				n := rows.Load()
				fmt.Fprintf(w.err, "\r\x1b[K%s of %s events (%d %%)", grouped(n), grouped(c.Events), n*100/c.Events)
			}
		}
	}()
	return func() { close(quit); <-gone }
}

// writeKind writes the events of a kind and returns the size of the files.
func (c *nexmarkCommand) writeKind(ctx context.Context, g *nexmark.Generator, k nexmark.Kind, f *format.Format, rows *atomic.Int64) (size int64, err error) {
	folder := filepath.Join(c.Write, k.String())
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return 0, err
	}
	first := max(c.FromEvent, 1)
	all := c.Events - first + 1
	each := c.FileEvents
	if each == 0 {
		each = all
	}
	digits := len(strconv.FormatInt((all-1)/each, 10))
	for i := int64(0); i*each < all; i++ {
		from := first + i*each
		r := eventRange{g, k, from, min(from+each, c.Events+1)}
		n, err := r.write(ctx, f, filepath.Join(folder, fmt.Sprintf("part-%0*d.%s", digits, i, f.Name)), rows)
		if err != nil {
			return 0, err
		}
		size += n
	}
	return size, nil
}

// eventRange is the events of a kind among the event numbers [from, to).
type eventRange struct {
	g        *nexmark.Generator
	kind     nexmark.Kind
	from, to int64
}

// write writes them into one file and returns its size.
func (r eventRange) write(ctx context.Context, f *format.Format, name string, rows *atomic.Int64) (size int64, err error) {
	file, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buf := bufio.NewWriterSize(file, 1<<20)
	schema := nexmark.Schema(r.kind)
	cols := make([]int, len(schema))
	for i := range cols {
		cols[i] = i
	}
	spec := format.Spec{Schema: schema, Zone: "UTC", Options: connect.Options{}}
	var put func(*vec.Batch) error
	end := func() error { return nil }
	if f.Create != nil {
		fw, err := f.Create(spec, buf)
		if err != nil {
			return 0, err
		}
		put, end = fw.Write, fw.Close
	} else {
		enc, err := f.Encoder(spec)
		if err != nil {
			return 0, err
		}
		var data []byte
		put = func(b *vec.Batch) (err error) {
			if data, err = enc.Encode(data[:0], b); err == nil {
				_, err = buf.Write(data)
			}
			return err
		}
	}
	for b := range r.g.Batches(r.kind, r.from, r.to, cols) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := put(b); err != nil {
			return 0, err
		}
		rows.Add(int64(b.Len()))
	}
	if err := errors.Join(end(), buf.Flush()); err != nil {
		return 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

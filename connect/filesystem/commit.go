package filesystem

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/fsys"
)

// commitPolicy says what is done to a partition when it is complete, and when it
// is.
type commitPolicy struct {
	success     string // name of the file that marks it; "": nothing is done
	byWatermark bool
	delay       time.Duration
	pattern     string
	zone        *time.Location
}

func newCommitPolicy(l *layout) (commitPolicy, error) {
	o := l.table.Options
	c := commitPolicy{pattern: o.String("partition.time-extractor.timestamp-pattern", ""), byWatermark: o.String("sink.partition-commit.trigger", "process-time") == "partition-time"}
	var err1, err2 error
	c.delay, err1 = o.Duration("sink.partition-commit.delay", 0)
	c.zone, err2 = time.LoadLocation(o.String("sink.partition-commit.watermark-time-zone", "UTC"))
	if kind := o.String("sink.partition-commit.policy.kind", ""); kind == "success-file" && len(l.part) > 0 {
		c.success = o.String("sink.partition-commit.success-file.name", "_SUCCESS")
	}
	return c, errors.Join(err1, err2)
}

// time returns a partition's own time in µs: that of the pattern, or of its first
// column.
func (c *commitPolicy) time(l *layout, dir string) (int64, error) {
	values := map[string]string{}
	text := ""
	for _, part := range strings.Split(dir, "/") {
		k, v, _ := strings.Cut(part, "=")
		values[unname(k)] = unname(v)
		if text == "" {
			text = unname(v)
		}
	}
	if c.pattern != "" {
		text = c.pattern
		names := slices.Clone(l.part)
		slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) }) // $hm before $h
		for _, n := range names {
			text = strings.ReplaceAll(text, "$"+n, values[n])
		}
	}
	sec, nano, ok := parseStamp([]byte(text))
	if !ok {
		return 0, fmt.Errorf("partition '%s': '%s' is not a time; see 'partition.time-extractor.timestamp-pattern'", dir, text)
	}
	at := time.Unix(sec, 0).UTC()
	at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), nano, c.zone)
	return at.UnixMicro(), nil
}

// committer makes part files visible and marks complete partitions. What waits
// to be complete is not stored anywhere: Abort finds it again, as the folders
// that hold this sink's files and no mark.
type committer struct {
	s          *sink
	waiting    map[string]*waiting // partitions that are not complete yet
	watermarks map[int]int64       // by subtask
}

type waiting struct {
	since time.Time
}

// Commit implements connect.Committer. All of it may be done again: a rename
// that was done is none, and what an overwrite deletes never has this sink's
// name.
func (c *committer) Commit(ctx context.Context, epoch uint64, in [][]byte) error {
	fail := func(err error) error { return fmt.Errorf("table %s: %w", c.s.table.Name, err) }
	touched := map[string]bool{}
	for _, b := range in {
		p, err := preparedOf(b)
		if err != nil {
			return fail(err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.Watermark != nil {
			c.mark(p.Subtask, *p.Watermark)
			continue
		}
		if err := c.publish(p); err != nil {
			return fail(err)
		}
		touched[p.Partition] = true
	}
	if err := c.s.fs.MkdirAll(c.s.name); err != nil {
		return fail(err)
	}
	if c.s.write.Overwrite && epoch > 0 { // at 0 the job begins: what was there stays until it has ended
		if err := c.overwrite(touched); err != nil {
			return fail(err)
		}
	}
	if c.s.commit.success == "" {
		return nil
	}
	now := c.s.env.Now()
	for dir := range touched {
		if c.waiting[dir] == nil {
			c.waiting[dir] = &waiting{since: now}
		}
	}
	if err := c.complete(now); err != nil {
		return fail(err)
	}
	return nil
}

// publish makes a part file visible. That of an overwrite may have been exchanged
// into the table by a commit that did not come to its end.
func (c *committer) publish(p prepared) error {
	err := c.s.fs.Commit(p.Token)
	if rest, ok := strings.CutPrefix(p.Name, c.s.stage+"/"); ok && c.s.stage != "" && errors.Is(err, fsys.ErrNotExist) {
		if _, there := c.s.fs.Stat(path.Join(c.s.name, rest)); there == nil {
			return nil
		}
	}
	return err
}

// overwrite puts what was written in the place of what was there before: in each
// folder that was written, or in the whole of a table without partitions or that
// is to be replaced, or in the one static partition.
func (c *committer) overwrite(touched map[string]bool) error {
	if len(c.s.part) == 0 || c.s.write.Replace {
		touched = map[string]bool{"": true}
	} else if dir, ok := c.static(); ok {
		touched[dir] = true
	}
	if c.s.stage == "" {
		return c.removeOld(touched)
	}
	for dir := range touched {
		at, from := path.Join(c.s.name, dir), path.Join(c.s.stage, dir)
		if c.swapped(at) {
			continue
		}
		if err := c.s.fs.MkdirAll(from); err != nil {
			return err
		}
		if err := c.s.fs.(fsys.Swapper).Swap(at, from); err != nil {
			return err
		}
	}
	return c.s.fs.RemoveAll(c.s.stage)
}

// swapped reports whether a folder has this run's files already.
func (c *committer) swapped(at string) bool {
	files, err := list(c.s.fs, at, nil)
	return err == nil && slices.ContainsFunc(files, func(f file) bool { return strings.HasPrefix(path.Base(f.Path), c.s.prefix) })
}

// removeOld deletes what was there before from folders that have the new files.
func (c *committer) removeOld(touched map[string]bool) error {
	for dir := range touched {
		at := path.Join(c.s.name, dir)
		files, err := list(c.s.fs, at, nil)
		if errors.Is(err, fsys.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, f := range files {
			if !strings.HasPrefix(path.Base(f.Path), c.s.prefix) {
				if err := c.s.fs.Remove(f.Path); err != nil {
					return fmt.Errorf("overwrite '%s': %w", at, err)
				}
			}
		}
		if err := c.s.fs.Sync(at); err != nil {
			return fmt.Errorf("overwrite '%s': %w", at, err)
		}
	}
	return nil
}

// static returns the folder of the static partition, if every partition column is.
func (c *committer) static() (string, bool) {
	var dst []byte
	for i, col := range c.s.partCols {
		v, ok := c.s.write.Static[col]
		if !ok {
			return "", false
		}
		if i > 0 {
			dst = append(dst, '/')
		}
		dst = append(appendName(dst, []byte(c.s.part[i])), '=')
		if v == "" {
			v = c.s.defaultName()
		}
		dst = appendName(dst, []byte(v))
	}
	return string(dst), len(dst) > 0
}

func (c *committer) mark(subtask int, at int64) {
	if c.watermarks == nil {
		c.watermarks = map[int]int64{}
	}
	c.watermarks[subtask] = at
}

// watermark is the least of the writers'.
func (c *committer) watermark() int64 {
	if len(c.watermarks) < max(1, c.s.write.Parallelism) {
		return math.MinInt64
	}
	out := int64(math.MaxInt64)
	for _, at := range c.watermarks {
		out = min(out, at)
	}
	return out
}

// complete marks the partitions whose time has come: all of them at the end of
// the input.
func (c *committer) complete(now time.Time) error {
	p := &c.s.commit
	wm := c.watermark()
	ended := c.s.write.Bounded || wm == math.MaxInt64
	for dir, w := range c.waiting {
		switch {
		case ended:
		case p.byWatermark:
			at, err := p.time(c.s.layout, dir)
			if err != nil {
				return err
			}
			if wm < at+p.delay.Microseconds() {
				continue
			}
		case now.Sub(w.since) < p.delay:
			continue
		}
		if err := c.s.fs.Put(path.Join(c.s.name, dir, p.success), nil); err != nil {
			return err
		}
		delete(c.waiting, dir)
	}
	return nil
}

// Abort implements connect.Committer.
//
// Which files are committed behind epoch their names say, since a manifest that
// could tell is what cannot be read. See fileName.
func (c *committer) Abort(ctx context.Context, epoch uint64, keep [][]byte) error {
	fail := func(err error) error { return fmt.Errorf("table %s: %w", c.s.table.Name, err) }
	kept := map[string]bool{}
	for _, b := range keep {
		p, err := preparedOf(b)
		if err != nil {
			return fail(err)
		}
		kept[p.Token] = true
	}
	if c.s.stage != "" && len(keep) == 0 {
		if err := c.s.fs.RemoveAll(c.s.stage); err != nil {
			return fail(err)
		}
	}
	if info, err := c.s.fs.Stat(c.s.name); err == nil && !info.Dir {
		return nil // no folder, so nothing was written: to commit says that it is none
	}
	left, err := c.s.fs.Uncommitted(c.s.name)
	if err != nil {
		return fail(err)
	}
	for _, u := range left {
		if err := ctx.Err(); err != nil {
			return err
		}
		base := path.Base(u.Name)
		mark := c.s.commit.success != "" && base == c.s.commit.success // half written; whose it was does not matter
		if (strings.HasPrefix(base, c.s.prefix) || mark) && !kept[u.Token] {
			if err := c.s.fs.Abort(u.Token); err != nil {
				return fail(err)
			}
		}
	}
	if err := c.takeBack(ctx, epoch); err != nil {
		return fail(err)
	}
	if c.s.commit.success != "" {
		if err := c.findWaiting(); err != nil {
			return fail(err)
		}
	}
	return nil
}

// takeBack removes the files that this run committed after epoch.
func (c *committer) takeBack(ctx context.Context, epoch uint64) error {
	files, err := list(c.s.fs, c.s.name, nil)
	if errors.Is(err, fsys.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	touched := map[string]bool{}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e, ok := c.s.epochOf(path.Base(f.Path)); ok && e > epoch {
			touched[path.Dir(f.Path)] = true
			if err := c.s.fs.Remove(f.Path); err != nil {
				return fmt.Errorf("take back '%s' of epoch %d: %w", f.Path, e, err)
			}
		}
	}
	// A file that came back would not be taken back by a later checkpoint's restart.
	for dir := range touched {
		if err := c.s.fs.Sync(dir); err != nil {
			return fmt.Errorf("take back the files of '%s': %w", dir, err)
		}
	}
	return nil
}

// findWaiting finds the partitions that this sink wrote and nobody marked.
func (c *committer) findWaiting() error {
	files, err := list(c.s.fs, c.s.name, nil)
	if errors.Is(err, fsys.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		if !strings.HasPrefix(path.Base(f.Path), c.s.prefix) {
			continue
		}
		dir := strings.TrimPrefix(strings.TrimPrefix(path.Dir(f.Path), c.s.name), "/")
		if c.waiting[dir] != nil {
			continue
		}
		_, err := c.s.fs.Stat(path.Join(path.Dir(f.Path), c.s.commit.success))
		if errors.Is(err, fsys.ErrNotExist) {
			c.waiting[dir] = &waiting{since: f.Time}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Close implements connect.Committer. What an overwrite has collected and not
// committed is of a job that has failed, and begins anew.
func (c *committer) Close() error {
	if c.s.stage == "" {
		return nil
	}
	return c.s.fs.RemoveAll(c.s.stage)
}

var _ connect.Committer = (*committer)(nil)

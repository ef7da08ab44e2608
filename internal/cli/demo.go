package cli

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/term"
)

// shopScript is the one SQL text.
//
//go:embed demo/shop.sql
var shopScript string

type demoCommand struct {
	Plain   bool   `help:"Lines instead of a screen."`
	Seconds int    `default:"45" help:"How long the stream takes: the day's files arrive in this time."`
	Rows    int    `default:"1000000" help:"Events of a day, about."`
	Seed    uint64 `default:"1" help:"The data depends on it and on the day."`
	Day     string `placeholder:"YYYY-MM-DD" help:"Today; by default, today."`
	Dir     string `type:"path" placeholder:"DIR" help:"Folder for everything, which is kept; by default a temporary one."`
}

// A demo is one run of the command. Its folder holds
//
//	shop.sql                    the script
//	data/arriving/…             today's files that have not arrived
//	data/today, data/yesterday  files
//	stream, batch, yesterday    a run each: in (a link to its data) and out
//	stream/checkpoints
type demo struct {
	*demoCommand
	w      *world
	dir    string
	shop   shop
	board  board
	screen *screen // nil: lines
	noted  int     // notes printed
	hours  int     // hours whose total is printed
	events [2]int  // of yesterday and of today

	stream  *child
	started time.Time
	killed  time.Time
	lost    int // rows of reports that were committed when it was killed
	epochs  int // checkpoints of processes that are dead
	late    int64
	seen    progressLine // for the rate
	seenAt  time.Time
	epochAt time.Time
}

// Run shows the main job.
func (c *demoCommand) Run(w *world) error {
	if c.Seconds < 1 || c.Rows < 1000 {
		return usageError{errors.New("--seconds must be at least 1, --rows at least 1000")}
	}
	d := &demo{demoCommand: c, w: w, dir: c.Dir}
	day := time.Now()
	if c.Day != "" {
		var err error
		if day, err = time.Parse(time.DateOnly, c.Day); err != nil {
			return usageError{fmt.Errorf("--day %s: a day is expected, such as 2026-03-14", c.Day)}
		}
	}
	d.shop = shop{day: time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC), rows: c.Rows, late: max(3, c.Rows/20_000), seed: c.Seed}
	if d.dir == "" {
		dir, err := os.MkdirTemp("", "millrace-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		d.dir = dir
	} else if entries, err := os.ReadDir(d.dir); err == nil && len(entries) > 0 {
		return usageError{fmt.Errorf("--dir %s: the folder is not empty", d.dir)}
	}
	return d.run()
}

func (d *demo) run() error {
	d.board = board{day: d.shop.day, all: shopSlots + 1, today: newReports(d.path("stream", "out")), yesterday: newReports(d.path("yesterday", "out"))}
	if !d.Plain && d.w.outTTY {
		if f, ok := d.w.out.(*os.File); ok {
			d.screen = &screen{out: f, size: func() (int, int) {
				width, height, err := term.GetSize(f.Fd())
				if err != nil {
					return 80, 24
				}
				return width, height
			}}
		}
	}
	pairs, err := d.all()
	if d.screen != nil {
		d.screen = nil
		d.noted = 0 // they were on the screen only
	}
	if d.w.ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err != nil {
		d.show()
		return err
	}
	return d.verdict(pairs)
}

// all is the demo up to the comparison.
func (d *demo) all() ([]pairing, error) {
	if d.screen != nil {
		s := d.screen
		s.enter()
		defer s.leave()
	}
	defer func() {
		if d.stream != nil && !d.stream.ended() {
			d.stream.kill()
		}
	}()
	for _, step := range []struct {
		title string
		do    func() error
	}{
		{"1/4 making the data", d.prepare},
		{"2/4 yesterday, as a batch", func() error { return d.batch("yesterday", d.events[0], d.board.yesterday) }},
		{"3/4 today, as a stream", d.streaming},
		{"4/4 today, as a batch", nil},
	} {
		d.board.step = step.title
		d.show()
		if step.do == nil {
			break
		}
		if err := step.do(); err != nil {
			return nil, err
		}
	}
	batch := newReports(d.path("batch", "out"))
	if err := d.batch("batch", d.events[1], batch); err != nil {
		return nil, err
	}
	d.show()
	return compareReports(d.board.today, batch), nil
}

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

func (d *demo) note(format string, args ...any) {
	d.board.notes = append(d.board.notes, fmt.Sprintf(format, args...))
	d.show()
}

// prepare makes folders and data.
func (d *demo) prepare() error {
	began := time.Now()
	for _, run := range []struct{ name, data string }{{"stream", "today"}, {"batch", "today"}, {"yesterday", "yesterday"}} {
		if err := os.MkdirAll(d.path(run.name), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(filepath.Join("..", "data", run.data), d.path(run.name, "in")); err != nil {
			return err
		}
	}
	if err := os.WriteFile(d.path("shop.sql"), []byte(shopScript), 0o644); err != nil {
		return err
	}
	for t := range shopTables {
		if err := os.MkdirAll(d.path("data", "today", t.name()), 0o755); err != nil {
			return err
		}
	}
	before := d.shop
	before.day = before.day.AddDate(0, 0, -1)
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() { d.events[0], errs[0] = before.write(d.path("data", "yesterday")) })
	both.Go(func() { d.events[1], errs[1] = d.shop.write(d.path("data", "arriving")) })
	if both.Wait(); errors.Join(errs[:]...) != nil {
		return errors.Join(errs[:]...)
	}
	d.note("Made two days of an online shop's orders, page views and clicks, %s and %s rows, in %.1f s: %s", grouped(int64(d.events[0])), grouped(int64(d.events[1])), time.Since(began).Seconds(), d.path("data"))
	d.note("The rows are out of order by up to %.0f s; %d of today's arrive 5 to 60 minutes late. The script's rule: what arrives a minute late is not booked, but listed.", delayMax.Seconds(), d.shop.late)
	return nil
}

// batch runs the script over complete files, and reads its reports.
func (d *demo) batch(run string, events int, into *reports) error {
	d.note("$ cd %s && millrace run ../shop.sql --mode batch", run)
	began := time.Now()
	c, err := startChild(d.path(run), "run", "../shop.sql", "--mode", "batch", "--quiet")
	if err != nil {
		return err
	}
	select {
	case <-c.done:
	case <-d.w.ctx.Done():
		c.kill()
		return context.Cause(d.w.ctx)
	}
	if err := c.failure(); err != nil {
		return err
	}
	s := time.Since(began).Seconds()
	d.note("  %s rows in %.1f s: %s rows/s", grouped(int64(events)), s, grouped(int64(float64(events)/s)))
	return into.poll()
}

// interval is how often the stream takes a checkpoint.
func (d *demo) interval() time.Duration {
	return min(2*time.Second, time.Duration(d.Seconds)*time.Second/20)
}

func (d *demo) start(restore bool) (err error) {
	args := []string{"run", "../shop.sql", "--mode", "streaming", "--checkpoint-dir", "checkpoints"}
	if restore {
		args = append(args, "--restore", "latest")
	}
	args = append(args, "--set", fmt.Sprintf("execution.checkpointing.interval=%dms", d.interval().Milliseconds()))
	if d.stream, err = startChild(d.path("stream"), append(args, "--progress-json=100ms")...); err != nil {
		return err
	}
	d.note("$ cd stream && millrace %s", strings.Join(args, " "))
	d.board.down, d.seen, d.seenAt, d.epochAt = false, progressLine{}, time.Now(), time.Now()
	return nil
}

const (
	demoTick = 100 * time.Millisecond
	// killAt is the share of the day's files that have arrived when the process is
	// killed.
	killAt = 0.45
	// endMax is how long the stream may take to report what it has read.
	endMax = time.Minute
)

// streaming runs the script while files arrive, kills it in the middle, and ends
// it when the watermark has passed midnight.
func (d *demo) streaming() error {
	d.started = time.Now()
	if err := d.start(false); err != nil {
		return err
	}
	tick := time.NewTicker(demoTick)
	defer tick.Stop()
	for {
		select {
		case <-d.w.ctx.Done():
			return context.Cause(d.w.ctx)
		case <-tick.C:
		}
		over, err := d.step(time.Now())
		if err != nil || over {
			return err
		}
		d.show()
	}
}

// step is what is done at each tick.
func (d *demo) step(now time.Time) (over bool, err error) {
	if err := d.feed(now); err != nil {
		return false, err
	}
	if err := d.board.today.poll(); err != nil {
		return false, err
	}
	if d.board.down {
		if now.Sub(d.killed) > d.interval() {
			err = d.start(true)
		}
		return false, err
	}
	if d.stream.ended() {
		return false, fmt.Errorf("the stream has ended too soon: %w", errors.Join(d.stream.failure(), errors.New("it was to go on")))
	}
	d.watch(now)
	switch {
	case d.killed.IsZero() && float64(d.board.fed) > killAt*float64(shopSlots) && d.board.status.Checkpoints >= 2 && now.Sub(d.epochAt) > d.interval()/2:
		return false, d.crash(now)
	case d.board.fed == d.board.all && !d.killed.IsZero() && time.UnixMicro(d.board.status.Watermark).Sub(d.board.day) >= 24*time.Hour:
		return true, d.finish()
	case now.Sub(d.started) > time.Duration(d.Seconds)*time.Second+endMax:
		return false, fmt.Errorf("the watermark is %s, %v after the last file: it should have passed midnight", d.board.watermark(), endMax)
	}
	return false, nil
}

// feed lets the files arrive that are due.
func (d *demo) feed(now time.Time) error {
	due := int(float64(d.board.all) * now.Sub(d.started).Seconds() / float64(d.Seconds))
	for ; d.board.fed < min(due, d.board.all); d.board.fed++ {
		for t := range shopTables {
			name := filepath.Join(t.name(), t.file(d.board.fed))
			if err := os.Rename(d.path("data", "arriving", name), d.path("data", "today", name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// watch takes the child's progress.
func (d *demo) watch(now time.Time) {
	p, lines := d.stream.look()
	for _, l := range lines {
		d.note("  %s", l)
	}
	if p.Epoch != d.board.status.Epoch {
		d.epochAt = now
	}
	if dt := now.Sub(d.seenAt); dt > time.Second/2 {
		d.board.rate = max(0, int64(float64(p.Rows-d.seen.Rows)/dt.Seconds()))
		d.seen, d.seenAt = p, now
	}
	d.board.status, d.board.epochs = p, d.epochs+p.Checkpoints
	d.board.status.Late += d.late
}

// crash kills the stream's process.
func (d *demo) crash(now time.Time) error {
	p := d.board.status
	d.stream.kill()
	d.killed, d.board.down, d.epochs, d.late = now, true, d.board.epochs, p.Late
	if err := d.board.today.poll(); err != nil {
		return err
	}
	d.lost = d.board.today.total()
	d.note("$ kill -9 %d    # it had read %s rows, %.1f s after checkpoint %d; %s of reports are committed, the rest is lost with the process",
		d.stream.cmd.Process.Pid, grouped(p.Rows), now.Sub(d.epochAt).Seconds(), p.Epoch, plural(d.lost, "row"))
	return nil
}

// finish ends the stream after a last checkpoint.
func (d *demo) finish() error {
	d.note("The day is over and the watermark past midnight: every window is reported. Ctrl-C, a last checkpoint:")
	if err := d.stream.interrupt(); err != nil {
		return err
	}
	if err := d.stream.failure(); err != nil {
		return err
	}
	p, lines := d.stream.look()
	for _, l := range lines {
		d.note("  %s", l)
	}
	d.late += p.Late
	d.note("  %d checkpoints in all, rows dropped behind the watermark: %d", d.epochs+p.Checkpoints, d.late)
	return d.board.today.poll()
}

// show draws the screen, or prints what is new.
func (d *demo) show() {
	if d.screen != nil {
		width, height := d.screen.size()
		d.screen.draw(d.board.view(width, height))
		return
	}
	for ; d.noted < len(d.board.notes); d.noted++ {
		fmt.Fprintln(d.w.out, d.board.notes[d.noted])
	}
	if d.stream == nil || d.board.down {
		return
	}
	totals := d.board.today.rows["sales_total"]
	for ; d.hours < len(totals); d.hours++ {
		r := totals[d.hours]
		fmt.Fprintf(d.w.out, "  %s  %s from %s orders so far%s · %s\n", untilOf(r[0]), money(r[3]), integer(r[1]), d.dayBefore(r), plainText(d.board.figures()))
	}
}

// dayBefore compares a total with that of the day before.
func (d *demo) dayBefore(row []string) string {
	for _, y := range d.board.yesterday.rows["sales_total"] {
		if minuteOf(y[0]) == minuteOf(row[0]) {
			return fmt.Sprintf(", the day before %s (%s)", money(y[3]), change(row[3], y[3]))
		}
	}
	return ""
}

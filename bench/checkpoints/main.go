// Command checkpoints measures what checkpoints cost Millrace:
//
//	go run ./bench/checkpoints                   all of it
//	go run ./bench/checkpoints -keys 10000000    a larger state
//	go run ./bench/checkpoints -q q9 -runs 5
//
// The first table is of one job that groups by -keys keys, each with some 300 bytes:
// a checkpoint of all of them, and then one when a share of the keys has changed.
// Bytes are those of the state files that a checkpoint has added, the stall is the
// longest time in which no row was read while it was taken (in tenths of a second).
// The checkpoint comes from `millrace savepoint`, which takes one when it is asked.
//
// The second table is of Nexmark's queries with a checkpoint each second and with
// none, in turn; medians of -runs. CPU-seconds count on a shared machine.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type config struct {
	millrace string
	work     string
	keys     int64
	queries  []string
	events   int64
	runs     int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "checkpoints:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var c config
	var names string
	f := flag.NewFlagSet("checkpoints", flag.ContinueOnError)
	f.StringVar(&c.millrace, "millrace", "./millrace", "the binary")
	f.StringVar(&c.work, "work", "", "folder of the checkpoints; without it a temporary one")
	f.Int64Var(&c.keys, "keys", 8_000_000, "keys of the grouping; 0 leaves it out")
	f.StringVar(&names, "q", "q4,q9,q20", "Nexmark queries; empty for none")
	f.Int64Var(&c.events, "events", 5_000_000, "events of each query")
	f.IntVar(&c.runs, "runs", 3, "of each query with and without checkpoints")
	if err := f.Parse(args); err != nil {
		return err
	}
	if c.runs < 1 {
		return fmt.Errorf("-runs %d is not a number of runs", c.runs)
	}
	if names != "" {
		c.queries = strings.Split(names, ",")
	}
	var err error
	if c.millrace, err = filepath.Abs(c.millrace); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(c.work, "checkpoints-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.work = dir
	if c.keys > 0 {
		if err := c.incremental(ctx); err != nil {
			return err
		}
	}
	if len(c.queries) > 0 {
		return c.throughput(ctx)
	}
	return nil
}

// script groups by keys: each once, and then those of a share again and again.
func (c config) script(percent int64) string {
	return fmt.Sprintf(`SET 'pipeline.name' = 'state';
CREATE TABLE t (n BIGINT) WITH ('connector'='datagen', 'rows-per-second'='1000000000', 'fields.n.kind'='sequence', 'fields.n.start'='1', 'fields.n.end'='100000000000');
CREATE TABLE o (k BIGINT, c BIGINT, p STRING) WITH ('connector'='blackhole');
INSERT INTO o SELECT k, COUNT(*), MAX(REPEAT(CAST(k + 1000000000 AS STRING), 25))
FROM (SELECT CASE WHEN n <= %d THEN n ELSE MOD(n, %d) END AS k FROM t) GROUP BY k;
`, c.keys, c.keys*percent/100)
}

// incremental measures a checkpoint of all keys, and one of a share of them.
func (c config) incremental(ctx context.Context) error {
	fmt.Printf("| %d keys | changed since the one before | bytes | of all | duration, s | longest stall, s |\n|---|---|---|---|---|---|\n", c.keys)
	for _, percent := range []int64{1, 100} {
		if err := c.share(ctx, percent); err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

func (c config) share(ctx context.Context, percent int64) error {
	dir, err := os.MkdirTemp(c.work, "share-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	j, err := c.start(ctx, dir, c.script(percent))
	if err != nil {
		return err
	}
	defer j.kill()
	touched := c.keys + c.keys*percent/100*2
	if err := j.until(ctx, func(l line) bool { return l.Rows >= c.keys }); err != nil {
		return err
	}
	full, err := j.checkpoint(ctx)
	if err != nil {
		return err
	}
	from := j.last().Rows
	if err := j.until(ctx, func(l line) bool { return l.Rows >= max(touched, from+c.keys*percent/100*2) }); err != nil {
		return err
	}
	part, err := j.checkpoint(ctx)
	if err != nil {
		return err
	}
	for i, p := range []taken{full, part} {
		changed := "all, the first"
		if i == 1 {
			changed = fmt.Sprintf("%d %%", percent)
		}
		fmt.Printf("| | %s | %d MB | %.1f %% | %.2f | %.1f |\n", changed, p.bytes>>20, 100*float64(p.bytes)/float64(full.bytes), p.took.Seconds(), p.stall.Seconds())
	}
	return nil
}

// A line is what a running job tells each tenth of a second.
type line struct {
	Rows  int64
	Epoch int64
	Took  int64 `json:"took_us"`
}

// A job is a process of the binary.
type job struct {
	c     config
	cmd   *exec.Cmd
	dir   string
	ended chan struct{}

	mu    sync.Mutex
	now   line
	moved time.Time // when rows were read last
	stall time.Duration
	log   []string
}

func (c config) start(ctx context.Context, dir, script string) (*job, error) {
	file := filepath.Join(dir, "job.sql")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		return nil, err
	}
	j := &job{c: c, dir: dir, ended: make(chan struct{})}
	j.cmd = exec.CommandContext(ctx, c.millrace, "run", file, "--checkpoint-dir", filepath.Join(dir, "ck"), "--set", "execution.checkpointing.interval=1 h", "--progress-json")
	out, err := j.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := j.cmd.Start(); err != nil {
		return nil, err
	}
	go j.read(out)
	return j, nil
}

func (j *job) read(out io.Reader) {
	defer close(j.ended)
	for in := bufio.NewScanner(out); in.Scan(); {
		var l line
		j.mu.Lock()
		if json.Unmarshal(in.Bytes(), &l) != nil {
			j.log = append(j.log, in.Text())
		} else {
			if now := time.Now(); l.Rows != j.now.Rows {
				j.moved = now
			} else if !j.moved.IsZero() {
				j.stall = max(j.stall, now.Sub(j.moved))
			}
			j.now = l
		}
		j.mu.Unlock()
	}
}

func (j *job) last() line {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now
}

func (j *job) kill() {
	j.cmd.Process.Kill()
	<-j.ended
	j.cmd.Wait()
}

func (j *job) until(ctx context.Context, cond func(line) bool) error {
	for !cond(j.last()) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-j.ended:
			return errors.New("the job has ended: " + strings.Join(j.log, "\n"))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// taken is what a checkpoint cost.
type taken struct {
	bytes       int64
	took, stall time.Duration
}

// checkpoint takes one and waits for it; the copy that a savepoint makes of it comes
// after that, and is not counted.
func (j *job) checkpoint(ctx context.Context) (taken, error) {
	before, epoch := j.files(), j.last().Epoch
	j.mu.Lock()
	j.stall = 0
	j.mu.Unlock()
	cmd := exec.CommandContext(ctx, j.c.millrace, "savepoint", filepath.Join(j.dir, "ck", "state-o"), "--to", filepath.Join(j.dir, "savepoints"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return taken{}, err
	}
	if err := j.until(ctx, func(l line) bool { return l.Epoch > epoch }); err != nil {
		return taken{}, errors.Join(err, cmd.Wait())
	}
	j.mu.Lock()
	t := taken{took: time.Duration(j.now.Took) * time.Microsecond, stall: j.stall}
	j.mu.Unlock()
	for name, size := range j.files() {
		if _, old := before[name]; !old {
			t.bytes += size
		}
	}
	if err := cmd.Wait(); err != nil {
		return taken{}, fmt.Errorf("millrace savepoint: %w: %s", err, stderr.String())
	}
	return t, os.RemoveAll(filepath.Join(j.dir, "savepoints"))
}

// files returns the sizes of the job's state files.
func (j *job) files() map[string]int64 {
	out := map[string]int64{}
	list, _ := filepath.Glob(filepath.Join(j.dir, "ck", "state-o", "shared", "*.state"))
	for _, name := range list {
		if info, err := os.Stat(name); err == nil {
			out[name] = info.Size()
		}
	}
	return out
}

// cost is what a query took.
type cost struct{ seconds, cpu float64 }

// throughput measures queries with a checkpoint a second and with none.
func (c config) throughput(ctx context.Context) error {
	fmt.Printf("| query | events | none: s | CPU-s | each second: s | CPU-s | checkpoints | throughput, wall | throughput, CPU |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, q := range c.queries {
		var none, each []cost
		checkpoints := 0
		for range c.runs {
			a, _, err := c.nexmark(ctx, q)
			if err != nil {
				return err
			}
			dir, err := os.MkdirTemp(c.work, "nexmark-")
			if err != nil {
				return err
			}
			b, n, err := c.nexmark(ctx, q, "--checkpoint-interval", "1s", "--checkpoint-dir", dir)
			if err != nil {
				return err
			}
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			none, each, checkpoints = append(none, a), append(each, b), n
		}
		x, y := median(none), median(each)
		fmt.Printf("| %s | %d | %.2f | %.2f | %.2f | %.2f | %d | %.0f %% | %.0f %% |\n", q, c.events, x.seconds, x.cpu, y.seconds, y.cpu, checkpoints, 100*x.seconds/y.seconds, 100*x.cpu/y.cpu)
	}
	return nil
}

// median of both figures, each by itself.
func median(all []cost) cost {
	by := func(f func(cost) float64) float64 {
		slices.SortFunc(all, func(a, b cost) int { return cmp.Compare(f(a), f(b)) })
		return f(all[len(all)/2])
	}
	return cost{by(func(c cost) float64 { return c.seconds }), by(func(c cost) float64 { return c.cpu })}
}

func (c config) nexmark(ctx context.Context, q string, flags ...string) (cost, int, error) {
	args := append([]string{"nexmark", "-q", q, "--events", strconv.FormatInt(c.events, 10), "--json"}, flags...)
	cmd := exec.CommandContext(ctx, c.millrace, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return cost{}, 0, fmt.Errorf("millrace %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	var got []struct {
		Seconds     float64
		CPU         float64 `json:"cpu_seconds"`
		Checkpoints int
	}
	if err := json.Unmarshal(out, &got); err != nil || len(got) != 1 {
		return cost{}, 0, fmt.Errorf("millrace %s: %w: %.200s", strings.Join(args, " "), err, out)
	}
	return cost{got[0].Seconds, got[0].CPU}, got[0].Checkpoints, nil
}

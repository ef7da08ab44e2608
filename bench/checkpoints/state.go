package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace-io/millrace/bench/measure"
)

// valueBytes is what each key has of random bytes, which no compression makes less.
const valueBytes = 300

// stateScript groups by keys: each once, and then those of a share again and again.
func (c config) stateScript(percent int64) string {
	return fmt.Sprintf(`SET 'pipeline.name' = 'state';
CREATE TABLE t (n BIGINT, p BYTES) WITH ('connector'='datagen', 'rows-per-second'='1000000000', 'fields.p.length'='%d', 'fields.n.kind'='sequence', 'fields.n.start'='1', 'fields.n.end'='100000000000');
CREATE TABLE o (k BIGINT, c BIGINT, p BYTES) WITH ('connector'='blackhole');
INSERT INTO o SELECT k, COUNT(*), LAST_VALUE(p)
FROM (SELECT CASE WHEN n <= %d THEN n ELSE MOD(n, %d) END AS k, p FROM t) GROUP BY k;
`, valueBytes, c.keys, c.changed(percent))
}

// changed is how many keys a share of them is.
func (c config) changed(percent int64) int64 { return c.keys * percent / 100 }

// cost is what a checkpoint of a state cost.
type cost struct {
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	StallMs float64 `json:"stall_ms"` // the longest time in which no row was read
}

// stateRecord is the JSON line of kind state.
type stateRecord struct {
	Time    time.Time `json:"time"`
	Commit  string    `json:"commit"`
	Machine string    `json:"machine"`
	Keys    int64     `json:"keys"`
	Percent int64     `json:"percent"`
	Memory  string    `json:"memory,omitempty"`
	None    float64   `json:"stall_ms_without_checkpoint"`
	Full    cost      `json:"full"`
	Part    cost      `json:"part"`
}

// state measures a checkpoint of all keys, and one of a share of them.
func (c config) state(ctx context.Context) error {
	fmt.Printf("### A checkpoint of %s keys with %d random bytes each, and one of a share of them%s\n\n%s, commit %s, %s\n\n", measure.Thousands(c.keys), valueBytes, within(c.memory),
		measure.Machine(), measure.Commit(), measure.Now().Format("2006-01-02 15:04"))
	fmt.Println("| changed since the one before | MB written | of all | duration, s | of all | longest stall, ms | the same without a checkpoint, ms |\n|---|---|---|---|---|---|---|")
	for _, percent := range c.percents {
		r := stateRecord{Time: measure.Now(), Commit: measure.Commit(), Machine: measure.Machine(), Keys: c.keys, Percent: percent, Memory: c.memory}
		if err := c.share(ctx, &r); err != nil {
			return err
		}
		first := "all, the first"
		if c.memory != "" {
			first = "a fifth; MB of all state files"
		}
		fmt.Printf("| %s | %d | | %.2f | | %.0f | |\n", first, r.Full.Bytes>>20, r.Full.Seconds, r.Full.StallMs)
		fmt.Printf("| %d %% | %d | %.1f %% | %.2f | %.1f %% | %.0f | %.0f |\n", percent, r.Part.Bytes>>20, 100*float64(r.Part.Bytes)/float64(r.Full.Bytes),
			r.Part.Seconds, 100*r.Part.Seconds/r.Full.Seconds, r.Part.StallMs, r.None)
		if err := measure.Append(c.History, "checkpoints.jsonl", r); err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

// within says in how much memory.
func within(memory string) string {
	if memory == "" {
		return ""
	}
	return ", with memory.size " + memory
}

func (c config) share(ctx context.Context, r *stateRecord) error {
	dir, err := os.MkdirTemp(c.Work, "share-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	flags := []string{"--set", "execution.checkpointing.interval=1 h"}
	if c.memory != "" {
		flags = append(flags, "--set", "memory.size="+c.memory)
	}
	j, err := c.start(ctx, dir, "state-o", c.stateScript(r.Percent), nil, flags...)
	if err != nil {
		return err
	}
	defer j.kill()
	changed := c.changed(r.Percent)
	// What leaves memory is written all the time, so that no checkpoint has all of it: one
	// after each fifth of the keys has a fifth.
	parts := int64(1)
	if c.memory != "" {
		parts = 5
	}
	for part := int64(1); part <= parts; part++ {
		if err := j.until(ctx, func(l line) bool { return l.Rows >= c.keys*part/parts }); err != nil {
			return err
		}
		if r.Full, err = c.checkpoint(ctx, j, dir); err != nil {
			return err
		}
	}
	if c.memory != "" {
		r.Full.Bytes = 0
		for _, size := range stateFiles(j.folder) {
			r.Full.Bytes += size
		}
	}
	j.calm()
	from := j.last().Rows
	// each of them changed twice at least: two subtasks do not read at one pace
	if err := j.until(ctx, func(l line) bool { return l.Rows >= max(c.keys, from)+2*changed }); err != nil {
		return err
	}
	r.None = float64(j.calm()) / 1000
	r.Part, err = c.checkpoint(ctx, j, dir)
	return err
}

// calm returns the longest stall so far, in microseconds, and begins anew.
func (j *job) calm() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stall
	j.stall = 0
	return s
}

// checkpoint takes one and waits for it; the copy that a savepoint makes of it comes
// after that, and is not counted.
func (c config) checkpoint(ctx context.Context, j *job, dir string) (cost, error) {
	before, epoch := stateFiles(j.folder), j.last().Epoch
	j.calm()
	savepoints := filepath.Join(cmp.Or(c.copies, dir), "savepoints")
	cmd := exec.CommandContext(ctx, c.Millrace, "savepoint", j.folder, "--to", savepoints)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	if err := j.until(ctx, func(l line) bool { return l.Epoch > epoch }); err != nil {
		return cost{}, errors.Join(err, cmd.Wait())
	}
	got := cost{StallMs: float64(j.calm()) / 1000, Seconds: float64(j.last().Took) / 1e6}
	for name, size := range stateFiles(j.folder) {
		if _, old := before[name]; !old {
			got.Bytes += size
		}
	}
	if err := cmd.Wait(); err != nil {
		return got, fmt.Errorf("millrace savepoint: %w: %s", err, stderr.String())
	}
	return got, os.RemoveAll(savepoints)
}

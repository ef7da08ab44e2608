package millrace_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/udf"
)

// A trail is an aggregate that would show a row that is lost or counted twice.
type trail struct {
	N, Sum int64
	Seen   map[int64]int64
	Most   *udf.Decimal
}

func (a *trail) Accumulate(n int64, x udf.Decimal) {
	if a.Seen == nil {
		a.Seen = map[int64]int64{}
	}
	if a.Most == nil || a.Most.Rat().Cmp(x.Rat()) < 0 {
		a.Most = &x
	}
	a.N, a.Sum = a.N+1, a.Sum+n
	a.Seen[n]++
}

func (a *trail) Merge(o *trail) {
	for n, times := range o.Seen {
		for range times {
			a.Accumulate(n, *o.Most)
		}
	}
}

func (a *trail) Result() string {
	return fmt.Sprintf("%d rows, %d different, sum %d, at most %s", a.N, len(a.Seen), a.Sum, a.Most)
}

// tripwire is whether the function TRIP fails, once.
var tripwire atomic.Bool

func init() {
	udf.Aggregate[trail]("trail")
	udf.Scalar1("trip", func(n int64) (int64, error) {
		if tripwire.CompareAndSwap(true, false) {
			return 0, errors.New("tripped")
		}
		return n, nil
	}, udf.Volatile())
}

// TestStateOfGoAggregate: a job whose state is that of an aggregate in Go fails after a
// checkpoint and starts again from it, is then stopped, and is gone on with in another
// session: every row counts once.
func TestStateOfGoAggregate(t *testing.T) {
	const groups = 7
	dir := t.TempDir()
	script := func(rows int) string {
		return fmt.Sprintf(`
SET 'parallelism.default' = '2';
SET 'execution.checkpointing.interval' = '20 ms';
SET 'restart-strategy.type' = 'fixed-delay';
SET 'restart-strategy.fixed-delay.attempts' = '2';
SET 'restart-strategy.fixed-delay.delay' = '1 ms';
CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '500', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '%d');
CREATE TABLE trails (k INT PRIMARY KEY NOT ENFORCED, t STRING) WITH ('connector' = 'kept');
INSERT INTO trails SELECT k, trail(n, n * 0.5) FROM (SELECT MOD(n, %d) AS k, trip(n) AS n FROM s) GROUP BY k`, rows, groups)
	}

	first, job, log := startTrail(t, dir, "", script(1_000_000))
	await(t, "a checkpoint", func() bool { return checkpoints(t, dir) >= 2 })
	tripwire.Store(true)
	await(t, "a failure", func() bool { return !tripwire.Load() })
	after := checkpoints(t, dir)
	await(t, "a checkpoint after the failure", func() bool { return checkpoints(t, dir) > after })
	job.Cancel()
	if err := job.Wait(t.Context()); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	first.Close()
	if text := log(); !strings.Contains(text, "tripped") {
		t.Errorf("the job did not fail: %s", text)
	}

	rows := 300 // that are still to come
	for _, line := range takeKept("trails") {
		var k, n int
		if _, err := fmt.Sscanf(line, "%d %d rows", &k, &n); err != nil {
			t.Fatal(line)
		}
		rows += n
	}
	second, job, log := startTrail(t, dir, "latest", script(rows))
	defer second.Close()
	if err := job.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := log(); !strings.Contains(text, "restore") {
		t.Errorf("the job did not go on with its checkpoint: %s", text)
	}
	var want []string
	for k := range int64(groups) {
		var n, sum, most int64
		for x := k; x <= int64(rows); x += groups {
			if x > 0 {
				n, sum, most = n+1, sum+x, x
			}
		}
		x, _ := udf.ParseDecimal(fmt.Sprintf("%d.%d", most/2, most%2*5))
		want = append(want, fmt.Sprintf("%d %d rows, %d different, sum %d, at most %s", k, n, n, sum, x))
	}
	if got := takeKept("trails"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// startTrail runs a script, whose last statement starts a job.
func startTrail(t *testing.T, dir, restore, script string) (*millrace.Session, *millrace.Job, func() string) {
	t.Helper()
	lines := make(chan string, 1000)
	s, err := millrace.Open(millrace.Config{CheckpointDir: dir, Restore: restore, Log: func(l string) { lines <- l }})
	if err != nil {
		t.Fatal(err)
	}
	var job *millrace.Job
	for st, err := range s.Script("trail.sql", script) {
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Execute(context.Background(), st, nil)
		if err != nil {
			t.Fatal(err)
		}
		job = res.Job
	}
	return s, job, func() string {
		var out []string
		for len(lines) > 0 {
			out = append(out, <-lines)
		}
		return strings.Join(out, "\n")
	}
}

// checkpoints is the number of the newest checkpoint.
func checkpoints(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "chk-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	newest := 0
	for _, f := range files {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(f), "chk-%d.json", &n); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s has not come", what)
		}
	}
}

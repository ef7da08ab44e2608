package task_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/task"
	"github.com/millrace-io/millrace/vec"
)

// A tape is a reader whose batches a test puts in, each with the times of its rows.
type tape struct {
	next  []recorded
	polls int
	empty bool
}

type recorded struct {
	split string
	times []int64
	ended bool
}

func (r *tape) Add([]connect.Split) error { r.empty = false; return nil }

func (r *tape) Poll(string) (connect.Polled, error) {
	r.polls++
	if len(r.next) == 0 {
		return connect.Polled{Empty: r.empty}, nil
	}
	got := r.next[0]
	r.next = r.next[1:]
	return connect.Polled{Split: got.split, Ended: got.ended, Batch: &vec.Batch{Rows: len(got.times), Cols: []vec.Vector{&vec.Fixed[int64]{Vals: got.times}}}}, nil
}

func (r *tape) Snapshot() ([]connect.Split, error) { return nil, nil }
func (r *tape) Committed(uint64)                   {}
func (r *tape) Close() error                       { return nil }

// A player drives a task that only reads.
type player struct {
	t       *testing.T
	tape    *tape
	task    *task.Task
	log     []string
	reports []int64
}

func play(t *testing.T, src task.Source, splits ...string) *player {
	p := &player{t: t, tape: &tape{empty: true}}
	src.Reader = p.tape
	src.Transform = func(b *vec.Batch) (*vec.Batch, error) { return b, nil }
	src.Watermarks = func(b *vec.Batch) ([]int64, error) { return b.Cols[0].(*vec.Fixed[int64]).Vals, nil }
	var err error
	p.task, err = task.New(task.Config{Source: &src, Ops: []task.Op{{ID: "l", Operator: &logger{name: "op", log: &p.log}, Context: &exec.Context{Counters: &exec.Counters{}}}},
		Report: func(r task.Report) {
			if r.Mark != nil {
				p.reports = append(p.reports, *r.Mark)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	a := &task.Assignment{Answer: true}
	for _, s := range splits {
		a.Splits = append(a.Splits, connect.Split{ID: s})
	}
	p.task.Deliver(task.Control{Splits: a})
	p.run()
	return p
}

func (p *player) run() {
	p.t.Helper()
	for range 100 {
		did, err := p.task.Step()
		if err != nil {
			p.t.Fatal(err)
		}
		if !did {
			return
		}
	}
	p.t.Fatal("the task does not come to rest")
}

// read puts a batch in and returns what the operator has seen of it.
func (p *player) read(split string, times ...int64) string {
	p.t.Helper()
	p.tape.next = append(p.tape.next, recorded{split: split, times: times})
	p.run()
	return p.seen()
}

func (p *player) tick(now int64) string {
	p.t.Helper()
	p.task.Deliver(task.Control{Tick: now})
	p.run()
	return p.seen()
}

func (p *player) limit(at int64) {
	p.t.Helper()
	p.task.Deliver(task.Control{Limit: &at})
	p.run()
}

func (p *player) seen() string {
	out := strings.Join(p.log, "; ")
	p.log = nil
	return out
}

func (p *player) want(what, got, want string) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("%s: %q, not %q", what, got, want)
	}
}

// TestMarksOnPeriodic shows that a watermark is told when it has risen by more than
// the interval, and otherwise when no rows have come between two ticks.
func TestMarksOnPeriodic(t *testing.T) {
	p := play(t, task.Source{IntervalUs: 100}, "a")
	p.want("first", p.read("a", 1000, 1050), "op rows 2 of input 0, marks [{1 1000}]")
	p.want("below the interval", p.read("a", 1100), "op rows 1 of input 0, marks []")
	p.want("above it", p.read("a", 1101, 900), "op rows 2 of input 0, marks [{1 1101}]")
	p.want("below again", p.read("a", 1102), "op rows 1 of input 0, marks []")
	p.want("tick", p.tick(1), "")
	p.want("second tick without rows", p.tick(2), "op watermark 1102")
}

// TestMarksPrompt shows that a table without an end tells a watermark as soon as the
// reader has nothing more ready, once, and only if it is known.
func TestMarksPrompt(t *testing.T) {
	p := play(t, task.Source{IntervalUs: 100, Prompt: true}, "a", "b")
	p.want("the other split holds it", p.read("a", 1000), "op rows 1 of input 0, marks []")
	p.want("below the interval", p.read("b", 900, 950), "op rows 2 of input 0, marks [{1 900}]; op watermark 950")
	p.want("nothing new", p.read("b", 940), "op rows 1 of input 0, marks []")
	p.want("nor at ticks", p.tick(1)+p.tick(2), "")
	p = play(t, task.Source{Gap: 3, Prompt: true}, "a")
	p.want("on-event", p.read("a", 10), "op rows 1 of input 0, marks []")
}

// TestMarksOnEvent shows scan.watermark.emit.strategy = on-event: a watermark behind
// every n'th row of a split that has raised it, and none by time.
func TestMarksOnEvent(t *testing.T) {
	p := play(t, task.Source{Gap: 1}, "a")
	p.want("each row", p.read("a", 10, 11, 5, 12), "op rows 4 of input 0, marks [{1 10} {2 11} {4 12}]")
	p = play(t, task.Source{Gap: 3}, "a")
	p.want("each third", p.read("a", 10, 11, 5, 12), "op rows 4 of input 0, marks [{3 11}]")
	p.want("not at a tick", p.tick(1)+p.tick(2)+p.tick(3), "")
	p.want("over batches", p.read("a", 1, 2), "op rows 2 of input 0, marks [{2 12}]")
	p = play(t, task.Source{Gap: 2}, "a", "b")
	p.want("the other split holds it", p.read("a", 10, 20), "op rows 2 of input 0, marks []")
	p.want("counted by split", p.read("b", 5), "op rows 1 of input 0, marks []")
	p.want("lowest of both", p.read("b", 15), "op rows 1 of input 0, marks [{1 15}]")
}

// TestIdle shows the idle timeout: a split without rows for so long holds nothing
// back, and a source all of whose splits are idle says so, once.
func TestIdle(t *testing.T) {
	p := play(t, task.Source{IdleUs: 100}, "a", "b")
	p.tick(1000)
	p.want("b has told nothing", p.read("a", 50), "op rows 1 of input 0, marks []")
	p.want("not yet", p.tick(1100), "")
	p.read("a", 60)
	p.want("b idles", p.tick(1101), "op watermark 60")
	p.want("b comes back behind", p.read("b", 10), "op rows 1 of input 0, marks []")
	p.want("and is counted", p.read("a", 70), "op rows 1 of input 0, marks []")
	p.want("b idles again", p.tick(1150)+p.tick(1200)+p.tick(1202), "op flush")
	p = play(t, task.Source{}, "a", "b")
	p.tick(1000)
	p.read("a", 50)
	p.want("without a timeout b is waited for", p.tick(math.MaxInt64/2), "")
}

// TestAlign shows that a source which is ahead of its group is not read, falls not
// idle for that, and tells how far it has come no more often than it may.
func TestAlign(t *testing.T) {
	p := play(t, task.Source{IdleUs: 500, Align: &task.Align{Alignment: jobgraph.Alignment{Group: "g", DriftMs: 1, UpdateMs: 10}}}, "a")
	told := func(what string, want ...int64) {
		t.Helper()
		if !slices.Equal(p.reports, want) {
			t.Errorf("%s: told %v, not %v", what, p.reports, want)
		}
		p.reports = nil
	}
	p.tick(10)
	told("nothing read")
	p.read("a", 5000)
	p.tick(20)
	told("the first at once", 5000)
	p.want("within its own drift", p.read("a", 6000), "op rows 1 of input 0, marks [{1 6000}]")
	p.want("the batch that passes the limit", p.read("a", 6001), "op rows 1 of input 0, marks [{1 6001}]")
	polls := p.tape.polls
	p.want("held back", p.read("a", 6500), "")
	p.want("not idle", p.tick(5000)+p.tick(10000), "")
	told("too early")
	p.tick(10020)
	told("in time", 6001)
	if p.tape.polls != polls {
		t.Error("the reader was asked")
	}
	p.limit(6200)
	p.want("goes on", p.seen(), "op rows 1 of input 0, marks [{1 6500}]")
	p.limit(math.MaxInt64)
	p.want("idle", p.tick(10521), "op flush")
	p.tick(20020)
	told("an idle source holds nobody back", math.MaxInt64)
	p.read("a", 7000)
	p.tick(30020)
	told("back again", 7000)
}

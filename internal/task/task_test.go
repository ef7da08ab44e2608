package task_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/task"
	"github.com/millrace-io/millrace/vec"
)

// inbox is channels that a test fills.
type inbox [][]exchange.Event

func (in inbox) Channels() int { return len(in) }

func (in inbox) Poll(skip []bool) (int, exchange.Event, bool, error) {
	for ch := range in {
		if !skip[ch] && len(in[ch]) > 0 {
			ev := in[ch][0]
			in[ch] = in[ch][1:]
			return ch, ev, true, nil
		}
	}
	return 0, exchange.Event{}, false, nil
}

func (in inbox) Overtake(ch int) (base.Epoch, []exchange.Event, bool) {
	for i, ev := range in[ch] {
		switch ev.Kind {
		case exchange.Barrier:
			ahead := slices.Clone(in[ch][:i])
			in[ch] = slices.Delete(in[ch], i, i+1)
			return ev.Epoch, ahead, true
		case exchange.End:
			return 0, slices.Clone(in[ch][:i]), true
		}
	}
	return 0, nil, false
}

// logger writes down the calls that it gets, and passes rows and watermarks on.
type logger struct {
	exec.Base
	name string
	log  *[]string
	more int // how often it returns more after a batch
}

func (l *logger) say(format string, args ...any) {
	*l.log = append(*l.log, l.name+" "+fmt.Sprintf(format, args...))
}

func (l *logger) Process(in int, b *vec.Batch, out exec.Output) (bool, error) {
	l.say("rows %d of input %d, marks %v", b.Len(), in, b.Marks)
	l.more = min(l.more, 1)
	return l.more > 0, out.Emit(b)
}

func (l *logger) Resume(exec.Output) (bool, error) {
	l.say("resume")
	l.more--
	return false, nil
}

func (l *logger) Watermark(t int64, out exec.Output) (bool, error) {
	if t == math.MaxInt64 {
		l.say("last watermark")
	} else {
		l.say("watermark %d", t)
	}
	return false, out.Watermark(t)
}

func (l *logger) EndInput(in int, _ exec.Output) (bool, error) {
	l.say("end %d", in)
	return false, nil
}
func (l *logger) Flush(exec.Output) (bool, error) { l.say("flush"); return false, nil }

func rows(n int, marks ...vec.Mark) exchange.Event {
	return exchange.Event{Batch: &vec.Batch{Cols: []vec.Vector{&vec.Fixed[int64]{Vals: make([]int64, n)}}, Rows: n, Marks: marks}}
}

func watermark(t int64) exchange.Event { return exchange.Event{Kind: exchange.Watermark, Time: t} }

// channels are those of the inputs, with their priorities if there are any.
func channels(input, priority []int) []task.Channel {
	out := make([]task.Channel, len(input))
	for ch, in := range input {
		out[ch].Input = in
		if priority != nil {
			out[ch].Priority = priority[ch]
		}
	}
	return out
}

func barrier(e base.Epoch) exchange.Event {
	return exchange.Event{Kind: exchange.Barrier, Epoch: e}
}

var end = exchange.Event{Kind: exchange.End}

// run steps a task of two operators over channels until nothing happens, and
// returns what the operators and the master saw.
func run(t *testing.T, in inbox, input, priority []int, more int) []string {
	t.Helper()
	var log []string
	cfg := task.Config{Inbox: in, Channels: channels(input, priority), Report: func(r task.Report) {
		switch {
		case r.Ack != nil:
			log = append(log, fmt.Sprintf("ack %d", r.Ack.Epoch))
		case r.Finished != nil:
			log = append(log, "finished")
		}
	}}
	for i, name := range []string{"a", "b"} {
		l := &logger{name: name, log: &log}
		if i == 1 {
			l.more = more
		}
		cfg.Ops = append(cfg.Ops, task.Op{ID: name, Operator: l, Context: &exec.Context{Counters: &exec.Counters{}}})
	}
	tk, err := task.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		did, err := tk.Step()
		if err != nil {
			t.Fatal(err)
		}
		if !did {
			return log
		}
	}
	t.Fatal("the task does not come to rest")
	return nil
}

func wantLog(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestBarriersAreAligned(t *testing.T) {
	got := run(t, inbox{{barrier(1), rows(1)}, {rows(2), barrier(1), rows(3)}}, []int{0, 0}, []int{0, 0}, 0)
	wantLog(t, got, "a rows 2 of input 0, marks []", "b rows 2 of input 0, marks []", "a flush", "b flush", "ack 1",
		"a rows 1 of input 0, marks []", "b rows 1 of input 0, marks []", "a rows 3 of input 0, marks []", "b rows 3 of input 0, marks []")
}

func TestAnEndedChannelCountsAsAligned(t *testing.T) {
	got := run(t, inbox{{end}, {barrier(1)}}, []int{0, 0}, []int{0, 0}, 0)
	wantLog(t, got, "a flush", "b flush", "ack 1")
}

func TestWatermarkIsTheLowestOfTheChannels(t *testing.T) {
	got := run(t, inbox{{watermark(5), watermark(9)}, {watermark(7)}}, []int{0, 0}, []int{0, 0}, 0)
	wantLog(t, got, "a watermark 7", "b watermark 7")
}

func TestMarksBecomeTheTasks(t *testing.T) {
	got := run(t, inbox{{watermark(6)}, {rows(4, vec.Mark{Row: 1, Time: 3}, vec.Mark{Row: 2, Time: 8}, vec.Mark{Row: 4, Time: 9})}}, []int{0, 0}, []int{0, 0}, 0)
	wantLog(t, got, "a rows 4 of input 0, marks [{1 3} {2 6}]", "b rows 4 of input 0, marks [{1 3} {2 6}]")
}

func TestAnIdleChannelHoldsNothingBack(t *testing.T) {
	got := run(t, inbox{{watermark(exchange.Idle)}, {watermark(4)}}, []int{0, 0}, []int{0, 0}, 0)
	wantLog(t, got, "a watermark 4", "b watermark 4")
	got = run(t, inbox{{watermark(exchange.Idle), rows(1)}, {watermark(4)}}, []int{0, 0}, []int{0, 0}, 0)
	wantLog(t, got, "a rows 1 of input 0, marks []", "b rows 1 of input 0, marks []")
}

func TestInputsOfABetterPriorityComeFirst(t *testing.T) {
	got := run(t, inbox{{rows(1)}, {rows(2), end}}, []int{0, 1}, []int{1, 0}, 0)
	wantLog(t, got, "a rows 2 of input 1, marks []", "b rows 2 of input 0, marks []", "a end 1",
		"a rows 1 of input 0, marks []", "b rows 1 of input 0, marks []")
}

func TestTheEndComesOperatorByOperator(t *testing.T) {
	got := run(t, inbox{{rows(1), end}}, []int{0}, []int{0}, 0)
	wantLog(t, got, "a rows 1 of input 0, marks []", "b rows 1 of input 0, marks []",
		"a last watermark", "a end 0", "b last watermark", "b end 0", "finished")
}

func TestNothingIsHandledWhileAnOperatorHasMore(t *testing.T) {
	got := run(t, inbox{{rows(1), watermark(2), barrier(1)}}, []int{0}, []int{0}, 1)
	wantLog(t, got, "a rows 1 of input 0, marks []", "b rows 1 of input 0, marks []", "b resume",
		"a watermark 2", "b watermark 2", "a flush", "b flush", "ack 1")
}

package task_test

import (
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/task"
	"github.com/millrace-io/millrace/vec"
)

// A worker takes its time before and after it passes rows on, and at the end.
type worker struct {
	exec.Base
	now                *int64
	before, after, end int64
}

func (w *worker) Process(_ int, b *vec.Batch, out exec.Output) (bool, error) {
	*w.now += w.before
	err := out.Emit(b)
	*w.now += w.after
	return false, err
}

func (w *worker) EndInput(int, exec.Output) (bool, error) {
	*w.now += w.end
	return false, nil
}

// Operators call each other; the time of each is its own.
func TestTimeOfEachOperator(t *testing.T) {
	var now int64
	counters := []*exec.Counters{{}, {}}
	cfg := task.Config{Inbox: inbox{{rows(3), rows(2), end}}, Channels: make([]task.Channel, 1), Report: func(task.Report) {}, Clock: func() int64 { return now }}
	for i, w := range []*worker{{now: &now, before: 10, after: 5, end: 7}, {now: &now, before: 100, after: 50}} {
		cfg.Ops = append(cfg.Ops, task.Op{ID: string(rune('a' + i)), Operator: w, Context: &exec.Context{Counters: counters[i]}})
	}
	tk, err := task.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for !tk.Done() {
		now += 1000 // nobody's: the task waits
		if _, err := tk.Step(); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []exec.Counters{{RowsIn: 5, RowsOut: 5, BusyNs: 2*15 + 7}, {RowsIn: 5, RowsOut: 5, BusyNs: 2 * 150}} {
		if *counters[i] != want {
			t.Errorf("operator %d: %+v, want %+v", i, *counters[i], want)
		}
	}
}

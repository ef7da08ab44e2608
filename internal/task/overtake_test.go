package task_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/internal/task"
)

// durable is a task of one operator with state.
type durable struct {
	*task.Task
	log []string
	ack *task.Snapshot
}

func startDurable(t *testing.T, files *statetest.Files, in inbox, ships []jobgraph.Ship, from []state.Handle, mark int64) *durable {
	t.Helper()
	store, err := lsm.Backend{}.Open("x-", base.Range{Lo: 0, Hi: 8}, from, files)
	if err != nil {
		t.Fatal(err)
	}
	d := &durable{}
	cfg := task.Config{Inbox: in, Durable: true, Report: func(r task.Report) {
		if r.Ack != nil {
			d.ack = r.Ack
		}
	}}
	for _, ship := range ships {
		cfg.Channels = append(cfg.Channels, task.Channel{Route: task.Route{Ship: ship}})
	}
	if from != nil {
		cfg.Restored = &task.Marks{Task: mark}
	}
	cfg.Ops = []task.Op{{ID: "a", Operator: &logger{name: "a", log: &d.log}, Context: &exec.Context{Counters: &exec.Counters{}, State: store}}}
	if d.Task, err = task.New(cfg); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *durable) rest(t *testing.T) {
	t.Helper()
	for range 1000 {
		did, err := d.Step()
		if err != nil {
			t.Fatal(err)
		}
		if !did {
			return
		}
	}
	t.Fatal("the task does not come to rest")
}

// overtaken lets the barriers in what comes late overtake all of it, and returns what a
// task does that is restored from there: first come what the task had handled, and lies
// behind the watermark of all subtasks.
func overtaken(t *testing.T, ships []jobgraph.Ship, early, late inbox, mark int64) (log []string, overtaken bool) {
	t.Helper()
	files := &statetest.Files{}
	d := startDurable(t, files, early, ships, nil, 0)
	d.rest(t)
	copy(early, late)
	d.Deliver(task.Control{Hurry: 1})
	d.rest(t)
	if d.ack == nil {
		t.Fatal("no snapshot was taken")
	}
	h, err := d.ack.State["a"].Persist()
	if err != nil {
		t.Fatal(err)
	}
	again := startDurable(t, files, make(inbox, len(ships)), ships, []state.Handle{h}, mark)
	again.rest(t)
	return append(again.log, fmt.Sprintf("stands at %d", again.Watermark())), d.ack.Overtaken
}

var hashed = []jobgraph.Ship{jobgraph.Hash, jobgraph.Hash}

func TestRowsInFlightAreHandledFirst(t *testing.T) {
	early := inbox{{watermark(1)}, {watermark(1)}}
	late := inbox{{rows(2), watermark(4), rows(3), barrier(1)}, {watermark(7), barrier(1)}}
	log, over := overtaken(t, hashed, early, late, 1)
	wantLog(t, log, "a rows 2 of input 0, marks []", "a rows 3 of input 0, marks []", "a watermark 4", "stands at 4")
	if !over {
		t.Error("the snapshot does not say that rows were overtaken")
	}
}

// A channel that ends without a barrier holds back no watermark after a restore, as it
// would not have before.
func TestAChannelThatEndsHoldsNothingBack(t *testing.T) {
	early := inbox{{watermark(1)}, {watermark(1)}}
	late := inbox{{watermark(5), barrier(1)}, {rows(2), end}}
	log, _ := overtaken(t, hashed, early, late, 1)
	wantLog(t, log, "a rows 2 of input 0, marks []", "a watermark 5", "stands at 5")
}

// Subtasks whose channels all have ended come to the end of time, wherever they were: one
// layout can go on from all of them.
func TestChannelsThatAllEndBringTheEndOfTime(t *testing.T) {
	early := inbox{{}, {}}
	late := inbox{{rows(2), watermark(5), end}, {end}}
	log, _ := overtaken(t, hashed, early, late, 0)
	wantLog(t, log, "a rows 2 of input 0, marks []", "a last watermark", "stands at 9223372036854775807")

	early = inbox{{watermark(5), end}, {watermark(3)}}
	late = inbox{{}, {rows(2), end}}
	log, _ = overtaken(t, hashed, early, late, 0)
	wantLog(t, log, "a watermark 3", "a rows 2 of input 0, marks []", "a last watermark", "stands at 9223372036854775807")
}

// The sender of a forward channel may have another part of the input after a restore:
// its watermark is that of all subtasks.
func TestAForwardChannelGoesOnAtTheWatermarkOfAll(t *testing.T) {
	early := inbox{{watermark(9)}, {watermark(9)}}
	late := inbox{{barrier(1)}, {rows(2), barrier(1)}}
	log, _ := overtaken(t, []jobgraph.Ship{jobgraph.Forward, jobgraph.Hash}, early, late, 3)
	wantLog(t, log, "a rows 2 of input 0, marks []", "stands at 3")

	log, over := overtaken(t, []jobgraph.Ship{jobgraph.Forward}, inbox{{watermark(9)}}, inbox{{barrier(1)}}, 3)
	wantLog(t, log, "stands at 3")
	if over {
		t.Error("there is nothing that a barrier could have overtaken")
	}
}

// A sender whose own senders all have ended leaves out the barriers of epochs that do not
// overtake. The barriers of one epoch count, not the first of each channel: what lies
// between two is in the state of its sender.
func TestBarriersOfAnEpochThatWasGivenUp(t *testing.T) {
	for _, hurries := range []bool{false, true} {
		for _, swap := range []bool{false, true} {
			in := inbox{{rows(2), barrier(1), rows(3), barrier(2)}, {rows(4), barrier(2)}}
			if swap {
				in[0], in[1] = in[1], in[0]
			}
			files := &statetest.Files{}
			d := startDurable(t, files, in, hashed, nil, 0)
			if hurries {
				d.Deliver(task.Control{Hurry: 2})
			}
			d.rest(t)
			if d.ack == nil || d.ack.Epoch != 2 {
				t.Fatalf("snapshot %+v, want one of epoch 2", d.ack)
			}
			log, _, _ := strings.Cut(strings.Join(d.log, "\n"), "flush")
			if hurries {
				h, err := d.ack.State["a"].Persist()
				if err != nil {
					t.Fatal(err)
				}
				again := startDurable(t, files, make(inbox, 2), hashed, []state.Handle{h}, 0)
				again.rest(t)
				log += strings.Join(again.log, "\n")
			}
			for _, row := range []string{"rows 2", "rows 3", "rows 4"} {
				if strings.Count(log, row) != 1 {
					t.Errorf("hurries %t, swapped %t: %s is not once in the snapshot:\n%s", hurries, swap, row, log)
				}
			}
		}
	}
}

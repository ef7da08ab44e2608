package job_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/task"
)

var rewrite = flag.Bool("rewrite", false, "write the results into testdata")

// TestScripts plays the scripts of testdata to a master. Each block is events, one a
// line, then ---- and the commands that the master gives. Times are milliseconds; a
// task is vertex.subtask, of the attempt under way.
//
//	new [p=N] [q=N] [splits=N] [checkpoints] [OPTION=N…]   a job src → sink of p and q tasks
//	process [OPTION…]                         the process ends; another goes on from what was saved
//	at MS | tick | start | recovered | want T | mark T MS | ack T E [prepared=X] [state] [split=S] [overtaken] [failed]
//	finish T [prepared=X] | fail T TEXT | stopped T | saved E | save-failed E TEXT | committed E
//	not-done TEXT | checkpoint | cancel | kill | lost
//	savepoint ID [stop] [drain] | copied ID [ERROR]
//	damaged FILE | whole E | whole none
//
// "all" stands for every task of the attempt that has not finished.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) < 15 {
		t.Fatalf("%v, %d scripts", err, len(files))
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".test"), func(t *testing.T) {
			want, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *rewrite {
				if err := os.WriteFile(f, got, 0o644); err != nil {
					t.Fatal(err)
				}
			} else if !bytes.Equal(got, want) {
				t.Errorf("%s is now\n%s", f, got)
			}
		})
	}
}

func play(t *testing.T, text string) []byte {
	head, rest, ok := strings.Cut(text, "\n\n")
	if !ok || !strings.HasPrefix(head, "#") {
		t.Fatal("a script begins with a comment that says what it shows")
	}
	out := bytes.NewBufferString(head + "\n")
	w := &world{t: t}
	for _, block := range strings.Split(strings.TrimSpace(rest), "\n\n") {
		events, _, _ := strings.Cut(block, "\n----")
		fmt.Fprintf(out, "\n%s\n----\n", events)
		for _, line := range strings.Split(events, "\n") {
			w.play(out, strings.Fields(line))
		}
	}
	return out.Bytes()
}

// A world is what surrounds a master: its clock, and the record of its checkpoints.
type world struct {
	t       *testing.T
	args    []string // of new
	splits  *splits  // of the last attempt
	master  *job.Master
	now     int64
	attempt int
	tasks   []task.ID // of the attempt
	ended   map[task.ID]bool
	laid    *jobgraph.Graph
	pending map[base.Epoch]*checkpoint.Manifest // given to Save
	saved   *checkpoint.Manifest
}

func (w *world) play(out *bytes.Buffer, line []string) {
	w.t.Helper()
	word, args := line[0], line[1:]
	switch word {
	case "new":
		w.args, w.saved, w.now = args, nil, 0
		w.open()
		return
	case "process":
		if len(args) > 0 {
			w.args = args
		}
		w.open()
		return
	case "at":
		w.now = number(args[0]) * 1000
		return
	}
	if len(args) > 0 && args[0] == "all" {
		for _, id := range w.tasks {
			if !w.ended[id] || word == "stopped" {
				w.play(out, append([]string{word, id.String()}, args[1:]...))
			}
		}
		return
	}
	for _, c := range w.master.Step(w.now, w.event(word, args)) {
		fmt.Fprintln(out, w.carryOut(c))
	}
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// options are the words of new.
func (w *world) options() map[string]int {
	out := map[string]int{"p": 1, "q": 1, "splits": 1, "tolerable": -1}
	for _, a := range w.args {
		k, v, ok := strings.Cut(a, "=")
		if out[k] = 1; ok {
			out[k] = int(number(v))
		}
	}
	return out
}

func (w *world) open() {
	o := w.options()
	src := &jobgraph.Source{ID: "src"}
	graph := func(p, q int) *jobgraph.Graph {
		return &jobgraph.Graph{ID: "job", MaxParallelism: 8, Vertices: []jobgraph.Vertex{
			{Parallelism: p, Source: src},
			{Parallelism: q, Ops: []jobgraph.Op{{ID: "sink"}}},
		}, Edges: []jobgraph.Edge{{From: 0, To: 1}}}
	}
	g := graph(o["p"], o["q"])
	was := w.laid
	w.laid = g
	if o["drift"] > 0 {
		src.Watermark = &jobgraph.Watermark{Align: &jobgraph.Alignment{Group: "g", DriftMs: int64(o["drift"])}}
	}
	opt := job.Options{Checkpoints: o["checkpoints"] > 0, IntervalUs: int64(o["interval"]) * 1000, TimeoutUs: int64(o["timeout"]) * 1000,
		FailuresMax: o["tolerable"], GoBack: o["go-back"] > 0, RetryUs: 1_000_000, Run: "r", Random: func() float64 { return 0.5 },
		Restart: job.Restart{Attempts: int64(o["attempts"]), DelayUs: int64(o["delay"]) * 1000, DelayMaxUs: int64(o["max-delay"]) * 1000,
			Multiplier: float64(o["multiplier"]), ResetUs: int64(o["reset"]) * 1000, WindowUs: int64(o["window"]) * 1000, Alike: o["alike"]},
		Enumerator: func(_ *jobgraph.Source, saved []byte) (connect.Enumerator, error) {
			e := &splits{endless: o["endless"] > 0}
			w.splits = e
			if saved != nil {
				return e, json.Unmarshal(saved, &e.left)
			}
			for i := range o["splits"] {
				e.left = append(e.left, fmt.Sprintf("s%d", i+1))
			}
			return e, nil
		}}
	if w.saved != nil && job.Settles(w.saved, was, g) {
		opt.Settle = was
	}
	w.master, w.tasks, w.ended, w.pending = job.New(g, opt, w.saved), nil, nil, map[base.Epoch]*checkpoint.Manifest{}
}

// splits hands out one split at a time.
type splits struct {
	left    []string
	endless bool // more may be found
}

func (s *splits) Assign(int) ([]connect.Split, bool, error) {
	if len(s.left) == 0 {
		return nil, !s.endless, nil
	}
	id := s.left[0]
	s.left = s.left[1:]
	return []connect.Split{{ID: id}}, false, nil
}

func (s *splits) Waiting() int  { return len(s.left) }
func (s *splits) Ordered() bool { return false }
func (s *splits) Close() error  { return nil }

func (s *splits) Return(back []connect.Split) {
	for _, b := range back {
		s.left = append(s.left, b.ID)
	}
}

func (s *splits) Snapshot() ([]byte, error) { return json.Marshal(s.left) }

func (w *world) task(name string) task.ID {
	for _, id := range w.tasks {
		if id.String() == name {
			return id
		}
	}
	w.t.Fatalf("no task %s", name)
	return task.ID{}
}

func (w *world) event(word string, args []string) job.Event {
	switch word {
	case "start":
		return job.Event{Start: true}
	case "tick":
		return job.Event{Tick: true}
	case "recovered":
		w.attempt++
		w.tasks, w.ended = nil, map[task.ID]bool{}
		return job.Event{Recovered: true}
	case "found":
		if len(args) > 0 {
			w.splits.left = append(w.splits.left, args...)
		}
		return job.Event{Found: true}
	case "want":
		id := w.task(args[0])
		return job.Event{Want: &id}
	case "mark":
		return job.Event{Mark: &job.Mark{Task: w.task(args[0]), Time: number(args[1]) * 1000}}
	case "ack":
		a := w.ack(args[0], args[2:])
		a.Epoch = base.Epoch(number(args[1]))
		return job.Event{Ack: a}
	case "finish":
		w.ended[w.task(args[0])] = true
		return job.Event{Finished: w.ack(args[0], args[1:])}
	case "fail":
		err := errors.New(strings.Join(args[1:], " "))
		if args[1] == "damaged" {
			err = fmt.Errorf("%w: %s", state.ErrCorrupt, args[2])
		}
		return job.Event{Failed: &job.Failure{Task: w.task(args[0]), Err: err}}
	case "damaged":
		return job.Event{Damaged: fmt.Errorf("%w: %s", state.ErrCorrupt, args[0])}
	case "whole":
		if args[0] == "none" {
			return job.Event{Whole: &job.Whole{Err: errors.New("no checkpoint can be used")}}
		}
		return job.Event{Whole: &job.Whole{Manifest: w.pending[base.Epoch(number(args[0]))]}}
	case "stopped":
		id := w.task(args[0])
		return job.Event{Stopped: &id}
	case "saved":
		e := base.Epoch(number(args[0]))
		w.saved = w.pending[e]
		return job.Event{Saved: e}
	case "save-failed":
		return job.Event{SaveFailed: &job.Failure{Epoch: base.Epoch(number(args[0])), Err: errors.New(strings.Join(args[1:], " "))}}
	case "committed":
		return job.Event{Committed: base.Epoch(number(args[0]))}
	case "not-done":
		return job.Event{NotDone: &job.Failure{Err: errors.New(strings.Join(args, " "))}}
	case "checkpoint":
		return job.Event{Checkpoint: true}
	case "savepoint":
		return job.Event{Savepoint: &job.SavepointRequest{ID: args[0], Stop: slices.Contains(args, "stop"), Drain: slices.Contains(args, "drain")}}
	case "copied":
		c := &job.Copied{ID: args[0], Path: "sp"}
		if len(args) > 1 {
			c = &job.Copied{ID: args[0], Err: errors.New(strings.Join(args[1:], " "))}
		}
		return job.Event{Copied: c}
	case "cancel":
		return job.Event{Cancel: true}
	case "lost":
		return job.Event{Lost: errors.New("taken over")}
	case "kill":
		return job.Event{Kill: true}
	}
	w.t.Fatalf("no event %q", word)
	return job.Event{}
}

func (w *world) ack(name string, words []string) *job.Ack {
	a := &job.Ack{Task: w.task(name), State: map[string]state.Handle{}, Prepared: map[string][][]byte{}}
	for _, word := range words {
		k, v, _ := strings.Cut(word, "=")
		switch k {
		case "prepared":
			a.Prepared["sink"] = append(a.Prepared["sink"], []byte(v))
		case "split":
			a.Splits = append(a.Splits, connect.Split{ID: v})
		case "state":
			a.State["sink"] = state.Handle{Range: base.RangeOf(a.Task.Subtask, w.laid.Vertices[1].Parallelism, 8)}
		case "overtaken":
			a.Overtaken = true
		case "failed":
			a.Err = errors.New("upload failed")
		default:
			w.t.Fatalf("no word %q of an acknowledgement", word)
		}
	}
	return a
}

// carryOut notes what a command needs of the world, and writes it down.
func (w *world) carryOut(c job.Command) string {
	switch {
	case c.Recover != nil:
		return fmt.Sprintf("recover from %d%s", c.Recover.Epoch, prepared(c.Recover.Prepared))
	case c.Deploy != nil:
		d := c.Deploy
		w.tasks = append(w.tasks, d.Task)
		line := fmt.Sprintf("deploy %s attempt %d", d.Task, d.Task.Attempt)
		for _, op := range slices.Sorted(maps.Keys(d.Restore)) {
			for _, h := range d.Restore[op] {
				line += fmt.Sprintf(" %s=%d-%d", op, h.Range.Lo, h.Range.Hi)
			}
		}
		return line
	case c.LayOut != nil:
		w.laid = c.LayOut
		return fmt.Sprintf("lay out %d → %d", c.LayOut.Vertices[0].Parallelism, c.LayOut.Vertices[1].Parallelism)
	case c.Stop != nil:
		return fmt.Sprintf("stop %s", c.Stop)
	case c.Assign != nil:
		a := c.Assign.Assignment
		line := fmt.Sprintf("assign %s", c.Assign.Task)
		for _, s := range a.Splits {
			line += " " + s.ID
		}
		if a.Done {
			line += " done"
		}
		if a.Hold {
			line += " hold"
		}
		return line
	case c.Align != nil:
		if c.Align.Time == 1<<63-1 {
			return fmt.Sprintf("limit %v none", c.Align.Tasks)
		}
		return fmt.Sprintf("limit %v %d", c.Align.Tasks, c.Align.Time/1000)
	case c.Barrier != nil:
		return fmt.Sprintf("barrier %d %v", c.Barrier.Epoch, c.Barrier.Tasks)
	case c.Notify != nil:
		return fmt.Sprintf("notify %d %v", c.Notify.Epoch, c.Notify.Tasks)
	case c.Save != nil:
		w.pending[c.Save.Epoch] = c.Save
		return "save " + manifest(c.Save)
	case c.Commit != nil:
		return fmt.Sprintf("commit %d%s", c.Commit.Epoch, prepared(c.Commit.Prepared))
	case c.GoBack:
		return "go back"
	case c.Pause != nil && c.Pause.On:
		return fmt.Sprintf("pause %v", c.Pause.Tasks)
	case c.Pause != nil:
		return fmt.Sprintf("go on %v", c.Pause.Tasks)
	case c.Drain != nil:
		return fmt.Sprintf("drain %v", c.Drain)
	case c.Copy != nil:
		return fmt.Sprintf("copy for %s: %s", c.Copy.Request.ID, manifest(c.Copy.Manifest))
	case c.Answer != nil && c.Answer.Err != nil:
		return fmt.Sprintf("answer %s: %v", c.Answer.ID, c.Answer.Err)
	case c.Answer != nil:
		return fmt.Sprintf("answer %s: %s", c.Answer.ID, c.Answer.Path)
	case c.Log != "":
		return "log " + c.Log
	case c.Done != nil:
		line := "done"
		if c.Done.Lost {
			line += " lost"
		}
		if c.Done.Cancelled {
			line += " cancelled"
		}
		if c.Done.From != nil {
			line += fmt.Sprintf(" from %d", c.Done.From.Epoch)
		}
		if c.Done.Err != nil {
			line += ": " + c.Done.Err.Error()
		}
		return line
	}
	w.t.Fatalf("an empty command")
	return ""
}

func manifest(m *checkpoint.Manifest) string {
	line := strconv.FormatUint(uint64(m.Epoch), 10)
	if src := m.Sources["src"]; len(src.Splits) > 0 || string(src.Enumerator) != "null" {
		line += fmt.Sprintf(" waiting=%s", src.Enumerator)
		for _, s := range src.Splits {
			line += " " + s.ID
		}
	}
	for _, h := range m.Operators["sink"] {
		line += fmt.Sprintf(" state=%d-%d", h.Range.Lo, h.Range.Hi)
	}
	line += prepared(m.Prepared)
	if m.Ended {
		line += " ended"
	}
	if m.Finished {
		line += " finished"
	}
	return line
}

func prepared(p map[string][][]byte) string {
	if len(p["sink"]) == 0 {
		return ""
	}
	return " prepared=" + string(bytes.Join(p["sink"], []byte(",")))
}

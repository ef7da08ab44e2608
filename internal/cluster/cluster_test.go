package cluster_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/build"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/cluster"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/fsys/mem"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A tap is a source of one split whose rows a test lets through.
type tap struct {
	rows  chan int64 // closed at the end
	polls atomic.Int64
	wake  chan func() // the reader's, once it is there
	fail  atomic.Bool // the next poll
}

func newTap() *tap { return &tap{rows: make(chan int64, 100), wake: make(chan func(), 10)} }

func (s *tap) Bounded() bool { return true }

func (s *tap) Enumerator(saved []byte, _ func()) (connect.Enumerator, error) {
	return &tapSplits{saved != nil}, nil
}

func (s *tap) Reader(_ int, wake func()) (connect.Reader, error) {
	s.wake <- wake
	return &tapReader{tap: s}, nil
}

type tapSplits struct{ given bool }

func (e *tapSplits) Assign(int) ([]connect.Split, bool, error) {
	if e.given {
		return nil, true, nil
	}
	e.given = true
	return []connect.Split{{ID: "s"}}, false, nil
}

func (e *tapSplits) Waiting() int              { return 0 }
func (e *tapSplits) Ordered() bool             { return true }
func (e *tapSplits) Return(s []connect.Split)  { e.given = len(s) == 0 }
func (e *tapSplits) Snapshot() ([]byte, error) { return []byte("1"), nil }
func (e *tapSplits) Close() error              { return nil }

type tapReader struct {
	*tap
	open bool
}

func (r *tapReader) Add([]connect.Split) error { r.open = true; return nil }

func (r *tapReader) Poll(string) (connect.Polled, error) {
	if !r.open {
		return connect.Polled{Empty: true}, nil
	}
	r.polls.Add(1)
	if r.fail.CompareAndSwap(true, false) {
		return connect.Polled{}, errors.New("the tap drips")
	}
	select {
	case v, ok := <-r.rows:
		if !ok {
			r.open = false
			return connect.Polled{Split: "s", Ended: true, Empty: true}, nil
		}
		return connect.Polled{Split: "s", Batch: &vec.Batch{Rows: 1, Cols: []vec.Vector{&vec.Fixed[int64]{Vals: []int64{v}}}}}, nil
	default:
		return connect.Polled{}, nil
	}
}

func (r *tapReader) Snapshot() ([]connect.Split, error) {
	if !r.open {
		return nil, nil
	}
	return []connect.Split{{ID: "s"}}, nil
}
func (r *tapReader) Committed(uint64) {}
func (r *tapReader) Close() error     { return nil }

// current is the tap that connector 'tap' reads.
var current *tap

func init() {
	connect.Register(&connect.Connector{Name: "tap", Source: func(connect.Table, connect.Scan) (connect.Source, error) { return current, nil }})
}

// A basin is what is written: a row is there at once.
type basin struct {
	mu   sync.Mutex
	rows []int64
	came chan int64
}

func (b *basin) Write(batch *vec.Batch) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range batch.Len() {
		v := vec.Flat(batch.Cols[0]).(*vec.Fixed[int64]).Vals[batch.Row(i)]
		b.rows = append(b.rows, v)
		b.came <- v
	}
	return nil
}

func (b *basin) Prepare(uint64) ([][]byte, error) { return nil, nil }
func (b *basin) Close() error                     { return nil }

// pipe is a job tap ⇒ basin, started.
type pipe struct {
	tap   *tap
	basin *basin
	local *cluster.Local
	out   chan job.Outcome
	log   chan string
	stop  func()
}

func start(t *testing.T, opt job.Options, storage *checkpoint.Storage) *pipe {
	t.Helper()
	schema := types.Schema{{Name: "v", Type: types.TBigInt}}
	p := &pipe{tap: newTap(), basin: &basin{came: make(chan int64, 100)}, out: make(chan job.Outcome, 1), log: make(chan string, 100)}
	current = p.tap
	p.local = &cluster.Local{Options: opt, Storage: storage, Log: func(l string) { p.log <- l },
		Graph: &jobgraph.Graph{ID: "job", MaxParallelism: 8, Vertices: []jobgraph.Vertex{
			{Name: "tap", Parallelism: 1, Source: &jobgraph.Source{ID: "tap", Connector: "tap", Output: schema}},
			{Name: "basin", Parallelism: 1, Ops: []jobgraph.Op{{ID: "basin", Spec: &jobgraph.Sink{}, Output: schema}}},
		}, Edges: []jobgraph.Edge{{From: 0, To: 1, Ship: jobgraph.Gather}}},
		World: &build.World{Env: &fn.Env{Streaming: true, Now: env.Now}, Memory: &base.Budget{}, Backend: lsm.Backend{},
			Writer: func(string, *jobgraph.Sink) connect.Writer { return p.basin }}}
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	t.Cleanup(cancel)
	go func() {
		out, err := p.local.Run(ctx)
		if err != nil {
			out.Err = err
		}
		p.out <- out
	}()
	return p
}

func (p *pipe) outcome(t *testing.T) job.Outcome {
	t.Helper()
	select {
	case out := <-p.out:
		return out
	case <-time.After(time.Minute):
		t.Fatal("the job does not end")
	}
	return job.Outcome{}
}

// TestWake shows that a task sleeps while its reader has nothing, but for ticks, and
// that a row is through when the reader wakes it.
func TestWake(t *testing.T) {
	p := start(t, job.Options{}, nil)
	wake := <-p.tap.wake
	time.Sleep(100 * time.Millisecond)
	before := p.tap.polls.Load()
	time.Sleep(500 * time.Millisecond)
	if n := p.tap.polls.Load() - before; n > 60 {
		t.Errorf("the reader was asked %d times in half a second", n)
	}
	for v := range int64(5) {
		p.tap.rows <- v
		wake()
		select {
		case <-p.basin.came:
		case <-time.After(10 * time.Second):
			t.Fatal("the row does not come")
		}
	}
	close(p.tap.rows)
	wake()
	if out := p.outcome(t); out.Err != nil || len(p.basin.rows) != 5 {
		t.Errorf("%+v, %v", out, p.basin.rows)
	}
}

// TestRestart shows a task that fails, and the job that goes on after it.
func TestRestart(t *testing.T) {
	p := start(t, job.Options{Restart: job.Restart{Attempts: 1}}, nil)
	wake := <-p.tap.wake
	p.tap.fail.Store(true)
	wake()
	wake = <-p.tap.wake
	if l := <-p.log; !strings.Contains(l, "restarting after: the tap drips") {
		t.Error(l)
	}
	p.tap.rows <- 7
	wake()
	<-p.basin.came
	p.tap.fail.Store(true)
	wake()
	if out := p.outcome(t); out.Err == nil || out.Err.Error() != "the tap drips" {
		t.Errorf("%+v", out)
	}
}

// TestCancel shows that a job that is cancelled takes a last checkpoint, and that it
// is there.
func TestCancel(t *testing.T) {
	s := &checkpoint.Storage{FS: mem.New(nil), Dir: "job"}
	p := start(t, job.Options{FailuresMax: -1}, s)
	wake := <-p.tap.wake
	p.tap.rows <- 1
	wake()
	<-p.basin.came
	p.stop()
	out := p.outcome(t)
	if out.Err != nil || !out.Cancelled || out.From == nil || out.From.Epoch != 1 {
		t.Fatalf("%+v", out)
	}
	m, err := s.Load(1)
	if err != nil || len(m.Sources["tap"].Splits) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestTakenOver shows that a job whose folder another process has taken ends, and
// writes no checkpoint.
func TestTakenOver(t *testing.T) {
	s := &checkpoint.Storage{FS: mem.New(nil), Dir: "job"}
	lease := func(pid int, alive bool) (*checkpoint.Lease, error) {
		return s.Acquire(checkpoint.World{Self: checkpoint.Process{Pid: pid, Place: "here"}, Now: env.Now,
			Alive: func(checkpoint.Process) bool { return alive }, Token: func() string { return string(rune('a' + pid)) }})
	}
	var err error
	if s.Lease, err = lease(1, true); err != nil {
		t.Fatal(err)
	}
	p := start(t, job.Options{FailuresMax: -1, Restart: job.Restart{Attempts: -1}}, s)
	<-p.tap.wake
	if _, err := lease(2, false); err != nil {
		t.Fatal(err)
	}
	p.local.Send(job.Event{Checkpoint: true})
	out := p.outcome(t)
	if !out.Lost || !errors.Is(out.Err, checkpoint.ErrLost) {
		t.Errorf("%+v", out)
	}
	if s.Any() {
		t.Error("a checkpoint was written")
	}
}

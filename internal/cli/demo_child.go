package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A progressLine is what `run --progress-json` writes to stderr again and again,
// for a program that watches it: one JSON object on a line.
type progressLine struct {
	At          int64 `json:"at_us"` // since 1970
	Rows        int64 `json:"rows"`  // read, since this process began
	Out         int64 `json:"out"`
	Late        int64 `json:"late"`                // rows dropped behind the watermark
	Watermark   int64 `json:"watermark,omitempty"` // microseconds since 1970; 0: none yet
	Checkpoints int   `json:"checkpoints"`         // complete, since this process began
	Epoch       int64 `json:"epoch"`               // the last one's number
	Took        int64 `json:"took_us"`             // the last one's duration
	State       int64 `json:"state_bytes"`         // its size
}

// progressLines writes progress as lines of JSON until the function it returns is
// called, which writes the last one.
func (r *runner) progressLines() (stop func()) {
	quit, gone := make(chan struct{}), make(chan struct{})
	enc := json.NewEncoder(r.w.err)
	go func() {
		defer close(gone)
		tick := time.NewTicker(r.watched)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				enc.Encode(r.progressLine())
				return
			case <-tick.C:
				enc.Encode(r.progressLine())
			}
		}
	}()
	return func() { close(quit); <-gone }
}

func (r *runner) progressLine() (p progressLine) {
	p.At = time.Now().UnixMicro()
	mark := int64(math.MaxInt64)
	for _, j := range r.s.Jobs() {
		s := j.Status()
		p.Rows, p.Out, p.Late, p.Checkpoints = p.Rows+s.SourceRows, p.Out+s.SinkRows, p.Late+s.LateDropped, p.Checkpoints+s.Checkpoints
		p.Epoch, p.Took, p.State = max(p.Epoch, int64(s.Epoch)), max(p.Took, s.CheckpointUs), p.State+s.StateBytes
		mark = min(mark, s.Watermark)
	}
	if mark != math.MaxInt64 && mark != math.MinInt64 {
		p.Watermark = mark
	}
	return p
}

// A child is a `millrace run` in a process of its own.
type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // then

	mu     sync.Mutex
	status progressLine
	lines  []string // of its log, not yet taken
	all    []string
}

// startChild runs this program with arguments in a folder.
func startChild(dir string, args ...string) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(exe, args...), done: make(chan struct{})}
	c.cmd.Dir = dir
	// what it prints is for the log; without a terminal it prints no tables
	pipe, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	c.cmd.Stdout = io.Discard
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.done)
		c.read(pipe)
		c.err = c.cmd.Wait()
	}()
	return c, nil
}

func (c *child) read(r io.Reader) {
	for in := bufio.NewScanner(r); in.Scan(); {
		var p progressLine
		c.mu.Lock()
		if strings.HasPrefix(in.Text(), "{") && json.Unmarshal(in.Bytes(), &p) == nil {
			c.status = p
		} else {
			c.lines = append(c.lines, in.Text())
			c.all = append(c.all, in.Text())
		}
		c.mu.Unlock()
	}
}

// look returns the last progress and the log lines that have come.
func (c *child) look() (progressLine, []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := c.lines
	c.lines = nil
	return c.status, lines
}

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// kill ends it at once, as a crash does, and waits for the end.
func (c *child) kill() {
	c.cmd.Process.Kill()
	<-c.done
}

// interrupt asks it to end after a last checkpoint.
func (c *child) interrupt() error { return c.cmd.Process.Signal(syscall.SIGINT) }

// failure is why it has ended, with what it said last; nil if all went well.
func (c *child) failure() error {
	<-c.done
	if c.err == nil {
		return nil
	}
	said := c.all[max(0, len(c.all)-5):]
	return fmt.Errorf("millrace run ended: %w: %s", c.err, strings.Join(said, "; "))
}

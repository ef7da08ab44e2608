package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// queries have the key first, and last a time in microseconds: of the arrival of the
// row that made it, or of the end of the window.
var queries = map[string]string{
	"group":  "SELECT k, COUNT(*), MAX(at_us) FROM t GROUP BY k",
	"window": "SELECT k, COUNT(*), 1000000 * UNIX_TIMESTAMP(CAST(window_end AS STRING)) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end",
}

func (c config) script(q, dir string) string {
	return fmt.Sprintf(`CREATE TABLE t (k BIGINT, at_us BIGINT, ts AS TO_TIMESTAMP_LTZ(at_us / 1000, 3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv', 'source.monitor-interval' = '%d ms', 'source.file-order' = 'name', 'scan.parallelism' = '1');
CREATE TABLE o (k BIGINT, c BIGINT, at_us BIGINT) WITH ('connector' = 'print');
INSERT INTO o %s;
`, dir, max(c.monitor.Milliseconds(), 1), queries[q])
}

// A figure is what was measured of a query; times are milliseconds.
type figure struct {
	Query  string  `json:"query"`
	Rows   int     `json:"rows"`   // that came out and count
	Median float64 `json:"median"` // from the arrival to the row
	P99    float64 `json:"p99"`
	Most   float64 `json:"most"`
	Timer  float64 `json:"timer_p99"` // by how much a timer of 1 ms is late
	Rename float64 `json:"rename"`    // the longest that a file took to appear
	CPU    float64 `json:"cpus"`      // processors that the job was busy on
}

// measure runs a query while rows come.
func (c config) measure(ctx context.Context, q string) (figure, error) {
	fig := figure{Query: q}
	dir := filepath.Join(c.Work, q)
	rows := filepath.Join(dir, "rows")
	if err := os.MkdirAll(rows, 0o755); err != nil {
		return fig, err
	}
	script := filepath.Join(dir, "job.sql")
	if err := os.WriteFile(script, []byte(c.script(q, rows)), 0o644); err != nil {
		return fig, err
	}
	args := []string{"run", script, "--mode", "streaming", "--quiet", "--parallelism", strconv.Itoa(c.parallelism), "--set", "table.local-time-zone=UTC"}
	if c.checkpoints > 0 {
		args = append(args, "--checkpoint-dir", filepath.Join(dir, "checkpoints"), "--set", fmt.Sprintf("execution.checkpointing.interval=%d ms", c.checkpoints.Milliseconds()))
	}
	if c.profiles != "" {
		args = append(args, "--cpu-profile", filepath.Join(c.profiles, q+".prof"))
	}
	cmd := exec.Command(c.Millrace, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return fig, err
	}
	if err := cmd.Start(); err != nil {
		return fig, err
	}
	began := time.Now()
	from := began.Add(c.warm)
	w := &watch{window: q == "window", from: from}
	read := make(chan struct{})
	go func() {
		defer close(read)
		w.read(pipe)
	}()
	fed, stop := context.WithCancel(ctx)
	late := make(chan []float64, 1)
	go func() { late <- lateness(fed) }()
	f := &feed{dir: rows, rate: c.rate, files: c.files, keys: c.keys, comes: w.arrived}
	err = f.run(ctx, from.Add(c.length))
	stop()
	time.Sleep(time.Second) // what has arrived comes out
	_ = cmd.Process.Signal(os.Interrupt)
	<-read
	ended := cmd.Wait()
	if err != nil {
		return fig, err
	}
	if len(w.ms) == 0 {
		return fig, fmt.Errorf("no rows came out: %w: %s", ended, errs.Bytes())
	}
	slices.Sort(w.ms)
	timer := <-late
	slices.Sort(timer)
	fig.Rows, fig.Median, fig.P99, fig.Most, fig.Timer = len(w.ms), quantile(w.ms, 0.5), quantile(w.ms, 0.99), w.ms[len(w.ms)-1], quantile(timer, 0.99)
	fig.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds() / time.Since(began).Seconds()
	fig.Rename = float64(f.slow) / 1e6
	return fig, c.complete(q, f.rows, w)
}

// complete fails if not all rows have come out.
func (c config) complete(q string, rows int, w *watch) error {
	if q == "group" && w.all != rows {
		return fmt.Errorf("%d rows went in, %d came out", rows, w.all)
	}
	if least := c.keys * int(c.length.Seconds()-1); q == "window" && len(w.ms) < least {
		return fmt.Errorf("%d rows came out, where %d windows have ended", len(w.ms), least)
	}
	return nil
}

// quantile is that of figures in order.
func quantile(sorted []float64, q float64) float64 {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// A watch reads what is printed and notes when.
type watch struct {
	window bool
	from   time.Time // rows of before do not count
	all    int       // rows that came, but for those that are taken back
	ms     []float64

	mu    sync.Mutex
	came  map[int64]int64 // when the rows of a time came
	first map[int64]int64 // the time of the first row that is in a second or behind it
	last  int64
}

// arrived notes that rows of a time come: the first of a second completes the windows
// before it.
func (w *watch) arrived(at, came time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.first == nil {
		w.first, w.came = map[int64]int64{}, map[int64]int64{}
	}
	us := at.UnixMicro()
	w.came[us] = came.UnixMicro()
	// a watermark at the last millisecond of a window completes it
	if end := (us/1000 + 1) / 1000; end > w.last {
		w.last, w.first[end] = end, us
	}
}

// read reads until the end.
func (w *watch) read(r io.Reader) {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if us, err := w.made(line); err == nil && us >= w.from.UnixMicro() {
			w.ms = append(w.ms, float64(time.Now().UnixMicro()-us)/1000)
		}
	}
}

var errNoRow = errors.New("a line that is no new row")

// made returns when what made a row had arrived.
func (w *watch) made(line string) (int64, error) {
	_, row, ok := strings.Cut(strings.TrimSuffix(line, "]\n"), "+")
	if !ok {
		return 0, errNoRow
	}
	us, err := strconv.ParseInt(row[strings.LastIndexByte(row, ' ')+1:], 10, 64)
	if err != nil {
		return 0, errNoRow
	}
	w.all++
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.window {
		var ok bool
		if us, ok = w.first[us/1e6]; !ok {
			return 0, errNoRow
		}
	}
	at, ok := w.came[us]
	if !ok {
		return 0, errNoRow
	}
	return at, nil
}

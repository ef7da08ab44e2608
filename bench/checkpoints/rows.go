package main

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"time"
)

// toPrint makes a query's sink one that prints. Both engines print a change as a line,
// at once.
func toPrint(statement string) string {
	return strings.Replace(statement, "'connector' = 'blackhole'", "'connector' = 'print'", 1)
}

// A watch reads what an engine prints and notes when rows come. Other lines, as those
// of logs, do not count.
type watch struct {
	mu    sync.Mutex
	rows  int64
	first time.Time     // when the first row came since mark; zero: none has
	last  time.Time     // when the last row came
	gap   time.Duration // the longest time between two rows since mark
}

// read reads until the end.
func (w *watch) read(r io.Reader) {
	buf, rest := make([]byte, 1<<20), 0
	for {
		n, err := r.Read(buf[rest:])
		if n > 0 {
			rest = w.chunk(buf[:rest+n])
		}
		if err != nil {
			return
		}
	}
}

// chunk takes in what was read, keeps the last line if it is not whole, and returns how
// long it is. A line that fills the buffer is dropped: no row is as long.
func (w *watch) chunk(b []byte) int {
	at, rows := b, int64(0)
	for {
		end := bytes.IndexByte(at, '\n')
		if end < 0 {
			break
		}
		if isRow(at[:end]) {
			rows++
		}
		at = at[end+1:]
	}
	if rows > 0 {
		w.note(rows, time.Now())
	}
	if len(at) == len(b) && len(b) == cap(b) {
		return 0
	}
	return copy(b, at)
}

func (w *watch) note(rows int64, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.first.IsZero() {
		w.first = now
	} else {
		w.gap = max(w.gap, now.Sub(w.last))
	}
	w.rows, w.last = w.rows+rows, now
}

// isRow reports whether a line is a change: +I[1, abc], behind '2> ' if there are
// several subtasks.
func isRow(line []byte) bool {
	if i := bytes.Index(line[:min(len(line), 8)], []byte("> ")); i >= 0 {
		line = line[i+2:]
	}
	return len(line) > 3 && (line[0] == '+' || line[0] == '-') && (line[1] == 'I' || line[1] == 'U' || line[1] == 'D') && line[2] == '['
}

// mark begins to look for a first row and for gaps anew.
func (w *watch) mark() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first, w.gap = time.Time{}, 0
}

// look returns what was noted since mark, and all rows.
func (w *watch) look() (first, last time.Time, gap time.Duration, rows int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.first, w.last, w.gap, w.rows
}

// Package print is the connector 'print': a table whose changes are written to
// standard output, or standard error, a line each, as Flink prints them:
//
//	+I[1, abc, 2026-01-01T00:00]
//	id:2> -U[1, abc, null]
//
// The prefix has 'print-identifier', and the subtask from 1 if there are several.
package print

import (
	"io"
	"os"
	"strconv"
	"sync"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() { connect.Register(Connector(os.Stdout, os.Stderr)) }

// Connector returns the connector that writes to these two.
func Connector(stdout, stderr io.Writer) *connect.Connector {
	out, err := &shared{w: stdout}, &shared{w: stderr}
	return &connect.Connector{
		Name: "print",
		Options: []connect.Option{
			{Key: "print-identifier", Doc: "what each line begins with"},
			{Key: "standard-error", Default: "false", Doc: "print to standard error", Check: checkBool},
		},
		Sink: func(t connect.Table, w connect.Write) (connect.Sink, error) {
			s := &sink{types: t.Schema.Types(), id: t.Options.String("print-identifier", ""), parallelism: w.Parallelism, out: out}
			toErr, bad := t.Options.Bool("standard-error", false)
			if bad != nil {
				return nil, bad
			}
			if toErr {
				s.out = err
			}
			return s, nil
		},
	}
}

func checkBool(s string) error { _, err := connect.Options{"it": s}.Bool("it", false); return err }

// shared is a stream that all print tables of the process write to, some lines at
// a time and never into each other's.
type shared struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

type sink struct {
	types       []types.Type
	id          string
	parallelism int
	out         *shared
}

// Accepts implements connect.Sink.
func (s *sink) Accepts() connect.Changes { return connect.AllChanges }

// Writer implements connect.Sink.
func (s *sink) Writer(subtask int) (connect.Writer, error) {
	prefix := s.id
	if s.parallelism > 1 {
		if prefix != "" {
			prefix += ":"
		}
		prefix += strconv.Itoa(subtask + 1)
	}
	if prefix != "" {
		prefix += "> "
	}
	return &writer{types: s.types, prefix: prefix, out: s.out}, nil
}

// Committer implements connect.Sink. What is printed cannot be taken back: after a
// failure lines come again.
func (s *sink) Committer() (connect.Committer, error) { return nil, nil }

type writer struct {
	types  []types.Type
	prefix string
	out    *shared
	buf    []byte
}

// Write implements connect.Writer.
func (w *writer) Write(b *vec.Batch) error {
	w.buf = w.buf[:0]
	for i := range b.Len() {
		row := b.Row(i)
		w.buf = append(w.buf, w.prefix...)
		w.buf = appendRow(w.buf, b.Kind(row), w.types, b.Cols, row)
		w.buf = append(w.buf, '\n')
	}
	if len(w.buf) == 0 {
		return nil
	}
	_, err := w.out.Write(w.buf)
	return err
}

// Prepare implements connect.Writer.
func (w *writer) Prepare(uint64) ([][]byte, error) { return nil, nil }

// Close implements connect.Writer.
func (w *writer) Close() error { return nil }

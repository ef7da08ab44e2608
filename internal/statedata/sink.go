package statedata

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// optSavepoint names what INSERT makes.
const optSavepoint = "sink.path"

// sink makes a savepoint of the rows of a batch job. Its writers keep them in files
// beside the savepoint's folder, which the committer reads.
type sink struct {
	table connect.Table
	write connect.Write
	to    string
	types []types.Type // of the rows
}

func newSink(t connect.Table, w connect.Write) (connect.Sink, error) {
	if !w.Bounded {
		return nil, errors.New("state is written by jobs that end: SET 'execution.runtime-mode' = 'batch'")
	}
	v, err := pinTable(t.Options)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	places, err := v.Table.places(t, every(len(t.Schema)))
	if err != nil {
		return nil, err
	}
	if err := v.Table.Writable(places); err != nil {
		return nil, err
	}
	s := &sink{table: t, write: w, to: strings.TrimPrefix(t.Options.String(optSavepoint, v.Dir+"-written"), "file://")}
	for _, p := range places {
		s.types = append(s.types, v.Table.Columns[p].Type)
	}
	if _, err = checkpoint.NewSavepoint(v.FS, s.to); err != nil {
		return nil, fmt.Errorf("%w by the option '%s'", err, optSavepoint)
	}
	return s, nil
}

func every(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// Accepts implements connect.Sink.
func (s *sink) Accepts() connect.Changes { return connect.AppendOnly }

// Writer implements connect.Sink.
func (s *sink) Writer(subtask int) (connect.Writer, error) {
	f, err := os.Create(fmt.Sprintf("%s.rows-%s-%d", s.to, s.write.JobID, subtask))
	if err != nil {
		return nil, err
	}
	return &writer{s: s, f: f, out: bufio.NewWriter(f)}, nil
}

// Committer implements connect.Sink.
func (s *sink) Committer() (connect.Committer, error) { return &committer{s}, nil }

// writer writes rows to a file, each behind its length.
type writer struct {
	s        *sink
	f        *os.File
	out      *bufio.Writer
	row      []byte
	prepared bool
}

// Write implements connect.Writer.
func (w *writer) Write(b *vec.Batch) error {
	b = vec.Compact(b)
	var size [binary.MaxVarintLen64]byte
	for i := range b.Rows {
		w.row = keyenc.AppendRow(w.row[:0], w.s.types, b.Cols, i)
		w.out.Write(binary.AppendUvarint(size[:0], uint64(len(w.row))))
		if _, err := w.out.Write(w.row); err != nil {
			return err
		}
	}
	return nil
}

// token is what a writer tells the committer.
type token struct{ Rows string }

// Prepare implements connect.Writer.
func (w *writer) Prepare(uint64) ([][]byte, error) {
	if w.prepared {
		return nil, nil
	}
	w.prepared = true
	t, err := json.Marshal(token{w.f.Name()})
	return [][]byte{t}, errors.Join(err, w.out.Flush(), w.f.Close())
}

// Close implements connect.Writer.
func (w *writer) Close() error {
	if w.prepared {
		return nil
	}
	return errors.Join(w.f.Close(), os.Remove(w.f.Name()))
}

// committer makes the savepoint.
type committer struct{ s *sink }

// Commit implements connect.Committer.
func (c *committer) Commit(_ context.Context, _ uint64, prepared [][]byte) error {
	var names []string
	for _, p := range prepared {
		var t token
		if err := json.Unmarshal(p, &t); err != nil {
			return err
		}
		names = append(names, t.Rows)
	}
	if len(names) == 0 {
		return nil
	}
	err := c.s.save(names)
	for _, n := range names {
		if rm := os.Remove(n); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
			err = errors.Join(err, rm)
		}
	}
	return err
}

// Abort implements connect.Committer.
func (c *committer) Abort(context.Context, uint64, [][]byte) error { return nil }

// Close implements connect.Committer.
func (c *committer) Close() error { return nil }

// save makes the savepoint of the rows in files.
func (s *sink) save(names []string) error {
	o := s.table.Options
	v, err := Pin(local.New(""), o[optPath], o[optOperator], o[optTable])
	if err != nil {
		return err
	}
	defer v.Close()
	places, err := v.Table.places(s.table, every(len(s.table.Schema)))
	if err != nil {
		return err
	}
	e := &Edit{From: v, To: s.to, Replace: s.write.Overwrite, Columns: places, Rows: func(f func(*vec.Batch) error) error {
		for _, n := range names {
			if err := s.read(n, f); err != nil {
				return err
			}
		}
		return nil
	}}
	if err := e.Do(); err != nil {
		return fmt.Errorf("make savepoint %s: %w", s.to, err)
	}
	return nil
}

// read calls f with the rows of a file.
func (s *sink) read(name string, f func(*vec.Batch) error) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	r := bufio.NewReader(in)
	var row []byte
	for done := false; !done; {
		bs := make([]*vec.Builder, len(s.types))
		for i, t := range s.types {
			bs[i] = vec.NewBuilder(t)
		}
		n := 0
		for ; n < vec.BatchRowsMax; n++ {
			size, err := binary.ReadUvarint(r)
			if err == io.EOF {
				done = true
				break
			}
			if err != nil {
				return err
			}
			if uint64(cap(row)) < size {
				row = make([]byte, size)
			}
			row = row[:size]
			if _, err := io.ReadFull(r, row); err != nil {
				return err
			}
			if _, err := keyenc.DecodeRow(row, s.types, bs); err != nil {
				return err
			}
		}
		if n == 0 {
			break
		}
		b := &vec.Batch{Rows: n}
		for _, x := range bs {
			b.Cols = append(b.Cols, x.Finish())
		}
		if err := f(b); err != nil {
			return err
		}
	}
	return nil
}

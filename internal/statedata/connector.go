package statedata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Connector is the name of the connector that reads and writes state, and, in upper
// case, of the function that stands for its tables in a query.
const Connector = "state"

// The options of its tables.
const (
	optPath     = "path"
	optOperator = "operator"
	optTable    = "table"
)

func init() {
	connect.Register(&connect.Connector{Name: Connector, Columns: columnsOf, Source: newSource, Sink: newSink, Overwrites: true, Options: []connect.Option{
		{Key: optPath, Doc: "The checkpoint: a manifest `chk-N.json`, a savepoint, or the folder of a job, of which the newest is read when the query starts."},
		{Key: optOperator, Doc: "The operator: its id, or a part of its name that no other one has."},
		{Key: optTable, Doc: "The table, where the operator has several. `millrace state ls` lists them."},
		{Key: optSavepoint, Doc: "The folder of the savepoint that INSERT makes; by default that of what is read, with `-written` behind its name."},
	}})
}

// pinTable opens the table that options mean.
func pinTable(o connect.Options) (*View, error) {
	for _, key := range []string{optPath, optOperator} {
		if o[key] == "" {
			return nil, fmt.Errorf("connector '%s' needs the option '%s'", Connector, key)
		}
	}
	return Pin(local.New(""), o[optPath], o[optOperator], o[optTable])
}

func columnsOf(o connect.Options) (types.Schema, error) {
	v, err := pinTable(o)
	if err != nil {
		return nil, err
	}
	return v.Table.Columns, v.Close()
}

// source reads one table of one checkpoint, by one reader.
type source struct {
	table connect.Table
	scan  connect.Scan
}

func newSource(t connect.Table, scan connect.Scan) (connect.Source, error) {
	v, err := pinTable(t.Options)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	_, err = v.Table.places(t, scan.Columns)
	return &source{t, scan}, err
}

// places finds the columns of a declared table.
func (t *Table) places(declared connect.Table, columns []int) ([]int, error) {
	out := make([]int, len(columns))
	for i, c := range columns {
		want := declared.Schema[c]
		at := t.Columns.Index(want.Name)
		if at < 0 {
			hint := ""
			if near := connect.Near(want.Name, t.Columns.Names()); near != "" {
				hint = fmt.Sprintf("; did you mean '%s'?", near)
			}
			return nil, fmt.Errorf("table '%s' of %s has no column '%s'%s; it has %s", t.Name, t.op.Name, want.Name, hint, strings.Join(t.Columns.Names(), ", "))
		}
		if have := t.Columns[at].Type; !sameValues(have, want.Type) {
			return nil, fmt.Errorf("column '%s' of table '%s' is %s, not %s", want.Name, t.Name, have.Name(), want.Type.Name())
		}
		out[i] = at
	}
	return out, nil
}

// sameValues reports whether types are the same but for NOT NULL.
func sameValues(a, b types.Type) bool {
	return a.Plain().Nullable(true).Name() == b.Plain().Nullable(true).Name()
}

// Bounded implements connect.Source.
func (s *source) Bounded() bool { return true }

// Enumerator implements connect.Source.
func (s *source) Enumerator(saved []byte, _ func()) (connect.Enumerator, error) {
	return &enumerator{s: s, given: len(saved) == 1 && saved[0] == 1}, nil
}

// Reader implements connect.Source.
func (s *source) Reader(_ int, wake func()) (connect.Reader, error) {
	return &reader{s: s, wake: wake}, nil
}

// enumerator has one split. Its position is how many rows were read, and of which
// manifest: a reader that begins finds that by itself.
type enumerator struct {
	s     *source
	given bool
	again []connect.Split
}

// Assign implements connect.Enumerator.
func (e *enumerator) Assign(int) ([]connect.Split, bool, error) {
	if out := e.again; len(out) > 0 {
		e.again = nil
		return out, true, nil
	}
	if e.given {
		return nil, true, nil
	}
	e.given = true
	return []connect.Split{{ID: Connector}}, true, nil
}

// Waiting implements connect.Enumerator.
func (e *enumerator) Waiting() int {
	if e.given {
		return len(e.again)
	}
	return 1
}

// Ordered implements connect.Enumerator.
func (e *enumerator) Ordered() bool { return false }

// Return implements connect.Enumerator.
func (e *enumerator) Return(splits []connect.Split) { e.again = append(e.again, splits...) }

// Snapshot implements connect.Enumerator.
func (e *enumerator) Snapshot() ([]byte, error) {
	if e.given {
		return []byte{1}, nil
	}
	return []byte{0}, nil
}

// Close implements connect.Enumerator.
func (e *enumerator) Close() error { return nil }

// readerBatchesMax is how many batches are read ahead.
const readerBatchesMax = 4

// stateBatch is rows of a manifest.
type stateBatch struct {
	*vec.Batch
	path string
}

// reader reads a split on a goroutine of its own.
type reader struct {
	s     *source
	wake  func()
	split *connect.Split
	path  string // of the manifest, once it is found
	done  int64  // rows given

	batches chan stateBatch // closed at the end
	failed  error           // before it is closed
	quit    chan struct{}
	closing sync.Once
}

// Add implements connect.Reader.
func (r *reader) Add(splits []connect.Split) error {
	if len(splits) == 0 {
		return nil
	}
	if len(splits) > 1 || r.split != nil {
		return errors.New("a checkpoint is one split")
	}
	r.split = &splits[0]
	from := r.s.table.Options[optPath]
	if p := r.split.Pos; len(p) > 8 {
		r.done, r.path = int64(binary.BigEndian.Uint64(p)), string(p[8:])
		from = r.path
	}
	r.batches, r.quit = make(chan stateBatch, readerBatchesMax), make(chan struct{})
	go r.run(from, r.done)
	return nil
}

var errQuit = errors.New("closed")

func (r *reader) run(path string, skip int64) {
	err := r.read(path, skip)
	if !errors.Is(err, errQuit) {
		r.failed = err
	}
	close(r.batches)
	r.wake()
}

// read puts the rows of a checkpoint behind the first skip into the channel.
func (r *reader) read(path string, skip int64) error {
	o := r.s.table.Options
	v, err := Pin(local.New(""), path, o[optOperator], o[optTable])
	if err != nil {
		return err
	}
	defer v.Close()
	places, err := v.Table.places(r.s.table, r.s.scan.Columns)
	if err != nil {
		return err
	}
	left := r.s.scan.Limit
	if left >= 0 {
		left = max(left-skip, 0)
	}
	return v.Table.Scan(v, func(b *vec.Batch) error {
		from := min(skip, int64(b.Rows))
		skip -= from
		to := int64(b.Rows)
		if left >= 0 {
			to = min(to, from+left)
			left -= to - from
		}
		if from < to {
			cols := make([]vec.Vector, len(places))
			for i, p := range places {
				cols[i] = b.Cols[p]
			}
			out := slice(cols, int(from), int(to))
			select {
			case r.batches <- stateBatch{out, v.Path}:
				r.wake()
			case <-r.quit:
				return errQuit
			}
		}
		if left == 0 {
			return errQuit
		}
		return nil
	})
}

// Poll implements connect.Reader.
func (r *reader) Poll(string) (connect.Polled, error) {
	if r.split == nil {
		return connect.Polled{Empty: true}, nil
	}
	select {
	case b, ok := <-r.batches:
		if ok {
			r.path, r.done = b.path, r.done+int64(b.Rows)
			return connect.Polled{Batch: b.Batch, Split: r.split.ID}, nil
		}
		if r.failed != nil {
			return connect.Polled{}, r.failed
		}
		id := r.split.ID
		r.split = nil
		return connect.Polled{Split: id, Ended: true}, nil
	default:
		return connect.Polled{}, nil
	}
}

// Snapshot implements connect.Reader.
func (r *reader) Snapshot() ([]connect.Split, error) {
	if r.split == nil {
		return nil, nil
	}
	if r.path == "" {
		return []connect.Split{*r.split}, nil
	}
	return []connect.Split{{ID: r.split.ID, Pos: append(binary.BigEndian.AppendUint64(nil, uint64(r.done)), r.path...)}}, nil
}

// Committed implements connect.Reader.
func (r *reader) Committed(uint64) {}

// Close implements connect.Reader.
func (r *reader) Close() error {
	if r.quit != nil {
		r.closing.Do(func() { close(r.quit) })
	}
	return nil
}

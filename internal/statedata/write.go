package statedata

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/vec"
)

// An Edit makes a new savepoint of a checkpoint, in which a table has other rows. The
// checkpoint stays as it is.
type Edit struct {
	From    *View
	To      string // the folder of the savepoint
	Replace bool   // the rows are all that the table has; else they replace those with their keys
	Columns []int  // of the table, in the order of the batches' columns
	// Rows gives the rows to f, as often as it is called the same ones.
	Rows func(f func(*vec.Batch) error) error
}

// Writable reports why a table cannot be written, or not with these columns.
func (t *Table) Writable(columns []int) error {
	if t.Sealed != "" {
		return misnamed("table '%s' of %s cannot be written: %s", t.Name, t.op.Name, t.Sealed)
	}
	var missing []string
	for i, c := range t.state.Columns {
		if !c.Optional() && !slices.Contains(columns, i) {
			missing = append(missing, "'"+t.Columns[i].Name+"'")
		}
	}
	if len(missing) > 0 {
		return misnamed("a row of table '%s' needs the columns %s too", t.Name, strings.Join(missing, ", "))
	}
	return nil
}

// Do makes the savepoint.
func (e *Edit) Do() error {
	t := e.From.Table
	if err := t.Writable(e.Columns); err != nil {
		return err
	}
	to, err := checkpoint.NewSavepoint(e.From.FS, e.To)
	if err != nil {
		return err
	}
	w := &writing{e: e, t: t, to: to, nowMs: env.Now() / 1000, groups: e.From.Manifest.Groups}
	handles, err := w.rewrite()
	if err != nil {
		return errors.Join(err, to.FS.RemoveAll(to.Dir))
	}
	m := *e.From.Manifest
	m.Operators = maps.Clone(m.Operators)
	if m.Operators == nil {
		m.Operators = map[string][]state.Handle{}
	}
	m.Operators[t.op.ID], m.Hash = handles, keyenc.HashVersion
	return e.From.Derive(&m, to)
}

// writing is an Edit at work: the stores of the operator's subtasks, each with its key
// groups.
type writing struct {
	e      *Edit
	t      *Table
	to     *checkpoint.Storage
	owner  string
	nowMs  int64
	groups int
	parts  []*part
	of     []int // by key group: the part

	hashes []uint64
	rows   [][]int32 // by part
}

type part struct {
	handle state.Handle
	store  state.Store
	fill   *keyed.Filler
}

// Open and what follows implement state.Files: what is there is read from the
// checkpoint, what is new goes into the savepoint.
func (w *writing) Open(name string) (fsys.File, error) {
	if f, err := w.to.Open(name); err == nil {
		return f, nil
	}
	return w.e.From.Open(name)
}

func (w *writing) Put(name string, data []byte) error { return w.to.Put(name, data) }

func (w *writing) Owner() string { return w.owner }

func (w *writing) Drop(name string, named bool) { w.to.Drop(name, named) }

func (w *writing) rewrite() (out []state.Handle, err error) {
	if err := w.open(); err != nil {
		return nil, err
	}
	defer func() {
		for _, p := range w.parts {
			p.fill.Close()
			p.store.Close()
		}
	}()
	if err := w.clear(); err != nil {
		return nil, err
	}
	for _, p := range w.parts {
		if err := p.fill.Resume(); err != nil {
			return nil, err
		}
	}
	if err := w.each(w.fill); err != nil {
		return nil, err
	}
	for _, p := range w.parts {
		if err := w.counted(p.store); err != nil {
			return nil, err
		}
		p.fill.Close()
		snap, err := p.store.Snapshot(1)
		if err == nil {
			_, err = p.store.Drain(1)
		}
		if err != nil {
			return nil, err
		}
		h, err := snap.Persist()
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// open opens a store for each subtask that the operator had.
func (w *writing) open() error {
	handles := w.t.op.Handles
	if len(handles) == 0 {
		handles = []state.Handle{{Range: base.Range{Hi: w.groups}}}
	}
	w.of = make([]int, w.groups)
	w.owner = checkpoint.Machine().Token() + "-"
	for i, h := range handles {
		s, err := lsm.Backend{}.Open(fmt.Sprintf("%s-%d-w", w.t.op.ID, i), h.Range, []state.Handle{h}, w)
		if err != nil {
			return err
		}
		w.parts = append(w.parts, &part{h, s, keyed.NewFiller(s, w.t.form, w.t.shape)})
		for g := h.Range.Lo; g < h.Range.Hi; g++ {
			w.of[g] = i
		}
	}
	w.rows = make([][]int32, len(w.parts))
	return nil
}

// clear removes what the rows replace.
func (w *writing) clear() error {
	if !w.e.Replace {
		return w.each(func(p *part, time int64, k *keyed.Keys, _ []vec.Vector, _ int) error { return p.fill.Remove(time, k) })
	}
	for _, p := range w.parts {
		if err := p.fill.Wipe(); err != nil {
			return err
		}
	}
	return nil
}

// each calls f with the rows of each part, those of one bucket together.
func (w *writing) each(f func(p *part, time int64, k *keyed.Keys, cols []vec.Vector, n int) error) error {
	return w.e.Rows(func(b *vec.Batch) error {
		b = vec.Compact(b)
		cols := make([]vec.Vector, len(w.t.Columns))
		for i, c := range w.e.Columns {
			cols[c] = vec.Flat(b.Cols[i])
		}
		w.route(cols, b.Rows)
		for i, rows := range w.rows {
			if len(rows) == 0 {
				continue
			}
			if err := w.buckets(w.parts[i], take(cols, rows), len(rows), f); err != nil {
				return err
			}
		}
		return nil
	})
}

// route sorts rows by the parts that have their key groups.
func (w *writing) route(cols []vec.Vector, n int) {
	if cap(w.hashes) < n {
		w.hashes = make([]uint64, n)
	}
	w.hashes = w.hashes[:n]
	keyenc.Hash(w.t.state.KeyColumns(cols, n), w.t.shape.Key, nil, n, w.hashes)
	for i := range w.rows {
		w.rows[i] = w.rows[i][:0]
	}
	for i, h := range w.hashes {
		p := w.of[keyenc.Group(h, w.groups)]
		w.rows[p] = append(w.rows[p], int32(i))
	}
}

// buckets calls f with the rows of each bucket.
func (w *writing) buckets(p *part, cols []vec.Vector, n int, f func(p *part, time int64, k *keyed.Keys, cols []vec.Vector, n int) error) error {
	call := func(time int64, cols []vec.Vector, n int) error {
		var k keyed.Keys
		k.Prepare(w.t.shape.Key, w.t.state.KeyColumns(cols, n), nil, n)
		return f(p, time, &k, cols, n)
	}
	times := w.t.state.Times(cols)
	if times == nil {
		return call(0, cols, n)
	}
	at := map[int64][]int32{}
	for i, t := range times {
		at[t] = append(at[t], int32(i))
	}
	for _, t := range slices.Sorted(maps.Keys(at)) {
		if err := call(t, take(cols, at[t]), len(at[t])); err != nil {
			return err
		}
	}
	return nil
}

// take takes rows of columns, some of which are not there.
func take(cols []vec.Vector, rows []int32) []vec.Vector {
	out := make([]vec.Vector, len(cols))
	for i, c := range cols {
		if c != nil {
			out[i] = vec.Take(c, rows)
		}
	}
	return out
}

// fill adds rows.
func (w *writing) fill(p *part, time int64, k *keyed.Keys, cols []vec.Vector, n int) error {
	c, taken, err := p.fill.Begin(time, k, w.t.state.Row(cols))
	switch {
	case err != nil:
		return err
	case taken >= 0:
		return fmt.Errorf("two rows have the key %s", w.key(cols, taken))
	}
	if err := w.t.state.Fill(c, cols, w.nowMs); err != nil {
		return err
	}
	return p.fill.End()
}

// key writes the key of a row.
func (w *writing) key(cols []vec.Vector, row int) string {
	var out []string
	for _, c := range w.t.Key {
		out = append(out, w.t.Columns[c].Name+" = "+printed(w.t.Columns[c].Type, cols[c], row, w.e.From.Zone()))
	}
	return strings.Join(out, ", ")
}

// counted checks that no key has more rows than the operator would keep.
func (w *writing) counted(s state.Store) error {
	most := w.t.state.RowsMax()
	if most == 0 {
		return nil
	}
	table := s.Table(w.t.shape.Name)
	var last []byte
	n := int64(0)
	for key := range table.Scan(nil, nil) {
		if key = key[:len(key)-8]; string(key) != string(last) {
			last, n = append(last[:0], key...), 0
		}
		if n++; n > most {
			return fmt.Errorf("a key of table '%s' has more than %d rows, which is all that %s keeps", w.t.Name, most, w.t.op.Name)
		}
	}
	return table.Err()
}

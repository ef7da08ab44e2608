package exec

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// Materialize turns a changelog whose changes may arrive out of order into an
// upsert stream by Keys: it keeps all rows of a key, in the order of arrival, and
// the last one is what the receiver has.
//
//	row comes   +I if it is the only one, else +U
//	row goes    it was the last: +U of the one before, or -D if there is none
//	            it was not, or it is not there: nothing
//
// Of equal rows the first goes, as in Flink. State: a Multi by key, with the time
// of arrival beside each row where there is a time to live.
type Materialize struct {
	Base
	spec  *jobgraph.Materialize
	ctx   *Context
	group *grouping
	multi *keyed.Multi
	swept int64
	ident idents
	refs  []keyed.Ref
}

// NewMaterialize returns the operator for a spec.
func NewMaterialize(spec *jobgraph.Materialize) Operator { return &Materialize{spec: spec} }

// Open implements Operator.
func (m *Materialize) Open(ctx *Context) error {
	m.ctx = ctx
	m.group = newGrouping(m.spec.Keys, m.spec.Types)
	var err error
	shape := keyed.Shape{Name: "rows", Key: m.group.types, Row: m.spec.Types, Extra: 1, Groups: ctx.Groups, Memory: ctx.Memory}
	m.multi, err = keyed.OpenMulti(ctx.State, ctx.expiringKeys(shape, 0, m.spec.TTLMs))
	return err
}

// Process implements Operator.
func (m *Materialize) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	rows := m.ident.positions(b)
	if len(rows) > 0 {
		m.multi.Trim()
		o := newRowsOut(m.spec.Types)
		m.rows(b, rows, o)
		if err := o.emit(out); err != nil {
			return false, err
		}
		if err := m.ctx.tooLarge(m.multi); err != nil {
			return false, err
		}
	}
	if t, ok := lastMark(b); ok {
		return false, out.Watermark(t)
	}
	return false, nil
}

func (m *Materialize) rows(b *vec.Batch, rows []int32, o *rowsOut) {
	now := uint64(0)
	if m.spec.TTLMs > 0 {
		now = uint64(m.ctx.Env.Now() / 1000)
	}
	flat := make([]vec.Vector, len(b.Cols))
	for i, c := range b.Cols {
		flat[i] = vec.Flat(c)
	}
	m.group.prepare(flat, rows, b.Rows)
	k := &m.group.keys
	for i, r := range rows {
		at := i
		if len(m.group.cols) == 0 {
			at = 0
		}
		if b.Kind(int(r)).Adds() {
			s := m.multi.SlotOne(k, at, true)
			kind := vec.UpdateAfter
			if m.multi.Count(s) == 0 {
				kind = vec.Insert
			}
			ref := m.multi.Add(s, flat, int(r))
			m.multi.Extra(ref)[0] = now
			o.row(kind, flat, int(r))
			if m.spec.TTLMs > 0 {
				freshen(m.multi, s, 0, int64(now), m.spec.TTLMs)
			}
			continue
		}
		if s := m.multi.SlotOne(k, at, false); s != keyed.None {
			m.remove(s, flat, int(r), o)
		}
	}
}

func (m *Materialize) remove(s keyed.Slot, cols []vec.Vector, row int, o *rowsOut) {
	ref := m.multi.FindRow(s, cols, row)
	if ref == 0 {
		return
	}
	last := m.multi.Last(s)
	if n := m.multi.Count(s); n > 1 {
		ref = m.first(s, ref, cols, row)
	} else {
		m.multi.Remove(s, ref)
		o.row(vec.Delete, cols, row)
		return
	}
	m.multi.Remove(s, ref)
	if ref != last {
		return
	}
	now := []keyed.Ref{m.multi.Last(s)}
	left := make([]vec.Vector, len(m.spec.Types))
	for c := range left {
		left[c] = m.multi.Gather(now, c)
	}
	o.row(vec.UpdateAfter, left, 0)
}

// first returns the first row of a key that is equal to a row, of which found is
// one.
func (m *Materialize) first(s keyed.Slot, found keyed.Ref, cols []vec.Vector, row int) keyed.Ref {
	want := keyenc.AppendRow(nil, m.spec.Types, cols, row)
	m.refs = m.multi.Rows(m.refs[:0], s)
	all := make([]vec.Vector, len(m.spec.Types))
	for c := range all {
		all[c] = m.multi.Gather(m.refs, c)
	}
	for i, ref := range m.refs {
		if ref == found || string(keyenc.AppendRow(nil, m.spec.Types, all, i)) == string(want) {
			return ref
		}
	}
	return found
}

// Tick implements Operator: rows whose time is over are forgotten.
func (m *Materialize) Tick(now int64, _ Output) (bool, error) {
	sweepKeys(m.multi, &m.swept, m.spec.TTLMs, now/1000)
	return false, nil
}

// Snapshot implements Operator.
func (m *Materialize) Snapshot(base.Epoch) error { return m.multi.Snapshot() }

// Close implements Operator.
func (m *Materialize) Close() error {
	if m.multi != nil {
		m.multi.Close()
	}
	return nil
}

// sweepKeys forgets, twice within a time to live, the keys whose last row was written
// before it; a row's first extra word is its time. swept is when it last did.
func sweepKeys(m *keyed.Multi, swept *int64, ttlMs, nowMs int64) {
	if *swept == 0 {
		*swept = nowMs
	}
	if ttlMs == 0 || nowMs-*swept < ttlMs/2 {
		return
	}
	*swept = nowMs
	var gone []keyed.Slot
	for s := range m.Each {
		if nowMs-int64(m.Extra(m.Last(s))[0]) > ttlMs {
			gone = append(gone, s)
		}
	}
	for _, s := range gone {
		m.DeleteKey(s)
	}
}

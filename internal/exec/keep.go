package exec

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// Keep remembers what was computed for a row by what gives another result each time
// (RAND(), UUID(), the clock), so that the row is taken back as it was sent:
//
//	row comes   it is kept whole, and passed on
//	row goes    the first kept row with the same input columns goes, with the values
//	            that were computed for it; a row that is not there passes as it is
//
// State: a Multi by key, with the time of arrival beside each row where there is a
// time to live.
type Keep struct {
	Base
	spec  *jobgraph.Keep
	ctx   *Context
	group *grouping
	multi *keyed.Multi
	ident idents
	swept int64
	input int // columns that are not computed
}

// NewKeep returns the operator for a spec.
func NewKeep(spec *jobgraph.Keep) Operator {
	return &Keep{spec: spec, input: len(spec.Types) - spec.Values}
}

// Open implements Operator.
func (k *Keep) Open(ctx *Context) error {
	k.ctx = ctx
	k.group = newGrouping(k.spec.Keys, k.spec.Types)
	var err error
	shape := keyed.Shape{Name: "rows", Key: k.group.types, Row: k.spec.Types, Extra: 1, Groups: ctx.Groups, Memory: ctx.Memory}
	k.multi, err = keyed.OpenMulti(ctx.State, ctx.expiringKeys(shape, 0, k.spec.TTLMs))
	return err
}

// Process implements Operator.
func (k *Keep) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	rows := k.ident.positions(b)
	if len(rows) > 0 {
		k.multi.Trim()
		o := newRowsOut(k.spec.Types)
		k.rows(b, rows, o)
		if err := k.ctx.tooLarge(k.multi); err != nil {
			return false, err
		}
		if err := o.emit(out); err != nil {
			return false, err
		}
	}
	if t, ok := lastMark(b); ok {
		return false, out.Watermark(t)
	}
	return false, nil
}

func (k *Keep) rows(b *vec.Batch, rows []int32, o *rowsOut) {
	now := uint64(0)
	if k.spec.TTLMs > 0 {
		now = uint64(k.ctx.Env.Now() / 1000)
	}
	flat := make([]vec.Vector, len(b.Cols))
	for i, c := range b.Cols {
		flat[i] = vec.Flat(c)
	}
	k.group.prepare(flat, rows, b.Rows)
	keys := &k.group.keys
	for i, r := range rows {
		at := i
		if len(k.group.cols) == 0 {
			at = 0
		}
		kind := b.Kind(int(r))
		if kind.Adds() {
			s := k.multi.SlotOne(keys, at, true)
			k.multi.Extra(k.multi.Add(s, flat, int(r)))[0] = now
			if k.spec.TTLMs > 0 {
				freshen(k.multi, s, 0, int64(now), k.spec.TTLMs)
			}
			o.row(kind, flat, int(r))
			continue
		}
		s := k.multi.SlotOne(keys, at, false)
		if s == keyed.None || !k.takeBack(s, kind, flat, int(r), o) {
			o.row(kind, flat, int(r))
		}
	}
}

// takeBack emits the kept row that has the input columns of a row, and forgets it.
func (k *Keep) takeBack(s keyed.Slot, kind vec.RowKind, cols []vec.Vector, row int, o *rowsOut) bool {
	want := keyenc.AppendRow(nil, k.spec.Types[:k.input], cols[:k.input], row)
	refs := k.multi.Rows(nil, s)
	all := make([]vec.Vector, len(k.spec.Types))
	for c := range all {
		all[c] = k.multi.Gather(refs, c)
	}
	for i, ref := range refs {
		if string(keyenc.AppendRow(nil, k.spec.Types[:k.input], all[:k.input], i)) == string(want) {
			o.row(kind, all, i)
			k.multi.Remove(s, ref)
			return true
		}
	}
	return false
}

// Tick implements Operator: rows whose time is over are forgotten.
func (k *Keep) Tick(now int64, _ Output) (bool, error) {
	sweepKeys(k.multi, &k.swept, k.spec.TTLMs, now/1000)
	return false, nil
}

// Snapshot implements Operator.
func (k *Keep) Snapshot(base.Epoch) error { return k.multi.Snapshot() }

// Close implements Operator.
func (k *Keep) Close() error {
	if k.multi != nil {
		k.multi.Close()
	}
	return nil
}

package exec

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Normalize turns an upsert stream by Keys into a full changelog, and drops what
// changes nothing. It keeps the last row of each key: a table by key, whose blob
// is the row.
//
//	row comes    no row kept   +I
//	             the same      nothing (with a time to live: -U +U, to renew it)
//	             another       -U of the kept one, if wanted, +U
//	row goes     a row kept    -D of the kept one; -U, too: no +U need follow
//	             none          nothing
type Normalize struct {
	Base
	spec  *jobgraph.Normalize
	ctx   *Context
	group *grouping
	table *keyed.Table
	spill *spillReplay // in batch mode; nil: nothing can be spilled
	feed  feed         // what comes of the spilled rows
	held  heldMark
	swept int64
	ident idents
}

// Words of an entry: the row, and when it came.
const (
	normalizeRow = iota
	normalizeTime
	normalizeWords
)

// NewNormalize returns the operator for a spec.
func NewNormalize(spec *jobgraph.Normalize) Operator { return &Normalize{spec: spec} }

// Open implements Operator.
func (n *Normalize) Open(ctx *Context) error {
	n.ctx = ctx
	n.group = newGrouping(n.spec.Keys, n.spec.Types)
	n.spill = newSpillReplay(ctx, "normalize", normalizeEnd{n}, n.spec.Keys, n.spec.Types)
	return n.open(ctx.State)
}

func (n *Normalize) open(store state.Store) (err error) {
	shape := keyed.Shape{Name: "rows", Key: n.group.types, Words: normalizeWords, Blobs: []int{normalizeRow}, Groups: n.ctx.Groups, Memory: n.ctx.Memory}
	if n.spill == nil {
		shape = n.ctx.expiring(shape, normalizeTime, n.spec.TTLMs)
	}
	n.table, err = keyed.Open(store, shape)
	return err
}

// Process implements Operator.
func (n *Normalize) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	rows := n.ident.positions(b)
	if n.spill.on() {
		n.held.holdLast(b)
		return false, n.spill.write(b, rows)
	}
	if len(rows) > 0 {
		n.table.Trim()
		o := newRowsOut(n.spec.Types)
		if err := n.rows(b, rows, o); err != nil {
			return false, err
		}
		if err := o.emit(out); err != nil {
			return false, err
		}
	}
	if n.spill == nil && n.table.Err() != nil {
		return false, n.table.Err()
	}
	if m, ok := lastMark(b); ok {
		if err := out.Watermark(m); err != nil {
			return false, err
		}
	}
	return false, n.spill.relieve()
}

// Watermark implements Operator.
func (n *Normalize) Watermark(t int64, out Output) (bool, error) {
	if n.spill.on() {
		n.held.hold(t)
		return false, nil
	}
	return false, out.Watermark(t)
}

// EndInput implements Operator.
func (n *Normalize) EndInput(_ int, out Output) (bool, error) {
	if n.spill.on() {
		next, err := n.spill.end()
		if err != nil {
			return false, err
		}
		n.feed.batches(next)
		n.held.release(&n.feed)
	}
	return n.Resume(out)
}

// Resume implements Operator.
func (n *Normalize) Resume(out Output) (bool, error) { return n.feed.drain(out) }

func (n *Normalize) rows(b *vec.Batch, rows []int32, o *rowsOut) error {
	slots, _ := n.group.upsert(n.table, b.Cols, rows, b.Rows)
	n.table.Touch(slots...)
	now := int64(0)
	if n.spec.TTLMs > 0 {
		now = n.ctx.Env.Now() / 1000
	}
	var buf []byte
	for i, r := range rows {
		s := slots[i]
		old := n.table.Blob(s, normalizeRow)
		if w := n.table.Words(s); n.spec.TTLMs > 0 {
			if len(old) > 0 && now-int64(w[normalizeTime]) > n.spec.TTLMs {
				old = nil
			}
			w[normalizeTime] = uint64(now)
		}
		switch {
		case !b.Kind(int(r)).Adds():
			if len(old) > 0 {
				if err := o.saved(vec.Delete, old); err != nil {
					return err
				}
				n.table.SetBlob(s, normalizeRow, nil)
			}
			continue
		case len(old) == 0:
			o.row(vec.Insert, b.Cols, int(r))
		}
		buf = keyenc.AppendRow(buf[:0], n.spec.Types, b.Cols, int(r))
		if len(old) > 0 {
			if n.spec.TTLMs == 0 && string(old) == string(buf) {
				continue
			}
			if n.spec.SendBefore {
				if err := o.saved(vec.UpdateBefore, old); err != nil {
					return err
				}
			}
			o.row(vec.UpdateAfter, b.Cols, int(r))
		}
		n.table.SetBlob(s, normalizeRow, buf)
	}
	n.forget(slots)
	return nil
}

// forget deletes the keys that have no row any more.
func (n *Normalize) forget(slots []keyed.Slot) {
	var gone map[keyed.Slot]bool
	for _, s := range slots {
		if gone[s] || len(n.table.Blob(s, normalizeRow)) > 0 {
			continue
		}
		if gone == nil {
			gone = map[keyed.Slot]bool{}
		}
		gone[s] = true
	}
	for s := range gone {
		n.table.Delete(s)
	}
}

// Tick implements Operator: rows whose time is over are forgotten.
func (n *Normalize) Tick(now int64, _ Output) (bool, error) {
	ms := now / 1000
	if n.swept == 0 {
		n.swept = ms
	}
	if n.spec.TTLMs == 0 || ms-n.swept < n.spec.TTLMs/2 {
		return false, nil
	}
	n.swept = ms
	var gone []keyed.Slot
	for s := range n.table.Each {
		if ms-int64(n.table.Words(s)[normalizeTime]) > n.spec.TTLMs {
			gone = append(gone, s)
		}
	}
	for _, s := range gone {
		n.table.Delete(s)
	}
	return false, nil
}

// Snapshot implements Operator.
func (n *Normalize) Snapshot(base.Epoch) error { return n.table.Snapshot() }

// Close implements Operator.
func (n *Normalize) Close() error {
	if n.table != nil {
		n.table.Close()
	}
	n.spill.close()
	return nil
}

// normalizeEnd is the rowKeeper of a Normalize in batch mode.
type normalizeEnd struct{ n *Normalize }

func (k normalizeEnd) held() int64 { return k.n.table.Bytes() }

func (k normalizeEnd) kept() func() (*vec.Batch, error) {
	n := k.n
	var slots []keyed.Slot
	for s := range n.table.Each {
		slots = append(slots, s)
	}
	return func() (*vec.Batch, error) {
		if len(slots) == 0 {
			return nil, nil
		}
		o := newRowsOut(n.spec.Types)
		now := slots[:min(len(slots), vec.BatchRowsMax)]
		slots = slots[len(now):]
		for _, s := range now {
			if err := o.saved(vec.Insert, n.table.Blob(s, normalizeRow)); err != nil {
				return nil, err
			}
		}
		return o.batch(), nil
	}
}

func (k normalizeEnd) clear() error {
	k.n.table.Close()
	return k.n.open(scratch{k.n.ctx.Groups})
}

func (k normalizeEnd) restore(b *vec.Batch, rows []int32) error {
	slots, _ := k.n.group.upsert(k.n.table, b.Cols, rows, b.Rows)
	var buf []byte
	for i, r := range rows {
		buf = keyenc.AppendRow(buf[:0], k.n.spec.Types, b.Cols, int(r))
		k.n.table.SetBlob(slots[i], normalizeRow, buf)
	}
	return nil
}

func (k normalizeEnd) take(b *vec.Batch, rows []int32) (*vec.Batch, error) {
	o := newRowsOut(k.n.spec.Types)
	if err := k.n.rows(b, rows, o); err != nil {
		return nil, err
	}
	return o.batch(), nil
}

func (k normalizeEnd) results() func() (*vec.Batch, error) { return once(nil) }

// rowsOut builds a batch of changes from rows of the input and rows that were
// kept as keyenc.AppendRow writes them.
type rowsOut struct {
	types []types.Type
	build []*vec.Builder
	kinds []vec.RowKind
}

func newRowsOut(ts []types.Type) *rowsOut {
	o := &rowsOut{types: ts}
	for _, t := range ts {
		o.build = append(o.build, vec.NewBuilder(t))
	}
	return o
}

// row appends a row of columns.
func (o *rowsOut) row(k vec.RowKind, cols []vec.Vector, row int) {
	for i, b := range o.build {
		b.From(cols[i], row)
	}
	o.kinds = append(o.kinds, k)
}

// saved appends a row that was kept.
func (o *rowsOut) saved(k vec.RowKind, row []byte) error {
	o.kinds = append(o.kinds, k)
	_, err := keyenc.DecodeRow(row, o.types, o.build)
	return err
}

// emit emits what there is as one batch.
func (o *rowsOut) emit(out Output) error {
	if b := o.batch(); b != nil {
		return out.Emit(b)
	}
	return nil
}

// batch returns what there is, nil if there is nothing.
func (o *rowsOut) batch() *vec.Batch {
	if len(o.kinds) == 0 {
		return nil
	}
	b := &vec.Batch{Rows: len(o.kinds), Kinds: o.kinds}
	if allInserts(o.kinds) {
		b.Kinds = nil
	}
	for _, c := range o.build {
		b.Cols = append(b.Cols, c.Finish())
	}
	o.kinds = nil
	return b
}

package exec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// Conflict is ON CONFLICT DO ERROR and DO NOTHING: it lets one row of each key of
// the sink through. Changes wait for the watermark, so that a -U that comes after
// the row of another key that takes its place is no conflict.
//
// The last column of the input is a Stamp: the watermark w that the row's sender
// had reached. What belongs together (a -U and its +U, on whichever ways) has one
// stamp or a later one, and is all there when the watermark of all senders has
// passed w. Then, by key and in the order of stamps, the changes are applied to
// the row that the receiver has:
//
//	none is left       -D of the receiver's row, if it has one
//	one                +I, or +U if it differs from the receiver's
//	several            Fail: an error. Else the receiver keeps its row; if it has
//	                   none, or that was taken back, it gets the first of them
//
// A +U replaces the row with its Unique columns, where the input has such; -U and
// -D take away that row, or the first equal one. What is taken away and was never
// there is passed over: Flink's WatermarkCompactingSinkMaterializer, with one
// difference: there a row that was taken back stays, if several replace it.
//
// State: a Multi by key. The rows are those that wait, in the order of arrival,
// and the one that the receiver has.
type Conflict struct {
	Base
	spec  *jobgraph.Conflict
	ctx   *Context
	group *grouping
	multi *keyed.Multi
	feed  feed
	ident idents
	swept int64
	dirty []keyed.Slot          // keys with rows that wait, in the order of arrival
	known map[keyed.Slot]bool   // what is in dirty: these stay in memory
	later *keySet               // the same in the checkpoint
	work  []keyed.Slot          // dirty keys that are yet to be compacted
	texts map[keyed.Ref]rowText // of the key that is being compacted
}

// Words of a row.
const (
	conflictKind  = iota // receiverHas, or the kind of a change that waits
	conflictStamp        // of a change
	conflictTime         // of arrival, where there is a time to live
	conflictWords
)

// receiverHas stands in the place of a kind.
const receiverHas = 4

// rowText is a row as bytes, whole and its unique columns.
type rowText struct{ all, unique string }

// NewConflict returns the operator for a spec.
func NewConflict(spec *jobgraph.Conflict) Operator { return &Conflict{spec: spec} }

// Open implements Operator.
func (c *Conflict) Open(ctx *Context) error {
	c.ctx, c.known = ctx, map[keyed.Slot]bool{}
	c.group = newGrouping(c.spec.Keys, c.spec.Types)
	var err error
	shape := keyed.Shape{Name: "rows", Key: c.group.types, Row: c.spec.Types, Extra: conflictWords, Groups: ctx.Groups, Memory: ctx.Memory}
	if c.multi, err = keyed.OpenMulti(ctx.State, ctx.expiringKeys(shape, conflictTime, c.spec.TTLMs)); err != nil {
		return err
	}
	if c.later, err = openKeySet(ctx, "waiting", c.multi, c.group.types); err != nil {
		return err
	}
	c.multi.Follow(keyed.Follower{Leaves: func(s keyed.Slot) bool { return !c.known[s] }})
	for _, s := range append(c.later.restored(), slices.Collect(c.multi.Each)...) {
		for r := c.multi.First(s); r != 0; r = c.multi.Next(r) {
			if c.multi.Extra(r)[conflictKind] != receiverHas {
				c.touch(s)
			}
		}
	}
	return nil
}

func (c *Conflict) touch(s keyed.Slot) {
	if !c.known[s] {
		c.known[s] = true
		c.dirty = append(c.dirty, s)
	}
}

// Process implements Operator.
func (c *Conflict) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	flat := make([]vec.Vector, len(b.Cols))
	for i, col := range b.Cols {
		flat[i] = vec.Flat(col)
	}
	n := len(flat) - 1
	stamps := flat[n].(*vec.Fixed[int64]).Vals
	rows := c.ident.positions(b)
	now := uint64(0)
	if c.spec.TTLMs > 0 {
		now = uint64(c.ctx.Env.Now() / 1000)
	}
	c.multi.Trim()
	slots, _ := c.group.upsert(&c.multi.Table, flat[:n], rows, b.Rows)
	for i, r := range rows {
		ref := c.multi.Add(slots[i], flat[:n], int(r))
		w := c.multi.Extra(ref)
		w[conflictKind], w[conflictStamp], w[conflictTime] = uint64(b.Kind(int(r))), uint64(stamps[r]), now
		c.touch(slots[i])
	}
	if c.spec.TTLMs > 0 {
		for _, s := range slots {
			freshen(c.multi, s, conflictTime, int64(now), c.spec.TTLMs)
		}
	}
	if err := c.ctx.tooLarge(c.multi); err != nil {
		return false, err
	}
	if m, ok := lastMark(b); ok {
		return c.Watermark(m, out)
	}
	return false, nil
}

// Watermark implements Operator.
func (c *Conflict) Watermark(t int64, out Output) (bool, error) {
	c.work, c.dirty = c.dirty, nil
	clear(c.known)
	if len(c.work) > 0 {
		c.feed.batches(func() (*vec.Batch, error) { return c.compacted(t) })
	}
	c.feed.watermark(t)
	return c.feed.drain(out)
}

// Resume implements Operator.
func (c *Conflict) Resume(out Output) (bool, error) { return c.feed.drain(out) }

// compacted applies the changes of some keys that came before the watermark.
func (c *Conflict) compacted(mark int64) (*vec.Batch, error) {
	o := newRowsOut(c.spec.Types)
	for len(c.work) > 0 && len(o.kinds) < vec.BatchRowsMax {
		s := c.work[0]
		c.work = c.work[1:]
		if err := c.key(s, mark, o); err != nil {
			return nil, err
		}
	}
	return o.batch(), nil
}

// key applies the changes to one key that came before the watermark, stamp by
// stamp.
func (c *Conflict) key(s keyed.Slot, mark int64, o *rowsOut) error {
	var held keyed.Ref
	var ready []keyed.Ref
	for _, ref := range c.multi.Rows(nil, s) {
		switch w := c.multi.Extra(ref); {
		case w[conflictKind] == receiverHas:
			held = ref
		case int64(w[conflictStamp]) < mark:
			ready = append(ready, ref)
		default:
			c.touch(s)
		}
	}
	c.texts = map[keyed.Ref]rowText{}
	if len(ready) > 1 || held != 0 {
		c.read(ready, held)
	}
	stamp := func(r keyed.Ref) int64 { return int64(c.multi.Extra(r)[conflictStamp]) }
	slices.SortStableFunc(ready, func(a, b keyed.Ref) int {
		switch x, y := stamp(a), stamp(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	for len(ready) > 0 {
		n := 1
		for n < len(ready) && stamp(ready[n]) == stamp(ready[0]) {
			n++
		}
		var err error
		if held, err = c.settle(s, held, ready[:n], o); err != nil {
			return err
		}
		ready = ready[n:]
	}
	return nil
}

// read writes rows as bytes, to compare them.
func (c *Conflict) read(refs []keyed.Ref, held keyed.Ref) {
	if held != 0 {
		refs = append(slices.Clone(refs), held)
	}
	cols := c.gather(refs)
	unique, ucols := pickTypes(c.spec.Types, c.spec.Unique), pick(cols, c.spec.Unique)
	for i, ref := range refs {
		t := rowText{all: string(keyenc.AppendRow(nil, c.spec.Types, cols, i))}
		if t.unique = t.all; len(unique) > 0 {
			t.unique = string(keyenc.AppendRow(nil, unique, ucols, i))
		}
		c.texts[ref] = t
	}
}

func (c *Conflict) gather(refs []keyed.Ref) []vec.Vector {
	cols := make([]vec.Vector, len(c.spec.Types))
	for i := range cols {
		cols[i] = c.multi.Gather(refs, i)
	}
	return cols
}

func (c *Conflict) adds(r keyed.Ref) bool {
	return vec.RowKind(c.multi.Extra(r)[conflictKind]).Adds()
}

// settle applies changes of one stamp to the receiver's row and returns what the
// receiver has then.
func (c *Conflict) settle(s keyed.Slot, held keyed.Ref, changes []keyed.Ref, o *rowsOut) (keyed.Ref, error) {
	var left []keyed.Ref
	if held != 0 {
		left = append(left, held)
	}
	for _, ref := range c.cancelled(changes) {
		at := slices.IndexFunc(left, func(r keyed.Ref) bool { return c.texts[r].unique == c.texts[ref].unique })
		switch {
		case !c.adds(ref) && at >= 0:
			left = slices.Delete(left, at, at+1)
		case !c.adds(ref):
		case at >= 0 && len(c.spec.Unique) > 0:
			left[at] = ref
		default:
			left = append(left, ref)
		}
	}
	if len(left) > 1 && c.spec.Fail {
		return 0, c.violation(left[0])
	}
	next := keyed.Ref(0)
	if len(left) > 0 {
		next = left[0]
	}
	c.tell(held, next, o)
	for _, ref := range changes {
		if ref != next {
			c.multi.Remove(s, ref)
		}
	}
	if held != 0 && held != next {
		c.multi.Remove(s, held)
	}
	if next != 0 && next != held {
		c.multi.Extra(next)[conflictKind] = receiverHas
		c.multi.TouchRow(s, next)
	}
	return next, nil
}

// cancelled leaves out the pairs of equal rows of which one comes and one goes, in
// whichever order.
func (c *Conflict) cancelled(changes []keyed.Ref) []keyed.Ref {
	var out []keyed.Ref
	for _, ref := range changes {
		at := slices.IndexFunc(out, func(r keyed.Ref) bool {
			return c.adds(r) != c.adds(ref) && c.texts[r].all == c.texts[ref].all
		})
		if at < 0 {
			out = append(out, ref)
			continue
		}
		out = slices.Delete(out, at, at+1)
	}
	return out
}

// tell emits what changes for the receiver.
func (c *Conflict) tell(held, next keyed.Ref, o *rowsOut) {
	kind, ref := vec.Insert, next
	switch {
	case held == next:
		return
	case next == 0:
		kind, ref = vec.Delete, held
	case held != 0 && c.texts[held].all == c.texts[next].all:
		return
	case held != 0:
		kind = vec.UpdateAfter
	}
	o.row(kind, c.gather([]keyed.Ref{ref}), 0)
}

// violation is the error of DO ERROR.
func (c *Conflict) violation(ref keyed.Ref) error {
	cols := c.gather([]keyed.Ref{ref})
	zone := c.ctx.Env.Zone
	if zone == nil {
		zone = time.UTC
	}
	var parts []string
	for i, k := range c.spec.Keys {
		text := "null"
		if !cols[k].Null(0) {
			text = string(expr.AppendText(nil, c.spec.Types[k], cols[k], 0, zone))
		}
		parts = append(parts, c.spec.Names[i]+"="+text)
	}
	return fmt.Errorf("primary key constraint violation: several rows have the same primary key [%s]; ON CONFLICT DO NOTHING keeps the first, ON CONFLICT DO DEDUPLICATE the last",
		strings.Join(parts, ", "))
}

// Tick implements Operator: keys whose time is over are forgotten.
func (c *Conflict) Tick(now int64, _ Output) (bool, error) {
	ms := now / 1000
	if c.swept == 0 {
		c.swept = ms
	}
	if c.spec.TTLMs == 0 || ms-c.swept < c.spec.TTLMs/2 {
		return false, nil
	}
	c.swept = ms
	var gone []keyed.Slot
	for s := range c.multi.Each {
		if !c.known[s] && ms-int64(c.multi.Extra(c.multi.Last(s))[conflictTime]) > c.spec.TTLMs {
			gone = append(gone, s)
		}
	}
	for _, s := range gone {
		c.multi.DeleteKey(s)
	}
	return false, nil
}

// Snapshot implements Operator.
func (c *Conflict) Snapshot(base.Epoch) error {
	if err := c.later.snapshot(slices.Values(c.dirty)); err != nil {
		return err
	}
	return c.multi.Snapshot()
}

// Close implements Operator.
func (c *Conflict) Close() error {
	if c.multi != nil {
		c.multi.Close()
		c.later.close()
	}
	return nil
}

package exec

import (
	"fmt"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// FullTable is a LookupTable that reads a source whole, and again when its Cache says
// so. While it reads, the rows of the last reading answer; before the first is done
// nothing does.
//
// It reads in Poll, what is there, up to some batches a call. The table is not part of a checkpoint: a restore
// reads it again.
type FullTable struct {
	spec   *jobgraph.LookupJoin
	source func() (connect.Source, error)
	ctx    *Context
	shape  shaper
	side   side // the table; its rows are nil before the first reading
	asker  side
	read   *reading
	due    int64 // when the next reading begins
	never  bool  // there is none
	queue  []fullAsk
	match  matcher
	under  bool // the first of the queue is being answered
}

// A fullAsk is an Ask that waits.
type fullAsk struct {
	id   uint64
	keys *vec.Batch
}

// A reading is a table on its way into memory.
type reading struct {
	enum   connect.Enumerator
	reader connect.Reader
	rows   *keyed.Multi
	began  int64
	last   bool // no more splits come
	keys   keyed.Keys
	slots  []keyed.Slot
	ident  idents
}

// NewFullTable returns the table; source makes what it reads, each time.
func NewFullTable(spec *jobgraph.LookupJoin, source func() (connect.Source, error)) *FullTable {
	return &FullTable{spec: spec, source: source}
}

// Open implements LookupTable.
func (t *FullTable) Open(ctx *Context) (err error) {
	s := t.spec
	t.ctx = ctx
	t.side = newSide(s.RightKeys, s.RightTypes, nil)
	all := make([]int, len(s.LeftKeys))
	ts := make([]types.Type, len(s.LeftKeys))
	for i, k := range s.LeftKeys {
		all[i], ts[i] = i, s.LeftTypes[k]
	}
	t.asker = newSide(all, ts, nil)
	t.shape, err = newShaper(s.Source.Project, s.Calc, ctx.Env)
	return err
}

// Ask implements LookupTable.
func (t *FullTable) Ask(_ int64, id uint64, keys *vec.Batch) error {
	t.queue = append(t.queue, fullAsk{id, keys})
	return nil
}

// Ready implements LookupTable.
func (t *FullTable) Ready() bool { return t.side.rows != nil && len(t.queue) > 0 }

// Poll implements LookupTable.
func (t *FullTable) Poll(now int64) (connect.Answer, bool, error) {
	if err := t.load(now); err != nil {
		return connect.Answer{}, false, err
	}
	if !t.Ready() {
		return connect.Answer{}, false, nil
	}
	q := t.queue[0]
	if !t.under {
		t.under = true
		t.match.start(q.keys, true, &t.asker, &t.side)
	}
	upto, err := t.match.more()
	if err != nil {
		return connect.Answer{}, false, err
	}
	a := connect.Answer{ID: q.id, Last: upto == q.keys.Rows}
	if n := len(t.match.rows); n > 0 {
		a.Of = append([]int32(nil), t.match.rows...)
		a.Rows = &vec.Batch{Rows: n, Cols: gather(t.side.rows, t.match.refs, t.side.types)}
	}
	if a.Last {
		t.queue, t.under = t.queue[1:], false
	}
	return a, true, nil
}

// load begins a reading that is due, goes on with one that has begun, and puts the new
// rows in the place of the old ones when it is done and no answer is half given.
func (t *FullTable) load(now int64) error {
	if t.read == nil {
		if t.never || t.side.rows != nil && now < t.due {
			return nil
		}
		if err := t.begin(now); err != nil {
			return err
		}
	}
	ended, got := false, true
	for n := 0; n < readBatchesMax && got && !ended; n++ {
		var err error
		if ended, got, err = t.read.step(t); err != nil {
			return err
		}
	}
	if !ended || t.under {
		return nil
	}
	if t.side.rows != nil {
		t.side.rows.Close()
	}
	t.side.rows = t.read.rows
	t.due, t.never = nextReading(t.spec.Cache, t.read.began, now)
	t.read.rows = nil
	return t.stop()
}

// readBatchesMax bounds what one call reads of a table.
const readBatchesMax = 16

// nextReading is when a table is read again that was read from began to ended.
func nextReading(c connect.Cache, began, ended int64) (due int64, never bool) {
	switch {
	case c.Every <= 0:
		return 0, true
	case c.Daily:
		const day = 24 * 3600 * 1_000_000
		due = began - began%day + c.At
		if due <= began {
			due += day
		}
		return due + c.Every - day, false
	case c.FixedRate:
		return began + c.Every, false
	}
	return ended + c.Every, false
}

func (t *FullTable) begin(now int64) error {
	src, err := t.source()
	if err != nil {
		return err
	}
	if !src.Bounded() {
		return fmt.Errorf("table %s has no end, so it cannot be read whole", t.spec.Source.Table.Name)
	}
	r := &reading{began: now}
	if r.rows, err = keyed.OpenMulti(scratch{t.ctx.Groups}, t.side.shape("table", t.ctx, 0)); err != nil {
		return err
	}
	t.read = r
	if r.enum, err = src.Enumerator(nil, func() {}); err != nil {
		return err
	}
	// It is asked again anyway while rows wait for the table.
	if r.reader, err = src.Reader(0, func() {}); err != nil {
		return err
	}
	return r.more()
}

// more gives the reader splits.
func (r *reading) more() error {
	splits, done, err := r.enum.Assign(0)
	if err != nil {
		return err
	}
	r.last = done
	if len(splits) == 0 {
		return nil
	}
	return r.reader.Add(splits)
}

// step reads a batch. It reports whether the table is read whole, and whether there
// was anything to read.
func (r *reading) step(t *FullTable) (ended, got bool, err error) {
	p, err := r.reader.Poll("")
	if err != nil {
		return false, false, err
	}
	if p.Batch != nil {
		if err := r.add(t, p.Batch); err != nil {
			return false, false, err
		}
	}
	got = p.Batch != nil || p.Ended
	if !p.Empty || r.last {
		return p.Empty, got, nil
	}
	return false, true, r.more()
}

func (r *reading) add(t *FullTable, b *vec.Batch) error {
	cols, passed, err := t.shape.apply(b)
	n := b.Len()
	if passed != nil {
		n = len(passed)
	}
	if err != nil || n == 0 {
		return err
	}
	rows := &vec.Batch{Cols: cols, Rows: n}
	t.side.prepare(&r.keys, rows)
	r.slots = grow(r.slots, n)
	r.rows.Upsert(&r.keys, r.slots)
	r.rows.AddRows(r.slots, cols, r.ident.upTo(n), nil)
	return r.rows.Err()
}

// stop ends the reading.
func (t *FullTable) stop() (err error) {
	r := t.read
	t.read = nil
	if r == nil {
		return nil
	}
	if r.reader != nil {
		err = r.reader.Close()
	}
	if r.enum != nil {
		if e := r.enum.Close(); err == nil {
			err = e
		}
	}
	if r.rows != nil {
		r.rows.Close()
	}
	return err
}

// Close implements LookupTable.
func (t *FullTable) Close() error {
	if t.side.rows != nil {
		t.side.rows.Close()
	}
	return t.stop()
}

package exec

import (
	"container/list"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// PartialTable is a LookupTable that remembers the answers of another by key, for a
// time and up to a number of rows; the least recently used go first.
//
// An Ask whose keys are all known is answered from memory. Else the rest is asked for,
// and the answer leaves when all of it is there, so that answers need no more order
// than those of a connector.
type PartialTable struct {
	spec    *jobgraph.LookupJoin
	inner   LookupTable
	keys    []types.Type
	types   []types.Type // of the rows
	entries map[string]*list.Element
	used    *list.List // of *partialEntry, the most recent first
	rows    int64
	open    map[uint64]*partialAsk
	ready   []connect.Answer
	key     []byte
}

// A partialEntry is the answer for a key.
type partialEntry struct {
	key            string
	rows           *vec.Batch // nil: none
	written, asked int64
}

// cost is what an entry counts: a key without rows takes a place as well.
func (e *partialEntry) cost() int64 {
	if e.rows == nil {
		return 1
	}
	return int64(e.rows.Rows)
}

// A partialAsk waits for the keys that were not known.
type partialAsk struct {
	keys    []string        // by row of the Ask
	known   []*partialEntry // by row; nil: asked for
	missing []int32         // rows that are asked for
	pieces  []connect.Answer
}

// NewPartialTable returns a cache before inner.
func NewPartialTable(spec *jobgraph.LookupJoin, inner LookupTable) *PartialTable {
	t := &PartialTable{spec: spec, inner: inner, entries: map[string]*list.Element{}, used: list.New(), open: map[uint64]*partialAsk{}}
	for _, k := range spec.LeftKeys {
		t.keys = append(t.keys, spec.LeftTypes[k])
	}
	for _, c := range spec.Lookup.Columns {
		t.types = append(t.types, spec.Source.Table.Schema[c].Type)
	}
	return t
}

// Open implements LookupTable.
func (t *PartialTable) Open(ctx *Context) error { return t.inner.Open(ctx) }

// Ready implements LookupTable.
func (t *PartialTable) Ready() bool { return false }

// Ask implements LookupTable.
func (t *PartialTable) Ask(now int64, id uint64, keys *vec.Batch) error {
	q := &partialAsk{keys: make([]string, keys.Rows), known: make([]*partialEntry, keys.Rows)}
	for r := range keys.Rows {
		t.key = keyenc.AppendRow(t.key[:0], t.keys, keys.Cols, r)
		q.keys[r] = string(t.key)
		if q.known[r] = t.find(now, q.keys[r]); q.known[r] == nil {
			q.missing = append(q.missing, int32(r))
		}
	}
	if len(q.missing) == 0 {
		t.ready = append(t.ready, t.whole(id, q)...)
		return nil
	}
	t.open[id] = q
	return t.inner.Ask(now, id, &vec.Batch{Rows: len(q.missing), Cols: takeAll(keys.Cols, q.missing)})
}

// find returns the entry of a key, if it still counts.
func (t *PartialTable) find(now int64, key string) *partialEntry {
	at := t.entries[key]
	if at == nil {
		return nil
	}
	e, c := at.Value.(*partialEntry), t.spec.Cache
	if c.ExpireWrite > 0 && now-e.written >= c.ExpireWrite || c.ExpireAccess > 0 && now-e.asked >= c.ExpireAccess {
		t.drop(at)
		return nil
	}
	e.asked = now
	t.used.MoveToFront(at)
	return e
}

func (t *PartialTable) drop(at *list.Element) {
	e := t.used.Remove(at).(*partialEntry)
	t.rows -= e.cost()
	delete(t.entries, e.key)
}

// Poll implements LookupTable.
func (t *PartialTable) Poll(now int64) (connect.Answer, bool, error) {
	for len(t.ready) == 0 {
		a, ok, err := t.inner.Poll(now)
		if !ok || err != nil {
			return a, false, err
		}
		q := t.open[a.ID]
		q.pieces = append(q.pieces, a)
		if a.Last {
			delete(t.open, a.ID)
			t.learn(now, q)
			t.ready = t.whole(a.ID, q)
		}
	}
	a := t.ready[0]
	t.ready = t.ready[1:]
	return a, true, nil
}

// learn makes entries of what was asked for.
func (t *PartialTable) learn(now int64, q *partialAsk) {
	found := make([]*vec.Batch, len(q.missing))
	for _, p := range q.pieces {
		for from := 0; from < len(p.Of); {
			to := from + 1
			for to < len(p.Of) && p.Of[to] == p.Of[from] {
				to++
			}
			found[p.Of[from]] = t.append(found[p.Of[from]], p.Rows, from, to)
			from = to
		}
	}
	for i, r := range q.missing {
		e := &partialEntry{key: q.keys[r], rows: found[i], written: now, asked: now}
		q.known[r] = e
		if e.rows != nil || !t.spec.Cache.ForgetMissing {
			t.put(e)
		}
	}
}

// append returns the rows of two batches, the second's from from to to. They are
// copied: what is kept must not hold a large batch.
func (t *PartialTable) append(a, b *vec.Batch, from, to int) *vec.Batch {
	out := &vec.Batch{}
	for c, typ := range t.types {
		n := vec.NewBuilder(typ)
		if a != nil {
			for r := range a.Rows {
				n.From(a.Cols[c], r)
			}
		}
		for r := from; r < to; r++ {
			n.From(b.Cols[c], r)
		}
		out.Cols = append(out.Cols, n.Finish())
	}
	out.Rows = to - from
	if a != nil {
		out.Rows += a.Rows
	}
	return out
}

func (t *PartialTable) put(e *partialEntry) {
	if at := t.entries[e.key]; at != nil {
		t.drop(at)
	}
	t.entries[e.key] = t.used.PushFront(e)
	t.rows += e.cost()
	for m := t.spec.Cache.MaxRows; m > 0 && t.rows > m && t.used.Len() > 0; {
		t.drop(t.used.Back())
	}
}

// whole makes the answer to an Ask whose rows are all known.
func (t *PartialTable) whole(id uint64, q *partialAsk) []connect.Answer {
	var out []connect.Answer
	var bs []*vec.Builder
	var of []int32
	flush := func() {
		b := &vec.Batch{Rows: len(of)}
		for _, n := range bs {
			b.Cols = append(b.Cols, n.Finish())
		}
		if len(of) == 0 {
			b = nil
		}
		out = append(out, connect.Answer{ID: id, Rows: b, Of: of})
		bs, of = nil, nil
	}
	for r, e := range q.known {
		if e.rows == nil {
			continue
		}
		for i := range e.rows.Rows {
			if bs == nil {
				for _, typ := range t.types {
					bs = append(bs, vec.NewBuilder(typ))
				}
			}
			for c, n := range bs {
				n.From(e.rows.Cols[c], i)
			}
			if of = append(of, int32(r)); len(of) == vec.BatchRowsMax {
				flush()
			}
		}
	}
	flush()
	out[len(out)-1].Last = true
	return out
}

// Close implements LookupTable.
func (t *PartialTable) Close() error { return t.inner.Close() }

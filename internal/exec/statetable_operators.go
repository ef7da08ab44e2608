package exec

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

var (
	stateCount = types.TBigInt.Nullable(false)
	stateTime  = types.TimestampOf(3).Nullable(false)
)

// inputRows are the columns of rows that are columns of an input.
func inputRows(input int, cols []int, ts []types.Type, keys []int) (out []StateColumn) {
	for i, c := range cols {
		key := false
		for _, k := range keys {
			key = key || k == c
		}
		out = append(out, StateColumn{Kind: StateInput, Input: input, At: c, Type: ts[i], Key: key, from: inRow, index: i})
	}
	return out
}

// wholeRows are inputRows of all columns.
func wholeRows(input int, ts []types.Type, keys []int) []StateColumn {
	return inputRows(input, upToInts(len(ts)), ts, keys)
}

// keptRows are some columns of the input under a key; those of the key are there once.
func keptRows(keys []StateColumn, cols []int, ts []types.Type) []StateColumn {
	rows := inputRows(0, cols, ts, nil)
	var out []StateColumn
	for _, k := range keys {
		if !slices.Contains(cols, k.At) {
			out = append(out, k)
		}
	}
	return append(out, rows...)
}

// keyColumns are those of a table by key.
func keyColumns(input int, g *grouping) (out []StateColumn) {
	for i, c := range g.cols {
		out = append(out, StateColumn{Kind: StateInput, Input: input, At: c, Type: g.types[i], Key: true, from: inKey, index: i})
	}
	return out
}

func wordOf(name string, t types.Type, word int) StateColumn {
	return StateColumn{Name: name, Type: t, from: inWord, index: word}
}

// stampIf is the column of the time of the last change, where there is a time to live.
func stampIf(ttlMs int64, name string, word int) []StateColumn {
	if ttlMs == 0 {
		return nil
	}
	return []StateColumn{{Name: name, Type: stampType, from: inStamp, index: word}}
}

// resultColumns are the results of calls.
func (a *accs) resultColumns(calls []jobgraph.AggCall) (out []StateColumn) {
	for i := range a.Calls {
		c := StateColumn{Kind: StateCall, At: i, Type: calls[i].Ret, from: inResult, call: &a.Calls[i], index: a.Calls[i].Start()}
		if a.Calls[i].Shared {
			c.atLeast = 1 // a group of no rows is not kept
		}
		out = append(out, c)
	}
	return out
}

// rawColumns are the words of the accumulators.
func (a *accs) rawColumns() (out []StateColumn) {
	if a.Rows >= 0 {
		c := wordOf("rows", stateCount, a.Rows)
		c.atLeast = 1
		out = append(out, c)
	}
	for i := range a.Calls {
		if a.Calls[i].Shared {
			continue
		}
		out = append(out, partColumns(i, &a.Calls[i])...)
	}
	return out
}

func partColumns(call int, p *agg.Placed) (out []StateColumn) {
	for _, part := range p.Parts() {
		c := StateColumn{Kind: StateCall, At: call, Name: part.Name, Type: part.Type, from: inWord, index: part.Word}
		if part.Blob {
			c.from = inBlob
		}
		out = append(out, c)
	}
	return out
}

// setTables are the values that calls see once. ttlMs is their groups' time to live.
func (a *accs) setTables(head []StateColumn, ttlMs int64) (out []StateTable) {
	for i, s := range a.shapes {
		t := StateTable{Name: "values of", Of: s.col, Filters: s.filters, Store: fmt.Sprintf("values-%d", i), Side: true, Columns: append([]StateColumn(nil), head...),
			Sealed: "the values of DISTINCT calls, and of MIN and MAX over rows that leave, belong to the results of their groups"}
		t.Columns = append(t.Columns, StateColumn{Kind: StateInput, At: s.col, Type: s.typ, from: inSet, form: s.form})
		switch {
		case s.counts && len(s.filters) == 1:
			t.Columns = append(t.Columns, wordOf("count", stateCount, 0))
		case s.counts:
			for k := range s.filters {
				t.Columns = append(t.Columns, wordOf(fmt.Sprintf("count%d", k), stateCount, k))
			}
		}
		if s.timed {
			t.Columns = append(t.Columns, stampIf(ttlMs, "last_change", s.extra()-1)...)
			t.Lacks = 1
		}
		out = append(out, t)
	}
	return out
}

// sealedBySets is why a table of groups with sets cannot be written.
func (a *accs) sealedBySets() string {
	if len(a.shapes) == 0 {
		return ""
	}
	return "it has DISTINCT calls, or MIN or MAX over rows that leave, which are kept with the set of their values"
}

// StateTables implements Stateful.
func (g *GroupAgg) StateTables() []StateTable {
	keys := keyColumns(0, g.group)
	last := stampIf(g.spec.TTLMs, "last_change", g.seen)
	with := func(cols []StateColumn) []StateColumn {
		return append(append(append([]StateColumn(nil), keys...), cols...), last...)
	}
	out := []StateTable{
		{Name: "groups", Of: -1, Store: groupTableName, Columns: with(g.accs.resultColumns(g.spec.Aggs)), Sealed: g.accs.sealedResults(g.spec.Aggs), keys: upToInts(len(keys)), one: g.accs.Rows + 1},
		{Name: "accumulators", Of: -1, Store: groupTableName, Side: true, Columns: with(g.accs.rawColumns()), Sealed: g.accs.sealedRaw(g.spec.Aggs), keys: upToInts(len(keys))},
	}
	return append(out, g.accs.setTables(keys, g.spec.TTLMs)...)
}

// StateTables implements Stateful.
func (w *WindowAgg) StateTables() []StateTable {
	if w.spec.Phase == jobgraph.Local {
		return nil
	}
	end := StateColumn{Name: "window_end", Type: stateTime, Key: true, from: inBucket}
	if w.spec.Window.WKind != jobgraph.Tumble && !w.alone {
		end.Name = "slice_end"
	}
	keys := append(keyColumns(0, w.group), end)
	with := func(cols []StateColumn) []StateColumn { return append(append([]StateColumn(nil), keys...), cols...) }
	out := []StateTable{
		{Name: "windows", Of: -1, Store: groupTableName, Columns: with(w.accs.resultColumns(w.spec.Aggs)), Sealed: w.accs.sealedResults(w.spec.Aggs), keys: upToInts(len(w.group.cols)), one: w.accs.Rows + 1},
		{Name: "accumulators", Of: -1, Store: groupTableName, Side: true, Columns: with(w.accs.rawColumns()), Sealed: w.accs.sealedRaw(w.spec.Aggs), keys: upToInts(len(w.group.cols))},
	}
	return append(out, w.accs.setTables(keys, 0)...)
}

// StateTables implements Stateful.
func (w *windowEmit) StateTables() []StateTable {
	const sealed = "what was told of a window is kept beside its results"
	keys := append(keyColumns(0, w.group), StateColumn{Name: "window_end", Type: stateTime, Key: true, from: inBucket})
	with := func(cols []StateColumn) []StateColumn { return append(append([]StateColumn(nil), keys...), cols...) }
	raw := append(w.accs.rawColumns(), wordOf("grid", stateCount, w.first+emitGrid), wordOf("due", stateCount, w.first+emitDue), wordOf("flags", stateCount, w.first+emitFlags))
	out := []StateTable{
		{Name: "windows", Of: -1, Store: groupTableName, Columns: with(w.accs.resultColumns(w.spec.Aggs)), Sealed: sealed},
		{Name: "accumulators", Of: -1, Store: groupTableName, Side: true, Columns: with(raw), Sealed: sealed},
	}
	key := []StateColumn{{Name: "window_end", Type: stateTime, Key: true, from: inKey}}
	for _, c := range keyColumns(0, w.group) {
		c.index++
		key = append(key, c)
	}
	timers := timerTable(key, emitTimers)
	return append(append(out, timers), w.accs.setTables(keys, 0)...)
}

// StateTables implements Stateful.
func (w *sessionAgg) StateTables() []StateTable {
	cols := append(keyColumns(0, w.group),
		StateColumn{Name: "window_start", Type: stateTime, Key: true, from: inMade, index: 0},
		StateColumn{Name: "window_end", Type: stateTime, Key: true, from: inMade, index: 1})
	return []StateTable{{Name: "windows", Of: -1, Store: groupTableName, Columns: append(cols, w.accs.resultColumns(w.spec.Aggs)...), unfold: w.unfold,
		Sealed: "the windows of a key are kept together, as partial results"}, timerTable(keyColumns(0, w.group), sessionTimers)}
}

// timerTable says when something of a key is due that may be out of memory.
func timerTable(key []StateColumn, store string) StateTable {
	return StateTable{Name: "timers", Of: -1, Store: store, Side: true, Columns: append(key, StateColumn{Name: "due", Type: stateTime, Key: true, from: inBucket}),
		Sealed: "timers follow from what they are about"}
}

// unfold makes a row of each window of the keys.
func (w *sessionAgg) unfold(c *keyed.Chunk) (*stateRows, error) {
	ts := w.rowTypes()
	bs := make([]*vec.Builder, len(ts))
	for i, t := range ts {
		bs[i] = vec.NewBuilder(t)
	}
	flat := &keyed.Chunk{Table: c.Table}
	for _, s := range c.Slots {
		for rest := c.Table.Blob(s, 0); len(rest) > 0; {
			var err error
			if rest, err = keyenc.DecodeRow(rest, ts, bs); err != nil {
				return nil, fmt.Errorf("read windows: %w", err)
			}
			flat.Slots = append(flat.Slots, s)
		}
	}
	cols := make([]vec.Vector, len(bs))
	for i, b := range bs {
		cols[i] = b.Finish()
	}
	n := len(flat.Slots)
	w.tab = w.accs.renew(w.tab, w.ctx.Memory)
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = int64(i)
	}
	var keys keyed.Keys
	keys.Prepare([]types.Type{bigint}, []vec.Vector{&vec.Fixed[int64]{Vals: ids}}, nil, n)
	rows := &stateRows{Chunk: flat, accs: make([]keyed.Slot, n), made: cols[:2]}
	w.tab.Table.Upsert(&keys, rows.accs)
	w.tab.On(w.tab.Table)
	if err := w.accs.merge(w.tab, cols[2:], rows.accs, w.work.ident.upTo(n)); err != nil {
		return nil, err
	}
	rows.groups.On(w.tab.Table)
	return rows, nil
}

// StateTables implements Stateful.
func (j *Join) StateTables() []StateTable {
	var out []StateTable
	for i, name := range [2]string{"left", "right"} {
		s := &j.sides[i]
		t := StateTable{Name: name, Of: -1, Store: name, Columns: wholeRows(i, s.types, s.keys), keys: s.keys}
		if j.counts[i] {
			t.Columns = append(t.Columns, wordOf("matches", stateCount, 0))
		}
		t.Columns = append(t.Columns, stampIf(j.ttl[i], "last_change", j.stamp[i])...)
		out = append(out, t)
	}
	return out
}

// StateTables implements Stateful.
func (j *IntervalJoin) StateTables() []StateTable {
	var out []StateTable
	for i, name := range [2]string{"left", "right"} {
		s := &j.sides[i]
		cols := append(wholeRows(i, s.types, s.keys), StateColumn{Name: "matched", Type: types.TBoolean.Nullable(false), from: inWord, word: 1})
		out = append(out, StateTable{Name: name, Of: -1, Store: name, Columns: cols, Sealed: "its rows lie in buckets by the interval"})
	}
	return out
}

// StateTables implements Stateful.
func (w *WindowJoin) StateTables() []StateTable {
	var out []StateTable
	for i, name := range [2]string{"left", "right"} {
		s := &w.sides[i]
		out = append(out, StateTable{Name: name, Of: -1, Store: name, Columns: wholeRows(i, s.types, s.group.cols), Sealed: "its rows lie in buckets by their windows"})
	}
	return out
}

// sealedWaiting is why rows that wait cannot be written.
const sealedWaiting = "rows that wait for the watermark have an order of arrival, which rows of a table do not have"

// waitingTable is of rows that wait for the watermark.
func waitingTable(name string, side bool, cols []StateColumn) StateTable {
	return StateTable{Name: name, Of: -1, Store: name, Side: side, Columns: cols, Sealed: sealedWaiting}
}

// StateTables implements Stateful.
func (j *TemporalJoin) StateTables() []StateTable {
	left, right := &j.sides[0], &j.sides[1]
	kind := func(word int) StateColumn {
		return StateColumn{Name: "row_kind", Type: types.TString, from: inKind, index: word}
	}
	return []StateTable{
		waitingTable("left", false, append(wholeRows(0, left.types, left.keys), kind(leftKind))),
		{Name: "right", Of: -1, Store: "right", Columns: append(wholeRows(1, right.types, right.keys), kind(rightKind)),
			Sealed: "the versions of a key are kept with the kinds of their changes"},
	}
}

// StateTables implements Stateful.
func (j *CurrentJoin) StateTables() []StateTable {
	s := &j.right
	cols := append(wholeRows(1, s.types, s.keys), stampIf(j.spec.RightTTLMs, "last_use", 0)...)
	return append([]StateTable{{Name: "right", Of: -1, Store: "right", Columns: cols, keys: s.keys}}, j.leaver.stateTables()...)
}

// StateTables implements Stateful.
func (j *LookupJoin) StateTables() []StateTable { return j.leaver.stateTables() }

// stateTables are what rows that may be taken back were joined with.
func (l *leaver) stateTables() []StateTable {
	if l.kept == nil {
		return nil
	}
	const sealed = "rows and what they were joined with belong together"
	k := l.kept
	of := func(name, store string, cols []StateColumn) StateTable {
		cols = append(append(cols, wordOf("row_id", stateCount, 0)), stampIf(k.ttlMs, "came", 1)...)
		return StateTable{Name: name, Of: -1, Store: store, Side: true, Columns: cols, Sealed: sealed}
	}
	var with []StateColumn
	for i, t := range k.right.types {
		with = append(with, StateColumn{Kind: StateInput, Input: 1, At: i, Type: t, from: inRow, index: i})
	}
	return []StateTable{of("joined", "joined", wholeRows(0, k.left.types, k.left.keys)), of("joined with", "joined with", with)}
}

// StateTables implements Stateful.
func (r *Rank) StateTables() []StateTable {
	if r.spec.Emit == jobgraph.AtEnd {
		return nil
	}
	cols := wholeRows(0, r.spec.Types, r.spec.Partition)
	if r.window != nil {
		return []StateTable{{Name: "rows", Of: -1, Store: "rows", Columns: cols, Sealed: "its rows lie in buckets by their windows"}}
	}
	lacks := 0
	if r.ages() {
		cols = append(cols, stampIf(r.spec.TTLMs, "last_change", len(r.shape.order.keys))...)
		lacks = 1
	}
	most := int64(0)
	if r.shape.limit != noBound {
		most = r.shape.limit
	}
	return []StateTable{{Name: "rows", Of: -1, Store: "rows", Columns: cols, Lacks: lacks, keys: r.spec.Partition, most: most, derive: func(cols []vec.Vector, n int) [][]uint64 {
		var ident idents
		return r.shape.order.words(cols, ident.upTo(n), n, nil)
	}}}
}

// StateTables implements Stateful.
func (d *Dedup) StateTables() []StateTable {
	if d.spec.Emit == jobgraph.AtEnd {
		return nil
	}
	var out []StateTable
	last := stampIf(d.spec.TTLMs, "last_change", dedupSeen)
	const lacks = dedupWords - 1 - dedupSeen
	if d.rows != nil {
		out = append(out, StateTable{Name: "rows", Of: -1, Store: "rows", Columns: append(wholeRows(0, d.spec.Types, d.spec.Keys), last...), Lacks: lacks, keys: d.spec.Keys, most: 1, derive: d.deriveWords})
	} else {
		cols := keyColumns(0, d.group)
		if d.spec.Time >= 0 {
			t := d.spec.Types[d.spec.Time]
			t.NotNull = false
			cols = append(cols, StateColumn{Kind: StateInput, At: d.spec.Time, Type: t, from: inWord, index: dedupTime})
		}
		if d.waits() {
			cols = append(cols, StateColumn{Name: "sent", Type: types.TBoolean.Nullable(false), from: inWord, index: dedupState, word: dedupDone})
		}
		sealed := ""
		if d.waits() {
			sealed = "keys belong to the rows that wait for the watermark"
		}
		out = append(out, StateTable{Name: "keys", Of: -1, Store: "keys", Columns: append(cols, last...), Lacks: lacks, Sealed: sealed, keys: upToInts(len(d.group.cols)), derive: deriveSent})
	}
	if d.wait != nil {
		out = append(out, waitingTable("waiting", true, wholeRows(0, d.spec.Types, d.spec.Keys)))
	}
	return out
}

// deriveSent are the words of keys whose rows have been put out.
func deriveSent(_ []vec.Vector, n int) [][]uint64 {
	out := make([][]uint64, dedupWords)
	for w := range out {
		out[w] = make([]uint64, n)
	}
	for i := range n {
		out[dedupState][i] = dedupDone
	}
	return out
}

// deriveWords are the words beside rows that have been put out.
func (d *Dedup) deriveWords(cols []vec.Vector, n int) [][]uint64 {
	out := deriveSent(cols, n)
	for i := range n {
		if d.spec.Time >= 0 {
			out[dedupTime][i] = uint64(timeAt(rowtimes(cols[d.spec.Time]), int32(i)))
		}
	}
	return out
}

// StateTables implements Stateful.
func (o *Over) StateTables() []StateTable {
	switch x := o.mode.(type) {
	case *overStream:
		return x.stateTables()
	case *overChanges:
		order := x.rows.order
		return []StateTable{{Name: "rows", Of: -1, Store: "rows", Columns: wholeRows(0, o.spec.Types, o.spec.Partition), keys: o.spec.Partition, derive: func(cols []vec.Vector, n int) [][]uint64 {
			var ident idents
			return order.words(cols, ident.upTo(n), n, nil)
		}}}
	}
	return nil
}

func (x *overStream) stateTables() []StateTable {
	keys := keyColumns(0, x.group)
	cols := append(append([]StateColumn(nil), keys...), wordOf("rows", stateCount, overCount))
	raw := append(append([]StateColumn(nil), cols...), wordOf("peer_groups", stateCount, overGroups))
	sealed := ""
	var sets []StateTable
	for i, c := range x.running.list {
		if c.agg == nil {
			continue
		}
		at := x.running.at[i]
		cols = append(cols, StateColumn{Kind: StateCall, At: at, Type: c.spec.Ret, from: inResult, call: c.agg})
		raw = append(raw, partColumns(at, &agg.Placed{Agg: c.agg})...)
		if c.seenRows != nil {
			sealed = "it has DISTINCT calls, which are kept with the values that they have seen"
			value := StateColumn{Kind: StateInput, At: c.arg(), Type: c.types[c.arg()], from: inRow}
			sets = append(sets, StateTable{Name: "values of", Of: c.arg(), Store: fmt.Sprintf("distinct-%d", at), Side: true,
				Columns: append(append([]StateColumn(nil), keys...), value), Sealed: sealed})
		}
	}
	out := []StateTable{{Name: "partitions", Of: -1, Store: "accumulators", Columns: cols, Sealed: cmp.Or(sealed, "how many groups of equal rows there were is not among its columns; write its table 'accumulators'")},
		{Name: "accumulators", Of: -1, Store: "accumulators", Side: true, Columns: raw, Sealed: cmp.Or(sealed, x.sealedRaw()), keys: upToInts(len(keys))}}
	if x.past != nil {
		var ts []types.Type
		for _, c := range x.columns {
			ts = append(ts, x.o.spec.Types[c])
		}
		out = append(out, StateTable{Name: "past", Of: -1, Store: "past", Side: true, Columns: keptRows(keys, x.columns, ts), Sealed: sealedWaiting})
	}
	if x.wait != nil {
		out = append(out, waitingTable("waiting", true, wholeRows(0, x.o.spec.Types, x.group.cols)))
	}
	return append(out, sets...)
}

// sealedRaw is why the accumulators cannot be written.
func (x *overStream) sealedRaw() string {
	for _, c := range x.running.list {
		if c.agg != nil && len(c.agg.Blobs()) > 0 {
			return c.spec.Func + " keeps bytes of its own"
		}
	}
	return ""
}

// StateTables implements Stateful.
func (s *Sort) StateTables() []StateTable {
	if s.stream == nil {
		return nil
	}
	return []StateTable{waitingTable("waiting", false, wholeRows(0, s.spec.Types, nil))}
}

// StateTables implements Stateful.
func (n *Normalize) StateTables() []StateTable {
	cols := wholeRows(0, n.spec.Types, n.spec.Keys)
	for i := range cols {
		cols[i].from, cols[i].word = inImage, normalizeRow
	}
	return []StateTable{{Name: "rows", Of: -1, Store: "rows", Columns: append(cols, stampIf(n.spec.TTLMs, "last_change", normalizeTime)...), keys: n.spec.Keys}}
}

// StateTables implements Stateful.
func (m *Materialize) StateTables() []StateTable {
	return []StateTable{{Name: "rows", Of: -1, Store: "rows", Columns: append(wholeRows(0, m.spec.Types, m.spec.Keys), stampIf(m.spec.TTLMs, "came", 0)...), keys: m.spec.Keys}}
}

// StateTables implements Stateful.
func (k *Keep) StateTables() []StateTable {
	return []StateTable{{Name: "rows", Of: -1, Store: "rows", Columns: append(wholeRows(0, k.spec.Types, k.spec.Keys), stampIf(k.spec.TTLMs, "came", 0)...), keys: k.spec.Keys}}
}

// StateTables implements Stateful.
func (c *Conflict) StateTables() []StateTable {
	cols := append(wholeRows(0, c.spec.Types, c.spec.Keys), StateColumn{Name: "waiting_kind", Type: types.TString, from: inKind, index: conflictKind})
	return []StateTable{{Name: "rows", Of: -1, Store: "rows", Columns: append(cols, stampIf(c.spec.TTLMs, "came", conflictTime)...),
		Sealed: "its rows are changes that wait, and what the receiver has"}}
}

// StateTables implements Stateful.
func (m *Match) StateTables() []StateTable {
	keys := keyColumns(0, m.group)
	kept := m.exprs.kept
	out := []StateTable{
		{Name: "rows", Of: -1, Store: "rows", Columns: keptRows(keys, kept, pickTypes(m.spec.Types, kept)),
			Sealed: "the attempts to match count these rows"},
		{Name: "attempts", Of: -1, Store: "attempts", Side: true, Columns: append(append([]StateColumn(nil), keys...),
			StateColumn{Name: "bytes", Type: types.TBytes, from: inBlob}), Sealed: "they are the operator's own bytes"},
	}
	if m.cold.timers != nil {
		out = append(out, timerTable(keyColumns(0, m.group), matchTimersName))
	}
	if m.wait != nil {
		out = append(out, waitingTable("waiting", true, wholeRows(0, m.spec.Types, m.spec.Partition)))
	}
	return out
}

package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A rankShape is what all rows of a Rank (or an Over by any order) have in common.
type rankShape struct {
	order *ordering
	types []types.Type
	tag   []int // the columns by whose hash a row is found again; nil: none
	tagTs []types.Type
	// limit is how many rows of a partition can ever be asked for, or noBound.
	limit int64
	ages  bool // partitions have a time to live
}

// rankRows keeps the rows of partitions in order. A row's extra words are those of
// its sort keys, and when it was used last if partitions have a time to live. The
// lists of partitions that are out of memory are made when they come back.
type rankRows struct {
	*rankShape
	m     *keyed.Multi
	lists rankLists
	now   int64 // processing time of the batch at hand, ms; with a time to live
}

// extraWords is how many words are kept with a row.
func (p *rankShape) extraWords() int {
	if p.ages {
		return len(p.order.keys) + 1
	}
	return len(p.order.keys)
}

// sortWords returns the words of a row's sort keys.
func (x *rankRows) sortWords(r keyed.Ref) []uint64 { return x.m.Extra(r)[:len(x.order.keys)] }

// newRankRows makes the lists of rows that are in a table already, unless there are
// to be none.
func newRankRows(p *rankShape, m *keyed.Multi, mem *base.Budget, unlisted bool) *rankRows {
	x := &rankRows{rankShape: p, m: m, lists: rankLists{mem: mem}}
	if unlisted {
		return x
	}
	x.list(slices.Collect(m.Each))
	m.Follow(keyed.Follower{
		Came:   x.list,
		Leaves: func(s keyed.Slot) bool { x.lists.clear(s); return true },
		Held:   x.lists.held,
		Whole: func(begins bool) {
			if !begins && m.Len() == 0 {
				x.lists.close()
			}
		},
	})
	return x
}

// list makes the lists of partitions from their rows.
func (x *rankRows) list(slots []keyed.Slot) {
	var refs []keyed.Ref
	for _, s := range slots {
		refs = x.m.Rows(refs, s)
	}
	for n := 0; n < len(refs); n += vec.BatchRowsMax {
		x.load(refs[n:min(n+vec.BatchRowsMax, len(refs))])
	}
}

// load puts rows of the table into the lists.
func (x *rankRows) load(refs []keyed.Ref) {
	tags := make([]uint64, len(refs))
	if x.tag != nil {
		cols := make([]vec.Vector, len(x.tag))
		for i, c := range x.tag {
			cols[i] = x.m.Gather(refs, c)
		}
		keyenc.Hash(cols, x.tagTs, nil, len(refs), tags)
	}
	for i, r := range refs {
		s := x.m.SlotOf(r)
		w := x.sortWords(r)
		at := x.lists.search(s, func(e *rankEntry) bool { return x.compareRows(e.ref, r) <= 0 })
		x.lists.insert(s, at, rankEntry{word: firstWord(w), ref: r, tag: uint32(tags[i])})
	}
}

func firstWord(w []uint64) uint64 {
	if len(w) == 0 {
		return 0
	}
	return w[0]
}

// compareRows compares two rows that are kept.
func (x *rankRows) compareRows(a, b keyed.Ref) int {
	wa, wb := x.sortWords(a), x.sortWords(b)
	for k := range wa {
		if wa[k] != wb[k] {
			if wa[k] < wb[k] {
				return -1
			}
			return 1
		}
		if x.order.loose(k, wa[k]) {
			c := x.order.keys[k].Col
			v := x.m.Gather([]keyed.Ref{a, b}, c)
			if d := x.order.value(k, v, 0, v, 1); d != 0 {
				return d
			}
		}
	}
	return 0
}

// A rankBatch is the batch at hand: its rows with the words of their sort keys.
type rankBatch struct {
	b     *vec.Batch
	rows  []int32
	slots []keyed.Slot
	words [][]uint64 // by key, by ordinal
	tags  []uint64
}

// prepare computes the words and tags of rows of a batch.
func (p *rankShape) prepare(k *rankBatch, b *vec.Batch, rows []int32) {
	k.b, k.rows = b, rows
	k.words = p.order.words(b.Cols, rows, b.Rows, k.words)
	k.tags = grow(k.tags, len(rows))
	if p.tag != nil {
		keyenc.Hash(pick(b.Cols, p.tag), p.tagTs, rows, b.Rows, k.tags)
	}
}

// compare compares the i'th row of the batch with a row that is kept, whose first
// word is known.
func (x *rankRows) compare(k *rankBatch, i int, word uint64, ref keyed.Ref) int {
	if len(k.words) == 0 {
		return 0
	}
	if w := k.words[0][i]; w != word {
		if w < word {
			return -1
		}
		return 1
	}
	return x.compareTies(k, i, ref)
}

// compareTies is compare for rows with the same first word.
func (x *rankRows) compareTies(k *rankBatch, i int, ref keyed.Ref) int {
	words := x.sortWords(ref)
	for j := range words {
		w := k.words[j][i]
		if w != words[j] {
			if w < words[j] {
				return -1
			}
			return 1
		}
		if x.order.loose(j, w) {
			c := x.order.keys[j].Col
			if d := x.order.value(j, k.b.Cols[c], int(k.rows[i]), x.m.Gather([]keyed.Ref{ref}, c), 0); d != 0 {
				return d
			}
		}
	}
	return 0
}

// behind returns the position behind the rows that are not after the i'th row of
// the batch.
func (x *rankRows) behind(k *rankBatch, i int) int {
	s := k.slots[i]
	if n := x.lists.len(s); n > 0 {
		if e := x.lists.at(s, n-1); x.compare(k, i, e.word, e.ref) >= 0 {
			return n
		}
	}
	return x.lists.search(s, func(e *rankEntry) bool { return x.compare(k, i, e.word, e.ref) >= 0 })
}

// keep adds the i'th row of the batch to the table.
func (x *rankRows) keep(k *rankBatch, i int) rankEntry {
	ref := x.m.Add(k.slots[i], k.b.Cols, int(k.rows[i]))
	e := rankEntry{ref: ref, tag: uint32(k.tags[i])}
	w := x.m.Extra(ref)
	for j, words := range k.words {
		w[j] = words[i]
	}
	if x.ages {
		w[len(k.words)] = uint64(x.now)
	}
	e.word = firstWord(w[:len(k.words)])
	return e
}

// find returns the position of a row that equals the i'th of the batch, or -1. Of
// several the first counts, as in Flink.
func (x *rankRows) find(k *rankBatch, i int) int {
	s := k.slots[i]
	n := x.lists.len(s)
	from := x.lists.search(s, func(e *rankEntry) bool { return x.compare(k, i, e.word, e.ref) > 0 })
	found, more := -1, false
	for at := from; at < n; at++ {
		e := x.lists.at(s, at)
		if x.compare(k, i, e.word, e.ref) != 0 {
			break
		}
		if e.tag != uint32(k.tags[i]) {
			continue
		}
		if found >= 0 {
			more = true
			break
		}
		found = at
	}
	if !more {
		return found // what is taken back was there: there is no other candidate
	}
	for at := found; at < n; at++ {
		e := x.lists.at(s, at)
		if x.compare(k, i, e.word, e.ref) != 0 {
			return -1
		}
		if e.tag == uint32(k.tags[i]) && x.equal(k, i, e.ref, x.tag) {
			return at
		}
	}
	return -1
}

// findKey returns the position of the row with the same tag columns, or -1.
func (x *rankRows) findKey(k *rankBatch, i int) int {
	s := k.slots[i]
	tag := uint32(k.tags[i])
	for at := range x.lists.len(s) {
		if e := x.lists.at(s, at); e.tag == tag && x.equal(k, i, e.ref, x.tag) {
			return at
		}
	}
	return -1
}

// equal compares columns of the i'th row with a row that is kept.
func (x *rankRows) equal(k *rankBatch, i int, ref keyed.Ref, cols []int) bool {
	one := []keyed.Ref{ref}
	return !slices.ContainsFunc(cols, func(c int) bool {
		return vec.Compare(k.b.Cols[c], int(k.rows[i]), x.m.Gather(one, c), 0) != 0
	})
}

// prune drops rows that are beyond the limit for good, of a rank with ties too.
func (x *rankRows) prune(s keyed.Slot, kind jobgraph.RankKind, drop func(keyed.Ref)) {
	if x.limit == noBound {
		return
	}
	for n := x.lists.len(s); int64(n) > x.limit; n = x.lists.len(s) {
		last := n - 1
		switch kind {
		case jobgraph.DenseRank:
			return
		case jobgraph.RankNumber:
			e := *x.lists.at(s, n-1)
			last = x.lists.search(s, func(o *rankEntry) bool { return x.compareRows(o.ref, e.ref) < 0 })
			if int64(last) < x.limit {
				return
			}
		}
		for at := n - 1; at >= last; at-- {
			drop(x.lists.at(s, at).ref)
			x.lists.remove(s, at)
		}
	}
}

// forget drops a partition.
func (x *rankRows) forget(s keyed.Slot) {
	x.lists.clear(s)
	x.m.DeleteKey(s)
}

// expire forgets the partitions of slots whose time to live is over.
func (x *rankRows) expire(slots []keyed.Slot, ttl int64) {
	for _, s := range slots {
		if s != keyed.None && x.m.Has(s) && x.over(s, x.now, ttl) {
			x.forget(s)
		}
	}
}

// over reports whether a partition's time to live is over.
func (x *rankRows) over(s keyed.Slot, now, ttl int64) bool {
	last := x.m.Last(s)
	return last != 0 && now-int64(x.m.Extra(last)[len(x.order.keys)]) > ttl
}

// touch notes that partitions were used.
func (x *rankRows) touch(slots []keyed.Slot, ttl int64) {
	for _, s := range slots {
		if x.m.Has(s) {
			freshen(x.m, s, len(x.order.keys), x.now, ttl)
		}
	}
}

// sweep forgets all partitions in memory whose time to live is over.
func (x *rankRows) sweep(now, ttl int64) {
	for s := range x.m.Each {
		if x.over(s, now, ttl) {
			x.forget(s)
		}
	}
}

package keyed

import (
	"encoding/binary"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/keyenc"
)

// Buckets out of memory
//
// What lies in a bucket is used while its time is near, and once more when that is
// over. So a bucket that nobody has looked into for a while leaves memory whole, and
// its memory goes back to the budget. It stays one of the buckets: keys are looked up
// in the store, and Bring reads it, a key group at a time, for those who need all of
// it. A bucket that is in use and has a large part of all that is in memory lets go,
// by the clock, of what it uses least. In a store that is opened the buckets are found
// by their times, and nothing else is read.

// A bucket that is in use leaves memory by the clock if it has one bigShare'th of what
// all of them have there.
const bigShare = 4

// aheadBytes is about how much of the buckets that follow comes with one that is asked
// for, and aheadMax how many of them.
const (
	aheadBytes = 256 << 10
	aheadMax   = 255
)

// trimBucketsMax is how many buckets one Trim looks at.
const trimBucketsMax = 1024

// Trim lets buckets, or entries, leave memory if it is short; more is what belongs to
// them and is not theirs. Slots are void afterwards.
func (b *byTime[T]) Trim(more int64) {
	if !b.shape.Evicts || !b.shape.Memory.Short(b.held+more) {
		return
	}
	for _, x := range b.spare {
		x.Close()
	}
	b.spare = nil
	b.disk.Relieve()
	if b.shape.InOrder {
		b.trimLast(more)
		return
	}
	at, _ := slices.BinarySearch(b.times, b.hand)
	for n := min(2*len(b.times), trimBucketsMax); n > 0 && b.shape.Memory.Short(b.held+more); n-- {
		at++
		if at >= len(b.times) {
			at = 0
		}
		b.hand = b.times[at]
		b.trimOne(b.hand)
	}
}

// trimOne puts a bucket out that was not used lately.
func (b *byTime[T]) trimOne(t int64) {
	x := b.of[t]
	if x.Len() == 0 {
		return
	}
	used := x.wasUsed()
	switch {
	case !used:
		x.PutOutAll()
	case x.Bytes() >= b.held/bigShare:
		x.Trim()
	}
	if x.isCold() {
		b.setCold(t)
	}
}

func (b *byTime[T]) setCold(t int64) {
	if b.cold == nil {
		b.cold = map[int64]bool{}
	}
	b.cold[t] = true
}

// Whole reports whether all buckets are in memory with all that they have, or that of
// a time.
func (b *byTime[T]) Whole() bool { return len(b.cold) == 0 }

// WholeAt is described above.
func (b *byTime[T]) WholeAt(t int64) bool { return !b.cold[t] }

// Bring reads what the store has of a key group, of the buckets from one time to
// another, that one too.
func (b *byTime[T]) Bring(g base.KeyGroup, from, to int64) error {
	if !b.stores(g, from, to) {
		return nil
	}
	prefix := binary.BigEndian.AppendUint16(nil, uint16(g))
	low := keyenc.AppendKeyTime(slices.Clone(prefix), from)
	high := keyenc.AppendAfter(nil, keyenc.AppendKeyTime(prefix, to))
	l := &b.loader
	if l.key == nil {
		*l = loader{shape: b.shape, bucket: true, multi: b.rows, whole: true}
	}
	err := l.read(b.disk.Scan(low, high), b.disk, func() error {
		if b.cold[l.time] {
			return b.At(l.time).takeIn(l)
		}
		return nil
	})
	if err != nil {
		*l = loader{}
	}
	return err
}

// stores reports whether the store may have something of a key group of the buckets
// from one time to another that is not in memory.
func (b *byTime[T]) stores(g base.KeyGroup, from, to int64) bool {
	i, _ := slices.BinarySearch(b.times, from)
	for ; i < len(b.times) && b.times[i] <= to; i++ {
		t := b.times[i]
		if !b.cold[t] {
			continue
		}
		if r := b.left[t]; r != nil && r.wrote.has(g) || r == nil && b.of[t].stores(g) {
			return true
		}
	}
	return false
}

// PutOutAt lets the bucket of a time leave memory whole.
func (b *byTime[T]) PutOutAt(t int64) {
	b.of[t].PutOutAll()
	b.setCold(t)
}

// BringAll is Bring of all key groups of one bucket, which is then in memory whole.
// Small buckets come with those that follow: to look for them costs more than to read
// them.
func (b *byTime[T]) BringAll(t int64) error {
	if !b.cold[t] {
		return nil
	}
	at, _ := slices.BinarySearch(b.times, t)
	end, was := at+1, b.held
	for end < len(b.times) && end-at <= b.ahead && b.cold[b.times[end]] {
		end++
	}
	b.At(t).wasUsed() // it has been asked; what follows counts
	for g := b.store.Range().Lo; g < b.store.Range().Hi; g++ {
		if err := b.Bring(base.KeyGroup(g), t, b.times[end-1]); err != nil {
			return err
		}
	}
	for _, t := range b.times[at:end] {
		b.At(t).allHere()
		delete(b.cold, t)
	}
	b.look(b.held - was)
	return nil
}

// look decides how many buckets come with the next one, by how much has come now.
func (b *byTime[T]) look(came int64) {
	switch {
	case b.shape.InOrder:
		b.lookInOrder(came)
	case came > aheadBytes || b.shape.Memory.Short(b.held):
		b.ahead /= 2
	case came < aheadBytes/2:
		b.ahead = min(2*b.ahead+1, aheadMax)
	}
}

// find makes, out of memory, the buckets that the store has entries of.
func (b *byTime[T]) find() error {
	if b.disk.Empty() {
		return nil
	}
	for g := b.store.Range().Lo; g < b.store.Range().Hi; g++ {
		from := binary.BigEndian.AppendUint16(nil, uint16(g))
		for from != nil {
			var err error
			if from, err = b.findFrom(base.KeyGroup(g), from); err != nil {
				return err
			}
		}
	}
	return nil
}

// findSame is how many keys of a bucket follow each other before the rest of them is
// passed over.
const findSame = 32

// findFrom makes buckets of the entries of a key group from a key on, and returns
// where to go on; nil if that is all.
func (b *byTime[T]) findFrom(g base.KeyGroup, from []byte) ([]byte, error) {
	same, last := 0, int64(0)
	for key := range b.disk.Scan(from, binary.BigEndian.AppendUint16(nil, uint16(g)+1)) {
		at, _, err := keyenc.KeyTime(key[2:])
		if err != nil {
			return nil, err
		}
		if same == 0 || at != last {
			b.foundIn(at, g)
			same, last = 0, at
		}
		if same++; same == findSame {
			return keyenc.AppendAfter(nil, keyenc.AppendKeyTime(binary.BigEndian.AppendUint16(nil, uint16(g)), at)), nil
		}
	}
	return nil, b.disk.Err()
}

// foundIn tells that the store has entries of a bucket and key group.
func (b *byTime[T]) foundIn(t int64, g base.KeyGroup) {
	b.setCold(t)
	if !b.shape.InOrder {
		b.At(t).storedIn(g)
		return
	}
	if b.left[t] == nil {
		b.note(t)
		b.leave(t, &remains{})
		b.firstLeft = b.times[0]
	}
	b.left[t].wrote.add(g)
}

func (t *Table) stores(g base.KeyGroup) bool { return t.wrote.has(g) }

// Brought returns the entries that Bring has made since this was last asked. They may
// leave again by PutOut.
func (t *Table) Brought() []Slot {
	out := t.brought
	t.brought = nil
	return out
}

// PutOut lets some entries of a bucket leave memory, unless a Follower keeps them.
func (b *Buckets) PutOut(at int64, slots []Slot) {
	t := b.of[at]
	t.cold.on = true
	b.setCold(at)
	for _, s := range slots {
		if t.follow.Leaves == nil || t.follow.Leaves(s) {
			t.putOut(s)
		}
	}
}

// GroupOf returns the key group of an entry, of so many.
func (t *Table) GroupOf(s Slot, groups int) base.KeyGroup { return keyenc.Group(t.hash(s), groups) }

// ByGroup returns the entries in memory by key group.
func (t *Table) ByGroup() map[base.KeyGroup][]Slot {
	out := map[base.KeyGroup][]Slot{}
	for s := range t.Each {
		g := t.GroupOf(s, t.shape.Groups)
		out[g] = append(out[g], s)
	}
	return out
}

// isCold and allHere implement bucket.
func (t *Table) isCold() bool { return t.cold.on }

func (t *Table) allHere() { t.cold, t.brought = cold{}, nil }

func (t *Table) wasUsed() bool {
	was := t.lately
	t.lately = false
	return was
}

func (t *Table) storedIn(g base.KeyGroup) {
	t.cold.on = true
	t.wrote.add(g)
}

// PutOutAll lets all entries leave memory, which goes back to the budget. A Follower
// may keep some.
func (t *Table) PutOutAll() {
	t.putOutEach(t.putOut)
	if t.n == 0 {
		t.leaveWhole()
	}
}

func (t *Table) putOutEach(out func(Slot)) {
	t.cold.on, t.cold.stuck = true, 0
	if t.follow.Whole != nil {
		t.follow.Whole(true)
		defer t.follow.Whole(false)
	}
	for s := range t.Each {
		if t.follow.Leaves == nil || t.follow.Leaves(s) {
			out(s)
		}
	}
}

// leaveWhole gives the memory of a table back whose entries have been put out.
func (t *Table) leaveWhole() {
	t.empty()
	t.ice = ice{}
	t.cold, t.brought = cold{on: true, away: t.cold.away}, nil
}

// PutOutAll lets all keys, with their rows, leave memory, which goes back to the budget.
func (m *Multi) PutOutAll() {
	m.putOutEach(m.putOut)
	if m.n == 0 {
		m.leaveWhole()
		m.rows.reset()
		m.changed, m.compacted, m.long, m.ice = nil, 0, nil, ice{odd: m.ice.odd}
	}
}

// takeIn implements bucket: what is in memory is newer.
func (t *Table) takeIn(l *loader) error {
	t.lately = true
	slots := l.slots[:l.n]
	if t.find(&l.keys, slots) == 0 {
		return nil
	}
	var miss []int
	for i, s := range slots {
		if s == None {
			miss = append(miss, i)
		}
	}
	t.makeMissing(&l.keys, slots)
	for j, i := range miss {
		s := t.made[j]
		if err := t.setValue(s, l.val(i)); err != nil {
			return err
		}
		t.cameBack(s)
	}
	t.cold.back(len(miss))
	t.cold.touchUse(t.made)
	t.brought = append(t.brought, t.made...)
	if t.follow.Came != nil {
		t.follow.Came(t.made)
	}
	return nil
}

// takeIn implements bucket: rows of keys that are in memory are there, but for those
// that are in part.
func (m *Multi) takeIn(l *loader) error {
	m.lately = true
	back := newRowsBack(m)
	for i := range l.n {
		if err := m.checkRow(l.val(i)); err != nil {
			return err
		}
		if err := back.add(binary.BigEndian.AppendUint64(m.key[:0], l.seqs[i]), l.val(i)); err != nil {
			return err
		}
	}
	back.finish()
	slots := l.slots[:l.n]
	m.find(&l.keys, slots)
	here := make([]bool, len(slots))
	for i, s := range slots {
		here[i] = s != None && !m.cold.isPart(s)
	}
	m.makeMissing(&l.keys, slots)
	m.cold.touchUse(m.made)
	m.brought = append(m.brought, m.made...)
	for from, to := 0, 0; from < len(slots); from = to {
		for to = from + 1; to < len(slots) && slots[to] == slots[from]; {
			to++
		}
		if s := slots[from]; !here[from] {
			m.cold.setPart(s, false)
			back.put(s, from, to)
		}
	}
	if m.follow.Came != nil {
		m.follow.Came(m.made)
	}
	return nil
}

package keyed

import (
	"bytes"
	"fmt"
	"math/bits"

	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
)

// slabChunkBytes is about the size of a chunk of entries. The first grows to it
// by doubling.
const slabChunkBytes = 256 << 10

// A Table maps keys to entries.
type Table struct {
	shape  Shape
	form   keyForm
	keyAt  int // where the key begins in an entry
	keyLen int // its words
	hashAt int // where the hash is; -1 if there is none
	stride int

	index index
	slab  [][]uint64
	shift uint
	mask  int
	next  Slot // the first that was never used
	freed Slot // list through word 0 of the entries; None at its end
	null  Slot // of the NULL key, which is not in the index
	n     int

	// By slot:
	live    []uint64
	touched []uint64
	durable []uint64 // the store has the entry

	dirty   bool // something is touched
	arena   arena
	mem     *meter
	made    []Slot
	refs    []uint64
	fetched uint64 // makes the reads of stringRefs count

	cold     cold
	lately   bool   // of a bucket: used since it was last asked (byTime.Trim)
	brought  []Slot // of a bucket: what Bring has made
	ice      ice
	follow   Follower
	expiring *expiring                  // nil: entries do not expire
	bring    func(asked [][]byte) error // brings what the store has of made

	disk     state.Table
	wrote    groupSet // groups with entries in the store, as far as known
	time     int64    // of the bucket
	isBucket bool
	err      error  // of the store, for the next Snapshot
	errs     *error // of a bucket: for that of all
	key      []byte
	val      []byte
}

// newTable makes an empty table over disk.
func newTable(disk state.Table, shape Shape) *Table {
	t := &Table{shape: shape, disk: disk, mem: &meter{budget: shape.Memory}}
	t.bring = t.fillEntries
	t.init()
	return t
}

func (t *Table) init() {
	if t.shape.Groups <= 0 {
		panic("keyed: a Shape without key groups")
	}
	t.form, t.keyLen = formOf(t.shape.Key)
	t.keyAt, t.hashAt = t.shape.Words, -1
	t.stride = t.keyAt + t.keyLen
	if t.form != formWord {
		t.hashAt = t.stride
		t.stride++
	}
	t.shift = uint(bits.Len(uint(slabChunkBytes/8/t.stride)) - 1)
	t.shift = max(t.shift, 4)
	t.mask = 1<<t.shift - 1
	t.arena.mem, t.index.mem = t.mem, t.mem
	t.empty()
}

// empty forgets all entries, not in the store.
func (t *Table) empty() {
	t.index.reset()
	t.arena.reset()
	for _, c := range t.slab {
		t.mem.add(-8 * len(c))
	}
	t.mem.add(-8 * 3 * len(t.live))
	t.slab, t.live, t.touched, t.durable = nil, nil, nil, nil
	t.next, t.freed, t.null, t.n, t.dirty = 0, None, None, 0, false
}

// Open makes the table and reads what the store has of it.
func Open(s state.Store, shape Shape) (*Table, error) {
	describe(s, Entries, shape)
	if !shape.Evicts {
		return OpenWhole(s, shape)
	}
	t := newTable(s.Table(shape.Name), shape)
	t.expire()
	t.begin(s)
	return t, nil
}

// OpenWhole makes the table and reads what the store has of it, whether or not entries
// may leave memory later.
func OpenWhole(s state.Store, shape Shape) (*Table, error) {
	describe(s, Entries, shape)
	t := newTable(s.Table(shape.Name), shape)
	if shape.Evicts {
		t.expire()
	}
	if err := t.load(func(int64) *Table { return t }); err != nil {
		return nil, err
	}
	return t, nil
}

// Find sets slots[i] to the slot of the i'th key, or None.
func (t *Table) Find(k *Keys, slots []Slot) {
	slots = slots[:k.Len()]
	t.lately = true
	missing := t.find(k, slots)
	if t.cold.on {
		if missing > 0 {
			t.revived(k, slots)
		}
		t.cold.touchUse(slots)
		t.complete(slots)
	}
	t.thaw(slots)
}

// find returns how many keys it has not found.
func (t *Table) find(k *Keys, slots []Slot) (missing int) {
	if k.form != t.form {
		panic("keyed: keys of another shape than the table's")
	}
	missing = t.index.candidates(k.Hash, slots)
	// A tag is 32 bits of the hash: the first candidate is almost always right.
	switch t.form {
	case formWord:
		slab, shift, mask, stride, at := t.slab, t.shift&63, t.mask, t.stride, t.keyAt
		words := k.words[:len(slots)]
		for i, s := range slots {
			if s >= 0 && slab[uint(s)>>shift][(int(s)&mask)*stride+at] != words[i] {
				slots[i], missing = t.again(k, i, missing)
			}
		}
		return t.findNulls(k, slots, missing)
	case formString:
		refs := t.stringRefs(slots)
		for i, s := range slots {
			if s >= 0 && !bytes.Equal(t.arena.load(refs[i]), k.col.At(k.row(i))) {
				slots[i], missing = t.again(k, i, missing)
			}
		}
		return t.findNulls(k, slots, missing)
	case formEncoded:
		refs := t.stringRefs(slots)
		for i, s := range slots {
			if s >= 0 && !bytes.Equal(t.arena.load(refs[i]), k.bytes(i)) {
				slots[i], missing = t.again(k, i, missing)
			}
		}
		return missing
	}
	slab, shift, mask, stride, at := t.slab, t.shift&63, t.mask, t.stride, t.keyAt
	w := t.keyLen
	for i, s := range slots {
		if s < 0 {
			continue
		}
		have := slab[uint(s)>>shift][(int(s)&mask)*stride+at:][:w]
		for j, x := range k.words[i*w:][:w] {
			if have[j] != x {
				slots[i], missing = t.again(k, i, missing)
				break
			}
		}
	}
	return missing
}

// stringRefs returns the references of the slots' strings, valid until the next
// call. It goes to the entries and then to the strings, so that the comparison
// which comes next finds them in the cache: there, a miss would be waited for.
func (t *Table) stringRefs(slots []Slot) []uint64 {
	if t.refs = t.refs[:0]; cap(t.refs) < len(slots) {
		t.refs = make([]uint64, 0, 1<<bits.Len(uint(len(slots)-1)))
	}
	t.refs = t.refs[:len(slots)]
	refs := t.refs
	slab, shift, mask, stride, at := t.slab, t.shift&63, t.mask, t.stride, t.keyAt
	for i, s := range slots {
		if s >= 0 {
			refs[i] = slab[uint(s)>>shift][(int(s)&mask)*stride+at]
		}
	}
	chunks := t.arena.chunks
	if len(chunks) <= 1 {
		return refs
	}
	var all uint64
	for i, s := range slots {
		if w := refs[i]; s >= 0 && w != emptyString {
			all |= chunks[w>>32>>chunkShift][w>>32&chunkMask]
		}
	}
	t.fetched = all
	return refs
}

// again probes for the i'th key when its first candidate was another.
func (t *Table) again(k *Keys, i, missing int) (Slot, int) {
	s := t.probe(k, i)
	if s == None {
		missing++
	}
	return s, missing
}

// probe finds the i'th key, which is not a NULL of one column.
func (t *Table) probe(k *Keys, i int) Slot {
	tag := uint32(k.Hash[i])
	seg := t.index.dir[uint64(tag)>>t.index.shift]
	mask := uint32(len(seg) - 1)
	for p := tag & mask; seg[p] != 0; p = (p + 1) & mask {
		if c := seg[p]; uint32(c>>32) == tag && t.same(Slot(uint32(c)-1), k, i) {
			return Slot(uint32(c) - 1)
		}
	}
	return None
}

// findNulls corrects the slots of NULL keys, which the index does not have.
func (t *Table) findNulls(k *Keys, slots []Slot, missing int) int {
	for _, i := range k.nulls {
		if slots[i] == None {
			missing--
		}
		slots[i] = t.null
		if t.null == None {
			missing++
		}
	}
	return missing
}

// same reports whether slot s has the i'th key.
func (t *Table) same(s Slot, k *Keys, i int) bool {
	e := t.entry(s)
	switch t.form {
	case formWord:
		return e[t.keyAt] == k.words[i]
	case formWords:
		for j, w := range k.words[i*t.keyLen : (i+1)*t.keyLen] {
			if e[t.keyAt+j] != w {
				return false
			}
		}
		return true
	}
	return bytes.Equal(t.arena.load(e[t.keyAt]), k.bytes(i))
}

// Upsert sets slots[i] to the slot of the i'th key, made with zero words if it
// was absent. The slots made are returned, in order; valid until the next call.
func (t *Table) Upsert(k *Keys, slots []Slot) (made []Slot) {
	slots = slots[:k.Len()]
	t.made, t.lately = t.made[:0], true
	if t.find(k, slots) > 0 {
		t.makeMissing(k, slots)
		if t.cold.on {
			t.revive()
		}
	}
	if t.cold.on {
		t.cold.touchUse(slots)
		t.complete(slots)
	}
	t.thaw(slots)
	return t.made
}

// makeMissing makes entries for the keys that have none; t.made has them.
func (t *Table) makeMissing(k *Keys, slots []Slot) {
	t.made = t.made[:0]
	nulls := k.nulls
	for i, s := range slots {
		isNull := len(nulls) > 0 && int(nulls[0]) == i
		if isNull {
			nulls = nulls[1:]
		}
		if s != None {
			continue
		}
		// An earlier row may have made it.
		if isNull {
			s = t.null
		} else if len(t.made) > 0 && !k.differ {
			s = t.probe(k, i)
		}
		if s == None {
			s = t.make(k, i, isNull)
			t.made = append(t.made, s)
		}
		slots[i] = s
	}
}

// make makes an entry for the i'th key.
func (t *Table) make(k *Keys, i int, isNull bool) Slot {
	s := t.freed
	if s != None {
		t.freed = Slot(int32(t.entry(s)[0]))
	} else {
		s = t.next
		t.next++
		t.room(s)
	}
	e := t.entry(s)
	clear(e[:t.keyAt])
	h := k.Hash[i]
	switch {
	case isNull:
		t.null = s
		e[t.keyAt] = 0
	case t.form == formWord:
		e[t.keyAt] = k.words[i]
	case t.form == formWords:
		copy(e[t.keyAt:], k.words[i*t.keyLen:(i+1)*t.keyLen])
	default:
		e[t.keyAt] = t.arena.store(k.bytes(i))
	}
	if t.hashAt >= 0 {
		e[t.hashAt] = h
	}
	if !isNull {
		t.index.insert(uint32(h), s)
	}
	t.live[s>>6] |= 1 << (s & 63)
	t.touched[s>>6] |= 1 << (s & 63)
	t.dirty = true
	t.n++
	return s
}

// room makes the chunk that slot s, the next one, needs.
func (t *Table) room(s Slot) {
	if int(s)>>6 >= len(t.live) {
		t.live, t.touched, t.durable = append(t.live, 0), append(t.touched, 0), append(t.durable, 0)
		t.mem.add(3 * 8)
	}
	c, at := int(s)>>t.shift, int(s)&t.mask
	full := (t.mask + 1) * t.stride
	if c == len(t.slab) {
		n := full
		if c == 0 {
			n = 8 * t.stride
		}
		t.slab = append(t.slab, newChunk(n))
		t.mem.add(8 * n)
		return
	}
	if old := t.slab[c]; at*t.stride >= len(old) {
		grown := newChunk(min(2*len(old), full))
		copy(grown, old)
		t.slab[c] = grown
		t.mem.add(8 * (len(grown) - len(old)))
	}
}

func (t *Table) entry(s Slot) []uint64 {
	at := (int(s) & t.mask) * t.stride
	return t.slab[uint(s)>>t.shift][at : at+t.stride]
}

// Words returns an entry's words, to read and write; valid until the next Upsert.
func (t *Table) Words(s Slot) []uint64 {
	at := (int(s) & t.mask) * t.stride
	return t.slab[uint(s)>>t.shift][at : at+t.keyAt : at+t.keyAt]
}

// Slab returns the memory of the entries, for loops over many slots: the words of
// slot s begin at slab[s>>shift][(int(s)&mask)*stride]. Valid until the next Upsert.
func (t *Table) Slab() (slab [][]uint64, shift uint, mask, stride int) {
	return t.slab, t.shift, t.mask, t.stride
}

// Blob returns the bytes that word w refers to; nil if it was never set. Valid
// until the next SetBlob or Upsert.
func (t *Table) Blob(s Slot, w int) []byte {
	if ref := t.entry(s)[w]; ref != 0 {
		return t.arena.load(ref)
	}
	return nil
}

// SetBlob copies b and lets word w refer to it; nil unsets it. b may be part of
// the blob that is replaced. It touches the slot.
func (t *Table) SetBlob(s Slot, w int, b []byte) {
	t.thawOne(s)
	t.Touch(s)
	e := t.entry(s)
	old := e[w]
	n := int(uint32(old))
	switch {
	case b == nil:
		e[w] = 0
	case n > 0 && len(b) > 0 && fits(n, len(b)):
		ref := uint32(old >> 32)
		copy(t.arena.bytes(ref, len(b)), b)
		e[w] = uint64(ref)<<32 | uint64(len(b))
		return
	default:
		e[w] = t.arena.store(b)
	}
	t.arena.drop(old)
}

// Unload drops the bytes that word w refers to and not from the store: the caller has
// them in another form, and sets them before the entry changes.
func (t *Table) Unload(s Slot, w int) {
	t.thawOne(s)
	e := t.entry(s)
	t.arena.drop(e[w])
	e[w] = 0
}

// fits reports whether a string of m bytes has blocks of the size that one of n
// bytes has.
func fits(n, m int) bool {
	n, m = wordsFor(n), wordsFor(m)
	if n > blockWordsMax || m > blockWordsMax {
		return n == m
	}
	return classOf(n) == classOf(m)
}

// Touch remembers that entries have changed since the last Snapshot. Upsert and
// Delete remember by themselves what they make and remove. None is left out.
func (t *Table) Touch(slots ...Slot) {
	touched := t.touched
	for _, s := range slots {
		if s < 0 {
			continue
		}
		// Most are touched already; to store nothing then keeps a load of the same
		// word soon after from waiting.
		if w := &touched[s>>6]; *w&(1<<(s&63)) == 0 {
			*w |= 1 << (s & 63)
		}
	}
	t.dirty = true
}

// Delete removes an entry; its slot may be used again.
func (t *Table) Delete(s Slot) {
	bit := uint64(1) << (s & 63)
	if t.live[s>>6]&bit == 0 {
		panic("keyed: delete of a slot that is not in use")
	}
	t.thawOne(s)
	if t.durable[s>>6]&bit != 0 {
		t.key = t.appendDurableKey(t.key[:0], s, t.hash(s))
		t.fail(t.disk.Delete(t.key))
	}
	t.forget(s)
}

// hash returns the hash of a slot's key.
func (t *Table) hash(s Slot) uint64 {
	switch {
	case t.hashAt >= 0:
		return t.entry(s)[t.hashAt]
	case s == t.null:
		return keyenc.HashNull()
	}
	return keyenc.HashWord(t.shape.Key[0], t.entry(s)[t.keyAt])
}

// Has reports whether a slot is in use.
func (t *Table) Has(s Slot) bool {
	return int(s)>>6 < len(t.live) && t.live[s>>6]&(1<<(s&63)) != 0
}

// Len returns the number of entries in memory.
func (t *Table) Len() int { return t.n }

// Each yields the live slots, ascending: in the order in which they were made,
// slots used again aside. Any slot may be deleted meanwhile.
func (t *Table) Each(yield func(Slot) bool) {
	for i := 0; i < len(t.live); i++ {
		for w := t.live[i]; w != 0; w &= w - 1 {
			if w&-w&t.live[i] == 0 {
				continue // deleted meanwhile
			}
			if !yield(Slot(i<<6 + bits.TrailingZeros64(w))) {
				return
			}
		}
	}
}

// Slots appends the live slots to dst, as Each yields them.
func (t *Table) Slots(dst []Slot) []Slot {
	for i, w := range t.live {
		for ; w != 0; w &= w - 1 {
			dst = append(dst, Slot(i<<6+bits.TrailingZeros64(w)))
		}
	}
	return dst
}

// Bytes returns the memory that the table has, which its budget counts.
func (t *Table) Bytes() int64 { return t.mem.bytes }

// Err returns the error of a table that has outgrown its budget, or could not read
// its store.
func (t *Table) Err() error {
	if t.err != nil {
		return t.err
	}
	if b := t.mem.budget; t.mem.over && (!t.shape.Evicts || b.Over()) {
		return t.shape.Memory.Exceeded(fmt.Sprintf("state table %q", t.shape.Name))
	}
	return nil
}

// Failed returns the first error of the store since the last Snapshot.
func (t *Table) Failed() error { return t.err }

// Close gives the memory back to the budget. The store keeps what it has.
func (t *Table) Close() {
	t.mem.release()
	t.slab, t.arena, t.index = nil, arena{}, index{}
}

func (t *Table) fail(err error) {
	if t.errs != nil {
		if *t.errs == nil {
			*t.errs = err
		}
	} else if t.err == nil {
		t.err = err
	}
}

package keyed

import (
	"bytes"
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
	"github.com/zeebo/xxh3"
)

// A Ref names a row of a Multi; 0 is no row.
type Ref uint32

// A Multi keeps a list of rows under each key, in the order of arrival. Snapshot
// keeps rows: a key that has none is not there after a restore.
//
// A row is a block of an arena, in words:
//
//	0        next Ref | previous Ref << 32
//	1        sequence << 16 | words of the image, if below 2^13, << 3 | flags
//	2        slot | content hash << 32
//	extra    the caller's words
//	image    null bits, 64 columns a word
//	         a word a column, two of 128 bits
//	         half a word: where the strings begin in the image, in bytes; then half a
//	         word a string, or nested value: where it ends, and the next one begins
//	         the strings, and nested values in keyenc form
//
// Equal rows have equal images, bit by bit, so a row is found by comparing them.
type Multi struct {
	Table     // the keys; an entry's words are the Multi's own: first | last << 32, count
	rowTypes  []types.Type
	extra     int
	phys      []types.Phys
	at        []int // by column: its word in the image; of a string the half that says where it begins
	fixed     int   // words of an image without strings
	texts     int   // columns of variable length
	ends      int   // the half word that says where the first of these begins
	rows      arena
	seq       uint64
	values    state.Store // has the sequence; nil in a bucket
	changed   []Ref       // rows to be written; some may be gone
	compacted int         // how many were left when those were last looked for
	under     []under     // by slot: what is known of keys while frozen rows are drained
	long      longLists
	refs      []Ref
	warm      []uint32
	image     []uint64
	nested    []byte
	nestedAt  []int
}

const (
	rowHead     = 3 // words
	flagDurable = 1 // the store has the row
	flagChanged = 2 // it is in the list of changed rows,
	// or, between every second snapshot and the next, this: so the rows of the last
	// one that are not drained yet differ from those that have changed since.
	flagChangedOdd = 4
	seqShift       = 16
	sizeShift      = 3
	sizeMax        = 1<<13 - 1
)

// OpenMulti makes the table and reads what the store has of it.
func OpenMulti(s state.Store, shape Shape) (*Multi, error) {
	describe(s, Lists, shape)
	m := newMulti(s.Table(shape.Name), shape)
	m.values = s
	if shape.Evicts {
		m.expire()
		seq, known := savedSeq(s, shape.Name)
		if known || m.disk.Empty() {
			m.seq = seq
			m.begin(s)
			return m, nil
		}
	}
	if err := m.load(func(int64) *Multi { return m }); err != nil {
		return nil, err
	}
	return m, nil
}

func newMulti(disk state.Table, shape Shape) *Multi {
	m := &Multi{rowTypes: shape.Row, extra: shape.Extra}
	shape.Words, shape.Blobs, shape.Row, shape.Extra = 2, nil, nil, 0
	m.shape, m.disk, m.mem = shape, disk, &meter{budget: shape.Memory}
	m.bring = m.fillRows
	disk.Suffix(8)
	disk.Rows(m.appendRow)
	m.rows.mem = m.mem
	m.init()
	m.layOut()
	return m
}

// layOut gives the columns their places in an image.
func (m *Multi) layOut() {
	m.fixed = (len(m.rowTypes) + 63) / 64
	for _, t := range m.rowTypes {
		p := t.Phys()
		m.phys = append(m.phys, p)
		m.at = append(m.at, m.fixed)
		switch {
		case p >= types.PhysBytes:
			m.texts++
		case p == types.PhysInt128:
			m.fixed += 2
		default:
			m.fixed++
		}
	}
	if m.texts == 0 {
		return
	}
	at := 2 * m.fixed
	m.ends = at
	m.fixed += (m.texts + 2) / 2
	for c, p := range m.phys {
		if p >= types.PhysBytes {
			m.at[c] = at
			at++
		}
	}
}

// Add appends a row of a batch to the list of a slot.
func (m *Multi) Add(s Slot, cols []vec.Vector, row int) Ref {
	m.seq++
	return m.add(s, cols, row, m.seq, m.changedFlag())
}

// AddRows appends rows of a batch to the lists of their slots: the row at rows[i],
// or i if rows is nil, to slots[i]. It sets refs, unless that is nil.
func (m *Multi) AddRows(slots []Slot, cols []vec.Vector, rows []int32, refs []Ref) {
	if refs == nil {
		if cap(m.refs) < len(slots) {
			m.refs = make([]Ref, max(len(slots), vec.BatchRowsMax))
		}
		refs = m.refs
	}
	refs = refs[:len(slots)]
	flag := m.changedFlag()
	for i, s := range slots {
		r := i
		if rows != nil {
			r = int(rows[i])
		}
		m.seq++
		refs[i] = m.store(s, cols, r, m.seq, flag)
	}
	// The lists' ends lie anywhere: in a loop of its own the misses overlap.
	for i, s := range slots {
		m.link(s, refs[i])
	}
	m.changed = append(m.changed, refs...)
}

// add appends a row with a sequence and flags.
func (m *Multi) add(s Slot, cols []vec.Vector, row int, seq, flags uint64) Ref {
	ref := m.store(s, cols, row, seq, flags)
	m.link(s, ref)
	if flags&flagDurable == 0 {
		m.changed = append(m.changed, ref)
	}
	return ref
}

// store makes a row that is in no list yet.
func (m *Multi) store(s Slot, cols []vec.Vector, row int, seq, flags uint64) Ref {
	n := m.measure(cols, row)
	at := rowHead + m.extra
	ref := m.rows.alloc(at + n)
	w := m.rows.words(ref)[:at+n]
	clear(w[rowHead:])
	m.fill(w[at:], cols, row)
	w[1] = seq<<seqShift | uint64(min(n, sizeMax))<<sizeShift | flags
	w[2] = uint64(uint32(s)) | imageHash(w[at:])<<32
	return Ref(ref)
}

// link puts a row at the end of the list of a slot.
func (m *Multi) link(s Slot, ref Ref) {
	e := m.Words(s)
	last := uint32(e[0] >> 32)
	m.rows.chunks[ref>>chunkShift][ref&chunkMask] = uint64(last) << 32
	if last == 0 {
		e[0] = uint64(ref) | uint64(ref)<<32
	} else {
		m.rows.chunks[last>>chunkShift][last&chunkMask] |= uint64(ref)
		e[0] = e[0]&(1<<32-1) | uint64(ref)<<32
	}
	e[1]++
	if len(m.long) > 0 {
		m.long.add(s, ref, m.rows.words(uint32(ref))[2])
	}
}

// measure returns the words of a row's image and encodes its nested values.
func (m *Multi) measure(cols []vec.Vector, row int) int {
	if m.texts == 0 {
		return m.fixed
	}
	n := 0
	m.nested, m.nestedAt = m.nested[:0], m.nestedAt[:0]
	for c, p := range m.phys {
		if p < types.PhysBytes {
			continue
		}
		v, r := flatAt(cols[c], row)
		if v.Null(r) {
			continue
		}
		if b, ok := v.(*vec.Bytes); ok {
			n += int(b.Offs[r+1] - b.Offs[r])
			continue
		}
		at := len(m.nested)
		m.nested = keyenc.AppendRowValue(m.nested, v, r)
		m.nestedAt = append(m.nestedAt, len(m.nested))
		n += len(m.nested) - at
	}
	return m.fixed + wordsFor(n)
}

// flatAt returns the flat vector under a Const or Dict and the row in it.
func flatAt(v vec.Vector, row int) (vec.Vector, int) {
	switch d := v.(type) {
	case *vec.Const:
		return d.Val, 0
	case *vec.Dict:
		return d.Words, int(d.Codes[row])
	}
	return v, row
}

// fill writes the image of the row that was measured last into w, which is zero.
func (m *Multi) fill(w []uint64, cols []vec.Vector, row int) {
	end := 8 * m.fixed // of the strings so far
	nested, from := 0, 0
	img := unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), 8*len(w))
	if m.texts > 0 {
		setHalf(w, m.ends, end)
	}
	for c, v := range cols {
		at, r := m.at[c], row
		switch v.(type) {
		case *vec.Const, *vec.Dict:
			v, r = flatAt(v, row)
		}
		null := false
		switch v := v.(type) {
		case *vec.Fixed[int64]:
			if null = v.Valid.Null(r); !null {
				w[at] = uint64(v.Vals[r])
			}
		case *vec.Bytes:
			if null = v.Valid.Null(r); !null {
				end += copy(img[end:], v.Data[v.Offs[r]:v.Offs[r+1]])
			}
			setHalf(w, at+1, end)
		default:
			null = v.Null(r)
			if m.phys[c] >= types.PhysBytes {
				if !null {
					end += copy(img[end:], m.nested[from:m.nestedAt[nested]])
					from = m.nestedAt[nested]
					nested++
				}
				setHalf(w, at+1, end)
			} else if !null {
				fillScalar(w[at:], v, r)
			}
		}
		if null {
			w[c>>6] |= 1 << (c & 63)
		}
	}
}

func imageHash(img []uint64) uint64 {
	return uint64(uint32(xxh3.Hash(imageBytes(img))))
}

func imageBytes(img []uint64) []byte {
	if len(img) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&img[0])), 8*len(img))
}

// imageOf returns the image of a row.
func (m *Multi) imageOf(w []uint64) []uint64 {
	at := rowHead + m.extra
	n := int(w[1] >> sizeShift & sizeMax)
	if n == sizeMax {
		n = m.sizeOf(w[at:])
	}
	return w[at : at+n]
}

// body returns the extra words and the image of a row.
func (m *Multi) body(w []uint64) []uint64 {
	return w[rowHead : rowHead+m.extra+len(m.imageOf(w))]
}

// sizeOf computes the words of an image from its strings.
func (m *Multi) sizeOf(img []uint64) int {
	if m.texts == 0 {
		return m.fixed
	}
	return wordsFor(half(img, m.ends+m.texts))
}

// First returns the first row of a slot, or 0.
func (m *Multi) First(s Slot) Ref { return Ref(uint32(m.Words(s)[0])) }

// Next returns the row after r, or 0.
func (m *Multi) Next(r Ref) Ref {
	return Ref(uint32(m.rows.chunks[r>>chunkShift][r&chunkMask]))
}

// Last returns the last row of a slot, or 0.
func (m *Multi) Last(s Slot) Ref { return Ref(m.Words(s)[0] >> 32) }

// Prev returns the row before r, or 0.
func (m *Multi) Prev(r Ref) Ref { return Ref(m.rows.words(uint32(r))[0] >> 32) }

// Count is the number of rows of a slot.
func (m *Multi) Count(s Slot) int { return int(m.Words(s)[1]) }

// Warm reads the last rows of the slots, None left out, so that FindRow, Next and
// Remove on them soon after find them in the cache: for a batch it is worth more
// than it costs when the rows do not fit there.
func (m *Multi) Warm(slots []Slot) {
	if len(m.rows.chunks) <= 1 {
		return
	}
	m.warm = m.warm[:0]
	for _, s := range slots {
		if s >= 0 {
			if last := m.Words(s)[0] >> 32; last != 0 {
				m.warm = append(m.warm, uint32(last))
			}
		}
	}
	chunks := m.rows.chunks
	for range warmRows {
		n := 0
		for _, r := range m.warm {
			prev := uint32(chunks[r>>chunkShift][r&chunkMask] >> 32)
			m.warm[n] = prev
			if prev != 0 {
				n++
			}
		}
		m.warm = m.warm[:n]
	}
}

// warmRows is how many rows of each list Warm reads.
const warmRows = 4

// Rows appends the rows of a slot to refs, in order.
func (m *Multi) Rows(refs []Ref, s Slot) []Ref {
	for r := m.First(s); r != 0; r = m.Next(r) {
		refs = append(refs, r)
	}
	return refs
}

// Remove takes a row out of the list of a slot; a key without rows is deleted.
func (m *Multi) Remove(s Slot, r Ref) {
	w := m.rows.words(uint32(r))
	m.thawRow(w)
	if w[1]&flagDurable != 0 {
		m.key = m.appendRowKey(m.appendDurableKey(m.key[:0], s, m.hash(s)), w)
		m.fail(m.disk.Delete(m.key))
	}
	next, prev := uint32(w[0]), uint32(w[0]>>32)
	e := m.Words(s)
	if prev == 0 {
		e[0] = e[0]&^(1<<32-1) | uint64(next)
	} else {
		p := m.rows.words(prev)
		p[0] = p[0]&^(1<<32-1) | uint64(next)
	}
	if next == 0 {
		e[0] = e[0]&(1<<32-1) | uint64(prev)<<32
	} else {
		n := m.rows.words(next)
		n[0] = n[0]&(1<<32-1) | uint64(prev)<<32
	}
	if len(m.long) > 0 {
		m.long.remove(s, r, w[2], int(e[1]))
	}
	m.freeRow(r, w)
	if e[1]--; e[1] == 0 {
		m.Table.Delete(s)
	}
}

func (m *Multi) freeRow(r Ref, w []uint64) {
	n := rowHead + m.extra + len(m.imageOf(w))
	w[1] = 0 // no longer changed, whatever the list says
	m.rows.release(uint32(r), n)
}

// Age orders the rows of a table as they were added.
func (m *Multi) Age(r Ref) uint64 { return m.rows.words(uint32(r))[1] >> seqShift }

// appendRowKey appends the sequence that ends a row's durable key.
func (m *Multi) appendRowKey(dst []byte, w []uint64) []byte {
	return binary.BigEndian.AppendUint64(dst, w[1]>>seqShift)
}

// FindRow returns a row of the slot that equals the row of the batch, the last
// one added, or 0.
func (m *Multi) FindRow(s Slot, cols []vec.Vector, row int) Ref {
	n := m.measure(cols, row)
	m.image = grow(m.image, n)
	clear(m.image)
	m.fill(m.image, cols, row)
	h := imageHash(m.image)
	steps := 0
	for r := uint32(m.Last(s)); r != 0; {
		w := m.rows.words(r)
		if w[2]>>32 == h && m.equal(w) {
			return Ref(r)
		}
		if steps++; steps == longWalk && m.Count(s) >= longRows {
			return m.findLong(s, h)
		}
		r = uint32(w[0] >> 32)
	}
	return 0
}

// equal reports whether a row has the image that FindRow looks for.
func (m *Multi) equal(w []uint64) bool {
	img := m.imageOf(w)
	return len(img) == len(m.image) && bytes.Equal(imageBytes(img), imageBytes(m.image))
}

// Extra returns the words kept with a row, to read and write; valid until the
// next Add. TouchRow remembers that they have changed.
func (m *Multi) Extra(r Ref) []uint64 {
	if m.ice.on {
		m.thawRow(m.rows.words(uint32(r)))
	}
	return m.rows.words(uint32(r))[rowHead : rowHead+m.extra : rowHead+m.extra]
}

// SlotOf returns the slot whose list a row is in.
func (m *Multi) SlotOf(r Ref) Slot { return Slot(uint32(m.rows.words(uint32(r))[2])) }

// TouchRow remembers that a row's extra words have changed.
func (m *Multi) TouchRow(s Slot, r Ref) {
	m.thawRow(m.rows.words(uint32(r)))
	if w, flag := m.rows.words(uint32(r)), m.changedFlag(); w[1]&flag == 0 {
		w[1] |= flag
		m.changed = append(m.changed, r)
	}
}

// DeleteKey removes a key with all of its rows.
func (m *Multi) DeleteKey(s Slot) {
	for r := m.First(s); r != 0 && m.ice.on; r = m.Next(r) {
		m.thawRow(m.rows.words(uint32(r)))
	}
	m.key = m.appendDurableKey(m.key[:0], s, m.hash(s))
	prefix := len(m.key)
	durable := 0
	for r := m.First(s); r != 0; r = m.Next(r) {
		if m.rows.words(uint32(r))[1]&flagDurable != 0 {
			durable++
		}
	}
	if durable >= rangeDeleteRows {
		m.val = append(append(m.val[:0], m.key...), 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
		m.fail(m.disk.DeleteRange(m.key, m.val))
		m.disk.Stale(durable)
	}
	for r := m.First(s); r != 0; {
		w := m.rows.words(uint32(r))
		next := Ref(uint32(w[0]))
		if durable < rangeDeleteRows && w[1]&flagDurable != 0 {
			m.key = m.appendRowKey(m.key[:prefix], w)
			m.fail(m.disk.Delete(m.key))
		}
		m.freeRow(r, w)
		r = next
	}
	delete(m.long, s)
	m.Table.Delete(s)
}

// rangeDeleteRows is from how many rows on a key is deleted from the store by a
// range and not row by row.
const rangeDeleteRows = 8

// Delete removes a key with all of its rows.
func (m *Multi) Delete(s Slot) { m.DeleteKey(s) }

// Snapshot writes what has changed to the store.
func (m *Multi) Snapshot() error {
	m.tellTime()
	if m.shape.Evicts {
		m.freeze()
	}
	slot := None
	prefix, h := 0, uint64(0)
	for _, r := range m.changed {
		w := m.rows.words(uint32(r))
		if len(w) == 0 || w[1]&m.changedFlag() == 0 {
			continue // removed since, or written already under this reference
		}
		if s := Slot(uint32(w[2])); s != slot {
			slot, h = s, m.hash(s)
			m.key = m.appendDurableKey(m.key[:0], s, h)
			prefix = len(m.key)
		}
		m.writeRow(w, prefix, h)
	}
	if m.values != nil {
		saveSeq(m.values, m.shape.Name, m.seq)
	}
	m.changed, m.compacted = m.changed[:0], 0
	clear(m.touched)
	m.dirty = false
	err := m.err
	m.err = nil
	return err
}

// writeRow writes a row to the store under the key in the first bytes of m.key.
func (m *Multi) writeRow(w []uint64, prefix int, hash uint64) {
	m.makeDurable(w)
	w[1] &^= m.changedFlag()
	m.wrote.add(keyenc.Group(hash, m.shape.Groups))
	m.key = m.appendRowKey(m.key[:prefix], w)
	m.val = m.appendRow(m.val[:0], m.body(w))
	m.fail(m.disk.Put(m.key, m.val))
}

// makeDurable notes that the store gets a row, perhaps again.
func (m *Multi) makeDurable(w []uint64) {
	if w[1]&flagDurable != 0 {
		m.disk.Stale(1)
	}
	w[1] |= flagDurable
}

// Clear drops all rows at once, here and in the store.
func (m *Multi) Clear() {
	m.wipe(false)
	m.empty()
	m.rows.reset()
	m.changed = m.changed[:0]
	m.long = nil
}

// wipe removes all rows from the store.
func (m *Multi) wipe(first bool) {
	if m.wrote != nil {
		rows := 0
		for s := range m.Each {
			rows += m.Count(s)
		}
		m.disk.Stale(rows - m.n)
	}
	m.drain(math.MaxInt)
	m.Table.wipe(first)
}

// Close gives the memory back to the budget. The store keeps what it has.
func (m *Multi) Close() {
	m.Table.Close()
	m.rows = arena{}
}

package keyed

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// valueVersion is the first byte of every durable value.
const valueVersion = 1

// A groupSet is a set of key groups.
type groupSet []uint64

func (g *groupSet) add(k base.KeyGroup) {
	for int(k)>>6 >= len(*g) {
		*g = append(*g, 0)
	}
	(*g)[k>>6] |= 1 << (k & 63)
}

func (g groupSet) has(k base.KeyGroup) bool {
	return int(k)>>6 < len(g) && g[k>>6]&(1<<(k&63)) != 0
}

func (g groupSet) each(f func(base.KeyGroup)) {
	for i, w := range g {
		for ; w != 0; w &= w - 1 {
			f(base.KeyGroup(i<<6 + bits.TrailingZeros64(w)))
		}
	}
}

// appendPrefix appends what the durable keys of a group begin with.
func (t *Table) appendPrefix(dst []byte, g base.KeyGroup) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(g))
	if t.isBucket {
		dst = keyenc.AppendKeyTime(dst, t.time)
	}
	return dst
}

// appendDurableKey appends the key of a slot in the store.
func (t *Table) appendDurableKey(dst []byte, s Slot, hash uint64) []byte {
	dst = t.appendPrefix(dst, keyenc.Group(hash, t.shape.Groups))
	e := t.entry(s)[t.keyAt:]
	switch {
	case s == t.null:
		return keyenc.AppendKeyNull(dst, keyenc.Order{})
	case t.form == formWord:
		return appendKeyWord(dst, t.shape.Key[0], e[0])
	case t.form == formString:
		return keyenc.AppendKeyBytes(dst, t.arena.load(e[0]))
	case t.form == formEncoded:
		return append(dst, t.arena.load(e[0])...)
	}
	nulls := e[t.keyLen-1]
	at := 0
	for c, typ := range t.shape.Key {
		wide := typ.Phys() == types.PhysInt128
		switch {
		case nulls&(1<<c) != 0:
			dst = keyenc.AppendKeyNull(dst, keyenc.Order{})
		case wide:
			dst = keyenc.AppendKeyInt128(dst, types.Int128{Lo: e[at], Hi: int64(e[at+1])})
		default:
			dst = appendKeyWord(dst, typ, e[at])
		}
		at++
		if wide {
			at++
		}
	}
	return dst
}

func appendKeyWord(dst []byte, t types.Type, w uint64) []byte {
	switch t.Phys() {
	case types.PhysFloat32:
		return keyenc.AppendKeyFloat32(dst, float32(math.Float64frombits(w)))
	case types.PhysFloat64:
		return keyenc.AppendKeyFloat(dst, math.Float64frombits(w))
	}
	return keyenc.AppendKeyInt(dst, int64(w))
}

// appendValue appends an entry's words, with the length of blobs plus 1 in place
// of their references, and then the blobs.
func (t *Table) appendValue(dst []byte, s Slot) []byte {
	e := t.entry(s)[:t.keyAt]
	dst = append(dst, valueVersion)
	at := len(dst)
	for _, w := range e {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	for _, w := range t.shape.Blobs {
		if e[w] == 0 {
			continue
		}
		b := t.arena.load(e[w])
		binary.LittleEndian.PutUint64(dst[at+8*w:], uint64(len(b))+1)
		dst = append(dst, b...)
	}
	return dst
}

// setValue fills an entry from its durable value.
func (t *Table) setValue(s Slot, val []byte) error {
	e := t.entry(s)[:t.keyAt]
	if len(val) < 1+8*len(e) || val[0] != valueVersion {
		return fmt.Errorf("state table %q: an entry of %d bytes is not one of %d words", t.shape.Name, len(val), len(e))
	}
	for i := range e {
		e[i] = binary.LittleEndian.Uint64(val[1+8*i:])
	}
	val = val[1+8*len(e):]
	for _, w := range t.shape.Blobs {
		n := e[w]
		if n == 0 {
			continue
		}
		if n--; n > uint64(len(val)) {
			return fmt.Errorf("state table %q: a blob is cut short", t.shape.Name)
		}
		e[w] = t.arena.store(val[:n])
		val = val[n:]
	}
	if len(val) > 0 {
		return fmt.Errorf("state table %q: an entry of %d words has %d bytes more", t.shape.Name, len(e), len(val))
	}
	return nil
}

// Snapshot writes what has changed to the store, or lets it be drained.
func (t *Table) Snapshot() error {
	t.tellTime()
	if t.shape.Evicts && t.dirty {
		t.freeze()
	}
	if t.dirty {
		t.dirty = false
		for i, w := range t.touched {
			if w == 0 {
				continue
			}
			t.touched[i] = 0
			for w &= t.live[i]; w != 0; w &= w - 1 {
				t.write(Slot(i<<6 + bits.TrailingZeros64(w)))
			}
		}
	}
	err := t.err
	t.err = nil
	return err
}

func (t *Table) write(s Slot) {
	t.encode(s)
	t.fail(t.disk.Put(t.key, t.val))
}

// encode makes the durable key and value of an entry that is written now.
func (t *Table) encode(s Slot) {
	if w, bit := &t.durable[s>>6], uint64(1)<<(s&63); *w&bit == 0 {
		*w |= bit
	} else {
		t.disk.Stale(1)
	}
	h := t.hash(s)
	t.wrote.add(keyenc.Group(h, t.shape.Groups))
	t.key = t.appendDurableKey(t.key[:0], s, h)
	t.val = t.appendValue(t.val[:0], s)
}

// Clear drops all entries at once, here and in the store.
func (t *Table) Clear() {
	if t.next == 0 && t.wrote == nil && !t.cold.on {
		return // empty as it is, with the memory that it had when it was full
	}
	t.wipe(false)
	if t.shape.Evicts || !t.recycle() {
		t.empty()
	}
}

// wipe removes all entries from the store.
func (t *Table) wipe(first bool) {
	t.melt()
	if t.wrote != nil {
		t.disk.Stale(t.n + t.cold.away)
	}
	t.wrote.each(func(g base.KeyGroup) {
		t.key = t.appendPrefix(t.key[:0], g)
		t.val = keyenc.AppendAfter(t.val[:0], t.key) // there is one: group numbers are below FF FF
		from := t.key
		if first && t.isBucket {
			from = from[:2] // one range for all that was dropped
		}
		t.fail(t.disk.DeleteRange(from, t.val))
	})
	t.wrote = nil
}

// Keys returns the key columns of the slots.
func (t *Table) Keys(slots []Slot) []vec.Vector {
	switch t.form {
	case formWord, formWords:
		return t.wordKeys(slots)
	case formString:
		return []vec.Vector{t.stringKeys(slots)}
	}
	bs := builders(t.shape.Key)
	for _, s := range slots {
		if _, err := keyenc.DecodeKey(t.arena.load(t.entry(s)[t.keyAt]), t.shape.Key, bs); err != nil {
			panic("keyed: a key in memory is malformed")
		}
	}
	return finish(bs)
}

func builders(ts []types.Type) []*vec.Builder {
	bs := make([]*vec.Builder, len(ts))
	for i, t := range ts {
		bs[i] = vec.NewBuilder(t)
	}
	return bs
}

func finish(bs []*vec.Builder) []vec.Vector {
	out := make([]vec.Vector, len(bs))
	for i, b := range bs {
		out[i] = b.Finish()
	}
	return out
}

func (t *Table) stringKeys(slots []Slot) vec.Vector {
	out := &vec.Bytes{Offs: make([]uint32, 1, len(slots)+1)}
	n := 0
	for _, s := range slots {
		n += int(uint32(t.entry(s)[t.keyAt])) // 0 for NULL
	}
	out.Data = make([]byte, 0, n)
	for i, s := range slots {
		if s == t.null {
			out.Valid = setNull(out.Valid, i, len(slots))
		} else {
			out.Data = append(out.Data, t.arena.load(t.entry(s)[t.keyAt])...)
		}
		out.Offs = append(out.Offs, uint32(len(out.Data)))
	}
	return out
}

// setNull makes row i of n NULL.
func setNull(b vec.Bitmap, i, n int) vec.Bitmap {
	if b == nil {
		b = vec.NewBitmap(n)
	}
	b.SetNull(i)
	return b
}

// wordKeys returns the columns of keys of one or several words.
func (t *Table) wordKeys(slots []Slot) []vec.Vector {
	out := make([]vec.Vector, len(t.shape.Key))
	at := t.keyAt
	for c, typ := range t.shape.Key {
		var valid vec.Bitmap
		for i, s := range slots {
			if s == t.null || t.form == formWords && t.entry(s)[t.keyAt+t.keyLen-1]&(1<<c) != 0 {
				valid = setNull(valid, i, len(slots))
			}
		}
		get := func(i int) uint64 { return t.entry(slots[i])[at] }
		switch typ.Phys() {
		case types.PhysBool:
			out[c] = column(slots, valid, func(i int) bool { return get(i) != 0 })
		case types.PhysInt8:
			out[c] = column(slots, valid, func(i int) int8 { return int8(get(i)) })
		case types.PhysInt16:
			out[c] = column(slots, valid, func(i int) int16 { return int16(get(i)) })
		case types.PhysInt32:
			out[c] = column(slots, valid, func(i int) int32 { return int32(get(i)) })
		case types.PhysInt64:
			vals := make([]int64, len(slots))
			for i, s := range slots {
				vals[i] = int64(t.slab[uint(s)>>t.shift][(int(s)&t.mask)*t.stride+at])
			}
			out[c] = &vec.Fixed[int64]{Vals: vals, Valid: valid}
		case types.PhysFloat32:
			out[c] = column(slots, valid, func(i int) float32 { return float32(math.Float64frombits(get(i))) })
		case types.PhysFloat64:
			out[c] = column(slots, valid, func(i int) float64 { return math.Float64frombits(get(i)) })
		case types.PhysInt128:
			out[c] = column(slots, valid, func(i int) types.Int128 {
				e := t.entry(slots[i])
				return types.Int128{Lo: e[at], Hi: int64(e[at+1])}
			})
			at++
		}
		at++
	}
	return out
}

func column[T vec.Scalar](slots []Slot, valid vec.Bitmap, get func(i int) T) vec.Vector {
	vals := make([]T, len(slots))
	for i := range vals {
		vals[i] = get(i)
	}
	return &vec.Fixed[T]{Vals: vals, Valid: valid}
}

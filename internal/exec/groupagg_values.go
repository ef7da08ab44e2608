package exec

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A valueForm is how a valueSet keeps values.
type valueForm uint8

const (
	formWord   valueForm = iota // in a word: up to 8 bytes, fixed
	formText                    // strings and byte strings as they are
	formWide                    // 128 bits, 16 bytes that sort
	formNested                  // agg.AppendValue, NULL too
)

// A setShape says what a valueSet holds: the values of one column, and for each of
// some filters how often a value has passed it.
type setShape struct {
	col     int
	typ     types.Type
	form    valueForm
	filters []int // filter columns, -1 for none: one counter each
	counts  bool  // counters are numbers, because values also go; else bits
	timed   bool  // what is saved has a time, behind the counters
}

// A valueSet holds the different values of each group: what DISTINCT calls have
// seen, and what MIN and MAX fall back on when rows go away. All calls over one
// column share a set, and those with the same filter share a counter.
//
// Invariants:
//
//  1. A value of a group has one entry; entries of a group form a list, newest first.
//  2. In bits mode entries only come. In counts mode one whose counters are all 0
//     leaves, unless a heap names it or the store still has its row: then it stays,
//     empty, until the heap or save lets go of it.
//  3. heaps[i][group], once made, names every entry of the group whose counter of
//     extreme i is positive.
//
// It lives in memory, found by a hash of slot and value. save writes what has
// changed to a Multi under the group's key, where a row is a value and its extra
// words are the counters; load reads that back. Slots are those of the table of
// groups.
type valueSet struct {
	shape *setShape
	keep  bool // it will be saved

	index []uint64       // hash<<32 | entry + 1, linear probing; 0 is free
	ents  [][]valueEntry // in chunks: growing copies nothing
	used  int            // entries that were ever in use
	nums  []int32        // counts mode: len(filters) for each entry
	free  []int32
	live  int

	heads []int32 // by slot: the first entry + 1
	arena []byte
	waste int

	dirty []int32
	now   int64        // processing time of what is written, ms
	rows  []keyed.Slot // by slot: the key's slot in the Multi + 1

	heaps []groupHeaps
}

type valueEntry struct {
	word  uint64 // the value, or where it is in the arena: offset<<32 | length
	bits  uint64 // bits mode: the filters passed
	hash  uint32
	slot  keyed.Slot
	prev  int32 // in the group's list, + 1
	next  int32 // …
	ref   keyed.Ref
	heaps uint16 // the heaps that name it, by bit
	dirty bool
}

// groupHeaps are the heaps of one MIN or MAX, by slot.
type groupHeaps struct {
	sign int
	num  int // the counter
	of   map[keyed.Slot]*valueHeap
}

type valueHeap struct {
	ents  []int32
	limit int // it is made anew when it has more
}

// moved are the values that came into a group or left it, as rows.
type moved struct {
	slots []keyed.Slot
	rows  []int32
}

func (m *moved) reset() { m.slots, m.rows = m.slots[:0], m.rows[:0] }

func newValueSet(shape *setShape, keep bool, extremes []groupHeaps) *valueSet {
	v := &valueSet{shape: shape, keep: keep, index: make([]uint64, 64)}
	for _, x := range extremes {
		v.heaps = append(v.heaps, groupHeaps{sign: x.sign, num: x.num, of: map[keyed.Slot]*valueHeap{}})
	}
	return v
}

// formOf returns the form of a type's values; nulls says that NULL is a value.
func formOf(t types.Type, nulls bool) valueForm {
	switch p := t.Phys(); {
	case nulls || p > types.PhysBytes:
		return formNested
	case p == types.PhysBytes:
		return formText
	case p == types.PhysInt128:
		return formWide
	}
	return formWord
}

// setWords returns the values of a flat column as words, by ordinal of rows.
func setWords(dst []uint64, col vec.Vector, rows []int32) []uint64 {
	switch c := col.(type) {
	case *vec.Fixed[int64]:
		return wordsOf(dst, c.Vals, rows)
	case *vec.Fixed[int32]:
		return wordsOf(dst, c.Vals, rows)
	case *vec.Fixed[int16]:
		return wordsOf(dst, c.Vals, rows)
	case *vec.Fixed[int8]:
		return wordsOf(dst, c.Vals, rows)
	case *vec.Fixed[bool]:
		for _, r := range rows {
			x := uint64(0)
			if c.Vals[r] {
				x = 1
			}
			dst = append(dst, x)
		}
	case *vec.Fixed[float64]:
		return floatWords(dst, c.Vals, rows)
	case *vec.Fixed[float32]:
		return floatWords(dst, c.Vals, rows)
	}
	return dst
}

func wordsOf[T int8 | int16 | int32 | int64](dst []uint64, vals []T, rows []int32) []uint64 {
	for _, r := range rows {
		dst = append(dst, uint64(int64(vals[r])))
	}
	return dst
}

func floatWords[T float32 | float64](dst []uint64, vals []T, rows []int32) []uint64 {
	for _, r := range rows {
		x := float64(vals[r])
		switch {
		case x == 0:
			x = 0 // not -0.0
		case x != x:
			x = math.NaN()
		}
		dst = append(dst, math.Float64bits(x))
	}
	return dst
}

// setBytes returns a value as the bytes that the set keeps.
func (v *valueSet) setBytes(buf []byte, col vec.Vector, row int) []byte {
	switch v.shape.form {
	case formText:
		return col.(*vec.Bytes).At(row)
	case formWide:
		x := col.(*vec.Fixed[types.Int128]).Vals[row]
		buf = binary.BigEndian.AppendUint64(buf[:0], uint64(x.Hi)^1<<63)
		return binary.BigEndian.AppendUint64(buf, x.Lo)
	}
	return agg.AppendValue(buf[:0], col, row)
}

const entryShift = 10

func (v *valueSet) ent(e int32) *valueEntry { return &v.ents[e>>entryShift][e&(1<<entryShift-1)] }

// reset empties a set that is not saved; its memory serves again.
func (v *valueSet) reset() {
	if len(v.index) > 1<<16 && v.live < len(v.index)/16 {
		v.index = make([]uint64, 64)
		v.ents = nil
	}
	clear(v.index)
	clear(v.heads)
	v.nums, v.free, v.arena = v.nums[:0], v.free[:0], v.arena[:0]
	v.used, v.live, v.waste = 0, 0, 0
	for i := range v.heaps {
		clear(v.heaps[i].of)
	}
}

func hashWord(s keyed.Slot, w uint64) uint32 {
	hi, lo := bits.Mul64(w^uint64(s)*0x9E3779B97F4A7C15^0x2545F4914F6CDD1D, 0xD6E8FEB86659FD93)
	return uint32(hi ^ lo ^ lo>>32)
}

func hashBytes(s keyed.Slot, b []byte) uint32 { return uint32(xxh3.HashSeed(b, uint64(s))) }

// A setStep is one pass of rows through a set. Rows are column positions; masks
// says by ordinal which filters a row passes. In counts mode deltas, where given,
// are how much to add by ordinal and counter; otherwise sign is.
type setStep struct {
	slots  []keyed.Slot
	rows   []int32
	col    vec.Vector
	masks  []uint64
	deltas []int32
	sign   int32

	words []uint64
	hash  []uint32
	buf   []byte
}

// run passes the rows through the set. The values that became present are
// appended to up, by counter, those that became absent to down. NULLs are passed
// over, unless the set has them as values.
func (v *valueSet) run(s *setStep, up, down []moved) {
	if len(s.slots) == 0 {
		return
	}
	valid := vec.Validity(s.col)
	form := v.shape.form
	if form == formNested {
		valid = nil
	}
	if form == formWord {
		s.words = setWords(s.words[:0], s.col, s.rows)
		s.hashWords()
	}
	for i, slot := range s.slots {
		row := s.rows[i]
		if valid.Null(int(row)) || s.masks[i] == 0 {
			continue
		}
		var e int32
		if form == formWord {
			e = v.findHash(s.hash[i], slot, s.words[i])
		} else {
			s.buf = v.setBytes(s.buf, s.col, int(row))
			e = v.findBytes(slot, s.buf)
			if form == formText {
				s.buf = nil // it was the column's
			}
		}
		if !v.shape.counts {
			ent := v.ent(e)
			fresh := s.masks[i] &^ ent.bits
			if fresh == 0 {
				continue
			}
			ent.bits |= fresh
			v.touch(e)
			for ; fresh != 0; fresh &= fresh - 1 {
				m := &up[bits.TrailingZeros64(fresh)]
				m.slots, m.rows = append(m.slots, slot), append(m.rows, row)
			}
			continue
		}
		v.count(s, i, e, up, down)
	}
}

func (v *valueSet) count(s *setStep, i int, e int32, up, down []moved) {
	n := len(v.shape.filters)
	nums := v.nums[int(e)*n : int(e)*n+n]
	zero := true
	for k := range nums {
		d := s.sign
		if s.deltas != nil {
			d = s.deltas[i*n+k]
		}
		if s.masks[i]&(1<<k) == 0 || d == 0 {
			zero = zero && nums[k] == 0
			continue
		}
		was := nums[k]
		nums[k] += d
		zero = zero && nums[k] == 0
		switch {
		case was <= 0 && nums[k] > 0:
			up[k].slots, up[k].rows = append(up[k].slots, s.slots[i]), append(up[k].rows, s.rows[i])
			v.enterHeaps(e, k)
		case was > 0 && nums[k] <= 0:
			down[k].slots, down[k].rows = append(down[k].slots, s.slots[i]), append(down[k].rows, s.rows[i])
		}
	}
	v.touch(e)
	if zero {
		v.release(e)
	}
}

func (v *valueSet) touch(e int32) {
	if ent := v.ent(e); v.keep && !ent.dirty {
		ent.dirty = true
		v.dirty = append(v.dirty, e)
	}
}

// hashWords hashes all words first, so that the loads of the index that follow
// do not wait for each other.
func (s *setStep) hashWords() {
	s.hash = grow(s.hash, len(s.slots))
	for i, slot := range s.slots {
		s.hash[i] = hashWord(slot, s.words[i])
	}
}

func (v *valueSet) findWord(s keyed.Slot, w uint64) int32 { return v.findHash(hashWord(s, w), s, w) }

func (v *valueSet) findHash(h uint32, s keyed.Slot, w uint64) int32 {
	mask := uint32(len(v.index) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		x := v.index[i]
		if x == 0 {
			return v.insert(i, h, s, w)
		}
		if uint32(x>>32) != h {
			continue
		}
		if e := v.ent(int32(uint32(x)) - 1); e.word == w && e.slot == s {
			return int32(uint32(x) - 1)
		}
	}
}

func (v *valueSet) findBytes(s keyed.Slot, b []byte) int32 {
	h := hashBytes(s, b)
	mask := uint32(len(v.index) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		x := v.index[i]
		if x == 0 {
			w := uint64(len(v.arena))<<32 | uint64(len(b))
			v.arena = append(v.arena, b...)
			return v.insert(i, h, s, w)
		}
		if uint32(x>>32) != h {
			continue
		}
		if e := v.ent(int32(uint32(x)) - 1); e.slot == s && bytes.Equal(v.bytes(e), b) {
			return int32(uint32(x) - 1)
		}
	}
}

func (v *valueSet) bytes(e *valueEntry) []byte {
	off, n := e.word>>32, e.word&math.MaxUint32
	return v.arena[off : off+n]
}

func (v *valueSet) insert(at, h uint32, s keyed.Slot, w uint64) int32 {
	var e int32
	if n := len(v.free); n > 0 {
		e, v.free = v.free[n-1], v.free[:n-1]
	} else {
		e = int32(v.used)
		if v.used++; v.used > len(v.ents)<<entryShift {
			v.ents = append(v.ents, make([]valueEntry, 1<<entryShift))
		}
		if v.shape.counts {
			v.nums = append(v.nums, make([]int32, len(v.shape.filters))...)
		}
	}
	for len(v.heads) <= int(s) {
		v.heads = append(v.heads, 0)
	}
	next := v.heads[s]
	*v.ent(e) = valueEntry{word: w, hash: h, slot: s, next: next}
	if next != 0 {
		v.ent(next - 1).prev = e + 1
	}
	v.heads[s] = e + 1
	v.index[at] = uint64(h)<<32 | uint64(e+1)
	v.live++
	if v.live*4 > len(v.index)*3 {
		v.rehash()
	}
	return e
}

func (v *valueSet) rehash() {
	old := v.index
	times := 2
	if len(old) < 1<<18 {
		times = 4
	}
	v.index = make([]uint64, times*len(old))
	mask := uint32(len(v.index) - 1)
	for _, x := range old {
		if x == 0 {
			continue
		}
		i := uint32(x>>32) & mask
		for v.index[i] != 0 {
			i = (i + 1) & mask
		}
		v.index[i] = x
	}
}

// release lets an entry without counts go, when nothing holds it.
func (v *valueSet) release(e int32) {
	ent := v.ent(e)
	if ent.heaps != 0 || ent.dirty || ent.ref != 0 {
		return
	}
	v.remove(e)
}

func (v *valueSet) remove(e int32) {
	ent := v.ent(e)
	v.unindex(e)
	if ent.prev != 0 {
		v.ent(ent.prev - 1).next = ent.next
	} else {
		v.heads[ent.slot] = ent.next
	}
	if ent.next != 0 {
		v.ent(ent.next - 1).prev = ent.prev
	}
	if v.shape.form != formWord {
		v.waste += int(ent.word & math.MaxUint32)
	}
	if v.shape.counts {
		n := len(v.shape.filters)
		clear(v.nums[int(e)*n : int(e)*n+n])
	}
	*ent = valueEntry{slot: keyed.None}
	v.free = append(v.free, e)
	v.live--
	if v.waste > 1<<20 && v.waste > len(v.arena)/2 {
		v.packArena()
	}
}

// unindex takes an entry out of the index and moves back what follows it (Knuth,
// TAOCP 3, 6.4, algorithm R).
func (v *valueSet) unindex(e int32) {
	mask := uint32(len(v.index) - 1)
	i := v.ent(e).hash & mask
	for uint32(v.index[i]) != uint32(e+1) {
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		x := v.index[j]
		if x == 0 {
			break
		}
		home := uint32(x>>32) & mask
		if (j-home)&mask >= (j-i)&mask {
			v.index[i] = x
			i = j
		}
	}
	v.index[i] = 0
}

func (v *valueSet) packArena() {
	var to []byte
	for i := range v.used {
		e := v.ent(int32(i))
		if e.slot == keyed.None {
			continue
		}
		b := v.bytes(e)
		e.word = uint64(len(to))<<32 | uint64(len(b))
		to = append(to, b...)
	}
	v.arena, v.waste = to, 0
}

// dropGroup forgets a group, here and in the store.
func (v *valueSet) dropGroup(s keyed.Slot, multi *keyed.Multi) {
	if int(s) < len(v.rows) && v.rows[s] != 0 {
		multi.DeleteKey(v.rows[s] - 1)
		v.rows[s] = 0
	}
	for i := range v.heaps {
		delete(v.heaps[i].of, s)
	}
	if int(s) >= len(v.heads) {
		return
	}
	for e := v.heads[s]; e != 0; e = v.heads[s] {
		// A dirty entry stays in the list of dirty ones, where save finds it
		// free or, made again for another value, saves that: harmless.
		v.remove(e - 1)
	}
}

// entries appends the entries of a group, oldest first.
func (v *valueSet) entries(dst []int32, s keyed.Slot) []int32 {
	if int(s) >= len(v.heads) {
		return dst
	}
	from := len(dst)
	for e := v.heads[s]; e != 0; e = v.ent(e - 1).next {
		dst = append(dst, e-1)
	}
	for i, j := from, len(dst)-1; i < j; i, j = i+1, j-1 {
		dst[i], dst[j] = dst[j], dst[i]
	}
	return dst
}

// column returns the values of entries as a column of their type.
func (v *valueSet) column(list []int32) vec.Vector {
	t := v.shape.typ
	if v.shape.form == formWord && t.Phys() == types.PhysInt64 {
		vals := make([]int64, len(list))
		for i, e := range list {
			vals[i] = int64(v.ent(e).word)
		}
		return &vec.Fixed[int64]{Vals: vals}
	}
	b := vec.NewBuilder(t)
	for _, e := range list {
		v.build(b, v.ent(e))
	}
	return b.Finish()
}

func (v *valueSet) build(b *vec.Builder, e *valueEntry) {
	if v.shape.form == formWord {
		buildValue(b, formWord, v.shape.typ, e.word, nil)
		return
	}
	buildValue(b, v.shape.form, v.shape.typ, 0, v.bytes(e))
}

// buildValue appends a value of a set, which is a word or bytes.
func buildValue(b *vec.Builder, form valueForm, t types.Type, word uint64, x []byte) {
	switch form {
	case formText:
		b.Bytes(x)
	case formWide:
		b.Int128(types.Int128{Hi: int64(binary.BigEndian.Uint64(x) ^ 1<<63), Lo: binary.BigEndian.Uint64(x[8:])})
	case formNested:
		agg.BuildValue(b, x, t)
	default:
		switch {
		case t.Phys() == types.PhysBool:
			b.Bool(word != 0)
		case t.Approx():
			b.Float(math.Float64frombits(word))
		default:
			b.Int(int64(word))
		}
	}
}

// pour passes the values of a group of another set of the same shape, with all
// that was counted of them, through a step: panes are merged with it, and
// partials of a local phase.
func (s *setStep) pour(from *valueSet, list []int32, to keyed.Slot) {
	s.slots, s.rows, s.masks, s.deltas = s.slots[:0], s.rows[:0], s.masks[:0], s.deltas[:0]
	n := len(from.shape.filters)
	for i, e := range list {
		s.slots, s.rows = append(s.slots, to), append(s.rows, int32(i))
		if !from.shape.counts {
			s.masks = append(s.masks, from.ent(e).bits)
			continue
		}
		s.masks = append(s.masks, 1<<n-1)
		s.deltas = append(s.deltas, from.nums[int(e)*n:int(e)*n+n]...)
	}
	if !from.shape.counts {
		s.deltas = nil
	}
	s.col = from.column(list)
}

// export writes the values of a group with their counters: a uvarint number of
// values; each is a value as agg.AppendValue writes it, then the bits as a
// uvarint, or a varint for each counter.
func (v *valueSet) export(dst []byte, s keyed.Slot) []byte {
	list := v.entries(nil, s)
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	if len(list) == 0 {
		return dst
	}
	col := v.column(list)
	n := len(v.shape.filters)
	for i, e := range list {
		dst = agg.AppendValue(dst, col, i)
		if !v.shape.counts {
			dst = binary.AppendUvarint(dst, v.ent(e).bits)
			continue
		}
		for _, c := range v.nums[int(e)*n : int(e)*n+n] {
			dst = binary.AppendVarint(dst, int64(c))
		}
	}
	return dst
}

// decode makes a step of what export has written for some groups.
func (s *setStep) decode(shape *setShape, slots []keyed.Slot, rows []int32, col *vec.Bytes) {
	s.slots, s.rows, s.masks, s.deltas = s.slots[:0], s.rows[:0], s.masks[:0], s.deltas[:0]
	b := vec.NewBuilder(shape.typ)
	for i, slot := range slots {
		src := col.At(int(rows[i]))
		n, w := binary.Uvarint(src)
		src = src[w:]
		for range n {
			s.slots, s.rows = append(s.slots, slot), append(s.rows, int32(b.Len()))
			src = agg.BuildValue(b, src, shape.typ)
			if !shape.counts {
				m, w := binary.Uvarint(src)
				src = src[w:]
				s.masks = append(s.masks, m)
				continue
			}
			s.masks = append(s.masks, 1<<len(shape.filters)-1)
			for range shape.filters {
				c, w := binary.Varint(src)
				src = src[w:]
				s.deltas = append(s.deltas, int32(c))
			}
		}
	}
	if !shape.counts {
		s.deltas = nil
	}
	s.col = b.Finish()
}

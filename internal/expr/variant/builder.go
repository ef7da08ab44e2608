package variant

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/millrace-io/millrace/types"
)

// A Builder writes one value after the other; it keeps its memory, so that a
// column of values with the same names costs no allocation a row. Begin, append
// one value, Finish. Arrays and objects are opened, filled and closed; in an
// object, Key comes before each value.
type Builder struct {
	val   []byte
	names map[string]*name
	keys  []string // of this value, by id
	gen   int
	open  []level
	parts []part // of all open levels
}

type name struct{ gen, id int }

// level is an array or object that is being written.
type level struct {
	start int // in val
	parts int // where its parts begin
}

type part struct {
	id, at int // at counts from the start of the level
	key    string
}

// namesMax bounds how many names a builder remembers between values.
const namesMax = 1 << 14

// Begin starts a value.
func (b *Builder) Begin() {
	if b.names == nil || len(b.names) > namesMax {
		b.names = map[string]*name{}
	}
	b.val, b.keys, b.open, b.parts = b.val[:0], b.keys[:0], b.open[:0], b.parts[:0]
	b.gen++
}

// Finish appends the value as a cell.
func (b *Builder) Finish(dst []byte) []byte {
	total := 0
	for _, k := range b.keys {
		total += len(k)
	}
	size := width(max(total, len(b.keys)))
	dst = append(dst, version|byte(size-1)<<6)
	dst = appendSized(dst, len(b.keys), size)
	at := 0
	for _, k := range b.keys {
		dst = appendSized(dst, at, size)
		at += len(k)
	}
	dst = appendSized(dst, at, size)
	for _, k := range b.keys {
		dst = append(dst, k...)
	}
	return append(dst, b.val...)
}

// width returns how many bytes a number needs.
func width(x int) int {
	switch {
	case x < 1<<8:
		return 1
	case x < 1<<16:
		return 2
	case x < 1<<24:
		return 3
	}
	return 4
}

func appendSized(dst []byte, x, size int) []byte {
	for range size {
		dst = append(dst, byte(x))
		x >>= 8
	}
	return dst
}

// item notes that an element of the open array begins.
func (b *Builder) item() {
	if n := len(b.open); n > 0 && b.val != nil {
		l := &b.open[n-1]
		if b.val[l.start]&3 == basicArray {
			b.parts = append(b.parts, part{at: len(b.val) - l.start - 1})
		}
	}
}

// Key begins a field of the open object.
func (b *Builder) Key(key string) {
	e := b.names[key]
	if e == nil {
		key = string(append([]byte(nil), key...)) // the caller's may share a row's memory
		e = &name{}
		b.names[key] = e
	}
	if e.gen != b.gen {
		e.gen, e.id = b.gen, len(b.keys)
		b.keys = append(b.keys, key)
	}
	l := b.open[len(b.open)-1]
	b.parts = append(b.parts, part{id: e.id, at: len(b.val) - l.start - 1, key: b.keys[e.id]})
}

// Null appends null.
func (b *Builder) Null() { b.item(); b.val = append(b.val, primNull<<2) }

// Bool appends a BOOLEAN.
func (b *Builder) Bool(x bool) {
	b.item()
	if x {
		b.val = append(b.val, primTrue<<2)
	} else {
		b.val = append(b.val, primFalse<<2)
	}
}

// Int appends an integer in as many bytes as it needs.
func (b *Builder) Int(x int64) {
	b.item()
	switch {
	case x == int64(int8(x)):
		b.val = append(b.val, primInt8<<2, byte(x))
	case x == int64(int16(x)):
		b.val = binary.LittleEndian.AppendUint16(append(b.val, primInt16<<2), uint16(x))
	case x == int64(int32(x)):
		b.val = binary.LittleEndian.AppendUint32(append(b.val, primInt32<<2), uint32(x))
	default:
		b.val = binary.LittleEndian.AppendUint64(append(b.val, primInt64<<2), uint64(x))
	}
}

// Double appends a DOUBLE.
func (b *Builder) Double(x float64) {
	b.item()
	b.val = binary.LittleEndian.AppendUint64(append(b.val, primDouble<<2), math.Float64bits(x))
}

// Decimal appends a DECIMAL of so many digits.
func (b *Builder) Decimal(x types.Int128, digits, scale int) {
	b.item()
	switch d := max(digits, scale); {
	case d <= 9:
		b.val = binary.LittleEndian.AppendUint32(append(b.val, primDecimal4<<2, byte(scale)), uint32(x.Lo))
	case d <= 18:
		b.val = binary.LittleEndian.AppendUint64(append(b.val, primDecimal8<<2, byte(scale)), x.Lo)
	default:
		b.val = binary.LittleEndian.AppendUint64(append(b.val, primDecimal16<<2, byte(scale)), x.Lo)
		b.val = binary.LittleEndian.AppendUint64(b.val, uint64(x.Hi))
	}
}

// String appends a text.
func (b *Builder) String(s string) {
	b.item()
	if len(s) <= shortMax {
		b.val = append(b.val, byte(len(s))<<2|basicShort)
	} else {
		b.val = binary.LittleEndian.AppendUint32(append(b.val, primString<<2), uint32(len(s)))
	}
	b.val = append(b.val, s...)
}

// OpenArray begins an array.
func (b *Builder) OpenArray() { b.begin(basicArray) }

// OpenObject begins an object.
func (b *Builder) OpenObject() { b.begin(basicObject) }

func (b *Builder) begin(basic byte) {
	b.item()
	b.open = append(b.open, level{start: len(b.val), parts: len(b.parts)})
	b.val = append(b.val, basic)
}

// Close ends the open array or object. Of fields with one name the last counts;
// then, dup is the name.
func (b *Builder) Close() (dup string, ok bool) {
	l := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	parts := b.parts[l.parts:]
	end := len(b.val) - l.start - 1
	object := b.val[l.start]&3 == basicObject
	ok = true
	if object {
		slices.SortStableFunc(parts, func(x, y part) int { return compare([]byte(x.key), []byte(y.key)) })
		n := 0
		for i, p := range parts {
			if i+1 < len(parts) && parts[i+1].key == p.key {
				dup, ok = p.key, false
				continue
			}
			parts[n] = p
			n++
		}
		parts = parts[:n]
	}
	b.header(l.start, parts, end, object)
	b.parts = b.parts[:l.parts]
	return dup, ok
}

// header puts the header of an array or object before its parts.
func (b *Builder) header(start int, parts []part, end int, object bool) {
	large, offSize, idSize := len(parts) >= largeCountMin, width(end), 0
	h := byte(offSize-1) << 2
	if object {
		idMax := 0
		for _, p := range parts {
			idMax = max(idMax, p.id)
		}
		idSize = width(idMax)
		h |= byte(idSize-1)<<4 | basicObject
	} else {
		h |= basicArray
	}
	count := 1
	if large {
		count = 4
		if object {
			h |= 1 << 6
		} else {
			h |= 1 << 4
		}
	}
	n := 1 + count + len(parts)*idSize + (len(parts)+1)*offSize
	b.val = slices.Grow(b.val, n-1)
	b.val = b.val[:len(b.val)+n-1]
	copy(b.val[start+n:], b.val[start+1:len(b.val)-n+1])
	head := append(b.val[start:start], h)
	head = appendSized(head, len(parts), count)
	if object {
		for _, p := range parts {
			head = appendSized(head, p.id, idSize)
		}
	}
	for _, p := range parts {
		head = appendSized(head, p.at, offSize)
	}
	appendSized(head, end, offSize)
}

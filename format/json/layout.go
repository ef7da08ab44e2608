package json

import "encoding/binary"

// Writers mostly repeat the order of fields and the blanks around them. So a layout
// remembers, for each place in an object, the bytes from the end of the value before
// (at the first place, from the brace) to the value: `,"price":`. If they are there
// again, the key need not be read. Any other text is read by the grammar and then
// remembered.
type layout []slot

// slot is what stood at a place of an object last.
type slot struct {
	words, masks [slotWords]uint64 // text, if it is not longer
	text         []byte
	short        bool // words and masks are of all of it
	field        int  // -1 if the schema does not have it
	cell         int  // of a plain line: -1 if it is not wanted
}

const (
	slotWords = 3
	slotBytes = 8 * slotWords
)

// Limits of what is remembered of an object's layout.
const (
	layoutMax    = 512
	layoutKeyMax = 128
)

// ended is the field of an object that has no more.
const ended = -2

// put remembers text at a place.
func (l *layout) put(place int, text []byte, field int) {
	if len(text) > layoutKeyMax || place >= layoutMax || place > len(*l) {
		return
	}
	if place == len(*l) {
		*l = append(*l, slot{})
	}
	s := &(*l)[place]
	s.field, s.short = field, len(text) <= slotBytes
	s.text = append(s.text[:0], text...)
	var words, masks [slotBytes]byte
	for i := range copy(words[:], text) {
		masks[i] = 0xFF
	}
	for w := range slotWords {
		s.words[w] = binary.LittleEndian.Uint64(words[8*w:])
		s.masks[w] = binary.LittleEndian.Uint64(masks[8*w:])
	}
}

// differs compares a short text; it is not 0 if the bytes at b are others.
func (s *slot) differs(b *[slotBytes]byte) uint64 {
	le := binary.LittleEndian
	return (le.Uint64(b[0:])^s.words[0])&s.masks[0] | (le.Uint64(b[8:])^s.words[1])&s.masks[1] | (le.Uint64(b[16:])^s.words[2])&s.masks[2]
}

// after returns the position behind the slot's text if it stands at i, else -1.
func (s *slot) after(data []byte, i int) int {
	end := i + len(s.text)
	if end <= len(data) && string(data[i:end]) == string(s.text) {
		return end
	}
	return -1
}

// member goes on in an object, from its brace or from behind a value, to the value
// at the next place. It returns the field and the value's position; ended and the
// position behind the object if there is no more; a negative position if the text is
// not valid.
func (d *Decoder) member(o *object, data []byte, i, place int) (at, value int) {
	if place < len(o.layout) {
		s := &o.layout[place]
		end := -1
		if !s.short || len(data)-i < slotBytes {
			end = s.after(data, i)
		} else if s.differs((*[slotBytes]byte)(data[i:])) == 0 {
			end = i + len(s.text)
		}
		if end >= 0 {
			return s.field, blank(data, end)
		}
	}
	return d.key(o, data, i, place)
}

// key is member by the grammar. It remembers what it reads.
func (d *Decoder) key(o *object, data []byte, i, place int) (at, value int) {
	from := i
	i = blank(data, i)
	switch {
	case data[i] == '}' && place > 0:
		return ended, i + 1
	case data[i] != ',' && place > 0:
		return -1, -1
	}
	i = blank(data, i+1)
	if data[i] != '"' {
		if data[i] == '}' && place == 0 {
			return ended, i + 1
		}
		return -1, -1
	}
	end, escapes := skipString(data, i+1)
	if end < 0 {
		return -1, -1
	}
	name := data[i+1 : end-1]
	if escapes {
		d.scratch = unescape(d.scratch[:0], name)
		name = d.scratch
	}
	at, ok := o.index[string(name)]
	if !ok {
		at = -1
	}
	colon := blank(data, end)
	if data[colon] != ':' {
		return -1, -1
	}
	value = blank(data, colon+1)
	o.layout.put(place, data[from:value], at)
	o.version++
	return at, value
}

package json

import (
	"errors"
	"math"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
)

var (
	errNotArray = errors.New("the value is not a JSON array")
	errNotMap   = errors.New("the value is not a JSON object")
)

// value reads the value at i into a new row of its column and returns the
// position behind it; -1 if it does not fit the type or is not valid, with parts
// of the row perhaps filled.
func (d *Decoder) value(v *value, data []byte, i int) int {
	if end := d.usual(v, data, i); end != 0 {
		return end
	}
	switch c := data[i]; {
	case v.kind == types.Variant && c != 'n':
		return d.variant(v, data, i)
	case c == '"':
		return d.quoted(v, data, i)
	case c-'0' <= 9 || c == '-':
		return d.number(v, data, i)
	case c == '{':
		return d.braces(v, data, i)
	case c == '[':
		return d.brackets(v, data, i)
	}
	return d.word(v, data, i)
}

// fail notes why a value does not fit.
func (d *Decoder) fail(err error) int {
	if !d.ignore {
		d.problem = problem{err: err}
	}
	return -1
}

// quoted reads a string into a column of another type.
func (d *Decoder) quoted(v *value, data []byte, i int) int {
	end, escapes := skipString(data, i+1)
	if end < 0 {
		return -1
	}
	s := data[i+1 : end-1]
	if escapes {
		d.scratch = unescape(d.scratch[:0], s)
		s = d.scratch
	}
	if st := v.col.Text(s, &d.rules); st != numtext.OK {
		if d.ignore {
			return -1
		}
		return d.fail(colbuf.Problem(st, v.col.Type, s))
	}
	return end
}

// number reads a number.
func (d *Decoder) number(v *value, data []byte, i int) int {
	end, integer := skipNumber(data, i)
	if end < 0 {
		return -1
	}
	s := data[i:end]
	var st numtext.Status
	switch {
	case v.col.Type.Stamp() || v.kind == types.Date || v.kind == types.Time || v.col.Type.Bytes():
		st = numtext.Bad
	case !integer && (v.kind == types.Int || v.kind == types.BigInt || v.col.Type.Interval()):
		st = cutFraction(v.col, s)
	default:
		st = v.col.Text(s, &d.rules)
	}
	if st != numtext.OK {
		if d.ignore {
			return -1
		}
		return d.fail(colbuf.Problem(st, v.col.Type, s))
	}
	return end
}

// cutFraction appends a number with a fraction or an exponent without its fraction.
func cutFraction(c *colbuf.Col, s []byte) numtext.Status {
	f, st := numtext.Float(s, 64)
	if st != numtext.OK {
		return st
	}
	f = math.Trunc(f)
	if !(f >= -0x1p63 && f < 0x1p63) || c.CheckInt(int64(f)) != numtext.OK {
		return numtext.Over
	}
	c.Int(int64(f))
	return numtext.OK
}

// word reads true, false and null.
func (d *Decoder) word(v *value, data []byte, i int) int {
	switch {
	case word(data, i, "null"):
		v.col.Null()
		return i + 4
	case word(data, i, "true"):
		return d.boolean(v, data[i:i+4], i+4, true)
	case word(data, i, "false"):
		return d.boolean(v, data[i:i+5], i+5, false)
	}
	return -1
}

func (d *Decoder) boolean(v *value, s []byte, end int, b bool) int {
	switch v.kind {
	case types.Boolean:
		v.col.Bools = append(v.col.Bools, b)
	case types.Char, types.Varchar:
		v.col.Bytes(s)
	default:
		return d.fail(colbuf.Problem(numtext.Bad, v.col.Type, s))
	}
	return end
}

// braces reads an object.
func (d *Decoder) braces(v *value, data []byte, i int) int {
	switch v.phys {
	case types.PhysRow:
		end := d.object(v.object, data, i, v.col.Len())
		if end >= 0 {
			v.col.End()
		}
		return end
	case types.PhysMap:
		return d.mapping(v, data, i)
	}
	return d.nestedText(v, data, i, errNotArray)
}

// brackets reads an array.
func (d *Decoder) brackets(v *value, data []byte, i int) int {
	if v.phys == types.PhysList {
		return d.list(v, data, i)
	}
	return d.nestedText(v, data, i, errNotMap)
}

// nestedText reads an object or array into a string.
func (d *Decoder) nestedText(v *value, data []byte, i int, other error) int {
	if d.stops.skip(data, i, 1) < 0 {
		return -1
	}
	if !v.col.Type.Character() {
		if v.phys < types.PhysList {
			other = errors.New("a JSON object or array is not a valid " + v.col.Type.Name())
		}
		return d.fail(other)
	}
	v.col.Data, i = compact(v.col.Data, data, i)
	v.col.Offs = append(v.col.Offs, uint32(len(v.col.Data)))
	return i
}

func (d *Decoder) list(v *value, data []byte, i int) int {
	i = blank(data, i+1)
	if data[i] == ']' {
		v.col.End()
		return i + 1
	}
	for {
		if i = d.element(v.elem, data, i); i < 0 {
			return -1
		}
		i = blank(data, i)
		switch data[i] {
		case ']':
			v.col.End()
			return i + 1
		case ',':
			i = blank(data, i+1)
		default:
			return -1
		}
	}
}

// element reads a value inside an array or map; with ignore-parse-errors what is
// bad is NULL.
func (d *Decoder) element(v *value, data []byte, i int) int {
	row := v.col.Len()
	end := d.value(v, data, i)
	if end < 0 && d.ignore {
		v.col.Truncate(row)
		v.col.Null()
		return d.stops.skip(data, i, 1)
	}
	return end
}

// mapping reads an object into a map. Of equal keys the last counts: if there
// are any, the object is read again without the ones before.
func (d *Decoder) mapping(v *value, data []byte, i int) int {
	keys := v.col.Kids[0]
	from := keys.Len()
	end := d.entries(v, data, i, nil)
	if end < 0 {
		return -1
	}
	if drop := repeated(keys, from); drop != nil {
		keys.Truncate(from)
		v.elem.col.Truncate(from)
		end = d.entries(v, data, i, drop)
	}
	v.col.End()
	return end
}

// repeated returns which of the keys from a row on come again later; nil if none
// does.
func repeated(keys *colbuf.Col, from int) (drop []bool) {
	n := keys.Len() - from
	at := func(k int) string { return string(keys.Data[keys.Offs[from+k]:keys.Offs[from+k+1]]) }
	mark := func(k int) {
		if drop == nil {
			drop = make([]bool, n)
		}
		drop[k] = true
	}
	if n <= 16 {
		for a := range n {
			x := keys.Data[keys.Offs[from+a]:keys.Offs[from+a+1]]
			for b := a + 1; b < n; b++ {
				if string(x) == string(keys.Data[keys.Offs[from+b]:keys.Offs[from+b+1]]) {
					mark(a)
					break
				}
			}
		}
		return drop
	}
	last := make(map[string]int, n)
	for k := range n {
		if before, ok := last[at(k)]; ok {
			mark(before)
		}
		last[at(k)] = k
	}
	return drop
}

// entries reads an object's entries into the columns of a map, but those in drop.
func (d *Decoder) entries(v *value, data []byte, i int, drop []bool) int {
	i = blank(data, i+1)
	if data[i] == '}' {
		return i + 1
	}
	for n := 0; ; n++ {
		if data[i] != '"' {
			return -1
		}
		if drop != nil && drop[n] {
			i = d.stops.skipString(data, i+1)
		} else {
			i = d.text(v.col.Kids[0], data, i+1)
		}
		if i < 0 {
			return -1
		}
		if i = blank(data, i); data[i] != ':' {
			return -1
		}
		i = blank(data, i+1)
		if drop != nil && drop[n] {
			i = d.stops.skip(data, i, 1)
		} else {
			i = d.element(v.elem, data, i)
		}
		if i < 0 {
			return -1
		}
		i = blank(data, i)
		switch data[i] {
		case '}':
			return i + 1
		case ',':
			i = blank(data, i+1)
		default:
			return -1
		}
	}
}

package json

import (
	"slices"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/format/internal/marks"
)

// stops are the places in some lines where the text of a string stops being plain, as
// bit masks: so that a string's end need not be searched for byte by byte. Where the
// processor has no vectors for making them, they are empty, and the words of the text
// itself are looked at.
//
// Backslashes and quotes are paired from the front of the lines, as if all of them were
// in strings. Elsewhere a backslash is no JSON, and nothing looks behind it before the
// next line, where no pair goes on: a line feed stops whatever stands before it.
type stops struct {
	all    []uint64 // quotes, control characters and the backslash of each escape
	ends   []uint64 // those but the backslashes before a quote or backslash
	blocks []marks.Block
}

// partBytes is how much text is marked at once: little enough to be still in the
// nearest cache when it is read.
const partBytes = 64 << 10

var stopChars = marks.Chars{A: '"', B: '\\', C: '"', Low: ' ' - 1}

// mark marks lines and reports whether they are all ASCII.
func (s *stops) mark(lines []byte) (ascii bool) {
	n := marks.Blocks(len(lines))
	s.blocks, s.all, s.ends = slices.Grow(s.blocks[:0], n)[:n], slices.Grow(s.all[:0], n)[:n], slices.Grow(s.ends[:0], n)[:n]
	blocks, all, ends := s.blocks, s.all, s.ends
	ascii = marks.Scan(blocks, lines, stopChars)
	inEscape := uint64(0) // the first byte is the second of an escape
	for k := range blocks {
		b := &blocks[k]
		if b.B|inEscape == 0 {
			all[k], ends[k] = b.A|b.Low, b.A|b.Low
			continue
		}
		// the bits of a run of backslashes count up by two: Langdale and Lemire's
		// simdjson, 2.0, "Parsing gigabytes of JSON per second", section 3.1.1
		const odd = 0xAAAAAAAAAAAAAAAA
		may := b.B &^ inEscape
		after := ((may<<1 | odd) - may) ^ odd
		second := after ^ (b.B | inEscape) // of an escape
		first := after & b.B
		inEscape = first >> 63
		all[k] = b.A&^second | b.Low | first
		ends[k] = b.A&^second | b.Low | first&^((b.A|b.B)&second>>1)
	}
	return ascii
}

// skipString returns the position behind the string whose text starts at i; -1 if it
// is not valid.
func (s *stops) skipString(data []byte, i int) int {
	if len(s.ends) == 0 {
		end, _ := skipString(data, i)
		return end
	}
	for {
		i = marks.Next(s.ends, i)
		switch data[i] {
		case '"':
			return i + 1
		case '\\':
			n := escapeLen(data, i)
			if n == 0 {
				return -1
			}
			i += n
		default:
			return -1
		}
	}
}

// text appends the string whose text starts at i, in lines that are marked, and returns
// the position behind it; -1 if it is not valid, with a part of it perhaps in Data.
func (s *stops) text(c *colbuf.Col, data []byte, i int) int {
	for {
		out, n := c.Data[:cap(c.Data)], len(c.Data)
		end := marks.Next(s.all, i)
		run := end - i
		switch {
		case run <= wordsMax && len(data)-i >= wordsMax && len(out)-n >= wordsMax: // most are: no call
			*(*[wordsMax / 2]byte)(out[n:]) = *(*[wordsMax / 2]byte)(data[i:])
			*(*[wordsMax / 2]byte)(out[n+wordsMax/2:]) = *(*[wordsMax / 2]byte)(data[i+wordsMax/2:])
		case len(out)-n >= run:
			copy(out[n:], data[i:end])
		default:
			c.Data = append(c.Data, data[i:end]...)
		}
		c.Data = c.Data[:n+run]
		switch {
		case data[end] == '"':
			c.Offs = append(c.Offs, uint32(n+run))
			return end + 1
		case data[end] != '\\' || escapeLen(data, end) == 0:
			return -1
		}
		k := 0
		c.Data, k = unescapeOne(c.Data, data[end:])
		i = end + k
	}
}

// wordsMax is how long a text is that is copied by two stores, whatever its length.
const wordsMax = 32

package json

import (
	"math/bits"
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
	blocks [64]marks.Block
}

const (
	partBytesMin = 64 << 10
	partBytesMax = 512 << 10
	partRowsMin  = 64 // if that is not too much
)

var stopChars = marks.Chars{A: '"', B: '\\', C: '"', Low: ' ' - 1}

// mark marks lines and reports whether they are all ASCII.
func (s *stops) mark(lines []byte) (ascii bool) {
	n := marks.Blocks(len(lines))
	s.all, s.ends = slices.Grow(s.all[:0], n)[:n], slices.Grow(s.ends[:0], n)[:n]
	ascii = true
	inEscape := uint64(0) // the first byte is the second of an escape
	for at := 0; at < n; at += len(s.blocks) {
		text := lines[at*marks.BlockBytes:]
		text = text[:min(len(text), len(s.blocks)*marks.BlockBytes)]
		ascii = marks.Scan(s.blocks[:], text, stopChars) && ascii
		k := marks.Blocks(len(text))
		inEscape = pair(s.all[at:at+k], s.ends[at:at+k], s.blocks[:k], inEscape)
	}
	return ascii
}

// pair makes the marks of some blocks those of stops, with or without escapes in the
// way. The bit inEscape says that the first byte is the second of an escape, and the
// result so of the byte behind them.
func pair(all, ends []uint64, blocks []marks.Block, inEscape uint64) uint64 {
	all, ends = all[:len(blocks)], ends[:len(blocks)]
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
	return inEscape
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

// unescape appends the text of a string of marked lines, whose escapes are valid and
// which is data[i:to], without them.
func (s *stops) unescape(dst, data []byte, i, to int) []byte {
	if marks.Compresses() && len(data)-to >= marks.BlockBytes && marks.Next(s.ends, i) == to {
		return s.withoutBackslashes(dst, data, i, to)
	}
	for {
		end := marks.Next(s.all, i)
		if end >= to {
			return append(dst, data[i:to]...)
		}
		if run := end - i; run <= wordsMax && len(data)-i >= wordsMax && cap(dst)-len(dst) >= wordsMax {
			n := len(dst)
			dst = dst[:n+wordsMax]
			*(*[wordsMax / 2]byte)(dst[n:]) = *(*[wordsMax / 2]byte)(data[i:])
			*(*[wordsMax / 2]byte)(dst[n+wordsMax/2:]) = *(*[wordsMax / 2]byte)(data[i+wordsMax/2:])
			dst = dst[:n+run]
		} else {
			dst = append(dst, data[i:end]...)
		}
		k := 0
		dst, k = unescapeOne(dst, data[end:to])
		i = end + k
	}
}

// withoutBackslashes is unescape for a text that has escapes of quotes and backslashes
// only, which stand for themselves: their first bytes are left out, and there is no
// branch to guess wrong for each.
func (s *stops) withoutBackslashes(dst, data []byte, i, to int) []byte {
	n := len(dst)
	dst = slices.Grow(dst, to-i+marks.BlockBytes)
	for out := dst[:cap(dst)]; i < to; i += marks.BlockBytes {
		keep := ^marks.At(s.all, i)
		if to-i < marks.BlockBytes {
			keep &= 1<<(to-i) - 1
		}
		marks.Compress((*[marks.BlockBytes]byte)(out[n:]), (*[marks.BlockBytes]byte)(data[i:]), keep)
		n += bits.OnesCount64(keep)
	}
	return dst[:n]
}

// wordsMax is how long a text is that is copied by two stores, whatever its length.
const wordsMax = 32

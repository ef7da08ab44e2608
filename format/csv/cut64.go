package csv

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/millrace-io/millrace/format/internal/cut"
	"github.com/millrace-io/millrace/format/internal/marks"
)

// Most of a file are plain records: as many cells as the table has columns, quotes
// only around whole cells. They are cut 64 bytes at a time: the few characters that
// matter are marked in masks of 64 bits, and each bit that is set ends a cell. Quotes are followed by a running
// exclusive or, as simdjson does (Langdale, Lemire 2019): what lies inside them is
// masked out.
//
// Only afterwards it is checked that the records were plain: that each has its line
// feed where its last cell ends and nowhere else, and that the quotes and carriage
// returns that are in the text are those that the cells account for. What is not
// plain is left to scanner.record, which knows all the rules and all the faults.

const (
	chunkBytesMin = 16 << 10 // of text cut at once, to be read from the nearest cache by each column
	chunkBytesMax = 512 << 10
	chunkRowsMin  = 96 // if that is not too much: a column's loop should be worth its call
	roughMax      = 1024
	// Cells that are that long and quoted are cut faster one by one than by comparing words:
	// their ends are searched for with bytes.IndexByte.
	longCell = 24
)

// A chunk is some text that begins where a record does, and its plain records.
type chunk struct {
	cells   []cell   // width a row
	starts  []uint32 // of the records
	next    int      // where the record after them starts
	quotes  bool     // there are some
	wrapped bool     // cells that begin with a quote end with one, and are not marked yet
}

// gather makes the high bits of eight bytes one byte.
func gather(m uint64) uint64 { return (m >> 7) * 0x0102040810204080 >> 56 }

// ends8 marks the bytes of x that are line feeds or d's character, which is ASCII.
func ends8(x, d uint64) uint64 {
	y, z := x^d, x^'\n'*ones
	return gather(^(((y|high)-ones)&((z|high)-ones) | x) & high)
}

// is8 marks the bytes of x that are q's character, which is ASCII.
func is8(x, q uint64) uint64 {
	y := x ^ q
	return gather(^(((y | high) - ones) | x) & high)
}

// ends64 marks the line feeds and delimiters in 64 bytes. The high bits of seen are
// those of all bytes.
func ends64(b *[64]byte, d uint64) (ends, seen uint64) {
	le := binary.LittleEndian
	x0, x1, x2, x3 := le.Uint64(b[0:]), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:])
	x4, x5, x6, x7 := le.Uint64(b[32:]), le.Uint64(b[40:]), le.Uint64(b[48:]), le.Uint64(b[56:])
	ends = ends8(x0, d) | ends8(x1, d)<<8 | ends8(x2, d)<<16 | ends8(x3, d)<<24 |
		ends8(x4, d)<<32 | ends8(x5, d)<<40 | ends8(x6, d)<<48 | ends8(x7, d)<<56
	return ends, x0 | x1 | x2 | x3 | x4 | x5 | x6 | x7
}

// quotes64 marks the quotes in 64 bytes.
func quotes64(b *[64]byte, q uint64) uint64 {
	le := binary.LittleEndian
	return is8(le.Uint64(b[0:]), q) | is8(le.Uint64(b[8:]), q)<<8 | is8(le.Uint64(b[16:]), q)<<16 | is8(le.Uint64(b[24:]), q)<<24 |
		is8(le.Uint64(b[32:]), q)<<32 | is8(le.Uint64(b[40:]), q)<<40 | is8(le.Uint64(b[48:]), q)<<48 | is8(le.Uint64(b[56:]), q)<<56
}

// inside makes marks of quotes marks of what follows an odd number of them.
func inside(q uint64) uint64 {
	q ^= q << 1
	q ^= q << 2
	q ^= q << 4
	q ^= q << 8
	q ^= q << 16
	return q ^ q<<32
}

// What split has found out about a text.
type found struct {
	ascii bool // all of it is
	// wrapped says that each quote is the first character of a cell or the last of
	// one that begins with a quote.
	wrapped bool
	quotes  bool // there are some
	returns bool // there may be carriage returns
	lines   int  // line feeds
}

// mark marks the characters that matter in at most as many bytes as d.blocks are for.
// Where the processor has no vectors for that, words are compared, delimiters and line
// feeds together.
func (d *Decoder) mark(text []byte, f *found) []marks.Block {
	n := marks.Blocks(len(text))
	if d.marks {
		c := marks.Chars{A: d.delim, B: '\n', C: d.quote, Low: '\r'}
		f.ascii = marks.Scan(d.blocks[:n], text, c) && f.ascii
		return d.blocks[:n]
	}
	delim, quote, seen := uint64(d.delim)*ones, uint64(d.quote)*ones, uint64(0)
	f.lines += bytes.Count(text, []byte{'\n'})
	f.returns = f.returns || bytes.IndexByte(text, '\r') >= 0
	quotes := d.quoting && bytes.IndexByte(text, d.quote) >= 0
	for k := range n {
		var tail [64]byte
		block := &tail
		within := ^uint64(0)
		if rest := text[k*64:]; len(rest) >= 64 {
			block = (*[64]byte)(rest)
		} else {
			within = 1<<copy(tail[:], rest) - 1
		}
		ends, high := ends64(block, delim)
		seen |= high
		d.blocks[k] = marks.Block{A: ends & within}
		if quotes {
			d.blocks[k].C = quotes64(block, quote) & within
		}
	}
	f.ascii = f.ascii && seen&high == 0
	return d.blocks[:n]
}

// split appends the cells that end in data[from:to] to cells, the first of which
// starts at from.
func (d *Decoder) split(cells []cell, data []byte, from, to int) ([]cell, found) {
	f := found{ascii: true}
	start := uint32(from)
	within, stray, opens, closes := uint64(0), uint64(0), uint64(1), uint64(0)
	quotes, lows := uint64(0), uint64(0)
	var masks [len(d.blocks)]uint64
	for at := from; at < to; at += 64 * len(masks) {
		last := -1 // of the masks with an end
		blocks := d.mark(data[at:min(to, at+64*len(masks))], &f)
		for k := range blocks {
			b := &blocks[k]
			ends, marks := b.A|b.B, b.C
			lows |= b.Low &^ ends
			f.lines += bits.OnesCount64(b.B)
			if d.quoting && marks|within|closes != 0 {
				quotes |= marks
				in := inside(marks) ^ within
				within = uint64(int64(in) >> 63)
				ends &^= in
				// opening quotes follow an end, closing ones are followed by one
				closing := marks &^ in
				stray |= marks & in &^ (ends<<1 | opens)
				stray |= (closing<<1 | closes) &^ ends
				closes = closing >> 63
			}
			opens = ends >> 63
			if masks[k] = ends; ends != 0 {
				last = k
			}
		}
		if last >= 0 {
			cells = cut.AppendEnds(cells, masks[:last+1], start, uint32(at))
			start = uint32(at + 64*last + 64 - bits.LeadingZeros64(masks[last]))
		}
	}
	f.wrapped, f.quotes, f.returns = stray == 0, quotes != 0, f.returns || lows != 0
	return cells, f
}

// chunkBytes is how much text is cut at once.
func (d *Decoder) chunkBytes() int {
	return min(max(chunkBytesMin, chunkRowsMin*d.rowBytes), chunkBytesMax)
}

// plainChunk cuts plain records from the front of data[from:], rowsMax at most. It
// leaves none if the first is not plain or does not end soon.
func (d *Decoder) plainChunk(data []byte, from, rowsMax int) {
	c := &d.cut
	c.wrapped = false
	to := min(from+min(d.chunkBytes(), max(64, rowsMax*d.rowBytes*9/8)), len(data))
	cells, found := d.split(c.cells[:0], data, from, to)
	c.cells, c.starts, c.next = cells, c.starts[:0], from
	rows := min(len(cells)/d.width, rowsMax)
	c.cells = cells
	rows = d.plainRows(c, data, rows, found.lines)
	if c.cells = cells[:rows*d.width]; rows == 0 {
		return
	}
	next := int(cells[rows*d.width-1].End) + 1
	text := data[from:next]
	plain := found.ascii || marks.ValidUTF8(text)
	if plain && found.returns && bytes.IndexByte(text, '\r') >= 0 {
		plain = c.trimReturns(data, d.width) == bytes.Count(text, []byte{'\r'})
	}
	c.quotes, c.wrapped = found.quotes, found.quotes && found.wrapped && !d.trim
	if plain && found.quotes && !c.wrapped {
		plain = c.trimQuotes(data, d.quote, bytes.Count(text, []byte{d.quote}))
	}
	if !plain {
		c.cells, c.starts = c.cells[:0], c.starts[:0]
		return
	}
	if d.trim {
		c.trim(data)
	}
	c.next = next
}

// plainRows returns how many of the first rows have their line feed where the last
// cell ends and no other, and notes where they start. There are so many lines in what
// was cut.
func (d *Decoder) plainRows(c *chunk, data []byte, rows, lines int) int {
	start := uint32(c.next)
	for at := d.width - 1; at < rows*d.width; at += d.width {
		end := c.cells[at].End
		if data[end] != '\n' {
			break
		}
		c.starts = append(c.starts, start)
		start = end + 1
	}
	if lines == len(c.starts) || bytes.Count(data[c.next:start], []byte{'\n'}) == len(c.starts) {
		return len(c.starts)
	}
	// a line feed is in quotes, or ends a record that is too short
	for r := range c.starts {
		for _, x := range c.cells[r*d.width : (r+1)*d.width-1] {
			if data[x.End] == '\n' {
				c.starts = c.starts[:r]
				return r
			}
		}
	}
	return len(c.starts)
}

// trimReturns takes the carriage returns off the rows' ends and says how many there
// were.
func (c *chunk) trimReturns(data []byte, width int) (n int) {
	for i := width - 1; i < len(c.cells); i += width {
		if x := &c.cells[i]; x.End > x.Start && data[x.End-1] == '\r' {
			x.End--
			n++
		}
	}
	return n
}

// trimQuotes takes the quotes off cells. It says whether they were all the quotes
// of the n in the text, but for pairs in the cells' texts.
func (c *chunk) trimQuotes(data []byte, quote byte, n int) bool {
	for i := range c.cells {
		x := &c.cells[i]
		if data[x.Start] == quote && x.End-x.Start >= 2 && data[x.End-1] == quote {
			unwrap(x)
			n -= 2
		}
	}
	for i := 0; i < len(c.cells) && n > 0; i++ {
		if x := &c.cells[i]; x.End&quoted != 0 {
			if k := pairs(data[x.Start:x.End&^endFlags], quote); k > 0 {
				x.End |= escaped
				n -= 2 * k
			}
		}
	}
	return n == 0
}

// unwrap takes the quotes off a cell.
func unwrap(x *cell) { x.Start, x.End = x.Start+1, x.End-1|quoted }

// unwrapColumn takes the quotes off a column's cells.
func (c *chunk) unwrapColumn(data []byte, quote byte, col, width int) {
	for at := col; at < len(c.cells); at += width {
		if x := &c.cells[at]; x.End&quoted == 0 && data[x.Start] == quote {
			unwrap(x)
		}
	}
}

// pairs counts the pairs of quotes in a text, up to a quote that is alone.
func pairs(text []byte, quote byte) (n int) {
	for {
		k := bytes.IndexByte(text, quote)
		if k < 0 || k+1 == len(text) || text[k+1] != quote {
			return n
		}
		n++
		text = text[k+2:]
	}
}

// trim cuts blanks off the cells that are not quoted.
func (c *chunk) trim(data []byte) {
	for i, x := range c.cells {
		if x.End&quoted == 0 {
			c.cells[i] = trimCell(data, x)
		}
	}
}

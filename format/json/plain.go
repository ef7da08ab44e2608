package json

import (
	"encoding/binary"
	"math/bits"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/format/internal/cut"
	"github.com/millrace-io/millrace/format/internal/marks"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Most lines are plain: objects with the fields of the object before, in its order and
// with its blanks between them. Such lines are cut into cells, and then each wanted
// column is read from its cells in one loop. A line that is not plain ends the cutting,
// and a value that cannot be read makes its line not plain; Decoder.record, which knows
// all the rules and all the faults, reads that line.
type plain struct {
	version, places int           // of the layout that what follows is of
	usable          bool          // lines can be plain
	values          []*value      // wanted, by cell
	cols            []*colbuf.Col // of values
	fours           []bool        // by cell, see cut.Blocks
	absent          []*value      // wanted, and not in the layout
	there           []bool        // by field: it is in the layout
	reader          cut.Reader
	cells           []cut.Cell // a row's are together
	starts          []uint32   // of the rows
	rowsMax         int        // to be cut at once, so that not too many are for nothing
	rough           int        // lines to be read one by one before plain ones are looked for again
	roughs          int        // what rough was last
}

const (
	roughMax = 1024
	roughRun = 8 // a run of fewer plain lines is not worth looking for them
)

// prepare finds out how the layout that the root has now is read.
func (d *Decoder) prepare() {
	p, o := &d.plain, d.root
	p.version, p.places, p.usable = o.version, o.places, false
	p.values, p.cols, p.absent, p.there = p.values[:0], p.cols[:0], p.absent[:0], append(p.there[:0], make([]bool, len(o.fields))...)
	if d.envelope != nil || !d.marks || o.places == 0 || o.places > len(o.layout) {
		return
	}
	var places []int
	for k := range o.layout[:o.places] {
		s := &o.layout[k]
		s.cell = -1
		if s.field < 0 {
			continue
		}
		v := o.fields[s.field].v
		if p.there[s.field] || v != nil && (v.phys >= types.PhysList || v.kind == types.Variant) {
			return // the last of two counts; what is nested is read as it is found
		}
		p.there[s.field] = true
		if v != nil {
			s.cell = len(p.values)
			places = append(places, len(p.values))
			p.values, p.cols = append(p.values, v), append(p.cols, v.col)
		}
	}
	p.fours = cut.Blocks(p.cols, places)
	for k := range o.fields {
		if !p.there[k] && d.failMissing {
			return
		}
		if v := o.fields[k].v; v != nil && !p.there[k] {
			p.absent = append(p.absent, v)
		}
	}
	p.usable = len(p.values)+len(p.absent) == len(d.cols)
}

// plainRows reads plain lines of data from i on, as many as there are in a row and at
// most so many, and returns where the first line starts that is not read.
func (d *Decoder) plainRows(data []byte, i, rowsMax int) int {
	p := &d.plain
	if p.rough > 0 {
		p.rough--
		return i
	}
	if p.version != d.root.version || p.places != d.root.places {
		d.prepare()
	}
	if !p.usable {
		return i
	}
	read, more := 0, true
	for more && i < len(data) && read < rowsMax {
		most := min(rowsMax-read, p.rowsMax)
		next := d.cutRows(data, i, most)
		have := len(p.starts)
		rows := d.plainColumns(data, have)
		read, more = read+rows, rows == most
		if rows == have {
			p.rowsMax = min(p.rowsMax+p.rowsMax/4, vec.BatchRowsMax)
		} else {
			next, p.rowsMax = int(p.starts[rows]), max(roughRun, read)
		}
		i = next
		d.rows += rows
	}
	p.roughs = min(max(1, 2*p.roughs), roughMax)
	if read >= roughRun || i == len(data) || read == rowsMax {
		p.roughs = 0
	}
	p.rough = p.roughs
	return i
}

// plainColumns reads the columns of rows that have been cut and returns how many of
// them could be read.
func (d *Decoder) plainColumns(data []byte, rows int) int {
	p, all := &d.plain, rows
	p.reader.Data = data
	done, end := 0, 0 // rows that a block has read, and the column behind it
	for k, v := range p.values {
		if k == end {
			done, end = 0, k+1
			if p.fours[k] {
				done, end = p.reader.ReadBlock(p.cols[k:], p.column(k), rows), k+4
			}
		}
		rows = d.plainColumn(v, k, data, done, rows)
	}
	for _, v := range p.absent {
		for range rows {
			v.col.Null()
		}
	}
	if rows < all {
		for _, v := range p.values {
			v.col.Truncate(d.rows + rows)
		}
	}
	return rows
}

// cutRows cuts plain lines into d.plain and returns where the next line starts.
func (d *Decoder) cutRows(data []byte, i, rowsMax int) int {
	p := &d.plain
	width := len(p.values)
	p.cells, p.starts = p.cells[:0], p.starts[:0]
	slots := d.root.layout[:p.places]
	for len(p.starts) < rowsMax && i < len(data) {
		have := len(p.cells)
		if cap(p.cells)-have < width {
			p.cells = append(p.cells, make([]cut.Cell, max(width, have))...)[:have]
		}
		next := d.stops.cutRow(p.cells[have:have+width], slots, data, i)
		if next < 0 {
			break
		}
		p.cells = p.cells[:have+width]
		p.starts = append(p.starts, uint32(i))
		i = next
	}
	return i
}

// cutRow cuts the line at i into cells if its layout is that of slots, and returns where
// the next line starts; else -1. What has no cell is JSON; what has one may not be.
func (s *stops) cutRow(cells []cut.Cell, slots []slot, data []byte, i int) int {
	for k := range slots {
		slot := &slots[k]
		if !slot.short || len(data)-i < slotBytes || slot.differs((*[slotBytes]byte)(data[i:])) != 0 {
			if slot.after(data, i) < 0 {
				return -1
			}
		}
		i += len(slot.text)
		from := i
		if data[i] == '"' {
			if i = s.cutString(cells, slot.cell, data, i+1); i < 0 {
				return -1
			}
			continue
		}
		n := 0
		if len(data)-i >= 8 {
			n = shortInteger(binary.LittleEndian.Uint64(data[i:]))
		}
		if i += n; n == 0 {
			if i = plainNumber(data, from); i == 0 {
				if i = s.skip(data, from, 1); i < 0 {
					return -1
				}
			}
		}
		if slot.cell >= 0 {
			cells[slot.cell] = cut.Cell{Start: uint32(from), End: uint32(i)}
		}
	}
	if data[i] != '}' {
		return -1
	}
	if i++; data[i] == '\r' {
		i++
	}
	if data[i] != '\n' {
		return -1
	}
	return i + 1
}

// shortInteger returns how many bytes at the front of x are an integer of up to seven
// digits, if a comma follows, as it does behind most numbers; else 0.
func shortInteger(x uint64) int {
	n := bits.TrailingZeros64(noDigits(x)) >> 3
	if byte(x>>(uint(n)*8&63)) != ',' || byte(x) == '0' && n > 1 {
		return 0
	}
	return n
}

// cutString cuts the string whose text starts at i into a cell, if it is wanted, and
// returns the position behind it; -1 if it is not valid.
func (s *stops) cutString(cells []cut.Cell, cell int, data []byte, i int) int {
	if cell < 0 {
		return s.skipString(data, i)
	}
	end, flags := marks.Next(s.all, i), uint32(cut.Quoted)
	if data[end] != '"' {
		if end = s.skipString(data, end) - 1; end < 0 {
			return -1
		}
		flags |= cut.Escaped
	}
	cells[cell] = cut.Cell{Start: uint32(i), End: uint32(end) | flags}
	return end + 1
}

// column is the cells of one column.
func (p *plain) column(cell int) cut.Column {
	return cut.Column{All: p.cells[min(cell, len(p.cells)):], Width: len(p.values)}
}

// plainColumn reads the cells of one column, of so many rows of which the first are done,
// and returns how many of them could be read.
func (d *Decoder) plainColumn(v *value, cell int, data []byte, done, rows int) int {
	p := &d.plain
	x := p.column(cell)
	for row := done; row < rows; row++ {
		if v.usual != none {
			if row += p.reader.Read(v.col, x.Skip(row), rows-row); row == rows {
				break
			}
		}
		at, end := x.All[row*x.Width], 0
		if at.End&cut.Quoted == 0 {
			end = d.value(v, data, int(at.Start))
		} else {
			end = d.value(v, data, int(at.Start)-1) - 1
		}
		if end != int(at.End&^cut.Flags) {
			v.col.Truncate(d.rows + row)
			return row
		}
	}
	return rows
}

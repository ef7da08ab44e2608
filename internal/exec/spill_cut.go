package exec

import (
	"fmt"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A spillCut writes rows to files by a hash, so that what does not fit in memory
// can be done part by part: rows with equal hashes go to one part. A part that
// still does not fit is cut again, by the next bits of the hash, after its rows
// have been read back:
//
//	start, write …, done ── next, read its files ──▶ work
//	                            └ start, write …, done   (too much)
type spillCut struct {
	ctx   *Context
	name  string
	types [][]types.Type // of the rows of each input
	parts []*spillPart   // being written; nil: all is in memory
	work  []*spillPart   // to be worked off, in this order
	files int
}

// A spillPart is rows whose hashes agree in the bits of the levels above.
type spillPart struct {
	files []*spillFile // by input; nil: no rows
	level int          // how often they were cut
}

const (
	spillBits  = 4
	spillParts = 1 << spillBits
	// spillLevelsMax is how often rows may be cut: rows of one key never part.
	spillLevelsMax = 5
	// An operator gives up its memory when it has spillBytesMin of its own, or an
	// eighth of a smaller budget, but never less than spillBytesLeast: others may
	// have used up the budget, and small files cost more than they give.
	spillBytesMin   = 4 << 20
	spillBytesLeast = 1 << 20
)

// crowded reports whether an operator should give up the n bytes that it holds:
// before the budget is used up, which would be the end of operators that cannot.
func (ctx *Context) crowded(n int64) bool {
	m := ctx.Memory
	if m == nil || m.Limit == 0 || m.Used() < m.Limit/4*3 {
		return false
	}
	return n >= max(spillBytesLeast, min(spillBytesMin, m.Limit/8))
}

func newSpillCut(ctx *Context, name string, ts ...[]types.Type) spillCut {
	return spillCut{ctx: ctx, name: name, types: ts}
}

func (c *spillCut) on() bool { return c.parts != nil }

// start begins to write parts that were cut once more than a level.
func (c *spillCut) start(level int) {
	c.parts = make([]*spillPart, spillParts)
	for i := range c.parts {
		c.parts[i] = &spillPart{files: make([]*spillFile, len(c.types)), level: level + 1}
	}
}

// write puts rows of an input into their parts; the i'th has the hash hash[i].
func (c *spillCut) write(in int, hash []uint64, cols []vec.Vector, rows []int32) error {
	shift := 64 - spillBits*c.parts[0].level
	var of [spillParts][]int32
	for i, r := range rows {
		// Tables use the low half and key groups the high one; a product mixes both.
		p := (hash[i] * 0x9E3779B97F4A7C15) >> shift & (spillParts - 1)
		of[p] = append(of[p], r)
	}
	for p, part := range of {
		if len(part) == 0 {
			continue
		}
		f, err := c.file(p, in)
		if err == nil {
			err = f.write(cols, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// file returns a part's file for an input, made with its first row.
func (c *spillCut) file(p, in int) (*spillFile, error) {
	files := c.parts[p].files
	if files[in] != nil {
		return files[in], nil
	}
	var err error
	c.files++
	files[in], err = newSpillFile(c.ctx, fmt.Sprintf("%s-%d", c.name, c.files), c.types[in])
	return files[in], err
}

// done ends the writing: the parts are the next work.
func (c *spillCut) done() error {
	var parts []*spillPart
	for _, p := range c.parts {
		any := false
		for _, f := range p.files {
			if f == nil {
				continue
			}
			any = true
			if err := f.finish(); err != nil {
				return err
			}
		}
		if any {
			parts = append(parts, p)
		}
	}
	c.parts, c.work = nil, append(parts, c.work...)
	return nil
}

// next returns the next part to be worked off, nil after the last. It is the
// caller's to remove.
func (c *spillCut) next() *spillPart {
	if len(c.work) == 0 {
		return nil
	}
	p := c.work[0]
	c.work = c.work[1:]
	return p
}

// read returns the next rows of an input, at most a batch; 0 after the last.
func (p *spillPart) read(in int) ([]vec.Vector, int, error) {
	if p.files[in] == nil {
		return nil, 0, nil
	}
	return p.files[in].read()
}

// more reports whether an input has rows that were not read.
func (p *spillPart) more(in int) bool { return p.files[in] != nil && p.files[in].more() }

// rewind has the rows of an input read again.
func (p *spillPart) rewind(in int) {
	if f := p.files[in]; f != nil {
		f.at = 0
	}
}

// remove deletes the part's files.
func (p *spillPart) remove() {
	for i, f := range p.files {
		if f != nil {
			f.remove()
			p.files[i] = nil
		}
	}
}

// remove deletes all files.
func (c *spillCut) remove() {
	for _, p := range append(c.parts, c.work...) {
		p.remove()
	}
	c.parts, c.work = nil, nil
}

// flatCols returns columns without Const and Dict, for rows that are read one by
// one.
func flatCols(cols []vec.Vector) []vec.Vector {
	out := make([]vec.Vector, len(cols))
	for i, c := range cols {
		out[i] = vec.Flat(c)
	}
	return out
}

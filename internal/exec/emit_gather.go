package exec

import (
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

const (
	gatherRows  = 1024      // a batch of as many rows is large enough
	gatherBytes = 256 << 10 // … or of so many bytes
)

// A gathering puts what a feed hands out into larger batches, where it comes in small
// ones. Windows that slide by a second or a minute have some rows each, and a batch of
// a source completes dozens of them: a batch for each would cost all operators behind
// this one as much as a large one does. The watermarks between them become marks.
//
// Nothing waits for rows that are yet to come: a feed that has no more lets go of what
// it has gathered.
type gathering struct {
	types []types.Type
	first *vec.Batch     // the rows, while they are one batch
	build []*vec.Builder // else: their columns
	n     int
	bytes int64
	marks []vec.Mark
	room  int // the rows that batches of several had of late
}

// gather lets small batches become larger ones; types are those of the columns.
func (f *feed) gather(types []types.Type) { f.small = &gathering{types: types} }

// rows returns how many rows are held.
func (g *gathering) rows() int {
	switch {
	case g == nil:
		return 0
	case g.first != nil:
		return g.first.Rows
	}
	return g.n
}

// columns returns the types of the columns, none for nil.
func (g *gathering) columns() []types.Type {
	if g == nil {
		return nil
	}
	return g.types
}

// takes reports whether a batch is small enough, and plain enough, to be put to others.
func (g *gathering) takes(b *vec.Batch) bool {
	return g != nil && b.Rows < gatherRows && b.Kinds == nil && b.Sel == nil && g.rows()+b.Rows <= vec.BatchRowsMax && vec.Bytesize(b) < gatherBytes
}

// full reports whether what is held is large enough to go out.
func (g *gathering) full() bool { return g.rows() >= gatherRows || g.bytes >= gatherBytes }

// add puts a batch behind the rows that are held.
func (g *gathering) add(b *vec.Batch) {
	g.bytes += vec.Bytesize(b)
	at := int32(g.rows())
	for _, m := range b.Marks {
		g.mark(vec.Mark{Row: at + m.Row, Time: m.Time})
	}
	if at == 0 {
		g.first = b
		return
	}
	if g.first != nil {
		g.begin()
		g.copy(g.first)
		g.first = nil
	}
	g.copy(b)
}

// mark adds a watermark; of several in one place the last counts.
func (g *gathering) mark(m vec.Mark) {
	if n := len(g.marks); n > 0 && g.marks[n-1].Row == m.Row {
		g.marks[n-1] = m
		return
	}
	g.marks = append(g.marks, m)
}

// watermark puts a watermark behind the rows that are held; false: there are none.
func (g *gathering) watermark(t int64) bool {
	if g.rows() == 0 {
		return false
	}
	g.mark(vec.Mark{Row: int32(g.rows()), Time: t})
	return true
}

// begin makes room for a batch of several.
func (g *gathering) begin() {
	for i, t := range g.types {
		if i == len(g.build) {
			g.build = append(g.build, vec.NewBuilder(t))
		}
		g.build[i].Reserve(max(g.room, 2*g.first.Rows))
	}
}

func (g *gathering) copy(b *vec.Batch) {
	g.n += b.Rows
	for c, v := range b.Cols {
		g.build[c].FromAll(v, b.Rows)
	}
}

// take returns what is held as a batch.
func (g *gathering) take() *vec.Batch {
	b := g.first
	if b == nil {
		b = &vec.Batch{Rows: g.n, Cols: make([]vec.Vector, len(g.build))}
		for c, col := range g.build {
			b.Cols[c] = col.Finish()
		}
		g.room = max(g.n, g.room/8*7)
	}
	b.Marks = g.marks
	g.first, g.n, g.bytes, g.marks = nil, 0, 0, nil
	return b
}

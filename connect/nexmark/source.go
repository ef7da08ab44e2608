package nexmark

import (
	"slices"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/connect/datagen/strided"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A table is a table of connector 'nexmark', ready to be read.
//
// The events of the one generator are shared out by their groups, so a batch of
// each split covers the same stretch of event time, and readers at the same speed
// stay close to each other. None can be late: a split's times never go back, and
// the table's watermark is the lowest of its splits'.
type table struct {
	gen    *Generator
	kind   Kind
	cols   []int // of Schema(kind)
	late   []int // places in cols of columns that are made of chosen rows; nil: all are made
	stopAt int64 // number of the last event to emit
	ends   bool  // after stopAt, that is
	paced  bool  // no event before its time
	rows   int   // of a batch, at most
	now    func() int64
}

func (t *table) source(readers int) *strided.Source {
	s := &strided.Source{
		Ends:    t.ends,
		Readers: readers,
		First:   1,
		Open: func(int) (strided.Make, error) {
			b := &block{kind: t.kind}
			return func(s *strided.Shard) (strided.Made, error) { return t.next(b, s), nil }, nil
		},
	}
	if t.paced {
		s.Start = func() int64 { return t.now() / 1000 }
	}
	return s
}

// next makes a batch of a shard's events from s.Next on. b is scratch.
func (t *table) next(b *block, s *strided.Shard) strided.Made {
	end := t.stopAt + 1
	var made strided.Made
	if t.paced {
		ms := t.now()/1000 - s.Start
		end = min(end, t.gen.due(ms)+1)
		made.Wait = time.Duration(t.gen.offset(end)-ms) * time.Millisecond
	}
	b.reset()
	for s.Next < end && b.rows < t.rows {
		group := t.gen.groupOf(s.Next)
		if mine := s.After(group); mine != group {
			s.Next = t.gen.firstOf(mine)
			continue
		}
		s.Next = b.add(t.gen, s.Next, min(end, t.gen.firstOf(group+1)), t.rows)
	}
	if b.rows > 0 {
		t.make(b, &made)
	}
	made.Ended = s.Next > t.stopAt && t.ends
	return made
}

// make makes the batch of a block, without the columns that are to be late.
func (t *table) make(b *block, made *strided.Made) {
	if len(t.late) == 0 {
		made.Batch = t.gen.batch(b, t.cols)
		return
	}
	made.Batch = &vec.Batch{Rows: b.rows, Cols: make([]vec.Vector, len(t.cols))}
	for i, c := range t.cols {
		if !slices.Contains(t.late, i) {
			made.Batch.Cols[i] = t.gen.column(b.part(), b.kind, c)
		}
	}
	made.Rest = func(rows []int32) ([]vec.Vector, error) {
		few := b
		if rows != nil {
			few = b.pick(rows)
		}
		cols := make([]vec.Vector, len(t.late))
		for i, at := range t.late {
			cols[i] = t.gen.column(few.part(), b.kind, t.cols[at])
		}
		return cols, nil
	}
}

// due returns the number of the last event that is no later than ms after the
// base time.
func (g *Generator) due(ms int64) int64 {
	if ms < 0 {
		return 0
	}
	n := int64(float64(ms) * 1000 / g.step)
	for n > 0 && g.offset(n) > ms {
		n--
	}
	for g.offset(n+1) <= ms && n < g.Last() {
		n++
	}
	return n
}

// groupOf returns the group of event n.
func (g *Generator) groupOf(n int64) int64 { return (n + firstID) / g.size }

// firstOf returns the number of a group's first event.
func (g *Generator) firstOf(group int64) int64 { return group*g.size - firstID }

// batchRows returns how many rows of the columns a batch holds.
func (g *Generator) batchRows(kind Kind, cols []int) int {
	width := 0
	for _, c := range cols {
		width += g.width(kind, c)
	}
	return max(1, min(vec.BatchRowsMax, vec.BatchBytesMax/max(width, 1)))
}

// width is about how many bytes a row of a column has.
func (g *Generator) width(kind Kind, col int) int {
	f := Schema(kind)[col]
	if f.Type.Kind == types.Row { // a share of the rows have it, but all have its fixed parts
		k := Kind(col - eventPerson)
		sum := 0
		for i := range schemas[k] {
			if g.cfg.wants(k, i) {
				sum += g.width(k, i)
			}
		}
		rows := g.kind[k].hi - g.kind[k].lo
		return max(8*len(schemas[k]), int(int64(sum)*rows/g.size))
	}
	size := [...]int{g.cfg.PersonSize, g.cfg.AuctionSize, g.cfg.BidSize}
	switch f.Name {
	case "extra":
		return size[kind]
	case "description":
		return descriptionLimit/2 + 4
	case "itemName", "emailAddress", "creditCard":
		return itemLimit + 4
	}
	return 8
}

var _ connect.Source = (*strided.Source)(nil)

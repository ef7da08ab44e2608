package nexmark

import (
	"iter"
	"math/bits"
	"sync"

	"github.com/millrace-io/millrace/connect/datagen/strided"
	"github.com/millrace-io/millrace/vec"
)

// A Kind is a kind of event, with the number that event_type has; All is the
// unified table of the three.
type Kind int

// The kinds.
const (
	Person Kind = iota
	Auction
	Bid
	All
)

// String returns the kind's table name; All is "".
func (k Kind) String() string { return [...]string{"person", "auction", "bid", ""}[k] }

// A Generator makes the events of a Config.
//
// Events are numbered n = 1, 2, …; the id of an event is e = n + 1. With the
// proportions P:A:B and T = P+A+B, r = e mod T gives the kind and e div T is the
// event's group: persons first, then auctions, then bids.
//
//	e     0  1  2  3  4 … 49 | 50  51  52  53  54 … 99 | 100 …      (1:3:46)
//	n           1  2  3 … 48 | 49  50  51  52  53 … 98 |  99 …
//	kind  –  –  A  A  B …  B |  P   A   A   A   B …  B |   P …
//
// Four things hold, and everything else leans on them:
//
//  1. A field is a pure function of (Seed, n): each has a random stream of its
//     own, hash(n, key of the field). So any range of numbers can be made by
//     anyone at any time, and columns that nobody asks for cost nothing.
//  2. Event time never goes back as n grows, and depends on n alone.
//  3. What a bid may refer to (the last auction, the last person) is the same
//     for all bids of a group; so it is for auctions. The kernels run over the
//     events of one kind in one group, with that as constants.
//  4. Texts are slices of two random texts of a mebibyte, and words of small
//     dictionaries. No row costs an allocation.
//
// A Generator is not changed by use: goroutines may share it.
type Generator struct {
	cfg  Config
	step float64 // event time between two events, in microseconds
	base int64   // event time of event number 0, in milliseconds
	size int64   // T
	kind [3]span // of r
	keys [fieldCount]uint64

	padding func() []byte // made on first use
	prose   func() []byte
	words   func() *dicts
}

// span is a half-open range of numbers.
type span struct{ lo, hi int64 }

// field names a random stream.
type field int

const (
	fieldBidAuction field = iota
	fieldBidBidder
	fieldBidPrice
	fieldBidChannel
	fieldBidExtra
	fieldPersonName
	fieldPersonEmailName
	fieldPersonEmailHost
	fieldPersonCard
	fieldPersonCity
	fieldPersonState
	fieldPersonExtra
	fieldAuctionItem
	fieldAuctionDescription
	fieldAuctionBid
	fieldAuctionReserve
	fieldAuctionExpires
	fieldAuctionSeller
	fieldAuctionCategory
	fieldAuctionExtra
	fieldPadding
	fieldProse
	fieldURLs
	fieldHotURLs
	fieldCount
)

// New returns the generator of a config.
func New(c Config) (*Generator, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Generator{cfg: c, step: c.step(), base: c.BaseTime.UnixMilli(), size: c.group()}
	p, a := int64(c.Persons), int64(c.Persons+c.Auctions)
	g.kind = [3]span{{0, p}, {p, a}, {a, g.size}}
	for i := range g.keys {
		g.keys[i] = strided.Mix(c.Seed + strided.Mix(uint64(i)+1))
	}
	g.padding = sync.OnceValue(func() []byte { return paddingText(g.keys[fieldPadding]) })
	g.prose = sync.OnceValue(func() []byte { return proseText(g.keys[fieldProse], textSize+proseTail, ' ') })
	g.words = sync.OnceValue(func() *dicts { return newDicts(g.keys[fieldURLs], g.keys[fieldHotURLs]) })
	return g, nil
}

// Last returns the number of the last event.
func (g *Generator) Last() int64 { return g.cfg.last() }

// Time returns the event time of event n in microseconds since 1970.
func (g *Generator) Time(n int64) int64 { return (g.base + g.offset(n)) * 1000 }

// offset is the event time of event n after the base time, in milliseconds.
func (g *Generator) offset(n int64) int64 { return int64(float64(n)*g.step) / 1000 }

// Fill returns the events of a kind among the event numbers [from, to), with the
// given columns of Schema(kind).
func (g *Generator) Fill(kind Kind, from, to int64, cols []int) *vec.Batch {
	b := &block{kind: kind}
	b.add(g, max(from, 1), min(to, g.Last()+1), 1<<31-1)
	return g.batch(b, cols)
}

// Batches yields the events of a kind among the event numbers [from, to) in batches no
// larger than a source's.
func (g *Generator) Batches(kind Kind, from, to int64, cols []int) iter.Seq[*vec.Batch] {
	return func(yield func(*vec.Batch) bool) {
		b, rows := &block{kind: kind}, g.batchRows(kind, cols)
		end := min(to, g.Last()+1)
		for n := max(from, 1); n < end; {
			b.reset()
			if n = b.add(g, n, end, rows); b.rows > 0 && !yield(g.batch(b, cols)) {
				return
			}
		}
	}
}

// hash is the random number of event n in the stream of a field's key.
func hash(key uint64, n int64) uint64 { return strided.Random(key, uint64(n)) }

// pick maps the low half of a random number to 0..m-1.
func pick(x, m uint64) uint64 { return (x & 0xFFFFFFFF) * m >> 32 }

// hot reports with probability 1 - 1/ratio, by the high half of a random number,
// that the hot key is meant.
func hot(x, ratio uint64) bool { return x>>32*ratio>>32 != 0 }

// A run is events of one kind in one group, with consecutive numbers.
type run struct {
	row   int   // of the first in the batch
	n     int   // how many
	first int64 // number of the first
	group int64
	off   int64 // the first's place among its kind in the group
}

// A block is the events that a batch is made of.
type block struct {
	kind  Kind
	rows  int
	runs  [3][]run
	codes []uint32 // of channel and url, once either is made
}

func (b *block) reset() {
	b.rows, b.codes = 0, nil
	for k := range b.runs {
		b.runs[k] = b.runs[k][:0]
	}
}

// add adds the events [from, to) of the block's kind, until it has rowsMax rows,
// and returns the number of the first that it did not look at.
func (b *block) add(g *Generator, from, to int64, rowsMax int) int64 {
	for from < to && b.rows < rowsMax {
		group := g.groupOf(from)
		zero := g.firstOf(group)
		for k := range b.runs {
			if b.kind != All && b.kind != Kind(k) {
				continue
			}
			lo, hi := max(from, zero+g.kind[k].lo), min(to, zero+g.kind[k].hi)
			if lo >= hi {
				continue
			}
			if hi-lo > int64(rowsMax-b.rows) {
				hi = lo + int64(rowsMax-b.rows)
				to = hi
			}
			b.runs[k] = append(b.runs[k], run{row: b.rows, n: int(hi - lo), first: lo, group: group, off: lo - zero - g.kind[k].lo})
			b.rows += int(hi - lo)
		}
		from = min(to, zero+g.size)
	}
	return from
}

// part is all of a block of one kind.
func (b *block) part() part { return part{runs: b.runs[b.kind], rows: b.rows, codes: &b.codes} }

// pick returns a block of some rows of one of one kind: places in it, ascending.
func (b *block) pick(rows []int32) *block {
	out := &block{kind: b.kind, rows: len(rows)}
	from := b.runs[b.kind]
	runs := make([]run, 0, len(rows))
	for i := 0; i < len(rows); {
		at := int(rows[i])
		for at >= from[0].row+from[0].n {
			from = from[1:]
		}
		n := 1
		for i+n < len(rows) && int(rows[i+n]) == at+n && at+n < from[0].row+from[0].n {
			n++
		}
		skip := int64(at - from[0].row)
		runs = append(runs, run{row: i, n: n, first: from[0].first + skip, group: from[0].group, off: from[0].off + skip})
		i += n
	}
	out.runs[b.kind] = runs
	return out
}

// batch makes the columns of a block.
func (g *Generator) batch(b *block, cols []int) *vec.Batch {
	out := &vec.Batch{Rows: b.rows, Cols: make([]vec.Vector, len(cols))}
	for i, c := range cols {
		if b.kind == All {
			out.Cols[i] = g.eventColumn(b, c)
		} else {
			out.Cols[i] = g.column(b.part(), b.kind, c)
		}
	}
	return out
}

// A part is the events of one kind in a block: all of it, or in the unified
// table the rows that are valid.
type part struct {
	runs  []run
	rows  int        // of the block
	valid vec.Bitmap // nil: the runs cover the block
	codes *[]uint32
}

func (g *Generator) column(p part, kind Kind, col int) vec.Vector {
	switch kind {
	case Person:
		return g.personColumn(p, personField(col))
	case Auction:
		return g.auctionColumn(p, auctionField(col))
	}
	return g.bidColumn(p, bidField(col))
}

// ints makes a BIGINT or TIMESTAMP column by one kernel call a run.
func (p part) ints(kernel func(out []int64, r run)) vec.Vector {
	out := make([]int64, p.rows)
	for _, r := range p.runs {
		kernel(out[r.row:r.row+r.n], r)
	}
	return &vec.Fixed[int64]{Vals: out, Valid: p.valid}
}

// dict makes a column of words by one kernel call a run.
func (p part) dict(w *words, kernel func(out []uint32, r run)) vec.Vector {
	return w.column(p, p.indexes(w, kernel))
}

func (p part) indexes(w *words, kernel func(out []uint32, r run)) []uint32 {
	out := make([]uint32, p.rows)
	if p.valid != nil {
		null := uint32(w.plain.Len())
		for i := range out {
			out[i] = null
		}
	}
	for _, r := range p.runs {
		kernel(out[r.row:r.row+r.n], r)
	}
	return out
}

// bytes makes a text column: length fills in the length of each row of a run,
// write writes the texts one behind the other. It may write up to spare bytes
// past the end of the last.
func (p part) bytes(spare int, length func(lens []uint32, r run), write func(dst []byte, offs []uint32, r run)) vec.Vector {
	offs := make([]uint32, p.rows+1)
	row := 0
	for _, r := range p.runs {
		for ; row < r.row; row++ { // rows of other kinds are empty
			offs[row+1] = offs[row]
		}
		lens := offs[r.row+1 : r.row+1+r.n]
		length(lens, r)
		end := offs[r.row]
		for i, n := range lens {
			end += n
			lens[i] = end
		}
		row = r.row + r.n
	}
	for ; row < p.rows; row++ {
		offs[row+1] = offs[row]
	}
	data := make([]byte, int(offs[p.rows])+spare)
	for _, r := range p.runs {
		write(data, offs[r.row:r.row+r.n+1], r)
	}
	return &vec.Bytes{Offs: offs, Data: data[:offs[p.rows]], Valid: p.valid}
}

// times makes the column dateTime.
func (g *Generator) times(p part) vec.Vector {
	return p.ints(func(out []int64, r run) { fillTimes(out, r.first, g.base, g.step) })
}

func fillTimes(out []int64, first, base int64, step float64) {
	for i := range out {
		out[i] = (base + int64(float64(first+int64(i))*step)/1000) * 1000
	}
}

// lastPerson is the base-0 number of the last person before an auction or bid of
// a group.
func (g *Generator) lastPerson(group int64) int64 {
	return group*int64(g.cfg.Persons) + int64(g.cfg.Persons) - 1
}

// A choice is how a reference to a person or an auction is picked in one group.
type choice struct {
	ratio uint64 // of hot picks
	hot   int64  // id of the hot one
	cold  int64  // id of the first of the others …
	n     uint64 // … of which there are so many
}

// personChoice is who bids or sells in a group; id is that of base-0 number 0.
func (g *Generator) personChoice(group, id, hotOne int64, ratio int) choice {
	last := g.lastPerson(group)
	active := min(last+1, personsActive)
	return choice{ratio: uint64(ratio), hot: id + last/hotGroup*hotGroup + hotOne, cold: id + last + 1 - active, n: uint64(active + idLead)}
}

// auctionChoice is what is bid for in a group.
func (g *Generator) auctionChoice(group int64) choice {
	last := group*int64(g.cfg.Auctions) + int64(g.cfg.Auctions) - 1
	from := max(last-auctionsOpen, 0)
	return choice{ratio: uint64(g.cfg.HotAuctions), hot: firstAuctionID + last/hotGroup*hotGroup, cold: firstAuctionID + from, n: uint64(last - from + 1 + idLead)}
}

func fillChoice(out []int64, first int64, key uint64, c choice) {
	for i := range out {
		x := hash(key, first+int64(i))
		id := c.cold + int64(pick(x, c.n))
		if hot(x, c.ratio) {
			id = c.hot
		}
		out[i] = id
	}
}

// uniform is 0..m-1 for a random number, for m of any size.
func uniform(x, m uint64) uint64 {
	hi, _ := bits.Mul64(x, m)
	return hi
}

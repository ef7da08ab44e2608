// Package agg holds the aggregate functions: their types, and accumulators that
// live in the entries of a keyed.Table.
//
// # Accumulators
//
// An accumulator is some 64-bit words of a group's entry; a word may name a blob.
// Zero words are the accumulator of no rows, so a new entry needs no setting up.
// An Agg is bound to its first word once, and then works on batches: a list of
// slots, and beside it the rows that go to them. What differs by type is chosen
// once a batch; the loops are leaf functions over the slab and plain slices.
//
//	entry   | rows | SUM: sum, n | MAX: value, has | LISTAGG: n, → blob |
//	                 ^ off
//
// Filters and DISTINCT are the operator's: it calls Add and Retract only with the
// rows that an accumulator is to see. NULLs are skipped here.
//
// Partial accumulators are rows: Export gives a column a word (or blob), Merge
// takes such columns. That is how a local phase, the slices of a window and what
// was spilled are put together.
package agg

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// An Agg is one aggregate function for fixed argument types. Columns that it is
// given are flat; row i of slots takes position rows[i] of the column.
type Agg interface {
	// Words is the number of words of an accumulator; Blobs are those that refer
	// to blobs, counted from its first.
	Words() int
	Blobs() []int
	// Bind says where in an entry the accumulator begins.
	Bind(off int)

	// Add puts values in, Retract takes them out again. Retract panics when the
	// function was not made for it.
	Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector)
	Retract(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector)

	// Partial are the types of the columns that Export makes and Merge takes.
	Partial() []types.Type
	Export(g *Groups, slots []keyed.Slot) []vec.Vector
	Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector)

	// Read appends the state of the groups to out; Finish makes the results of
	// what was read, and empties out.
	Read(g *Groups, slots []keyed.Slot, out *Out)
	Finish(out *Out) vec.Vector
}

// A Lender is an Agg whose Export can be had without new memory.
type Lender interface {
	// Lend is Export, whose columns are the Agg's own: valid until the next call.
	Lend(g *Groups, slots []keyed.Slot) []vec.Vector
}

// Groups are the entries of a table, as the loops see them.
type Groups struct {
	Table *keyed.Table
	// Err is the first failure of a function that can fail (SINGLE_VALUE).
	Err error

	slab   [][]uint64
	shift  uint
	mask   int
	stride int
}

// On sets the table; call it again after each Upsert.
func (g *Groups) On(t *keyed.Table) {
	g.Table = t
	g.slab, g.shift, g.mask, g.stride = t.Slab()
}

// view is Groups seen from one accumulator, by value for the loops.
type view struct {
	slab   [][]uint64
	shift  uint
	mask   int
	stride int
	off    int
}

func (g *Groups) view(off int) view { return view{g.slab, g.shift, g.mask, g.stride, off} }

// at returns the words of an accumulator.
func (v *view) at(s keyed.Slot) []uint64 {
	return v.slab[int(s)>>v.shift][(int(s)&v.mask)*v.stride+v.off:]
}

// Word returns one word of an entry, to read and write.
func (g *Groups) Word(s keyed.Slot, w int) *uint64 {
	return &g.slab[int(s)>>g.shift][(int(s)&g.mask)*g.stride+w]
}

// Gather appends a word of each entry.
func (g *Groups) Gather(dst []uint64, slots []keyed.Slot, w int) []uint64 {
	v := g.view(w)
	return gather(&v, dst, slots, 0)
}

func gather(v *view, dst []uint64, slots []keyed.Slot, w int) []uint64 {
	slab, shift, mask, stride, off := v.slab, v.shift, v.mask, v.stride, v.off+w
	for _, s := range slots {
		dst = append(dst, slab[int(s)>>shift][(int(s)&mask)*stride+off])
	}
	return dst
}

// Count adds n to a word of each entry: the row counts of the operator.
func (g *Groups) Count(slots []keyed.Slot, w int, n int64) {
	v := g.view(w)
	addCount(&v, slots, uint64(n))
}

// AddWords adds the first words of entries to those of others, or subtracts them (sign
// -1): from[i] of src goes to to[i].
func AddWords(dst *Groups, to []keyed.Slot, src *Groups, from []keyed.Slot, words int, sign int64) {
	d, s := dst.view(0), src.view(0)
	for i, slot := range to {
		sum, more := d.at(slot)[:words], s.at(from[i])[:words]
		for w := range sum {
			sum[w] += uint64(sign) * more[w]
		}
	}
}

// Out collects the states of groups until Finish.
type Out struct {
	words [][]uint64
	b     *vec.Builder
	err   error
}

// Err is what went wrong in Finish.
func (o *Out) Err() error { return o.err }

// New makes a function for a call with the types that Resolve asked for.
// retracts says that values will be taken out.
//
// MIN and MAX take nothing out: the operator keeps their values in a multiset,
// tells of those that come and go, and replaces a lost extreme by Set.
func New(call jobgraph.AggCall, retracts bool) (Agg, error) {
	d := functions[call.Func]
	if d == nil {
		return nil, fmt.Errorf("no aggregate function %s", call.Func)
	}
	if len(call.Order) > 0 && !d.orders {
		return nil, fmt.Errorf("%s with ORDER BY is not supported", call.Func)
	}
	return d.make(call, retracts)
}

// inline is the part that accumulators without blobs share.
type inline struct {
	n    int // words
	off  int
	ret  types.Type
	lent lent
}

// lent are the columns of Lend and their memory.
type lent struct {
	words [][]uint64
	cols  []vec.Vector
}

func (a *inline) Words() int   { return a.n }
func (a *inline) Blobs() []int { return nil }
func (a *inline) Bind(off int) { a.off = off }

func (a *inline) Partial() []types.Type {
	out := make([]types.Type, a.n)
	for i := range out {
		out[i] = types.TBigInt.Nullable(false)
	}
	return out
}

func (a *inline) Export(g *Groups, slots []keyed.Slot) []vec.Vector {
	v := g.view(a.off)
	out := make([]vec.Vector, a.n)
	for w := range out {
		out[w] = &vec.Fixed[int64]{Vals: signed(gather(&v, make([]uint64, 0, len(slots)), slots, w))}
	}
	return out
}

// Lend implements Lender.
func (a *inline) Lend(g *Groups, slots []keyed.Slot) []vec.Vector {
	l := &a.lent
	for len(l.cols) < a.n {
		l.words, l.cols = append(l.words, nil), append(l.cols, &vec.Fixed[int64]{})
	}
	v := g.view(a.off)
	for w, col := range l.cols {
		l.words[w] = gather(&v, l.words[w][:0], slots, w)
		col.(*vec.Fixed[int64]).Vals = signed(l.words[w])
	}
	return l.cols
}

func (a *inline) Read(g *Groups, slots []keyed.Slot, out *Out) {
	if out.words == nil {
		out.words = make([][]uint64, a.n)
	}
	v := g.view(a.off)
	for w := range out.words {
		out.words[w] = gather(&v, slices.Grow(out.words[w], len(slots)), slots, w)
	}
}

// take returns the words read and empties out.
func (a *inline) take(out *Out) [][]uint64 {
	w := out.words
	if w == nil {
		w = make([][]uint64, a.n)
	}
	out.words = nil
	return w
}

func (a *inline) Retract(*Groups, []keyed.Slot, []int32, vec.Vector) {
	panic("agg: a function that was not made for retractions is given one")
}

// word returns the values of a partial column.
func word(v vec.Vector) []int64 { return v.(*vec.Fixed[int64]).Vals }

// Flat makes the groups n entries of that many zero words, without a table: slot
// i is the i'th.
func (g *Groups) Flat(n, words int) {
	g.slab, g.shift, g.mask, g.stride = [][]uint64{make([]uint64, n*max(1, words))}, 31, 1<<31-1, max(1, words)
}

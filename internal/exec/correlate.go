package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Correlate calls a table function for each row. It keeps nothing between calls
// but what it still has to emit of one batch:
//
//  1. The function runs once a batch, over whole columns; over the words of a
//     dictionary, or one value, where its argument is such a column.
//  2. A cursor then walks over the rows and cuts them into batches of at most
//     vec.BatchRowsMax, of positions in the input and in the function's columns.
//     Rows of one call may come in several batches.
//  3. A mark stands before the first row of the input row that it stood before.
//
// Columns of collections and ROWs go on as dictionaries of the input's, so that
// the array that is taken apart is not copied for each of its elements.
type Correlate struct {
	Base
	spec  *jobgraph.Correlate
	args  *expr.Programs
	impl  *fn.TableImpl
	call  fn.Call
	ident idents
	at    cursor

	scratch []int32 // for takeAbsent
}

// NewCorrelate returns the operator for a spec.
func NewCorrelate(spec *jobgraph.Correlate) Operator { return &Correlate{spec: spec} }

// Open implements Operator.
func (c *Correlate) Open(ctx *Context) error {
	impl, args, err := expr.ResolveTable(c.spec.Func, c.spec.Args...)
	if err != nil {
		return err
	}
	c.impl, c.call.Env = impl, ctx.Env
	for _, a := range args {
		c.call.Args = append(c.call.Args, fn.Arg{Type: a.Type, Const: a.Op == expr.Lit, Value: a.Value, Func: a.Func})
	}
	c.args, err = expr.CompileAll(args, ctx.Env)
	return err
}

// Process implements Operator.
func (c *Correlate) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if b.Len() == 0 {
		if last, ok := lastMark(b); ok {
			return false, out.Watermark(last)
		}
		return false, nil
	}
	if c.impl.Exact && b.Sel != nil {
		b = vec.Compact(b)
	}
	args, err := c.args.Eval(b.Cols, b.Sel, b.Rows)
	if err != nil {
		return false, err
	}
	c.at = cursor{in: b, rows: c.ident.positions(b), marks: b.Marks, left: c.spec.JoinKind == jobgraph.Left,
		ordinality: c.spec.Ordinality, buffers: c.at.buffers}
	if c.at.calls, c.at.made = c.rowsOf(args, b.Rows); c.at.made.Err != nil {
		return false, c.at.made.Err
	}
	return c.drain(out)
}

// Resume implements Operator.
func (c *Correlate) Resume(out Output) (bool, error) { return c.drain(out) }

// rowsOf calls the function. calls says which call each row of the batch stands
// for; nil means its own.
func (c *Correlate) rowsOf(args []vec.Vector, n int) (calls []uint32, made fn.Rows) {
	if len(args) == 1 && !c.impl.Exact {
		switch a := args[0].(type) {
		case *vec.Const:
			return make([]uint32, n), c.impl.Eval(&c.call, []vec.Vector{a.Val}, 1)
		case *vec.Dict:
			return a.Codes, c.impl.Eval(&c.call, []vec.Vector{a.Words}, a.Words.Len())
		}
	}
	flat := make([]vec.Vector, len(args))
	for i, a := range args {
		flat[i] = vec.Flat(a)
	}
	return nil, c.impl.Eval(&c.call, flat, n)
}

func (c *Correlate) drain(out Output) (more bool, err error) {
	for sent := 0; c.at.in != nil; sent++ {
		if sent == EmitBatchesMax {
			return true, nil
		}
		c.at.fill()
		if err := c.emit(out); err != nil {
			return false, err
		}
		if c.at.done() {
			c.at = cursor{buffers: c.at.buffers}
		}
	}
	return false, nil
}

// emit emits what the cursor has collected; without rows, its last mark.
func (c *Correlate) emit(out Output) error {
	at := &c.at
	b := &vec.Batch{Rows: len(at.take), Marks: at.marked}
	at.marked = nil
	if b.Rows == 0 {
		if last, ok := lastMark(b); ok {
			return out.Watermark(last)
		}
		return nil
	}
	var codes []uint32 // of all dictionaries made here
	for _, col := range at.in.Cols {
		switch col.(type) {
		case *vec.List, *vec.Map, *vec.Row:
			if codes == nil {
				codes = make([]uint32, len(at.take))
				for i, r := range at.take {
					codes[i] = uint32(r)
				}
			}
			b.Cols = append(b.Cols, &vec.Dict{Codes: codes, Words: col})
		default:
			b.Cols = append(b.Cols, vec.Take(col, at.take))
		}
	}
	for i, col := range at.made.Cols {
		b.Cols = append(b.Cols, c.takeAbsent(col, c.spec.Types[i], at.elems, at.none))
	}
	if c.spec.Ordinality {
		b.Cols = append(b.Cols, ordinalColumn(at.ordinals, at.elems, at.none))
	}
	if at.in.Kinds != nil {
		b.Kinds = make([]vec.RowKind, len(at.take))
		for i, r := range at.take {
			b.Kinds[i] = at.in.Kinds[r]
		}
	}
	return out.Emit(b)
}

// A cursor walks over the rows that a batch gives.
type cursor struct {
	in         *vec.Batch // nil when there is nothing to do
	rows       []int32    // of in that count
	marks      []vec.Mark // that have not been placed
	calls      []uint32
	made       fn.Rows
	left       bool
	ordinality bool

	row    int    // of rows
	inside bool   // of a row: what follows means something
	elem   uint32 // of made
	end    uint32
	times  int32 // elem has come so often
	place  int32 // of the last row of the call
	told   bool  // the row gave something

	buffers
	none   int        // of elems that are absent
	marked []vec.Mark // placed between the rows collected
}

// buffers are what fill has collected: positions in the input and in the
// function's columns, absent where a left row has none, and the ordinals.
type buffers struct{ take, elems, ordinals []int32 }

func (c *cursor) done() bool { return c.row == len(c.rows) }

// fill collects the next rows, up to vec.BatchRowsMax.
func (c *cursor) fill() {
	c.take, c.elems, c.ordinals, c.none = c.take[:0], c.elems[:0], c.ordinals[:0], 0
	for c.row < len(c.rows) && len(c.take) < vec.BatchRowsMax {
		r := c.rows[c.row]
		if !c.inside {
			c.enter(r)
		}
		from := len(c.take)
		if c.made.Times == nil {
			c.once(r)
		} else {
			c.repeated(r)
		}
		c.told = c.told || len(c.take) > from
		if c.elem < c.end {
			return // no room
		}
		if c.left && !c.told {
			c.add(r, absent, 0)
			c.none++
		}
		c.inside = false
		c.row++
	}
	if c.done() {
		c.mark(int32(c.in.Rows))
	}
}

func (c *cursor) add(r, elem, place int32) {
	c.take, c.elems = append(c.take, r), append(c.elems, elem)
	if c.ordinality {
		c.ordinals = append(c.ordinals, place)
	}
}

// enter begins a row.
func (c *cursor) enter(r int32) {
	c.mark(r)
	call := uint32(r)
	if c.calls != nil {
		call = c.calls[r]
	}
	c.inside, c.told, c.times, c.place = true, false, 0, 0
	c.elem, c.end = c.made.Offs[call], c.made.Offs[call+1]
	if c.made.Valid.Null(int(call)) {
		c.end = c.elem
	}
}

// mark places the marks that stand before an input row.
func (c *cursor) mark(r int32) {
	for len(c.marks) > 0 && c.marks[0].Row <= r {
		at := int32(len(c.take))
		if n := len(c.marked); n > 0 && c.marked[n-1].Row == at {
			c.marked[n-1].Time = c.marks[0].Time
		} else {
			c.marked = append(c.marked, vec.Mark{Row: at, Time: c.marks[0].Time})
		}
		c.marks = c.marks[1:]
	}
}

// once adds elements that come once each.
func (c *cursor) once(r int32) {
	n := int(min(c.end-c.elem, uint32(vec.BatchRowsMax-len(c.take))))
	at := len(c.take)
	c.take, c.elems = slices.Grow(c.take, n)[:at+n], slices.Grow(c.elems, n)[:at+n]
	for i := range n {
		c.take[at+i], c.elems[at+i] = r, int32(c.elem)+int32(i)
	}
	c.elem += uint32(n)
	if c.ordinality {
		for range n {
			c.place++
			c.ordinals = append(c.ordinals, c.place)
		}
	}
}

// repeated adds elements as often as Times says. One that does not come has a
// place.
func (c *cursor) repeated(r int32) {
	for c.elem < c.end {
		most := c.made.Times[c.elem]
		if most <= 0 {
			c.place++
		}
		for ; c.times < most; c.times++ {
			if len(c.take) == vec.BatchRowsMax {
				return
			}
			c.place++
			c.add(r, int32(c.elem), c.place)
		}
		c.elem++
		c.times = 0
	}
}

// ordinalColumn is the column of ordinals, NULL where there is no element.
func ordinalColumn(ordinals, elems []int32, none int) vec.Vector {
	out := &vec.Fixed[int32]{Vals: slices.Clone(ordinals)}
	if none > 0 {
		out.Valid = presence(elems)
	}
	return out
}

// presence is the bitmap of the positions that are not absent.
func presence(rows []int32) vec.Bitmap {
	valid := vec.NewBitmap(len(rows))
	for i, r := range rows {
		if r == absent {
			valid.SetNull(i)
		}
	}
	return valid
}

// takeAbsent takes rows of a column, of which none are absent: these are NULL. A
// column that is taken as it is, is passed on.
func (c *Correlate) takeAbsent(col vec.Vector, t types.Type, rows []int32, none int) vec.Vector {
	switch {
	case none == 0 && whole(rows, col.Len()):
		return col
	case none == 0:
		return vec.Take(col, rows)
	case none == len(rows):
		return vec.Nulls(t, len(rows))
	}
	c.scratch = grow(c.scratch, len(rows))
	first := int32(0)
	for _, r := range rows {
		if r != absent {
			first = r
			break
		}
	}
	for i, r := range rows {
		if c.scratch[i] = r; r == absent {
			c.scratch[i] = first
		}
	}
	if out := withNulls(vec.Flat(col), c.scratch, rows); out != nil {
		return out
	}
	return takeOrNull([]vec.Vector{col}, []types.Type{t}, rows)[0]
}

// whole reports whether rows are all of a column in their order.
func whole(rows []int32, n int) bool {
	if len(rows) != n {
		return false
	}
	for i, r := range rows {
		if r != int32(i) {
			return false
		}
	}
	return true
}

// withNulls takes rows of a fixed-width column, then makes NULL what is absent in
// rows; nil for other columns, whose NULLs must be empty.
func withNulls(v vec.Vector, take, rows []int32) vec.Vector {
	switch v := v.(type) {
	case *vec.Fixed[bool]:
		return fixedNulls(v, take, rows)
	case *vec.Fixed[int8]:
		return fixedNulls(v, take, rows)
	case *vec.Fixed[int16]:
		return fixedNulls(v, take, rows)
	case *vec.Fixed[int32]:
		return fixedNulls(v, take, rows)
	case *vec.Fixed[int64]:
		return fixedNulls(v, take, rows)
	case *vec.Fixed[float32]:
		return fixedNulls(v, take, rows)
	case *vec.Fixed[float64]:
		return fixedNulls(v, take, rows)
	case *vec.Fixed[types.Int128]:
		return fixedNulls(v, take, rows)
	case *vec.Bytes:
		return bytesNulls(v, rows)
	}
	return nil
}

func fixedNulls[T vec.Scalar](v *vec.Fixed[T], take, rows []int32) vec.Vector {
	out := vec.Take(v, take).(*vec.Fixed[T])
	valid := presence(rows)
	out.Valid = vec.And(out.Valid, valid, len(rows))
	return out
}

func bytesNulls(v *vec.Bytes, rows []int32) vec.Vector {
	out := &vec.Bytes{Offs: make([]uint32, len(rows)+1), Valid: presence(rows)}
	n := uint32(0)
	for i, r := range rows {
		if r != absent {
			n += v.Offs[r+1] - v.Offs[r]
			if v.Valid.Null(int(r)) {
				out.Valid.SetNull(i)
			}
		}
		out.Offs[i+1] = n
	}
	out.Data = make([]byte, n)
	for i, r := range rows {
		if r != absent {
			copy(out.Data[out.Offs[i]:], v.Data[v.Offs[r]:v.Offs[r+1]])
		}
	}
	return out
}

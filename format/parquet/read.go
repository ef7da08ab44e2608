package parquet

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	pq "github.com/parquet-go/parquet-go"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Reader reads one file.
type Reader struct {
	options
	spec   format.Spec
	file   *pq.File
	in     io.ReaderAt
	roots  map[string]*pq.Column // of the file, by name
	cols   []*node               // by Spec.Columns; nil: the file does not have it
	leaves map[int]*pq.Column    // of the columns, by their index in the file
	tests  []*colTest
}

// node is how a column of the file becomes one of the table, in the shape of
// its type.
type node struct {
	t      types.Type
	def    int // definition level from which the value is not NULL
	rep    int // lists and maps: repetition level of a further element
	elem   int // lists and maps: definition level from which there is an element
	kids   []*node
	leaf   int // column index in the file; of a nested one, its first leaf's
	read   conversion
	leaves []int // all of them
	absent bool  // a field of a ROW that the file does not have
}

// Open opens a file.
func Open(spec format.Spec, r io.ReaderAt, size int64) (out *Reader, err error) {
	defer guard(&err)
	o, err := readOptions(spec)
	if err != nil {
		return nil, fmt.Errorf("format parquet: %w", err)
	}
	f, err := pq.OpenFile(r, size, pq.SkipPageIndex(true), pq.SkipBloomFilters(true), pq.ReadBufferSize(1<<16))
	if err != nil {
		return nil, fmt.Errorf("open as parquet: %w", err)
	}
	out = &Reader{options: o, spec: spec, file: f, in: r, roots: map[string]*pq.Column{}, leaves: map[int]*pq.Column{}}
	for _, c := range slices.Backward(f.Root().Columns()) {
		out.roots[c.Name()] = c // of two of one name the first
	}
	for _, c := range spec.Columns {
		field := spec.Schema[c]
		col := out.roots[field.Name]
		if col == nil {
			out.cols = append(out.cols, nil)
			continue
		}
		n, err := out.bind(col, field.Type, false)
		if err != nil {
			return nil, fmt.Errorf("column '%s': %w", field.Name, err)
		}
		out.cols = append(out.cols, n)
	}
	return out, nil
}

func child(c *pq.Column, name string) *pq.Column {
	for _, k := range c.Columns() {
		if k.Name() == name {
			return k
		}
	}
	return nil
}

// bind matches a column of the file with a type. Only the element of a list may
// be what is repeated itself.
func (r *Reader) bind(c *pq.Column, t types.Type, element bool) (*node, error) {
	n := &node{t: t, def: c.MaxDefinitionLevel(), leaf: -1}
	wrong := func() error {
		return fmt.Errorf("it is %s in the file, which cannot be read as %s", c.String(), t.Name())
	}
	switch t.Kind {
	case types.Row:
		if c.Leaf() || c.Repeated() && !element {
			return nil, wrong()
		}
		for _, f := range t.Fields {
			k := child(c, f.Name)
			if k == nil {
				n.kids = append(n.kids, &node{t: f.Type, absent: true})
				continue
			}
			kid, err := r.bind(k, f.Type, false)
			if err != nil {
				return nil, fmt.Errorf("field '%s': %w", f.Name, err)
			}
			n.kids = append(n.kids, kid)
		}
	case types.Array:
		rep, elem := listParts(c)
		if rep == nil {
			return nil, wrong()
		}
		if c == rep { // a repeated column without a list around it is never NULL
			n.def = c.MaxDefinitionLevel() - 1
		}
		kid, err := r.bind(elem, *t.Elem, true)
		if err != nil {
			return nil, err
		}
		n.rep, n.elem, n.kids = rep.MaxRepetitionLevel(), rep.MaxDefinitionLevel(), []*node{kid}
	case types.Map, types.Multiset:
		if c.Leaf() || len(c.Columns()) != 1 || !c.Columns()[0].Repeated() || len(c.Columns()[0].Columns()) != 2 {
			return nil, wrong()
		}
		rep := c.Columns()[0]
		kt, vt := t.Elem, &types.TInt // a multiset: elements and how often they occur
		if t.Kind == types.Map {
			kt, vt = t.Key, t.Elem
		}
		k, err := r.bind(rep.Columns()[0], *kt, false)
		if err != nil {
			return nil, err
		}
		v, err := r.bind(rep.Columns()[1], *vt, false)
		if err != nil {
			return nil, err
		}
		n.rep, n.elem, n.kids = rep.MaxRepetitionLevel(), rep.MaxDefinitionLevel(), []*node{k, v}
	default:
		if !c.Leaf() || c.Repeated() && !element {
			return nil, wrong()
		}
		if n.read = r.conversion(c.Type(), t); n.read == nil {
			return nil, wrong()
		}
		n.leaf, n.leaves = c.Index(), []int{c.Index()}
		r.leaves[c.Index()] = c
		return n, nil
	}
	for _, k := range n.kids {
		n.leaves = append(n.leaves, k.leaves...)
	}
	if len(n.leaves) == 0 {
		return nil, wrong()
	}
	n.leaf = n.leaves[0]
	return n, nil
}

// listParts finds the repeated level and the element of a list, in three levels
// or in the two of older writers.
func listParts(c *pq.Column) (rep, elem *pq.Column) {
	if c.Repeated() {
		return c, c
	}
	if c.Leaf() || len(c.Columns()) != 1 || !c.Columns()[0].Repeated() {
		return nil, nil
	}
	rep = c.Columns()[0]
	if !rep.Leaf() && len(rep.Columns()) == 1 && rep.Name() != "array" && rep.Name() != c.Name()+"_tuple" {
		return rep, rep.Columns()[0]
	}
	return rep, rep
}

// Groups implements format.FileReader.
func (r *Reader) Groups() int { return len(r.file.RowGroups()) }

// GroupRows implements format.FileReader.
func (r *Reader) GroupRows(g int) int64 { return r.file.Metadata().RowGroups[g].NumRows }

// GroupBytes implements format.FileReader.
func (r *Reader) GroupBytes(g int) int64 {
	m := r.file.Metadata().RowGroups[g]
	if m.TotalCompressedSize > 0 {
		return m.TotalCompressedSize
	}
	return m.TotalByteSize
}

// Close implements format.FileReader.
func (r *Reader) Close() error { return nil }

// Read implements format.FileReader.
func (r *Reader) Read(g int, skip int64) (out format.Rows, err error) {
	defer guard(&err)
	group := &r.file.Metadata().RowGroups[g]
	rows := &rows{r: r, left: group.NumRows - skip, total: group.NumRows, leaves: make([]*leaf, len(group.Columns)), bytes: 8 * len(r.cols), tests: r.columnTests()}
	for i := range r.cols {
		rows.cols = append(rows.cols, colbuf.New(r.spec.Schema[r.spec.Columns[i]].Type))
	}
	in := &input{r: r.in}
	var chunks []*chunk
	for _, at := range slices.Sorted(maps.Keys(r.leaves)) {
		c := &group.Columns[at]
		if c.CryptoMetadata.Value != nil || len(c.EncryptedColumnMetadata) > 0 {
			return nil, fmt.Errorf("column '%s' is encrypted", strings.Join(r.leaves[at].Path(), "."))
		}
		chunk, err := in.chunk(&c.MetaData, r.file.Size())
		if err != nil {
			return nil, fmt.Errorf("column '%s': %w", strings.Join(r.leaves[at].Path(), "."), err)
		}
		chunks = append(chunks, chunk)
		rows.leaves[at] = newLeaf(r.leaves[at], chunk, &c.MetaData)
	}
	readTogether(chunks)
	for _, l := range rows.leaves {
		if l == nil {
			continue
		}
		if err := l.skip(skip); err != nil {
			return nil, fmt.Errorf("go to row %d: %w", skip, err)
		}
	}
	return rows, nil
}

// rows reads a row group.
type rows struct {
	r      *Reader
	cols   []*colbuf.Col
	leaves []*leaf // by their index in the file; nil: not read
	left   int64
	total  int64
	bytes  int // of a row, lately
	tests  []*colTest
	sel    []int32 // of the batch at hand: what passes the tests
	picked bool    // the column at hand is read for sel alone
}

// Close implements format.Rows.
func (x *rows) Close() error {
	for _, l := range x.leaves {
		if l != nil {
			l.close()
		}
	}
	x.leaves, x.left = nil, 0
	return nil
}

// Next implements format.Rows.
func (x *rows) Next() (b *vec.Batch, err error) {
	defer guard(&err)
	if x.left <= 0 {
		return nil, io.EOF
	}
	n, err := x.batchRows()
	if err != nil {
		return nil, err
	}
	b = &vec.Batch{Rows: n, Cols: make([]vec.Vector, len(x.cols))}
	if len(x.tests) > 0 {
		if err := x.test(b); err != nil {
			return nil, err
		}
	}
	size := 0
	for i := range x.cols {
		if b.Cols[i] == nil {
			if err := x.read(b, i, n); err != nil {
				return nil, x.column(i, err)
			}
		}
		if s, ok := b.Cols[i].(*vec.Bytes); ok {
			size += len(s.Data)
		}
		size += 8 * b.Rows
	}
	if b.Rows > 0 {
		x.bytes = size / b.Rows
	}
	x.left -= int64(n)
	return b, nil
}

// batchRows is how many rows the next batch has.
func (x *rows) batchRows() (int, error) {
	n := int(min(x.left, vec.BatchRowsMax, max(64, vec.BatchBytesMax/int64(max(x.bytes, 1)))))
	for i, node := range x.r.cols {
		if node == nil || len(node.kids) > 0 || x.cols[i].Phys != types.PhysBytes {
			continue
		}
		l := x.leaves[node.leaf]
		if err := l.load(); err != nil {
			return 0, x.column(i, err)
		}
		n = l.fitting(n)
	}
	return n, nil
}

// Done implements format.Rows.
func (x *rows) Done() int64 { return x.total - x.left }

// read reads column i of the batch's rows, of the next n of the group: all of them, or
// those of x.sel.
func (x *rows) read(b *vec.Batch, i, n int) (err error) {
	node, c := x.r.cols[i], x.cols[i]
	some := b.Rows < n
	x.picked = false
	switch {
	case node == nil:
		b.Cols[i] = vec.Nulls(c.Type, b.Rows)
		return nil
	case some && len(node.kids) == 0 && node.def == 0:
		x.picked = true
		b.Cols[i], err = x.flatSome(node, c, n)
	case len(node.kids) == 0:
		b.Cols[i], err = x.flat(node, c, n)
	default:
		c.Reset(n)
		for k := 0; k < n && err == nil; k++ {
			err = x.value(node, c)
		}
	}
	if err != nil {
		return err
	}
	if b.Cols[i] == nil {
		b.Cols[i] = c.Finish()
	}
	if some && b.Cols[i].Len() == n {
		b.Cols[i] = vec.Take(b.Cols[i], x.sel)
	}
	return nil
}

// column says of an error which column it is in, and which row if that is known.
func (x *rows) column(i int, err error) error {
	var bad *badText
	if node := x.r.cols[i]; errors.As(err, &bad) && bad.at >= 0 && len(node.kids) == 0 {
		at := bad.at
		if x.picked {
			at = int(x.sel[at])
		}
		err = fmt.Errorf("row %d of the row group: %w", x.Done()+int64(at)+1, err)
	}
	return fmt.Errorf("column '%s': %w", x.r.spec.Schema[x.r.spec.Columns[i]].Name, err)
}

// flat reads n rows of a column that is not nested. It returns nil when they are
// in c, else a dictionary column.
func (x *rows) flat(n *node, c *colbuf.Col, count int) (vec.Vector, error) {
	l := x.leaves[n.leaf]
	var codes []uint32
	for got := 0; got < count; {
		if err := l.load(); err != nil {
			return nil, err
		}
		if err := x.make(n, l); err != nil {
			return nil, err
		}
		k := min(count-got, l.entries-l.at)
		switch {
		case got > 0:
		case l.made != nil || k == count && l.whole(k, n.def):
			c.Clear() // what is appended all at once needs no room that is cleared before
		default:
			c.Reset(count)
		}
		words, err := x.dictionary(n, l)
		if err != nil {
			return nil, err
		}
		if words == nil && codes != nil { // the dictionary has ended within the batch
			for _, code := range codes {
				appendWord(c, l.words.texts, code)
			}
			codes = nil
		}
		switch {
		case words != nil && (got == 0 || codes != nil):
			if codes == nil {
				codes = make([]uint32, 0, count)
			}
			codes = l.codes(codes, k, n.def, uint32(words.Len()-1))
		case l.made != nil:
			add(c, l.made, part{from: l.val, to: l.val + k})
			l.val += k
		case l.whole(k, n.def):
			if err := l.take(n, c, l.val, l.val+k); err != nil {
				return nil, err
			}
			l.val += k
		default:
			if err := l.runs(n, c, k); err != nil {
				return nil, err
			}
		}
		l.at += k
		got += k
	}
	if codes != nil {
		return &vec.Dict{Codes: codes, Words: l.words.texts}, nil
	}
	return nil, nil
}

// make makes all values of a page those of the column when it has been loaded, while they
// are in the processor's caches: batches then have parts of them, and the page's memory
// is the next one's, of any column. It is not done where not all of them may be wanted,
// or what holds a batch would hold too much.
func (x *rows) make(n *node, l *leaf) error {
	if !l.fresh {
		return nil
	}
	l.fresh, l.made = false, nil
	if len(x.tests) > 0 || n.t.Phys() == types.PhysBytes || len(l.def) > 0 || l.entries > madeMax {
		return nil
	}
	c := colbuf.New(n.t)
	if err := l.take(n, c, 0, l.entries); err != nil {
		return err
	}
	l.made = c
	in := l.chunk.in
	in.raw, in.index, l.raw, l.index = l.raw, l.index, nil, nil
	return nil
}

// madeMax is how many values a page has at most of which all are made at once.
const madeMax = 1 << 18

func appendWord(c *colbuf.Col, words *vec.Bytes, code uint32) {
	if words.Null(int(code)) {
		c.Null()
		return
	}
	c.Bytes(words.At(int(code)))
}

// A dictionary pays when it is small beside the group.
const dictionaryShare = 4

// dictionary returns the words of the page that l is in, the last of them NULL,
// or nil if it has none or they do not pay.
func (x *rows) dictionary(n *node, l *leaf) (*vec.Bytes, error) {
	if !n.t.Character() || l.dict == nil || int64(l.dict.n)*dictionaryShare > x.total {
		return nil, nil
	}
	if l.dict.texts == nil {
		if err := l.dict.check(); err != nil {
			return nil, err
		}
		data, offs := l.dict.values.ByteArray()
		w := &vec.Bytes{Data: data, Offs: slices.Clone(offs[:l.dict.n+1])}
		w.Offs = append(w.Offs, w.Offs[l.dict.n])
		w.Valid = vec.NewBitmap(w.Len())
		w.Valid.SetNull(w.Len() - 1)
		l.dict.texts = w
	}
	return l.dict.texts, nil
}

// value appends the next value of a nested column.
func (x *rows) value(n *node, c *colbuf.Col) error {
	if n.absent {
		c.Null()
		return nil
	}
	l := x.leaves[n.leaf]
	if err := l.load(); err != nil {
		return err
	}
	if len(n.kids) == 0 {
		return l.one(n, c)
	}
	def := l.defAt()
	if def < n.def {
		c.Null()
		return x.pass(n)
	}
	if n.t.Kind == types.Row {
		for i, k := range n.kids {
			if err := x.value(k, c.Kids[i]); err != nil {
				return err
			}
		}
		c.End()
		return nil
	}
	if def < n.elem { // no element
		c.End()
		return x.pass(n)
	}
	for {
		for i, k := range n.kids {
			if err := x.value(k, c.Kids[i]); err != nil {
				return err
			}
		}
		more, err := l.more(n.rep)
		if err != nil {
			return err
		}
		if !more {
			c.End()
			return nil
		}
	}
}

// pass goes over the entry that every leaf of n has for a value that is not there.
func (x *rows) pass(n *node) error {
	for _, at := range n.leaves {
		l := x.leaves[at]
		if err := l.load(); err != nil {
			return err
		}
		l.at++
	}
	return nil
}

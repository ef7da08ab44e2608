package parquet

import (
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"reflect"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Writer writes one file: values go to each column's writer in runs of a
// batch; a row group ends when its values have block.size bytes.
type Writer struct {
	options
	schema  types.Schema
	out     io.Writer
	w       *pq.GenericWriter[any] // nil while the first rows are waited for
	roots   []*shredder
	leaves  []*leafBuffer
	rows    int   // that wait
	pending int64 // bytes of the row group, before encoding
}

// shredder takes a column apart into leaves with levels (Dremel).
type shredder struct {
	t    types.Type
	def  int // definition level of a value that is not NULL
	rep  int // lists and maps: of a further element
	kids []*shredder
	leaf *leafBuffer
	all  []*leafBuffer // beneath
	size int           // of a decimal, in bytes
}

// leafBuffer collects the values of a leaf for one batch.
type leafBuffer struct {
	column int
	never  bool // by a dictionary
	coded  bool // by one
	vals   []pq.Value
	bytes  []byte // of decimals, and of all that waits
	texts  int64  // bytes of strings since a page was begun
}

// group is a ROW or the record: parquet-go's groups are maps, and would sort the
// columns by name.
type group struct {
	pq.Group
	fields []pq.Field
}

// Fields returns the fields in the schema's order.
func (g group) Fields() []pq.Field { return g.fields }

type field struct {
	pq.Node
	name string
}

func (f field) Name() string                      { return f.name }
func (f field) Value(reflect.Value) reflect.Value { return reflect.Value{} }

// Create starts a file.
func Create(spec format.Spec, w io.Writer) (out *Writer, err error) {
	o, err := readOptions(spec)
	if err != nil {
		return nil, fmt.Errorf("format parquet: %w", err)
	}
	x := &Writer{options: o, schema: spec.Schema, out: w}
	for _, f := range spec.Schema {
		x.roots = append(x.roots, x.shredder(f.Type, 0, 0))
	}
	if _, err := x.group(spec.Schema, x.roots); err != nil {
		return nil, fmt.Errorf("format parquet: %w", err)
	}
	return x, nil
}

// begin begins the file, when what waits has told which columns are coded.
func (x *Writer) begin() error {
	for _, l := range x.leaves {
		l.coded = x.dictionary && !l.never && l.repeats(x.page)
	}
	root, err := x.group(x.schema, x.roots)
	if err != nil {
		return err
	}
	x.w = pq.NewGenericWriter[any](x.out, pq.NewSchema("flink_schema", root), pq.Compression(x.codec), pq.PageBufferSize(int(x.page)),

		// Flink's vectorised reader knows no other encoding but dictionaries
		pq.DefaultEncoding(&pq.Plain), pq.DataPageVersion(1), pq.DictionaryMaxBytes(x.page), pq.DataPageStatistics(false), pq.CreatedBy(createdBy, "1", ""))
	return nil
}

// createdBy is how the files that a Writer writes begin to say who wrote them.
const createdBy = "millrace"

// What waits are so many rows, or the bytes of so many pages.
const (
	sampleRows  = 4096
	samplePages = 4
)

// repeats reports whether a dictionary of so many bytes has room for the leaf's values, as
// far as the first ones tell: n of them, if there are so many words and one comes as often
// as another, have words*(1-exp(-n/words)) different ones.
func (l *leafBuffer) repeats(room int64) bool {
	seen, seed := make(map[uint64]struct{}, len(l.vals)), maphash.MakeSeed()
	var b []byte
	n, size := 0.0, 0.0
	for _, v := range l.vals {
		if v.IsNull() {
			continue
		}
		b = v.AppendBytes(b[:0])
		n, size = n+1, size+float64(len(b))
		seen[maphash.Bytes(seed, b)] = struct{}{}
	}
	words := float64(room) / max(1, size/n)
	return float64(len(seen)) <= min(n-1, words*-math.Expm1(-n/words))
}

func (x *Writer) group(fields []types.Field, kids []*shredder) (pq.Node, error) {
	g := group{Group: pq.Group{}}
	for i, f := range fields {
		n, err := x.node(kids[i])
		if err != nil {
			return nil, fmt.Errorf("column '%s': %w", f.Name, err)
		}
		if g.Group[f.Name] != nil {
			return nil, fmt.Errorf("column '%s' is there twice", f.Name)
		}
		g.Group[f.Name] = n
		g.fields = append(g.fields, field{n, f.Name})
	}
	return g, nil
}

// node returns the file's type for a column.
func (x *Writer) node(s *shredder) (pq.Node, error) {
	n, err := x.bareNode(s)
	if err != nil {
		return nil, err
	}
	if s.t.NotNull {
		return pq.Required(n), nil
	}
	return pq.Optional(n), nil
}

func (x *Writer) bareNode(s *shredder) (pq.Node, error) {
	switch s.t.Kind {
	case types.Array:
		elem, err := x.node(s.kids[0])
		if err != nil {
			return nil, err
		}
		return pq.List(elem), nil
	case types.Map, types.Multiset:
		k, err := x.bareNode(s.kids[0])
		if err != nil {
			return nil, err
		}
		v, err := x.node(s.kids[1])
		if err != nil {
			return nil, err
		}
		return pq.Map(k, v), nil
	case types.Row:
		return x.group(s.t.Fields, s.kids)
	}
	n, err := x.leafNode(s.t)
	if err == nil && s.leaf.coded {
		n = pq.Encoded(n, &pq.RLEDictionary)
	}
	return n, err
}

// neverCoded reports whether values are not written by dictionary: bits, and decimals that
// Flink keeps as integers, which its reader does not find in one, where they are bytes.
func neverCoded(t types.Type) bool {
	return t.Kind == types.Boolean || t.Kind == types.Decimal && t.Prec <= 18
}

func (x *Writer) leafNode(t types.Type) (pq.Node, error) {
	switch t.Kind {
	case types.Boolean:
		return pq.Leaf(pq.BooleanType), nil
	case types.TinyInt:
		return pq.Int(8), nil
	case types.SmallInt:
		return pq.Int(16), nil
	case types.Int:
		return pq.Leaf(pq.Int32Type), nil
	case types.BigInt, types.IntervalMonth, types.IntervalSecond:
		return pq.Leaf(pq.Int64Type), nil
	case types.Float:
		return pq.Leaf(pq.FloatType), nil
	case types.Double:
		return pq.Leaf(pq.DoubleType), nil
	case types.Decimal:
		return pq.Decimal(t.Scale, t.Prec, pq.FixedLenByteArrayType(decimalBytes(t.Prec))), nil
	case types.Char, types.Varchar:
		return pq.String(), nil
	case types.Binary, types.Varbinary:
		return pq.Leaf(pq.ByteArrayType), nil
	case types.Date:
		return pq.Date(), nil
	case types.Time:
		return pq.TimeAdjusted(pq.Millisecond, true), nil
	case types.Timestamp, types.TimestampLTZ:
		if !x.int64Stamp {
			return pq.Leaf(pq.Int96Type), nil
		}
		unit := map[string]pq.TimeUnit{"millis": pq.Millisecond, "micros": pq.Microsecond, "nanos": pq.Nanosecond}[x.unit]
		return pq.TimestampAdjusted(unit, t.Kind == types.TimestampLTZ), nil
	}
	return nil, fmt.Errorf("%s is not supported", t.Name())
}

// shredder mirrors node: def and rep are the levels of what holds the column.
func (x *Writer) shredder(t types.Type, def, rep int) *shredder {
	if !t.NotNull {
		def++
	}
	s := &shredder{t: t, def: def}
	add := func(k *shredder) {
		s.kids = append(s.kids, k)
		s.all = append(s.all, k.all...)
	}
	switch t.Kind {
	case types.Row:
		for _, f := range t.Fields {
			add(x.shredder(f.Type, def, rep))
		}
	case types.Array:
		s.rep = rep + 1
		add(x.shredder(*t.Elem, def+1, rep+1))
	case types.Map, types.Multiset:
		s.rep = rep + 1
		kt, vt := t.Key, t.Elem
		if t.Kind == types.Multiset {
			kt, vt = t.Elem, &types.TInt
		}
		add(x.shredder(kt.Nullable(false), def+1, rep+1))
		add(x.shredder(*vt, def+1, rep+1))
	default:
		if t.Kind == types.Decimal {
			s.size = decimalBytes(t.Prec)
		}
		s.leaf = &leafBuffer{column: len(x.leaves), never: neverCoded(t)}
		s.all = []*leafBuffer{s.leaf}
		x.leaves = append(x.leaves, s.leaf)
	}
	return s
}

// Write implements format.FileWriter.
func (x *Writer) Write(b *vec.Batch) (err error) {
	defer guard(&err)
	if len(b.Cols) != len(x.roots) {
		return fmt.Errorf("format parquet: a batch of %d columns for %d", len(b.Cols), len(x.roots))
	}
	for i, v := range b.Cols {
		for k := range b.Len() {
			if err := x.shred(x.roots[i], v, b.Row(k), 0, 0); err != nil {
				return fmt.Errorf("format parquet: column '%s': %w", x.schema[i].Name, err)
			}
		}
	}
	if x.w == nil {
		x.rows += b.Len()
		bytes := 0
		for _, l := range x.leaves {
			bytes += 8*len(l.vals) + len(l.bytes)
		}
		if x.rows < sampleRows && int64(bytes) < min(x.block, samplePages*x.page) {
			return nil
		}
	}
	return x.flush()
}

// flush gives the library what the leaves hold.
func (x *Writer) flush() error {
	if x.w == nil {
		if err := x.begin(); err != nil {
			return fmt.Errorf("format parquet: %w", err)
		}
	}
	writers := x.w.ColumnWriters()
	for i, l := range x.leaves {
		if _, err := writers[i].WriteRowValues(l.vals); err != nil {
			return fmt.Errorf("format parquet: %w", err)
		}
		if err := x.count(l, writers[i]); err != nil {
			return fmt.Errorf("format parquet: %w", err)
		}
		l.vals, l.bytes = l.vals[:0], l.bytes[:0]
	}
	if x.pending >= x.block {
		x.pending = 0
		for _, l := range x.leaves {
			l.texts = 0
		}
		return x.w.Flush()
	}
	return nil
}

// count adds up what a leaf was given, and ends its page when its strings have a page's
// bytes. The library sees only then that a dictionary has become too large, and itself
// ends a page of numbers into one when these have so many bytes: behind a quarter of a
// million strings, however long.
func (x *Writer) count(l *leafBuffer, w *pq.ColumnWriter) error {
	for _, v := range l.vals {
		if k := v.Kind(); k == pq.ByteArray || k == pq.FixedLenByteArray {
			l.texts += int64(len(v.ByteArray()))
			x.pending += int64(len(v.ByteArray()))
		}
	}
	x.pending += 8 * int64(len(l.vals))
	if l.texts < x.page {
		return nil
	}
	l.texts = 0
	return w.Flush()
}

// shred appends row of v to the leaves; rep and def are the levels of its parent.
func (x *Writer) shred(s *shredder, v vec.Vector, row, rep, def int) error {
	switch d := v.(type) {
	case *vec.Const:
		v, row = d.Val, 0
	case *vec.Dict:
		v, row = d.Words, int(d.Codes[row])
	}
	if v.Null(row) {
		if s.t.NotNull {
			return fmt.Errorf("a NULL in %s", s.t)
		}
		s.none(rep, def)
		return nil
	}
	switch c := v.(type) {
	case *vec.Row:
		for i, k := range s.kids {
			if err := x.shred(k, c.Fields[i], row, rep, s.def); err != nil {
				return err
			}
		}
		return nil
	case *vec.List:
		return x.elements(s, c.Offs[row], c.Offs[row+1], rep, c.Elem)
	case *vec.Map:
		return x.elements(s, c.Offs[row], c.Offs[row+1], rep, c.Key, c.Elem)
	}
	s.leaf.vals = append(s.leaf.vals, x.value(s, v, row).Level(rep, s.def, s.leaf.column))
	return nil
}

func (x *Writer) elements(s *shredder, from, to uint32, rep int, parts ...vec.Vector) error {
	if from == to {
		s.none(rep, s.def)
	}
	for i := from; i < to; i++ {
		for k, part := range parts {
			if err := x.shred(s.kids[k], part, int(i), rep, s.def+1); err != nil {
				return err
			}
		}
		rep = s.rep
	}
	return nil
}

// none appends to every leaf that there is no value.
func (s *shredder) none(rep, def int) {
	for _, l := range s.all {
		l.vals = append(l.vals, pq.Value{}.Level(rep, def, l.column))
	}
}

// value returns a value that is not NULL. Its bytes are the vector's, or stay
// with the leaf until they are written.
func (x *Writer) value(s *shredder, v vec.Vector, row int) pq.Value {
	switch c := v.(type) {
	case *vec.Fixed[bool]:
		return pq.BooleanValue(c.Vals[row])
	case *vec.Fixed[int8]:
		return pq.Int32Value(int32(c.Vals[row]))
	case *vec.Fixed[int16]:
		return pq.Int32Value(int32(c.Vals[row]))
	case *vec.Fixed[int32]:
		return pq.Int32Value(c.Vals[row])
	case *vec.Fixed[int64]:
		switch {
		case s.t.Kind == types.Decimal:
			return s.decimal(types.Int128Of(c.Vals[row]))
		case s.t.Stamp():
			sec, us := c.Vals[row]/1_000_000, c.Vals[row]%1_000_000
			if us < 0 {
				sec, us = sec-1, us+1_000_000
			}
			return x.stamp(sec, us*1000, s.t.Kind)
		}
		return pq.Int64Value(c.Vals[row])
	case *vec.Fixed[float32]:
		return pq.FloatValue(c.Vals[row])
	case *vec.Fixed[float64]:
		return pq.DoubleValue(c.Vals[row])
	case *vec.Fixed[types.Int128]:
		if s.t.Stamp() {
			q, ns := c.Vals[row].DivInt(1_000_000_000)
			sec, _ := q.Int64()
			return x.stamp(sec, ns, s.t.Kind)
		}
		return s.decimal(c.Vals[row])
	}
	text := v.(*vec.Bytes).At(row)
	if x.w == nil {
		from := len(s.leaf.bytes)
		s.leaf.bytes = append(s.leaf.bytes, text...)
		text = s.leaf.bytes[from:len(s.leaf.bytes):len(s.leaf.bytes)]
	}
	return pq.ByteArrayValue(text)
}

func (s *shredder) decimal(v types.Int128) pq.Value {
	n, l := s.size, s.leaf
	from := len(l.bytes)
	l.bytes = appendBigEndian(l.bytes, v, n)
	return pq.FixedLenByteArrayValue(l.bytes[from : from+n : from+n])
}

func (x *Writer) stamp(sec, nano int64, k types.Kind) pq.Value {
	if !x.int64Stamp {
		if k == types.Timestamp {
			sec = instant(sec, x.zone)
		}
		day, rest := sec/86400, sec%86400
		if rest < 0 {
			day, rest = day-1, rest+86400
		}
		ns := uint64(rest*1_000_000_000 + nano)
		return pq.Int96Value(deprecated.Int96{uint32(ns), uint32(ns >> 32), uint32(day + julianEpoch)})
	}
	switch x.unit {
	case "millis":
		return pq.Int64Value(sec*1000 + nano/1_000_000)
	case "nanos":
		return pq.Int64Value(sec*1_000_000_000 + nano)
	}
	return pq.Int64Value(sec*1_000_000 + nano/1000)
}

// Size implements format.FileWriter.
func (x *Writer) Size() int64 {
	if x.w == nil {
		return 0
	}
	return x.w.Size()
}

// Close implements format.FileWriter.
func (x *Writer) Close() (err error) {
	defer guard(&err)
	if x.w == nil {
		if err := x.flush(); err != nil {
			return err
		}
	}
	return x.w.Close()
}

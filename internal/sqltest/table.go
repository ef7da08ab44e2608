package sqltest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/rowtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// connectorName is the connector of the tables of a test. Only a program that runs
// files of tests knows it, and its option is a number that only a running file has.
const connectorName = "test-table"

var register = sync.OnceFunc(func() {
	connect.Register(&connect.Connector{
		Name:    connectorName,
		Options: append([]connect.Option{{Key: "table", Doc: "the number of the table in the run of a test"}, connect.CacheOption}, connect.FullCacheOptions...),
		Kinds: func(o connect.Options) bool {
			m, err := find(o)
			return err == nil && m.changes
		},
		Source: func(t connect.Table, s connect.Scan) (connect.Source, error) {
			m, err := find(t.Options)
			if err != nil {
				return nil, err
			}
			items, err := m.read(t.Schema, s.Zone)
			if s.Bounded && !m.batch { // a lookup join reads the table as it is now
				items = m.present(items)
			}
			return &source{table: m, items: items, cols: s.Columns, ends: s.Bounded || !m.timed}, err
		},
		Sink: func(t connect.Table, _ connect.Write) (connect.Sink, error) {
			m, err := find(t.Options)
			if err != nil {
				return nil, err
			}
			return &sink{table: m, schema: t.Schema, key: t.PrimaryKey}, nil
		},
	})
})

// memories are the tables of the files that are running, by number.
var (
	memories sync.Map
	numbers  atomic.Int64
)

func find(o connect.Options) (*memory, error) {
	if m, ok := memories.Load(o["table"]); ok {
		return m.(*memory), nil
	}
	return nil, fmt.Errorf("the connector '%s' is for the tables of test files", connectorName)
}

// A memory is a table of one run: what the file gives it, then what INSERTs wrote.
type memory struct {
	file    string
	number  string
	lines   []tableLine
	changes bool // the lines are changes, with their kinds
	timed   bool // some lines say when the rows behind them come
	times   *times
	batch   bool // all rows are there from the beginning

	mu    sync.Mutex
	items []item // of lines, once they are read
	done  bool
	kept  []row
	index map[string][]int // of kept, by key, or by the whole row
}

// A tableLine is a line of a table in a file.
type tableLine struct {
	line int // in the file
	text string
}

// An item is what a reader gives at once: rows, or a watermark, or nothing before a
// time.
type item struct {
	batch *vec.Batch
	mark  int64
	from  *moment
}

// A row is one of a batch; a nil batch is a row that has gone.
type row struct {
	batch *vec.Batch
	at    int
}

func newMemory(file string, lines []tableLine, t *times, batch bool) *memory {
	m := &memory{file: file, lines: lines, times: t, batch: batch, number: fmt.Sprint(numbers.Add(1)), index: map[string][]int{}}
	for _, l := range lines {
		if f := form(l.text); f == "clock" {
			m.timed = true
		}
		if _, _, ok := cutKind(l.text); ok {
			m.changes = true
		}
	}
	memories.Store(m.number, m)
	return m
}

func (m *memory) forget() { memories.Delete(m.number) }

// read returns all that the table holds.
func (m *memory) read(schema types.Schema, zone string) ([]item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.done {
		items, err := m.parse(schema, zone)
		if err != nil {
			return nil, err
		}
		m.items, m.done = items, true
	}
	out := slices.Clone(m.items)
	var builders []*vec.Builder
	for _, f := range schema {
		builders = append(builders, vec.NewBuilder(f.Type))
	}
	b := &vec.Batch{}
	for _, r := range m.kept {
		if r.batch == nil {
			continue
		}
		for c, col := range r.batch.Cols {
			builders[c].From(col, r.at)
		}
		b.Rows++
	}
	if b.Rows == 0 {
		return out, nil
	}
	for _, bl := range builders {
		b.Cols = append(b.Cols, bl.Finish())
	}
	return append(out, item{batch: b}), nil
}

// present returns the items of a table as it is now.
func (m *memory) present(items []item) []item {
	for i, it := range items {
		if it.from != nil && m.times.of(*it.from) > m.times.clock.Now() {
			return items[:i]
		}
	}
	return items
}

// parse makes items of the lines: runs of lines of one form, watermarks and times.
func (m *memory) parse(schema types.Schema, zone string) ([]item, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	var out []item
	now := moment{offset: true}
	for i := 0; i < len(m.lines); {
		l := m.lines[i]
		next, ok, err := now.after(l.text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", m.file, l.line, err)
		}
		if ok {
			now, i = next, i+1
			out = append(out, item{from: &next})
			continue
		}
		if text, ok := strings.CutPrefix(l.text, "watermark "); ok {
			us, err := parseTime(text)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", m.file, l.line, err)
			}
			out, i = append(out, item{mark: us}), i+1
			continue
		}
		from := i
		for i < len(m.lines) && i-from < vec.BatchRowsMax && form(m.lines[i].text) == form(l.text) {
			i++
		}
		b, err := m.rows(m.lines[from:i], schema, loc, zone)
		if err != nil {
			return nil, err
		}
		out = append(out, item{batch: b})
	}
	return out, nil
}

// form tells lines apart that are read in different ways.
func form(line string) string {
	_, rest, _ := cutKind(line)
	switch {
	case strings.HasPrefix(line, "watermark "):
		return "watermark"
	case strings.HasPrefix(line, "clock "), strings.HasPrefix(line, "advance "):
		return "clock"
	case strings.HasPrefix(rest, "{"):
		return "json"
	}
	return "csv"
}

// cutKind cuts the kind off a line: "-D,a,1".
func cutKind(line string) (vec.RowKind, string, bool) {
	for k := vec.Insert; k <= vec.Delete; k++ {
		if rest, ok := strings.CutPrefix(line, k.String()+","); ok {
			return k, rest, true
		}
	}
	return vec.Insert, line, false
}

func (m *memory) rows(lines []tableLine, schema types.Schema, loc *time.Location, zone string) (*vec.Batch, error) {
	var kinds []vec.RowKind
	texts := make([]string, len(lines))
	for i, l := range lines {
		k, rest, _ := cutKind(l.text)
		texts[i] = rest
		if m.changes {
			kinds = append(kinds, k)
		}
	}
	read := func(texts []string) (*vec.Batch, error) {
		if strings.HasPrefix(texts[0], "{") {
			return readJSON(texts, schema, zone)
		}
		return readCells(texts, schema, loc)
	}
	b, err := read(texts)
	if err == nil {
		b.Kinds = kinds
		return b, nil
	}
	for i := range texts { // which line is it?
		if _, err := read(texts[i : i+1]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", m.file, lines[i].line, err)
		}
	}
	return nil, fmt.Errorf("%s:%d: %w", m.file, lines[0].line, err)
}

func readJSON(texts []string, schema types.Schema, zone string) (*vec.Batch, error) {
	f := format.Lookup("json")
	if f == nil {
		return nil, fmt.Errorf("the format json is not part of this program")
	}
	all := make([]int, len(schema))
	for i := range all {
		all[i] = i
	}
	d, err := f.Decoder(format.Spec{Schema: schema, Columns: all, Options: connect.Options{}, Zone: zone})
	if err != nil {
		return nil, err
	}
	b, _, err := d.Decode([]byte(strings.Join(texts, "\n")+"\n"), true)
	if err == nil && b.Len() != len(texts) {
		err = fmt.Errorf("%d JSON objects on %d lines", b.Len(), len(texts))
	}
	return b, err
}

// readCells reads lines of CSV, whose cells are cast from texts.
func readCells(texts []string, schema types.Schema, loc *time.Location) (*vec.Batch, error) {
	cols := make([]*vec.Builder, len(schema))
	for i := range cols {
		cols[i] = vec.NewBuilder(types.TString)
	}
	for _, text := range texts {
		cells := rowtext.Parse(text)
		if len(cells) != len(schema) {
			return nil, fmt.Errorf("%d cells for the %d columns of the table", len(cells), len(schema))
		}
		for i, c := range cells {
			if c.Null {
				cols[i].Null()
			} else {
				cols[i].String(c.Text)
			}
		}
	}
	env := &fn.Env{Zone: loc}
	b := &vec.Batch{Rows: len(texts)}
	for i, f := range schema {
		in := cols[i].Finish()
		if f.Type.Kind == types.Varchar && f.Type.Len == types.TString.Len {
			b.Cols = append(b.Cols, in)
			continue
		}
		e, err := expr.Cast(expr.Column(0, types.TString), f.Type.Nullable(true))
		if err != nil {
			return nil, fmt.Errorf("column '%s' of type %s cannot be written as a cell: write the row as a JSON object", f.Name, f.Type.Name())
		}
		p, err := expr.Compile(e, env)
		if err != nil {
			return nil, err
		}
		out, err := p.Eval([]vec.Vector{in}, nil, len(texts))
		if err != nil {
			return nil, fmt.Errorf("column '%s': %w", f.Name, err)
		}
		b.Cols = append(b.Cols, vec.Flat(out))
	}
	return b, nil
}

// parseTime reads a time of a clock or watermark line, in UTC.
func parseTime(s string) (int64, error) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999", "2006-01-02T15:04:05.999999", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time; write it as 2024-01-31 10:00:00", s)
}

// source reads a table from its beginning to its end, as one split.
type source struct {
	table *memory
	items []item
	cols  []int
	ends  bool
}

// Bounded implements connect.Source. A table whose rows come at times is for the
// planner one that goes on.
func (s *source) Bounded() bool { return s.ends }

// Enumerator implements connect.Source.
func (s *source) Enumerator(saved []byte, _ func()) (connect.Enumerator, error) {
	return &enumerator{given: string(saved) == "given"}, nil
}

// Reader implements connect.Source. It is woken only when it has waited for a time.
func (s *source) Reader(_ int, wake func()) (connect.Reader, error) {
	return &reader{source: s, at: -1, asked: -1, wake: wake}, nil
}

const splitID = "table"

// An enumerator has one split to give.
type enumerator struct {
	given bool
	back  []connect.Split
}

// Assign implements connect.Enumerator.
func (e *enumerator) Assign(int) ([]connect.Split, bool, error) {
	out := e.back
	if e.back = nil; !e.given {
		e.given, out = true, []connect.Split{{ID: splitID}}
	}
	return out, true, nil
}

// Waiting implements connect.Enumerator.
func (e *enumerator) Waiting() int {
	if e.given {
		return len(e.back)
	}
	return 1
}

// Ordered implements connect.Enumerator.
func (e *enumerator) Ordered() bool { return false }

// Return implements connect.Enumerator.
func (e *enumerator) Return(s []connect.Split) {
	e.back, e.given = append(e.back, s...), e.given || len(s) > 0
}

// Snapshot implements connect.Enumerator.
func (e *enumerator) Snapshot() ([]byte, error) {
	if e.given {
		return []byte("given"), nil
	}
	return nil, nil
}

// Close implements connect.Enumerator.
func (e *enumerator) Close() error { return nil }

// A reader gives the items one after the other.
type reader struct {
	*source
	at    int // of items; -1 without the split
	asked int // the item whose time is waited for
	wake  func()
}

// Add implements connect.Reader.
func (r *reader) Add(splits []connect.Split) error {
	for _, s := range splits {
		r.at = 0
		if len(s.Pos) == 8 {
			r.at = int(binary.BigEndian.Uint64(s.Pos))
		}
	}
	return nil
}

// Poll implements connect.Reader.
func (r *reader) Poll(string) (connect.Polled, error) {
	for r.at >= 0 && r.at < len(r.items) && r.items[r.at].from != nil {
		if !r.come(*r.items[r.at].from) {
			return connect.Polled{}, nil
		}
		r.at++
	}
	switch {
	case r.at < 0:
		return connect.Polled{Empty: true}, nil
	case r.at == len(r.items):
		r.at = -1
		return connect.Polled{Split: splitID, Ended: true, Empty: true}, nil
	}
	it := r.items[r.at]
	r.at++
	if it.batch == nil {
		return connect.Polled{Split: splitID, Watermark: &it.mark}, nil
	}
	b := &vec.Batch{Rows: it.batch.Rows, Kinds: slices.Clone(it.batch.Kinds)}
	for _, c := range r.cols {
		b.Cols = append(b.Cols, it.batch.Cols[c])
	}
	return connect.Polled{Split: splitID, Batch: b}, nil
}

// come reports whether it is that time; if not, the reader is woken when it is.
func (r *reader) come(m moment) bool {
	clock, t := r.table.times.clock, r.table.times.of(m)
	if r.table.batch || clock.Now() >= t {
		return true
	}
	if r.asked == r.at {
		return false
	}
	r.asked = r.at
	return clock.Wait(t, r.wake)
}

// Snapshot implements connect.Reader.
func (r *reader) Snapshot() ([]connect.Split, error) {
	if r.at < 0 {
		return nil, nil
	}
	return []connect.Split{{ID: splitID, Pos: binary.BigEndian.AppendUint64(nil, uint64(r.at))}}, nil
}

// Committed implements connect.Reader.
func (r *reader) Committed(uint64) {}

// Close implements connect.Reader.
func (r *reader) Close() error { return nil }

// A sink adds what is written up: the table holds the rows that are left, for the
// statements that follow. With a primary key it takes rows by it.
type sink struct {
	table  *memory
	schema types.Schema
	key    []int
}

// Accepts implements connect.Sink.
func (s *sink) Accepts() connect.Changes {
	if len(s.key) > 0 {
		return connect.Upsert
	}
	return connect.AllChanges
}

// Writer implements connect.Sink.
func (s *sink) Writer(int) (connect.Writer, error) {
	return &writer{sink: s, text: rowtext.Writer{Schema: s.schema, Zone: time.UTC}}, nil
}

// Committer implements connect.Sink. What is written is there at once.
func (s *sink) Committer() (connect.Committer, error) { return nil, nil }

type writer struct {
	*sink
	text rowtext.Writer
}

// Write implements connect.Writer.
func (w *writer) Write(b *vec.Batch) error {
	m := w.table
	m.mu.Lock()
	defer m.mu.Unlock()
	flat := &vec.Batch{Rows: b.Rows, Cols: make([]vec.Vector, len(b.Cols))}
	for i, c := range b.Cols {
		flat.Cols[i] = vec.Flat(c)
	}
	for i := range b.Len() {
		at := b.Row(i)
		if len(w.key) > 0 && b.Kind(at) == vec.UpdateBefore {
			return fmt.Errorf("a table by primary key was given %s", b.Kind(at))
		}
		key := w.keyOf(flat, at)
		adds := b.Kind(at).Adds()
		if have := m.index[key]; len(have) > 0 && (len(w.key) > 0 || !adds) {
			m.kept[have[len(have)-1]].batch = nil
			m.index[key] = have[:len(have)-1]
		} else if !adds && len(w.key) == 0 {
			return fmt.Errorf("a change takes away a row that was not written: %s", key)
		}
		if adds {
			m.index[key] = append(m.index[key], len(m.kept))
			m.kept = append(m.kept, row{flat, at})
		}
	}
	return nil
}

// keyOf is what a row is found by: the primary key, or all of it.
func (w *writer) keyOf(b *vec.Batch, at int) string {
	if len(w.key) == 0 {
		line := w.text.Append(nil, b, at)
		return string(line[:len(line)-1])
	}
	key := rowtext.Writer{Zone: time.UTC}
	part := &vec.Batch{Rows: b.Rows}
	for _, c := range w.key {
		key.Schema, part.Cols = append(key.Schema, w.schema[c]), append(part.Cols, b.Cols[c])
	}
	return string(key.Append(nil, part, at))
}

// Prepare implements connect.Writer.
func (w *writer) Prepare(uint64) ([][]byte, error) { return nil, nil }

// Close implements connect.Writer.
func (w *writer) Close() error { return nil }

package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/rowtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A printer shows the rows of one result.
type printer interface {
	batch(b *vec.Batch) error
	end() error
}

// A result makes its printer when the first rows come, or at the end when none did.
type result struct {
	r *runner
	p printer
}

func (o *result) batch(schema types.Schema, b *vec.Batch) error {
	if err := o.open(schema); err != nil {
		return err
	}
	return o.p.batch(b)
}

func (o *result) end(schema types.Schema) error {
	if err := o.open(schema); err != nil {
		return err
	}
	return o.p.end()
}

func (o *result) open(schema types.Schema) (err error) {
	if o.p == nil {
		o.r.separate()
		o.p, err = newPrinter(o.r.format, o.r.w.out, schema, o.r.header, o.r.s.Zone())
	}
	return err
}

func newPrinter(kind string, out io.Writer, schema types.Schema, header bool, zone *time.Location) (printer, error) {
	w := bufio.NewWriter(out)
	rows := rowtext.Writer{Schema: schema, Zone: zone}
	switch kind {
	case "changelog":
		p := &changelogPrinter{out: w, rows: rows}
		if header {
			w.WriteString("op,")
			w.Write(rows.Header())
		}
		return p, w.Flush()
	case "json":
		enc, err := format.Lookup("json").Encoder(format.Spec{Schema: schema, Zone: zone.String()})
		if err != nil {
			return nil, err
		}
		return &foldPrinter{out: w, settler: newSettler(schema), lines: func(b *vec.Batch) ([][]byte, error) {
			data, err := enc.Encode(nil, b)
			return bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")), err
		}}, nil
	case "table":
		return &tablePrinter{out: w, rows: rows, settler: newSettler(schema), fold: newFold(), header: header}, nil
	}
	if header {
		w.Write(rows.Header())
	}
	return &foldPrinter{out: w, settler: newSettler(schema), lines: func(b *vec.Batch) ([][]byte, error) { return lines(&rows, b), nil }}, w.Flush()
}

// lines writes the rows of a batch, a line each.
func lines(t *rowtext.Writer, b *vec.Batch) [][]byte {
	out := make([][]byte, b.Len())
	for i := range out {
		out[i] = t.Append(nil, b, b.Row(i))
	}
	return out
}

// changelogPrinter prints each change as it happens.
type changelogPrinter struct {
	out  *bufio.Writer
	rows rowtext.Writer
	line []byte
}

func (p *changelogPrinter) batch(b *vec.Batch) error {
	for i := range b.Len() {
		row := b.Row(i)
		p.line = append(append(p.line[:0], b.Kind(row).String()...), ',')
		p.line = p.rows.Append(p.line, b, row)
		if _, err := p.out.Write(p.line); err != nil {
			return err
		}
	}
	return p.out.Flush()
}

func (p *changelogPrinter) end() error { return p.out.Flush() }

// A fold is what a changelog adds up to: rows in the order in which they joined.
// Rows are compared by their text.
type fold struct {
	rows [][]byte // nil: it has left
	at   map[string][]int
	gone int
}

func newFold() *fold { return &fold{at: map[string][]int{}} }

func (f *fold) change(kind vec.RowKind, line []byte) {
	key := string(line)
	if kind.Adds() {
		f.at[key] = append(f.at[key], len(f.rows))
		f.rows = append(f.rows, line)
		return
	}
	places := f.at[key]
	if len(places) == 0 {
		return // a retraction of what was never shown: a filter let it pass alone
	}
	last := places[len(places)-1]
	if f.at[key] = places[:len(places)-1]; len(places) == 1 {
		delete(f.at, key)
	}
	f.rows[last] = nil
	if f.gone++; f.gone > 1024 && f.gone > len(f.rows)/2 {
		f.compact()
	}
}

func (f *fold) compact() {
	kept := make([][]byte, 0, len(f.rows)-f.gone)
	clear(f.at)
	for _, r := range f.rows {
		if r != nil {
			f.at[string(r)] = append(f.at[string(r)], len(kept))
			kept = append(kept, r)
		}
	}
	f.rows, f.gone = kept, 0
}

// foldPrinter prints the final rows. While nothing has been retracted rows are
// kept, since one may be later.
type foldPrinter struct {
	out     *bufio.Writer
	settler *settler
	lines   func(*vec.Batch) ([][]byte, error)
	fold    *fold
	kept    [][]byte
}

func (p *foldPrinter) batch(b *vec.Batch) error {
	b = p.settler.settle(b)
	lines, err := p.lines(b)
	if err != nil {
		return err
	}
	if b.Kinds == nil && p.fold == nil {
		p.kept = append(p.kept, lines[:b.Len()]...)
		return nil
	}
	if p.fold == nil {
		p.fold = newFold()
		for _, l := range p.kept {
			p.fold.change(vec.Insert, l)
		}
		p.kept = nil
	}
	for i := range b.Len() {
		p.fold.change(b.Kind(b.Row(i)), lines[i])
	}
	return nil
}

func (p *foldPrinter) end() error {
	rows := p.kept
	if p.fold != nil {
		rows = p.fold.rows
	}
	for _, l := range rows {
		p.out.Write(l)
		if len(l) > 0 && l[len(l)-1] != '\n' {
			p.out.WriteByte('\n')
		}
	}
	return p.out.Flush()
}

// tablePrinter draws the final rows as a table.
type tablePrinter struct {
	out     *bufio.Writer
	rows    rowtext.Writer
	settler *settler
	fold    *fold
	header  bool
	cells   map[string][]string // of the rows that are there
}

func (p *tablePrinter) batch(b *vec.Batch) error {
	if p.cells == nil {
		p.cells = map[string][]string{}
	}
	b = p.settler.settle(b)
	for i := range b.Len() {
		row := b.Row(i)
		line := p.rows.Append(nil, b, row)
		p.fold.change(b.Kind(row), line)
		if len(p.fold.at[string(line)]) == 0 {
			delete(p.cells, string(line))
		} else if _, known := p.cells[string(line)]; !known {
			p.cells[string(line)] = p.texts(b, row)
		}
	}
	return nil
}

func (p *tablePrinter) texts(b *vec.Batch, row int) []string {
	out := make([]string, len(p.rows.Schema))
	for i, f := range p.rows.Schema {
		out[i] = "NULL"
		if !b.Cols[i].Null(row) {
			out[i] = string(expr.AppendPrinted(nil, f.Type, b.Cols[i], row, p.rows.Zone))
		}
	}
	return out
}

func (p *tablePrinter) end() error {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	if p.header {
		head := table.Row{}
		var cols []table.ColumnConfig
		for i, f := range p.rows.Schema {
			head = append(head, f.Name)
			if f.Type.Numeric() {
				cols = append(cols, table.ColumnConfig{Number: i + 1, Align: text.AlignRight})
			}
		}
		t.AppendHeader(head)
		t.SetColumnConfigs(cols)
	}
	n := 0
	for _, l := range p.fold.rows {
		if l == nil {
			continue
		}
		row := table.Row{}
		for _, c := range p.cells[string(l)] {
			row = append(row, strings.ReplaceAll(c, "\n", "\\n"))
		}
		t.AppendRow(row)
		n++
	}
	fmt.Fprintln(p.out, t.Render())
	fmt.Fprintln(p.out, plural(n, "row"))
	return p.out.Flush()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", grouped(int64(n)), what)
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

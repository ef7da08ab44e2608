package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/rowtext"
	"github.com/millrace-io/millrace/internal/statedata"
	"github.com/millrace-io/millrace/vec"
)

type stateShowCommand struct {
	tableFlags
	Key      []string `placeholder:"COLUMN=VALUE" sep:"none" help:"Only rows with this value; may be given for several columns. With a key of one column VALUE is enough; NULL is none."`
	Limit    int64    `default:"50" help:"At most so many rows; 0 shows all."`
	Format   string   `enum:"table,csv,json," default:"" help:"table, csv or json; table on a terminal, csv elsewhere."`
	NoHeader bool     `help:"No header line."`
}

// errEnough ends a scan of which no more is wanted.
var errEnough = errors.New("enough")

// Run shows rows of a table.
func (c *stateShowCommand) Run(w *world) error {
	if c.Limit < 0 {
		return usageError{fmt.Errorf("--limit %d: it must not be negative", c.Limit)}
	}
	v, err := c.pin()
	if err != nil {
		return err
	}
	defer v.Close()
	keep, err := keyFilter(v, c.Key)
	if err != nil {
		return usageError{err}
	}
	if c.Format == "" {
		if c.Format = "csv"; w.outTTY {
			c.Format = "table"
		}
	}
	p, err := newPrinter(c.Format, w.out, v.Table.Columns, !c.NoHeader, v.Zone())
	if err != nil {
		return err
	}
	shown, more := int64(0), false
	err = v.Table.Scan(v, func(b *vec.Batch) error {
		b = keep(b)
		if n := int64(b.Len()); c.Limit > 0 && shown+n > c.Limit {
			rows := make([]int32, c.Limit-shown)
			for i := range rows {
				rows[i] = int32(b.Row(i))
			}
			more, b = true, &vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: rows}
		}
		shown += int64(b.Len())
		if b.Len() > 0 {
			if err := p.batch(vec.Compact(b)); err != nil {
				return err
			}
		}
		if more {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(w.err, "there are more than %s: --limit 0 shows all\n", count(shown, "row"))
	}
	return nil
}

// keyFilter makes what keeps the rows that --key asks for.
func keyFilter(v *statedata.View, keys []string) (func(*vec.Batch) *vec.Batch, error) {
	cols := v.Table.Columns
	var at []int
	var want []string
	for _, k := range keys {
		name, value, ok := strings.Cut(k, "=")
		i := cols.Index(name)
		switch {
		case ok && i >= 0:
		case !ok && len(v.Table.Key) == 1:
			i, value = v.Table.Key[0], k
		case !ok:
			return nil, fmt.Errorf("--key %s: write COLUMN=VALUE, where COLUMN is one of %s", k, strings.Join(cols.Names(), ", "))
		default:
			err := fmt.Sprintf("--key %s: there is no column '%s'", k, name)
			if near := connect.Near(name, cols.Names()); near != "" {
				return nil, fmt.Errorf("%s; did you mean '%s'?", err, near)
			}
			return nil, fmt.Errorf("%s: there are %s", err, strings.Join(cols.Names(), ", "))
		}
		at, want = append(at, i), append(want, value)
	}
	if len(at) == 0 {
		return func(b *vec.Batch) *vec.Batch { return b }, nil
	}
	zone := v.Zone()
	var cell []byte
	has := func(b *vec.Batch, row int) bool {
		for k, c := range at {
			if b.Cols[c].Null(row) {
				if want[k] != "NULL" {
					return false
				}
				continue
			}
			cell = expr.AppendPrinted(cell[:0], cols[c].Type, b.Cols[c], row, zone)
			if !strings.EqualFold(string(cell), want[k]) || cols[c].Type.Character() && string(cell) != want[k] {
				return false
			}
		}
		return true
	}
	return func(b *vec.Batch) *vec.Batch {
		sel := []int32{}
		for i := range b.Len() {
			if r := b.Row(i); has(b, r) {
				sel = append(sel, int32(r))
			}
		}
		return &vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: sel}
	}, nil
}

// exportFormats are the formats of files by the ends of their names.
var exportFormats = map[string]string{".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}

// formatOf returns the format of a file.
func formatOf(name string) (string, error) {
	f := exportFormats[strings.ToLower(filepath.Ext(name))]
	if f == "" {
		return "", usageError{fmt.Errorf("%s: its name must end in .csv, .json or .parquet", name)}
	}
	return f, nil
}

type stateExportCommand struct {
	tableFlags
	Output string `short:"o" required:"" placeholder:"FILE" help:"The file: .csv (with a header), .json (a row a line) or .parquet."`
}

// Run writes a table to a file, which is there whole or not at all.
func (c *stateExportCommand) Run(w *world) (err error) {
	kind, err := formatOf(c.Output)
	if err != nil {
		return err
	}
	v, err := c.pin()
	if err != nil {
		return err
	}
	defer v.Close()
	f, err := os.CreateTemp(filepath.Dir(c.Output), "."+filepath.Base(c.Output)+".")
	if err != nil {
		return usageError{err}
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	rows, err := export(v, kind, f)
	if err == nil {
		err = errors.Join(f.Chmod(0o644), f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(f.Name(), c.Output)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w.err, "%s: %s of table '%s'\n", c.Output, count(rows, "row"), v.Table.Name)
	return nil
}

// export writes the rows of a table in a format.
func export(v *statedata.View, kind string, f *os.File) (rows int64, err error) {
	spec := format.Spec{Schema: v.Table.Columns, Zone: v.Zone().String()}
	def := format.Lookup(kind)
	if def.Create != nil {
		out, err := def.Create(spec, f)
		if err != nil {
			return 0, err
		}
		err = v.Table.Scan(v, func(b *vec.Batch) error {
			rows += int64(b.Rows)
			return out.Write(b)
		})
		return rows, errors.Join(err, out.Close())
	}
	enc, err := def.Encoder(spec)
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriter(f)
	if kind == "csv" {
		out.Write((&rowtext.Writer{Schema: spec.Schema}).Header())
	}
	var data []byte
	err = v.Table.Scan(v, func(b *vec.Batch) error {
		rows += int64(b.Rows)
		if data, err = enc.Encode(data[:0], b); err != nil {
			return err
		}
		_, err := out.Write(data)
		return err
	})
	return rows, errors.Join(err, out.Flush())
}

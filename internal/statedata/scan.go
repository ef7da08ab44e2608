package statedata

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Scan calls f with the rows of a table in batches, those of one key beside each other.
// files are those of the checkpoint.
func (t *Table) Scan(files state.Files, f func(*vec.Batch) error) error {
	if len(t.op.Handles) == 0 {
		return nil
	}
	s, err := lsm.Backend{}.Open("", base.Range{Hi: t.op.groups}, t.op.Handles, files)
	if err != nil {
		return err
	}
	defer s.Close()
	err = keyed.Scan(s, t.form, t.shape, func(c *keyed.Chunk) error {
		cols, n, err := t.state.Read(c)
		if err != nil {
			return err
		}
		for from := 0; from < n; from += vec.BatchRowsMax {
			b := &vec.Batch{Cols: cols, Rows: n}
			if n > vec.BatchRowsMax {
				b = slice(cols, from, min(from+vec.BatchRowsMax, n))
			}
			if err := f(b); err != nil {
				return stop{err}
			}
		}
		return nil
	})
	var stopped stop
	switch {
	case errors.As(err, &stopped):
		return stopped.error
	case err != nil:
		return fmt.Errorf("read table '%s' of %s: %w", t.Name, t.op.Name, err)
	}
	return nil
}

// stop is an error of who takes the rows.
type stop struct{ error }

func slice(cols []vec.Vector, from, to int) *vec.Batch {
	out := &vec.Batch{Rows: to - from}
	for _, c := range cols {
		out.Cols = append(out.Cols, vec.Slice(c, from, to))
	}
	return out
}

// Entries is about how many rows each table of the operator has: what has changed is
// counted again until its files are merged. Windows of sessions count by key.
func (o *Operator) Entries(files state.Files) (map[*Table]int64, error) {
	n, err := lsm.Entries(o.Handles, files)
	if err != nil {
		return nil, err
	}
	out := map[*Table]int64{}
	for _, t := range o.Tables {
		out[t] = n[t.shape.Name]
	}
	return out, nil
}

// printed writes a value as CAST(x AS STRING) does.
func printed(t types.Type, v vec.Vector, row int, zone *time.Location) string {
	if v.Null(row) {
		return "NULL"
	}
	return string(expr.AppendPrinted(nil, t, v, row, zone))
}

package exec

import (
	"fmt"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Optional reports whether a column may be left out, or be NULL, when the table is
// written: it is then the time of writing.
func (c *StateColumn) Optional() bool { return c.from == inStamp }

// RowsMax is how many rows a key may have, 0 for any number.
func (t *StateTable) RowsMax() int64 { return t.most }

// KeyColumns returns the columns of the table's key from those of n rows.
func (t *StateTable) KeyColumns(cols []vec.Vector, n int) []vec.Vector {
	if len(t.keys) == 0 {
		return []vec.Vector{&vec.Fixed[int64]{Vals: make([]int64, n)}}
	}
	out := make([]vec.Vector, len(t.keys))
	for i, c := range t.keys {
		out[i] = cols[c]
	}
	return out
}

// Times returns the buckets of rows, nil for a table without.
func (t *StateTable) Times(cols []vec.Vector) []int64 {
	for i, c := range t.Columns {
		if c.from == inBucket {
			return cols[i].(*vec.Fixed[int64]).Vals
		}
	}
	return nil
}

// Row returns the columns of a Multi's rows.
func (t *StateTable) Row(cols []vec.Vector) []vec.Vector {
	var out []vec.Vector
	for i, c := range t.Columns {
		if c.from == inRow {
			out = append(out, cols[i])
		}
	}
	return out
}

// Fill fills a chunk that a keyed.Filler has begun for rows with the table's columns, in
// their order; those that were left out are nil. nowMs is the time of writing.
func (t *StateTable) Fill(c *keyed.Chunk, cols []vec.Vector, nowMs int64) error {
	x := &stateRows{Chunk: c, table: t, accs: c.Slots}
	if c.Multi == nil {
		x.groups.On(c.Table)
	}
	if t.derive != nil {
		for w, words := range t.derive(cols, c.Len()) {
			x.setWords(w, words)
		}
	}
	if t.one > 0 {
		x.setWords(t.one-1, slices.Repeat([]uint64{1}, c.Len()))
	}
	for i := range t.Columns {
		if err := x.fill(&t.Columns[i], cols[i], nowMs); err != nil {
			return err
		}
	}
	return x.fillImages(cols)
}

func (x *stateRows) setWords(w int, words []uint64) {
	for i, s := range x.Slots {
		if x.Multi != nil {
			x.Multi.Extra(x.Refs[i])[w] = words[i]
		} else {
			x.Table.Words(s)[w] = words[i]
		}
	}
}

func (x *stateRows) fill(c *StateColumn, v vec.Vector, nowMs int64) error {
	switch c.from {
	case inWord:
		words := make([]uint64, x.Len())
		for i := range words {
			words[i] = c.wordAt(v, i)
		}
		x.setWords(c.index, words)
		if c.atLeast > 0 {
			for _, w := range words {
				if int64(w) < c.atLeast {
					return fmt.Errorf("%d rows: a group has %d at least", int64(w), c.atLeast)
				}
			}
		}
	case inStamp:
		words := make([]uint64, x.Len())
		for i := range words {
			if words[i] = uint64(nowMs); v != nil && !v.Null(i) {
				words[i] = uint64(v.(*vec.Fixed[int64]).Vals[i] / 1000)
			}
		}
		x.setWords(c.index, words)
	case inResult:
		return x.fillResult(c, v)
	}
	return nil
}

// wordAt is the word of a value.
func (c *StateColumn) wordAt(v vec.Vector, i int) uint64 {
	if v.Null(i) {
		return 0
	}
	switch v := v.(type) {
	case *vec.Fixed[bool]:
		if v.Vals[i] {
			return uint64(c.word)
		}
		return 0
	case *vec.Fixed[float64]:
		return math.Float64bits(v.Vals[i])
	case *vec.Fixed[int64]:
		return uint64(v.Vals[i])
	}
	panic("exec: a word is made of another column")
}

// fillResult makes accumulators that have the results.
func (x *stateRows) fillResult(c *StateColumn, v vec.Vector) error {
	rows := ordinals(x.Len())
	if c.call.(*agg.Placed).Counts() {
		for i := range rows {
			if n := v.(*vec.Fixed[int64]).Vals[i]; n < c.atLeast {
				return fmt.Errorf("%d rows: a group has %d at least", n, c.atLeast)
			}
		}
		x.setWords(c.index, make([]uint64, len(rows)))
		c.call.Merge(&x.groups, x.Slots, rows, []vec.Vector{v})
	} else {
		c.call.Add(&x.groups, x.Slots, rows, v)
	}
	return x.groups.Err
}

// fillImages encodes rows that entries have as blobs.
func (x *stateRows) fillImages(cols []vec.Vector) error {
	var row []vec.Vector
	var ts []types.Type
	word := 0
	for i, c := range x.table.Columns {
		if c.from == inImage {
			row, ts, word = append(row, cols[i]), append(ts, c.Type), c.word
		}
	}
	if row == nil {
		return nil
	}
	var buf []byte
	for i, s := range x.Slots {
		buf = keyenc.AppendRow(buf[:0], ts, row, i)
		x.Table.SetBlob(s, word, buf)
	}
	return nil
}

// sealedResults is why the results of calls cannot be written.
func (a *accs) sealedResults(calls []jobgraph.AggCall) string {
	if s := a.sealedBySets(); s != "" {
		return s
	}
	shared := slices.ContainsFunc(a.Calls, func(c agg.Placed) bool { return c.Shared })
	if a.Retracts && a.Rows >= 0 && !shared {
		return "how many rows each group has is not among its results; write its table 'accumulators'"
	}
	for i := range a.Calls {
		if !a.Calls[i].Settable(a.Retracts) {
			return fmt.Sprintf("the result of %s does not say what is kept for it; write its table 'accumulators'", calls[i].Func)
		}
	}
	return ""
}

// sealedRaw is why accumulators cannot be written.
func (a *accs) sealedRaw(calls []jobgraph.AggCall) string {
	if s := a.sealedBySets(); s != "" {
		return s
	}
	for i := range a.Calls {
		if len(a.Calls[i].Blobs()) > 0 {
			return fmt.Sprintf("%s keeps bytes of its own", calls[i].Func)
		}
	}
	return ""
}

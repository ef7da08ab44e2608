// Package datagen is the connector 'datagen': rows of random or counting values,
// with the options of Flink's.
//
// Row n depends on n and the run's seed alone, but for dates, times and
// timestamps, which come from the clock as in Flink. Readers share the numbers out
// (package strided), and a restored job goes on with the rows that follow. A
// MULTISET's counts are how often an element was drawn; Flink draws the counts too,
// also zero.
package datagen

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/connect/datagen/strided"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/vec"
)

func init() { connect.Register(Connector(env.Now)) }

// Connector returns the connector with a clock in microseconds since 1970.
func Connector(now func() int64) *connect.Connector {
	return &connect.Connector{
		Name:    "datagen",
		Options: options,
		Source: func(t connect.Table, s connect.Scan) (connect.Source, error) {
			tab, err := newTable(t, s)
			if err != nil {
				return nil, err
			}
			tab.now = now
			return tab.source(max(1, s.Parallelism)), nil
		},
	}
}

// A '#' stands for a column's name, followed for what is inside it by '.' and a
// ROW's field, 'element', 'key' or 'value'.
var options = []connect.Option{
	{Key: "rows-per-second", Default: "10000", Doc: "how fast rows come, over all readers", Check: checkPositive},
	{Key: "number-of-rows", Doc: "how many rows there are; without it endless, unless a field counts", Check: checkCount},
	{Key: "fields.#.kind", Default: "random", Doc: "random or sequence", Check: checkKind},
	{Key: "fields.#.min", Doc: "least random number; without it the type's"},
	{Key: "fields.#.max", Doc: "largest random number; without it the type's"},
	{Key: "fields.#.max-past", Default: "0 s", Doc: "how far a random timestamp lies in the past, at most", Check: checkTime},
	{Key: "fields.#.length", Doc: "length of a random string or byte string (100) or collection (3)", Check: checkCount},
	{Key: "fields.#.var-len", Default: "false", Doc: "lengths from 1 to one less than the length, for VARCHAR and VARBINARY", Check: checkBool},
	{Key: "fields.#.null-rate", Default: "0", Doc: "share of random values that are NULL", Check: checkRate},
	{Key: "fields.#.start", Doc: "first value of a sequence"},
	{Key: "fields.#.end", Doc: "last value of a sequence; the table ends with it"},
}

const fieldPrefix = "fields."

func checkPositive(s string) error { return checkFrom(s, 1) }

func checkCount(s string) error { return checkFrom(s, 0) }

func checkFrom(s string, least int64) error {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return fmt.Errorf("'%s' is not a whole number", s)
	case n < least:
		return fmt.Errorf("%d is below %d", n, least)
	}
	return nil
}

func checkKind(s string) error {
	if s != "random" && s != "sequence" {
		return fmt.Errorf("'%s' is not random or sequence", s)
	}
	return nil
}

func checkTime(s string) error { _, err := connect.ParseDuration(s); return err }

func checkBool(s string) error { _, err := connect.Options{"it": s}.Bool("it", false); return err }

func checkRate(s string) error {
	if f, err := strconv.ParseFloat(s, 64); err != nil || !(f >= 0 && f <= 1) {
		return fmt.Errorf("'%s' is not a number from 0 to 1", s)
	}
	return nil
}

// A table is a table of the connector, ready to be read.
type table struct {
	cols []*column
	rows int64   // how many there are, -1 for endless
	rate float64 // a second
	size int     // rows of a batch, at most
	zone *time.Location
	now  func() int64
}

func newTable(t connect.Table, s connect.Scan) (*table, error) {
	out := &table{rows: -1}
	rate, err := t.Options.Int("rows-per-second", 10_000)
	if err != nil {
		return nil, err
	}
	out.rate = float64(rate)
	if out.rows, err = t.Options.Int("number-of-rows", -1); err != nil {
		return nil, err
	}
	if out.zone, err = time.LoadLocation(s.Zone); err != nil {
		return nil, fmt.Errorf("time zone of the table: %w", err)
	}
	r := newReader(t.Options, s.Seed)
	all := make([]*column, len(t.Schema))
	for i, f := range t.Schema { // also what is not read: it may end the table, or be wrong
		if all[i], err = r.column(f.Name, f.Type, true); err != nil {
			return nil, err
		}
	}
	if err := r.unread(t.Schema.Names()); err != nil {
		return nil, err
	}
	if r.sequence >= 0 && (out.rows < 0 || r.sequence < out.rows) {
		out.rows = r.sequence
	}
	width := 0
	for _, c := range s.Columns {
		out.cols = append(out.cols, all[c])
		width += all[c].width
	}
	out.size = max(1, min(vec.BatchRowsMax, vec.BatchBytesMax/max(width, 1)))
	return out, nil
}

func (t *table) source(readers int) *strided.Source {
	return &strided.Source{
		Ends:    t.rows >= 0,
		Readers: readers,
		Open: func(int) (strided.Make, error) {
			p := pace{rate: t.rate / float64(readers)}
			var ids []uint64
			return func(s *strided.Shard) (strided.Made, error) {
				now := t.now()
				s.Next = s.After(s.Next)
				ids = ids[:0]
				due := p.due(now)
				for ; len(ids) < min(due, t.size) && (t.rows < 0 || s.Next < t.rows); s.Next += s.Of {
					ids = append(ids, uint64(s.Next))
				}
				p.took(len(ids))
				return strided.Made{Batch: t.batch(ids, now), Ended: t.rows >= 0 && s.Next >= t.rows, Wait: p.wait()}, nil
			}, nil
		},
	}
}

func (t *table) batch(ids []uint64, now int64) *vec.Batch {
	if len(ids) == 0 {
		return nil
	}
	b := &vec.Batch{Rows: len(ids), Cols: make([]vec.Vector, len(t.cols))}
	c := clock{now: now, zone: t.zone}
	for i, col := range t.cols {
		b.Cols[i] = col.make(ids, c)
	}
	return b
}

// A pace limits rows by a bucket that fills at a rate and holds a second's worth:
// what was not taken in a slow hour does not come at once.
type pace struct {
	rate float64 // rows a second
	have float64
	last int64 // when have was right, 0 before the first time
}

// due returns how many rows may come, none until it is worth a batch.
func (p *pace) due(now int64) int {
	worth := p.worth()
	if p.last == 0 {
		p.last, p.have = now, worth
	}
	p.have = min(p.have+float64(now-p.last)*p.rate/1e6, max(p.rate, 1))
	p.last = now
	if p.have < worth {
		return 0
	}
	return int(min(p.have, math.MaxInt32))
}

// worth is a hundredth of a second's rows.
func (p *pace) worth() float64 { return max(1, p.rate/100) }

// wait returns how long it takes until rows are due.
func (p *pace) wait() time.Duration {
	return time.Duration(math.Ceil((p.worth() - p.have) / p.rate * float64(time.Second)))
}

func (p *pace) took(n int) { p.have -= float64(n) }

// unread is the error for options of fields that do not exist or take no such
// option.
func (r *reader) unread(names []string) error {
	var keys []string
	for k := range r.options {
		if strings.HasPrefix(k, fieldPrefix) && !r.read[k] {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	msg := fmt.Sprintf("option '%s' is for no column, or its column does not take it", keys[0])
	name, _, _ := strings.Cut(strings.TrimPrefix(keys[0], fieldPrefix), ".")
	if near := connect.Near(name, names); near != "" && !slices.Contains(names, name) {
		msg += fmt.Sprintf("; did you mean '%s'?", near)
	}
	return errors.New(msg)
}

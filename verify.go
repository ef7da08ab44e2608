package millrace

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/build"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Comparison is what Verify found out about one result of a script: a SELECT, or
// what an INSERT would have written.
type Comparison struct {
	Name      string // the table, or "SELECT 2"
	Schema    types.Schema
	Rows      int      // in both
	Stream    []string // rows that only the stream has, as CSV cells
	Batch     []string // rows that only the batch has
	Late      int      // rows that the stream dropped as late, and the batch likewise
	Undefined []string // what makes the result undefined in SQL: ties, LIMIT without ORDER BY …
}

// Agree reports whether both runs gave the same rows.
func (c *Comparison) Agree() bool { return len(c.Stream)+len(c.Batch) == 0 }

// Verify runs a script as a stream and as a batch and compares the results. It
// writes to no sink: what INSERTs would write is kept in memory. Unbounded sources
// are read up to where they end now. Both runs have one clock and one seed; the
// batch run drops the rows that the stream run dropped as late, at the same
// operator.
func Verify(ctx context.Context, cfg Config, file, text string) ([]*Comparison, error) {
	late := &lateLog{dropped: map[lateKey]int{}}
	clock := env.Now
	if cfg.Now != nil {
		clock = cfg.Now
	}
	now := clock()
	var runs [2]*verifyRun
	for i, mode := range []string{"streaming", "batch"} {
		v := &verifyRun{now: now, late: late, batch: i == 1}
		one := cfg
		one.verify, one.CheckpointDir, one.Restore = v, "", ""
		one.Options = maps.Clone(cfg.Options)
		if one.Options == nil {
			one.Options = map[string]string{}
		}
		one.Options[bind.OptMode] = mode
		if i == 1 {
			one.Log = nil // it would say the same again
		}
		if err := v.run(ctx, one, file, text); err != nil {
			return nil, fmt.Errorf("%s: %w", mode, err)
		}
		runs[i] = v
	}
	var out []*Comparison
	for i, stream := range runs[0].results {
		out = append(out, stream.compare(runs[1].results[i]))
	}
	return out, nil
}

// verifyRun is what a run of Verify changes about a session.
type verifyRun struct {
	now     int64
	late    *lateLog
	batch   bool
	results []*verifyResult
}

func (v *verifyRun) run(ctx context.Context, cfg Config, file, text string) error {
	s, err := Open(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	for st, err := range s.Script(file, text) {
		if err != nil {
			return err
		}
		switch st.AST.(type) {
		case *ast.Show, *ast.ShowCreate, *ast.Describe, *ast.Explain:
			continue
		}
		r := &verifyResult{Name: "SELECT " + strconv.Itoa(len(v.results)+1), run: v}
		res, err := s.Execute(ctx, st, r.take)
		if err != nil {
			return err
		}
		if res.Job == nil {
			continue
		}
		if err := res.Job.Wait(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if res.Kind == Query {
			r.schema, r.zone = res.Schema, s.Zone()
			r.undefined = undefined(res.Job.local.Graph)
			v.results = append(v.results, r)
		}
	}
	return nil
}

// prepare gives a job's world the run's clock, log of late rows and writers.
func (v *verifyRun) prepare(g *jobgraph.Graph, w *build.World, zone *time.Location) {
	fixed := *w.Env
	fixed.QueryStart, fixed.Now, fixed.Seed = v.now, func() int64 { return v.now }, 1
	w.Env = &fixed
	w.Late = &runLog{v.late, v.batch}
	sinks := map[string]*verifyResult{}
	for i := range g.Vertices {
		if src := g.Vertices[i].Source; src != nil {
			src.Scan.Bounded = true
		}
		for _, op := range g.Vertices[i].Ops {
			if s, ok := op.Spec.(*jobgraph.Sink); ok {
				r := &verifyResult{Name: s.Table.Name, schema: s.Table.Schema, key: s.Table.PrimaryKey, zone: zone, run: v, undefined: undefined(g)}
				sinks[op.ID] = r
				v.results = append(v.results, r)
			}
		}
	}
	w.Writer = func(op string, s *jobgraph.Sink) connect.Writer { return verifyWriter{sinks[op]} }
}

// A verifyResult collects the rows of one result, folded.
type verifyResult struct {
	Name      string
	schema    types.Schema
	key       []int // an upsert sink's primary key
	zone      *time.Location
	run       *verifyRun
	undefined []string

	mu    sync.Mutex
	rows  map[string]int    // how often each row is there
	byKey map[string]string // key → row
}

func (r *verifyResult) take(schema types.Schema, b *vec.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows == nil {
		r.rows, r.byKey, r.schema = map[string]int{}, map[string]string{}, schema
	}
	for i := range b.Len() {
		row := b.Row(i)
		r.change(b.Kind(row), r.text(b, row, nil), r.text(b, row, r.key))
	}
	return nil
}

func (r *verifyResult) change(kind vec.RowKind, row, key string) {
	if r.key == nil {
		if kind.Adds() {
			r.rows[row]++
		} else if r.rows[row]--; r.rows[row] == 0 {
			delete(r.rows, row)
		}
		return
	}
	if old, ok := r.byKey[key]; ok {
		delete(r.rows, old)
		delete(r.byKey, key)
	}
	if kind.Adds() {
		r.byKey[key] = row
		r.rows[row] = 1
	}
}

// text writes the columns given, or all, as cells of CSV.
func (r *verifyResult) text(b *vec.Batch, row int, cols []int) string {
	var out, cell []byte
	put := func(c int) {
		if len(out) > 0 {
			out = append(out, ',')
		}
		if b.Cols[c].Null(row) {
			out = append(out, "NULL"...)
			return
		}
		cell = expr.AppendText(cell[:0], r.schema[c].Type, b.Cols[c], row, r.zone)
		if r.schema[c].Type.Character() || r.schema[c].Type.Kind > types.TimestampLTZ {
			out = strconv.AppendQuote(out, string(cell))
		} else {
			out = append(out, cell...)
		}
	}
	if cols != nil {
		for _, c := range cols {
			put(c)
		}
		return string(out)
	}
	for c := range r.schema {
		put(c)
	}
	return string(out)
}

type verifyWriter struct{ r *verifyResult }

func (w verifyWriter) Write(b *vec.Batch) error         { return w.r.take(w.r.schema, b) }
func (w verifyWriter) Prepare(uint64) ([][]byte, error) { return nil, nil }
func (w verifyWriter) Close() error                     { return nil }

// compare matches the rows of two runs; sums of doubles within a part in 1e9.
func (r *verifyResult) compare(batch *verifyResult) *Comparison {
	c := &Comparison{Name: r.Name, Schema: r.schema, Undefined: r.undefined}
	onlyStream, onlyBatch := map[string]int{}, maps.Clone(batch.rows)
	for row, n := range r.rows {
		both := min(n, batch.rows[row])
		c.Rows += max(both, 0)
		if n != both {
			onlyStream[row] = n - both
		}
		if onlyBatch[row] -= both; onlyBatch[row] == 0 {
			delete(onlyBatch, row)
		}
	}
	left, right := spread(onlyStream), spread(onlyBatch)
	if slices.ContainsFunc(r.schema, func(f types.Field) bool { return f.Type.Approx() }) {
		left, right = c.near(left, right)
	}
	c.Stream, c.Batch = left, right
	r.run.late.mu.Lock()
	c.Late = r.run.late.total
	r.run.late.mu.Unlock()
	return c
}

func spread(m map[string]int) []string {
	var out []string
	for row, n := range m {
		for range n {
			out = append(out, row)
		}
	}
	slices.Sort(out)
	return out
}

// near takes away the pairs of rows that differ only in the last digits of
// approximate numbers.
func (c *Comparison) near(left, right []string) ([]string, []string) {
	var rest []string
	for _, l := range left {
		at := slices.IndexFunc(right, func(r string) bool { return c.close(l, r) })
		if at < 0 {
			rest = append(rest, l)
			continue
		}
		right = slices.Delete(right, at, at+1)
		c.Rows++
	}
	return rest, right
}

func (c *Comparison) close(a, b string) bool {
	x, y := strings.Split(a, ","), strings.Split(b, ",")
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] == y[i] {
			continue
		}
		p, err1 := strconv.ParseFloat(x[i], 64)
		q, err2 := strconv.ParseFloat(y[i], 64)
		if err1 != nil || err2 != nil || i >= len(c.Schema) || !c.Schema[i].Type.Approx() && len(x) == len(c.Schema) ||
			math.Abs(p-q) > 1e-9*max(1, math.Abs(p), math.Abs(q)) {
			return false
		}
	}
	return true
}

// undefined names what in a plan SQL leaves undefined.
func undefined(g *jobgraph.Graph) []string {
	found := map[string]bool{}
	for _, v := range g.Vertices {
		for _, op := range v.Ops {
			switch s := op.Spec.(type) {
			case *jobgraph.Limit:
				found["LIMIT without ORDER BY: which rows come is not defined"] = true
			case *jobgraph.Rank:
				found["rows that tie in the order of "+op.Name+": which comes first is not defined"] = s.RankKind == jobgraph.RowNumber
			case *jobgraph.Dedup:
				found["rows with equal times in "+op.Name+": which is first or last is not defined"] = true
			case *jobgraph.Over:
				found["rows that tie in the order of "+op.Name] = true
			case *jobgraph.GroupAgg:
				undefinedCalls(s.Aggs, found)
				if len(s.Keys) == 0 {
					found["a global aggregate over no rows: a batch has one row, a stream none"] = true
				}
				if s.TTLMs > 0 {
					found["state time-to-live: a stream forgets, a batch does not"] = true
				}
			case *jobgraph.WindowAgg:
				undefinedCalls(s.Aggs, found)
				if s.Window.Proctime {
					found["processing-time windows"] = true
				}
			case *jobgraph.Join:
				if s.LeftTTLMs > 0 || s.RightTTLMs > 0 {
					found["state time-to-live: a stream forgets, a batch does not"] = true
				}
			}
		}
	}
	maps.DeleteFunc(found, func(_ string, yes bool) bool { return !yes })
	return slices.Sorted(maps.Keys(found))
}

func undefinedCalls(calls []jobgraph.AggCall, found map[string]bool) {
	for _, c := range calls {
		switch c.Func {
		case "LISTAGG", "ARRAY_AGG", "COLLECT", "FIRST_VALUE", "LAST_VALUE":
			if len(c.Order) == 0 {
				found["the order of rows inside "+c.Func] = true
			}
		}
	}
}

// lateKey is a row that an operator dropped for a window.
type lateKey struct {
	op  string
	end int64
	row string
}

// A lateLog remembers which late rows the stream run has dropped.
type lateLog struct {
	mu      sync.Mutex
	dropped map[lateKey]int
	total   int
}

// runLog implements exec.LateLog for one run.
type runLog struct {
	log   *lateLog
	batch bool
}

func keyOf(op string, end int64, b *vec.Batch, row int) lateKey {
	var out []byte
	for _, c := range b.Cols {
		bd := rowBuilder(c, row)
		out = append(append(out, bd...), 0)
	}
	return lateKey{op, end, string(out)}
}

// rowBuilder writes a cell so that equal values have equal bytes.
func rowBuilder(c vec.Vector, row int) []byte {
	v := vec.Flat(vec.Take(c, []int32{int32(row)}))
	if v.Null(0) {
		return []byte("NULL")
	}
	if b, ok := v.(*vec.Bytes); ok {
		return append([]byte{'='}, b.At(0)...)
	}
	return fmt.Append(nil, v)
}

// Dropped implements exec.LateLog.
func (r *runLog) Dropped(op string, end int64, b *vec.Batch, row int) {
	if r.batch {
		return
	}
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.log.dropped[keyOf(op, end, b, row)]++
	r.log.total++
}

// Drop implements exec.LateLog.
func (r *runLog) Drop(op string, end int64, b *vec.Batch, row int) bool {
	if !r.batch {
		return false
	}
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if len(r.log.dropped) == 0 {
		return false
	}
	k := keyOf(op, end, b, row)
	n := r.log.dropped[k]
	if n == 0 {
		return false
	}
	r.log.dropped[k] = n - 1
	return true
}

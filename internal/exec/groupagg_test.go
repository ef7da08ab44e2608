package exec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// The columns of the tests' rows: two keys, values of several types, a filter and
// a time.
var aggTypes = []types.Type{types.TInt, types.TString, types.TBigInt, types.TString, types.DecimalOf(10, 2), types.TDouble,
	types.TBoolean, types.TimestampOf(3), types.DecimalOf(30, 4)}

const (
	colK, colS, colV, colT, colD, colF, colB, colTime, colW = 0, 1, 2, 3, 4, 5, 6, 7, 8
)

func aggRow(r *rand.Rand, keys int) []any {
	null := func(x any) any {
		if r.IntN(6) == 0 {
			return nil
		}
		return x
	}
	return []any{null(int64(r.IntN(keys))), null(string(rune('a' + r.IntN(3)))), null(int64(r.IntN(20) - 10)),
		null(strings.Repeat("x", r.IntN(3)) + string(rune('a'+r.IntN(5)))), null(int64(r.IntN(10000))), null(float64(r.IntN(64)) / 4),
		null(r.IntN(2) == 0), int64(r.IntN(100)) * 1e6, null(types.Int128Of(int64(r.IntN(1000))))}
}

// call makes a call with the types that Resolve asks for.
func call(name string, col int, filter int, distinct bool) jobgraph.AggCall {
	c := jobgraph.AggCall{Func: name, Filter: filter, Distinct: distinct}
	if col >= 0 {
		c.Args, c.ArgTypes = []int{col}, []types.Type{aggTypes[col]}
	}
	ret, _, err := agg.Resolve(name, c.ArgTypes)
	if err != nil {
		panic(err)
	}
	c.Ret = ret
	return c
}

// manyCalls is every function, some with filters and DISTINCT, on columns of
// several types.
func manyCalls() []jobgraph.AggCall {
	return []jobgraph.AggCall{
		call("COUNT", -1, -1, false), call("COUNT", colV, -1, false), call("COUNT", colV, colB, false),
		call("SUM", colV, -1, false), call("SUM", colD, colB, false), call("SUM", colF, -1, false), call("SUM", colW, -1, false), call("$SUM0", colV, -1, false),
		call("AVG", colV, -1, false), call("AVG", colD, -1, false), call("AVG", colF, -1, false),
		call("MIN", colV, -1, false), call("MAX", colV, colB, false), call("MIN", colT, -1, false), call("MAX", colT, -1, false), call("MAX", colW, -1, false), call("MIN", colF, -1, false),
		call("COUNT", colV, -1, true), call("COUNT", colV, colB, true), call("SUM", colV, -1, true), call("COUNT", colT, -1, true), call("COUNT", colW, colB, true), call("AVG", colF, -1, true),
		call("LISTAGG", colT, -1, false), call("ARRAY_AGG", colV, -1, false), call("COLLECT", colT, -1, false),
		call("VAR_POP", colV, -1, false),
	}
}

// unordered leaves out the functions for which it matters which of equal values a
// retraction takes out.
func unordered(calls []jobgraph.AggCall) []jobgraph.AggCall {
	return slices.DeleteFunc(calls, func(c jobgraph.AggCall) bool { return c.Func == "LISTAGG" || c.Func == "ARRAY_AGG" })
}

// naive computes a call over rows in the order of arrival.
func naive(c jobgraph.AggCall, rows [][]any) any {
	var vals []any
	seen := map[string]bool{}
	for _, r := range rows {
		if c.Filter >= 0 && r[c.Filter] != true {
			continue
		}
		if len(c.Args) == 0 {
			vals = append(vals, 1)
			continue
		}
		x := r[c.Args[0]]
		if x == nil && c.Func != "ARRAY_AGG" {
			continue
		}
		k := fmt.Sprint(x)
		if c.Distinct && seen[k] {
			continue
		}
		seen[k] = true
		vals = append(vals, x)
	}
	return fold(c, vals)
}

func fold(c jobgraph.AggCall, vals []any) any {
	switch c.Func {
	case "COUNT":
		return int64(len(vals))
	case "$SUM0":
		if len(vals) == 0 {
			return int64(0)
		}
	case "COLLECT":
		n := map[any]int{}
		for _, v := range vals {
			n[v]++
		}
		var parts []string
		for v, k := range n {
			parts = append(parts, fmt.Sprintf("%v=%d", v, k))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	}
	if len(vals) == 0 {
		return nil
	}
	switch c.Func {
	case "ARRAY_AGG":
		return vals
	case "LISTAGG":
		var parts []string
		for _, v := range vals {
			parts = append(parts, v.(string))
		}
		return strings.Join(parts, ",")
	case "MIN", "MAX":
		best := vals[0]
		for _, v := range vals[1:] {
			if cmp := compareAny(v, best); c.Func == "MIN" && cmp < 0 || c.Func == "MAX" && cmp > 0 {
				best = v
			}
		}
		return best
	}
	return foldNumbers(c, vals)
}

func foldNumbers(c jobgraph.AggCall, vals []any) any {
	var f float64
	var i types.Int128
	for _, v := range vals {
		switch x := v.(type) {
		case float64:
			f += x
		case int64:
			i = i.Add(types.Int128Of(x))
			f += float64(x)
		case types.Int128:
			i = i.Add(x)
		}
	}
	n := int64(len(vals))
	lo, _ := i.Int64()
	switch t := c.Ret; {
	case c.Func == "VAR_POP":
		mean, m2 := f/float64(n), 0.0
		for _, v := range vals {
			d := float64(v.(int64)) - mean
			m2 += d * d
		}
		return int64(m2/float64(n) + 1e-9)
	case c.Func == "AVG" && t.Approx():
		return f / float64(n)
	case c.Func == "AVG" && t.Kind == types.Decimal:
		q, _ := i.DivScaled(types.Int128Of(n), t.Scale-c.ArgTypes[0].Scale)
		return q
	case c.Func == "AVG":
		return lo / n
	case t.Approx():
		return f
	case t.Kind == types.Decimal:
		return i
	}
	return lo
}

func compareAny(a, b any) int {
	switch x := a.(type) {
	case int64:
		return int(x - b.(int64))
	case float64:
		return agg.CompareFloat(x, b.(float64))
	case types.Int128:
		return x.Cmp(b.(types.Int128))
	}
	return strings.Compare(a.(string), b.(string))
}

// A aggModel is the rows of each group.
type aggModel struct {
	spec  *jobgraph.GroupAgg
	order []string
	keys  map[string][]any
	rows  map[string][][]any
}

func newAggModel(spec *jobgraph.GroupAgg) *aggModel {
	return &aggModel{spec: spec, keys: map[string][]any{}, rows: map[string][][]any{}}
}

func (m *aggModel) change(kind vec.RowKind, row []any) {
	var key []any
	for _, c := range m.spec.Keys {
		key = append(key, row[c])
	}
	k := exectest.Text(key)
	if m.keys[k] == nil {
		m.keys[k] = append([]any{}, key...)
		m.order = append(m.order, k)
	}
	if kind.Adds() {
		m.rows[k] = append(m.rows[k], row)
		return
	}
	i := slices.IndexFunc(m.rows[k], func(r []any) bool { return exectest.Text(r) == exectest.Text(row) })
	m.rows[k] = slices.Delete(slices.Clone(m.rows[k]), i, i+1)
}

func (m *aggModel) result(k string) []any {
	out := slices.Clone(m.keys[k])
	for _, c := range m.spec.Aggs {
		out = append(out, naive(c, m.rows[k]))
	}
	return out
}

func (m *aggModel) results() []string {
	out := []string{}
	for _, k := range m.order {
		if len(m.rows[k]) > 0 {
			out = append(out, exectest.Text(m.result(k)))
		}
	}
	sort.Strings(out)
	return out
}

// changelog makes random rows and, with retracts, takes some out again.
func changelog(r *rand.Rand, n, keys int, retracts bool) (rows [][]any, kinds []vec.RowKind) {
	var live [][]any
	for range n {
		if retracts && len(live) > 0 && r.IntN(5) < 2 {
			i := r.IntN(len(live))
			rows, kinds = append(rows, live[i]), append(kinds, []vec.RowKind{vec.Delete, vec.UpdateBefore}[r.IntN(2)])
			live = slices.Delete(live, i, i+1)
			continue
		}
		row := aggRow(r, keys)
		live = append(live, row)
		rows, kinds = append(rows, row), append(kinds, []vec.RowKind{vec.Insert, vec.UpdateAfter}[r.IntN(2)])
	}
	if !retracts {
		kinds = nil
	}
	return rows, kinds
}

func kindAt(kinds []vec.RowKind, i int) vec.RowKind {
	if kinds == nil {
		return vec.Insert
	}
	return kinds[i]
}

// TestGroupAggRandom compares every mode with the model, over batch sizes,
// shapes, crashes and parallelisms.
func TestGroupAggRandom(t *testing.T) {
	for seed := range seeds(120) {
		r := rand.New(rand.NewPCG(seed, 1))
		retracts := r.IntN(2) == 0
		spec := &jobgraph.GroupAgg{Keys: [][]int{{colK}, {colK, colS}, {}, {colS}}[r.IntN(4)], Aggs: manyCalls(), Retracts: retracts,
			SendBefore: true, InputTypes: aggTypes}
		switch r.IntN(4) {
		case 0:
			spec.Fold, spec.FoldRows = true, []int{0, 10, 1000}[r.IntN(3)]
		case 1:
			spec.Emit = jobgraph.AtEnd
		}
		if retracts {
			spec.Aggs = unordered(spec.Aggs)
		}
		if r.IntN(4) == 0 && len(spec.Keys) > 0 {
			spec.Aggs = nil
		}
		name := fmt.Sprintf("seed=%d retracts=%v fold=%v/%d emit=%d keys=%v", seed, retracts, spec.Fold, spec.FoldRows, spec.Emit, spec.Keys)
		t.Run(name, func(t *testing.T) { groupAggOnce(t, r, spec) })
	}
}

func groupAggOnce(t *testing.T, r *rand.Rand, spec *jobgraph.GroupAgg) {
	rows, kinds := changelog(r, 1+r.IntN(400), 1+r.IntN(12), spec.Retracts)
	m := newAggModel(spec)
	for i, row := range rows {
		m.change(kindAt(kinds, i), row)
	}
	opt := exectest.Options{Keys: [][]int{spec.Keys}, Types: [][]types.Type{aggTypes}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) }, opt)
	batch := exectest.Batch(aggTypes, rows, kinds)
	for _, b := range exectest.Cut(r, batch, []int{1, 2, 7, 1024}[r.IntN(4)]) {
		run.Process(0, exectest.Disguise(r, b))
		if spec.Emit == jobgraph.OnChange {
			switch r.IntN(12) {
			case 0:
				run.Checkpoint()
			case 1:
				run.Crash(1 + r.IntN(1+2*min(1, len(spec.Keys))))
			case 2:
				run.Watermark(int64(r.IntN(10)))
			}
		}
	}
	run.End()
	got := exectest.Sum(t, run.Rows())
	if want := m.results(); !slices.Equal(got, want) {
		diff(t, got, want)
	}
}

// TestGroupAggChangelog compares the changes row by row, in their order.
func TestGroupAggChangelog(t *testing.T) {
	for seed := range seeds(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		spec := &jobgraph.GroupAgg{Keys: []int{colK}, Aggs: manyCalls(), Retracts: r.IntN(2) == 0, SendBefore: r.IntN(3) > 0, InputTypes: aggTypes}
		if spec.Retracts {
			spec.Aggs = unordered(spec.Aggs)
		}
		if r.IntN(3) == 0 {
			spec.Aggs = spec.Aggs[11:14]
		}
		rows, kinds := changelog(r, 200, 5, spec.Retracts)
		m := newAggModel(spec)
		var want []string
		for i, row := range rows {
			k := exectest.Text(row[:1])
			was, had := "", len(m.rows[k]) > 0
			if had {
				was = exectest.Text(m.result(k))
			}
			m.change(kindAt(kinds, i), row)
			is, has := "", len(m.rows[k]) > 0
			if has {
				is = exectest.Text(m.result(k))
			}
			switch {
			case !had && has:
				want = append(want, "+I "+is)
			case had && !has:
				want = append(want, "-D "+was)
			case was != is:
				if spec.SendBefore {
					want = append(want, "-U "+was)
				}
				want = append(want, "+U "+is)
			}
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) }, exectest.Options{})
		for _, b := range exectest.Cut(r, exectest.Batch(aggTypes, rows, kinds), []int{1, 7, 1024}[r.IntN(3)]) {
			run.Process(0, exectest.Disguise(r, b))
		}
		if got := exectest.Lines(run.Rows()); !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("seed %d: change %d: got\n%s\nwant\n%s", seed, i, got[i], want[i])
				}
			}
			t.Fatalf("seed %d: %d changes, want %d", seed, len(got), len(want))
		}
	}
}

// diff fails with the first rows that differ.
func diff(t *testing.T, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("row %d of %d, want %d:\ngot  %s\nwant %s", i, len(got), len(want), g, w)
		}
	}
}

// TestGroupAggPhases runs local and global phases one after the other.
func TestGroupAggPhases(t *testing.T) {
	for seed := range seeds(80) {
		r := rand.New(rand.NewPCG(seed, 3))
		spec := &jobgraph.GroupAgg{Keys: []int{colK, colS}, Aggs: manyCalls(), Retracts: r.IntN(2) == 0, SendBefore: true, InputTypes: aggTypes}
		spec.Aggs = unordered(spec.Aggs)
		if r.IntN(3) == 0 {
			spec.Emit = jobgraph.AtEnd
		}
		if r.IntN(3) == 0 {
			spec.Aggs = spec.Aggs[:11]
		}
		local, global := *spec, *spec
		local.Phase, global.Phase = jobgraph.Local, jobgraph.Global
		local.FoldRows = r.IntN(50)
		global.Fold = r.IntN(2) == 0
		global.Keys = []int{0, 1}
		partial, err := agg.PartialTypes(spec.Aggs, spec.Retracts)
		if err != nil {
			t.Fatal(err)
		}
		global.InputTypes = append([]types.Type{aggTypes[colK], aggTypes[colS]}, partial...)

		rows, kinds := changelog(r, 300, 6, spec.Retracts)
		m := newAggModel(spec)
		l := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(&local) }, exectest.Options{})
		for i, row := range rows {
			m.change(kindAt(kinds, i), row)
		}
		for _, b := range exectest.Cut(r, exectest.Batch(aggTypes, rows, kinds), 40) {
			l.Process(0, exectest.Disguise(r, b))
			if r.IntN(10) == 0 {
				l.Checkpoint()
			}
			if r.IntN(10) == 0 {
				l.Crash(1)
			}
		}
		l.End()
		g := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(&global) }, exectest.Options{Keys: [][]int{{0, 1}}, Types: [][]types.Type{global.InputTypes}})
		var parts [][]any
		for _, e := range l.Rows() {
			parts = append(parts, e.Row)
		}
		for _, b := range exectest.Cut(r, exectest.Batch(global.InputTypes, parts, nil), 30) {
			g.Process(0, exectest.Disguise(r, b))
			if spec.Emit == jobgraph.OnChange && r.IntN(5) == 0 {
				g.Checkpoint()
				g.Crash(1 + r.IntN(3))
			}
		}
		g.End()
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { diff(t, exectest.Sum(t, g.Rows()), m.results()) })
	}
}

// TestLocalPasses: when keys hardly repeat, a local phase passes rows on, and what
// they add up to is the same.
func TestLocalPasses(t *testing.T) {
	ts := []types.Type{types.TBigInt, types.TBigInt}
	sum := jobgraph.AggCall{Func: "SUM", Args: []int{1}, ArgTypes: ts[1:], Filter: -1, Ret: types.TBigInt}
	spec := &jobgraph.GroupAgg{Keys: []int{0}, Aggs: []jobgraph.AggCall{sum}, Phase: jobgraph.Local, FoldRows: 10000, InputTypes: ts}
	op := exec.NewGroupAgg(spec)
	if err := op.Open(benchContext(t)); err != nil {
		t.Fatal(err)
	}
	out := &sums{}
	want, batches := int64(0), 60
	for i := range batches {
		k, v := make([]int64, 4096), make([]int64, 4096)
		for j := range k {
			k[j], v[j] = int64(i*4096+j), int64(j)
			want += v[j]
		}
		for more, err := op.Process(0, &vec.Batch{Cols: []vec.Vector{&vec.Fixed[int64]{Vals: k}, &vec.Fixed[int64]{Vals: v}}, Rows: len(k)}, out); more; more, err = op.Resume(out) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for more, err := op.EndInput(0, out); more; more, err = op.Resume(out) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if out.sum != want || out.rows != batches*4096 || out.late < 20*4096 {
		t.Fatalf("sum %d in %d rows, want %d; %d were passed on", out.sum, out.rows, want, out.late)
	}
}

// sums adds up the partials of SUM. late counts the rows that came while a batch
// was processed as one, so passed on.
type sums struct {
	sum        int64
	rows, late int
}

func (s *sums) Watermark(int64) error { return nil }
func (s *sums) Emit(b *vec.Batch) error {
	for _, x := range b.Cols[1].(*vec.Fixed[int64]).Vals {
		s.sum += x
	}
	s.rows += b.Rows
	if b.Rows == 4096 && b.Cols[0].(*vec.Fixed[int64]).Vals[0]%4096 == 0 {
		s.late += b.Rows
	}
	return nil
}

// TestGroupAggFoldTime: a bundle that is not full is flushed when its time is over.
func TestGroupAggFoldTime(t *testing.T) {
	spec := &jobgraph.GroupAgg{Keys: []int{colK}, Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false)}, Fold: true, FoldRows: 100, FoldMs: 1000, InputTypes: aggTypes}
	run := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) }, exectest.Options{})
	row := []any{int64(1), nil, nil, nil, nil, nil, nil, int64(0), nil}
	b := exectest.Batch(aggTypes, [][]any{row, row}, nil)
	b.Marks = []vec.Mark{{Row: 1, Time: 5}}
	run.Process(0, b)
	run.Tick(10e6)
	run.Tick(10.9e6)
	run.Process(0, exectest.Batch(aggTypes, [][]any{row}, nil))
	if n := len(run.Events()); n > 0 {
		t.Fatalf("%d events too early", n)
	}
	run.Tick(11e6)
	diff(t, exectest.Lines(run.Events()), []string{"+I 1,3", "W 5"})
}

package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// The columns of OVER's tests: partition, id, time, a number, a text, a filter.
var overTypes = []types.Type{tStr, tInt, tTime, tInt, tStr, types.TBoolean}

func overRow(r *rand.Rand, id int) []any {
	row := []any{fmt.Sprint("p", r.IntN(3)), id, r.IntN(40) * 100_000, r.IntN(10) - 5, strings.Repeat("x", r.IntN(3)), r.IntN(2) == 0}
	for i := range row {
		if i != 1 && i != 2 && r.IntN(8) == 0 {
			row[i] = nil
		}
	}
	return row
}

func overCallOf(name string, col int, f jobgraph.Frame) jobgraph.OverCall {
	c := jobgraph.OverCall{AggCall: jobgraph.AggCall{Func: name, Filter: -1}, Frame: f}
	switch name {
	case "ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE":
		c.Ret = tInt
		c.Consts = []any{int64(3)}
		return c
	case "PERCENT_RANK", "CUME_DIST":
		c.Ret = types.TDouble
		return c
	}
	if col >= 0 {
		c.Args, c.ArgTypes = []int{col}, []types.Type{overTypes[col]}
	}
	if name == "LAG" || name == "LEAD" {
		c.Ret = overTypes[col]
		c.Args, c.Consts = append(c.Args, 1), []any{nil, int64(2)}
		return c
	}
	ret, _, err := agg.Resolve(name, c.ArgTypes)
	if err != nil {
		panic(err)
	}
	c.Ret = ret.Nullable(true)
	return c
}

func rowsFrame(from, to int64) jobgraph.Frame {
	return jobgraph.Frame{Rows: true, From: overBound(from), To: overBound(to)}
}

func rangeFrame(from, to int64) jobgraph.Frame {
	return jobgraph.Frame{From: overBound(from), To: overBound(to)}
}

func overBound(n int64) jobgraph.FrameBound {
	if n == unboundedRow {
		return jobgraph.FrameBound{Unbounded: true}
	}
	return jobgraph.FrameBound{Offset: n}
}

const unboundedRow = math.MaxInt32

// overModel computes one call for row i of a sorted partition, the slow way.
func overModel(part [][]any, i int, c *jobgraph.OverCall, order []jobgraph.SortKey) any {
	n := len(part)
	peer := func(k int) bool { return compareRows(part[k], part[i], order) == 0 }
	first, last := i, i
	for first > 0 && peer(first-1) {
		first--
	}
	for last < n-1 && peer(last+1) {
		last++
	}
	switch c.Func {
	case "ROW_NUMBER":
		return i + 1
	case "RANK":
		return first + 1
	case "DENSE_RANK":
		d := 1
		for k := 1; k <= first; k++ {
			if compareRows(part[k-1], part[k], order) != 0 {
				d++
			}
		}
		return d
	case "PERCENT_RANK":
		if n == 1 {
			return 0.0
		}
		return float64(first) / float64(n-1)
	case "CUME_DIST":
		return float64(last+1) / float64(n)
	case "NTILE":
		at := 0
		for b := range 3 {
			size := n / 3
			if b < n%3 {
				size++
			}
			if at += size; i < at {
				return b + 1
			}
		}
	case "LAG", "LEAD":
		d := int(c.Consts[1].(int64))
		if c.Func == "LEAD" {
			d = -d
		}
		if k := i - d; k >= 0 && k < n {
			return part[k][c.Args[0]]
		}
		return nil
	}
	var vals []any
	rows := 0
	seen := map[any]bool{}
	for k := range n {
		if !inFrame(part, i, k, first, last, c.Frame, order) {
			continue
		}
		if c.Filter >= 0 && part[k][c.Filter] != true {
			continue
		}
		rows++
		if len(c.Args) > 0 {
			if v := part[k][c.Args[0]]; v != nil && (!c.Distinct || !seen[v]) {
				seen[v] = true
				vals = append(vals, v)
			}
		}
	}
	return modelAgg(c.Func, rows, len(c.Args) > 0, vals)
}

func inFrame(part [][]any, i, k, first, last int, f jobgraph.Frame, order []jobgraph.SortKey) bool {
	if f.Rows {
		return (f.From.Unbounded || int64(k-i) >= f.From.Offset) && (f.To.Unbounded || int64(k-i) <= f.To.Offset)
	}
	if f.From.Offset == 0 && f.To.Offset == 0 {
		return (f.From.Unbounded || k >= first) && (f.To.Unbounded || k <= last)
	}
	x, y := part[i][order[0].Col], part[k][order[0].Col]
	if x == nil || y == nil {
		switch {
		case x == nil && y == nil:
			return true
		case k < i:
			return f.From.Unbounded
		default:
			return f.To.Unbounded
		}
	}
	d := int64(y.(int) - x.(int))
	if order[0].Desc {
		d = -d
	}
	return (f.From.Unbounded || d >= f.From.Offset) && (f.To.Unbounded || d <= f.To.Offset)
}

func modelAgg(name string, rows int, arg bool, vals []any) any {
	if name == "COUNT" {
		if arg {
			return len(vals)
		}
		return rows
	}
	if len(vals) == 0 {
		return nil
	}
	less := func(a, b any) bool {
		if s, ok := a.(string); ok {
			return s < b.(string)
		}
		return a.(int) < b.(int)
	}
	out := vals[0]
	switch name {
	case "SUM", "AVG":
		sum := 0
		for _, v := range vals {
			sum += v.(int)
		}
		if name == "AVG" {
			return sum / len(vals)
		}
		return sum
	case "MIN", "MAX":
		for _, v := range vals[1:] {
			if name == "MIN" && less(v, out) || name == "MAX" && less(out, v) {
				out = v
			}
		}
	case "LAST_VALUE":
		out = vals[len(vals)-1]
	case "LISTAGG":
		var s []string
		for _, v := range vals {
			s = append(s, v.(string))
		}
		out = strings.Join(s, ",")
	}
	return out
}

// overWant computes all rows.
func overWant(rows [][]any, spec *jobgraph.Over) []string {
	parts := map[string][][]any{}
	for _, row := range rows {
		var key []any
		for _, c := range spec.Partition {
			key = append(key, row[c])
		}
		parts[exectest.Text(key)] = append(parts[exectest.Text(key)], row)
	}
	out := []string{}
	for _, p := range parts {
		slices.SortStableFunc(p, func(a, b []any) int { return compareRows(a, b, spec.Order) })
		for i, row := range p {
			full := slices.Clone(row)
			for c := range spec.Calls {
				full = append(full, overModel(p, i, &spec.Calls[c], spec.Order))
			}
			out = append(out, exectest.Text(full))
		}
	}
	slices.Sort(out)
	return out
}

var overFuncs = []struct {
	name string
	col  int
}{{"COUNT", -1}, {"COUNT", 3}, {"SUM", 3}, {"AVG", 3}, {"MIN", 3}, {"MAX", 4}, {"FIRST_VALUE", 4}, {"LAST_VALUE", 3}, {"LISTAGG", 4}, {"MAX", 3}}

func randomOverCall(r *rand.Rand, f jobgraph.Frame) jobgraph.OverCall {
	x := overFuncs[r.IntN(len(overFuncs))]
	c := overCallOf(x.name, x.col, f)
	if r.IntN(4) == 0 {
		c.Filter = 5
	}
	if r.IntN(3) == 0 && (x.name == "COUNT" && x.col >= 0 || x.name == "SUM") {
		c.Distinct = true
	}
	return c
}

func TestOverEnd(t *testing.T) {
	for seed := range seeds(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := &jobgraph.Over{Time: -1, Emit: jobgraph.AtEnd, Types: overTypes}
		if r.IntN(3) > 0 {
			spec.Partition = []int{0}
		}
		one := []int{2, 3}[r.IntN(2)]
		spec.Order = []jobgraph.SortKey{{Col: one, Desc: r.IntN(2) == 0, NullsLast: r.IntN(2) == 0}}
		ranges := r.IntN(2) == 0
		if !ranges {
			spec.Order = append(spec.Order, jobgraph.SortKey{Col: 4})
		}
		unit := int64(1)
		if one == 2 {
			unit = 100_000
		}
		for range 1 + r.IntN(4) {
			var f jobgraph.Frame
			a, b := int64(r.IntN(7)-3), int64(r.IntN(7)-3)
			a, b = min(a, b), max(a, b)
			switch {
			case r.IntN(4) == 0:
				a = unboundedRow
			case r.IntN(4) == 0:
				b = unboundedRow
			}
			switch {
			case r.IntN(2) == 0:
				f = rowsFrame(a, b)
			case ranges:
				f = rangeFrame(a, b)
				f.From.Offset, f.To.Offset = f.From.Offset*unit, f.To.Offset*unit
			default:
				f = rangeFrame(unboundedRow, 0)
			}
			spec.Calls = append(spec.Calls, randomOverCall(r, f))
		}
		for _, name := range []string{"ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "PERCENT_RANK", "CUME_DIST", "LAG", "LEAD"} {
			if r.IntN(5) == 0 {
				spec.Calls = append(spec.Calls, overCallOf(name, 3, jobgraph.Frame{}))
			}
		}
		var rows [][]any
		var list []modelChange
		for id := range r.IntN(120) {
			row := overRow(r, id)
			rows, list = append(rows, row), append(list, modelChange{kI, row})
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewOver(spec) }, exectest.Options{Batch: true})
		feedRandom(r, run, 0, spec.Types, list, false, false)
		run.End()
		checkOver(t, seed, run, rows, spec)
	}
}

func checkOver(t *testing.T, seed uint64, run *exectest.Run, rows [][]any, spec *jobgraph.Over) {
	t.Helper()
	changes := run.Rows()
	if spec.AfterOnly {
		changes = withBefore(t, changes)
	}
	got, want := exectest.Sum(t, changes), overWant(rows, spec)
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("got %s\nwant %s", got[i], want[i])
			break
		}
	}
	t.Fatalf("seed %d: %d rows, want %d; %+v %+v", seed, len(got), len(want), spec.Order, spec.Calls)
}

// withBefore puts before each +U the -U that was left out: of the last row with its id,
// which rows have in their second column.
func withBefore(t *testing.T, changes []exectest.Event) (out []exectest.Event) {
	t.Helper()
	last := map[any]exectest.Event{}
	for _, e := range changes {
		id := e.Row[1]
		switch e.Kind {
		case vec.UpdateBefore:
			t.Fatalf("%s: no -U is wanted", e)
		case vec.UpdateAfter:
			before := last[id]
			before.Kind = vec.UpdateBefore
			out = append(out, before)
		}
		last[id], out = e, append(out, e)
	}
	return out
}

func TestOverStream(t *testing.T) {
	for seed := range seeds(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := &jobgraph.Over{Time: 2, Types: overTypes, Order: []jobgraph.SortKey{{Col: 2}}}
		if r.IntN(3) > 0 {
			spec.Partition = []int{0}
		}
		for range 1 + r.IntN(3) {
			var f jobgraph.Frame
			switch r.IntN(4) {
			case 0:
				f = rowsFrame(unboundedRow, 0)
			case 1:
				f = rangeFrame(unboundedRow, 0)
			case 2:
				f = rowsFrame(-int64(r.IntN(4)), 0)
			case 3:
				f = rangeFrame(-int64(r.IntN(8)*100_000), 0)
			}
			spec.Calls = append(spec.Calls, randomOverCall(r, f))
		}
		for _, name := range []string{"ROW_NUMBER", "RANK", "DENSE_RANK", "LAG"} {
			if r.IntN(4) == 0 {
				spec.Calls = append(spec.Calls, overCallOf(name, 3, jobgraph.Frame{}))
			}
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewOver(spec) }, exectest.Options{Keys: [][]int{spec.Partition}, Types: [][]types.Type{overTypes}})
		mark := int64(math.MinInt64)
		late := newOverLate(spec)
		var kept [][]any
		id := 0
		for range 12 {
			var part [][]any
			var marks []vec.Mark
			for range r.IntN(15) {
				if r.IntN(8) == 0 {
					mark = max(mark, int64(r.IntN(4_000_000)))
					marks = append(marks, vec.Mark{Row: int32(len(part)), Time: mark})
					late.watermark(mark)
				}
				row := overRow(r, id)
				id++
				if late.forgotten(row) {
					continue // its frame begins anew: TestOverForgets
				}
				part = append(part, row)
				if !late.row(row) {
					kept = append(kept, row)
				}
			}
			b := exectest.Batch(overTypes, part, nil)
			b.Marks = marks
			run.Process(0, exectest.Disguise(r, b))
			disturb(r, run, spec.Partition != nil)
			if r.IntN(3) == 0 {
				mark = max(mark, int64(r.IntN(4_000_000)))
				run.Watermark(mark)
				late.watermark(mark)
			}
		}
		run.End()
		checkOver(t, seed, run, kept, spec)
	}
}

// overLate is what is late in OVER: a row at or behind the watermark; if all frames
// have a beginning, a row that is not behind the last one of its partition that the
// watermark has passed, until that is forgotten.
type overLate struct {
	spec   *jobgraph.Over
	framed bool
	reach  int64
	mark   int64
	wait   map[any][]int64
	last   map[any]int64
}

func newOverLate(spec *jobgraph.Over) *overLate {
	l := &overLate{spec: spec, framed: true, reach: -1, mark: math.MinInt64, wait: map[any][]int64{}, last: map[any]int64{}}
	for _, c := range spec.Calls {
		if c.Frame.From.Unbounded || c.Func == "ROW_NUMBER" || c.Func == "RANK" || c.Func == "DENSE_RANK" || c.Func == "LAG" {
			l.framed = false
		}
		if !c.Frame.Rows {
			l.reach = max(l.reach, -c.Frame.From.Offset)
		}
	}
	return l
}

func (l *overLate) watermark(t int64) {
	if t <= l.mark {
		return
	}
	l.mark = t
	for k, times := range l.wait {
		l.wait[k] = slices.DeleteFunc(times, func(at int64) bool {
			if at <= t {
				l.last[k] = max(l.last[k], at)
			}
			return at <= t
		})
	}
}

// row reports whether a row is late.
func (l *overLate) row(row []any) bool {
	at := int64(row[2].(int))
	if !l.framed {
		return at <= l.mark
	}
	k := l.key(row)
	if last, passed := l.last[k]; passed && at <= last {
		return true
	}
	l.wait[k] = append(l.wait[k], at)
	return false
}

func (l *overLate) key(row []any) any {
	if l.spec.Partition == nil {
		return nil
	}
	return row[0]
}

// forgotten reports whether a row is behind the watermark, and its partition's last
// one so far behind that nothing is known of it any more.
func (l *overLate) forgotten(row []any) bool {
	last, passed := l.last[l.key(row)]
	return l.framed && l.reach >= 0 && passed && int64(row[2].(int)) <= l.mark && l.mark > last+l.reach+l.reach/2
}

// TestOverForgets has rows behind the watermark: one that its partition has not
// overtaken, one that it has, and one of a partition that nothing is known of any more.
func TestOverForgets(t *testing.T) {
	spec := &jobgraph.Over{Time: 2, Types: overTypes, Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 2}}}
	spec.Calls = []jobgraph.OverCall{overCallOf("SUM", 1, rangeFrame(-100, 0))}
	run := exectest.Start(t, func() exec.Operator { return exec.NewOver(spec) }, exectest.Options{Types: [][]types.Type{overTypes}})
	feed := func(rows ...[]any) { run.Process(0, exectest.Batch(overTypes, rows, nil)) }
	row := func(key string, id, time int) []any {
		out := overRow(rand.New(rand.NewPCG(1, 1)), id)
		out[0], out[1], out[2] = key, id, time
		return out
	}
	feed(row("a", 1, 1000), row("b", 10, 1090))
	run.Watermark(1100)
	feed(row("a", 2, 1050), row("b", 20, 1080)) // a's is behind its last row, b's is not
	run.Watermark(1151)
	feed(row("a", 4, 1040), row("b", 40, 1100)) // 1050 and half of 100 more than the frame are not over
	run.Watermark(1300)
	feed(row("a", 8, 1060), row("b", 80, 1085))
	run.End()
	var got []string
	for _, e := range run.Rows() {
		if !e.Mark {
			got = append(got, fmt.Sprint(e.Row[0], e.Row[2], " ", e.Row[len(e.Row)-1]))
		}
	}
	want := []string{"a1000 1", "b1090 10", "a1050 3", "b1100 50", "a1060 8", "b1085 80"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOverChanges(t *testing.T) {
	for seed := range seeds(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := &jobgraph.Over{Time: -1, Types: overTypes, Order: []jobgraph.SortKey{{Col: 3, Desc: r.IntN(2) == 0}, {Col: 1}}, Retracts: true, AfterOnly: seed%2 == 0}
		if r.IntN(3) > 0 {
			spec.Partition = []int{0}
		}
		for range 1 + r.IntN(3) {
			f := []jobgraph.Frame{rowsFrame(unboundedRow, 0), rangeFrame(unboundedRow, 0), rowsFrame(-2, 0), rowsFrame(unboundedRow, unboundedRow)}[r.IntN(4)]
			spec.Calls = append(spec.Calls, randomOverCall(r, f))
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewOver(spec) }, exectest.Options{Keys: [][]int{spec.Partition}, Types: [][]types.Type{overTypes}})
		var live [][]any
		var list []modelChange
		for id := range 100 {
			if len(live) > 0 && r.IntN(3) == 0 {
				i := r.IntN(len(live))
				list = append(list, modelChange{kD, live[i]})
				live = slices.Delete(live, i, i+1)
				continue
			}
			row := overRow(r, id)
			live, list = append(live, row), append(list, modelChange{kI, row})
		}
		feedRandom(r, run, 0, overTypes, list, true, spec.Partition != nil)
		run.End()
		checkOver(t, seed, run, live, spec)
	}
}

// TestOverEndSpill has partitions across batches, and too little memory.
func TestOverEndSpill(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	spec := &jobgraph.Over{Time: -1, Emit: jobgraph.AtEnd, Types: overTypes, Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 1}},
		Calls: []jobgraph.OverCall{overCallOf("ROW_NUMBER", -1, jobgraph.Frame{}), overCallOf("SUM", 1, rowsFrame(-1, 0))}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewOver(spec) }, exectest.Options{Batch: true, Memory: &base.Budget{Limit: 1}, Spill: memSpill()})
	type last struct{ n, id int }
	state := map[string]last{}
	want := map[string]bool{}
	for id := 0; id < 100_000; {
		var part [][]any
		for range 2000 {
			row := overRow(r, id)
			row[0] = fmt.Sprint("p", r.IntN(1000*(1-r.IntN(2))+3))
			l := state[row[0].(string)]
			sum := id
			if l.n > 0 {
				sum += l.id
			}
			want[exectest.Text(append(slices.Clone(row), l.n+1, sum))] = true
			state[row[0].(string)] = last{l.n + 1, id}
			part = append(part, row)
			id++
		}
		run.Process(0, exectest.Batch(overTypes, part, nil))
	}
	run.End()
	rows := run.Rows()
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for _, e := range rows {
		if e.Kind != vec.Insert || !want[exectest.Text(e.Row)] {
			t.Fatalf("not wanted: %s", e)
		}
	}
}

// TestOverProctime numbers and sums rows as they come.
func TestOverProctime(t *testing.T) {
	ts := slices.Clone(overTypes)
	ts[2].Rowtime, ts[2].Proctime = false, true
	spec := &jobgraph.Over{Time: -1, Types: ts, Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 2}},
		Calls: []jobgraph.OverCall{overCallOf("ROW_NUMBER", -1, jobgraph.Frame{}), overCallOf("SUM", 1, rangeFrame(unboundedRow, 0)),
			overCallOf("SUM", 1, rowsFrame(-1, 0)), overCallOf("COUNT", -1, rangeFrame(-1_000_000, 0)), overCallOf("LAG", 3, jobgraph.Frame{})}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewOver(spec) }, exectest.Options{})
	row := func(p string, id int) []any { return []any{p, id, nil, id, nil, nil} }
	run.Tick(1_000_000)
	run.Process(0, exectest.Batch(ts, [][]any{row("a", 1), row("b", 2), row("a", 3)}, nil))
	run.Checkpoint()
	run.Crash(1)
	run.Tick(1_900_000)
	run.Process(0, exectest.Batch(ts, [][]any{row("a", 4)}, nil))
	run.Tick(2_500_000)
	run.Process(0, exectest.Batch(ts, [][]any{row("a", 5), row("b", 6)}, nil))
	wantLines(t, run.Rows(), `
+I a,1,NULL,1,NULL,NULL,1,1,1,2,NULL
+I b,2,NULL,2,NULL,NULL,1,2,2,1,NULL
+I a,3,NULL,3,NULL,NULL,2,4,4,2,NULL
+I a,4,NULL,4,NULL,NULL,3,8,7,3,1
+I a,5,NULL,5,NULL,NULL,4,13,9,2,3
+I b,6,NULL,6,NULL,NULL,2,8,8,1,NULL`)
}

// dropLog remembers what a stream drops, and has a batch run drop the same.
type dropLog struct {
	dropped map[string]int
}

func (l *dropLog) key(end int64, b *vec.Batch, row int) string {
	out := []any{end}
	for _, c := range b.Cols {
		out = append(out, exectest.Value(c, row))
	}
	return exectest.Text(out)
}

func (l *dropLog) Dropped(_ string, end int64, b *vec.Batch, row int) {
	l.dropped[l.key(end, b, row)]++
}

func (l *dropLog) Drop(_ string, end int64, b *vec.Batch, row int) bool {
	k := l.key(end, b, row)
	if l.dropped[k] == 0 {
		return false
	}
	l.dropped[k]--
	return true
}

// TestLateDrops has a batch run that drops what the stream has dropped.
func TestLateDrops(t *testing.T) {
	for seed := range uint64(60) {
		frame := rangeFrame(unboundedRow, 0)
		over := &jobgraph.Over{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 2}}, Time: 2, Types: overTypes, Calls: []jobgraph.OverCall{overCallOf("SUM", 3, frame)}}
		dedup := &jobgraph.Dedup{Keys: []int{0}, Time: 2, Types: overTypes}
		order := &jobgraph.Sort{Order: []jobgraph.SortKey{{Col: 2}}, From: 1, To: -1, Time: 2, Types: overTypes}
		rank := &jobgraph.Rank{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 1}}, From: 1, To: 2, Types: overTypes, WindowEnd: 2, Granule: 1000}
		for name, ops := range map[string][2]func() exec.Operator{
			"over":  {func() exec.Operator { return exec.NewOver(over) }, func() exec.Operator { s := *over; s.Emit = jobgraph.AtEnd; return exec.NewOver(&s) }},
			"dedup": {func() exec.Operator { return exec.NewDedup(dedup) }, func() exec.Operator { s := *dedup; s.Emit = jobgraph.AtEnd; return exec.NewDedup(&s) }},
			"sort":  {func() exec.Operator { return exec.NewSort(order) }, func() exec.Operator { s := *order; s.Time = -1; return exec.NewSort(&s) }},
			"rank":  {func() exec.Operator { return exec.NewRank(rank) }, func() exec.Operator { return exec.NewRank(rank) }},
		} {
			log := &dropLog{dropped: map[string]int{}}
			var got [2][]string
			for mode := range 2 {
				r := rand.New(rand.NewPCG(seed, 1))
				run := exectest.Start(t, ops[mode], exectest.Options{Late: log, Batch: mode == 1})
				for i := range 10 {
					var part [][]any
					for k := range r.IntN(10) {
						row := overRow(r, 10*i+k)
						row[2] = row[2].(int)/100_000*100_000 + 1000*row[1].(int)
						part = append(part, row)
					}
					run.Process(0, exectest.Batch(overTypes, part, nil))
					if w := int64(i * 400_000); mode == 0 {
						run.Watermark(w)
					}
				}
				run.End()
				got[mode] = exectest.Sum(t, run.Rows())
			}
			if !slices.Equal(got[0], got[1]) {
				t.Fatalf("seed %d: %s\nstream %q\nbatch  %q", seed, name, got[0], got[1])
			}
			for k, n := range log.dropped {
				if n != 0 {
					t.Fatalf("seed %d: %s: the batch run has kept %s", seed, name, k)
				}
			}
		}
	}
}

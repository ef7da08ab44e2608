package exec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// The columns of a join's sides: key, second key, id (unique with the keys), value.
var sideTypes = []types.Type{tStr, tInt, tInt, tInt}

func sideRow(r *rand.Rand, id int) []any {
	row := []any{fmt.Sprint("k", r.IntN(3)), r.IntN(2), id, r.IntN(4)}
	for i := range row {
		if i != 2 && r.IntN(7) == 0 {
			row[i] = nil
		}
	}
	return row
}

// valueLess is left.value < right.value.
func valueLess() *expr.Expr { return valueOf(3, 7) }

// valueOf is the condition that one column is less than another.
func valueOf(a, b int) *expr.Expr {
	return &expr.Expr{Op: expr.Call, Func: "<", Type: types.TBoolean, Args: []*expr.Expr{expr.Column(a, tInt), expr.Column(b, tInt)}}
}

type pairModel struct {
	kind     jobgraph.JoinKind
	lk, rk   []int
	nullSafe []bool
	cond     bool
	also     func(l, r []any) bool
}

func (m *pairModel) matches(l, r []any) bool {
	for i := range m.lk {
		x, y := l[m.lk[i]], r[m.rk[i]]
		if x == nil || y == nil {
			if x != nil || y != nil || m.nullSafe == nil || !m.nullSafe[i] {
				return false
			}
			continue
		}
		if x != y {
			return false
		}
	}
	if m.also != nil && !m.also(l, r) {
		return false
	}
	return !m.cond || l[3] != nil && r[3] != nil && l[3].(int) < r[3].(int)
}

func (m *pairModel) rows(left, right [][]any) []string {
	nulls := []any{nil, nil, nil, nil}
	out := []string{}
	add := func(a, b []any) { out = append(out, exectest.Text(append(slices.Clone(a), b...))) }
	hit := make([]bool, len(right))
	for _, l := range left {
		n := 0
		for i, r := range right {
			if m.matches(l, r) {
				n++
				hit[i] = true
				if m.kind < jobgraph.Semi {
					add(l, r)
				}
			}
		}
		switch {
		case n == 0 && (m.kind == jobgraph.Left || m.kind == jobgraph.Full):
			add(l, nulls)
		case n == 0 && m.kind == jobgraph.Anti, n > 0 && m.kind == jobgraph.Semi:
			add(l, nil)
		}
	}
	for i, r := range right {
		if !hit[i] && (m.kind == jobgraph.Right || m.kind == jobgraph.Full) {
			add(nulls, r)
		}
	}
	slices.Sort(out)
	return out
}

func randomJoinModel(r *rand.Rand) *pairModel {
	m := &pairModel{kind: jobgraph.JoinKind(r.IntN(6)), cond: r.IntN(3) == 0}
	switch r.IntN(4) {
	case 0:
	case 1:
		m.lk, m.rk = []int{0, 1}, []int{0, 1}
	default:
		m.lk, m.rk = []int{0}, []int{0}
	}
	if r.IntN(3) == 0 {
		for range m.lk {
			m.nullSafe = append(m.nullSafe, r.IntN(2) == 0)
		}
	}
	return m
}

// randomChanges adds rows to those that are there, and unless there are inserts only it
// deletes some and changes others.
func randomChanges(r *rand.Rand, live *[][]any, id *int, inserts bool) (list []modelChange) {
	for range r.IntN(12) {
		if r.IntN(3) == 0 && len(*live) > 0 && !inserts {
			i := r.IntN(len(*live))
			old := (*live)[i]
			*live = slices.Delete(*live, i, i+1)
			if r.IntN(2) == 0 {
				list = append(list, modelChange{kD, old})
				continue
			}
			row := sideRow(r, old[2].(int))
			list = append(list, modelChange{kB, old}, modelChange{kA, row})
			*live = append(*live, row)
			continue
		}
		row := sideRow(r, *id)
		if r.IntN(8) == 0 && len(*live) > 0 {
			row = (*live)[r.IntN(len(*live))]
		}
		*id++
		list = append(list, modelChange{kI, row})
		*live = append(*live, row)
	}
	return list
}

func TestJoinRandom(t *testing.T) {
	for seed := range seeds(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := randomJoinModel(r)
		spec := &jobgraph.Join{JoinKind: m.kind, LeftKeys: m.lk, RightKeys: m.rk, NullSafe: m.nullSafe, LeftTypes: sideTypes, RightTypes: sideTypes, SendBefore: r.IntN(2) == 0}
		if m.cond {
			spec.Cond = valueLess()
		}
		app := [2]bool{r.IntN(3) == 0, r.IntN(3) == 0}
		spec.LeftAppend, spec.RightAppend = app[0], app[1]
		opt := exectest.Options{Keys: [][]int{m.lk, m.rk}, Types: [][]types.Type{sideTypes, sideTypes}, Inputs: 2}
		run := exectest.Start(t, func() exec.Operator { return exec.NewJoin(spec) }, opt)
		var live [2][][]any
		id := 0
		for range 20 {
			in := r.IntN(2)
			list := randomChanges(r, &live[in], &id, app[in])
			feedOne(r, run, in, sideTypes, list)
			disturb(r, run, m.lk != nil)
			if r.IntN(5) == 0 {
				run.Watermark(int64(id))
			}
		}
		run.End()
		if got, want := exectest.Sum(t, run.Rows()), m.rows(live[0], live[1]); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %+v\ngot  %d %q\nwant %d %q", seed, m, len(got), got, len(want), want)
		}
	}
}

// TestJoinUpsert has inputs that send updates without what was before, and a
// receiver that knows rows by the keys of both sides.
func TestJoinUpsert(t *testing.T) {
	for seed := range seeds(250) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := &pairModel{kind: jobgraph.JoinKind(r.IntN(6)), lk: []int{1}, rk: []int{1}}
		spec := &jobgraph.Join{JoinKind: m.kind, LeftKeys: m.lk, RightKeys: m.rk, LeftTypes: sideTypes, RightTypes: sideTypes,
			LeftUnique: []int{1, 2}, RightUnique: []int{1, 2}}
		if r.IntN(3) == 0 {
			spec.LeftUnique, spec.RightUnique = []int{1}, []int{1} // at most one row a key
		}
		one := len(spec.LeftUnique) == 1
		opt := exectest.Options{Keys: [][]int{m.lk, m.rk}, Types: [][]types.Type{sideTypes, sideTypes}, Inputs: 2}
		run := exectest.Start(t, func() exec.Operator { return exec.NewJoin(spec) }, opt)
		live := [2]map[string][]any{{}, {}}
		for range 20 {
			in := r.IntN(2)
			var list []modelChange
			for range r.IntN(12) {
				row := sideRow(r, r.IntN(6))
				if row[1] == nil {
					row[1] = 0
				}
				k := fmt.Sprint(row[1], row[2])
				if one {
					k = fmt.Sprint(row[1])
				}
				old := live[in][k]
				switch {
				case old != nil && r.IntN(3) == 0:
					list = append(list, modelChange{kD, old})
					delete(live[in], k)
					continue
				case old != nil:
					list = append(list, modelChange{kA, row})
				default:
					list = append(list, modelChange{[]vec.RowKind{kI, kA}[r.IntN(2)], row})
				}
				live[in][k] = row
			}
			feedOne(r, run, in, sideTypes, list)
			disturb(r, run, true)
		}
		var sides [2][][]any
		for in := range live {
			for _, row := range live[in] {
				sides[in] = append(sides[in], row)
			}
		}
		key := []int{1, 2, 5, 6}
		switch {
		case m.kind >= jobgraph.Semi && one:
			key = []int{1}
		case m.kind >= jobgraph.Semi:
			key = []int{1, 2}
		case one:
			key = []int{1, 5}
		}
		for _, e := range run.Rows() {
			if e.Kind == kB {
				t.Fatalf("seed %d: %s", seed, e)
			}
		}
		if got, want := exectest.Upserted(run.Rows(), key), m.rows(sides[0], sides[1]); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %+v one %v\ngot  %q\nwant %q\n%s", seed, m, one, got, want, strings.Join(exectest.Lines(run.Rows()), "\n"))
		}
	}
}

// TestJoinOrder has the order of changes of Flink's operators.
func TestJoinOrder(t *testing.T) {
	ts := []types.Type{tStr, tInt}
	for _, c := range []struct {
		kind jobgraph.JoinKind
		want string
	}{
		{jobgraph.Inner, "+I a,1,a,8\n+I a,2,a,8\n-U a,1,a,8\n+U a,5,a,8\n-D a,5,a,8\n-D a,2,a,8"},
		{jobgraph.Left, "+I a,1,NULL,NULL\n+I a,2,NULL,NULL\n-D a,1,NULL,NULL\n-D a,2,NULL,NULL\n+I a,1,a,8\n+I a,2,a,8\n" +
			"-D a,1,a,8\n+I a,5,a,8\n-D a,5,a,8\n-D a,2,a,8\n+I a,2,NULL,NULL"},
		{jobgraph.Right, "+I a,1,a,8\n+I a,2,a,8\n-U a,1,a,8\n+I a,5,a,8\n-D a,5,a,8\n-D a,2,a,8"},
		{jobgraph.Semi, "+I a,1\n+I a,2\n-U a,1\n+U a,5\n-D a,5\n-D a,2"},
		{jobgraph.Anti, "+I a,1\n+I a,2\n-D a,1\n-D a,2\n+I a,2"},
	} {
		spec := &jobgraph.Join{JoinKind: c.kind, LeftKeys: []int{0}, RightKeys: []int{0}, LeftTypes: ts, RightTypes: ts, SendBefore: true}
		r := exectest.Start(t, func() exec.Operator { return exec.NewJoin(spec) }, exectest.Options{})
		r.Process(0, exectest.Batch(ts, [][]any{{"a", 1}, {"a", 2}}, nil))
		r.Process(1, exectest.Batch(ts, [][]any{{"a", 8}}, nil))
		r.Process(0, exectest.Batch(ts, [][]any{{"a", 1}, {"a", 5}, {"a", 5}}, []vec.RowKind{kB, kA, kD}))
		r.Process(1, exectest.Batch(ts, [][]any{{"a", 8}}, []vec.RowKind{kD}))
		got := r.Rows()
		// The row that stays is the second; others' order is as they came.
		wantLines(t, got, c.want)
	}
}

// TestJoinMany has a row with more matches than a batch has rows.
func TestJoinMany(t *testing.T) {
	ts := []types.Type{tInt, tInt}
	spec := &jobgraph.Join{JoinKind: jobgraph.Left, LeftKeys: []int{0}, RightKeys: []int{0}, LeftTypes: ts, RightTypes: ts, SendBefore: true}
	r := exectest.Start(t, func() exec.Operator { return exec.NewJoin(spec) }, exectest.Options{})
	var rows [][]any
	for i := range 4000 {
		rows = append(rows, []any{1, i})
	}
	for range 12 {
		r.Process(1, exectest.Batch(ts, rows, nil))
	}
	r.Process(0, exectest.Batch(ts, [][]any{{1, 7}, {2, 8}, {1, 9}}, nil))
	if n := len(r.Rows()); n != 2*48_000+1 {
		t.Fatalf("%d rows", n)
	}
	r.Process(0, exectest.Batch(ts, [][]any{{1, 7}}, []vec.RowKind{kD}))
	if got := exectest.Sum(t, r.Rows()); len(got) != 48_001 {
		t.Fatalf("%d rows are left", len(got))
	}
}

func TestJoinTTL(t *testing.T) {
	ts := []types.Type{tInt, tInt}
	spec := &jobgraph.Join{JoinKind: jobgraph.Inner, LeftKeys: []int{0}, RightKeys: []int{0}, LeftTypes: ts, RightTypes: ts, LeftTTLMs: 1000}
	r := exectest.Start(t, func() exec.Operator { return exec.NewJoin(spec) }, exectest.Options{})
	r.Tick(1_000_000)
	r.Process(0, exectest.Batch(ts, [][]any{{1, 1}}, nil))
	r.Process(1, exectest.Batch(ts, [][]any{{2, 2}}, nil))
	r.Tick(9_000_000)
	r.Process(1, exectest.Batch(ts, [][]any{{1, 3}}, nil))
	r.Process(0, exectest.Batch(ts, [][]any{{2, 4}}, nil))
	wantLines(t, r.Rows(), "+I 2,4,2,2")
}

// benchJoin feeds one auction for every 15 bids, as q3, q4, q9 and q20 have it.
func benchJoin(b *testing.B, kind jobgraph.JoinKind, wide bool) {
	left := []types.Type{tInt, tInt, tInt, tTime, tStr}
	right := []types.Type{tInt, tStr, tStr, tInt, tInt, tTime, tTime, tInt, tInt}
	if !wide {
		left, right = []types.Type{tInt, tInt, tTime}, []types.Type{tInt, tInt, tTime, tTime}
	}
	spec := &jobgraph.Join{JoinKind: kind, LeftKeys: []int{0}, RightKeys: []int{0}, LeftTypes: left, RightTypes: right, LeftAppend: true, RightAppend: true}
	const rows = 4096
	r := rand.New(rand.NewPCG(1, 1))
	column := func(t types.Type, n int, key func(i int) int64) vec.Vector {
		if t.Phys() == types.PhysBytes {
			v := &vec.Bytes{Offs: []uint32{0}}
			for range n {
				v.Data = append(v.Data, "some text of a bid"...)
				v.Offs = append(v.Offs, uint32(len(v.Data)))
			}
			return v
		}
		v := &vec.Fixed[int64]{}
		for i := range n {
			v.Vals = append(v.Vals, key(i))
		}
		return v
	}
	var pool []*vec.Batch
	var in []int
	auction := int64(0)
	for range 96 {
		for side, ts := range [][]types.Type{left, right} {
			n, keys := rows, func(int) int64 { return max(0, auction-int64(r.IntN(3000))) }
			if side == 1 {
				n, keys = rows/15, func(i int) int64 { return auction + int64(i) }
			}
			x := &vec.Batch{Rows: n}
			for c, t := range ts {
				k := keys
				if c > 0 {
					k = func(i int) int64 { return int64(i) }
				}
				x.Cols = append(x.Cols, column(t, n, k))
			}
			if side == 1 {
				auction += int64(n)
			}
			pool, in = append(pool, x), append(in, side)
		}
	}
	total := 0
	for _, x := range pool {
		total += x.Rows
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		op := exec.NewJoin(spec)
		if err := op.Open(benchContext(b)); err != nil {
			b.Fatal(err)
		}
		var sink discard
		for i, x := range pool {
			for more, err := op.Process(in[i], x, &sink); ; more, err = op.Resume(&sink) {
				if err != nil {
					b.Fatal(err)
				}
				if !more {
					break
				}
			}
		}
		op.Close()
	}
	b.ReportMetric(float64(total)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkJoinNarrow(b *testing.B) { benchJoin(b, jobgraph.Inner, false) }
func BenchmarkJoinWide(b *testing.B)   { benchJoin(b, jobgraph.Inner, true) }
func BenchmarkJoinLeft(b *testing.B)   { benchJoin(b, jobgraph.Left, false) }

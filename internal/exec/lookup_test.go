package exec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A remote is a table far away: k0 has no row, k1 one, k2 two. Answers come after a
// while, in any order, in pieces. With absent, a key has no row the first times that it
// is asked for; with versions, each answer has rows of its own.
type remote struct {
	r        *rand.Rand
	absent   int
	versions bool
	seen     map[string]int
	asks     int
	open     []connect.Answer // pieces, in order by ask
	most     int              // rows asked for at a time
	out      map[uint64]int
}

func (m *remote) Open(*exec.Context) error { return nil }
func (m *remote) Ready() bool              { return false }
func (m *remote) Close() error             { return nil }

func (m *remote) Ask(_ int64, id uint64, keys *vec.Batch) error {
	m.asks++
	m.out[id] = keys.Rows
	total := 0
	for _, n := range m.out {
		total += n
	}
	m.most = max(m.most, total)
	var rows [][]any
	var of []int32
	for i := range keys.Rows {
		key := exectest.Value(keys.Cols[0], i)
		if key == nil {
			return fmt.Errorf("asked for NULL")
		}
		k := key.(string)
		m.seen[k]++
		if m.seen[k] <= m.absent {
			continue
		}
		version := 0
		if m.versions {
			version = m.asks
		}
		for n := range int(k[1] - '0') {
			rows, of = append(rows, []any{k, n + 10*version}), append(of, int32(i))
		}
	}
	for len(rows) > 0 && m.r.IntN(2) == 0 {
		n := 1 + m.r.IntN(len(rows))
		m.open = append(m.open, connect.Answer{ID: id, Rows: exectest.Batch(remoteTypes, rows[:n], nil), Of: of[:n]})
		rows, of = rows[n:], of[n:]
	}
	last := connect.Answer{ID: id, Of: of, Last: true}
	if len(rows) > 0 {
		last.Rows = exectest.Batch(remoteTypes, rows, nil)
	}
	m.open = append(m.open, last)
	return nil
}

func (m *remote) Poll(int64) (connect.Answer, bool, error) {
	if len(m.open) == 0 || m.r.IntN(3) == 0 {
		return connect.Answer{}, false, nil
	}
	id := m.open[m.r.IntN(len(m.open))].ID
	at := slices.IndexFunc(m.open, func(a connect.Answer) bool { return a.ID == id })
	a := m.open[at]
	m.open = slices.Delete(m.open, at, at+1)
	if a.Last {
		delete(m.out, a.ID)
	}
	return a, true, nil
}

var remoteTypes = []types.Type{tStr, tInt}

func remoteSource() *jobgraph.Source {
	schema := types.Schema{{Name: "k", Type: tStr}, {Name: "v", Type: tInt}}
	return &jobgraph.Source{Connector: "remote", Table: connect.Table{Name: "far", Schema: schema},
		Scan: connect.Scan{Columns: []int{0, 1}}, Output: schema}
}

func lookupSpec(kind jobgraph.JoinKind) *jobgraph.LookupJoin {
	return &jobgraph.LookupJoin{JoinKind: kind, LeftKeys: []int{0}, RightKeys: []int{0}, LeftTypes: timedTypes, RightTypes: remoteTypes,
		Source: remoteSource(), Lookup: connect.KeyScan{Keys: []int{0}, Columns: []int{0, 1}}, Ordered: true}
}

// lookupModel is what a left row is joined with, if the table is as it was once.
func lookupModel(rows [][]any, kind jobgraph.JoinKind, cond bool) []string {
	out := []string{}
	for _, row := range rows {
		n := 0
		if k, ok := row[0].(string); ok {
			for v := range int(k[1] - '0') {
				if !cond || row[2].(int) < v {
					n++
					out = append(out, exectest.Text(append(slices.Clone(row), k, v)))
				}
			}
		}
		if n == 0 && kind == jobgraph.Left {
			out = append(out, exectest.Text(append(slices.Clone(row), nil, nil)))
		}
	}
	return out
}

// What leaves is what a table that answers at once would give, whatever the answers'
// ways, whatever is cached, asked for again and restored; in order where it counts, and
// never behind a watermark.
func TestLookupJoinRandom(t *testing.T) {
	for seed := range seeds(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := lookupSpec([]jobgraph.JoinKind{jobgraph.Inner, jobgraph.Left}[r.IntN(2)])
		spec.Ordered, spec.Capacity = r.IntN(2) == 0, r.IntN(6)
		cond := r.IntN(3) == 0
		if cond {
			spec.Cond = valueOf(2, 5)
		}
		absent := 0
		if r.IntN(3) == 0 {
			absent, spec.RetryMax, spec.RetryDelayMs = 1+r.IntN(2), 3, 10
		}
		if r.IntN(3) == 0 {
			spec.Cache = connect.Cache{Kind: connect.CachePartial, MaxRows: int64(r.IntN(4)), ExpireWrite: int64(r.IntN(2)) * 20_000, ForgetMissing: absent > 0 || r.IntN(2) == 0}
		}
		var tables []*remote
		run := exectest.Start(t, func() exec.Operator {
			m := &remote{r: r, absent: absent, seen: map[string]int{}, out: map[uint64]int{}}
			tables = append(tables, m)
			if spec.Cache.Kind == connect.CachePartial {
				return exec.NewLookupJoin(spec, exec.NewPartialTable(spec, m))
			}
			return exec.NewLookupJoin(spec, m)
		}, exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{timedTypes}})
		var rows [][]any
		id, mark, now, crashed := 0, 0, int64(0), false
		for range 15 {
			var list []modelChange
			for range r.IntN(9) {
				row := timedRow(r, id, mark+1+r.IntN(1_000_000))
				id++
				rows, list = append(rows, row), append(list, modelChange{kI, row})
			}
			feedOne(r, run, 0, timedTypes, list)
			switch r.IntN(8) {
			case 0:
				run.Checkpoint()
			case 1:
				run.Crash(1 + r.IntN(3))
				crashed = true
			case 2:
				mark += r.IntN(1_000_000)
				run.Watermark(int64(mark))
			case 3, 4:
				now += r.Int64N(30_000)
				run.Tick(now)
			default:
				run.Arrive()
			}
		}
		settle(t, run, now)
		want := lookupModel(rows, spec.JoinKind, cond)
		inOrder := exectest.Lines(run.Rows())
		for i, l := range inOrder {
			inOrder[i] = strings.TrimPrefix(l, "+I ")
		}
		if spec.Ordered && !crashed && !slices.Equal(inOrder, want) {
			t.Fatalf("seed %d: got %v\nwant %v", seed, inOrder, want)
		}
		slices.Sort(want)
		if got := exectest.Sum(t, run.Rows()); !slices.Equal(got, want) {
			t.Fatalf("seed %d: got %v\nwant %v", seed, got, want)
		}
		late := int64(-1)
		for _, e := range run.Events() {
			if e.Mark {
				late = e.Time
			} else if !crashed && e.Row[3].(int64) <= late {
				t.Fatalf("seed %d: %v comes behind the watermark %d", seed, e, late)
			}
		}
		for _, m := range tables {
			if spec.Capacity > 0 && m.most > spec.Capacity {
				t.Fatalf("seed %d: %d rows are asked for at a time, %d are allowed", seed, m.most, spec.Capacity)
			}
		}
		run.Close()
	}
}

// settle lets time pass until nothing waits.
func settle(t *testing.T, run *exectest.Run, now int64) {
	t.Helper()
	for range 10_000 {
		if !run.Arrive() {
			return
		}
		now += 5_000
		run.Tick(now)
	}
	t.Fatal("it waits for ever")
}

// A row of a changing input is taken back with what it was joined with, although the
// table says something else each time.
func TestLookupJoinTakesBack(t *testing.T) {
	for seed := range seeds(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := lookupSpec([]jobgraph.JoinKind{jobgraph.Inner, jobgraph.Left}[r.IntN(2)])
		spec.Keep, spec.Capacity = true, r.IntN(6)
		run := exectest.Start(t, func() exec.Operator {
			return exec.NewLookupJoin(spec, &remote{r: r, versions: true, seen: map[string]int{}, out: map[uint64]int{}})
		}, exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{timedTypes}})
		there := takeBackRandom(t, r, run, 0)
		settle(t, run, 0)
		checkTakenBack(t, seed, exectest.Sum(t, run.Rows()), there, spec.JoinKind)
		run.Close()
	}
}

// takeBackRandom feeds inserts and what takes them back, and returns the rows that are
// left. Rows may be equal.
func takeBackRandom(t *testing.T, r *rand.Rand, run *exectest.Run, in int) [][]any {
	t.Helper()
	var there [][]any
	for range 20 {
		var list []modelChange
		for range r.IntN(7) {
			if len(there) > 0 && r.IntN(3) == 0 {
				at := r.IntN(len(there))
				list = append(list, modelChange{[]vec.RowKind{kB, kD}[r.IntN(2)], there[at]})
				there = slices.Delete(there, at, at+1)
				continue
			}
			row := timedRow(r, r.IntN(4), 7)
			there, list = append(there, row), append(list, modelChange{[]vec.RowKind{kI, kA}[r.IntN(2)], row})
		}
		feedOne(r, run, in, timedTypes, list)
		disturb(r, run, true)
		if r.IntN(2) == 0 {
			run.Arrive()
		}
	}
	return there
}

// checkTakenBack compares by left rows: each has as many matches as its key.
func checkTakenBack(t *testing.T, seed uint64, got []string, there [][]any, kind jobgraph.JoinKind) {
	t.Helper()
	lefts := func(list []string) []string {
		out := make([]string, len(list))
		for i, l := range list {
			out[i] = strings.Join(strings.Split(l, ",")[:5], ",")
		}
		slices.Sort(out)
		return out
	}
	if want := lefts(lookupModel(there, kind, false)); !slices.Equal(lefts(got), want) {
		t.Fatalf("seed %d: got %v\nwant %v", seed, lefts(got), want)
	}
}

// A CurrentJoin sees the right side as it is when a row comes.
func TestCurrentJoinRandom(t *testing.T) {
	for seed := range seeds(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := &jobgraph.CurrentJoin{JoinKind: []jobgraph.JoinKind{jobgraph.Inner, jobgraph.Left}[r.IntN(2)], LeftKeys: []int{0}, RightKeys: []int{0},
			LeftTypes: timedTypes, RightTypes: remoteTypes}
		if r.IntN(3) == 0 {
			spec.Cond = valueOf(2, 5)
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewCurrentJoin(spec) },
			exectest.Options{Keys: [][]int{{0}, {0}}, Types: [][]types.Type{timedTypes, remoteTypes}, Inputs: 2})
		var right [][]any
		want := []string{}
		for id := range 60 {
			if r.IntN(3) == 0 {
				c := modelChange{kI, []any{fmt.Sprint("k", r.IntN(3)), r.IntN(4)}}
				if at := len(right); at > 0 && r.IntN(3) == 0 {
					at = r.IntN(at)
					c = modelChange{kD, right[at]}
					right = slices.Delete(right, at, at+1)
				} else {
					right = append(right, c.row)
				}
				feedOne(r, run, 1, remoteTypes, []modelChange{c})
				disturb(r, run, true)
				continue
			}
			row := timedRow(r, id, 7)
			feedOne(r, run, 0, timedTypes, []modelChange{{kI, row}})
			disturb(r, run, true)
			n := 0
			for _, v := range right {
				if row[0] == v[0] && (spec.Cond == nil || row[2].(int) < v[1].(int)) {
					n++
					want = append(want, exectest.Text(append(slices.Clone(row), v...)))
				}
			}
			if n == 0 && spec.JoinKind == jobgraph.Left {
				want = append(want, exectest.Text(append(slices.Clone(row), nil, nil)))
			}
		}
		run.End()
		slices.Sort(want)
		if got := exectest.Sum(t, run.Rows()); !slices.Equal(got, want) {
			t.Fatalf("seed %d: got %v\nwant %v", seed, got, want)
		}
		run.Close()
	}
}

// Left rows wait for a right side that ends, over checkpoints too, and so do
// watermarks; what is taken back is what was joined.
func TestCurrentJoinAwaits(t *testing.T) {
	for seed := range seeds(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := &jobgraph.CurrentJoin{JoinKind: jobgraph.Left, LeftKeys: []int{0}, RightKeys: []int{0},
			LeftTypes: timedTypes, RightTypes: remoteTypes, Await: true, Keep: true}
		run := exectest.Start(t, func() exec.Operator { return exec.NewCurrentJoin(spec) },
			exectest.Options{Keys: [][]int{{0}, {0}}, Types: [][]types.Type{timedTypes, remoteTypes}, Inputs: 2})
		there := takeBackRandom(t, r, run, 0)
		run.Watermark(5)
		if n := len(run.Rows()); n > 0 {
			t.Fatalf("seed %d: %d rows before the right side has ended", seed, n)
		}
		feedOne(r, run, 1, remoteTypes, []modelChange{{kI, []any{"k1", 0}}, {kI, []any{"k2", 0}}, {kI, []any{"k2", 1}}})
		disturb(r, run, true)
		run.EndInput(1)
		if e := run.Events(); len(e) == 0 || !e[len(e)-1].Mark {
			t.Fatalf("seed %d: no watermark follows", seed)
		}
		run.EndInput(0)
		want := lookupModel(there, jobgraph.Left, false)
		slices.Sort(want)
		if got := exectest.Sum(t, run.Rows()); !slices.Equal(got, want) {
			t.Fatalf("seed %d: got %v\nwant %v", seed, got, want)
		}
		run.Close()
	}
}

// A lookup that is never answered fails by its timeout, in the words of the options.
func TestLookupTimeout(t *testing.T) {
	spec := lookupSpec(jobgraph.Inner)
	spec.TimeoutMs = 100
	op := exec.NewLookupJoin(spec, silent{})
	run := exectest.Start(t, func() exec.Operator { return op }, exectest.Options{})
	run.Process(0, exectest.Batch(timedTypes, [][]any{{"k1", 1, 1, 1}}, nil))
	run.Tick(100_000)
	_, err := op.Tick(101_000, nil)
	if err == nil || !strings.Contains(err.Error(), "look up far: no answer within 100 ms") {
		t.Errorf("it says %v", err)
	}
}

type silent struct{}

func (silent) Open(*exec.Context) error                         { return nil }
func (silent) Ready() bool                                      { return false }
func (silent) Close() error                                     { return nil }
func (silent) Ask(int64, uint64, *vec.Batch) error              { return nil }
func (silent) Poll(int64) (a connect.Answer, b bool, err error) { return }

// A cache asks for a key once, until it expires or is pushed out.
func TestPartialTable(t *testing.T) {
	for _, c := range []struct {
		name  string
		cache connect.Cache
		keys  []string
		step  int64 // microseconds between two keys
		asks  int
	}{
		{"all is kept", connect.Cache{}, []string{"k1", "k1", "k2", "k1", "k0", "k0"}, 10, 3},
		{"a missing key is asked for again", connect.Cache{ForgetMissing: true}, []string{"k0", "k0", "k1", "k1"}, 10, 3},
		{"an answer gets old", connect.Cache{ExpireWrite: 25}, []string{"k1", "k1", "k1", "k1"}, 10, 2},
		{"an answer that is used stays", connect.Cache{ExpireAccess: 25}, []string{"k1", "k1", "k1", "k1"}, 10, 1},
		{"an answer that is not used goes", connect.Cache{ExpireAccess: 25}, []string{"k1", "k2", "k2", "k2", "k1"}, 10, 3},
		{"the least used goes", connect.Cache{MaxRows: 3}, []string{"k1", "k2", "k1", "k0", "k1", "k2"}, 10, 4},
	} {
		spec := lookupSpec(jobgraph.Inner)
		c.cache.Kind = connect.CachePartial
		spec.Cache = c.cache
		m := &remote{r: rand.New(rand.NewPCG(1, 1)), seen: map[string]int{}, out: map[uint64]int{}}
		run := exectest.Start(t, func() exec.Operator { return exec.NewLookupJoin(spec, exec.NewPartialTable(spec, m)) }, exectest.Options{})
		for i, k := range c.keys {
			run.Tick(int64(i+1) * c.step)
			run.Process(0, exectest.Batch(timedTypes, [][]any{{k, i, 1, 1}}, nil))
			for run.Arrive() {
			}
		}
		if m.asks != c.asks {
			t.Errorf("%s: %d asks, want %d", c.name, m.asks, c.asks)
		}
		run.Close()
	}
}

// A fileTable is read whole, a batch a Poll; its version is that of the reading.
type fileTable struct {
	version int
	at      int
}

func (f *fileTable) Bounded() bool                                      { return true }
func (f *fileTable) Assign(int) (s []connect.Split, done bool, _ error) { return nil, true, nil }
func (f *fileTable) Waiting() int                                       { return 0 }
func (f *fileTable) Ordered() bool                                      { return false }
func (f *fileTable) Return([]connect.Split)                             {}
func (f *fileTable) Add([]connect.Split) error                          { return nil }
func (f *fileTable) Committed(uint64)                                   {}
func (f *fileTable) Close() error                                       { return nil }
func (f *fileTable) Poll(string) (p connect.Polled, err error) {
	f.at++
	switch f.at {
	case 1, 3:
		p.Batch = exectest.Batch(remoteTypes, [][]any{{fmt.Sprint("k", f.at), f.version}, {"k2", f.version}}, nil)
	case 5:
		p.Empty = true
	}
	return p, nil
}

type fileEnumerator struct{ *fileTable }

func (fileEnumerator) Snapshot() ([]byte, error) { return nil, nil }

type fileReader struct{ *fileTable }

func (fileReader) Snapshot() ([]connect.Split, error) { return nil, nil }

type fileSource struct{ *fileTable }

func (s fileSource) Enumerator([]byte, func()) (connect.Enumerator, error) {
	return fileEnumerator(s), nil
}
func (s fileSource) Reader(int, func()) (connect.Reader, error) { return fileReader(s), nil }

// A table that is read whole answers when it is read, is read again when it is due, and
// answers from the old reading meanwhile.
func TestFullTable(t *testing.T) {
	spec := lookupSpec(jobgraph.Inner)
	spec.Cache = connect.Cache{Kind: connect.CacheFull, Every: 1000}
	spec.Calc.Filter = valueAbove(0, "k1")
	version := 0
	run := exectest.Start(t, func() exec.Operator {
		return exec.NewLookupJoin(spec, exec.NewFullTable(spec, func() (connect.Source, error) {
			version++
			return fileSource{&fileTable{version: version}}, nil
		}))
	}, exectest.Options{})
	ask := func() {
		run.Process(0, exectest.Batch(timedTypes, [][]any{{"k2", 1, 1, 1}, {"k1", 1, 1, 1}, {"k3", 2, 2, 2}}, nil))
	}
	ask()
	if len(run.Rows()) > 0 {
		t.Fatal("it answers before it is read")
	}
	for now := int64(1); run.Arrive(); now++ {
		run.Tick(now)
	}
	for now := int64(10); now < 1000; now += 200 {
		run.Tick(now)
	}
	ask()
	run.Tick(1100) // the second reading begins
	ask()
	for now := int64(1101); now < 1120; now++ {
		run.Tick(now)
	}
	ask()
	var got []string
	for _, e := range run.Rows() {
		got = append(got, fmt.Sprint(e.Row[4], " ", e.Row[5]))
	}
	one, two := []string{"k2 1", "k2 1", "k3 1"}, []string{"k2 2", "k2 2", "k3 2"}
	if want := slices.Concat(one, one, one, two); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	run.Close()
}

// valueAbove is column > text.
func valueAbove(col int, text string) *expr.Expr {
	e, err := expr.NewCall(">", expr.Column(col, tStr), expr.Text(text))
	if err != nil {
		panic(err)
	}
	return e
}

// What is kept has its time: a right key that is neither changed nor met, and what a
// left row was joined with.
func TestCurrentJoinForgets(t *testing.T) {
	spec := &jobgraph.CurrentJoin{JoinKind: jobgraph.Left, LeftKeys: []int{0}, RightKeys: []int{0},
		LeftTypes: timedTypes, RightTypes: remoteTypes, Keep: true, LeftTTLMs: 150, RightTTLMs: 100}
	run := exectest.Start(t, func() exec.Operator { return exec.NewCurrentJoin(spec) },
		exectest.Options{Keys: [][]int{{0}, {0}}, Types: [][]types.Type{timedTypes, remoteTypes}, Inputs: 2})
	at := func(ms int64) { // with every tick on the way
		for now := (run.Now()/10_000 + 1) * 10_000; now <= ms*1000; now += 10_000 {
			run.Tick(now)
		}
	}
	left := func(key string, id int, kind vec.RowKind) {
		run.Process(0, exectest.Batch(timedTypes, [][]any{{key, id, 1, 1}}, []vec.RowKind{kind}))
	}
	run.Tick(10_000)
	run.Process(1, exectest.Batch(remoteTypes, [][]any{{"met", 1}, {"changed", 1}, {"left", 1}, {"changed", 2}}, nil))
	left("left", 1, kI)
	at(70)
	left("met", 2, kI)
	run.Process(1, exectest.Batch(remoteTypes, [][]any{{"changed", 2}}, []vec.RowKind{kD}))
	run.Checkpoint()
	run.Crash(2)
	at(165)
	for i, key := range []string{"met", "changed", "left"} {
		left(key, 3+i, kI)
	}
	at(200)
	left("met", 2, kD) // it is still known
	at(300)
	left("left", 1, kD) // it is not, and nothing is taken back
	left("met", 3, kD)
	want := []string{"+I left,1,1,1,left,1", "+I met,2,1,1,met,1", "+I met,3,1,1,met,1", "+I changed,4,1,1,changed,1", "+I left,5,1,1,NULL,NULL",
		"-D met,2,1,1,met,1", "-D met,3,1,1,met,1"}
	if got := exectest.Lines(run.Rows()); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	run.Close()
}

// So it is where rows are looked up, over a changing input.
func TestLookupJoinForgets(t *testing.T) {
	spec := lookupSpec(jobgraph.Left)
	spec.Keep, spec.TTLMs = true, 100
	run := exectest.Start(t, func() exec.Operator {
		return exec.NewLookupJoin(spec, &remote{r: rand.New(rand.NewPCG(1, 1)), seen: map[string]int{}, out: map[uint64]int{}})
	}, exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{timedTypes}})
	row := func(id int, kind vec.RowKind) {
		run.Process(0, exectest.Batch(timedTypes, [][]any{{"k1", id, 1, 1}}, []vec.RowKind{kind}))
		for run.Arrive() {
		}
	}
	run.Tick(1000)
	row(1, kI)
	run.Tick(90_000)
	row(2, kI)
	run.Checkpoint()
	run.Crash(1)
	run.Tick(150_000)
	row(1, kD)
	row(2, kD)
	want := []string{"+I k1,1,1,1,k1,0", "+I k1,2,1,1,k1,0", "-D k1,2,1,1,k1,0"}
	if got := exectest.Lines(run.Rows()); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	run.Close()
}

package nexmark

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// open makes a source of the given columns of a table, whose clock is *now.
func open(t *testing.T, now *time.Time, parallelism int, o connect.Options, cols ...string) connect.Source {
	t.Helper()
	kind := All
	if v, ok := o["table"]; ok {
		kind, _ = parseKind(v)
	}
	tab := connect.Table{Name: "c.d.t", Schema: Schema(kind), Options: o}
	s := connect.Scan{Limit: -1, Parallelism: parallelism}
	for _, c := range cols {
		s.Columns = append(s.Columns, tab.Schema.Index(c))
	}
	src, err := Connector(func() int64 { return now.UnixMicro() }).Source(tab, s)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// A run drives a source as a job would, one poll of each reader in turn.
type sourceRun struct {
	t       *testing.T
	src     connect.Source
	enum    connect.Enumerator
	readers []connect.Reader
	asked   []bool
	rows    [][]any
	last    map[string]int64 // latest time of each split, if the only column is dateTime
}

func start(t *testing.T, src connect.Source, parallelism int, saved []byte, splits []connect.Split) *sourceRun {
	t.Helper()
	r := &sourceRun{t: t, src: src, last: map[string]int64{}, asked: make([]bool, parallelism)}
	var err error
	if r.enum, err = src.Enumerator(saved, func() {}); err != nil {
		t.Fatal(err)
	}
	r.enum.Return(splits)
	for i := range parallelism {
		rd, err := src.Reader(i, func() {})
		if err != nil {
			t.Fatal(err)
		}
		r.readers = append(r.readers, rd)
	}
	return r
}

// round polls each reader once and reports whether anything is left.
func (r *sourceRun) round() (more bool) {
	r.t.Helper()
	for i, rd := range r.readers {
		p, err := rd.Poll("")
		if err != nil {
			r.t.Fatal(err)
		}
		if p.Batch != nil {
			if err := p.Batch.Check(); err != nil {
				r.t.Fatal(err)
			}
			if p.Batch.Rows > vec.BatchRowsMax {
				r.t.Fatalf("batch of %d rows", p.Batch.Rows)
			}
			got := rows(p.Batch)
			r.rows = append(r.rows, got...)
			if at, ok := got[len(got)-1][0].(int64); ok {
				r.last[p.Split] = at
			}
		}
		if p.Empty {
			splits, done, err := r.enum.Assign(i)
			if err == nil {
				err = rd.Add(splits)
			}
			if err != nil {
				r.t.Fatal(err)
			}
			if done && len(splits) == 0 {
				continue
			}
		}
		more = true
	}
	return more
}

// checkpoint returns what a restore needs.
func (r *sourceRun) checkpoint() (saved []byte, splits []connect.Split) {
	r.t.Helper()
	saved, err := r.enum.Snapshot()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, rd := range r.readers {
		s, err := rd.Snapshot()
		if err != nil {
			r.t.Fatal(err)
		}
		splits = append(splits, s...)
	}
	return saved, splits
}

func sorted(rows [][]any) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = fmt.Sprint(r)
	}
	slices.Sort(out)
	return out
}

// Whatever the parallelism, and wherever it is restored with another one, a source
// gives the events that the generator makes.
func TestSourceGivesEveryEventOnce(t *testing.T) {
	for _, kind := range []string{"", "person", "auction", "bid"} {
		o := connect.Options{"events.num": "12000", "seed": "3"}
		k := All
		if kind != "" {
			o["table"] = kind
			k, _ = parseKind(kind)
		}
		g := generator(t, Config{Events: 12000, Seed: 3})
		want := sorted(rows(g.Fill(k, 1, 12001, all(k))))
		cols := Schema(k).Names()
		for _, steps := range [][]int{{1}, {2}, {3}, {2, 3}, {4, 1, 5}, {1, 2}} {
			var saved []byte
			var splits []connect.Split
			var got [][]any
			for i, p := range steps {
				r := start(t, open(t, nil, p, o, cols...), p, saved, splits)
				for round := 0; r.round() && (round < 2 || i == len(steps)-1); round++ {
				}
				got = append(got, r.rows...)
				saved, splits = r.checkpoint()
			}
			if !slices.Equal(sorted(got), want) {
				t.Errorf("table %q at parallelism %v: %d rows, want the generator's %d", kind, steps, len(got), len(want))
			}
		}
	}
}

// Readers that poll in turn stay within a few batches of each other in event time,
// and no split goes back.
func TestSplitsStayTogether(t *testing.T) {
	const parallelism = 3
	o := connect.Options{"table": "bid", "events.num": "1000000", "event-interval": "10 ms"}
	r := start(t, open(t, nil, parallelism, o, "dateTime"), parallelism, nil, nil)
	for round := 0; r.round(); round++ {
		if len(r.last) < parallelism {
			continue
		}
		lo, hi := int64(1<<62), int64(0)
		for _, at := range r.last {
			lo, hi = min(lo, at), max(hi, at)
		}
		// A batch of each covers 3 * 4096 * 50/46 events; two groups are 1 s apart.
		if apart := time.Duration(hi-lo) * time.Microsecond; apart > 2*time.Second && round < 50 {
			t.Fatalf("round %d: splits are %v apart", round, apart)
		}
	}
	if r.enum.Waiting() != 0 {
		t.Errorf("%d splits wait", r.enum.Waiting())
	}
}

// One reader with several splits reads them in turn, or as it is told.
func TestReaderTakesTheEarliestSplit(t *testing.T) {
	src := open(t, nil, 2, connect.Options{"table": "bid", "events.num": "1000000"}, "dateTime")
	enum, _ := src.Enumerator(nil, func() {})
	reader, _ := src.Reader(0, func() {})
	for i := range 2 {
		splits, _, _ := enum.Assign(i)
		if err := reader.Add(splits); err != nil {
			t.Fatal(err)
		}
	}
	var order []string
	for _, prefer := range []string{"", "", "", "", "1 of 2", "1 of 2", ""} {
		p, err := reader.Poll(prefer)
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, p.Split[:1])
	}
	if got := strings.Join(order, ""); got != "0101110" {
		t.Errorf("order %s", got)
	}
}

func TestPaced(t *testing.T) {
	now := time.Unix(1000, 0)
	o := connect.Options{"max-emit-speed": "false", "first-event.rate": "100", "events.num": "1000"}
	r := start(t, open(t, &now, 2, o, "event_type"), 2, nil, nil)
	drain := func() int {
		before := len(r.rows)
		for range 20 {
			r.round()
		}
		return len(r.rows) - before
	}
	if n := drain(); n != 0 {
		t.Errorf("%d events at the start", n)
	}
	now = now.Add(10 * time.Millisecond)
	if n := drain(); n != 1 {
		t.Errorf("%d events after 10 ms, want 1", n)
	}
	now = now.Add(time.Second)
	if n := drain(); n != 100 {
		t.Errorf("%d events in the next second, want 100", n)
	}
	saved, splits := r.checkpoint()
	now = now.Add(time.Second)
	r = start(t, open(t, &now, 2, o, "event_type"), 2, saved, splits)
	if n := drain(); n != 100 {
		t.Errorf("%d events after a restore a second later, want 100", n)
	}
}

func TestStopAtAndKeepAlive(t *testing.T) {
	o := connect.Options{"events.num": "1000", "stop-at": "600"}
	r := start(t, open(t, nil, 2, o, "event_type"), 2, nil, nil)
	for r.round() {
	}
	if len(r.rows) != 600 || !r.src.Bounded() {
		t.Errorf("%d events to stop-at 600", len(r.rows))
	}
	r = start(t, open(t, nil, 1, connect.Options{"events.num": "100", "keep-alive": "true"}, "event_type"), 1, nil, nil)
	for range 10 {
		if !r.round() {
			t.Fatal("ended though keep-alive")
		}
	}
	if len(r.rows) != 100 || r.src.Bounded() {
		t.Errorf("%d events, bounded %v", len(r.rows), r.src.Bounded())
	}
	if open(t, nil, 1, connect.Options{}, "event_type").Bounded() {
		t.Error("endless table is bounded")
	}
}

func TestBatchBytes(t *testing.T) {
	for _, kind := range []string{"person", "auction", "bid", ""} {
		o := connect.Options{"events.num": "300000"}
		k := All
		if kind != "" {
			o["table"] = kind
			k, _ = parseKind(kind)
		}
		r := start(t, open(t, nil, 1, o, Schema(k).Names()...), 1, nil, nil)
		r.round()
		p, err := r.readers[0].Poll("")
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, c := range p.Batch.Cols {
			size += bytesOf(c)
		}
		if size > vec.BatchBytesMax || p.Batch.Rows < 500 {
			t.Errorf("batch of table %q has %d rows and %d bytes", kind, p.Batch.Rows, size)
		}
	}
}

func bytesOf(v vec.Vector) int {
	switch v := v.(type) {
	case *vec.Fixed[int64]:
		return 8 * len(v.Vals)
	case *vec.Fixed[int32]:
		return 4 * len(v.Vals)
	case *vec.Dict:
		return 4 * len(v.Codes)
	case *vec.Bytes:
		return 4*len(v.Offs) + len(v.Data)
	case *vec.Row:
		n := 0
		for _, f := range v.Fields {
			n += bytesOf(f)
		}
		return n
	}
	return 0
}

func TestColumnsByName(t *testing.T) {
	bid := types.Schema{{Name: "price", Type: types.TBigInt}, {Name: "dateTime", Type: types.TimestampOf(6)}}
	o := connect.Options{"table": "bid"}
	src, err := Connector(nil).Source(connect.Table{Schema: bid, Options: o}, connect.Scan{Columns: []int{1, 0}, Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, src, 1, nil, nil)
	r.round()
	r.round()
	g := generator(t, Config{})
	if want := rows(g.Fill(Bid, 1, 100, []int{5, 2})); !reflect.DeepEqual(r.rows[:10], want[:10]) {
		t.Errorf("got %v, want %v", r.rows[:10], want[:10])
	}
	for _, c := range []struct {
		field types.Field
		want  string
	}{
		{types.Field{Name: "prise", Type: types.TBigInt}, "connector nexmark has no column 'prise'; did you mean 'price'?"},
		{types.Field{Name: "price", Type: types.TInt}, "column 'price' is INT, connector nexmark has BIGINT"},
		{types.Field{Name: "dateTime", Type: types.TimestampOf(9)}, "column 'dateTime' is TIMESTAMP(9), connector nexmark has TIMESTAMP(3)"},
	} {
		_, err := Connector(nil).Source(connect.Table{Schema: types.Schema{c.field}, Options: o}, connect.Scan{Columns: []int{0}})
		if err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

func TestOptions(t *testing.T) {
	check := map[string]func(string) error{}
	for _, o := range options {
		check[o.Key] = o.Check
		if o.Default != "" && o.Check(o.Default) != nil {
			t.Errorf("default of %s: %v", o.Key, o.Check(o.Default))
		}
	}
	for _, c := range [][2]string{{"table", "bids"}, {"events.num", "-1"}, {"events.num", "many"}, {"rate.limited", "true"}, {"rate.shape", "ROUND"},
		{"event-span", "0 s"}, {"event-interval", "soon"}, {"base-time", "now"}, {"seed", "-1"}, {"person.avg-size", "0"}, {"keep-alive", "perhaps"}} {
		if check[c[0]](c[1]) == nil {
			t.Errorf("'%s' = '%s' is accepted", c[0], c[1])
		}
	}
	for s, want := range map[string]time.Duration{"10 s": 10 * time.Second, "0.5ms": 500 * time.Microsecond, "500 ns": 500, "10": 10 * time.Millisecond} {
		if got, err := parseTime(s); got != want || err != nil {
			t.Errorf("time %s is %v (%v)", s, got, err)
		}
	}
	for _, o := range []connect.Options{
		{"next-event.rate": "5"}, {"event-span": "10 s"}, {"first-event.rate": "5", "event-interval": "10 ms"},
		{"person.proportion": "0", "auction.proportion": "0", "bid.proportion": "0"},
	} {
		if _, err := Connector(nil).Source(connect.Table{Options: o}, connect.Scan{}); err == nil {
			t.Errorf("%v is accepted", o)
		}
	}
	if connect.Lookup("nexmark") == nil {
		t.Error("not registered")
	}
}

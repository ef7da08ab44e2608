package datagen

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// noon is the clock of the tests: 2026-07-01 12:30:00.123456 UTC.
var noon = time.Date(2026, 7, 1, 12, 30, 0, 123456000, time.UTC).UnixMicro()

// A reader of everything, at one parallelism, with a clock that jumps a second
// whenever no row is due.
type run struct {
	t       *testing.T
	now     int64
	enum    connect.Enumerator
	readers []connect.Reader
}

func start(t *testing.T, schema types.Schema, o connect.Options, parallelism int, saved []byte, splits []connect.Split) (*run, connect.Source) {
	t.Helper()
	r := &run{t: t, now: noon}
	s := connect.Scan{Limit: -1, Parallelism: parallelism, Seed: 5, Zone: "Europe/Berlin"}
	for i := range schema {
		s.Columns = append(s.Columns, i)
	}
	src, err := Connector(func() int64 { return r.now }).Source(connect.Table{Name: "t", Schema: schema, Options: o}, s)
	if err != nil {
		t.Fatal(err)
	}
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
	return r, src
}

// poll polls each reader once and returns the batches.
func (r *run) poll() (out []*vec.Batch, more bool) {
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
			out = append(out, p.Batch)
		}
		if p.Empty {
			splits, _, err := r.enum.Assign(i)
			if err != nil {
				r.t.Fatal(err)
			}
			if err := rd.Add(splits); err != nil {
				r.t.Fatal(err)
			}
			more = more || len(splits) > 0
			continue
		}
		more = true
	}
	return out, more
}

// rows reads at most n rows, as text.
func (r *run) rows(schema types.Schema, n int) (out []string) {
	r.t.Helper()
	for more := true; more && len(out) < n; {
		var batches []*vec.Batch
		batches, more = r.poll()
		if len(batches) == 0 {
			r.now += 1e6
		}
		for _, b := range batches {
			for row := range b.Rows {
				var cells []string
				for i, c := range b.Cols {
					cells = append(cells, string(expr.AppendText(nil, schema[i].Type, c, row, time.UTC)))
				}
				out = append(out, strings.Join(cells, "|"))
			}
		}
	}
	return out
}

func field(name string, t types.Type) types.Field { return types.Field{Name: name, Type: t} }

var everything = types.Schema{
	field("b", types.TBoolean), field("t", types.Of(types.TinyInt)), field("i", types.TInt), field("l", types.TBigInt),
	field("f", types.Of(types.Float)), field("d", types.TDouble), field("dec", types.DecimalOf(10, 2)), field("wide", types.DecimalOf(30, 3)),
	field("c", types.Type{Kind: types.Char, Len: 5}), field("v", types.Type{Kind: types.Varchar, Len: 8}), field("s", types.TString),
	field("bin", types.TBytes), field("day", types.TDate), field("at", types.Type{Kind: types.Time}), field("ts", types.TimestampOf(3)),
	field("nano", types.TimestampOf(9)), field("ltz", types.LTZOf(3)), field("months", types.Of(types.IntervalMonth)), field("ms", types.Of(types.IntervalSecond)),
	field("a", types.ArrayOf(types.TInt)), field("m", types.MapOf(types.TInt, types.TString)), field("ms2", types.MultisetOf(types.TInt)),
	field("r", types.RowOf(field("x", types.TInt), field("y", types.ArrayOf(types.TString)))),
}

// Rows are the same for every parallelism, over a restore, and alone or not.
func TestDeterminism(t *testing.T) {
	o := connect.Options{"number-of-rows": "500", "fields.i.null-rate": "0.3", "fields.m.length": "2", "fields.r.y.element.length": "3", "fields.v.var-len": "true"}
	schema := slices.DeleteFunc(slices.Clone(everything), func(f types.Field) bool { return f.Type.Stamp() || f.Type.Kind == types.Time })
	r, src := start(t, schema, o, 1, nil, nil)
	want := r.rows(schema, 1000)
	if len(want) != 500 || !src.Bounded() {
		t.Fatalf("%d rows, want 500", len(want))
	}
	slices.Sort(want)
	if n := len(slices.Compact(slices.Clone(want))); n != 500 {
		t.Errorf("%d different rows of 500", n)
	}
	for _, p := range []int{2, 3} {
		r, _ := start(t, schema, o, p, nil, nil)
		got := r.rows(schema, 100)
		saved, _ := r.enum.Snapshot()
		var splits []connect.Split
		for _, rd := range r.readers {
			s, _ := rd.Snapshot()
			splits = append(splits, s...)
		}
		r, _ = start(t, schema, o, p+1, saved, splits)
		got = append(got, r.rows(schema, 1000)...)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("parallelism %d, then %d: %d rows, not those of parallelism 1", p, p+1, len(got))
		}
	}
}

func values[T vec.Vector](t *testing.T, typ types.Type, o connect.Options) T {
	t.Helper()
	o["number-of-rows"] = "2000"
	r, _ := start(t, types.Schema{field("x", typ)}, o, 1, nil, nil)
	for {
		r.now += 1e6
		if b, _ := r.poll(); len(b) > 0 && b[0].Rows > 1000 {
			return b[0].Cols[0].(T)
		}
	}
}

func TestLimits(t *testing.T) {
	ints := values[*vec.Fixed[int32]](t, types.TInt, connect.Options{"fields.x.min": "-2", "fields.x.max": "2"})
	seen := map[int32]int{}
	for _, x := range ints.Vals {
		seen[x]++
	}
	if len(seen) != 5 || seen[-2] == 0 || seen[2] == 0 {
		t.Errorf("ints from -2 to 2: %v", seen)
	}
	for _, x := range values[*vec.Fixed[float64]](t, types.TDouble, connect.Options{"fields.x.min": "1.5", "fields.x.max": "2"}).Vals {
		if x < 1.5 || x > 2 {
			t.Errorf("double %v", x)
		}
	}
	for _, x := range values[*vec.Fixed[float64]](t, types.TDouble, connect.Options{}).Vals {
		if !(x > 0 && x < math.Inf(1)) {
			t.Errorf("double %v", x)
		}
	}
	for _, x := range values[*vec.Fixed[int64]](t, types.DecimalOf(5, 2), connect.Options{"fields.x.min": "-1.5", "fields.x.max": "1"}).Vals {
		if x < -150 || x > 100 {
			t.Errorf("decimal %v", x)
		}
	}
	for _, x := range values[*vec.Fixed[types.Int128]](t, types.DecimalOf(30, 0), connect.Options{"fields.x.min": "-3", "fields.x.max": "-1"}).Vals {
		if x.Hi != -1 || int64(x.Lo) < -3 || int64(x.Lo) > -1 {
			t.Errorf("wide decimal %v", x)
		}
	}
	v := values[*vec.Bytes](t, types.Type{Kind: types.Varchar, Len: 20}, connect.Options{"fields.x.length": "7", "fields.x.var-len": "true"})
	lens := map[int]int{}
	for i := range v.Len() {
		lens[len(v.At(i))]++
	}
	if len(lens) != 6 || lens[1] == 0 || lens[6] == 0 {
		t.Errorf("lengths %v, want 1 to 6", lens)
	}
	if v := values[*vec.Bytes](t, types.TString, connect.Options{}); len(v.At(0)) != 100 || strings.Trim(string(v.Data), "0123456789abcdef") != "" {
		t.Errorf("string %q, want 100 hexadecimal digits", v.At(0))
	}
	nulls := values[*vec.Fixed[int64]](t, types.TBigInt, connect.Options{"fields.x.null-rate": "0.25"})
	n := 0
	for i := range nulls.Len() {
		if nulls.Null(i) {
			n++
		}
	}
	if share := float64(n) / float64(nulls.Len()); math.Abs(share-0.25) > 0.05 {
		t.Errorf("%.3f of the values are NULL, want 0.25", share)
	}
	m := values[*vec.Map](t, types.MultisetOf(types.TInt), connect.Options{"fields.x.length": "10", "fields.x.element.min": "1", "fields.x.element.max": "3"})
	sum := int32(0)
	for _, c := range m.Elem.(*vec.Fixed[int32]).Vals[m.Offs[0]:m.Offs[1]] {
		sum += c
	}
	if sum != 10 || m.Offs[1] > 3 {
		t.Errorf("multiset of %d of 3 values has %d", m.Offs[1], sum)
	}
}

func TestClock(t *testing.T) {
	schema := types.Schema{field("day", types.TDate), field("at", types.Type{Kind: types.Time, Prec: 3}), field("ts", types.TimestampOf(3)),
		field("ltz", types.LTZOf(3)), field("nano", types.TimestampOf(9))}
	r, _ := start(t, schema, connect.Options{}, 1, nil, nil)
	// The first poll finds no split, and the clock moves a second.
	want := "2026-07-01|14:30:01.123|2026-07-01 14:30:01.123|2026-07-01 12:30:01.123|2026-07-01 14:30:01.123000000"
	if got := r.rows(schema, 1)[0]; got != want {
		t.Errorf("row %s, want %s", got, want)
	}
	past := values[*vec.Fixed[int64]](t, types.LTZOf(3), connect.Options{"fields.x.max-past": "10 s"})
	lo, hi := slices.Min(past.Vals), slices.Max(past.Vals)
	if hi-lo > 10e6 || hi-lo < 9e6 {
		t.Errorf("timestamps of the last 10 s lie %v apart", time.Duration(hi-lo)*1000)
	}
}

func TestSequence(t *testing.T) {
	schema := types.Schema{field("i", types.TInt), field("s", types.TString), field("d", types.DecimalOf(10, 2)), field("b", types.TBytes)}
	o := connect.Options{"number-of-rows": "50"}
	for _, f := range []string{"i", "s", "d", "b"} {
		o["fields."+f+".kind"], o["fields."+f+".start"], o["fields."+f+".end"] = "sequence", "-2", "100"
	}
	o["fields.s.end"] = "1"
	o["fields.b.start"], o["fields.b.end"] = "65", "1000"
	r, src := start(t, schema, o, 1, nil, nil)
	want := []string{"-2|-2|-2.00|\x00\x00\x00\x00\x00\x00\x00A", "-1|-1|-1.00|\x00\x00\x00\x00\x00\x00\x00B",
		"0|0|0.00|\x00\x00\x00\x00\x00\x00\x00C", "1|1|1.00|\x00\x00\x00\x00\x00\x00\x00D"}
	if got := r.rows(schema, 100); !reflect.DeepEqual(got, want) || !src.Bounded() {
		t.Errorf("rows %v, want %v", got, want)
	}
}

func TestRate(t *testing.T) {
	schema := types.Schema{field("i", types.TInt)}
	r, src := start(t, schema, connect.Options{"rows-per-second": "1000"}, 2, nil, nil)
	if src.Bounded() {
		t.Error("bounded")
	}
	count := func(d time.Duration, polls int) (n int) {
		for range polls {
			r.now += d.Microseconds() / int64(polls)
			batches, _ := r.poll()
			for _, b := range batches {
				n += b.Rows
			}
		}
		return n
	}
	r.poll() // assigns
	if n := count(0, 1); n != 10 {
		t.Errorf("%d rows at once, want a hundredth of a second's", n)
	}
	if n := count(time.Millisecond, 1); n != 0 {
		t.Errorf("%d rows after a millisecond, want to wait", n)
	}
	if n := count(2*time.Second, 1000); n < 1990 || n > 2010 {
		t.Errorf("%d rows in 2 s, want 2000", n)
	}
	if n := count(time.Hour, 1); n > 1000 {
		t.Errorf("%d rows at once after an hour, want a second's", n)
	}
}

func TestErrors(t *testing.T) {
	schema := types.Schema{field("i", types.TInt), field("c", types.Type{Kind: types.Char, Len: 3}), field("a", types.ArrayOf(types.TInt)), field("ts", types.TimestampOf(3))}
	for _, c := range []struct{ key, value, want string }{
		{"fields.tsx.min", "1", "option 'fields.tsx.min' is for no column, or its column does not take it; did you mean 'ts'?"},
		{"fields.i.length", "1", "option 'fields.i.length' is for no column, or its column does not take it"},
		{"fields.i.min", "3000000000", "option 'fields.i.min': '3000000000' is not a value of the type"},
		{"fields.i.max", "x", "option 'fields.i.max': 'x' is not a value of the type"},
		{"fields.c.length", "2", "option 'fields.c.length': 2 is not a length of CHAR(3)"},
		{"fields.c.var-len", "true", "option 'fields.c.var-len': CHAR(3) has one length"},
		{"fields.i.kind", "sequence", "option 'fields.i.start': a sequence needs it"},
		{"fields.a.element.kind", "sequence", "option 'fields.a.element.kind': only a column can be a sequence"},
		{"fields.ts.max-past", "long", "option 'fields.ts.max-past': 'long' is not a duration such as '10 s', '1 min' or '500 ms'"},
	} {
		_, err := Connector(nil).Source(connect.Table{Schema: schema, Options: connect.Options{c.key: c.value}}, connect.Scan{})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s = %s: error %v, want %s", c.key, c.value, err, c.want)
		}
	}
	if connect.Lookup("datagen") == nil {
		t.Error("not registered")
	}
}

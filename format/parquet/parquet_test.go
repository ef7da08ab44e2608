package parquet

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/formattest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func col(name string, t types.Type) types.Field { return types.Field{Name: name, Type: t} }

var spec = formattest.Spec

func write(t testing.TB, sp format.Spec, batches ...*vec.Batch) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := Create(sp, &buf)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// read returns the rows of a file, of each group after skip rows.
func read(sp format.Spec, file []byte, skip int64) (out []string, dicts int, err error) {
	r, err := Open(sp, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, 0, err
	}
	for g := range r.Groups() {
		rows, err := r.Read(g, min(skip, r.GroupRows(g)))
		if err != nil {
			return out, dicts, err
		}
		for {
			b, err := rows.Next()
			if err == io.EOF {
				break
			}
			if err == nil {
				err = b.Check()
			}
			if err != nil {
				_ = rows.Close()
				return out, dicts, err
			}
			for _, c := range b.Cols {
				if _, ok := c.(*vec.Dict); ok {
					dicts++
				}
			}
			out = append(out, formattest.Rows(b)...)
		}
		if err := rows.Close(); err != nil {
			return out, dicts, err
		}
	}
	return out, dicts, r.Close()
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("row %d:\n%s\nwant\n%s", i, got[i], want[i])
		}
	}
}

func TestRoundTrip(t *testing.T) {
	s := slices.Concat(formattest.All, formattest.Nested, formattest.Deep)
	for i := range formattest.All { // some that are never NULL
		if i%3 == 0 {
			s = append(s, col("req_"+s[i].Name, s[i].Type.Nullable(false)))
		}
	}
	for i, opts := range [][]string{
		nil, {"compression", "zstd", "page.size", "1 kb"}, {"compression", "GZIP", "block.size", "20 kb"}, {"compression", "UNCOMPRESSED", "enable.dictionary", "false"},
		{"compression", "BROTLI", "write.int64.timestamp", "true", "timestamp.time.unit", "nanos", "page.size", "300", "block.size", "5 kb"},
	} {
		sp := spec(s, opts...)
		batches := []*vec.Batch{formattest.Random(s, 500, uint64(i)), formattest.Random(s, 1, 99), formattest.Random(s, 700, uint64(i+100))}
		batches[0].Sel = []int32{0, 3, 7, 100, 499}
		var want []string
		for _, b := range batches {
			want = append(want, formattest.Rows(b)...)
		}
		file := write(t, sp, batches...)
		got, _, err := read(sp, file, 0)
		if err != nil {
			t.Fatal(opts, err)
		}
		same(t, got, want)

		r, err := Open(sp, bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if r.Groups() == 1 { // any row to start from
			for _, skip := range []int64{1, 4, 5, 6, 300, 705, 706} {
				got, _, err := read(sp, file, skip)
				if err != nil {
					t.Fatal(opts, skip, err)
				}
				same(t, got, want[skip:])
			}
		}
		// some of the columns, in another order
		part := sp
		part.Columns = []int{len(formattest.All) + 2, 9, 0, len(formattest.All)}
		got, _, err = read(part, file, 0)
		if err != nil {
			t.Fatal(err)
		}
		want = nil
		for _, b := range batches {
			p := &vec.Batch{Rows: b.Rows, Sel: b.Sel}
			for _, c := range part.Columns {
				p.Cols = append(p.Cols, b.Cols[c])
			}
			want = append(want, formattest.Rows(p)...)
		}
		same(t, got, want)
	}
}

func TestEmptyFile(t *testing.T) {
	sp := spec(formattest.All)
	if got, _, err := read(sp, write(t, sp), 0); err != nil || len(got) != 0 {
		t.Fatal(got, err)
	}
}

func TestColumnOrderAndTypesOfTheFile(t *testing.T) {
	s := types.Schema{col("z", types.TBigInt), col("a", types.TString), col("ts", types.TimestampOf(3)), col("d", types.DecimalOf(10, 2))}
	f, err := pq.OpenFile(bytes.NewReader(write(t, spec(s))), int64(len(write(t, spec(s)))))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"optional int64 z (INT(64,true))", "optional binary a (STRING)", "optional int96 ts", "optional fixed_len_byte_array(5) d (DECIMAL(10,2))"} {
		if !strings.Contains(f.Schema().String(), want) {
			t.Errorf("%s lacks %s", f.Schema(), want)
		}
	}
	if strings.Index(f.Schema().String(), "int64 z") > strings.Index(f.Schema().String(), "binary a") {
		t.Error("the columns are not in the table's order", f.Schema())
	}
}

func TestDictionaries(t *testing.T) {
	s := types.Schema{col("few", types.TString), col("many", types.TString)}
	var bs []*vec.Batch
	var want []string
	for k := range 5 {
		few, many := vec.NewBuilder(types.TString), vec.NewBuilder(types.TString)
		for i := range 3000 {
			if i%10 == 9 {
				few.Null()
			} else {
				few.String(fmt.Sprint("word ", i%7))
			}
			many.String(fmt.Sprint("word ", k, " ", i))
		}
		b := &vec.Batch{Rows: 3000, Cols: []vec.Vector{few.Finish(), many.Finish()}}
		bs, want = append(bs, b), append(want, formattest.Rows(b)...)
	}
	got, dicts, err := read(spec(s), write(t, spec(s), bs...), 0)
	if err != nil || dicts == 0 {
		t.Fatal(dicts, err)
	}
	same(t, got, want)
}

// foreign is what another writer may have written.
type foreign struct {
	ID    int32              `parquet:"id"`
	Small *int64             `parquet:"small,optional"`
	When  time.Time          `parquet:"when,timestamp(millisecond)"`
	Day   int32              `parquet:"day,date"`
	D9    int32              `parquet:"d9,decimal(2:9)"`
	D18   int64              `parquet:"d18,decimal(3:18)"`
	Tags  []string           `parquet:"tags,list"`
	Bare  []int64            `parquet:"bare"`
	In    *inner             `parquet:"in,optional"`
	M     map[string]float64 `parquet:"m"`
	F     float32            `parquet:"f"`
	U     uint32             `parquet:"u"`
}

type inner struct {
	X int64     `parquet:"x"`
	Y []*inner2 `parquet:"y,list"`
}

type inner2 struct {
	Z *string `parquet:"z,optional"`
}

func foreignFile(t *testing.T) []byte {
	t.Helper()
	n, z := int64(7), "zed"
	rows := []foreign{
		{1, &n, time.UnixMilli(1_700_000_000_123), 20000, 1234, -56789, []string{"a", "b"}, []int64{1, 2}, &inner{5, []*inner2{{&z}, {nil}}}, map[string]float64{"k": 1.5}, 2.5, 1 << 31},
		{2, nil, time.UnixMilli(-1), -1, -1, 1, nil, nil, nil, nil, 0, 0},
		{3, &n, time.UnixMilli(0), 0, 0, 0, []string{}, []int64{}, &inner{6, nil}, map[string]float64{}, -1, 1},
	}
	var buf bytes.Buffer
	w := pq.NewGenericWriter[foreign](&buf)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestForeignFile(t *testing.T) {
	s := types.Schema{
		col("f", types.TDouble), col("id", types.TBigInt), col("when", types.TimestampOf(3)), col("day", types.TDate), col("d9", types.DecimalOf(12, 2)), col("d18", types.DecimalOf(20, 3)),
		col("tags", types.ArrayOf(types.TString)), col("bare", types.ArrayOf(types.TBigInt)),
		col("in", types.RowOf(col("x", types.TBigInt), col("nope", types.TInt), col("y", types.ArrayOf(types.RowOf(col("z", types.TString)))))),
		col("m", types.MapOf(types.TString, types.TDouble)), col("missing", types.TString), col("u", types.TBigInt), col("small", types.TBigInt),
	}
	got, _, err := read(spec(s), foreignFile(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`2.5|1|1700000000123000|20000|1234|-56789|["a","b"]|[1,2]|(5,NULL,[("zed"),(NULL)])|{"k"=1.5}|NULL|2147483648|7`,
		`0|2|-1000|-1|-1|1|[]|[]|NULL|{}|NULL|0|NULL`,
		`-1|3|0|0|0|0|[]|[]|(6,NULL,[])|{}|NULL|1|7`,
	}
	same(t, got, want)
}

func TestWrongTypes(t *testing.T) {
	file := foreignFile(t)
	for name, ty := range map[string]types.Type{"id": types.TString, "small": types.TInt, "when": types.TBigInt, "day": types.TimestampOf(3), "d9": types.DecimalOf(9, 3), "d18": types.DecimalOf(17, 3), "tags": types.TString,
		"bare": types.TBigInt, "in": types.ArrayOf(types.TInt), "m": types.ArrayOf(types.TString), "f": types.TInt, "u": types.TInt} {
		_, _, err := read(spec(types.Schema{col(name, ty)}), file, 0)
		if err == nil || !strings.Contains(err.Error(), "column '"+name+"': ") || !strings.Contains(err.Error(), "cannot be read as") {
			t.Errorf("%s as %s: %v", name, ty, err)
		}
	}
}

func TestTimeZones(t *testing.T) {
	s := types.Schema{col("ts", types.TimestampOf(6)), col("ltz", types.LTZOf(6))}
	b := formattest.Random(s, 300, 7)
	for _, opts := range [][]string{nil, {"utc-timezone", "true"}, {"write.int64.timestamp", "true"}} {
		sp := spec(s, opts...)
		sp.Zone = "Asia/Shanghai"
		got, _, err := read(sp, write(t, sp, b), 0)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, formattest.Rows(b))
	}
	// INT96 holds the instant: another zone shows another local time
	sp := spec(types.Schema{col("ts", types.TimestampOf(3))})
	sp.Zone = "Asia/Shanghai"
	ts := vec.NewBuilder(types.TimestampOf(3))
	ts.Int(8 * 3600 * 1_000_000)
	file := write(t, sp, &vec.Batch{Rows: 1, Cols: []vec.Vector{ts.Finish()}})
	sp.Zone = "UTC"
	if got, _, err := read(sp, file, 0); err != nil || got[0] != "0" {
		t.Fatal(got, err)
	}
}

// A clock shows what the zone's rules say, whatever it has shown before.
func TestClock(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, name := range []string{"UTC", "Etc/UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		c := &clock{zone: zone}
		for range 5000 {
			sec := rng.Int64N(10_000_000_000) - 5_000_000_000
			if rng.IntN(2) == 0 && c.until != math.MaxInt64 { // about where the rules change
				sec = c.until + rng.Int64N(3) - 1
			}
			_, off := time.Unix(sec, 0).In(zone).Zone()
			if got := c.local(sec); got != sec+int64(off) {
				t.Fatalf("%s: %d is %d, want %d", name, sec, got, sec+int64(off))
			}
		}
	}
}

func TestSkip(t *testing.T) {
	s := types.Schema{col("i", types.TInt), col("s", types.TString), col("d", types.TDouble), col("ts", types.TimestampOf(6)), col("n", types.TBigInt)}
	sp := spec(s, "block.size", "1", "write.int64.timestamp", "true")
	var bs []*vec.Batch
	for g := range 4 { // group g holds [10g, 10g+9]
		var b []*vec.Builder
		for _, f := range s {
			b = append(b, vec.NewBuilder(f.Type))
		}
		for i := 10 * g; i < 10*g+10; i++ {
			b[0].Int(int64(i))
			b[1].String(fmt.Sprintf("s%02d", i))
			b[2].Float(float64(i))
			b[3].Int(int64(i) * 1_000_000)
			b[4].Null()
		}
		x := &vec.Batch{Rows: 10}
		for _, k := range b {
			x.Cols = append(x.Cols, k.Finish())
		}
		bs = append(bs, x)
	}
	file := write(t, sp, bs...)
	for _, c := range []struct {
		p    connect.Predicate
		want string // groups that are left
	}{
		{connect.Predicate{Column: 0, Op: connect.Eq, Values: []any{int64(15)}}, "1"}, {connect.Predicate{Column: 0, Op: connect.Lt, Values: []any{int64(10)}}, "0"}, {connect.Predicate{Column: 0, Op: connect.Le, Values: []any{int64(10)}}, "01"},
		{connect.Predicate{Column: 0, Op: connect.Gt, Values: []any{int64(29)}}, "3"}, {connect.Predicate{Column: 0, Op: connect.Ge, Values: []any{int64(29)}}, "23"}, {connect.Predicate{Column: 0, Op: connect.In, Values: []any{int64(5), int64(35)}}, "03"},
		{connect.Predicate{Column: 0, Op: connect.Ne, Values: []any{int64(5)}}, "0123"}, {connect.Predicate{Column: 1, Op: connect.Eq, Values: []any{"s25"}}, "2"}, {connect.Predicate{Column: 2, Op: connect.Gt, Values: []any{9.5}}, "123"},
		{connect.Predicate{Column: 3, Op: connect.Ge, Values: []any{int64(30_000_000)}}, "3"}, {connect.Predicate{Column: 4, Op: connect.NotNull}, ""}, {connect.Predicate{Column: 4, Op: connect.IsNull}, "0123"}, {connect.Predicate{Column: 4, Op: connect.Eq, Values: []any{int64(1)}}, ""},
		{connect.Predicate{Column: 0, Op: connect.Eq, Values: []any{"not an int"}}, "0123"},
	} {
		x := sp
		x.Predicates = []connect.Predicate{c.p}
		r, err := Open(x, bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for g := range r.Groups() {
			if !r.Skip(g) {
				got += fmt.Sprint(g)
			}
			if r.GroupRows(g) != 10 || r.GroupBytes(g) <= 0 {
				t.Fatal(g, r.GroupRows(g), r.GroupBytes(g))
			}
		}
		if got != c.want {
			t.Errorf("%+v: groups %s, want %s", c.p, got, c.want)
		}
	}
}

func TestGarbage(t *testing.T) {
	s := slices.Concat(formattest.All, formattest.Nested)
	sp := spec(s)
	file := write(t, sp, formattest.Random(s, 300, 1))
	for _, bad := range [][]byte{nil, []byte("PAR1"), []byte("not parquet at all"), file[:len(file)/2], file[len(file)/2:], file[:len(file)-1]} {
		if _, _, err := read(sp, bad, 0); err == nil {
			t.Errorf("%d bytes were read", len(bad))
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 { // a flipped byte is an error, another value, or does not matter; never a panic
		bad := slices.Clone(file)
		bad[rng.IntN(len(bad))] ^= byte(1 + rng.IntN(255))
		_, _, _ = read(sp, bad, 0)
	}
}

func TestBadOptions(t *testing.T) {
	s := types.Schema{col("a", types.TInt)}
	for _, opts := range [][]string{{"compression", "LZO"}, {"compression", "LZ4_RAW"}, {"block.size", "big"}, {"utc-timezone", "so"}} {
		if _, err := Create(spec(s, opts...), io.Discard); err == nil {
			t.Errorf("%q were taken", opts)
		}
	}
	if _, err := Create(spec(types.Schema{col("a", types.TInt), col("a", types.TInt)}), io.Discard); err == nil {
		t.Error("a column twice")
	}
}

func TestDecimalBytes(t *testing.T) {
	for prec, want := range map[int]int{1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 9: 4, 10: 5, 18: 8, 19: 9, 38: 16} {
		if got := decimalBytes(prec); got != want {
			t.Errorf("%d digits: %d bytes, want %d", prec, got, want)
		}
	}
}

// decodedBytes is what rows take as columns: the figure by which speeds compare.
func decodedBytes(x *vec.Batch, cols []int) int64 {
	n := 0
	for _, c := range cols {
		switch v := x.Cols[c].(type) {
		case *vec.Bytes:
			n += len(v.Data) + 4*x.Rows
		case *vec.Fixed[int32]:
			n += 4 * x.Rows
		default:
			n += 8 * x.Rows
		}
	}
	return int64(n)
}

// BenchmarkRead reports the speed in bytes of the columns read, as they are in memory.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name   string
		schema types.Schema
		rows   *vec.Batch
		few    []int
	}{
		{"bid", formattest.Bid, formattest.Bids(65_536, false), []int{0, 2}},
		{"lineitem", formattest.Lineitem, formattest.Lineitems(65_536), []int{4, 10}},
		{"wide", formattest.Wide(500), formattest.WideRows(formattest.Wide(500), 8192), []int{7, 450}},
		{"long", types.Schema{col("id", types.TBigInt), col("doc", types.TString)}, longRows(32), []int{0}},
	} {
		for _, codec := range []string{"UNCOMPRESSED", "SNAPPY", "ZSTD"} {
			sp := spec(c.schema, "compression", codec)
			file := write(b, sp, c.rows)
			for _, cols := range [][]int{sp.Columns, c.few} {
				b.Run(fmt.Sprintf("%s/%s/columns=%d", c.name, codec, len(cols)), func(b *testing.B) {
					sp.Columns = cols
					formattest.Speed(b, decodedBytes(c.rows, cols), func() { readAll(b, sp, file) })
				})
			}
		}
	}
}

// longRows returns n rows of 1 MB.
func longRows(n int) *vec.Batch {
	id, doc := vec.NewBuilder(types.TBigInt), vec.NewBuilder(types.TString)
	for i := range n {
		id.Int(int64(i))
		doc.String(strings.Repeat(fmt.Sprintf("document %d, plain text; ", i), 1<<20/25))
	}
	return &vec.Batch{Rows: n, Cols: []vec.Vector{id.Finish(), doc.Finish()}}
}

func readAll(b *testing.B, sp format.Spec, file []byte) {
	r, err := Open(sp, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		b.Fatal(err)
	}
	for g := range r.Groups() {
		it, err := r.Read(g, 0)
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err = it.Next(); err != nil {
				break
			}
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		_ = it.Close()
	}
}

func BenchmarkWrite(b *testing.B) {
	x := formattest.Bids(8192, false)
	raw := 0
	for _, c := range x.Cols {
		if s, ok := c.(*vec.Bytes); ok {
			raw += len(s.Data)
		} else {
			raw += 8 * x.Rows
		}
	}
	b.SetBytes(int64(raw))
	for b.Loop() {
		write(b, spec(formattest.Bid), x)
	}
}

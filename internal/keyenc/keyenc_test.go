package keyenc

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// all are types of every physical form.
var all = []types.Type{
	types.TNull, types.TBoolean, types.Of(types.TinyInt), types.Of(types.SmallInt), types.TInt, types.TBigInt,
	types.Of(types.Float), types.TDouble, types.DecimalOf(10, 2), types.DecimalOf(30, 5), types.TString, types.TBytes,
	types.TDate, types.Of(types.Time), types.TimestampOf(3), types.LTZOf(9), types.Of(types.IntervalMonth),
	types.ArrayOf(types.TString), types.ArrayOf(types.ArrayOf(types.TInt)), types.MapOf(types.TString, types.TDouble),
	types.MultisetOf(types.TInt),
	types.RowOf(types.Field{Name: "a", Type: types.TInt}, types.Field{Name: "b", Type: types.ArrayOf(types.TString)}),
}

var someInts = []int64{0, 1, -1, 5, 191, 192, 255, 256, -255, -256, -257, 1 << 31, -1 << 31, math.MaxInt64, math.MinInt64}
var someFloats = []float64{0, math.Copysign(0, -1), 1.5, -1.5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 5e-324, -5e-324}

func randInt(r *rand.Rand) int64 {
	if r.IntN(3) == 0 {
		return someInts[r.IntN(len(someInts))]
	}
	return int64(r.Uint64()) >> r.IntN(64)
}

// appendRandom appends a random value to b.
func appendRandom(r *rand.Rand, t types.Type, b *vec.Builder, nulls bool) {
	if nulls && r.IntN(6) == 0 {
		b.Null()
		return
	}
	switch t.Phys() {
	case types.PhysBool:
		b.Bool(r.IntN(2) == 0)
	case types.PhysInt8, types.PhysInt16, types.PhysInt32, types.PhysInt64:
		b.Int(randInt(r))
	case types.PhysFloat32, types.PhysFloat64:
		if r.IntN(2) == 0 {
			b.Float(someFloats[r.IntN(len(someFloats))])
		} else {
			b.Float(float64(r.IntN(2000)-1000) / 8)
		}
	case types.PhysInt128:
		x := types.Int128{Lo: r.Uint64(), Hi: int64(r.Uint64()) >> r.IntN(64)}
		if r.IntN(2) == 0 {
			x = types.Int128Of(randInt(r))
		}
		b.Int128(x)
	case types.PhysBytes:
		b.Bytes([]byte(strings.Repeat("a\x00\x01\xff", 3)[r.IntN(4):][:r.IntN(5)]))
	case types.PhysList:
		for range r.IntN(4) {
			appendRandom(r, *t.Elem, b.Kid(0), nulls)
		}
		b.End()
	case types.PhysMap:
		key, val := mapTypes(t)
		for range r.IntN(4) {
			appendRandom(r, key, b.Kid(0), false)
			appendRandom(r, val, b.Kid(1), nulls)
		}
		b.End()
	case types.PhysRow:
		for i, f := range t.Fields {
			appendRandom(r, f.Type, b.Kid(i), nulls)
		}
		b.End()
	}
}

func randomColumn(r *rand.Rand, t types.Type, n int, nulls bool) vec.Vector {
	b := vec.NewBuilder(t)
	for range n {
		appendRandom(r, t, b, nulls)
	}
	return b.Finish()
}

// compare is the order that keys must have: NULL first, NaN last, −0.0 as 0.0.
func compare(v vec.Vector, i, j int) int {
	if a, b := v.Null(i), v.Null(j); a || b {
		return cmp.Compare(btoi(b), btoi(a))
	}
	switch v := v.(type) {
	case *vec.Fixed[bool]:
		return cmp.Compare(btoi(v.Vals[i]), btoi(v.Vals[j]))
	case *vec.Fixed[int8]:
		return cmp.Compare(v.Vals[i], v.Vals[j])
	case *vec.Fixed[int16]:
		return cmp.Compare(v.Vals[i], v.Vals[j])
	case *vec.Fixed[int32]:
		return cmp.Compare(v.Vals[i], v.Vals[j])
	case *vec.Fixed[int64]:
		return cmp.Compare(v.Vals[i], v.Vals[j])
	case *vec.Fixed[float32]:
		return compareFloats(float64(v.Vals[i]), float64(v.Vals[j]))
	case *vec.Fixed[float64]:
		return compareFloats(v.Vals[i], v.Vals[j])
	case *vec.Fixed[types.Int128]:
		return big128(v.Vals[i]).Cmp(big128(v.Vals[j]))
	case *vec.Bytes:
		return bytes.Compare(v.At(i), v.At(j))
	case *vec.List:
		a, b := v.Offs[i], v.Offs[j]
		for ; a < v.Offs[i+1] && b < v.Offs[j+1]; a, b = a+1, b+1 {
			if c := compare(v.Elem, int(a), int(b)); c != 0 {
				return c
			}
		}
		return cmp.Compare(btoi(a < v.Offs[i+1]), btoi(b < v.Offs[j+1]))
	case *vec.Row:
		for _, f := range v.Fields {
			if c := compare(f, i, j); c != 0 {
				return c
			}
		}
		return 0
	}
	panic(fmt.Sprintf("%T", v))
}

func compareFloats(a, b float64) int {
	if a != a || b != b {
		return cmp.Compare(btoi(a != a), btoi(b != b))
	}
	return cmp.Compare(a, b)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func big128(x types.Int128) *big.Int {
	b := new(big.Int).Lsh(big.NewInt(x.Hi), 64)
	return b.Add(b, new(big.Int).SetUint64(x.Lo))
}

func ordered(t types.Type) bool { return t.Phys() != types.PhysMap }

func sign(x int) int { return cmp.Compare(x, 0) }

func TestKeyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, typ := range all {
		if !ordered(typ) {
			continue
		}
		const n = 120
		v := randomColumn(r, typ, n, true)
		second := randomColumn(r, types.TInt, n, true)
		cols := []vec.Vector{v, second}
		ts := []types.Type{typ, types.TInt}
		orders := []Order{{Desc: true, NullsLast: true}, {}}
		up, down := make([][]byte, n), make([][]byte, n)
		for i := range n {
			up[i] = AppendKey(nil, ts, cols, i)
			down[i] = AppendSortKey(nil, cols, orders, i)
		}
		for i := range n {
			for j := range n {
				first, then := compare(v, i, j), compare(second, i, j)
				want := first
				if want == 0 {
					want = then
				}
				if got := bytes.Compare(up[i], up[j]); got != sign(want) {
					t.Fatalf("%s: rows %d, %d: %x, %x compare as %d, want %d", typ, i, j, up[i], up[j], got, want)
				}
				want = -first
				if want == 0 {
					want = then
				}
				if got := bytes.Compare(down[i], down[j]); got != sign(want) {
					t.Fatalf("%s desc: rows %d, %d: %x, %x compare as %d, want %d", typ, i, j, down[i], down[j], got, want)
				}
			}
		}
	}
}

func builders(ts []types.Type) []*vec.Builder {
	bs := make([]*vec.Builder, len(ts))
	for i, t := range ts {
		bs[i] = vec.NewBuilder(t)
	}
	return bs
}

func finish(bs []*vec.Builder) []vec.Vector {
	cols := make([]vec.Vector, len(bs))
	for i, b := range bs {
		cols[i] = b.Finish()
	}
	return cols
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var cols []vec.Vector
	orders := make([]Order, len(all))
	const n = 300
	for i, typ := range all {
		cols = append(cols, randomColumn(r, typ, n, true))
		orders[i] = Order{Desc: i%2 == 0, NullsLast: i%3 == 0}
	}
	row, key, sorted := builders(all), builders(all), builders(all)
	for i := range n {
		rest, err := DecodeRow(append(AppendRow(nil, all, cols, i), 7), all, row)
		if err != nil || !bytes.Equal(rest, []byte{7}) {
			t.Fatalf("row %d: %v, rest %x", i, err, rest)
		}
		if rest, err = DecodeKey(append(AppendKey(nil, all, cols, i), 7), all, key); err != nil || !bytes.Equal(rest, []byte{7}) {
			t.Fatalf("key %d: %v, rest %x", i, err, rest)
		}
		if rest, err = DecodeSortKey(append(AppendSortKey(nil, cols, orders, i), 7), all, orders, sorted); err != nil || !bytes.Equal(rest, []byte{7}) {
			t.Fatalf("sort key %d: %v, rest %x", i, err, rest)
		}
	}
	rows, keys, sorts := finish(row), finish(key), finish(sorted)
	for i := range n {
		if a, b := AppendRow(nil, all, cols, i), AppendRow(nil, all, rows, i); !bytes.Equal(a, b) {
			t.Fatalf("row %d: %x, %x", i, a, b)
		}
		a := AppendKey(nil, all, cols, i)
		if b := AppendKey(nil, all, keys, i); !bytes.Equal(a, b) {
			t.Fatalf("key %d: %x, %x", i, a, b)
		}
		if b := AppendKey(nil, all, sorts, i); !bytes.Equal(a, b) {
			t.Fatalf("sort key %d: %x, %x", i, a, b)
		}
	}
}

func hashes(ts []types.Type, cols []vec.Vector, rows []int32, n int) []uint64 {
	out := make([]uint64, n)
	if rows != nil {
		out = out[:len(rows)]
	}
	Hash(cols, ts, rows, n, out)
	return out
}

// Equal keys have equal hashes, in any vector, at any position.
func TestHashForms(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const n = 200
	for _, typ := range all {
		ts := []types.Type{typ, types.TInt}
		v, second := randomColumn(r, typ, n, true), randomColumn(r, types.TInt, n, true)
		flat := hashes(ts, []vec.Vector{v, second}, nil, n)
		var rows []int32
		for i := 0; i < n; i += 3 {
			rows = append(rows, int32(i))
		}
		for i, h := range hashes(ts, []vec.Vector{v, second}, rows, n) {
			if h != flat[rows[i]] {
				t.Fatalf("%s: hash of selected row %d differs", typ, i)
			}
		}
		codes := make([]uint32, 3*n)
		long := make([]int32, 3*n)
		for i := range codes {
			codes[i] = r.Uint32N(n)
			long[i] = int32(codes[i])
		}
		dict := []vec.Vector{&vec.Dict{Codes: codes, Words: v}, vec.Take(second, long)}
		for i, h := range hashes(ts, dict, nil, 3*n) {
			if h != flat[codes[i]] {
				t.Fatalf("%s: hash of dictionary row %d differs", typ, i)
			}
		}
		for i, h := range hashes(ts, dict, rows, 3*n) {
			if h != flat[codes[rows[i]]] {
				t.Fatalf("%s: hash of selected dictionary row %d differs", typ, i)
			}
		}
		con := []vec.Vector{&vec.Const{Val: vec.Take(v, []int32{4}), N: 1}, vec.Take(second, []int32{4})}
		if h := hashes(ts, con, nil, 1); h[0] != flat[4] {
			t.Fatalf("%s: hash of constant differs", typ)
		}
	}
}

func one(t types.Type, put func(*vec.Builder)) uint64 {
	b := vec.NewBuilder(t)
	put(b)
	return hashes([]types.Type{t}, []vec.Vector{b.Finish()}, nil, 1)[0]
}

func TestHashCanonical(t *testing.T) {
	num := func(x int64) func(*vec.Builder) { return func(b *vec.Builder) { b.Int(x) } }
	float := func(x float64) func(*vec.Builder) { return func(b *vec.Builder) { b.Float(x) } }
	same := [][2]uint64{
		{one(types.TInt, num(5)), one(types.TBigInt, num(5))},
		{one(types.Of(types.TinyInt), num(-5)), one(types.TBigInt, num(-5))},
		{one(types.DecimalOf(10, 2), num(500)), one(types.TBigInt, num(5))},
		{one(types.DecimalOf(10, 2), num(510)), one(types.DecimalOf(30, 5), num(510000))},
		{one(types.DecimalOf(10, 2), num(-510)), one(types.DecimalOf(30, 5), num(-510000))},
		{one(types.DecimalOf(10, 2), num(0)), one(types.DecimalOf(30, 5), num(0))},
		{one(types.TimestampOf(3), num(7)), one(types.TimestampOf(9), num(7000))},
		{one(types.TDouble, float(0)), one(types.TDouble, float(math.Copysign(0, -1)))},
		{one(types.Of(types.Float), float(1.5)), one(types.TDouble, float(1.5))},
		{one(types.TDouble, float(math.NaN())), one(types.TDouble, float(math.Float64frombits(0xFFF8000000000001)))},
		{one(types.TString, (*vec.Builder).Null), HashNull()},
		{one(types.TString, func(b *vec.Builder) { b.String("xy") }), HashBytes([]byte("xy"))},
		{one(types.TBigInt, num(-3)), HashWord(types.TBigInt, ^uint64(2))},
		{one(types.DecimalOf(10, 2), num(-300)), HashWord(types.DecimalOf(10, 2), uint64(0xFFFFFFFFFFFFFED4))},
	}
	for i, p := range same {
		if p[0] != p[1] {
			t.Errorf("pair %d: %x and %x", i, p[0], p[1])
		}
	}
	if one(types.DecimalOf(10, 2), num(51)) == one(types.DecimalOf(10, 3), num(51)) {
		t.Error("0.51 and 0.051 hash alike")
	}
}

// HashVersion 1 must never change: keys would lose their groups.
func TestHashGolden(t *testing.T) {
	got := fmt.Sprintf("%x %x %x", HashWord(types.TBigInt, 42), HashBytes([]byte("millrace")), HashNull())
	const want = "8e0bd3cd54cc3fc7 ebc2ab5b04ed57ec e8e01d99e438f3dc"
	if got != want {
		t.Errorf("hashes %s, want %s", got, want)
	}
}

// Both halves of the hash spread keys of the usual patterns evenly.
func TestHashSpread(t *testing.T) {
	patterns := map[string]func(i int) uint64{
		"ascending": func(i int) uint64 { return uint64(i) },
		"negative":  func(i int) uint64 { return uint64(-i) },
		"thousands": func(i int) uint64 { return uint64(i) * 1000 },
		"high half": func(i int) uint64 { return uint64(i) << 32 },
		"top":       func(i int) uint64 { return uint64(i) << 46 },
		"floats":    func(i int) uint64 { return math.Float64bits(float64(i)) },
		"seconds":   func(i int) uint64 { return 1_700_000_000_000_000 + uint64(i)*1_000_000 },
	}
	const n, cells = 1 << 17, 1 << 10
	for name, f := range patterns {
		var high, low, top [cells]int
		for i := range n {
			h := HashWord(types.TBigInt, f(i))
			high[Group(h, cells)]++
			low[uint32(h)%cells]++
			top[uint32(h)>>22]++
		}
		for half, counts := range map[string][cells]int{"high": high, "low": low, "top of low": top} {
			chi := 0.0
			for _, c := range counts {
				d := float64(c) - n/cells
				chi += d * d / (n / cells)
			}
			if chi > 2*cells { // random: cells; one multiplication is not quite
				t.Errorf("%s: %s half is uneven: chi² = %.0f for %d cells", name, half, chi, cells)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	var cols []vec.Vector
	for _, typ := range all {
		cols = append(cols, randomColumn(r, typ, 4, true))
	}
	for i := range 4 {
		f.Add(AppendRow(nil, all, cols, i))
		f.Add(AppendKey(nil, all, cols, i))
	}
	orders := make([]Order, len(all))
	for i := range orders {
		orders[i].Desc = i%2 == 0
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		// Whatever is decoded without an error encodes to what decodes the same.
		bs := builders(all)
		if _, err := DecodeRow(src, all, bs); err == nil {
			cols := finish(bs)
			enc := AppendRow(nil, all, cols, 0)
			bs = builders(all)
			if _, err := DecodeRow(enc, all, bs); err != nil {
				t.Fatalf("decode what was encoded: %v", err)
			}
		}
		bs = builders(all)
		if _, err := DecodeKey(src, all, bs); err == nil {
			enc := AppendKey(nil, all, finish(bs), 0)
			bs = builders(all)
			if rest, err := DecodeKey(enc, all, bs); err != nil || len(rest) > 0 {
				t.Fatalf("decode what was encoded: %v", err)
			}
		}
		DecodeSortKey(src, all, orders, builders(all))
	})
}

func BenchmarkHash(b *testing.B) {
	const n = 4096
	r := rand.New(rand.NewPCG(9, 9))
	codes := make([]uint32, n)
	for i := range codes {
		codes[i] = r.Uint32N(64)
	}
	words := vec.NewBuilder(types.TString)
	for i := range 64 {
		words.String(fmt.Sprintf("channel-%d", i))
	}
	strs := vec.NewBuilder(types.TString)
	for i := range n {
		strs.String(fmt.Sprintf("user-key-%d", i))
	}
	ints := randomColumn(r, types.TBigInt, n, false)
	for _, c := range []struct {
		name string
		ts   []types.Type
		cols []vec.Vector
	}{
		{"int64", []types.Type{types.TBigInt}, []vec.Vector{ints}},
		{"int64x2", []types.Type{types.TBigInt, types.TBigInt}, []vec.Vector{ints, ints}},
		{"int64null", []types.Type{types.TBigInt}, []vec.Vector{randomColumn(r, types.TBigInt, n, true)}},
		{"decimal", []types.Type{types.DecimalOf(10, 2)}, []vec.Vector{ints}},
		{"string", []types.Type{types.TString}, []vec.Vector{strs.Finish()}},
		{"dict", []types.Type{types.TString}, []vec.Vector{&vec.Dict{Codes: codes, Words: words.Finish()}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var h Hasher
			out := make([]uint64, n)
			b.ReportAllocs()
			for b.Loop() {
				h.Hash(c.cols, c.ts, nil, n, out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}

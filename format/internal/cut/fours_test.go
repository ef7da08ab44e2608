package cut

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
)

// texts puts texts into data with what may stand around them.
func texts(rng *rand.Rand, all []string) (data []byte, x Column) {
	data, x.Width = append(data, strings.Repeat("-", rng.IntN(20))...), 1+rng.IntN(3)
	for _, s := range all {
		c := Cell{uint32(len(data)), uint32(len(data) + len(s))}
		if rng.IntN(4) == 0 {
			c.End |= Quoted
		}
		x.All = append(append(x.All, c), make([]Cell, x.Width-1)...)
		data = append(append(data, s...), ",.-07"[rng.IntN(5)])
	}
	return append(data, strings.Repeat("0", rng.IntN(20))...), x
}

// checkFours compares what many reads with what one reads. What many stops at has a text
// among the next four that usual does not know, or that stands too near the ends of data.
func checkFours[T comparable](t *testing.T, rng *rand.Rand, name string, all []string, usual func(string) bool, near int,
	fours func(out []T, x Column, data []byte) int, one func(out []T, x Column, data []byte) int) {
	t.Helper()
	if !hasFours {
		t.Skip("the processor does not have AVX2")
	}
	data, x := texts(rng, all)
	out, want := make([]T, len(all)), make([]T, len(all))
	n := fours(out, x, data)
	if n%4 != 0 || n > len(all) {
		t.Fatalf("%s: %d are read", name, n)
	}
	if k := one(want[:n], x, data); k < n {
		t.Fatalf("%s: %q was read", name, all[k])
	}
	if !slices.Equal(out[:n], want[:n]) {
		t.Fatalf("%s: %q are %v, want %v", name, all[:n], out[:n], want[:n])
	}
	if len(all)-n < 4 {
		return
	}
	for k, s := range all[n : n+4] {
		if _, to := x.All[(n+k)*x.Width].Bounds(); !usual(s) || to < near {
			return
		}
	}
	t.Fatalf("%s: %q are not read", name, all[n:n+4])
}

// mutate changes a byte of a text now and then.
func mutate(rng *rand.Rand, s string) string {
	if rng.IntN(100) > 0 || s == "" {
		return s
	}
	const bad = "\x00\x20-./0:;?@p\x80\xB0\xFF"
	at := rng.IntN(len(s))
	return s[:at] + string(bad[rng.IntN(len(bad))]) + s[at+1:]
}

func TestNumbersByFours(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	integer, number := regexp.MustCompile(`^-?[0-9]+$`), regexp.MustCompile(`^-?([0-9]+\.?[0-9]*|\.[0-9]+)$`)
	for round := range 30_000 {
		points := round%3 > 0
		var all []string
		for range 4 + rng.IntN(40) {
			s := fmt.Sprint(rng.IntN([]int{10, 1000, 1e6, 1e8}[rng.IntN(4)]))
			if at := rng.IntN(len(s) + 1); points && rng.IntN(2) == 0 {
				s = s[:at] + "." + s[at:]
			}
			if rng.IntN(3) == 0 {
				s = "-" + s
			}
			if len(s) > wordBytes && rng.IntN(30) > 0 {
				s = s[len(s)-wordBytes:]
			}
			all = append(all, mutate(rng, s))
		}
		far := func(data []byte) []byte { return append(data, make([]byte, 16)...) } // for those that load from the front
		checkFours(t, rng, "longs", all, func(s string) bool { return integer.MatchString(s) && len(s) <= wordBytes }, wordBytes, fourLongs,
			func(out []int64, x Column, data []byte) int { return ints(out, x, far(data)) })
		checkFours(t, rng, "ints", all, func(s string) bool { return integer.MatchString(s) && len(s) <= wordBytes }, wordBytes, fourInts,
			func(out []int32, x Column, data []byte) int { return ints(out, x, far(data)) })
		known := func(s string) bool { return number.MatchString(s) && len(s) <= wordBytes }
		checkFours(t, rng, "doubles", all, known, wordBytes,
			func(out []uint64, x Column, data []byte) int {
				return bitsOf(out, func(f []float64) int { return fourDoubles(f, x, data, &powersOfTen) })
			},
			func(out []uint64, x Column, data []byte) int {
				return bitsOf(out, func(f []float64) int { return doubles(f, x, far(data)) })
			})
		scale := rng.IntN(10)
		prec := max(1, scale) + rng.IntN(19-max(1, scale))
		fits := func(s string) bool {
			_, ok := numtext.DecimalAt(far([]byte(s)), 0, len(s), prec, scale)
			return known(s) && ok
		}
		checkFours(t, rng, fmt.Sprint("decimals ", prec, scale), all, fits, wordBytes,
			func(out []int64, x Column, data []byte) int {
				p := powersOf(scale)
				return fourDecimals(out, x, data, &p, types.Pow10Int(prec)-1)
			},
			func(out []int64, x Column, data []byte) int { return decimals(out, x, far(data), prec, scale) })
	}
}

// bitsOf makes doubles their bits, by which there are two zeros.
func bitsOf(out []uint64, read func([]float64) int) int {
	f := make([]float64, len(out))
	n := read(f)
	for k := range n {
		out[k] = math.Float64bits(f[k])
	}
	return n
}

func TestDatesByFours(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	known := func(s string) bool {
		d, err := time.Parse("2006-01-02", s)
		return err == nil && d.Year() != 0 && !(d.Month() == 2 && d.Day() == 29)
	}
	check := func(all []string) {
		t.Helper()
		checkFours(t, rng, "dates", all, known, dateWord, fourDatesIn, func(out []int32, x Column, data []byte) int { return dates(out, x, data) })
	}
	var all []string
	for d := time.Date(0, 12, 1, 0, 0, 0, 0, time.UTC); d.Year() < 10_000; d = d.AddDate(0, 0, 3) {
		if all = append(all, mutate(rng, d.Format("2006-01-02"))); len(all) == 20 {
			check(all)
			all = all[:0]
		}
	}
	for month := range 100 {
		for day := range 100 {
			s := fmt.Sprintf("2023-%02d-%02d", month, day)
			check([]string{s, s, s, s, "2023-01-01", "2023-01-01", s, "2023-01-01"})
		}
	}
	for range 1000 {
		check([]string{"2023-01-01", "2023-01-01", "2023-01-011"[:9+rng.IntN(3)], "2023-01-01"})
	}
}

func fourDatesIn(out []int32, x Column, data []byte) int {
	if len(data) < dateWord {
		return 0
	}
	return fourDates(out, x, data)
}

// Texts are what they are one by one, whatever room there is.
func TestStringsAtOnce(t *testing.T) {
	if !hasFours {
		t.Skip("the processor does not have AVX2")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		var all []string
		longest := []int{2, 40, 200}[rng.IntN(3)]
		for range 1 + rng.IntN(30) {
			all = append(all, strings.Repeat(string(rune('a'+rng.IntN(26))), rng.IntN(longest)))
		}
		data, x := texts(rng, all)
		if k := rng.IntN(len(all)) * x.Width; rng.IntN(3) == 0 {
			x.All[k].End |= []uint32{Quoted | Escaped, Escaped}[rng.IntN(2)]
		} else if rng.IntN(10) == 0 {
			x.All[k] = Cell{Start: Missing}
		}
		r := Reader{Data: data, Quote: rng.IntN(4) == 0}
		const guard = 0xEE
		room := make([]byte, rng.IntN(4000)+manyMax)
		for i := range room {
			room[i] = guard
		}
		fast, slow := colbuf.New(types.TString), colbuf.New(types.TString)
		fast.Data = room[: 0 : len(room)-manyMax]
		ends, want := make([]uint32, len(all)), make([]uint32, len(all))
		n := r.copyMany(fast, ends, x)
		if k := r.copyOne(slow, want[:n], x); k < n || !slices.Equal(ends[:n], want[:n]) || string(fast.Data) != string(slow.Data) {
			t.Fatalf("%q: %q at %v, want %q at %v", all, fast.Data, ends[:n], slow.Data, want[:k])
		}
		for _, b := range room[len(room)-manyMax:] {
			if b != guard {
				t.Fatalf("%q: written beyond %d bytes", all, len(room)-manyMax)
			}
		}
		if n < len(all) { // there is a reason
			c := x.All[n*x.Width]
			from, to := c.Bounds()
			if uint(to-from) <= manyMax && from <= len(data)-manyMax && len(fast.Data) <= cap(fast.Data)-manyMax && (!r.Quote || c.End&Quoted != 0) {
				t.Fatalf("%q is not copied", all[n])
			}
		}
	}
}

func BenchmarkRead(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, c := range []struct {
		typ  types.Type
		text func() string
	}{
		{types.TBigInt, func() string { return fmt.Sprint(rng.IntN(1e6)) }},
		{types.TInt, func() string { return fmt.Sprint(rng.IntN(1e6)) }},
		{types.DecimalOf(15, 2), func() string { return fmt.Sprintf("%d.%02d", rng.IntN(1e4), rng.IntN(100)) }},
		{types.TDouble, func() string { return fmt.Sprintf("%d.%d", rng.IntN(1e4), rng.IntN(100)) }},
		{types.TDate, func() string { return time.Unix(rng.Int64N(2e9), 0).UTC().Format("2006-01-02") }},
		{types.TimestampOf(3), func() string { return time.Unix(1e9+rng.Int64N(1e6), 0).UTC().Format("2006-01-02 15:04:05") }},
		{types.TString, func() string { return strings.Repeat("x", rng.IntN(20)) }},
	} {
		all := make([]string, 1024)
		for i := range all {
			all[i] = c.text()
		}
		data, x := texts(rng, all)
		r, col := Reader{Data: append(data, make([]byte, manyMax)...), Sep: ' '}, colbuf.New(c.typ)
		b.Run(c.typ.Name(), func(b *testing.B) {
			for b.Loop() {
				col.Truncate(0)
				if n := r.Read(col, x, len(all)); n != len(all) {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(all)), "ns/cell")
		})
	}
}

// Four columns at once are what they are one by one.
func TestReadBlock(t *testing.T) {
	if !hasFours {
		t.Skip("the processor does not have AVX2")
	}
	rng := rand.New(rand.NewPCG(9, 10))
	taken := 0
	for range 10_000 {
		rows, width := rng.IntN(30), 4+rng.IntN(4)
		var all []string
		for range rows * width {
			s := fmt.Sprint(rng.IntN([]int{10, 1000, 1e6, 1e8}[rng.IntN(4)]))
			if len(s) < wordBytes && rng.IntN(4) == 0 {
				s = "-" + s
			}
			if rng.IntN(10) == 0 {
				s = mutate(rng, s)
			}
			all = append(all, s)
		}
		data, x := texts(rng, all)
		cells := make([]Cell, 0, len(all))
		for i := range all {
			cells = append(cells, x.All[i*x.Width])
		}
		from := rng.IntN(width - 3)
		x = Column{All: cells[min(from, len(cells)):], Width: width}
		r := Reader{Data: data}
		var cols, want []*colbuf.Col
		for range 4 {
			cols, want = append(cols, colbuf.New(types.TBigInt)), append(want, colbuf.New(types.TBigInt))
		}
		n := r.ReadBlock(cols, x, rows)
		taken += n
		for k, c := range want {
			c.I64 = slices.Grow(c.I64, n)
			if n > 0 && ints(c.I64[:n], Column{x.All[k:], width}, append(slices.Clip(data), make([]byte, 16)...)) < n {
				t.Fatalf("%q: column %d of %d rows was read", all, from+k, n)
			}
			if !slices.Equal(cols[k].I64, c.I64[:n]) {
				t.Fatalf("%q: column %d is %v, want %v", all, from+k, cols[k].I64, c.I64[:n])
			}
		}
	}
	if taken < 10_000 {
		t.Errorf("%d rows were taken", taken)
	}
}

func TestBlocks(t *testing.T) {
	if !hasFours {
		t.Skip("the processor does not have AVX2")
	}
	var cols []*colbuf.Col
	for _, c := range "iiiiiiiiisiiii" {
		cols = append(cols, colbuf.New(map[rune]types.Type{'i': types.TBigInt, 's': types.TString}[c]))
	}
	for _, c := range []struct {
		places []int
		want   string
	}{
		{[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, "x...x.....x..."},
		{[]int{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15}, "...x.........."},
		{[]int{13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, ".............."},
	} {
		got := ""
		for _, is := range Blocks(cols, c.places) {
			got += map[bool]string{true: "x", false: "."}[is]
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.places, got, c.want)
		}
	}
}

package nexmark

import (
	"bytes"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/vec"
)

// all returns every column of a kind's table.
func all(k Kind) (out []int) {
	for i := range Schema(k) {
		out = append(out, i)
	}
	return out
}

func generator(t testing.TB, c Config) *Generator {
	t.Helper()
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// cell returns a value as int64 or string, nil for NULL.
func cell(v vec.Vector, row int) any {
	if v.Null(row) {
		return nil
	}
	switch v := v.(type) {
	case *vec.Fixed[int64]:
		return v.Vals[row]
	case *vec.Fixed[int32]:
		return int64(v.Vals[row])
	case *vec.Bytes:
		return string(v.At(row))
	case *vec.Dict:
		return string(v.Words.(*vec.Bytes).At(int(v.Codes[row])))
	case *vec.Row:
		out := make([]any, len(v.Fields))
		for i, f := range v.Fields {
			out[i] = cell(f, row)
		}
		return out
	}
	panic("a column of another type")
}

// rows returns all rows.
func rows(b *vec.Batch) [][]any {
	out := make([][]any, b.Rows)
	for r := range out {
		for _, c := range b.Cols {
			out[r] = append(out[r], cell(c, r))
		}
	}
	return out
}

// The event that the facts give for a number, one at a time: kind, own id, last
// person and last auction (base 0).
func reference(n, p, a, b int64) (kind Kind, id, lastPerson, lastAuction int64) {
	e, t := n+1, p+a+b
	g, r := e/t, e%t
	lastPerson = g*p + min(r, p-1)
	switch {
	case r < p:
		return Person, lastPerson + 1000, lastPerson, (g-1)*a + a - 1
	case r < p+a:
		return Auction, g*a + r - p + 1000, lastPerson, g*a + r - p
	}
	return Bid, 0, lastPerson, g*a + a - 1
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ p, a, b int }{{1, 3, 46}, {20, 10, 20}, {2, 0, 3}, {0, 1, 1}, {3, 1, 0}, {0, 0, 1}} {
		g := generator(t, Config{Persons: c.p, Auctions: c.a, Bids: c.b, Rate: 100})
		got := rows(g.Fill(All, 1, 1001, all(All)))
		if len(got) != 1000 {
			t.Fatalf("%v: %d rows, want 1000", c, len(got))
		}
		for i, row := range got {
			n := int64(i + 1)
			kind, id, person, auction := reference(n, int64(c.p), int64(c.a), int64(c.b))
			if row[0] != int64(kind) {
				t.Fatalf("%v: event %d is of type %v, want %d", c, n, row[0], kind)
			}
			for k := range 3 {
				if (row[1+k] != nil) != (k == int(kind)) {
					t.Fatalf("%v: event %d of type %d has column %d %v", c, n, kind, k, row[1+k])
				}
			}
			own := row[1+kind].([]any)
			if kind != Bid && own[0] != id {
				t.Errorf("%v: event %d has id %v, want %d", c, n, own[0], id)
			}
			at := BaseTime.UnixMicro() + n*10_000
			if timeCol := [...]int{6, 5, 5}[kind]; own[timeCol] != at || row[4] != at {
				t.Errorf("%v: event %d is at %v and %v, want %d", c, n, own[timeCol], row[4], at)
			}
			active := min(person+1, 1000)
			anyPerson := func(x int64) bool { return x >= person+1-active && x < person+1+10 }
			switch kind {
			case Auction:
				if x := own[7].(int64) - 1000; x != person/100*100 && !anyPerson(x) {
					t.Errorf("%v: event %d: seller %d after person %d", c, n, x, person)
				}
			case Bid:
				if x := own[0].(int64) - 1000; x != auction/100*100 && (x < max(auction-100, 0) || x > auction+10) {
					t.Errorf("%v: event %d: bid for %d after auction %d", c, n, x, auction)
				}
				if x := own[1].(int64) - 2000; x != person/100*100+1 && !anyPerson(x) {
					t.Errorf("%v: event %d: bidder %d after person %d", c, n, x, person)
				}
			}
		}
	}
}

func TestFirstEvents(t *testing.T) {
	g := generator(t, Config{Rate: 100})
	first := rows(g.Fill(All, 0, 2, all(All)))
	if len(first) != 1 || first[0][0] != int64(Auction) || first[0][2].([]any)[0] != int64(1001) {
		t.Errorf("first event is %v, want auction 1001", first)
	}
	counts := map[Kind]int{Person: 600, Auction: 1800, Bid: 27600, All: 30000}
	for kind, want := range counts {
		b := g.Fill(kind, 1, 30001, []int{0})
		if b.Rows != want {
			t.Errorf("%d rows of kind %d in 30,000 events, want %d", b.Rows, kind, want)
		}
		ids := b.Cols[0]
		if kind <= Auction && (cell(ids, 0) != int64(1001) || cell(ids, want-1) != int64(1000+want)) {
			t.Errorf("ids of kind %d are %v..%v", kind, cell(ids, 0), cell(ids, want-1))
		}
	}
}

// The shares and means that were measured on the original, over 30,000 events 10 ms
// apart; here they may differ by what chance makes likely.
func TestShares(t *testing.T) {
	g := generator(t, Config{Rate: 100})
	near := func(what string, got, want, tol float64) {
		t.Helper()
		if math.Abs(got-want) > tol {
			t.Errorf("%s: %.4f, want %.4f ± %.4f", what, got, want, tol)
		}
	}
	between := func(what string, x any, lo, hi int64) {
		t.Helper()
		if n := x.(int64); n < lo || n > hi {
			t.Errorf("%s: %d, want %d..%d", what, n, lo, hi)
		}
	}
	share := func(n, of int) float64 { return float64(n) / float64(of) }

	var hotAuction, hotBidder, hotChannel, cheap, dear, size, withID int
	bids := rows(g.Fill(Bid, 1, 30001, all(Bid)))
	bidEvent := int64(1)
	for _, b := range bids {
		for {
			if k, _, _, _ := reference(bidEvent, 1, 3, 46); k == Bid {
				break
			}
			bidEvent++
		}
		_, _, person, auction := reference(bidEvent, 1, 3, 46)
		bidEvent++
		if b[0].(int64)-1000 == auction/100*100 {
			hotAuction++
		}
		if b[1].(int64)-2000 == person/100*100+1 {
			hotBidder++
		}
		between("price", b[2], 100, 100_000_000)
		if b[2].(int64) < 10_000 {
			cheap++
		}
		if b[2].(int64) >= 1_000_000 {
			dear++
		}
		channel, url := b[3].(string), b[4].(string)
		id, isID := strings.CutPrefix(channel, "channel-")
		if !isID {
			hotChannel++
		}
		dirs := strings.Split(url, "/")
		if len(dirs) != 7 || dirs[2] != "www.nexmark.com" || len(dirs[3]) < 3 || len(dirs[3]) > 4 {
			t.Fatalf("url %q", url)
		}
		if _, of, ok := strings.Cut(url, "&channel_id="); ok {
			withID++
			i, _ := strconv.ParseInt(id, 10, 64)
			if want := strconv.FormatInt(channelID(i), 10); of != want || !isID {
				t.Fatalf("channel %s has id %s, want %s", channel, of, want)
			}
		}
		between("length of a bid's extra", int64(len(b[6].(string))), 54, 81)
		size += 32 + len(b[6].(string))
	}
	n := len(bids)
	near("hot auction", share(hotAuction, n), 0.506, 0.01)
	near("hot bidder", share(hotBidder, n), 0.757, 0.01)
	near("hot channel", share(hotChannel, n), 0.5, 0.01)
	near("channels with an id", share(withID, n-hotChannel), 0.9, 0.02)
	near("price below 10,000", share(cheap, n), 1./3, 0.01)
	near("price from 1,000,000", share(dear, n), 1./3, 0.01)
	near("size of a bid", share(size, n), 99.5, 0.5)

	var hotSeller int
	size = 0
	auctions := rows(g.Fill(Auction, 1, 30001, all(Auction)))
	for i, a := range auctions {
		between("category", a[8], 10, 14)
		between("reserve above the initial bid", a[4].(int64)-a[3].(int64), 100, 100_000_000)
		between("expires", (a[6].(int64)-a[5].(int64))/1000, 1, 33_320)
		between("length of a description", int64(len(a[2].(string))), 0, 99)
		between("length of an item's name", int64(len(a[1].(string))), 0, 19)
		if s := a[2].(string); s != strings.TrimSpace(s) || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz ") != "" {
			t.Errorf("description %q", s)
		}
		// Auction 1001 is the second of group 0, and each group has three.
		if last := int64(i+1) / 3; a[7].(int64)-1000 == last/100*100 {
			hotSeller++
		}
		between("length of an auction's extra", int64(len(a[9].(string))), 250, 545)
		size += 48 + len(a[1].(string)) + len(a[2].(string)) + len(a[9].(string))
	}
	near("hot seller", share(hotSeller, len(auctions)), 0.746, 0.03)
	near("size of an auction", share(size, len(auctions)), 500.2, 5)

	size = 0
	persons := rows(g.Fill(Person, 1, 30001, all(Person)))
	for _, p := range persons {
		s := 8
		for i, c := range p {
			if v, ok := c.(string); ok && i != 7 {
				s += len(v)
			}
		}
		m := 200 - s
		delta := int64(math.Round(0.2 * float64(m)))
		between("length of a person's extra", int64(len(p[7].(string))), int64(m)-delta, int64(m)+delta-1)
		size += s + len(p[7].(string))
		if email := p[2].(string); !strings.HasSuffix(email, ".com") || strings.Count(email, "@") != 1 || len(email) > 6+1+4+4 {
			t.Errorf("email %q", email)
		}
		card := strings.Split(p[3].(string), " ")
		if len(card) != 4 || len(p[3].(string)) != 19 || len(card[2]) != 4 {
			t.Errorf("card %q", p[3])
		}
	}
	near("size of a person", share(size, len(persons)), 199.8, 3)
}

func TestPadding(t *testing.T) {
	text := paddingText(1)[:textSize]
	var upper, c int
	for _, b := range text {
		if b < 'H' || b > 'z' {
			t.Fatalf("character %q", b)
		}
		if b < 'a' {
			upper++
		}
		if b == 'c' {
			c++
		}
	}
	// In a negative block each digit is 'a' in one of 26 cases.
	if got, want := float64(upper)/textSize, 0.5*25/26; math.Abs(got-want) > 0.01 {
		t.Errorf("%.4f of the characters are below 'a', want %.4f", got, want)
	}
	if got, want := float64(c)/textSize, 1./52; math.Abs(got-want) > 0.002 {
		t.Errorf("%.4f of the characters are 'c', want %.4f", got, want)
	}
	if !bytes.ContainsRune(text, '\\') || !bytes.ContainsRune(text, '`') {
		t.Error("no backslash or no backtick")
	}
}

func TestPadsToOtherSizes(t *testing.T) {
	for _, c := range []struct{ size, lo, hi int }{{10, 0, 0}, {32, 0, 0}, {33, 1, 1}, {34, 2, 2}, {40, 6, 9}, {1032, 800, 1199}} {
		g := generator(t, Config{BidSize: c.size})
		for _, r := range rows(g.Fill(Bid, 1, 2000, []int{6})) {
			if n := len(r[0].(string)); n < c.lo || n > c.hi {
				t.Fatalf("extra of %d bytes for bids of %d, want %d..%d", n, c.size, c.lo, c.hi)
			}
		}
	}
}

func TestChannelID(t *testing.T) {
	for i, want := range map[int64]int64{0: 0, 1: -2147483648, 2: 1 << 30, 2495: 40894464} {
		if got := channelID(i); got != want {
			t.Errorf("id of channel %d is %d, want %d", i, got, want)
		}
	}
}

// A field depends on seed and number alone: not on the range, the other columns or
// what is asked for in the unified table.
func TestDeterminism(t *testing.T) {
	g, again := generator(t, Config{Seed: 7}), generator(t, Config{Seed: 7})
	for _, kind := range []Kind{Person, Auction, Bid, All} {
		whole := rows(g.Fill(kind, 1, 1001, all(kind)))
		for _, step := range []int64{1, 7, 50, 1024} {
			var parts [][]any
			for at := int64(1); at < 1001; at += step {
				parts = append(parts, rows(again.Fill(kind, at, min(at+step, 1001), all(kind)))...)
			}
			if !reflect.DeepEqual(parts, whole[:len(parts)]) {
				t.Errorf("kind %d in steps of %d differs", kind, step)
			}
		}
		for i := range Schema(kind) {
			for r, row := range rows(g.Fill(kind, 1, 1001, []int{i})) {
				if !reflect.DeepEqual(row[0], whole[r][i]) {
					t.Fatalf("kind %d: column %d alone has %v in row %d, with the others %v", kind, i, row[0], r, whole[r][i])
				}
			}
		}
		if other := rows(generator(t, Config{Seed: 8}).Fill(kind, 1, 1001, all(kind))); reflect.DeepEqual(other, whole) {
			t.Errorf("kind %d is the same for another seed", kind)
		}
	}
	own, unified := rows(g.Fill(Bid, 1, 1001, all(Bid))), rows(g.Fill(All, 1, 1001, []int{3}))
	for _, r := range unified {
		if r[0] == nil {
			continue
		}
		if !reflect.DeepEqual(r[0], own[0]) {
			t.Fatalf("bid in the unified table %v, in its own %v", r[0], own[0])
		}
		own = own[1:]
	}
}

func TestBatches(t *testing.T) {
	g := generator(t, Config{Events: 20_001})
	for _, kind := range []Kind{Person, Auction, Bid, All} {
		var got [][]any
		for b := range g.Batches(kind, 1, g.Last()+1, all(kind)) {
			if b.Rows == 0 || b.Rows > vec.BatchRowsMax {
				t.Errorf("kind %d: a batch of %d rows", kind, b.Rows)
			}
			got = append(got, rows(b)...)
		}
		if want := rows(g.Fill(kind, 1, 20_002, all(kind))); !reflect.DeepEqual(got, want) {
			t.Errorf("kind %d: %d rows in batches, %d at once", kind, len(got), len(want))
		}
	}
}

func TestFields(t *testing.T) {
	g := generator(t, Config{Fields: [3][]int{Person: {0}, Auction: {}, Bid: {2, 3}}})
	for _, row := range rows(g.Fill(All, 1, 200, []int{1, 2, 3})) {
		for k, fields := range [][]bool{{0: true, 7: false}, {9: false}, {2: true, 3: true, 6: false}} {
			if row[k] == nil {
				continue
			}
			for f, x := range row[k].([]any) {
				if (x != nil) != fields[f] {
					t.Fatalf("kind %d field %d is %v", k, f, x)
				}
			}
		}
	}
}

func TestTimes(t *testing.T) {
	base := time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, c := range []struct {
		name string
		cfg  Config
		n    int64
		want time.Duration // after the base time
	}{
		{"one step after the base", Config{Rate: 100}, 1, 10 * time.Millisecond},
		{"official rate", Config{Rate: 10e6, Events: 100e6}, 100e6, 10 * time.Second},
		{"10,000 a ms", Config{Rate: 10e6}, 9_999, 0},
		{"10,000 a ms", Config{Rate: 10e6}, 10_000, time.Millisecond},
		{"default rate", Config{}, 10, time.Millisecond},
		{"third of a ms", Config{Rate: 3000}, 2, 0},
		{"third of a ms", Config{Rate: 3000}, 4, time.Millisecond},
		{"interval", Config{Interval: 500 * time.Microsecond}, 3, time.Millisecond},
		{"interval", Config{Interval: 100 * time.Nanosecond}, 20_000, 2 * time.Millisecond},
		{"span", Config{Span: 10 * time.Second, Events: 1e6}, 99, 0},
		{"span", Config{Span: 10 * time.Second, Events: 1e6}, 100, time.Millisecond},
		{"span", Config{Span: 10 * time.Second, Events: 1e6}, 1e6, 10 * time.Second},
	} {
		c.cfg.BaseTime = base
		g := generator(t, c.cfg)
		if got := g.Time(c.n); got != base.Add(c.want).UnixMicro() {
			t.Errorf("%s: event %d is %v after the base, want %v", c.name, c.n, time.Duration(got-base.UnixMicro())*1000, c.want)
		}
	}
	perMs := map[int64]int{}
	for _, r := range rows(generator(t, Config{Span: 10 * time.Second, Events: 1e6}).Fill(All, 1, 10_100, []int{eventTime})) {
		perMs[r[0].(int64)]++
	}
	for at, n := range perMs {
		if at != BaseTime.UnixMicro() && n != 100 { // number 0 is missing in the first
			t.Errorf("%d events in a ms, want 100", n)
		}
	}
}

func TestPriceEnds(t *testing.T) {
	if lo, hi := price(0), price(^uint64(0)); lo != 100 || hi != 100_000_000 {
		t.Errorf("prices from %d to %d", lo, hi)
	}
	for x := uint64(0); x < 1<<20; x++ {
		u := float64(x) / (1 << 20)
		got, want := price(x>>10<<54|x<<22&0xFFFFFFFF), math.Round(100*math.Pow(10, 6*u))
		if math.Abs(float64(got)-want) > 1 {
			t.Fatalf("price at %v is %d, want %v", u, got, want)
		}
	}
}

func TestBadConfigs(t *testing.T) {
	for _, c := range []Config{
		{Rate: 1, Span: 1, Events: 1}, {Span: 1}, {Rate: -1}, {Events: -1}, {Persons: -1, Bids: 2}, {HotBidders: -1}, {BidSize: -1}, {BidSize: 1 << 20},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

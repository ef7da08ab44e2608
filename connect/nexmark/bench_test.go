package nexmark

import (
	"testing"

	"github.com/millrace-io/millrace/connect"
)

// BenchmarkFill makes batches of 4,096 rows; the figure to watch is rows a second.
func BenchmarkFill(b *testing.B) {
	for _, c := range []struct {
		name string
		kind Kind
		cols []int
	}{
		{"bid/all", Bid, all(Bid)},
		{"bid/noextra", Bid, []int{0, 1, 2, 3, 4, 5}},
		{"bid/q0", Bid, []int{0, 1, 2, 5, 6}},
		{"bid/auction", Bid, []int{0}},
		{"bid/bidder", Bid, []int{1}},
		{"bid/price", Bid, []int{2}},
		{"bid/channel", Bid, []int{3}},
		{"bid/dateTime", Bid, []int{5}},
		{"bid/extra", Bid, []int{6}},
		{"person/all", Person, all(Person)},
		{"auction/all", Auction, all(Auction)},
		{"unified/all", All, all(All)},
	} {
		b.Run(c.name, func(b *testing.B) {
			g, err := New(Config{})
			if err != nil {
				b.Fatal(err)
			}
			g.Fill(c.kind, 1, 100, c.cols)
			events := map[Kind]int64{Person: 4096 * 50, Auction: 4096 * 50 / 3, Bid: 4096 * 50 / 46, All: 4096}[c.kind]
			rows, at := 0, int64(1)
			b.ReportAllocs()
			for b.Loop() {
				rows += g.Fill(c.kind, at, at+events, c.cols).Rows
				at += events
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

// BenchmarkSource is one of two readers of all bids, as a job polls it.
func BenchmarkSource(b *testing.B) {
	tab := connect.Table{Schema: Schema(Bid), Options: connect.Options{"table": "bid"}}
	src, err := Connector(nil).Source(tab, connect.Scan{Columns: all(Bid), Parallelism: 2})
	if err != nil {
		b.Fatal(err)
	}
	enum, err := src.Enumerator(nil, func() {})
	if err != nil {
		b.Fatal(err)
	}
	splits, _, err := enum.Assign(0)
	if err != nil {
		b.Fatal(err)
	}
	r, err := src.Reader(0, func() {})
	if err == nil {
		err = r.Add(splits)
	}
	if err != nil {
		b.Fatal(err)
	}
	rows := 0
	for b.Loop() {
		p, err := r.Poll("")
		if err != nil {
			b.Fatal(err)
		}
		rows += p.Batch.Rows
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

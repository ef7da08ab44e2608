package nexmark_test

import (
	"fmt"
	"time"

	"github.com/millrace-io/millrace/connect/nexmark"
	"github.com/millrace-io/millrace/vec"
)

// The bids among the first 50 events, of which the first is an auction: their
// auctions and prices.
func ExampleGenerator_Fill() {
	g, err := nexmark.New(nexmark.Config{Events: 1_000_000, Span: 10 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	bids := g.Fill(nexmark.Bid, 1, 51, []int{0, 2})
	auction, price := bids.Cols[0].(*vec.Fixed[int64]), bids.Cols[1].(*vec.Fixed[int64])
	fmt.Println(bids.Rows, "bids")
	for i := range 3 {
		fmt.Println(auction.Vals[i], price.Vals[i])
	}
	fmt.Println("the last event is at", time.UnixMicro(g.Time(g.Last())).UTC())
	// Output:
	// 46 bids
	// 1010 11843
	// 1000 892
	// 1000 236654
	// the last event is at 2026-01-01 00:00:10 +0000 UTC
}

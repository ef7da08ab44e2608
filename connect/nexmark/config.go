package nexmark

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// What the original generator fixes.
const (
	firstID        = 1    // F of the single generator: event number n has the id F + n
	firstPersonID  = 1000 // ids of persons and auctions are base-0 numbers plus these
	firstAuctionID = 1000
	firstBidderID  = 2 * firstPersonID // the original adds it twice
	firstCategory  = 10
	categories     = 5
	idLead         = 10 // ids that are referred to before they exist
	personsActive  = 1000
	auctionsOpen   = 100
	hotGroup       = 100 // a hot key serves this many persons or auctions
	channels       = 10_000
)

// BaseTime is the event time of event number 0 unless a Config says otherwise.
// It is fixed, so that runs give the same rows.
var BaseTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A Config says which events a Generator makes. A zero field means the default
// of the original, except Seed, whose zero is a seed like any other.
type Config struct {
	Seed     uint64
	BaseTime time.Time // of event number 0, whole milliseconds count
	Events   int64     // how many there are, numbered from 1; 0 is practically endless

	// At most one of the three says how event time advances.
	Rate     float64       // events per second of event time; 10,000 if none is set
	Interval time.Duration // between two events
	Span     time.Duration // of all Events together

	Persons, Auctions, Bids             int // proportions; 1:3:46 if all are zero
	PersonSize, AuctionSize, BidSize    int // mean bytes of a row; column extra fills up to it
	HotAuctions, HotBidders, HotSellers int // one pick in so many is not hot

	// Fields are the fields of the columns person, auction and bid of the unified
	// table that anyone reads, as positions in Schema(kind); nil means all. The
	// others are NULL.
	Fields [3][]int
}

// withDefaults returns the config with every field set, or what is wrong.
func (c Config) withDefaults() (Config, error) {
	if c.BaseTime.IsZero() {
		c.BaseTime = BaseTime
	}
	if c.Persons == 0 && c.Auctions == 0 && c.Bids == 0 {
		c.Persons, c.Auctions, c.Bids = 1, 3, 46
	}
	if c.Rate == 0 && c.Interval == 0 && c.Span == 0 {
		c.Rate = 10_000
	}
	for _, d := range []struct {
		field *int
		def   int
	}{{&c.PersonSize, 200}, {&c.AuctionSize, 500}, {&c.BidSize, 100}, {&c.HotAuctions, 2}, {&c.HotBidders, 4}, {&c.HotSellers, 4}} {
		if *d.field == 0 {
			*d.field = d.def
		}
	}
	return c, c.check()
}

func (c Config) check() error {
	set := 0
	for _, is := range []bool{c.Rate != 0, c.Interval != 0, c.Span != 0} {
		if is {
			set++
		}
	}
	const sizeMax = 1 << 16
	switch {
	case set > 1:
		return errors.New("only one of rate, event interval and event span can be given")
	case c.Rate < 0 || c.Interval < 0 || c.Span < 0 || math.IsNaN(c.Rate):
		return errors.New("rate, event interval and event span must be positive")
	case c.Span > 0 && c.Events == 0:
		return errors.New("an event span needs the number of events")
	case c.Events < 0:
		return fmt.Errorf("%d events are fewer than none", c.Events)
	case c.Persons < 0 || c.Auctions < 0 || c.Bids < 0 || c.Persons+c.Auctions+c.Bids > 1<<20:
		return fmt.Errorf("proportions %d:%d:%d must be from 0 to 1,048,576 together", c.Persons, c.Auctions, c.Bids)
	case min(c.HotAuctions, c.HotBidders, c.HotSellers) < 1 || max(c.HotAuctions, c.HotBidders, c.HotSellers) > math.MaxInt32:
		return errors.New("a hot ratio must be at least 1")
	case min(c.PersonSize, c.AuctionSize, c.BidSize) < 0 || max(c.PersonSize, c.AuctionSize, c.BidSize) > sizeMax:
		return fmt.Errorf("an average size must be from 0 to %d bytes", sizeMax)
	}
	return nil
}

// group is T, the number of events after which the kinds repeat.
func (c Config) group() int64 { return int64(c.Persons + c.Auctions + c.Bids) }

// last is the number of the last event.
func (c Config) last() int64 {
	if c.Events > 0 {
		return c.Events
	}
	return math.MaxInt64 / (c.group() * int64(max(c.PersonSize, c.AuctionSize, c.BidSize, 1)))
}

// step is the event time between two events in microseconds.
func (c Config) step() float64 {
	switch {
	case c.Interval > 0:
		return float64(c.Interval) / float64(time.Microsecond)
	case c.Span > 0:
		return float64(c.Span) / float64(time.Microsecond) / float64(c.Events)
	}
	return 1e6 / c.Rate
}

// wants reports whether anyone reads a field of a kind in the unified table.
func (c Config) wants(kind Kind, field int) bool {
	return c.Fields[kind] == nil || slices.Contains(c.Fields[kind], field)
}

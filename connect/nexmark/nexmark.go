// Package nexmark is the connector 'nexmark': the events of the Nexmark benchmark,
// an auction house with persons, auctions and bids, made from a seed.
//
// The kinds, ids, times and shares are those of the generator in nexmark/nexmark
// (see Generator), and so are the options. What differs:
//
//   - Every field of event n depends on n and 'seed' alone, so a restored job and
//     any parallelism see the same events. The original is not seeded.
//   - With k readers the events of the one generator are shared out. The original
//     runs k generators with ids far apart.
//   - 'base-time' is fixed. The original begins at the wall clock.
//   - A table with 'events.num' is bounded, and batch mode reads it.
//   - 'table' gives the events of one kind with its own columns.
//   - 'event-interval' or 'event-span' set event time in place of a rate.
//   - What the original ignores is refused if it would mean something.
package nexmark

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/types"
)

func init() { connect.Register(Connector(env.Now)) }

// Connector returns the connector with a clock in microseconds, which counts only
// for tables with 'max-emit-speed' = 'false'.
func Connector(now func() int64) *connect.Connector {
	return &connect.Connector{
		Name:    "nexmark",
		Options: options,
		Source: func(t connect.Table, s connect.Scan) (connect.Source, error) {
			tab, err := newTable(t, s)
			if err != nil {
				return nil, err
			}
			tab.now = now
			return tab.source(max(1, s.Parallelism)), nil
		},
	}
}

var options = []connect.Option{
	{Key: "table", Doc: "person, auction or bid: the events of one kind, with its own columns; without it all events, with a column for each kind", Check: checkKind},
	{Key: "events.num", Default: "0", Doc: "how many events there are; 0 is endless", Check: checkCount},
	{Key: "stop-at", Default: "-1", Doc: "end after this many of them", Check: checkInt},
	{Key: "keep-alive", Default: "false", Doc: "do not end after the last event", Check: checkBool},
	{Key: "max-emit-speed", Default: "true", Doc: "as fast as possible; false: no event before its event time, counted from the start, has passed", Check: checkBool},

	{Key: "first-event.rate", Default: "10000", Doc: "events per second of event time", Check: checkPositive},
	{Key: "event-interval", Doc: "event time between two events, in place of a rate: '10 ms', '500 ns'", Check: checkTime},
	{Key: "event-span", Doc: "event time of all 'events.num' events together, in place of a rate", Check: checkTime},
	{Key: "base-time", Default: baseLayoutDefault, Doc: "event time just before the first event, as 'yyyy-MM-dd HH:mm:ss[.SSS]'", Check: checkBase},
	{Key: "seed", Doc: "of all random values; without it the run's", Check: checkSeed},

	{Key: "person.proportion", Default: "1", Doc: "persons of each group of events", Check: checkCount},
	{Key: "auction.proportion", Default: "3", Doc: "auctions of each group of events", Check: checkCount},
	{Key: "bid.proportion", Default: "46", Doc: "bids of each group of events", Check: checkCount},
	{Key: "person.avg-size", Default: "200b", Doc: "mean size of a person, which column extra fills up to", Check: checkSize},
	{Key: "auction.avg-size", Default: "500b", Doc: "mean size of an auction", Check: checkSize},
	{Key: "bid.avg-size", Default: "100b", Doc: "mean size of a bid, without channel and url", Check: checkSize},
	{Key: "bid.hot-ratio.auctions", Default: "2", Doc: "one bid in so many is not for the hot auction", Check: checkPositive},
	{Key: "bid.hot-ratio.bidders", Default: "4", Doc: "one bid in so many is not by the hot bidder", Check: checkPositive},
	{Key: "auction.hot-ratio.sellers", Default: "4", Doc: "one auction in so many is not by the hot seller", Check: checkPositive},

	{Key: "next-event.rate", Doc: "the same as first-event.rate: the rate does not change", Check: checkPositive},
	{Key: "rate.shape", Default: "SQUARE", Doc: "SQUARE or SINE; without effect, as the rate does not change", Check: checkShape},
	{Key: "rate.period", Default: "600 s", Doc: "without effect, as the rate does not change", Check: checkTime},
	{Key: "rate.limited", Default: "false", Doc: "only false; see max-emit-speed", Check: checkUnlimited},
}

const (
	baseLayout        = "2006-01-02 15:04:05.999"
	baseLayoutDefault = "2026-01-01 00:00:00"
)

func checkKind(s string) error { _, err := parseKind(s); return err }

func parseKind(s string) (Kind, error) {
	for _, k := range []Kind{Person, Auction, Bid} {
		if s == k.String() {
			return k, nil
		}
	}
	return All, fmt.Errorf("'%s' is not person, auction or bid", s)
}

func checkInt(s string) error { return checkFrom(s, math.MinInt64) }

func checkCount(s string) error { return checkFrom(s, 0) }

func checkPositive(s string) error { return checkFrom(s, 1) }

func checkFrom(s string, least int64) error {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return fmt.Errorf("'%s' is not a whole number", s)
	case n < least:
		return fmt.Errorf("%d is below %d", n, least)
	}
	return nil
}

func checkBool(s string) error {
	_, err := connect.Options{"it": s}.Bool("it", false)
	return err
}

func checkSize(s string) error {
	n, err := connect.ParseSize(s)
	if err == nil && n < 1 {
		err = fmt.Errorf("'%s' is not a size above zero", s)
	}
	return err
}

func checkTime(s string) error { _, err := parseTime(s); return err }

// parseTime reads Flink's durations, and Go's for parts of a millisecond: '0.5ms'.
func parseTime(s string) (time.Duration, error) {
	d, err := connect.ParseDuration(s)
	if err != nil {
		if g, e := time.ParseDuration(strings.ReplaceAll(s, " ", "")); e == nil {
			d, err = g, nil
		}
	}
	if err == nil && d <= 0 {
		err = fmt.Errorf("'%s' is not a time above zero", s)
	}
	return d, err
}

func checkBase(s string) error {
	if _, err := time.Parse(baseLayout, s); err != nil {
		return fmt.Errorf("'%s' is not a time such as '%s'", s, baseLayoutDefault)
	}
	return nil
}

func checkSeed(s string) error {
	if _, err := strconv.ParseUint(s, 10, 64); err != nil {
		return fmt.Errorf("'%s' is not a whole number from 0", s)
	}
	return nil
}

func checkShape(s string) error {
	if !strings.EqualFold(s, "square") && !strings.EqualFold(s, "sine") {
		return fmt.Errorf("'%s' is not SQUARE or SINE", s)
	}
	return nil
}

func checkUnlimited(s string) error {
	if !strings.EqualFold(s, "false") {
		return fmt.Errorf("only false is possible; 'max-emit-speed' = 'false' waits for each event's time")
	}
	return nil
}

// newTable reads what a table's options and columns say.
func newTable(t connect.Table, s connect.Scan) (*table, error) {
	out := &table{kind: All}
	if v, ok := t.Options["table"]; ok {
		var err error
		if out.kind, err = parseKind(v); err != nil {
			return nil, err
		}
	}
	c, err := config(t.Options, s.Seed)
	if err != nil {
		return nil, err
	}
	if err := out.bind(&c, t.Schema, s.Columns); err != nil {
		return nil, err
	}
	if out.gen, err = New(c); err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	out.stopAt = out.gen.Last()
	stop, err := t.Options.Int("stop-at", -1)
	if err != nil {
		return nil, err
	}
	if stop >= 0 {
		out.stopAt = min(stop, out.stopAt)
	}
	keep, err := t.Options.Bool("keep-alive", false)
	if err != nil {
		return nil, err
	}
	out.ends = !keep && (c.Events > 0 || stop >= 0)
	fast, err := t.Options.Bool("max-emit-speed", true)
	out.paced = !fast
	out.rows = out.gen.batchRows(out.kind, out.cols)
	if out.kind != All { // in the unified table most rows of a column are NULL, and cost nothing
		out.late = s.Late
	}
	return out, err
}

// config reads the options of a Config, which are checked one by one already.
func config(o connect.Options, seed uint64) (Config, error) {
	c := Config{Seed: seed}
	var errs []error
	integer := func(key string, def int64) int64 {
		n, err := o.Int(key, def)
		errs = append(errs, err)
		return n
	}
	size := func(key string, def int64) int {
		n, err := o.Size(key, def)
		errs = append(errs, err)
		return int(n)
	}
	c.Events = integer("events.num", 0)
	c.Persons, c.Auctions, c.Bids = int(integer("person.proportion", 1)), int(integer("auction.proportion", 3)), int(integer("bid.proportion", 46))
	c.PersonSize, c.AuctionSize, c.BidSize = size("person.avg-size", 200), size("auction.avg-size", 500), size("bid.avg-size", 100)
	c.HotAuctions, c.HotBidders, c.HotSellers = int(integer("bid.hot-ratio.auctions", 2)), int(integer("bid.hot-ratio.bidders", 4)), int(integer("auction.hot-ratio.sellers", 4))
	rate := integer("first-event.rate", 10_000)
	if next := integer("next-event.rate", rate); next != rate {
		return c, fmt.Errorf("option 'next-event.rate': %d is not 'first-event.rate' %d, and the rate does not change", next, rate)
	}
	if _, ok := o["first-event.rate"]; ok {
		c.Rate = float64(rate)
	}
	if v, ok := o["event-interval"]; ok {
		d, err := parseTime(v)
		c.Interval, errs = d, append(errs, err)
	}
	if v, ok := o["event-span"]; ok {
		d, err := parseTime(v)
		c.Span, errs = d, append(errs, err)
	}
	if v, ok := o["base-time"]; ok {
		t, err := time.Parse(baseLayout, v)
		c.BaseTime, errs = t, append(errs, err)
	}
	if v, ok := o["seed"]; ok {
		n, err := strconv.ParseUint(v, 10, 64)
		c.Seed, errs = n, append(errs, err)
	}
	for _, err := range errs {
		if err != nil {
			return c, err
		}
	}
	if c.Persons+c.Auctions+c.Bids == 0 {
		return c, fmt.Errorf("one of the proportions of person, auction and bid must be above zero")
	}
	return c, nil
}

// bind finds the wanted columns by name.
func (t *table) bind(c *Config, have types.Schema, wanted []int) error {
	know := Schema(t.kind)
	for _, i := range wanted {
		f := have[i]
		at := know.Index(f.Name)
		if at < 0 {
			msg := fmt.Sprintf("connector nexmark has no column '%s'", f.Name)
			if near := connect.Near(f.Name, know.Names()); near != "" {
				msg += fmt.Sprintf("; did you mean '%s'?", near)
			}
			return fmt.Errorf("%s", msg)
		}
		if !sameType(f.Type, know[at].Type) {
			return fmt.Errorf("column '%s' is %s, connector nexmark has %s", f.Name, f.Type, know[at].Type)
		}
		t.cols = append(t.cols, at)
	}
	return nil
}

// sameType reports whether a declared type is a column's: the same but for
// nullability and a timestamp's precision up to microseconds. A ROW's fields must
// have their names and order.
func sameType(a, b types.Type) bool {
	switch {
	case a.Kind != b.Kind:
		return false
	case a.Kind == types.Timestamp:
		return a.Prec >= b.Prec && a.Prec <= 6
	case a.Kind == types.Row:
		return slices.EqualFunc(a.Fields, b.Fields, func(x, y types.Field) bool { return x.Name == y.Name && sameType(x.Type, y.Type) })
	}
	return a.Equal(b)
}

package nexmark

import (
	"runtime"

	"github.com/millrace-io/millrace/vec"
)

// bidField is a column of table bid.
type bidField int

const (
	bidAuction bidField = iota
	bidBidder
	bidPrice
	bidChannel
	bidURL
	bidTime
	bidExtra
)

func (g *Generator) bidColumn(p part, f bidField) vec.Vector {
	switch f {
	case bidAuction:
		return p.ints(func(out []int64, r run) {
			fillChoice(out, r.first, g.keys[fieldBidAuction], g.auctionChoice(r.group))
		})
	case bidBidder:
		return p.ints(func(out []int64, r run) {
			fillChoice(out, r.first, g.keys[fieldBidBidder], g.personChoice(r.group, firstBidderID, 1, g.cfg.HotBidders))
		})
	case bidPrice:
		return p.ints(func(out []int64, r run) { fillPrices(out, r.first, g.keys[fieldBidPrice]) })
	case bidChannel:
		return g.words().channel.column(p, g.channelCodes(p))
	case bidURL:
		return g.words().url.column(p, g.channelCodes(p))
	case bidTime:
		return g.times(p)
	}
	return g.bidExtras(p)
}

func fillPrices(out []int64, first int64, key uint64) {
	for i := range out {
		out[i] = price(hash(key, first+int64(i)))
	}
}

// channelCodes are the words of both channel and url.
func (g *Generator) channelCodes(p part) []uint32 {
	if *p.codes == nil {
		key := g.keys[fieldBidChannel]
		*p.codes = p.indexes(g.words().channel, func(out []uint32, r run) { fillChannels(out, r.first, key) })
	}
	return *p.codes
}

func fillChannels(out []uint32, first int64, key uint64) {
	for i := range out {
		x := hash(key, first+int64(i))
		from, n := uint64(len(hotChannels)), uint64(channels)
		if hot(x, 2) { // selects, no branch: it could not be predicted
			from, n = 0, from
		}
		out[i] = uint32(from + pick(x, n))
	}
}

// bidSize is what a bid's extra counts as there: the four numbers.
const bidSize = 32

func (g *Generator) bidExtras(p part) vec.Vector {
	key, text := g.keys[fieldBidExtra], g.padding()
	least, n := filler{g.cfg.BidSize}.span(bidSize)
	seen := byte(0)
	defer func() { runtime.KeepAlive(seen) }()
	return p.bytes(paddingBlock,
		func(lens []uint32, r run) { seen += fillLengths(lens, r.first, key, least, n, text) },
		func(dst []byte, offs []uint32, r run) { fillPadding(dst, offs, r.first, key, text) })
}

// fillLengths is filler.length for rows of one size. It reads what fillPadding will copy:
// here, where a row is little work, the cache misses of many rows overlap. What it has read
// it returns, for the compiler not to leave it out.
func fillLengths(lens []uint32, first int64, key uint64, least uint32, n uint64, text []byte) (seen byte) {
	const line = 64
	for i := range lens {
		x := hash(key, first+int64(i))
		lens[i] = least + uint32(pick(x, n))
		seen += text[x>>44] + text[x>>44+line-1]
	}
	return seen
}

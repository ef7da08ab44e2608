package nexmark

import "github.com/millrace-io/millrace/vec"

// auctionField is a column of table auction.
type auctionField int

const (
	auctionID auctionField = iota
	auctionItem
	auctionDescription
	auctionBid
	auctionReserve
	auctionTime
	auctionExpires
	auctionSeller
	auctionCategory
	auctionExtra
)

// The limits of the two texts of an auction.
const (
	itemLimit        = 20
	descriptionLimit = 100
)

// auctionSize is what an auction's other columns count as in its mean size.
const auctionSize = 48

func (g *Generator) auctionColumn(p part, f auctionField) vec.Vector {
	switch f {
	case auctionID:
		auctions := int64(g.cfg.Auctions)
		return p.ints(func(out []int64, r run) {
			for i := range out {
				out[i] = firstAuctionID + r.group*auctions + r.off + int64(i)
			}
		})
	case auctionItem:
		return g.proses(p, fieldAuctionItem, itemLimit)
	case auctionDescription:
		return g.proses(p, fieldAuctionDescription, descriptionLimit)
	case auctionBid:
		return p.ints(func(out []int64, r run) { fillPrices(out, r.first, g.keys[fieldAuctionBid]) })
	case auctionReserve:
		bid, more := g.keys[fieldAuctionBid], g.keys[fieldAuctionReserve]
		return p.ints(func(out []int64, r run) {
			for i := range out {
				n := r.first + int64(i)
				out[i] = price(hash(bid, n)) + price(hash(more, n))
			}
		})
	case auctionTime:
		return g.times(p)
	case auctionExpires:
		return p.ints(func(out []int64, r run) {
			for i := range out {
				out[i] = g.expires(r.first + int64(i))
			}
		})
	case auctionSeller:
		return p.ints(func(out []int64, r run) {
			fillChoice(out, r.first, g.keys[fieldAuctionSeller], g.personChoice(r.group, firstPersonID, 0, g.cfg.HotSellers))
		})
	case auctionCategory:
		key := g.keys[fieldAuctionCategory]
		return p.ints(func(out []int64, r run) {
			for i := range out {
				out[i] = firstCategory + int64(pick(hash(key, r.first+int64(i)), categories))
			}
		})
	}
	text := g.padding()
	return p.bytes(paddingBlock,
		func(lens []uint32, r run) {
			for i := range lens {
				lens[i] = g.auctionPadding(r.first + int64(i))
			}
		},
		func(dst []byte, offs []uint32, r run) {
			fillPadding(dst, offs, r.first, g.keys[fieldAuctionExtra], text)
		})
}

// expires returns when the auction that is event n closes, in microseconds: 1 ms
// and a random time after its start, on average what it takes until a hundred
// more auctions are open.
func (g *Generator) expires(n int64) int64 {
	ahead := auctionsOpen * g.size / int64(g.cfg.Auctions)
	at := g.offset(n)
	horizon := uint64(max(2*(g.offset(n+ahead)-at), 1))
	return (g.base + at + 1 + int64(uniform(hash(g.keys[fieldAuctionExpires], n), horizon))) * 1000
}

// proses makes a column of random texts.
func (g *Generator) proses(p part, f field, limit uint64) vec.Vector {
	prose, key := g.prose(), g.keys[f]
	return p.bytes(0,
		func(lens []uint32, r run) {
			for i := range lens {
				lens[i] = proseCut(prose, hash(key, r.first+int64(i)), limit).n
			}
		},
		func(dst []byte, offs []uint32, r run) {
			for i := range r.n {
				copy(dst[offs[i]:offs[i+1]], proseCut(prose, hash(key, r.first+int64(i)), limit).of(prose))
			}
		})
}

// auctionPadding is the length of extra of the auction that is event n.
func (g *Generator) auctionPadding(n int64) uint32 {
	prose := g.prose()
	item := proseCut(prose, hash(g.keys[fieldAuctionItem], n), itemLimit)
	description := proseCut(prose, hash(g.keys[fieldAuctionDescription], n), descriptionLimit)
	return filler{g.cfg.AuctionSize}.length(hash(g.keys[fieldAuctionExtra], n), auctionSize+int(item.n+description.n))
}

package nexmark

import (
	"slices"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

var (
	text      = types.TString
	number    = types.TBigInt
	timestamp = types.TimestampOf(3)
)

var schemas = [...]types.Schema{
	Person: {
		{Name: "id", Type: number}, {Name: "name", Type: text}, {Name: "emailAddress", Type: text}, {Name: "creditCard", Type: text},
		{Name: "city", Type: text}, {Name: "state", Type: text}, {Name: "dateTime", Type: timestamp}, {Name: "extra", Type: text},
	},
	Auction: {
		{Name: "id", Type: number}, {Name: "itemName", Type: text}, {Name: "description", Type: text}, {Name: "initialBid", Type: number},
		{Name: "reserve", Type: number}, {Name: "dateTime", Type: timestamp}, {Name: "expires", Type: timestamp},
		{Name: "seller", Type: number}, {Name: "category", Type: number}, {Name: "extra", Type: text},
	},
	Bid: {
		{Name: "auction", Type: number}, {Name: "bidder", Type: number}, {Name: "price", Type: number}, {Name: "channel", Type: text},
		{Name: "url", Type: text}, {Name: "dateTime", Type: timestamp}, {Name: "extra", Type: text},
	},
}

// The columns of the unified table. dateTime is there for those who want it
// without computing it from the three.
const (
	eventType = iota
	eventPerson
	eventAuction
	eventBid
	eventTime
)

// Schema returns the columns of a kind's table. That of All is event_type, the
// ROWs person, auction and bid, each NULL but in its own events, and dateTime.
func Schema(kind Kind) types.Schema {
	if kind != All {
		return slices.Clone(schemas[kind])
	}
	out := types.Schema{{Name: "event_type", Type: types.TInt}}
	for k, s := range schemas {
		out = append(out, types.Field{Name: Kind(k).String(), Type: types.RowOf(s...)})
	}
	return append(out, types.Field{Name: "dateTime", Type: timestamp})
}

func (g *Generator) eventColumn(b *block, col int) vec.Vector {
	switch col {
	case eventType:
		out := make([]int32, b.rows)
		for k, runs := range b.runs {
			for _, r := range runs {
				fillType(out[r.row:r.row+r.n], int32(k))
			}
		}
		return &vec.Fixed[int32]{Vals: out}
	case eventTime:
		out := make([]int64, b.rows)
		for _, runs := range b.runs {
			for _, r := range runs {
				fillTimes(out[r.row:r.row+r.n], r.first, g.base, g.step)
			}
		}
		return &vec.Fixed[int64]{Vals: out}
	}
	return g.rowColumn(b, Kind(col-eventPerson))
}

func fillType(out []int32, k int32) {
	for i := range out {
		out[i] = k
	}
}

// rowColumn makes the ROWs of one kind. A NULL row's fields are NULL too.
func (g *Generator) rowColumn(b *block, kind Kind) vec.Vector {
	p := part{runs: b.runs[kind], rows: b.rows, valid: make(vec.Bitmap, (b.rows+63)/64), codes: &b.codes}
	for _, r := range p.runs {
		setValid(p.valid, r.row, r.row+r.n)
	}
	fields := schemas[kind]
	out := &vec.Row{Fields: make([]vec.Vector, len(fields)), N: b.rows, Valid: p.valid}
	for i, f := range fields {
		if g.cfg.wants(kind, i) {
			out.Fields[i] = g.column(p, kind, i)
		} else {
			out.Fields[i] = vec.Nulls(f.Type, b.rows)
		}
	}
	return out
}

// setValid makes the rows [from, to) valid.
func setValid(b vec.Bitmap, from, to int) {
	for from < to {
		end := min(to, from|63+1)
		b[from>>6] |= ^uint64(0) >> (64 - (end - from)) << (from & 63)
		from = end
	}
}

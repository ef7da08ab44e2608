package agg

import (
	"strconv"

	"github.com/millrace-io/millrace/types"
)

// A Part is one word of an accumulator, as who looks at state sees it.
type Part struct {
	Name string
	Word int // from the accumulator's first
	Blob bool
	Type types.Type
}

// Parts names the words of a placed accumulator. The parts of a function that keeps
// bytes of its own are those bytes.
func (p *Placed) Parts() []Part {
	names := p.wordNames()
	out := make([]Part, p.Words())
	for w := range out {
		out[w] = Part{Name: strconv.Itoa(w), Word: p.off() + w, Type: types.TBigInt.Nullable(false)}
		if w < len(names) {
			out[w].Name = names[w]
		}
	}
	for _, b := range p.Blobs() {
		out[b].Blob, out[b].Type = true, types.TBytes
	}
	if f, ok := p.Agg.(*sumFloat); ok && f != nil {
		out[0].Type = types.TDouble.Nullable(false)
	}
	if f, ok := p.Agg.(*variance); ok && f != nil {
		out[1].Type, out[2].Type = types.TDouble.Nullable(false), types.TDouble.Nullable(false)
	}
	return out
}

func (p *Placed) wordNames() []string {
	switch a := p.Agg.(type) {
	case *count:
		return []string{"n"}
	case *sumInt, *sumFloat:
		return []string{"sum", "n"}
	case *sumDecimal:
		return []string{"low", "high", "n", "over"}
	case *extreme:
		return []string{"value", "has"}
	case *extremeWide:
		return []string{"low", "high", "has"}
	case *first:
		return []string{"has", "low", "high"}
	case *variance:
		if a.sums {
			return []string{"n", "sum", "squares"}
		}
		return []string{"n", "mean", "m2"}
	}
	return []string{"n", "bytes", "owed", "owed bytes"}
}

// off is where the accumulator begins.
func (p *Placed) off() int {
	if o, ok := p.Agg.(interface{ start() int }); ok {
		return o.start()
	}
	return 0
}

func (a *inline) start() int { return a.off }
func (a *onBlob) start() int { return a.off }

// Counts reports whether the accumulator is the number that is its result.
func (p *Placed) Counts() bool {
	_, ok := p.Agg.(*count)
	return ok
}

// Start is the accumulator's first word.
func (p *Placed) Start() int { return p.off() }

// Settable reports whether the accumulator of one value that equals a result has that
// result: then it can be made from the result.
func (p *Placed) Settable(retracts bool) bool {
	switch a := p.Agg.(type) {
	case *count:
		return p.Set < 0
	case *sumInt:
		return a.kind != sumMean && !retracts && p.Set < 0
	case *sumFloat:
		return a.kind != sumMean && !retracts && p.Set < 0
	case *sumDecimal:
		return a.kind != sumMean && !retracts && p.Set < 0
	case *extreme, *extremeWide, *extremeBytes, *first, *firstBlob:
		return p.Set < 0
	}
	return false
}

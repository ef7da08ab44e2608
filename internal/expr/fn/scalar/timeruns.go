package scalar

import (
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// runRows is how many rows of the same text must follow each other, on average, for a
// column to be made of words: rows of a stream come in about the order of their times,
// and a pattern without seconds has one text for thousands of them.
const runRows = 8

// formatRuns formats times by a pattern once for each run of rows that have the same
// text: as a dictionary, or a constant. It returns nil where runs are short.
func formatRuns(p *kernel.TimePattern, x kernel.NumView[int64], zone *types.Zone, rows []int32, n int) vec.Vector {
	count := n
	if rows != nil {
		count = len(rows)
	}
	unit := p.Unit()
	if unit == 0 || count < runRows {
		return nil
	}
	most := count / runRows
	words := &vec.Bytes{Offs: make([]uint32, 1, 8)}
	codes := make([]uint32, n)
	from, end := int64(0), int64(0) // of the run, in local time
	for k := range count {
		i := k
		if rows != nil {
			i = int(rows[k])
		}
		local := x.At(i)
		if zone != nil {
			local = zone.Local(local)
		}
		if local < from || local >= end {
			if len(words.Offs) > most {
				return nil
			}
			from = local - (local%unit+unit)%unit
			end = from + unit
			words.Data = p.Append(words.Data, local, 0)
			words.Offs = append(words.Offs, uint32(len(words.Data)))
		}
		codes[i] = uint32(len(words.Offs) - 2)
	}
	if len(words.Offs) == 2 {
		return &vec.Const{Val: words, N: n}
	}
	return &vec.Dict{Codes: codes, Words: words}
}

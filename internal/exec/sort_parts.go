package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// sortedParts finds where partitions begin in rows that are sorted by them.
type sortedParts struct{ order *ordering }

// newPartSort returns a sort by partition, then by an order, and what tells its
// partitions apart.
func newPartSort(ctx *Context, name string, partition []int, order []jobgraph.SortKey, in []types.Type) (*sortBuffer, sortedParts) {
	var keys []jobgraph.SortKey
	for _, c := range partition {
		keys = append(keys, jobgraph.SortKey{Col: c})
	}
	parts := sortedParts{newOrdering(keys, in)}
	return newSortBuffer(ctx, name, append(keys, order...), in, noBound), parts
}

// words are what together takes for rows of one batch.
func (p sortedParts) words(b *vec.Batch) [][]uint64 { return p.order.words(b.Cols, nil, b.Rows, nil) }

// together reports whether two rows are of one partition; words are those of the
// batch if they are in one, or nil.
func (p sortedParts) together(a *vec.Batch, i int, b *vec.Batch, k int, words [][]uint64) bool {
	for j, key := range p.order.keys {
		if words != nil {
			if words[j][i] != words[j][k] {
				return false
			}
			if !p.order.loose(j, words[j][i]) {
				continue
			}
		}
		if p.order.value(j, a.Cols[key.Col], i, b.Cols[key.Col], k) != 0 {
			return false
		}
	}
	return true
}

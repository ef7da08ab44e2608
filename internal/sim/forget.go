package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
)

// A forgetful job counts and sums by key with a time to live of a few milliseconds of
// the world's time, which is as long as the run: keys are forgotten all the time, by
// the clock, in memory and in files, before and after restores. How much of a key is
// forgotten depends on the moments of the faults, but not what is left: the rows of a
// key come in one order, so its last result counts as many of its last rows as it says
// it does, and sums just those. What would come back that was forgotten, or go twice,
// makes another sum.
type forgetful struct {
	*classic
	ttlMs int64
}

func drawForgetful(rnd *rand.Rand) *drawn {
	s := drawEvents(rnd, 1, 200, 1, 0, 0)
	for i, r := range s.splits[0] {
		s.splits[0][i].cols[2] = 1 << (i % 40) * (1 + r.cols[2]%3) // so that sums tell which rows they are of
	}
	p := &forgetful{&classic{source: s, inOrder: true}, 1 + rnd.Int64N(4)}
	return &drawn{ticks: rnd.IntN(2) == 0, key: 1, tables: map[string]*source{"t": s}, suits: p.suits,
		graph: func(rnd *rand.Rand) *jobgraph.Graph {
			g := p.graph(1, 1+rnd.IntN(3))
			g.Vertices[1].Ops[0].Spec.(*jobgraph.GroupAgg).TTLMs = p.ttlMs
			return g
		}}
}

// suits compares the last result of each key with the sums of its last rows.
func (p *forgetful) suits(got map[row]int) string {
	rows := map[cell][]int64{}
	for _, r := range p.source.splits[0] {
		rows[r.cols[1]] = append(rows[r.cols[1]], r.cols[2])
	}
	left := len(rows)
	for r := range got {
		all := rows[r[0]]
		if r[1] < 1 || r[1] > int64(len(all)) {
			return fmt.Sprintf("key %d counts %d rows of %d", r[0], r[1], len(all))
		}
		var sum int64
		for _, v := range slices.Backward(all) {
			if r[1]--; r[1] < 0 {
				break
			}
			sum += v
		}
		if sum != r[2] {
			return fmt.Sprintf("key %d has the sum %d, and its last rows %d", r[0], r[2], sum)
		}
		left--
	}
	if left != 0 {
		return fmt.Sprintf("%d keys have no result", left)
	}
	return ""
}

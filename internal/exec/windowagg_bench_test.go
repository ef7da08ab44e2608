package exec_test

import (
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// marked gives batches a watermark each few rows, 4 s behind.
func marked(in []*vec.Batch, every int) []*vec.Batch {
	last := int64(-1)
	for _, b := range in {
		ts := b.Cols[3].(*vec.Fixed[int64]).Vals
		for i := every; i <= b.Rows; i += every {
			if t := ts[i-1] - 4*second; t > last {
				last = t
				b.Marks = append(b.Marks, vec.Mark{Row: int32(i), Time: t})
			}
		}
	}
	return in
}

// BenchmarkWindow counts and takes the maximum by key and window, as Nexmark's q5
// (HOP 10 s by 2 s, by auction) and q7 (TUMBLE 10 s, no key) do; 10 rows a
// millisecond, a watermark each 8 rows.
func BenchmarkWindow(b *testing.B) {
	in := marked(bids(1<<19, 10000, 10), 8)
	tumble := jobgraph.Window{WKind: jobgraph.Tumble, Time: 3, Size: 10 * second, Granule: 1000}
	hop := jobgraph.Window{WKind: jobgraph.Hop, Time: 3, Size: 10 * second, Slide: 2 * second, Granule: 1000}
	session := jobgraph.Window{WKind: jobgraph.Session, Time: 3, Size: 10 * second, Granule: 1000}
	count, most := bidCall("COUNT", -1, -1, false), bidCall("MAX", 2, -1, false)
	for _, m := range []struct {
		name  string
		win   jobgraph.Window
		keys  []int
		call  jobgraph.AggCall
		phase jobgraph.Phase
	}{
		{"TumbleCount", tumble, []int{0}, count, jobgraph.Single},
		{"HopCount", hop, []int{0}, count, jobgraph.Single},
		{"HopCountLocal", hop, []int{0}, count, jobgraph.Local},
		{"TumbleMaxGlobal", tumble, nil, most, jobgraph.Single},
		{"SessionCount", session, []int{1}, count, jobgraph.Single},
	} {
		b.Run(m.name, func(b *testing.B) {
			spec := &jobgraph.WindowAgg{Window: m.win, Keys: m.keys, Aggs: []jobgraph.AggCall{m.call}, Props: allProps, Phase: m.phase, InputTypes: bidTypes}
			benchOp(b, exec.NewWindowAgg(spec), in)
		})
	}
}

// BenchmarkSmallWindows has 200 rows a slide, of keys that are new every few windows:
// as q5 when events are 10 ms apart, all of it a hundred times as fast.
func BenchmarkSmallWindows(b *testing.B) {
	in := bids(1<<18, 100, 10)
	for i, batch := range in {
		keys, times := batch.Cols[0].(*vec.Fixed[int64]).Vals, batch.Cols[3].(*vec.Fixed[int64]).Vals
		for r := range keys {
			keys[r] = keys[r]%100 + int64(i*4096+r)/17
			if r%100 == 99 {
				batch.Marks = append(batch.Marks, vec.Mark{Row: int32(r + 1), Time: times[r] - 40_000})
			}
		}
	}
	hop := jobgraph.Window{WKind: jobgraph.Hop, Time: 3, Size: second / 10, Slide: second / 50, Granule: 1000}
	spec := &jobgraph.WindowAgg{Window: hop, Keys: []int{0}, Aggs: []jobgraph.AggCall{bidCall("COUNT", -1, -1, false)}, Props: allProps, InputTypes: bidTypes}
	benchOp(b, exec.NewWindowAgg(spec), in)
}

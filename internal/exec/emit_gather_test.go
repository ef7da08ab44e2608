package exec_test

import (
	"math"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// sizes counts what is emitted.
type sizes struct {
	batches []int
	t       *testing.T
	last    int64 // end of the window of the last row
}

func (s *sizes) Emit(b *vec.Batch) error {
	s.batches = append(s.batches, b.Rows)
	for _, end := range vec.Flat(b.Cols[len(b.Cols)-1]).(*vec.Fixed[int64]).Vals {
		if end < s.last {
			s.t.Errorf("a window that ends at %d comes behind one at %d", end, s.last)
		}
		s.last = end
	}
	return nil
}

func (s *sizes) Watermark(int64) error { return nil }

// TestWindowsGathered shows that many windows with few rows each make few batches, and
// that those with many are not put together.
func TestWindowsGathered(t *testing.T) {
	for _, c := range []struct {
		windows, groups int
		batches, least  int // at most, but of one, with so many rows
	}{
		{1, 3, 1, 3},
		{3000, 1, 96, 30},
		{3000, 3, 96, 90},
		{40, 500, 20, 1000},
		{10, 2000, 10, 2000},
		{3, 5000, 6, 900},
	} {
		spec := &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Tumble, Time: 1, Size: second, Granule: 1000}, Keys: []int{0},
			Aggs: []jobgraph.AggCall{{Func: "COUNT", Filter: -1, Ret: types.TBigInt.Nullable(false)}}, Props: []jobgraph.WindowProp{jobgraph.WindowEnd},
			InputTypes: []types.Type{types.TBigInt, types.TimestampOf(3)}, Phase: jobgraph.Single}
		op := exec.NewWindowAgg(spec)
		if err := op.Open(benchContext(t)); err != nil {
			t.Fatal(err)
		}
		out := &sizes{t: t}
		for w := range c.windows {
			keys, times := make([]int64, c.groups), make([]int64, c.groups)
			for i := range keys {
				keys[i], times[i] = int64(i), int64(w)*second
			}
			for from := 0; from < c.groups; from += vec.BatchRowsMax {
				to := min(from+vec.BatchRowsMax, c.groups)
				b := &vec.Batch{Cols: []vec.Vector{&vec.Fixed[int64]{Vals: keys[from:to]}, &vec.Fixed[int64]{Vals: times[from:to]}}, Rows: to - from}
				if _, err := op.Process(0, b, out); err != nil {
					t.Fatal(err)
				}
			}
		}
		more, err := op.Watermark(math.MaxInt64, out)
		for more && err == nil {
			more, err = op.Resume(out)
		}
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for i, n := range out.batches {
			if rows += n; n < c.least && i < len(out.batches)-1 || n > vec.BatchRowsMax {
				t.Errorf("%d windows of %d: a batch of %d rows", c.windows, c.groups, n)
			}
		}
		if rows != c.windows*c.groups || len(out.batches) > c.batches {
			t.Errorf("%d windows of %d: %d rows in %d batches", c.windows, c.groups, rows, len(out.batches))
		}
		if err := op.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// places is an Output that checks where the watermarks of windows lie.
type places struct {
	t       *testing.T
	batches int
	rows    int
	windows int
	marks   int
	last    int64 // the end of the last row's window
	mark    int64
}

func (p *places) Emit(b *vec.Batch) error {
	p.batches++
	p.rows += b.Len()
	if err := b.Check(); err != nil {
		p.t.Error(err)
	}
	marks := b.Marks
	for i, end := range vec.Flat(b.Cols[len(b.Cols)-1]).(*vec.Fixed[int64]).Vals {
		for ; len(marks) > 0 && int(marks[0].Row) <= i; marks = marks[1:] {
			p.tell(marks[0].Time)
		}
		if end < p.last || end <= p.mark {
			p.t.Errorf("a row of the window that ends at %d comes behind the watermark %d and a row of %d", end, p.mark, p.last)
		}
		if end > p.last {
			p.windows++
		}
		p.last = end
	}
	for _, m := range marks {
		p.tell(m.Time)
	}
	return nil
}

func (p *places) Watermark(t int64) error {
	p.tell(t)
	return nil
}

func (p *places) tell(t int64) {
	p.marks++
	if t <= p.mark {
		p.t.Errorf("watermark %d behind %d", t, p.mark)
	}
	p.mark = t
}

// TestWindowsOfMarksGathered shows that the windows which the watermarks of a batch
// complete come out together, with the watermarks in their places, and that nothing is
// kept for the next batch.
func TestWindowsOfMarksGathered(t *testing.T) {
	const rows, perSecond, keys = 4000, 100, 20
	times, ks := make([]int64, rows), make([]int64, rows)
	for i := range rows {
		times[i], ks[i] = int64(i)*second/perSecond, int64(i%keys)
	}
	in := &vec.Batch{Cols: []vec.Vector{&vec.Fixed[int64]{Vals: ks}, &vec.Fixed[int64]{Vals: times}}, Rows: rows}
	for i := perSecond; i <= rows; i += perSecond {
		in.Marks = append(in.Marks, vec.Mark{Row: int32(i), Time: times[i-1]})
	}
	for _, phase := range []jobgraph.Phase{jobgraph.Single, jobgraph.Local} {
		spec := &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Hop, Time: 1, Size: 4 * second, Slide: 2 * second, Granule: 1000}, Keys: []int{0},
			Aggs: []jobgraph.AggCall{{Func: "COUNT", Filter: -1, Ret: types.TBigInt.Nullable(false)}}, Props: []jobgraph.WindowProp{jobgraph.WindowEnd},
			InputTypes: []types.Type{types.TBigInt, types.TimestampOf(3)}, Phase: phase}
		op := exec.NewWindowAgg(spec)
		if err := op.Open(benchContext(t)); err != nil {
			t.Fatal(err)
		}
		out := &places{t: t, mark: math.MinInt64, last: math.MinInt64}
		if more, err := op.Process(0, in, out); more || err != nil {
			t.Fatal(more, err)
		}
		// The last mark is 10 ms before the end of a window: that one waits.
		if windows := rows / perSecond / 2; out.windows < windows-1 || out.rows < (windows-1)*keys || out.marks < windows-1 || out.batches > 2 {
			t.Errorf("%v: %d windows, %d rows and %d watermarks in %d batches", phase, out.windows, out.rows, out.marks, out.batches)
		}
		if out.mark != times[rows-1] {
			t.Errorf("%v: the last watermark is %d, not %d", phase, out.mark, times[rows-1])
		}
		if err := op.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

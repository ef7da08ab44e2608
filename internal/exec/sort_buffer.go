package exec

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A sortBuffer sorts rows that are all given before the first is asked for:
//
//	newSortBuffer, add …, finish, next …, close
//
// It keeps batches as they come and sorts places in them. When only the first limit
// rows are wanted, it drops the others from time to time. When the memory budget is
// reached it writes its rows, sorted, to a run on disk, and next merges the runs;
// of equal rows the run that was written first comes first.
type sortBuffer struct {
	ctx     *Context
	name    string
	order   *ordering
	types   []types.Type
	limit   int64
	batches []*vec.Batch
	words   [][][]uint64 // by key, by batch
	rows    int
	bytes   int64
	files   int
	runs    []*sortRun
	sorted  []sortItem
	heap    []*sortRun
}

// A sortItem is a row to be sorted: the word of its first key, and its place.
type sortItem struct {
	word uint64
	at   place
}

const (
	// sortRunsMax is how many runs are merged at once.
	sortRunsMax = 32
	// sortPruneRows is how many rows beyond the limit are kept before they are
	// dropped.
	sortPruneRows = 1 << 15
)

func newSortBuffer(ctx *Context, name string, order []jobgraph.SortKey, ts []types.Type, limit int64) *sortBuffer {
	s := &sortBuffer{ctx: ctx, name: name, order: newOrdering(order, ts), types: ts, limit: limit}
	s.words = make([][][]uint64, len(order))
	return s
}

// add takes rows of a batch.
func (s *sortBuffer) add(b *vec.Batch, rows []int32) error {
	if len(rows) == 0 {
		return nil
	}
	s.take(flatBatch(b, rows))
	if s.limit < noBound && int64(s.rows) > 2*s.limit+sortPruneRows {
		s.prune()
	}
	if !s.ctx.crowded(s.bytes) {
		return nil
	}
	if s.ctx.Spill != nil {
		return s.spill()
	}
	if m := s.ctx.Memory; m.Used() > m.Limit {
		return m.Exceeded(s.ctx.Op)
	}
	return nil
}

func (s *sortBuffer) take(b *vec.Batch) {
	size := vec.Bytesize(b) + int64(b.Rows*8*(len(s.words)+2)) // with its words and sort items
	s.ctx.Memory.Add(size)
	s.bytes += size
	s.rows += b.Rows
	s.batches = append(s.batches, b)
	for k, w := range s.order.words(b.Cols, nil, b.Rows, nil) {
		s.words[k] = append(s.words[k], w)
	}
}

func (s *sortBuffer) release() {
	s.ctx.Memory.Add(-s.bytes)
	s.bytes, s.rows, s.batches, s.sorted = 0, 0, nil, nil
	for k := range s.words {
		s.words[k] = nil
	}
}

// sort sorts what is in memory.
func (s *sortBuffer) sort() []sortItem {
	items := make([]sortItem, 0, s.rows)
	for n, b := range s.batches {
		for i := range b.Rows {
			it := sortItem{at: placeOf(n, i)}
			if len(s.words) > 0 {
				it.word = s.words[0][n][i]
			}
			items = append(items, it)
		}
	}
	if len(s.words) > 0 {
		slices.SortFunc(items, s.compare)
	}
	if int64(len(items)) > s.limit {
		items = items[:s.limit]
	}
	return items
}

func (s *sortBuffer) compare(a, b sortItem) int {
	if a.word != b.word {
		if a.word < b.word {
			return -1
		}
		return 1
	}
	if c := s.ties(a.at, b.at); c != 0 {
		return c
	}
	if a.at < b.at {
		return -1
	}
	return 1
}

// ties compares rows with the same first word.
func (s *sortBuffer) ties(a, b place) int {
	for k, words := range s.words {
		x, y := words[a.batch()][a.row()], words[b.batch()][b.row()]
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
		if s.order.loose(k, x) {
			c := s.order.keys[k].Col
			if d := s.order.value(k, s.batches[a.batch()].Cols[c], a.row(), s.batches[b.batch()].Cols[c], b.row()); d != 0 {
				return d
			}
		}
	}
	return 0
}

// cut makes a batch of the first items.
func (s *sortBuffer) cut(items []sortItem) (b *vec.Batch, rest []sortItem) {
	n := min(len(items), vec.BatchRowsMax)
	at := make([]place, n)
	for i, it := range items[:n] {
		at[i] = it.at
	}
	b = &vec.Batch{Rows: n, Cols: make([]vec.Vector, len(s.types))}
	for c, t := range s.types {
		b.Cols[c] = collect(s.batches, c, t, at)
	}
	return b, items[n:]
}

// prune keeps only the first limit rows; they stay sorted, and so in their order
// among equals.
func (s *sortBuffer) prune() {
	items := s.sort()
	var kept []*vec.Batch
	for len(items) > 0 {
		var b *vec.Batch
		b, items = s.cut(items)
		kept = append(kept, b)
	}
	s.release()
	for _, b := range kept {
		s.take(b)
	}
}

// finish ends the adding.
func (s *sortBuffer) finish() error {
	if len(s.runs) == 0 {
		s.sorted = s.sort()
		return nil
	}
	if s.rows > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	return s.open(s.runs)
}

// next returns the next rows in order, nil after the last.
func (s *sortBuffer) next() (*vec.Batch, error) {
	if len(s.runs) > 0 {
		return s.merge()
	}
	if len(s.sorted) == 0 {
		s.release()
		return nil, nil
	}
	var b *vec.Batch
	b, s.sorted = s.cut(s.sorted)
	return b, nil
}

func (s *sortBuffer) close() {
	s.release()
	for _, r := range s.runs {
		r.file.remove()
	}
	s.runs = nil
}

// A sortRun is a file of sorted rows, and when it is read the frame at hand.
type sortRun struct {
	file  *spillFile
	cols  []vec.Vector
	words [][]uint64
	n, at int
}

func (s *sortBuffer) newRun() (*spillFile, error) {
	s.files++
	return newSpillFile(s.ctx, fmt.Sprintf("%s-%d", s.name, s.files), s.types)
}

// spill writes what is in memory to a new run.
func (s *sortBuffer) spill() error {
	if err := s.write(s.sort()); err != nil {
		return err
	}
	if len(s.runs) < sortRunsMax {
		return nil
	}
	return s.join()
}

// evict writes what next has not returned to disk: the memory is needed elsewhere.
func (s *sortBuffer) evict() error {
	if len(s.runs) > 0 || len(s.sorted) == 0 || s.ctx.Spill == nil {
		return nil
	}
	if err := s.write(s.sorted); err != nil {
		return err
	}
	return s.open(s.runs)
}

// write makes a run of sorted rows and gives the memory of all rows back.
func (s *sortBuffer) write(items []sortItem) error {
	f, err := s.newRun()
	if err != nil {
		return err
	}
	for len(items) > 0 {
		var b *vec.Batch
		b, items = s.cut(items)
		if err := f.write(b.Cols, ordinals(b.Rows)); err != nil {
			return err
		}
	}
	if err := f.finish(); err != nil {
		return err
	}
	s.release()
	s.runs = append(s.runs, &sortRun{file: f})
	return nil
}

func ordinals(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// join merges all runs into one.
func (s *sortBuffer) join() error {
	if err := s.open(s.runs); err != nil {
		return err
	}
	f, err := s.newRun()
	if err != nil {
		return err
	}
	for {
		b, err := s.merge()
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if err := f.write(b.Cols, ordinals(b.Rows)); err != nil {
			return err
		}
	}
	if err := f.finish(); err != nil {
		return err
	}
	for _, r := range s.runs {
		r.file.remove()
	}
	s.runs = []*sortRun{{file: f}}
	return nil
}

// open reads the first frame of each run.
func (s *sortBuffer) open(runs []*sortRun) error {
	s.heap = s.heap[:0]
	for _, r := range runs {
		if err := s.load(r); err != nil {
			return err
		}
		if r.n > 0 {
			s.heap = append(s.heap, r)
		}
	}
	s.order0()
	return nil
}

// order0 orders the runs by their first rows; there are few.
func (s *sortBuffer) order0() { slices.SortStableFunc(s.heap, s.compareRuns) }

func (s *sortBuffer) load(r *sortRun) (err error) {
	r.at = 0
	if r.cols, r.n, err = r.file.read(); err != nil || r.n == 0 {
		return err
	}
	r.words = s.order.words(r.cols, nil, r.n, r.words)
	return nil
}

func (s *sortBuffer) compareRuns(a, b *sortRun) int {
	for k := range s.words {
		x, y := a.words[k][a.at], b.words[k][b.at]
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
		if s.order.loose(k, x) {
			c := s.order.keys[k].Col
			if d := s.order.value(k, a.cols[c], a.at, b.cols[c], b.at); d != 0 {
				return d
			}
		}
	}
	return 0
}

// merge returns the next rows of all runs. It stops at the end of a frame: what
// was taken from it is copied before the next is read.
func (s *sortBuffer) merge() (*vec.Batch, error) {
	if len(s.heap) == 0 {
		return nil, nil
	}
	of := map[*sortRun]int{}
	var from []*vec.Batch
	var at []place
	for len(at) < vec.BatchRowsMax {
		r := s.heap[0]
		n, ok := of[r]
		if !ok {
			n = len(from)
			of[r] = n
			from = append(from, &vec.Batch{Cols: r.cols, Rows: r.n})
		}
		at = append(at, placeOf(n, r.at))
		if r.at++; r.at == r.n {
			break
		}
		s.sink()
	}
	b := &vec.Batch{Rows: len(at), Cols: make([]vec.Vector, len(s.types))}
	for c, t := range s.types {
		b.Cols[c] = collect(from, c, t, at)
	}
	if r := s.heap[0]; r.at == r.n {
		if err := s.load(r); err != nil {
			return nil, err
		}
		if r.n == 0 {
			s.heap = s.heap[1:]
		} else {
			s.sink()
		}
	}
	return b, nil
}

// sink moves the first run to its place among the others, before those that were
// written later and are equal.
func (s *sortBuffer) sink() {
	r := s.heap[0]
	i := 1
	for i < len(s.heap) {
		c := s.compareRuns(s.heap[i], r)
		if c > 0 || c == 0 && s.number(s.heap[i]) > s.number(r) {
			break
		}
		s.heap[i-1] = s.heap[i]
		i++
	}
	s.heap[i-1] = r
}

func (s *sortBuffer) number(r *sortRun) int { return slices.Index(s.runs, r) }

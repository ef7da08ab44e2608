package task

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Route says how an edge spreads rows over its channels. It belongs to one
// subtask. A forward edge has one channel.
type Route struct {
	Ship   jobgraph.Ship
	Keys   []int
	Types  []types.Type // of Keys
	Groups int

	next   int
	hasher keyenc.Hasher
	hash   []uint64
	cols   []vec.Vector
	to     []uint16  // the channel of each row
	sels   [][]int32 // the rows of each channel
	counts []int32   // how many those are
}

// shareMax is up to how many channels a batch is shared by selections instead of
// being copied apart: with more, each receiver would touch every cache line for
// few rows.
const shareMax = 4

func (e *Edge) send(b *vec.Batch) error {
	r, n := &e.Route, e.Out.Channels()
	switch {
	case n == 1:
		return e.Out.Send(0, exchange.Event{Batch: b})
	case r.Ship == jobgraph.Gather:
		return e.sendOne(0, b)
	case r.Ship == jobgraph.Rebalance:
		r.next = (r.next + 1) % n
		return e.sendOne(r.next, b)
	case r.Ship == jobgraph.Broadcast:
		for ch := range n {
			c := *b
			if err := e.Out.Send(ch, exchange.Event{Batch: &c}); err != nil {
				return err
			}
		}
		return nil
	}
	return e.sendHash(b, n)
}

// sendOne sends the rows to one channel, and the watermarks to all.
func (e *Edge) sendOne(to int, b *vec.Batch) error {
	for ch := range e.Out.Channels() {
		ev := exchange.Event{Batch: b}
		if ch != to {
			if len(b.Marks) == 0 {
				continue
			}
			ev = exchange.Event{Kind: exchange.Watermark, Time: b.Marks[len(b.Marks)-1].Time}
		}
		if err := e.Out.Send(ch, ev); err != nil {
			return err
		}
	}
	return nil
}

// allConst reports whether all rows have one key, as those of a window that has fired.
func allConst(cols []vec.Vector) bool {
	for _, c := range cols {
		if _, ok := c.(*vec.Const); !ok {
			return false
		}
	}
	return true
}

// sendWhole sends the rows of a batch to the channel of the first one's hash.
func (e *Edge) sendWhole(b *vec.Batch, n int) error {
	r := &e.Route
	return e.sendOne(base.SubtaskOf(keyenc.Group(r.hash[0], r.Groups), n, r.Groups), b)
}

func (e *Edge) sendHash(b *vec.Batch, n int) error {
	r := &e.Route
	r.cols = r.cols[:0]
	for _, k := range r.Keys {
		r.cols = append(r.cols, b.Cols[k])
	}
	rows := b.Len()
	if cap(r.hash) < rows {
		r.hash = make([]uint64, max(rows, vec.BatchRowsMax))
	}
	hash := r.hash[:rows]
	r.hasher.Hash(r.cols, r.Types, b.Sel, b.Rows, hash)
	if allConst(r.cols) && rows > 0 {
		return e.sendWhole(b, n)
	}
	for ch, sel := range r.split(b, hash, n) {
		part := &vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: sel, Kinds: b.Kinds, Marks: b.Marks}
		switch {
		case len(sel) == 0 && len(b.Marks) == 0:
			continue
		case len(sel) == 0:
			if err := e.Out.Send(ch, exchange.Event{Kind: exchange.Watermark, Time: b.Marks[len(b.Marks)-1].Time}); err != nil {
				return err
			}
			continue
		case n > shareMax:
			part = vec.Compact(part)
		}
		if err := e.Out.Send(ch, exchange.Event{Batch: part}); err != nil {
			return err
		}
	}
	return nil
}

// split returns the rows of each channel, which are the receivers'.
func (r *Route) split(b *vec.Batch, hash []uint64, n int) [][]int32 {
	if len(r.sels) < n {
		r.sels, r.counts = make([][]int32, n), make([]int32, n)
	}
	if cap(r.to) < len(hash) {
		r.to = make([]uint16, max(len(hash), vec.BatchRowsMax))
	}
	to, sels, counts := r.to[:len(hash)], r.sels[:n], r.counts[:n]
	clear(counts)
	for i, h := range hash {
		ch := base.SubtaskOf(keyenc.Group(h, r.Groups), n, r.Groups)
		to[i] = uint16(ch)
		counts[ch]++
	}
	all := make([]int32, len(hash))
	for ch, k := range counts {
		sels[ch], all = all[:0:k], all[k:]
	}
	if b.Sel != nil {
		for i, ch := range to {
			sels[ch] = append(sels[ch], b.Sel[i])
		}
		return sels
	}
	for i, ch := range to {
		sels[ch] = append(sels[ch], int32(i))
	}
	return sels
}

package exec

import (
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// matchSorted has a Match in batch mode sort its rows by partition. When the rows of a
// partition have been handled, time is over for it: attempts that are WITHIN a time
// are given up, which may tell matches that waited for them, and then it is
// forgotten.
type matchSorted struct {
	m     *Match
	sort  *sortBuffer
	parts sortedParts
	held  heldMark
	ready []*vec.Batch
	ended bool
}

func newMatchSorted(m *Match) *matchSorted {
	e := &matchSorted{m: m}
	e.sort, e.parts = newPartSort(m.ctx, "match", m.spec.Partition, m.spec.Order, m.spec.Types)
	return e
}

// finish queues the matches.
func (e *matchSorted) finish() error {
	if err := e.sort.finish(); err != nil {
		return err
	}
	e.m.feed.batches(func() (*vec.Batch, error) {
		for len(e.ready) == 0 {
			if e.ended {
				return nil, nil
			}
			if err := e.next(); err != nil {
				return nil, err
			}
		}
		b := e.ready[0]
		e.ready = e.ready[1:]
		return b, nil
	})
	e.held.release(&e.m.feed)
	return nil
}

// next handles the next sorted rows.
func (e *matchSorted) next() error {
	b, err := e.sort.next()
	if err != nil {
		return err
	}
	if b == nil {
		e.ended = true
		return e.forget(nil)
	}
	out, err := e.m.run(b, rowtimes(b.Cols[e.m.spec.Time]).Vals)
	if err != nil {
		return err
	}
	e.add(out)
	return e.forget(e.unfinished(b))
}

func (e *matchSorted) add(b *vec.Batch) {
	if b != nil && b.Rows > 0 {
		e.ready = append(e.ready, b)
	}
}

// unfinished returns the slots of the partition that the rows end in: the next ones
// may go on with it. They are several where values are equal in an order, but not
// as keys (0 and -0).
func (e *matchSorted) unfinished(b *vec.Batch) []keyed.Slot {
	words, last := e.parts.words(b), b.Rows-1
	from := last
	for from > 0 && e.parts.together(b, from-1, b, last, words) {
		from--
	}
	return e.m.group.find(e.m.table, b.Cols, ordinals(b.Rows)[from:], b.Rows)
}

// forget ends all partitions but those of some slots.
func (e *matchSorted) forget(but []keyed.Slot) error {
	m := e.m
	var over []*matchPart
	for _, p := range m.parts {
		if p == nil || slices.Contains(but, p.slot) {
			continue
		}
		if err := m.advance(p, math.MaxInt64); err != nil {
			return err
		}
		p.open, p.done = nil, nil
		over = append(over, p)
	}
	out, err := m.finish(over)
	e.add(out)
	return err
}

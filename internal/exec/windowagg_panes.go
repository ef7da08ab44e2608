package exec

import (
	"slices"
	"sort"
)

// paneTree puts the slices of long windows together: a window of a year that moves
// by a minute has half a million slices, and all but two are those of the window
// before it.
//
// Slices are numbered from the origin of the windows. A node of level n stands for
// paneFan^n slices that follow each other and has their groups put together. It is
// made when a window first holds all of it, and is dropped with its first slice, or
// when a late row comes into one. So a window is put together from a few nodes of
// each level:
//
//	level 2               ├───────┼───────┤
//	level 1     ├───┼───┤                   ├───┤
//	slices    ││                                 │││
//
// Nodes are not saved: they are made again from the slices.
type paneTree struct {
	w     *WindowAgg
	nodes map[paneNode]*groupTable // nil: nothing is in it
	level int                      // the highest that a window can hold a node of
}

// paneNode is a node by its level and its place among those of the level.
type paneNode struct {
	level int
	at    int64
}

const (
	paneFanBits = 3
	paneFan     = 1 << paneFanBits
	// paneTreeMin is how many slices a window has for a tree to be worth while.
	paneTreeMin = 4 * paneFan
)

// newPaneTree returns nil for windows of few slices.
func newPaneTree(w *WindowAgg) *paneTree {
	n := w.spec.Window.Size / w.time.pane
	if n < paneTreeMin {
		return nil
	}
	p := &paneTree{w: w, nodes: map[paneNode]*groupTable{}}
	for n >= 2*paneFan {
		n, p.level = n>>paneFanBits, p.level+1
	}
	return p
}

// number returns the place of a slice.
func (p *paneTree) number(end int64) int64 {
	t := p.w.time
	return (t.ruler.mark(end)-t.origin)/t.pane - 1 + negative(t.ruler.mark(end)-t.origin, t.pane)
}

// negative is -1 where a division is to be rounded down and is not.
func negative(a, b int64) int64 {
	if a%b < 0 {
		return -1
	}
	return 0
}

// end returns the end of the slice at a place.
func (p *paneTree) end(at int64) int64 {
	t := p.w.time
	return t.ruler.time((at+1)*t.pane + t.origin)
}

// tables returns what a window that ends at end is put together from, in order.
func (p *paneTree) tables(end int64) ([]*groupTable, error) {
	to := p.number(end) + 1
	return p.cover(to-p.w.spec.Window.Size/p.w.time.pane, to, p.level)
}

// cover returns the tables of the slices in [from, to), by nodes of a level at most.
func (p *paneTree) cover(from, to int64, level int) (out []*groupTable, err error) {
	if !p.any(from, to) {
		return nil, nil
	}
	if level == 0 {
		for _, e := range p.within(from, to) {
			out = append(out, p.w.slices[e])
		}
		return out, nil
	}
	bits := paneFanBits * level
	first, last := (from+1<<bits-1)>>bits, to>>bits // whole nodes
	if first >= last {
		return p.cover(from, to, level-1)
	}
	if out, err = p.cover(from, first<<bits, level-1); err != nil {
		return nil, err
	}
	for at := first; at < last; at++ {
		t, err := p.node(paneNode{level, at})
		if err != nil {
			return nil, err
		}
		if t != nil {
			out = append(out, t)
		}
	}
	rest, err := p.cover(last<<bits, to, level-1)
	return append(out, rest...), err
}

// node returns the table of a node, made if there is none; nil if it is empty.
func (p *paneTree) node(n paneNode) (*groupTable, error) {
	if t, ok := p.nodes[n]; ok {
		return t, nil
	}
	bits := paneFanBits * n.level
	parts, err := p.cover(n.at<<bits, (n.at+1)<<bits, n.level-1)
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	t, err := p.w.borrow()
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		if err := p.w.pour(part, t); err != nil {
			return nil, err
		}
	}
	t.account(p.w.ctx.Memory)
	p.nodes[n] = t
	return t, nil
}

// within returns the slices that have rows, of those in [from, to).
func (p *paneTree) within(from, to int64) []int64 {
	lo, _ := slices.BinarySearch(p.w.order, p.end(from))
	hi := lo + sort.Search(len(p.w.order)-lo, func(i int) bool { return p.w.order[lo+i] >= p.end(to) })
	return p.w.order[lo:hi]
}

func (p *paneTree) any(from, to int64) bool { return from < to && len(p.within(from, to)) > 0 }

// forget drops the nodes that hold a slice, which has got another row or is gone.
func (p *paneTree) forget(end int64) {
	if p == nil || len(p.nodes) == 0 {
		return
	}
	at := p.number(end)
	for level := 1; level <= p.level; level++ {
		at >>= paneFanBits
		n := paneNode{level, at}
		if t := p.nodes[n]; t != nil {
			p.w.giveBack(t)
			delete(p.nodes, n)
		}
	}
}

func (p *paneTree) close() {
	if p == nil {
		return
	}
	for _, t := range p.nodes {
		t.close(p.w.ctx.Memory)
	}
}

// clear drops all nodes: memory is short.
func (p *paneTree) clear() {
	if p != nil {
		p.close()
		clear(p.nodes)
	}
}

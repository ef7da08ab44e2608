package exec

import (
	"bytes"
	"math"

	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/state/keyed"
)

// best returns the entry with the least or greatest value of a group, or -1. The
// first time that a group asks, its heap is made.
func (v *valueSet) best(x int, s keyed.Slot) int32 {
	gh := &v.heaps[x]
	h := gh.of[s]
	if h == nil {
		h = &valueHeap{}
		gh.of[s] = h
		v.fillHeap(x, s, h)
	}
	n := len(v.shape.filters)
	for len(h.ents) > 0 {
		e := h.ents[0]
		if v.nums[int(e)*n+gh.num] > 0 {
			return e
		}
		v.popHeap(x, h)
	}
	return -1
}

// enterHeaps tells the heaps that follow a counter that a value is present.
func (v *valueSet) enterHeaps(e int32, num int) {
	ent := v.ent(e)
	for x := range v.heaps {
		gh := &v.heaps[x]
		if gh.num != num || ent.heaps&(1<<x) != 0 {
			continue
		}
		h := gh.of[ent.slot]
		if h == nil {
			continue
		}
		if len(h.ents) >= h.limit {
			v.fillHeap(x, ent.slot, h)
			if ent.heaps&(1<<x) != 0 {
				continue
			}
		}
		ent.heaps |= 1 << x
		h.ents = append(h.ents, e)
		v.siftUp(gh.sign, h.ents, len(h.ents)-1)
	}
}

// fillHeap makes a heap of the values that are present, and lets the others go.
func (v *valueSet) fillHeap(x int, s keyed.Slot, h *valueHeap) {
	gh := &v.heaps[x]
	n := len(v.shape.filters)
	old := h.ents
	h.ents = nil
	for _, e := range old {
		v.leaveHeap(x, e)
	}
	for _, e := range v.entries(nil, s) {
		if v.nums[int(e)*n+gh.num] > 0 {
			v.ent(e).heaps |= 1 << x
			h.ents = append(h.ents, e)
		}
	}
	for i := len(h.ents)/2 - 1; i >= 0; i-- {
		v.siftDown(gh.sign, h.ents, i)
	}
	h.limit = 2*len(h.ents) + 64
}

func (v *valueSet) popHeap(x int, h *valueHeap) {
	e := h.ents[0]
	last := len(h.ents) - 1
	h.ents[0] = h.ents[last]
	h.ents = h.ents[:last]
	v.siftDown(v.heaps[x].sign, h.ents, 0)
	v.leaveHeap(x, e)
}

func (v *valueSet) leaveHeap(x int, e int32) {
	v.ent(e).heaps &^= 1 << x
	n := len(v.shape.filters)
	for _, c := range v.nums[int(e)*n : int(e)*n+n] {
		if c != 0 {
			return
		}
	}
	v.release(e)
}

// before reports whether a stands above b in a heap of that sign.
func (v *valueSet) before(sign int, a, b int32) bool {
	x, y := v.ent(a), v.ent(b)
	switch {
	case v.shape.form != formWord:
		return bytes.Compare(v.bytes(x), v.bytes(y)) == sign
	case v.shape.typ.Approx():
		return agg.CompareFloat(math.Float64frombits(x.word), math.Float64frombits(y.word)) == sign
	case sign > 0:
		return int64(x.word) > int64(y.word)
	}
	return int64(x.word) < int64(y.word)
}

func (v *valueSet) siftUp(sign int, h []int32, i int) {
	for i > 0 {
		up := (i - 1) / 2
		if !v.before(sign, h[i], h[up]) {
			return
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (v *valueSet) siftDown(sign int, h []int32, i int) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && v.before(sign, h[c+1], h[c]) {
			c++
		}
		if !v.before(sign, h[c], h[i]) {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

package exec

import (
	"cmp"
	"fmt"
	"math/bits"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// rowTypes are the columns in which a window is saved.
func (w *sessionAgg) rowTypes() []types.Type {
	return append([]types.Type{bigint, bigint}, w.accs.Partial()...)
}

// Snapshot implements Operator.
func (w *sessionAgg) Snapshot(base.Epoch) error {
	saveTime(w.ctx.State, windowMark, w.mark)
	w.ctx.State.SetValue(sessionTimers, []byte{1})
	w.tab.On(w.tab.Table)
	for word, set := range w.dirty {
		for ; set != 0; set &= set - 1 {
			w.save(keyed.Slot(word<<6 | bits.TrailingZeros64(set)))
		}
	}
	return cmp.Or(w.cold.timers.Err(), w.keys.Snapshot())
}

// save writes the windows of a key into its entry.
func (w *sessionAgg) save(key keyed.Slot) {
	w.dirty[key>>6] &^= 1 << (key & 63)
	w.cold.buf = w.encode(w.cold.buf[:0], key, w.cold.types)
	w.keys.SetBlob(key, 0, w.cold.buf)
	w.setTimer(key)
}

func (w *sessionAgg) encode(dst []byte, key keyed.Slot, ts []types.Type) []byte {
	var accs []keyed.Slot
	var start, end []int64
	for e := w.heads[key]; e != 0; e = w.list[e-1].next {
		win := &w.list[e-1]
		accs, start, end = append(accs, win.acc), append(start, win.start), append(end, win.end)
	}
	cols := append([]vec.Vector{&vec.Fixed[int64]{Vals: start}, &vec.Fixed[int64]{Vals: end}}, w.accs.export(w.tab, accs)...)
	for i := range accs {
		dst = keyenc.AppendRow(dst, ts, cols, len(accs)-1-i)
	}
	return dst
}

// load makes the windows that entries have.
func (w *sessionAgg) load(keys []keyed.Slot) error {
	build := make([]*vec.Builder, len(w.cold.types))
	for i, t := range w.cold.types {
		build[i] = vec.NewBuilder(t)
	}
	var of []keyed.Slot
	for _, key := range keys {
		for rest := w.keys.Blob(key, 0); len(rest) > 0; {
			var err error
			if rest, err = keyenc.DecodeRow(rest, w.cold.types, build); err != nil {
				return fmt.Errorf("read windows: %w", err)
			}
			of = append(of, key)
		}
		w.keys.Unload(key, 0)
	}
	if len(of) == 0 {
		return nil
	}
	cols := make([]vec.Vector, len(build))
	for i, b := range build {
		cols[i] = b.Finish()
	}
	start, end := cols[0].(*vec.Fixed[int64]).Vals, cols[1].(*vec.Fixed[int64]).Vals
	slots := make([]keyed.Slot, len(of))
	for i, key := range of {
		slots[i] = w.list[w.open(key, start[i], end[i])].acc
	}
	w.tab.On(w.tab.Table)
	return w.accs.merge(w.tab, cols[2:], slots, w.work.ident.upTo(len(slots)))
}

func (x sessionTimer) before(y sessionTimer) bool {
	return x.fire < y.fire || x.fire == y.fire && x.seq < y.seq
}

func (w *sessionAgg) pushTimer(x sessionTimer) {
	h := append(w.heap, x)
	i := len(h) - 1
	for i > 0 && x.before(h[(i-1)/2]) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = x
	w.heap = h
}

func (w *sessionAgg) popTimer() sessionTimer {
	h := w.heap
	top, x := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(x) {
			break
		}
		h[i] = h[c]
		i = c
	}
	if len(h) > 0 {
		h[i] = x
	}
	w.heap = h
	return top
}

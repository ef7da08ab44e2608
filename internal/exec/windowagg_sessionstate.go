package exec

import (
	"fmt"

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
	saveMark(w.ctx, w.mark)
	w.tab.On(w.tab.Table)
	ts := w.rowTypes()
	var buf []byte
	for word, bits := range w.dirty {
		for b := range 64 {
			if bits&(1<<b) == 0 {
				continue
			}
			key := keyed.Slot(word<<6 | b)
			buf = w.encode(buf[:0], key, ts)
			w.keys.SetBlob(key, 0, buf)
			w.keys.Touch(key)
		}
		w.dirty[word] = 0
	}
	return w.keys.Snapshot()
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

func (w *sessionAgg) load() error {
	ts := w.rowTypes()
	var empty []keyed.Slot
	for key := range w.keys.Each {
		build := make([]*vec.Builder, len(ts))
		for i, t := range ts {
			build[i] = vec.NewBuilder(t)
		}
		rest := w.keys.Blob(key, 0)
		if len(rest) == 0 {
			empty = append(empty, key)
		}
		for len(rest) > 0 {
			var err error
			if rest, err = keyenc.DecodeRow(rest, ts, build); err != nil {
				return fmt.Errorf("read windows: %w", err)
			}
		}
		cols := make([]vec.Vector, len(build))
		for i, b := range build {
			cols[i] = b.Finish()
		}
		start, end := cols[0].(*vec.Fixed[int64]).Vals, cols[1].(*vec.Fixed[int64]).Vals
		slots := make([]keyed.Slot, len(start))
		for i := range start {
			slots[i] = w.list[w.open(key, start[i], end[i])].acc
		}
		w.tab.On(w.tab.Table)
		if err := w.accs.merge(w.tab, cols[2:], slots, w.work.ident.upTo(len(slots))); err != nil {
			return err
		}
	}
	for _, key := range empty {
		w.keys.Delete(key)
	}
	return nil
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

package exec

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// dedupEnd is the rowKeeper of a Dedup in batch mode. The first row of a key by
// arrival goes out at once: what is kept is then a row of NULLs with the key.
type dedupEnd struct{ d *Dedup }

func (k dedupEnd) held() int64 {
	if k.d.rows != nil {
		return k.d.rows.Bytes()
	}
	return k.d.keys.Bytes()
}

func (k dedupEnd) kept() func() (*vec.Batch, error) {
	d := k.d
	if d.rows != nil {
		return eachRow(d.rows, d.spec.Types)
	}
	var slots []keyed.Slot
	for s := range d.keys.Each {
		slots = append(slots, s)
	}
	return func() (*vec.Batch, error) {
		n := min(len(slots), vec.BatchRowsMax)
		if n == 0 {
			return nil, nil
		}
		b := &vec.Batch{Rows: n, Cols: gather(nil, make([]keyed.Ref, n), d.spec.Types)}
		for i, key := range d.keys.Keys(slots[:n]) {
			b.Cols[d.spec.Keys[i]] = key
		}
		slots = slots[n:]
		return b, nil
	}
}

func (k dedupEnd) clear() error {
	k.d.closeTables()
	return k.d.openTables(scratch{k.d.ctx.Groups})
}

func (k dedupEnd) restore(b *vec.Batch, rows []int32) error {
	_, err := k.take(b, rows)
	return err
}

func (k dedupEnd) take(b *vec.Batch, rows []int32) (*vec.Batch, error) {
	if k.d.rows == nil {
		return k.d.first(b, rows), nil
	}
	k.d.replace(b, rows)
	return nil, nil
}

func (k dedupEnd) results() func() (*vec.Batch, error) {
	if k.d.rows == nil {
		return once(nil)
	}
	return eachRow(k.d.rows, k.d.spec.Types)
}

// processEnd takes rows of a batch query.
func (d *Dedup) processEnd(b *vec.Batch, rows []int32) error {
	if d.rows != nil && !d.spec.KeepLast {
		rows = undropped(d.ctx, b, rows)
	}
	if d.spill.on() {
		return d.spill.write(b, rows)
	}
	done, err := dedupEnd{d}.take(b, rows)
	if err != nil {
		return err
	}
	if done != nil {
		d.feed.batch(done)
	}
	return d.spill.relieve()
}

// finishEnd queues the results.
func (d *Dedup) finishEnd() error {
	next := dedupEnd{d}.results()
	if d.spill.on() {
		var err error
		if next, err = d.spill.end(); err != nil {
			return err
		}
	}
	d.feed.batches(next)
	d.held.release(&d.feed)
	return nil
}

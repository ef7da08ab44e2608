package exec

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
)

// evicting lets the keys of a table that this operator reads by key leave memory
// when it is short, unless the job keeps all of its state there.
func (ctx *Context) evicting(s keyed.Shape) keyed.Shape {
	s.Evicts = !ctx.Resident
	return s
}

// expiring is evicting for entries with a time to live, if that is not 0: the word
// has the time of their last use in milliseconds.
func (ctx *Context) expiring(s keyed.Shape, word int, ttlMs int64) keyed.Shape {
	if ttlMs > 0 {
		s.Expiry = &keyed.Expiry{Word: word, TTL: ttlMs, Now: func() int64 { return ctx.Env.Now() / 1000 }}
	}
	return ctx.evicting(s)
}

// expiringKeys is expiring for a Multi whose keys have a time to live, and not its
// rows: that of the last use is the last row's. The other rows have one too, which
// freshen keeps from lagging behind for more than half of the time to live; so the
// store may let a row go when its own time is over by so much.
func (ctx *Context) expiringKeys(s keyed.Shape, word int, ttlMs int64) keyed.Shape {
	s = ctx.expiring(s, word, ttlMs)
	if s.Expiry != nil {
		s.Expiry.Keys = true
	}
	return s
}

// unfit returns the error of an operator whose buckets do not fit, or could not be
// read: they hold n bytes.
func (ctx *Context) unfit(n int64, err error) error {
	switch {
	case err != nil:
		return err
	case ctx.Resident:
		return ctx.overdrawn(n)
	case n >= spillBytesLeast && ctx.Memory.Over():
		return ctx.Memory.Exceeded(ctx.Op)
	}
	return nil
}

// tooLarge returns the error of an operator whose rows do not fit.
func (ctx *Context) tooLarge(m *keyed.Multi) error {
	if ctx.Resident {
		return ctx.overdrawn(m.Bytes())
	}
	return m.Err()
}

// freshen notes the use of a key whose rows expire together, in that extra word of
// its rows. The first row's time is the oldest.
func freshen(m *keyed.Multi, s keyed.Slot, word int, nowMs, ttlMs int64) {
	first := m.First(s)
	if first == 0 {
		return
	}
	if nowMs-int64(m.Extra(first)[word]) <= ttlMs/2 {
		first = m.Last(s)
	}
	for r := first; r != 0; r = m.Next(r) {
		if w := &m.Extra(r)[word]; *w != uint64(nowMs) {
			*w = uint64(nowMs)
			m.TouchRow(s, r)
		}
	}
}

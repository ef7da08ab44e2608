package lsm

import "maps"

// Entries that expire
//
// A table may say of its entries when they count no more (state.Table.Expire), by
// the clock of its operator. Who writes a run leaves such entries out, at the bottom;
// above it they become tombstones, for older versions may lie below. A file knows
// when about half of its entries will have ended (state.File.Ends). Runs are merged
// by their number and size, so the oldest and largest are left alone for long; when
// a quarter of what lies at the bottom has ended it is merged for that: what has
// ended is never more than a part of the whole, though no key comes again.

// The clock is that of the last snapshot, if there was one. Its files are written
// while the operator goes on, and may be restored when the operator has not: event
// time goes back then, and entries that had ended meanwhile are asked for again.

// An expiry is what a table has said.
type expiry struct {
	ends func(val []byte) int64
	live func() int64
	held *int64 // what live said at the last snapshot; nil: there was none
}

// now is how late it is for those who write files.
func (e expiry) now() int64 {
	if e.held != nil {
		return *e.held
	}
	return e.live()
}

// holdClocks has files written from now on leave out what has ended by now, and no more.
func (t *tree) holdClocks() {
	old := t.expiries.Load()
	if old == nil {
		return
	}
	all := make(map[string]expiry, len(*old))
	for table, e := range *old {
		now := e.live()
		e.held = &now
		all[table] = e
	}
	t.expiries.Store(&all)
}

// expire notes when the entries of a table end.
func (t *tree) expire(table string, e expiry) {
	all := map[string]expiry{}
	if old := t.expiries.Load(); old != nil {
		maps.Copy(all, *old)
	}
	all[table] = e
	t.expiries.Store(&all)
}

// expiryOf returns what a table has said, and whether it has.
func (t *tree) expiryOf(table string) (expiry, bool) {
	all := t.expiries.Load()
	if all == nil {
		return expiry{}, false
	}
	e, ok := (*all)[table]
	return e, ok
}

// clock is how late it is for the latest of the tables that expire, 0 if none does.
func (t *tree) clock() (now int64) {
	if all := t.expiries.Load(); all != nil {
		for _, e := range *all {
			now = max(now, e.now())
		}
	}
	return now
}

// endings collects when the entries of a file end.
type endings struct {
	base, sum int64
	n         int
}

func (s *endings) add(at int64) {
	if s.n == 0 {
		s.base = at
	}
	s.sum += at - s.base
	s.n++
}

// mean is when about half of a file's entries have ended, 0 if most never do.
func (s *endings) mean(entries int) int64 {
	if s.n == 0 || 2*s.n < entries {
		return 0
	}
	return s.base + s.sum/int64(s.n)
}

// ended returns how many of the oldest runs are to be merged for what has ended in
// them, 0 for none.
func ended(runs []*run, now, least int64) (upto int) {
	if now == 0 {
		return 0
	}
	var all, over int64
	for i, r := range runs {
		for _, f := range r.files {
			all += f.meta.Bytes
			if f.meta.Ends != 0 && f.meta.Ends < now {
				over += f.meta.Bytes
			}
		}
		if all > least && 4*over > all {
			upto = i + 1
		}
	}
	return upto
}

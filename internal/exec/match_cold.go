package exec

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// Attempts out of memory
//
// When memory is short partitions leave it, the least used first: their part is written,
// and goes with its rows. It comes back with the partition's next row, or when its first
// attempt is too old: a part that is written has a timer at that time, if the pattern
// says WITHIN.

// matchTimersName is the table of the timers, and the value that tells that there is
// one: earlier versions had none.
const matchTimersName = "timers"

// matchCold is what a Match has for partitions that leave memory.
type matchCold struct {
	timers  *keyed.Timers // nil without WITHIN, and at the end
	untimed bool          // parts are read that have no timers yet
	keys    keyed.Keys
	taken   keyed.Keys // of timers
	slots   []keyed.Slot
	err     error // of parts that came back
}

func (c *matchCold) due(now int64) bool { return c.timers != nil && c.timers.Due(now) }

func (c *matchCold) failed() error {
	if c.timers == nil {
		return c.err
	}
	return cmp.Or(c.err, c.timers.Err())
}

// openState opens the parts and their rows. In batch mode one partition after the other
// is in memory, and stays until it is done with.
func (m *Match) openState() (err error) {
	ctx, c := m.ctx, &m.cold
	shape := keyed.Shape{Name: "attempts", Key: m.group.types, Words: 1, Blobs: []int{0}, Groups: ctx.Groups, Memory: ctx.Memory}
	rows := keyed.Shape{Name: "rows", Key: m.group.types, Row: pickTypes(m.spec.Types, m.exprs.kept), Groups: ctx.Groups, Memory: ctx.Memory}
	open := keyed.OpenWhole
	if m.end == nil {
		shape, rows = ctx.evicting(shape), ctx.evicting(rows)
		if m.spec.Within > 0 {
			c.untimed = len(ctx.State.Values(matchTimersName)) == 0
			timers := shape
			timers.Name = matchTimersName
			c.timers = keyed.OpenTimers(ctx.State, timers)
		}
		if !c.untimed {
			open = keyed.Open
		}
	}
	if m.table, err = open(ctx.State, shape); err != nil {
		return err
	}
	if m.rows, err = keyed.OpenMulti(ctx.State, rows); err != nil {
		return err
	}
	m.table.Follow(keyed.Follower{Came: m.came, Leaves: m.leaves, Held: m.held})
	m.came(slices.Collect(m.table.Each))
	c.untimed = false
	if c.err == nil && !shape.Evicts {
		c.err = m.rowsKnown()
	}
	return c.err
}

// rowsKnown checks that there are no rows of partitions without a part.
func (m *Match) rowsKnown() error {
	slots := slices.Collect(m.rows.Each)
	if len(slots) == 0 {
		return nil
	}
	found := make([]keyed.Slot, len(slots))
	m.cold.keys.Prepare(m.group.types, m.rows.Keys(slots), nil, len(slots))
	m.table.Find(&m.cold.keys, found)
	for _, s := range found {
		if s == keyed.None {
			return fmt.Errorf("%w: rows of a partition that it does not have", errMatchState)
		}
	}
	return nil
}

// came makes the parts of partitions that are in memory again.
func (m *Match) came(slots []keyed.Slot) {
	if len(slots) == 0 {
		return
	}
	c := &m.cold
	rows := make([]keyed.Slot, len(slots))
	c.keys.Prepare(m.group.types, m.table.Keys(slots), nil, len(slots))
	m.rows.Find(&c.keys, rows)
	// Rows that cannot be read must not look like rows that are missing: who goes back
	// to an earlier checkpoint must hear of the file.
	c.err = cmp.Or(c.err, m.rows.Failed())
	for i, s := range slots {
		if err := m.cameOne(s, rows[i]); c.err == nil {
			c.err = err
		}
	}
}

func (m *Match) cameOne(s, rows keyed.Slot) error {
	p := m.part(s)
	p.dirty = false
	if err := p.decode(m.table.Blob(s, 0), m.auto, m.exprs.accs); err != nil {
		return err
	}
	m.table.Unload(s, 0)
	if rows != keyed.None {
		p.refs = m.rows.Rows(nil, rows)
	}
	for _, a := range p.open {
		if a.first < p.base() {
			return fmt.Errorf("%w: an attempt has lost its rows", errMatchState)
		}
	}
	m.setTimer(p)
	m.account(p)
	if p.timed = m.expires(p); m.cold.untimed && p.timed != noTimer {
		p.timed = noTimer
		m.touch(p)
	}
	return nil
}

// expires is when the first attempt of a part is too old, or noTimer.
func (m *Match) expires(p *matchPart) int64 {
	if m.cold.timers == nil || len(p.open) == 0 {
		return noTimer
	}
	return satAdd(p.open[0].time, m.spec.Within)
}

// save writes a part into its entry.
func (m *Match) save(p *matchPart) {
	p.dirty = false
	m.scratch = p.encode(m.scratch[:0], m.auto.vars, m.exprs.accs)
	m.table.SetBlob(p.slot, 0, m.scratch)
	at := m.expires(p)
	if at == p.timed {
		return
	}
	m.dropTimer(p)
	if at != noTimer {
		m.cold.timers.Set(m.table, p.slot, at)
		p.timed = at
	}
}

// dropTimer removes the timer that the store has of a part.
func (m *Match) dropTimer(p *matchPart) {
	if p.timed != noTimer {
		m.cold.timers.Unset(m.table, p.slot, p.timed)
		p.timed = noTimer
	}
}

// leaves writes the part of a partition that leaves memory, and its rows.
func (m *Match) leaves(s keyed.Slot) bool {
	if int(s) >= len(m.parts) || m.parts[s] == nil {
		return true
	}
	p := m.parts[s]
	if p.dirty {
		m.save(p)
	}
	if len(p.refs) > 0 {
		m.rows.PutOut(m.rows.SlotOf(p.refs[0]))
	}
	m.forget(p)
	m.parts[s] = nil
	return true
}

// held is how much memory parts and rows have, and how much of it is free: what parts
// leave goes back, so it is as much as of the rows.
func (m *Match) held() (bytes, free int64) {
	rows, rowsFree := m.rows.Held()
	all := rows + m.bytes
	return all, int64(float64(all) * float64(rowsFree) / float64(max(rows, 1)))
}

// leave lets partitions leave memory, if it is short, when nobody has slots of them.
func (m *Match) leave() error {
	if m.end != nil {
		return nil
	}
	m.table.Trim()
	if len(m.dirty) > 1<<10 && len(m.dirty) > 2*m.table.Len() {
		m.dirty = slices.DeleteFunc(m.dirty, func(p *matchPart) bool { return !p.dirty })
	}
	m.packTimers()
	return cmp.Or(m.exceeded(), m.unread())
}

// unread is the error of partitions that could not be read: theirs must not go on.
func (m *Match) unread() error { return cmp.Or(m.cold.failed(), m.table.Failed(), m.rows.Failed()) }

// packTimers leaves out those of parts that are gone, when there are many.
func (m *Match) packTimers() {
	if len(m.timers) < 1<<10+2*m.table.Len() {
		return
	}
	m.timers = slices.DeleteFunc(m.timers, func(t matchTimer) bool {
		p := m.parts[t.slot]
		return p == nil || p.timer != t.time
	})
	slices.SortFunc(m.timers, func(a, b matchTimer) int { return cmp.Compare(a.time, b.time) })
}

// expireSome gives up attempts whose time is over, of parts in memory and then of some
// that have left it; nil when there are none.
func (m *Match) expireSome(now int64) (*vec.Batch, error) {
	if m.timers.due(now) {
		return m.expire(now)
	}
	if !m.cold.due(now) {
		return nil, nil
	}
	if err := m.leave(); err != nil {
		return nil, err
	}
	c := &m.cold
	keys, times, err := c.timers.Take(now, vec.BatchRowsMax)
	if len(times) == 0 || err != nil {
		return noRows, err
	}
	c.taken.Prepare(m.group.types, keys, nil, len(times))
	c.slots = grow(c.slots, len(times))
	m.table.Find(&c.taken, c.slots)
	for i, s := range c.slots {
		if s == keyed.None || m.parts[s] == nil {
			continue
		}
		if p := m.parts[s]; p.timed == times[i] {
			p.timed = noTimer
			m.touch(p)
		}
	}
	return noRows, m.unread()
}

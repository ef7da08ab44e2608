package task

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/internal/exchange/wire"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/vec"
)

// Barriers that overtake rows
//
// A barrier waits behind the rows of every channel. Where a task is slow that may
// take longer than a checkpoint should, so after a while (Control.Hurry) barriers
// overtake: a task takes the barrier of each channel from where it is, puts out what
// its operators have at hand, room or not, and takes its snapshot. The rows that the
// barrier has passed are in flight. They belong to the state of the task's first
// operator, and are handled first after a restore.
//
// A restore handles them in the same task: a job that is to be laid out otherwise
// settles first (see package job). What has been sent on a channel before the restore
// may lie behind what comes next, so the watermarks that the channels had are kept,
// too: they count for the rows in flight, and where they end is where the task's
// watermark goes on: at the end of time if all channels had ended, for then it would
// depend on the order of the ends otherwise. Where rows are broadcast or stay in their subtask, and where one
// input may have to be read before another, barriers do not overtake.

// flight is what barriers have passed.
type flight struct {
	ahead  [][]exchange.Event // by channel: of the epoch being aligned
	landed []landed           // of the snapshot that the task was restored from
	marks  map[int]int64      // of the channels that it had then
	high   map[int]int64      // … before they were idle
	kept   bool               // the store has some
}

// landed are rows that were in flight, and the watermark of their channel before
// them; without rows, that of the channel behind all.
type landed struct {
	ch    int
	input int
	mark  int64
	seq   uint32
	rows  *vec.Batch
}

// overtakes reports whether barriers may overtake the rows of a channel.
func (c Channel) overtakes() bool {
	return c.Route.Ship != jobgraph.Forward && c.Route.Ship != jobgraph.Broadcast && c.Priority == 0
}

// hurries reports whether the task is to take its snapshot whether there is room for
// what it puts out or not. What it was restored with comes first.
func (t *Task) hurries() bool {
	return t.hurry != 0 && (len(t.flight.landed) > 0 || t.flushing && len(t.ending) == 0 && !t.finishing)
}

// overtake brings the barriers of the channels forward.
func (t *Task) overtake() error {
	if t.cfg.Inbox == nil {
		return t.overtakeMail()
	}
	if t.flushing || len(t.flight.landed) > 0 {
		return nil
	}
	if 0 < t.epoch && t.epoch < t.hurry {
		t.giveUp() // as the master has
	}
	ends := map[int][]exchange.Event{} // before the end of channels without a barrier
	missing := false
	for ch := range t.cfg.Channels {
		if t.arrived[ch] {
			continue
		}
		missing = true
		if !t.cfg.Channels[ch].overtakes() {
			continue
		}
		epoch, ahead, ok := t.cfg.Inbox.Overtake(ch)
		for ok && 0 < epoch && epoch < max(t.epoch, t.hurry) { // that one, too
			epoch, ahead, ok = t.cfg.Inbox.Overtake(ch)
		}
		switch {
		case !ok:
		case epoch == 0:
			ends[ch] = ahead
		default:
			t.arrive(ch, epoch) // it is not below t.epoch
			t.ahead(ch, ahead)
		}
	}
	if !missing {
		return nil
	}
	left := 0
	for ch := range t.arrived {
		if _, ends := ends[ch]; !ends && !t.arrived[ch] {
			left++
		}
	}
	if left == 0 && len(ends) > 0 {
		// Those that send have finished, and those that have not have sent theirs.
		if t.epoch == 0 {
			t.epoch = t.hurry
		}
		for ch, ahead := range ends {
			t.arrived[ch] = true
			t.ahead(ch, append(slices.Clip(ahead), exchange.Event{Kind: exchange.End}))
		}
	}
	t.mask()
	t.flushing = t.epoch != 0 && all(t.arrived)
	return nil
}

// ahead notes what the barrier of a channel has passed.
func (t *Task) ahead(ch int, events []exchange.Event) {
	if t.flight.ahead == nil {
		t.flight.ahead = make([][]exchange.Event, len(t.cfg.Channels))
	}
	t.flight.ahead[ch] = events
}

// overtakeMail lets a task without inputs come to the barrier in its mail.
func (t *Task) overtakeMail() error {
	at := slices.IndexFunc(t.mailbox, func(c Control) bool { return c.Barrier != 0 })
	for ; at >= 0 && t.epoch == 0; at-- {
		if _, err := t.stepMail(); err != nil {
			return err
		}
	}
	return nil
}

// takeOff puts what is in flight into the state, and drops what was. It reports
// whether there may be any: a task that is done has handled all.
func (t *Task) takeOff() (overtaken bool, err error) {
	ahead := t.flight.ahead
	t.flight.ahead = nil
	if len(t.cfg.Ops) == 0 || t.cfg.Ops[0].Context.State == nil || t.cfg.Inbox == nil {
		return false, nil
	}
	store := t.cfg.Ops[0].Context.State
	if t.flight.kept {
		from := binary.BigEndian.AppendUint16(nil, uint16(store.Range().Lo))
		if err := store.Table(state.InFlight).DeleteRange(from, nil); err != nil {
			return false, err
		}
		t.flight.kept = false
	}
	if ahead == nil || t.done || t.cfg.NoFlight || !slices.ContainsFunc(t.cfg.Channels, Channel.overtakes) {
		return false, nil
	}
	k := keeper{task: t, store: store}
	for ch, events := range ahead {
		first, idle := t.marks[ch], t.idle[ch]
		if t.cfg.Channels[ch].Route.Ship == jobgraph.Forward {
			// After a restore its sender may have another part of the input, with another
			// watermark.
			first, idle = math.MinInt64, false
		}
		k.mark = first
		over := first == math.MaxInt64
		for _, ev := range events {
			idle = ev.Kind == exchange.Watermark && ev.Time == exchange.Idle
			over = over || ev.Kind == exchange.End
			k.keep(ch, ev)
		}
		stands := exchange.Event{Kind: exchange.Watermark, Time: first}
		k.put(ch, stands)
		switch { // it holds nobody back, once its rows are there
		case over:
			k.mark = math.MaxInt64
			k.put(ch, stands)
		case idle:
			k.mark = exchange.Idle
			k.put(ch, stands)
		}
	}
	t.flight.kept = k.seq > 0
	return true, k.err
}

// A keeper writes events in flight to a store.
type keeper struct {
	task  *Task
	store state.Store
	mark  int64 // of the channel, before the event at hand
	seq   uint32
	err   error
}

// keep writes the rows of an event, cut at its marks.
func (k *keeper) keep(ch int, ev exchange.Event) {
	switch ev.Kind {
	case exchange.Watermark:
		if ev.Time != exchange.Idle {
			k.mark = ev.Time
		}
	case exchange.Data:
		b := vec.Compact(ev.Batch)
		from := 0
		for _, m := range b.Marks {
			k.rows(ch, b, from, int(m.Row))
			from, k.mark = int(m.Row), m.Time
		}
		k.rows(ch, b, from, b.Rows)
	}
}

// rows writes some rows of a compact batch.
func (k *keeper) rows(ch int, b *vec.Batch, from, to int) {
	if from >= to {
		return
	}
	sel := make([]int32, to-from)
	for i := range sel {
		sel[i] = int32(from + i)
	}
	k.put(ch, exchange.Event{Batch: &vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: sel, Kinds: b.Kinds}})
}

// put writes an event: under the task's first group and its place in the order of all,
// the channel with its input and its watermark, and the event.
func (k *keeper) put(ch int, ev exchange.Event) {
	k.seq++
	key := binary.BigEndian.AppendUint16(nil, uint16(k.store.Range().Lo))
	key = binary.BigEndian.AppendUint32(key, k.seq)
	val := binary.AppendUvarint(nil, uint64(ch))
	val = binary.AppendUvarint(val, uint64(k.task.cfg.Channels[ch].Input))
	val = binary.AppendVarint(val, k.mark)
	if err := k.store.Table(state.InFlight).Put(key, wire.Append(val, ev)); k.err == nil {
		k.err = err
	}
}

// land reads what was in flight when the snapshot was taken, and orders it: by
// watermark, so that rows of several channels are as late as they were.
func (t *Task) land() error {
	if len(t.cfg.Ops) == 0 || t.cfg.Ops[0].Context.State == nil {
		return nil
	}
	table := t.cfg.Ops[0].Context.State.Table(state.InFlight)
	for key, val := range table.Scan(nil, nil) {
		l, ev, err := decodeLanded(val)
		if err != nil || len(key) != 6 {
			return errors.Join(errFlight, err)
		}
		l.seq = binary.BigEndian.Uint32(key[2:])
		if ev.Kind == exchange.Watermark {
			if t.flight.marks == nil {
				t.flight.marks, t.flight.high = map[int]int64{}, map[int]int64{}
			}
			if first, ok := t.flight.marks[l.ch]; !ok || ev.Time < first {
				t.flight.marks[l.ch] = ev.Time
			}
		}
		t.flight.kept = true
		t.flight.landed = append(t.flight.landed, l)
	}
	slices.SortStableFunc(t.flight.landed, func(a, b landed) int {
		return cmp.Or(cmp.Compare(a.mark, b.mark), cmp.Compare(a.seq, b.seq))
	})
	return table.Err()
}

func decodeLanded(val []byte) (l landed, ev exchange.Event, err error) {
	var head [2]int
	for i := range head {
		x, n := binary.Uvarint(val)
		if n <= 0 {
			return l, ev, errFlight
		}
		head[i], val = int(x), val[n:]
	}
	mark, n := binary.Varint(val)
	if n <= 0 {
		return l, ev, errFlight
	}
	if ev, n, err = wire.Decode(slices.Clone(val[n:])); err == nil && n == 0 {
		err = errFlight
	}
	return landed{ch: head[0], input: head[1], mark: mark, rows: ev.Batch}, ev, err
}

var errFlight = errors.New("the rows in flight of the checkpoint cannot be read")

// replay handles the next rows that were in flight, once the watermark is where it
// was then.
func (t *Task) replay() error {
	f := &t.flight
	l := f.landed[0]
	if f.marks[l.ch] = max(f.marks[l.ch], l.mark); l.mark < exchange.Idle {
		f.high[l.ch] = l.mark
	}
	low := int64(math.MaxInt64)
	for _, m := range f.marks {
		low = min(low, m)
	}
	if low == exchange.Idle { // as in raise
		low = math.MinInt64
		for ch, m := range f.marks {
			if m == exchange.Idle {
				low = max(low, f.high[ch])
			}
		}
	}
	if low > t.mark {
		t.mark = low
		if low == math.MaxInt64 { // in each subtask, whatever watermark it had come to
			for i := range t.chain {
				t.ending = append(t.ending, ending{op: i, last: true, open: true})
			}
			return nil
		}
		return t.chain[0].watermark(low)
	}
	f.landed[0].rows = nil
	if f.landed = f.landed[1:]; len(f.landed) == 0 {
		f.landed, f.marks, f.high = nil, nil, nil
	}
	if l.rows == nil {
		return nil
	}
	return t.chain[0].process(l.input, l.rows)
}

package sim

import (
	"math"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/state"
)

// Bugs are mistakes that can be switched on, to test the simulator: it must find each.
// Those of the master are in its code; the others are made where the world meets the
// engine: what passes there is changed, lost or doubled as if the code had done it.
type Bugs struct {
	Job job.Bugs
	// Only is a text: jobs whose query does not have it run without the bugs of state.
	Only string

	// Of tasks and channels.
	NoAlign     bool // barriers are not aligned
	NoFlight    bool // rows that a barrier has overtaken are forgotten
	NoWake      bool // a reader that had nothing does not say when it has
	Overtake    bool // a barrier overtakes the batch before it
	LoseMark    bool // a watermark that stands between batches is too high
	DoubleSplit bool // restored splits start again from the front
	LoseMarks   bool // watermarks are not restored

	// Of state.
	ForgetState bool   // an upload leaves out its newest file
	LoseDelete  bool   // deletes are not written
	LoseLate    bool   // what is written after the barrier for the epoch before is not
	AckFirst    bool   // an acknowledgement goes out before the upload
	AckFull     bool   // … though the disk was full
	NoVerify    bool   // damage of a state file is not looked for
	RetainOne   bool   // the files of the newest checkpoint only are kept
	DropNamed   bool   // a file that was merged is deleted though a checkpoint names it
	NoKeep      bool   // checkpoints are deleted to which the job may have to go back
	BlindBack   bool   // the job goes back to a checkpoint that nobody has read
	EarlyExpiry bool   // what has a time to live is gone from files at once
	LoseTable   string // nothing is written of the tables of this name

	// Of commits.
	NoAbort    bool // a restart leaves what sinks had prepared, and commits it
	NoTakeBack bool // … and what was committed behind the checkpoint that it starts from
	NoRecommit bool // … and does not commit again what the checkpoint had prepared
	NoLease    bool // a coordinator does not look whether another has taken its place

	// Of the disk.
	NoSync    bool // files are not synced
	NoSyncDir bool // folders are not synced
	ComesBack bool // what is removed may come back

	// Of the network.
	NoResend bool // a packet that is lost is lost
	NoDedup  bool // one that comes twice counts twice
	NoFence  bool // the workers of an earlier attempt are heard
}

// A badInbox is an inbox with the bugs of channels.
type badInbox struct {
	exchange.Inbox
	bugs *Bugs
	held map[int]exchange.Event // by channel: a batch that a barrier may overtake
}

// Poll implements exchange.Inbox.
func (in *badInbox) Poll(skip []bool) (int, exchange.Event, bool, error) {
	if in.bugs.Overtake {
		for ch, ev := range in.held {
			if !skip[ch] {
				delete(in.held, ch)
				return ch, ev, true, nil
			}
		}
	}
	ch, ev, ok, err := in.Inbox.Poll(skip)
	if !ok || err != nil {
		return ch, ev, ok, err
	}
	if in.bugs.LoseMark && ev.Kind == exchange.Watermark && ev.Time < exchange.Idle {
		ev.Time += 300 * unit
	}
	if in.bugs.Overtake && ev.Kind == exchange.Data && len(ev.Batch.Marks) == 0 {
		only := make([]bool, len(skip))
		for i := range only {
			only[i] = i != ch
		}
		_, next, there, err := in.Inbox.Poll(only)
		switch {
		case err != nil:
			return ch, ev, ok, err
		case there && next.Kind == exchange.Barrier:
			in.held[ch] = ev
			return ch, next, true, nil
		case there:
			in.held[ch] = next
		}
	}
	return ch, ev, ok, err
}

// A badFS is a file store whose removals are not synced.
type badFS struct{ fsys.FS }

// Sync implements fsys.FS.
func (badFS) Sync(string) error { return nil }

// badFiles are state files of which all go at once that are not read any more.
type badFiles struct{ state.Files }

// Drop implements state.Files.
func (f badFiles) Drop(name string, _ bool) { f.Files.Drop(name, false) }

// A badBackend makes stores with bugs.
type badBackend struct {
	state.Backend
	bugs *Bugs
}

// Open implements state.Backend.
func (b badBackend) Open(prefix string, r base.Range, from []state.Handle, files state.Files) (state.Store, error) {
	s, err := b.Backend.Open(prefix, r, from, files)
	return badStore{s, b.bugs}, err
}

type badStore struct {
	state.Store
	bugs *Bugs
}

// Table implements state.Store.
func (s badStore) Table(name string) state.Table {
	return badTable{s.Store.Table(name), s.bugs, name == s.bugs.LoseTable}
}

type badTable struct {
	state.Table
	bugs *Bugs
	lost bool
}

// Put implements state.Table.
func (t badTable) Put(key, val []byte) error {
	if t.lost {
		return nil
	}
	return t.Table.Put(key, val)
}

// Expire implements state.Table.
func (t badTable) Expire(ends func(val []byte) int64, now func() int64) {
	if t.bugs.EarlyExpiry {
		now = func() int64 { return math.MaxInt64 / 2 }
	}
	t.Table.Expire(ends, now)
}

// Delete implements state.Table.
func (t badTable) Delete(key []byte) error {
	if t.bugs.LoseDelete {
		return nil
	}
	return t.Table.Delete(key)
}

// Late implements state.Table.
func (t badTable) Late(key, val []byte) error {
	if t.bugs.LoseLate || t.lost {
		return nil
	}
	return t.Table.Late(key, val)
}

// LateRow implements state.Table.
func (t badTable) LateRow(under int, seq uint64, row []uint64) (bool, error) {
	if t.bugs.LoseLate || t.lost {
		return true, nil
	}
	return t.Table.LateRow(under, seq, row)
}

// Package connect defines what a connector is: how tables come in and go out.
//
// A connector registers itself under the name that the 'connector' option
// holds. From a Table it makes a Source or a Sink. All of its methods that are
// called while a job runs come from one goroutine an object, unless they say
// otherwise, and none of them may block for long: what waits, waits on the
// connector's own goroutines.
package connect

import (
	"context"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Table is what CREATE TABLE says, as its connector sees it: computed columns
// are not part of it.
type Table struct {
	Name        string       // catalog.database.table, for messages
	Schema      types.Schema // physical and metadata columns
	Metadata    map[int]string
	PrimaryKey  []int
	PartitionBy []int
	Options     Options
}

// A Scan says what a plan wants to read of a table.
type Scan struct {
	Columns     []int       // positions in Table.Schema, in the order of the batches' columns
	Predicates  []Predicate // all hold for every row that the plan keeps; a source may skip what fails them
	Limit       int64       // no more rows than this are needed; -1 means all
	Bounded     bool        // read up to where the source ends now, even if it could go on
	Parallelism int
	Seed        uint64 // of the run, for sources that generate
	Zone        string // table.local-time-zone
	// Filters are keys that a join asks for while the job runs.
	Filters []ScanFilter `json:"-"`
	// Late are the places in Columns of those that are read only of the rows that pass a
	// filter right behind the scan. A source may leave them out, see Polled.Rest.
	Late []int `json:"-"`
}

// A Predicate is a comparison of a column with constants.
type Predicate struct {
	Column int // in Table.Schema
	Op     PredicateOp
	Values []any // as expr literals: bool, int64, float64, types.Int128 or string; one, for In any number, for IsNull and NotNull none
}

// A PredicateOp is how a Predicate compares.
type PredicateOp uint8

// The comparisons.
const (
	Eq PredicateOp = iota
	Ne
	Lt
	Le
	Gt
	Ge
	In
	IsNull
	NotNull
)

// Holds reports whether a comparison holds of two values, of which the first is less
// (c < 0), equal or greater.
func (op PredicateOp) Holds(c int) bool {
	switch op {
	case Eq:
		return c == 0
	case Ne:
		return c != 0
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	case Gt:
		return c > 0
	}
	return c >= 0
}

// A Split is a piece of a source that one reader reads on its own: a file range,
// a partition, a chunk of a key space. Pos is how far it has been read; the
// source alone knows what the bytes mean, both must be self-contained.
type Split struct {
	ID  string
	Pos []byte
}

// A Source is a table that can be read. A bounded and an unbounded read differ
// only in whether Enumerator ever says that no split will follow.
type Source interface {
	// Bounded reports whether the source ends by itself.
	Bounded() bool
	// Enumerator runs once a job. saved is nil, or what its Snapshot returned. wake,
	// which may be called as the one of Reader may, says that Assign would now give a
	// reader something that got nothing.
	Enumerator(saved []byte, wake func()) (Enumerator, error)
	// Reader runs once a subtask. wake, which may be called from any goroutine, as
	// often as one likes and also after Close, says that Poll would now find
	// something: see there.
	Reader(subtask int, wake func()) (Reader, error)
}

// An Enumerator finds splits and hands them out.
type Enumerator interface {
	// Assign returns splits for a reader that has nothing left to read. done
	// means that neither this nor any later call has more. No splits and not
	// done means: ask again later, after wake or some time.
	//
	// Assignments and barriers travel to a reader on one ordered channel, so
	// a split is given out before the barrier, and is in the reader's snapshot,
	// or after it, and is in the enumerator's.
	Assign(reader int) (splits []Split, done bool, err error)
	// Waiting is how many known splits are not assigned. While it is not zero the
	// table's watermark is held back, unless Ordered.
	Waiting() int
	// Ordered reports whether splits follow each other in event time, so that
	// those waiting hold nothing back.
	Ordered() bool
	// Return takes back splits of a restored checkpoint, with their positions,
	// before the first Assign.
	Return(splits []Split)
	Snapshot() ([]byte, error)
	Close() error
}

// A Reader reads the splits that it was given. It never blocks: it fetches on
// its own goroutines, and Poll takes what they have ready.
type Reader interface {
	Add(splits []Split) error
	// Poll returns the next batch of rows of one split. prefer names the split
	// that the caller would have next, the one whose watermark is furthest
	// behind; "" leaves it to the reader. It is a wish: when that split has
	// nothing ready, or the reader has no choice, another one's rows come.
	//
	// After a Poll that found nothing, no batch, no end and not Empty, the caller
	// sleeps. The reader must call wake when that has changed; it may be asked
	// before.
	Poll(prefer string) (Polled, error)
	// Snapshot returns the unfinished splits at the position after the last
	// batch that Poll returned.
	Snapshot() ([]Split, error)
	// Committed tells that what Snapshot returned for epoch is complete, for
	// sources that keep a position of their own (a consumer group, a slot).
	Committed(epoch uint64)
	Close() error
}

// Polled is what a Poll found.
type Polled struct {
	Batch *vec.Batch // nil when none is ready; without Marks; the columns of Scan.Columns
	Split string     // the split that the batch came from
	Ended bool       // Split has no more rows; it is not in the next Snapshot
	Empty bool       // every split is read to its end: the reader wants Add
	// Watermark is what the source itself knows of Split's event time after Batch: no
	// later row is at or below it, in microseconds. It counts beside what the table's
	// WATERMARK makes of the rows. Nil: nothing is known.
	Watermark *int64
	// Rest makes the columns of Scan.Late when Batch has nil in their places: in that
	// order, of the rows given, ascending, close together, or for nil of all. It holds
	// until the reader is called again. Nil: Batch has all columns.
	Rest func(rows []int32) ([]vec.Vector, error)
	// Skipped is how many records were dropped since the Poll before, because
	// they could not be read and the table's options say to go on.
	Skipped int64
}

// A Sink is a table that can be written. With a Committer it is written exactly
// once, by two phases: writers prepare at the barrier, the committer commits
// when the checkpoint is complete.
type Sink interface {
	// Accepts says which changes the table takes.
	Accepts() Changes
	Writer(subtask int) (Writer, error)
	// Committer returns nil if what writers write is visible at once.
	Committer() (Committer, error)
}

// Changes is what a sink does with updates.
type Changes uint8

// What a sink takes.
const (
	AppendOnly Changes = iota // +I only
	Upsert                    // +I, +U and -D by the primary key, or of a table without one; no -U
	AllChanges                // every kind, as it comes
)

// A Writer writes one subtask's rows.
type Writer interface {
	// Write takes a batch of the table's physical and metadata columns. Its Marks
	// say what watermarks have come; a batch of no rows may bring one alone.
	Write(b *vec.Batch) error
	// Prepare makes everything written so far ready to commit, and returns what
	// Commit needs to do so, also after this process is gone. If the epoch is
	// given up, what it prepared is committed with the next that completes.
	Prepare(epoch uint64) ([][]byte, error)
	// Close drops what is not prepared.
	Close() error
}

// A Committer makes prepared writes visible.
type Committer interface {
	// Commit is called for every complete epoch, in order, and again after a
	// failure, so it must be idempotent.
	Commit(ctx context.Context, epoch uint64, prepared [][]byte) error
	// Abort takes back what earlier attempts of this run left behind: what is
	// written, not committed and not in keep, and what is committed although the
	// run goes on behind epoch. The latter happens when the checkpoints after
	// epoch were complete, and committed, and cannot be read any more: the rows
	// behind epoch will come again. It is called once before the writers of an
	// attempt start.
	Abort(ctx context.Context, epoch uint64, keep [][]byte) error
	Close() error
}

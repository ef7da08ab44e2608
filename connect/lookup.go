package connect

import (
	"fmt"
	"strconv"
	"time"

	"github.com/millrace-io/millrace/vec"
)

// A KeyScan says what a plan asks of a table by key.
type KeyScan struct {
	Keys        []int       // positions in Table.Schema: the columns of an Ask's keys
	Columns     []int       // positions in Table.Schema: the columns of an Answer's rows
	Predicates  []Predicate // all hold for every row that the plan keeps; an answer may leave out what fails them
	Parallelism int
	Zone        string // table.local-time-zone
}

// A Looker finds rows by key, as the table is now. One belongs to a subtask, and all
// its methods are called from that one's goroutine. None may block: what waits for a
// server waits on the looker's own goroutines, and Poll takes what has come.
//
// How often a key is asked for again when there is no row, what is remembered, in
// which order rows go on, and what a checkpoint keeps of them is not its affair.
type Looker interface {
	// Ask wants the rows for each row of keys. No key is NULL. The answer comes by
	// Poll, under id, perhaps at once. keys is not changed afterwards.
	Ask(id uint64, keys *vec.Batch) error
	// Poll returns an answer, or a piece of one, that is ready; false: none is. An
	// error fails the job: a looker tries again by itself what may pass
	// ('lookup.max-retries').
	Poll() (Answer, bool, error)
	Close() error
}

// An Answer is what an Ask found, or a piece of it: at most vec.BatchRowsMax rows.
// Pieces come in order, the rows of a key beside each other, in the order of the keys.
type Answer struct {
	ID   uint64
	Rows *vec.Batch // of KeyScan.Columns, without Sel; nil when there are none
	Of   []int32    // by row of Rows: the row of keys that it is for, ascending
	Last bool       // no more pieces come
}

// CacheOption, PartialCacheOptions and FullCacheOptions are the options of tables that
// can be looked up, for a connector to add to its own: the last if tables can be read
// whole, the others if they can be asked by key.
var (
	CacheOption = Option{Key: "lookup.cache", Default: "NONE", Doc: "What a lookup join keeps: NONE, PARTIAL (the answers for keys that were asked for) or FULL (the whole table).", Check: CheckOneOf("NONE", "PARTIAL", "FULL")}

	PartialCacheOptions = []Option{
		{Key: "lookup.partial-cache.max-rows", Doc: "How many rows are kept at most; the least recently used go.", Check: checkCount},
		{Key: "lookup.partial-cache.expire-after-write", Doc: "How long an answer counts.", Check: CheckDuration},
		{Key: "lookup.partial-cache.expire-after-access", Doc: "How long an answer is kept that nobody asks for.", Check: CheckDuration},
		{Key: "lookup.partial-cache.cache-missing-key", Default: "true", Doc: "Keep also that a key has no row.", Check: CheckBool},
	}

	FullCacheOptions = []Option{
		{Key: "lookup.full-cache.reload-strategy", Default: "PERIODIC", Doc: "When a lookup join reads the table again: PERIODIC or TIMED.", Check: CheckOneOf("PERIODIC", "TIMED")},
		{Key: "lookup.full-cache.periodic-reload.interval", Doc: "The time between two readings. Without it the table is read once.", Check: CheckDuration},
		{Key: "lookup.full-cache.periodic-reload.schedule-mode", Default: "FIXED_DELAY", Doc: "Whether the interval begins when a reading ends (FIXED_DELAY) or when it begins (FIXED_RATE).", Check: CheckOneOf("FIXED_DELAY", "FIXED_RATE")},
		{Key: "lookup.full-cache.timed-reload.iso-time", Doc: "TIMED: the time of day of a reading, 10:15 or 10:15+07:00; without an offset it is UTC.", Check: func(v string) error { _, err := timeOfDay(v); return err }},
		{Key: "lookup.full-cache.timed-reload.interval-in-days", Default: "1", Doc: "TIMED: the days between two readings.", Check: checkCount},
	}
)

// A CacheKind is what a lookup join keeps of a table.
type CacheKind uint8

// The kinds of cache.
const (
	CacheNone CacheKind = iota
	CachePartial
	CacheFull
)

// A Cache is what a lookup join keeps of a table, and for how long. Times are in
// microseconds.
type Cache struct {
	Kind CacheKind
	// Partial: zero is no limit.
	MaxRows       int64
	ExpireWrite   int64
	ExpireAccess  int64
	ForgetMissing bool // a key without rows is asked for again
	// Full: the table is read again Every so long, from the end of a read, or from
	// its beginning with FixedRate; or, with Daily, at a time of the UTC day. An
	// Every of zero is never.
	Every     int64
	FixedRate bool
	Daily     bool
	At        int64
}

// CacheOf reads the options of a table; def is the kind when none is said.
func CacheOf(o Options, def CacheKind) (Cache, error) {
	c := Cache{Kind: def}
	switch o.String("lookup.cache", "") {
	case "NONE":
		c.Kind = CacheNone
	case "PARTIAL":
		c.Kind = CachePartial
	case "FULL":
		c.Kind = CacheFull
	}
	switch c.Kind {
	case CachePartial:
		return c, c.partial(o)
	case CacheFull:
		return c, c.full(o)
	}
	return c, nil
}

func (c *Cache) partial(o Options) error {
	rows, err := o.Int("lookup.partial-cache.max-rows", 0)
	if err != nil {
		return err
	}
	write, err := o.Duration("lookup.partial-cache.expire-after-write", 0)
	if err != nil {
		return err
	}
	access, err := o.Duration("lookup.partial-cache.expire-after-access", 0)
	if err != nil {
		return err
	}
	missing, err := o.Bool("lookup.partial-cache.cache-missing-key", true)
	c.MaxRows, c.ExpireWrite, c.ExpireAccess, c.ForgetMissing = rows, write.Microseconds(), access.Microseconds(), !missing
	return err
}

func (c *Cache) full(o Options) error {
	if o.String("lookup.full-cache.reload-strategy", "") == "TIMED" {
		at, ok := o["lookup.full-cache.timed-reload.iso-time"]
		if !ok {
			return fmt.Errorf("'lookup.full-cache.reload-strategy' = 'TIMED' needs 'lookup.full-cache.timed-reload.iso-time'")
		}
		days, err := o.Int("lookup.full-cache.timed-reload.interval-in-days", 1)
		if err != nil {
			return err
		}
		c.Daily, c.Every = true, days*(24*time.Hour).Microseconds()
		c.At, err = timeOfDay(at)
		return err
	}
	every, err := o.Duration("lookup.full-cache.periodic-reload.interval", 0)
	c.Every = every.Microseconds()
	c.FixedRate = o.String("lookup.full-cache.periodic-reload.schedule-mode", "") == "FIXED_RATE"
	return err
}

// timeOfDay reads 10:15, 10:15:30, 10:15Z or 10:15+07:00, as microseconds of the UTC
// day.
func timeOfDay(v string) (int64, error) {
	for _, layout := range []string{"15:04", "15:04:05", "15:04Z07:00", "15:04:05Z07:00"} {
		if t, err := time.Parse(layout, v); err == nil {
			t = t.UTC()
			return int64(t.Hour()*3600+t.Minute()*60+t.Second()) * 1e6, nil
		}
	}
	return 0, fmt.Errorf("'%s' is no time of day such as 10:15 or 10:15+07:00", v)
}

func checkCount(v string) error {
	if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < 1 {
		return fmt.Errorf("'%s' is not a positive number", v)
	}
	return nil
}

package checkpoint

import (
	"encoding/json"

	"github.com/millrace-io/millrace/types"
)

// A Layout is how the program that took a checkpoint kept a table of an operator's
// store: a later one may keep it otherwise, and must not take one for the other.
type Layout struct {
	Table   string       // in the store
	Version int          `json:",omitempty"` // of what words and bytes mean, beyond what is said here
	Rows    bool         `json:",omitempty"` // the entries are rows under a key
	Timed   bool         `json:",omitempty"` // they lie in buckets by time
	Key     []types.Type `json:",omitempty"`
	Words   []string     `json:",omitempty"` // what each 64 bits of an entry, or beside a row, are; "" is the operator's own
	Blobs   []int        `json:",omitempty"` // the words that are lengths of bytes behind them
	Row     []Column     `json:",omitempty"` // of rows, or of a row that is a blob
}

// A Column is one of the rows of a Layout.
type Column struct {
	Is   string // what it is; "" is the operator's own
	Type types.Type
}

// Layouts are those of a job's operators, by id. Operators that are not there keep
// nothing in tables, or what they keep is not known.
type Layouts map[string][]Layout

// Layouts reads what is recorded beside a checkpoint's plan. It is nil for one of an
// earlier version, which recorded nothing.
func (s *Storage) Layouts(m *Manifest) (Layouts, error) {
	p, err := s.readPlan(m)
	return p.Layouts, err
}

// same reports whether two values are the same in JSON.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// Same reports whether two tables are kept in one way.
func (l Layout) Same(other Layout) bool { return same(l, other) }

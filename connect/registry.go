package connect

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/millrace-io/millrace/types"
)

// A Connector makes sources and sinks. A nil function means that tables of this
// connector cannot be read, or written.
type Connector struct {
	Name     string
	Options  []Option
	Formats  bool              // takes 'format' and the format's options under its name
	Metadata map[string]string // metadata keys that can be read, with their SQL type
	// Kinds reports whether the rows of a table with these options are changes of every
	// kind. Nil: its format says.
	Kinds  func(Options) bool
	Source func(Table, Scan) (Source, error)
	Sink   func(Table, Write) (Sink, error)
	// Columns finds the columns of a table that is declared without any. It may be nil.
	Columns func(Options) (types.Schema, error)
	// Overwrites says that its sinks can replace what the table holds (Write.Overwrite).
	// Without it INSERT OVERWRITE is refused.
	Overwrites bool
	// Lookup makes what finds rows by key, for a subtask of a lookup join. It is called
	// once for each, when the join starts. Without it a lookup join reads the table whole.
	Lookup func(Table, KeyScan) (Looker, error)
	// Statistics looks at a table as it is now, at the columns of the scan only. An error
	// means that nothing is known.
	Statistics func(Table, Scan) (*Statistics, error)
	// Store is of tables that keep their rows where they can be changed.
	Store func(Table) (Store, error)
}

// Write says how a plan writes a table.
type Write struct {
	// JobID is of the run of a job: the same after a restart from its checkpoints,
	// another when the job starts anew. It names what the run has written.
	JobID       string
	Epoch       uint64 // the last complete one when this attempt began: what is written now belongs to later ones
	Overwrite   bool
	Replace     bool           // with Overwrite: what was there goes everywhere, also from partitions that get no row
	Static      map[int]string // partition columns with a constant value
	Parallelism int
	Bounded     bool   // the job ends by itself and has no checkpoints
	Zone        string // table.local-time-zone
}

var (
	mu         sync.RWMutex
	connectors = map[string]*Connector{}
)

// Register makes a connector known. It panics if the name is taken.
func Register(c *Connector) {
	mu.Lock()
	defer mu.Unlock()
	if connectors[c.Name] != nil {
		panic(fmt.Sprintf("connect: %s is registered twice", c.Name))
	}
	connectors[c.Name] = c
}

// Lookup returns the connector of that name, or nil.
func Lookup(name string) *Connector {
	mu.RLock()
	defer mu.RUnlock()
	return connectors[name]
}

// Names returns the names of all connectors, sorted.
func Names() []string {
	mu.RLock()
	defer mu.RUnlock()
	return slices.Sorted(maps.Keys(connectors))
}

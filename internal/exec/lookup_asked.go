package exec

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/vec"
)

// AskedTable is a LookupTable that asks a connector for everything.
type AskedTable struct {
	looker connect.Looker
}

// NewAskedTable returns the table.
func NewAskedTable(l connect.Looker) *AskedTable { return &AskedTable{l} }

// Open implements LookupTable.
func (t *AskedTable) Open(*Context) error { return nil }

// Ask implements LookupTable.
func (t *AskedTable) Ask(_ int64, id uint64, keys *vec.Batch) error { return t.looker.Ask(id, keys) }

// Poll implements LookupTable.
func (t *AskedTable) Poll(int64) (connect.Answer, bool, error) { return t.looker.Poll() }

// Ready implements LookupTable.
func (t *AskedTable) Ready() bool { return false }

// Close implements LookupTable.
func (t *AskedTable) Close() error { return t.looker.Close() }

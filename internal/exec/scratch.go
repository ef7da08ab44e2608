package exec

import (
	"iter"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
)

// scratch is a state.Store that remembers nothing, for tables that live between
// two checkpoints at most: the bundle of a local phase, a batch query's groups,
// the panes of a window while they are put together.
type scratch struct{ groups int }

func (s scratch) Range() base.Range        { return base.Range{Hi: s.groups} }
func (s scratch) Table(string) state.Table { return scratchTable{} }
func (s scratch) Values(string) [][]byte   { return nil }
func (s scratch) SetValue(string, []byte)  {}
func (s scratch) Snapshot(base.Epoch) (state.Snapshot, error) {
	panic("exec: snapshot of a scratch store")
}
func (s scratch) Drain(int) (bool, error) { return true, nil }
func (s scratch) Crowded() bool           { return false }
func (s scratch) Failed() error           { return nil }
func (s scratch) Size() int64             { return 0 }
func (s scratch) Close() error            { return nil }

type scratchTable struct{}

func (scratchTable) Lookup([][]byte, func(int, []byte, []byte) error) error { return nil }
func (scratchTable) Suffix(int)                                             {}
func (scratchTable) Put(_, _ []byte) error                                  { return nil }
func (scratchTable) Delete([]byte) error                                    { return nil }
func (scratchTable) DeleteRange(_, _ []byte) error                          { return nil }
func (scratchTable) Defer(func(int) bool)                                   {}
func (scratchTable) Late(_, _ []byte) error                                 { return nil }
func (scratchTable) Rows(func([]byte, []uint64) []byte)                     {}
func (scratchTable) Under([]byte) int                                       { return 0 }
func (scratchTable) LateRow(int, uint64, []uint64) (bool, error)            { return true, nil }
func (scratchTable) Stale(int)                                              {}
func (scratchTable) Expire(func([]byte) int64, func() int64)                {}
func (scratchTable) Relieve()                                               {}
func (scratchTable) Resident()                                              {}
func (scratchTable) Empty() bool                                            { return true }
func (scratchTable) Err() error                                             { return nil }
func (scratchTable) Scan(_, _ []byte) iter.Seq2[[]byte, []byte] {
	return func(func([]byte, []byte) bool) {}
}

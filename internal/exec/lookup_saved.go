package exec

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// savedRows keeps rows that are on their way through an operator in its checkpoints.
// Where rows lie by key they are kept in their key groups, so that they come back to
// the subtask that has the state of their keys. Elsewhere they lie in the first key
// group of the subtask, and whoever owns that one after a restore goes on with them.
//
//	key   = key group, 8 bytes number
//	value = kind, row in keyenc's form
type savedRows struct {
	groups int // 0: rows do not lie by key
	types  []types.Type
	keys   []int
	keyTs  []types.Type
	n      uint64
}

func newSavedRows(ctx *Context, ts []types.Type, keys []int, byKey bool) savedRows {
	s := savedRows{types: ts, keys: keys, keyTs: pickTypes(ts, keys)}
	if byKey {
		s.groups = ctx.Groups
	}
	return s
}

const savedTable = "in flight"

// restore hands over the rows of the checkpoint, in order.
func (s *savedRows) restore(st state.Store, take func(*vec.Batch)) error {
	ts := s.types
	var bs []*vec.Builder
	var kinds []vec.RowKind
	flush := func() {
		if len(kinds) == 0 {
			return
		}
		b := &vec.Batch{Rows: len(kinds), Kinds: kinds}
		for _, to := range bs {
			b.Cols = append(b.Cols, to.Finish())
		}
		take(b)
		bs, kinds = nil, nil
	}
	for _, val := range st.Table(savedTable).Scan(nil, nil) {
		if bs == nil {
			for _, t := range ts {
				bs = append(bs, vec.NewBuilder(t))
			}
		}
		if _, err := keyenc.DecodeRow(val[1:], ts, bs); err != nil {
			return fmt.Errorf("rows on their way in a checkpoint: %w", err)
		}
		if kinds = append(kinds, vec.RowKind(val[0])); len(kinds) == vec.BatchRowsMax {
			flush()
		}
	}
	flush()
	return nil
}

// start forgets the rows of the last checkpoint.
func (s *savedRows) start(st state.Store) error {
	s.n = 0
	r := st.Range()
	return st.Table(savedTable).DeleteRange(binary.BigEndian.AppendUint16(nil, uint16(r.Lo)), binary.BigEndian.AppendUint16(nil, uint16(r.Hi)))
}

// add saves the rows of a batch without Sel, from one on.
func (s *savedRows) add(st state.Store, b *vec.Batch, from int) error {
	var hash []uint64
	if s.groups > 0 {
		hash = make([]uint64, b.Rows)
		keyenc.Hash(pick(b.Cols, s.keys), s.keyTs, nil, b.Rows, hash)
	}
	for r := from; r < b.Rows; r++ {
		group := st.Range().Lo
		if hash != nil {
			group = int(keyenc.Group(hash[r], s.groups))
		}
		key := binary.BigEndian.AppendUint16(nil, uint16(group))
		key = binary.BigEndian.AppendUint64(key, s.n)
		s.n++
		if err := st.Table(savedTable).Put(key, keyenc.AppendRow([]byte{byte(b.Kind(r))}, s.types, b.Cols, r)); err != nil {
			return err
		}
	}
	return nil
}

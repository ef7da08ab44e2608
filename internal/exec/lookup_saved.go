package exec

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// savedRows keeps rows that are on their way through an operator in its checkpoints,
// and the watermarks between them: a row that was late must not be in time after a
// restore. Where rows lie by key they are kept in their key groups, so that they come
// back to the subtask that has the state of their keys. Elsewhere they lie in the first
// key group of the subtask, and whoever owns that one after a restore goes on with them.
//
//	in flight       key   = key group, 8 bytes number
//	                value = kind, row in keyenc's form
//	fences          key   = first key group of the subtask, 8 bytes number
//	                value = 8 bytes watermark; the one that ends them: the key groups of
//	                        the subtask, 2 bytes each
//
// The numbers count rows and watermarks in the order of arrival. A subtask with other
// key groups than the one that saved them, after a rescale, has rows of several that
// have no order among them, and starts again from the watermarks of its inputs. So does
// one that may get other splits than it had: its watermark may be ahead of theirs. What
// all subtasks had reached is told behind the rows: their inputs do not tell it again.
type savedRows struct {
	groups int // 0: rows do not lie by key
	moves  bool
	mark   *int64 // as of Context
	types  []types.Type
	keys   []int
	keyTs  []types.Type
	n      uint64
}

func newSavedRows(ctx *Context, ts []types.Type, keys []int, byKey bool) savedRows {
	s := savedRows{moves: ctx.Moves, mark: ctx.Mark, types: ts, keys: keys, keyTs: pickTypes(ts, keys)}
	if byKey {
		s.groups = ctx.Groups
	}
	return s
}

const (
	savedTable  = "in flight"
	fencesTable = "fences"
)

// rising lets watermarks through that are higher than those before. After a restore
// the inputs go on from what all subtasks had reached: less than one had, perhaps.
type rising struct {
	high int64
	any  bool
}

func (r *rising) rises(t int64) bool {
	if r.any && t <= r.high || t == math.MaxInt64 { // the task passes the last one on
		return false
	}
	r.high, r.any = t, true
	return true
}

// A savedItem is a row in keyenc's form behind its kind, or a watermark.
type savedItem struct {
	n     uint64
	row   []byte // nil: a watermark
	fence int64
}

// restore hands over what the checkpoint has: in order of arrival with the watermarks
// between, if the subtask is as it was; else the rows alone.
func (s *savedRows) restore(st state.Store, take func(*vec.Batch), fence func(int64)) error {
	var items []savedItem
	rows := st.Table(savedTable)
	for key, val := range rows.Scan(nil, nil) {
		items = append(items, savedItem{n: binary.BigEndian.Uint64(key[2:]), row: slices.Clone(val)})
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("rows on their way in a checkpoint: %w", err)
	}
	fences, ok, err := savedFences(st)
	if err != nil {
		return fmt.Errorf("watermarks on their way in a checkpoint: %w", err)
	}
	if ok && !s.moves {
		items = append(items, fences...)
		slices.SortStableFunc(items, func(a, b savedItem) int { return cmp.Compare(a.n, b.n) })
	}
	if s.mark != nil && len(items) > 0 {
		items = append(items, savedItem{fence: *s.mark})
	}
	for len(items) > 0 {
		n := slices.IndexFunc(items, func(it savedItem) bool { return it.row == nil })
		if n < 0 {
			n = len(items)
		}
		for part := range slices.Chunk(items[:n], vec.BatchRowsMax) {
			b, err := s.decode(part)
			if err != nil {
				return fmt.Errorf("rows on their way in a checkpoint: %w", err)
			}
			take(b)
		}
		if n < len(items) {
			fence(items[n].fence)
			n++
		}
		items = items[n:]
	}
	return nil
}

func (s *savedRows) decode(rows []savedItem) (*vec.Batch, error) {
	b := &vec.Batch{Rows: len(rows)}
	var bs []*vec.Builder
	for _, t := range s.types {
		bs = append(bs, vec.NewBuilder(t))
	}
	for _, it := range rows {
		b.Kinds = append(b.Kinds, vec.RowKind(it.row[0]))
		if _, err := keyenc.DecodeRow(it.row[1:], s.types, bs); err != nil {
			return nil, err
		}
	}
	for _, to := range bs {
		b.Cols = append(b.Cols, to.Finish())
	}
	return b, nil
}

// savedFences are the watermarks that were saved by a subtask with the same key groups.
func savedFences(st state.Store) (fences []savedItem, ok bool, err error) {
	t := st.Table(fencesTable)
	for key, val := range t.Scan(nil, nil) {
		if len(val) == 8 {
			fences = append(fences, savedItem{n: binary.BigEndian.Uint64(key[2:]), fence: int64(binary.BigEndian.Uint64(val))})
			continue
		}
		ok = string(val) == string(groupsOf(st))
		if !ok {
			return nil, false, t.Err()
		}
	}
	return fences, ok, t.Err()
}

func groupsOf(st state.Store) []byte {
	r := st.Range()
	return binary.BigEndian.AppendUint16(groupKey(r.Lo), uint16(r.Hi))
}

func groupKey(group int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(group)) }

// start forgets what the last checkpoint had.
func (s *savedRows) start(st state.Store) error {
	s.n = 0
	r := st.Range()
	if err := st.Table(savedTable).DeleteRange(groupKey(r.Lo), groupKey(r.Hi)); err != nil {
		return err
	}
	return st.Table(fencesTable).DeleteRange(groupKey(r.Lo), groupKey(r.Hi))
}

// next is the key of what is saved next.
func (s *savedRows) next(group int) []byte {
	s.n++
	return binary.BigEndian.AppendUint64(groupKey(group), s.n-1)
}

// fence saves a watermark behind the rows that were added.
func (s *savedRows) fence(st state.Store, t int64) error {
	if s.moves {
		return nil
	}
	return st.Table(fencesTable).Put(s.next(st.Range().Lo), binary.BigEndian.AppendUint64(nil, uint64(t)))
}

// end comes when all is saved.
func (s *savedRows) end(st state.Store) error {
	if s.n == 0 || s.moves {
		return nil
	}
	return st.Table(fencesTable).Put(s.next(st.Range().Lo), groupsOf(st))
}

// add saves the rows of a batch without Sel, from one on.
func (s *savedRows) add(st state.Store, b *vec.Batch, from int) error {
	if from >= b.Rows {
		return nil // a watermark alone has no columns
	}
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
		if err := st.Table(savedTable).Put(s.next(group), keyenc.AppendRow([]byte{byte(b.Kind(r))}, s.types, b.Cols, r)); err != nil {
			return err
		}
	}
	return nil
}

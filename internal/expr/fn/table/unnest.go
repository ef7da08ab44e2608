// Package table registers the table functions of fn.
package table

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.RegisterTable(&fn.TableFunc{Name: "UNNEST", Resolve: resolveUnnest, Doc: fn.Doc{Category: "table",
		Signature: "UNNEST(array|map|multiset) [WITH ORDINALITY]",
		Meaning:   "a row for each element; ROWs give a column for each field, and NULL ROWs nothing",
		Example:   "SELECT * FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, i)"}})
}

// resolveUnnest names the columns as Calcite does: EXPR$0, KEY and VALUE, or the
// fields of the ROWs.
func resolveUnnest(args []fn.Arg) (*fn.TableImpl, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("UNNEST takes one ARRAY, MAP or MULTISET, not %d arguments", len(args))
	}
	t := args[0].Type
	impl := &fn.TableImpl{Args: []types.Type{t}}
	switch t.Kind {
	case types.Array:
		impl.Out, impl.Eval = elements(*t.Elem), unnestArray
	case types.Multiset:
		impl.Out, impl.Eval = elements(*t.Elem), unnestMultiset
	case types.Map:
		impl.Out, impl.Eval = types.Schema{{Name: "KEY", Type: *t.Key}, {Name: "VALUE", Type: *t.Elem}}, unnestMap
	default:
		return nil, fmt.Errorf("UNNEST takes an ARRAY, MAP or MULTISET, not %s", t.Name())
	}
	return impl, nil
}

func elements(t types.Type) types.Schema {
	if t.Kind != types.Row {
		return types.Schema{{Name: "EXPR$0", Type: t}}
	}
	return types.Schema(t.Fields)
}

func unnestArray(_ *fn.Call, args []vec.Vector, _ int) fn.Rows {
	l := args[0].(*vec.List)
	out := fn.Rows{Offs: l.Offs, Valid: l.Valid}
	out.Cols, out.Times = spread(l.Elem, nil)
	return out
}

// unnestMultiset gives each element as often as it is in there.
func unnestMultiset(_ *fn.Call, args []vec.Vector, _ int) fn.Rows {
	m := args[0].(*vec.Map)
	out := fn.Rows{Offs: m.Offs, Valid: m.Valid}
	out.Cols, out.Times = spread(m.Key, vec.Flat(m.Elem).(*vec.Fixed[int32]).Vals)
	return out
}

func unnestMap(_ *fn.Call, args []vec.Vector, _ int) fn.Rows {
	m := args[0].(*vec.Map)
	return fn.Rows{Offs: m.Offs, Valid: m.Valid, Cols: []vec.Vector{m.Key, m.Elem}}
}

// spread makes columns of the fields of ROWs. A NULL ROW does not come: Flink
// skips a NULL where a row is expected.
func spread(elem vec.Vector, times []int32) ([]vec.Vector, []int32) {
	row, ok := vec.Flat(elem).(*vec.Row)
	if !ok {
		return []vec.Vector{elem}, times
	}
	if row.Valid == nil {
		return row.Fields, times
	}
	out := make([]int32, row.N)
	for i := range out {
		switch {
		case row.Valid.Null(i):
		case times != nil:
			out[i] = times[i]
		default:
			out[i] = 1
		}
	}
	return row.Fields, out
}

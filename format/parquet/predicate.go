package parquet

import (
	"bytes"
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// predicateCheck lets rows pass for which a predicate holds; nil where that is not known
// here. NULL passes none but IS NULL.
func predicateCheck(t types.Type, p connect.Predicate) check {
	switch {
	case p.Op == connect.IsNull || p.Op == connect.NotNull:
		return nullCheck(p.Op == connect.IsNull)
	case t.Kind == types.Varchar:
		return textCheck(p)
	case t.Integer(), t.Kind == types.Date, t.Kind == types.Decimal && t.Prec <= 18, t.Stamp() && t.Prec <= 6:
		return intCheck(p)
	}
	return nil
}

func nullCheck(want bool) check {
	return func(v vec.Vector, rows []int32) []int32 {
		n := 0
		for _, r := range rows {
			rows[n] = r
			if v.Null(int(r)) == want {
				n++
			}
		}
		return rows[:n]
	}
}

// intCheck compares integers: all that is asked of one is that it is within bounds, or one
// of a list.
func intCheck(p connect.Predicate) check {
	var list []int64
	for _, v := range p.Values {
		x, ok := v.(int64)
		if !ok {
			return nil
		}
		list = append(list, x)
	}
	if len(list) == 0 {
		return nil
	}
	x := list[0]
	switch p.Op {
	case connect.Eq:
		return intsThat(func(v int64) bool { return v == x })
	case connect.Ne:
		return intsThat(func(v int64) bool { return v != x })
	case connect.Lt:
		return intsThat(func(v int64) bool { return v < x })
	case connect.Le:
		return intsThat(func(v int64) bool { return v <= x })
	case connect.Gt:
		return intsThat(func(v int64) bool { return v > x })
	case connect.Ge:
		return intsThat(func(v int64) bool { return v >= x })
	case connect.In:
		return intsThat(func(v int64) bool { return slices.Contains(list, v) })
	}
	return nil
}

func intsThat(holds func(int64) bool) check {
	return func(v vec.Vector, rows []int32) []int32 {
		switch v := v.(type) {
		case *vec.Fixed[int64]:
			return passInts(v, rows, holds)
		case *vec.Fixed[int32]:
			return passInts(v, rows, holds)
		case *vec.Fixed[int16]:
			return passInts(v, rows, holds)
		case *vec.Fixed[int8]:
			return passInts(v, rows, holds)
		}
		return rows
	}
}

// textCheck compares texts: those of a dictionary once each.
func textCheck(p connect.Predicate) check {
	var list [][]byte
	for _, v := range p.Values {
		s, ok := v.(string)
		if !ok {
			return nil
		}
		list = append(list, []byte(s))
	}
	if len(list) == 0 {
		return nil
	}
	holds := func(s []byte) bool {
		if p.Op == connect.In {
			return slices.ContainsFunc(list, func(x []byte) bool { return bytes.Equal(x, s) })
		}
		return p.Op.Holds(bytes.Compare(s, list[0]))
	}
	var words *vec.Bytes // of the last dictionary
	var passing []bool   // by word
	return func(v vec.Vector, rows []int32) []int32 {
		n := 0
		switch v := v.(type) {
		case *vec.Dict:
			if w := v.Words.(*vec.Bytes); w != words {
				words, passing = w, passing[:0]
				for i := range w.Len() {
					passing = append(passing, !w.Null(i) && holds(w.At(i)))
				}
			}
			for _, r := range rows {
				rows[n] = r
				if passing[v.Codes[r]] {
					n++
				}
			}
		case *vec.Bytes:
			for _, r := range rows {
				rows[n] = r
				if holds(v.At(int(r))) && !v.Null(int(r)) {
					n++
				}
			}
		default:
			return rows
		}
		return rows[:n]
	}
}

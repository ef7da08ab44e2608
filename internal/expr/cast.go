package expr

import (
	"fmt"

	"github.com/millrace-io/millrace/types"
)

// CanCast reports whether a type can be cast to another: by CAST, or, with
// implicit, without being asked, where a function or a column wants the other
// (Flink's LogicalTypeCasts). CAST between numbers and timestamps is refused as
// Flink's planner refuses it.
func CanCast(from, to types.Type, implicit bool) bool {
	if from.Kind == types.Null {
		return true
	}
	switch from.Kind {
	case types.Array, types.Multiset, types.Map, types.Row:
		return castNested(from, to, implicit)
	}
	if implicit {
		return castImplicit(from, to)
	}
	return castImplicit(from, to) || castExplicit(from, to)
}

func castImplicit(from, to types.Type) bool {
	switch {
	case from.Kind == to.Kind:
		return true
	case from.Coded():
		return false
	case from.Character():
		return to.Kind == types.Varchar
	case from.Bytes():
		return to.Kind == types.Varbinary
	case from.Integer():
		return to.Numeric() && (to.Kind > from.Kind)
	case from.Kind == types.Decimal:
		return to.Approx()
	case from.Kind == types.Float:
		return to.Kind == types.Double || to.Kind == types.Decimal
	case from.Kind == types.Double:
		return to.Kind == types.Decimal
	case from.Kind == types.Timestamp:
		return to.Stamp() || to.Kind == types.Date || to.Kind == types.Time
	case from.Kind == types.TimestampLTZ:
		return to.Stamp()
	}
	return false
}

func castExplicit(from, to types.Type) bool {
	switch {
	case from.Kind == types.Variant:
		return false
	case from.Kind == types.Bitmap:
		return to.Character() || to.Kind == types.Varbinary
	case from.Character():
		return to.Kind < types.Array && to.Kind > types.Null
	case to.Character():
		return true
	case from.Kind == types.Boolean:
		return to.Numeric()
	case from.Bytes():
		return to.Bytes()
	case from.Numeric():
		return to.Numeric() || to.Kind == types.Boolean
	case from.Kind == types.Date:
		return to.Stamp()
	case from.Kind == types.Time:
		return to.Stamp()
	case from.Stamp():
		return to.Kind >= types.Date && to.Kind <= types.TimestampLTZ
	}
	return false
}

func castNested(from, to types.Type, implicit bool) bool {
	if to.Character() {
		return !implicit
	}
	if from.Kind != to.Kind {
		return false
	}
	switch from.Kind {
	case types.Map:
		return CanCast(*from.Key, *to.Key, implicit) && CanCast(*from.Elem, *to.Elem, implicit)
	case types.Row:
		if len(from.Fields) != len(to.Fields) {
			return false
		}
		for i := range from.Fields {
			if !CanCast(from.Fields[i].Type, to.Fields[i].Type, implicit) {
				return false
			}
		}
		return true
	}
	return CanCast(*from.Elem, *to.Elem, implicit)
}

// Cast returns e as a value of type to, which keeps e's nullability: e itself
// when the types are the same, a REINTERPRET where only the type changes, a
// constant NULL retyped, and a CAST otherwise.
func Cast(e *Expr, to types.Type) (*Expr, error) { return cast(e, to, "CAST") }

// TryCast is Cast that gives NULL where CAST fails.
func TryCast(e *Expr, to types.Type) (*Expr, error) { return cast(e, to.Nullable(true), "TRY_CAST") }

func cast(e *Expr, to types.Type, name string) (*Expr, error) {
	to.NotNull = e.Type.NotNull && name == "CAST"
	switch {
	case e.Op == Lit && e.Value == nil:
		return &Expr{Op: Lit, Type: to, Pos: e.Pos}, nil
	case e.Type.Equal(to) && e.Type.NotNull == to.NotNull && sameNames(e.Type, to):
		return e, nil
	case !CanCast(e.Type, to, false):
		return nil, castError(e.Type, to)
	}
	if lit := retype(e, to); lit != nil {
		return lit, nil
	}
	if sameForm(e.Type, to) {
		name = "REINTERPRET"
	}
	return &Expr{Op: Call, Func: name, Type: to, Args: []*Expr{e}, Pos: e.Pos}, nil
}

// retype returns a constant as one of another type where its value stays as it
// is, or is the same integer; nil otherwise.
func retype(e *Expr, to types.Type) *Expr {
	if e.Op != Lit {
		return nil
	}
	lit := &Expr{Op: Lit, Type: to, Value: e.Value, Pos: e.Pos}
	i, isInt := e.Value.(int64)
	switch {
	case sameForm(e.Type, to):
		return lit
	case !isInt || !e.Type.Integer():
	case to.Integer() && to.Kind > e.Type.Kind:
		return lit
	case to.Kind == types.Double:
		lit.Value = float64(i)
		return lit
	case to.Kind == types.Decimal && to.Prec <= 18 && to.Prec-to.Scale >= types.DecimalOfInt(e.Type).Prec:
		lit.Value = i * types.Pow10Int(to.Scale)
		return lit
	}
	return nil
}

// castError says why a cast is refused, with what to write instead.
func castError(from, to types.Type) error {
	hint := ""
	switch {
	case from.Numeric() && to.Stamp():
		hint = "; use TO_TIMESTAMP_LTZ(n, 0) for seconds or TO_TIMESTAMP_LTZ(n, 3) for milliseconds"
	case from.Stamp() && to.Numeric():
		hint = "; use UNIX_TIMESTAMP(CAST(x AS STRING)) or EXTRACT(EPOCH FROM x)"
	}
	return fmt.Errorf("cannot cast %s to %s%s", from.Name(), to.Name(), hint)
}

func sameNames(a, b types.Type) bool {
	for i := range a.Fields {
		if a.Fields[i].Name != b.Fields[i].Name {
			return false
		}
	}
	return true
}

// sameForm reports whether a value of one type is one of the other as it is.
func sameForm(from, to types.Type) bool {
	switch {
	case from.Equal(to):
		return true
	case from.Character() && to.Kind == types.Varchar || from.Bytes() && to.Kind == types.Varbinary:
		return from.Len <= to.Len
	case from.Kind != to.Kind || from.Phys() != to.Phys():
		return false
	case from.Kind == types.Decimal:
		return from.Scale == to.Scale && from.Prec <= to.Prec
	case from.Stamp() || from.Kind == types.Time:
		return from.Prec <= to.Prec
	case from.Interval():
		return true
	}
	return false
}

package expr

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/types"
)

// CommonType returns the least type that all of the given types are widened to
// where SQL needs one: the branches of CASE, the rows of VALUES, the sides of
// UNION (Calcite's least restrictive type, as Flink configures it). NULL takes
// any type. The result is NOT NULL if all are.
func CommonType(list ...types.Type) (types.Type, error) {
	var t types.Type
	notNull := true
	for _, u := range list {
		notNull = notNull && u.NotNull && u.Kind != types.Null
		c, ok := common(t.Plain(), u.Plain())
		if !ok {
			return types.TNull, fmt.Errorf("%s and %s have no common type", t.Name(), u.Name())
		}
		t = c
	}
	t.NotNull = notNull && len(list) > 0
	return t, nil
}

func common(a, b types.Type) (types.Type, bool) {
	switch {
	case a.Kind == types.Null:
		return b, true
	case b.Kind == types.Null:
		return a, true
	case a.Numeric() && b.Numeric():
		return commonNumber(a, b), true
	case a.Character() && b.Character():
		return commonText(a, b, types.Char, types.Varchar), true
	case a.Bytes() && b.Bytes():
		return commonText(a, b, types.Binary, types.Varbinary), true
	case timed(a) && timed(b):
		return commonTime(a, b), true
	case a.Kind != b.Kind:
		return a, false
	}
	switch a.Kind {
	case types.Array, types.Multiset:
		return commonElem(a, b)
	case types.Map:
		key, ok := commonPart(*a.Key, *b.Key)
		if !ok {
			return a, false
		}
		t, ok := commonElem(a, b)
		t.Key = &key
		return t, ok
	case types.Row:
		return commonRow(a, b)
	case types.Time:
		a.Prec = max(a.Prec, b.Prec)
	}
	return a, true
}

func timed(t types.Type) bool { return t.Kind == types.Date || t.Stamp() }

func commonNumber(a, b types.Type) types.Type {
	switch {
	case a.Integer() && b.Integer():
		return types.Of(max(a.Kind, b.Kind))
	case a.Approx() && b.Approx():
		return a // Calcite knows both by the same precision, and takes the first
	case a.Kind == types.Double || b.Kind == types.Double:
		return types.TDouble
	case a.Kind == types.Float || b.Kind == types.Float:
		if a.Kind == types.Decimal || b.Kind == types.Decimal {
			return types.TDouble
		}
		return types.Of(types.Float)
	}
	a, b = types.DecimalOfInt(a), types.DecimalOfInt(b)
	s := max(a.Scale, b.Scale)
	whole := max(a.Prec-a.Scale, b.Prec-b.Scale)
	if whole+s > types.DecimalMax {
		s = max(min(s, 6), types.DecimalMax-whole)
	}
	return types.DecimalOf(min(whole+s, types.DecimalMax), s)
}

// commonText is the fixed kind when the lengths are the same, else the varying.
func commonText(a, b types.Type, fixed, varying types.Kind) types.Type {
	if a.Kind == fixed && b.Kind == fixed && a.Len == b.Len {
		return a
	}
	return types.Type{Kind: varying, Len: max(a.Len, b.Len)}
}

func commonTime(a, b types.Type) types.Type {
	kind := max(a.Kind, b.Kind) // Date < Timestamp < TimestampLTZ
	return types.Type{Kind: kind, Prec: max(a.Prec, b.Prec)}
}

// commonPart is common for a part of a nested type, which keeps NOT NULL.
func commonPart(a, b types.Type) (types.Type, bool) {
	t, ok := common(a, b)
	t.NotNull = a.NotNull && b.NotNull
	return t, ok
}

func commonElem(a, b types.Type) (types.Type, bool) {
	elem, ok := commonPart(*a.Elem, *b.Elem)
	a.Elem = &elem
	return a, ok
}

func commonRow(a, b types.Type) (types.Type, bool) {
	if len(a.Fields) != len(b.Fields) {
		return a, false
	}
	a.Fields = slices.Clone(a.Fields)
	for i := range a.Fields {
		t, ok := commonPart(a.Fields[i].Type, b.Fields[i].Type)
		if !ok {
			return a, false
		}
		a.Fields[i].Type = t
	}
	return a, true
}

// ComparedAs returns the type in which two operands are compared: their common
// type, and a text against a number, a time or a boolean is read as one.
func ComparedAs(a, b types.Type) (types.Type, error) {
	if t, ok := common(a.Plain(), b.Plain()); ok {
		return noFloat(t, a, b), nil
	}
	if a.Character() && readable(b) {
		return b.Plain(), nil
	}
	if b.Character() && readable(a) {
		return a.Plain(), nil
	}
	return types.TNull, fmt.Errorf("cannot compare %s with %s", a.Name(), b.Name())
}

// WidestType is CommonType for the functions that take DOUBLE where any of the types
// is, and not the first of FLOAT and DOUBLE.
func WidestType(list ...types.Type) (types.Type, error) {
	t, err := CommonType(list...)
	return noFloat(t, list...), err
}

func noFloat(t types.Type, list ...types.Type) types.Type {
	if t.Kind == types.Float && slices.ContainsFunc(list, func(u types.Type) bool { return u.Kind == types.Double }) {
		return types.TDouble.Nullable(!t.NotNull)
	}
	return t
}

func readable(t types.Type) bool {
	return t.Numeric() || timed(t) || t.Kind == types.Time || t.Kind == types.Boolean
}

package bind

import (
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// Limits of types, as in Flink.
const (
	decimalPrecMax = 38
	timePrecMax    = 9
)

// dataType makes a type of its syntax. It is nullable unless it says NOT NULL.
func dataType(t *ast.TypeName) (types.Type, error) {
	out, err := bareType(t)
	out.NotNull = t.Nulls == ast.NotNull
	return out, err
}

var simpleTypes = map[string]types.Type{
	"BOOLEAN": types.TBoolean, "TINYINT": types.Of(types.TinyInt), "SMALLINT": types.Of(types.SmallInt),
	"INT": types.TInt, "BIGINT": types.TBigInt, "FLOAT": types.Of(types.Float), "DOUBLE": types.TDouble,
	"DATE": types.TDate, "STRING": types.TString, "BYTES": types.TBytes, "NULL": types.TNull,
	"VARIANT": types.TVariant, "BITMAP": types.TBitmap,
}

var lengthTypes = map[string]types.Kind{
	"CHAR": types.Char, "VARCHAR": types.Varchar, "BINARY": types.Binary, "VARBINARY": types.Varbinary,
}

var timeTypes = map[string]types.Type{
	"TIME": types.Of(types.Time), "TIMESTAMP": types.TimestampOf(6), "TIMESTAMP_LTZ": types.LTZOf(6),
}

func bareType(t *ast.TypeName) (types.Type, error) {
	if s, ok := simpleTypes[t.Name]; ok {
		if len(t.Args) > 0 {
			return s, errAt(t, "type %s takes no length or precision", t.Name)
		}
		return s, nil
	}
	if k, ok := lengthTypes[t.Name]; ok {
		// As in Flink's DDL, VARCHAR alone has the greatest length.
		out := types.Of(k)
		if len(t.Args) == 1 {
			out.Len = t.Args[0]
		}
		if len(t.Args) > 1 || out.Len < 1 || out.Len > types.MaxLen {
			return out, errAt(t, "length of %s must be between 1 and %d", t.Name, types.MaxLen)
		}
		return out, nil
	}
	if out, ok := timeTypes[t.Name]; ok {
		if len(t.Args) == 1 {
			out.Prec = t.Args[0]
		}
		if len(t.Args) > 1 || out.Prec < 0 || out.Prec > timePrecMax {
			return out, errAt(t, "precision of %s must be between 0 and %d", t.Name, timePrecMax)
		}
		return out, nil
	}
	switch t.Name {
	case "DECIMAL":
		return decimalType(t)
	case "INTERVAL":
		if monthUnit(t.Interval.From) {
			return types.Of(types.IntervalMonth), nil
		}
		return types.Of(types.IntervalSecond), nil
	case "ARRAY", "MULTISET":
		elem, err := dataType(t.Elem)
		if err != nil {
			return elem, err
		}
		if t.Name == "ARRAY" {
			return types.ArrayOf(elem), nil
		}
		return types.MultisetOf(elem), nil
	case "MAP":
		key, err := dataType(t.Key)
		if err != nil {
			return key, err
		}
		elem, err := dataType(t.Elem)
		return types.MapOf(key, elem), err
	case "ROW":
		return rowType(t)
	case "":
		return types.TNull, nearAt(t, strings.ToUpper(t.Path.String()), typeNames(), "unknown type '%s'", t.Path)
	}
	return types.TNull, unsupported(t, "type "+t.Name)
}

// typeNames are the names that a type can have.
func typeNames() []string {
	out := []string{"DECIMAL", "INTERVAL", "ARRAY", "MULTISET", "MAP", "ROW", "INTEGER", "NUMERIC", "BOOL"}
	out = slices.AppendSeq(out, maps.Keys(simpleTypes))
	out = slices.AppendSeq(out, maps.Keys(lengthTypes))
	out = slices.AppendSeq(out, maps.Keys(timeTypes))
	slices.Sort(out)
	return out
}

func decimalType(t *ast.TypeName) (types.Type, error) {
	out := types.DecimalOf(10, 0)
	if len(t.Args) > 0 {
		out.Prec = t.Args[0]
	}
	if len(t.Args) > 1 {
		out.Scale = t.Args[1]
	}
	if out.Prec < 1 || out.Prec > decimalPrecMax {
		return out, errAt(t, "precision of DECIMAL must be between 1 and %d, not %d", decimalPrecMax, out.Prec)
	}
	if out.Scale < 0 || out.Scale > out.Prec {
		return out, errAt(t, "scale of DECIMAL must be between 0 and its precision %d, not %d", out.Prec, out.Scale)
	}
	return out, nil
}

func rowType(t *ast.TypeName) (types.Type, error) {
	var fields []types.Field
	seen := map[string]bool{}
	for _, f := range t.Fields {
		ft, err := dataType(f.Type)
		if err != nil {
			return ft, err
		}
		if seen[f.Name.Text] {
			return ft, errAt(f, "field '%s' occurs twice in ROW", f.Name.Text)
		}
		seen[f.Name.Text] = true
		fields = append(fields, types.Field{Name: f.Name.Text, Type: ft})
	}
	return types.RowOf(fields...), nil
}

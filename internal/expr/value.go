package expr

import (
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Vector returns a column of length 1 that holds a constant's value.
func Vector(t types.Type, value any) vec.Vector {
	b := vec.NewBuilder(t)
	switch v := value.(type) {
	case bool:
		b.Bool(v)
	case int64:
		b.Int(v)
	case float64:
		b.Float(v)
	case types.Int128:
		b.Int128(v)
	case string:
		b.String(v)
	default:
		b.Null()
	}
	return b.Finish()
}

// ValueAt returns a cell as a constant's value, nil for NULL; ok is false for
// nested values, which no constant holds.
func ValueAt(v vec.Vector, row int) (value any, ok bool) {
	switch c := v.(type) {
	case *vec.Const:
		return ValueAt(c.Val, 0)
	case *vec.Dict:
		return ValueAt(c.Words, int(c.Codes[row]))
	}
	if v.Null(row) {
		return nil, true
	}
	switch c := v.(type) {
	case *vec.Fixed[bool]:
		return c.Vals[row], true
	case *vec.Fixed[int8]:
		return int64(c.Vals[row]), true
	case *vec.Fixed[int16]:
		return int64(c.Vals[row]), true
	case *vec.Fixed[int32]:
		return int64(c.Vals[row]), true
	case *vec.Fixed[int64]:
		return c.Vals[row], true
	case *vec.Fixed[float32]:
		return float64(c.Vals[row]), true
	case *vec.Fixed[float64]:
		return c.Vals[row], true
	case *vec.Fixed[types.Int128]:
		return c.Vals[row], true
	case *vec.Bytes:
		return string(c.At(row)), true
	}
	return nil, false
}

package kernel

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Cast returns the kernel of CAST, or of TRY_CAST, which gives NULL where CAST
// fails. The kernel is strict: it is called with valid rows.
func Cast(from, to types.Type, try bool, env *fn.Env) (fn.Eval, error) {
	c := &caster{from: from, to: to, try: try}
	if env != nil {
		c.zone = types.NewZone(env.Zone)
	} else {
		c.zone = types.NewZone(nil)
	}
	eval := c.kernel()
	if eval == nil {
		return nil, fmt.Errorf("cannot cast %s to %s", from.Name(), to.Name())
	}
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		return eval(args[0], rows, n)
	}, nil
}

// A castEval casts a column.
type castEval func(v vec.Vector, rows []int32, n int) (vec.Vector, error)

type caster struct {
	from, to types.Type
	try      bool
	zone     *types.Zone
}

// kernel picks the cast by the pair of types; nil if there is none.
func (c *caster) kernel() castEval {
	from, to := c.from, c.to
	switch {
	case from.Kind == types.Null:
		return func(_ vec.Vector, _ []int32, n int) (vec.Vector, error) { return vec.Nulls(to, n), nil }
	case to.Character():
		return c.toText()
	case from.Character():
		return c.fromText()
	case from.Coded() && to.Kind == from.Kind:
		return same
	case from.Kind == types.Bitmap && to.Bytes():
		return c.binary()
	case from.Bytes() && to.Bytes():
		return c.binary()
	case from.Kind == types.Boolean && to.Kind == types.Boolean:
		return same
	case to.Kind == types.Boolean:
		return c.toBool()
	case from.Kind == types.Boolean:
		return c.fromBool()
	case from.Numeric() && to.Numeric():
		return c.number()
	case c.timed(from) && c.timed(to):
		return c.time()
	case from.Interval() && to.Kind == from.Kind:
		return same
	}
	return c.nested()
}

func same(v vec.Vector, _ []int32, _ int) (vec.Vector, error) { return v, nil }

func (c *caster) timed(t types.Type) bool {
	return t.Kind >= types.Date && t.Kind <= types.TimestampLTZ
}

// bad is the error of a text that is no value of the target type.
func (c *caster) bad(s []byte) error {
	if len(s) > 200 {
		s = append(s[:200:200], "…"...)
	}
	switch {
	case c.to.Numeric():
		return fmt.Errorf("cannot read %s from %q", c.to.Name(), s)
	}
	return fmt.Errorf("cannot read %s from %q", c.to.Name(), s)
}

// parse casts a text by a function whose ok says whether it could be read and
// whose null says that it can but is out of range, which gives NULL.
func parse[R vec.Scalar](c *caster, f func(s []byte) (r R, null, ok bool)) castEval {
	return func(v vec.Vector, rows []int32, n int) (vec.Vector, error) {
		in := Str(v)
		out := &vec.Fixed[R]{Vals: make([]R, n)}
		var err error
		Each(rows, n, func(i int) {
			r, null, ok := f(in.At(i))
			switch {
			case ok && !null:
				out.Vals[i] = r
			case !ok && !c.try && err == nil:
				err = c.bad(in.At(i))
			default:
				setNull(&out.Valid, i, n)
			}
		})
		return out, err
	}
}

// total casts fixed-width values by a function that gives a value for each.
func total[A, R vec.Scalar](f func(A) R) castEval {
	return func(v vec.Vector, rows []int32, n int) (vec.Vector, error) {
		in := Num[A](v)
		out := make([]R, n)
		if rows == nil && !in.Const() {
			for i, x := range in.Vals[:n] {
				out[i] = f(x)
			}
		} else {
			Each(rows, n, func(i int) { out[i] = f(in.At(i)) })
		}
		return &vec.Fixed[R]{Vals: out}, nil
	}
}

// partial casts fixed-width values; where ok is false the result is NULL.
func partial[A, R vec.Scalar](f func(A) (R, bool)) castEval {
	return func(v vec.Vector, rows []int32, n int) (vec.Vector, error) {
		in := Num[A](v)
		return NumsNull(rows, n, func(i int) (R, bool) { return f(in.At(i)) }), nil
	}
}

package kernel

import (
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// nested casts arrays, maps and rows by their parts.
func (c *caster) nested() castEval {
	if c.from.Kind != c.to.Kind {
		return nil
	}
	switch c.from.Kind {
	case types.Array, types.Multiset:
		elem := c.part(*c.from.Elem, *c.to.Elem)
		if elem == nil {
			return nil
		}
		return c.wanted(func(v vec.Vector) (vec.Vector, error) { return castList(v, elem) })
	case types.Map:
		key, elem := c.part(*c.from.Key, *c.to.Key), c.part(*c.from.Elem, *c.to.Elem)
		if key == nil || elem == nil {
			return nil
		}
		return c.wanted(func(v vec.Vector) (vec.Vector, error) { return castMap(v, key, elem) })
	case types.Row:
		return c.row()
	}
	return nil
}

// part returns the cast of a column of parts, with NULLs.
func (c *caster) part(from, to types.Type) func(v vec.Vector) (vec.Vector, error) {
	eval := (&caster{from: from, to: to, try: c.try, zone: c.zone}).kernel()
	if eval == nil {
		return nil
	}
	return func(v vec.Vector) (vec.Vector, error) {
		v = vec.Flat(v)
		n := v.Len()
		valid := vec.Validity(v)
		if valid == nil {
			out, err := eval(v, nil, n)
			if err != nil {
				return nil, err
			}
			return vec.Flat(out), nil
		}
		rows := make([]int32, 0, n)
		for i := range n {
			if !valid.Null(i) {
				rows = append(rows, int32(i))
			}
		}
		out, err := eval(v, rows, n)
		if err != nil {
			return nil, err
		}
		out = vec.Flat(out)
		return WithValid(out, vec.And(valid, vec.Validity(out), n)), nil
	}
}

func castList(v vec.Vector, elem func(vec.Vector) (vec.Vector, error)) (vec.Vector, error) {
	switch v := vec.Flat(v).(type) {
	case *vec.List:
		e, err := elem(v.Elem)
		return &vec.List{Offs: v.Offs, Elem: e, Valid: v.Valid}, err
	case *vec.Map: // a multiset
		k, err := elem(v.Key)
		return &vec.Map{Offs: v.Offs, Key: k, Elem: v.Elem, Valid: v.Valid}, err
	}
	return v, nil
}

func castMap(v vec.Vector, key, elem func(vec.Vector) (vec.Vector, error)) (vec.Vector, error) {
	m := vec.Flat(v).(*vec.Map)
	k, err := key(m.Key)
	if err != nil {
		return nil, err
	}
	e, err := elem(m.Elem)
	return &vec.Map{Offs: m.Offs, Key: k, Elem: e, Valid: m.Valid}, err
}

func (c *caster) row() castEval {
	if len(c.from.Fields) != len(c.to.Fields) {
		return nil
	}
	var fields []func(vec.Vector) (vec.Vector, error)
	for i := range c.from.Fields {
		f := c.part(c.from.Fields[i].Type, c.to.Fields[i].Type)
		if f == nil {
			return nil
		}
		fields = append(fields, f)
	}
	return c.wanted(func(v vec.Vector) (vec.Vector, error) {
		r := vec.Flat(v).(*vec.Row)
		out := &vec.Row{N: r.N, Valid: r.Valid}
		for i, f := range fields {
			col, err := f(r.Fields[i])
			if err != nil {
				return nil, err
			}
			out.Fields = append(out.Fields, col)
		}
		return out, nil
	})
}

// wanted casts only the rows that are asked for: others must not fail it.
func (c *caster) wanted(cast func(v vec.Vector) (vec.Vector, error)) castEval {
	to := c.to
	return func(v vec.Vector, rows []int32, n int) (vec.Vector, error) {
		if rows == nil {
			return cast(v)
		}
		some, err := cast(vec.Flat(vec.Take(v, rows)))
		if err != nil {
			return nil, err
		}
		at := make([]int32, n)
		for i := range at {
			at[i] = -1
		}
		for i, r := range rows {
			at[r] = int32(i)
		}
		return Gather(to, some, at), nil
	}
}

package exec

import (
	"fmt"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A constraint is what a column's type promises beyond its kind: that values are not
// NULL, and how long they are. nulls and lengths say what there is to check, at the
// column itself or inside of its values, as deep as the sink's Nested goes.
type constraint struct {
	col     int
	name    string
	typ     types.Type
	nulls   bool
	lengths bool
}

// constraints lists the columns of a sink that have to be looked at. That a column
// itself is not NULL is Sink.enforce's to check.
func constraints(spec *jobgraph.Sink) []constraint {
	var out []constraint
	for i, f := range spec.Table.Schema {
		c := constraint{col: i, name: f.Name, typ: f.Type}
		c.lengths = spec.Lengths != "" && promises(f.Type, spec.Nested, limited)
		for _, k := range inner(f.Type, spec.Nested) {
			c.nulls = c.nulls || promises(k, spec.Nested, func(t types.Type) bool { return t.NotNull })
		}
		if c.nulls || c.lengths {
			out = append(out, c)
		}
	}
	return out
}

// promises reports whether a type, or one inside of it, is such.
func promises(t types.Type, nested string, such func(types.Type) bool) bool {
	if such(t) {
		return true
	}
	for _, k := range inner(t, nested) {
		if promises(k, nested, such) {
			return true
		}
	}
	return false
}

// inner are the types of the values inside of a value that are looked at.
func inner(t types.Type, nested string) []types.Type {
	var out []types.Type
	switch {
	case nested == "":
	case t.Kind == types.Row:
		for _, f := range t.Fields {
			out = append(out, f.Type)
		}
	case nested == jobgraph.NestedRows:
	case t.Kind == types.Array, t.Kind == types.Multiset:
		out = append(out, *t.Elem)
	case t.Kind == types.Map:
		out = append(out, *t.Key, *t.Elem)
	}
	return out
}

// limited reports whether values have a length to keep to.
func limited(t types.Type) bool {
	switch t.Kind {
	case types.Char, types.Binary:
		return true
	case types.Varchar, types.Varbinary:
		return t.Len < types.MaxLen
	}
	return false
}

// lengthOf is the length of a value as its type counts it: characters or bytes.
func lengthOf(t types.Type, v []byte) int {
	if t.Kind == types.Char || t.Kind == types.Varchar {
		return utf8.RuneCount(v)
	}
	return len(v)
}

// padded reports whether values shorter than the type's length are too short.
func padded(t types.Type) bool { return t.Kind == types.Char || t.Kind == types.Binary }

// walk calls visit with a value and the values inside of it, until it fails; at is
// the place of the value.
func walk(v vec.Vector, i int, t types.Type, nested, at string, visit func(v vec.Vector, i int, t types.Type, at string) error) error {
	switch c := v.(type) {
	case *vec.Const:
		v, i = c.Val, 0
	case *vec.Dict:
		v, i = c.Words, int(c.Codes[i])
	}
	if err := visit(v, i, t, at); err != nil || nested == "" || v.Null(i) {
		return err
	}
	switch c := v.(type) {
	case *vec.Row:
		for f, x := range c.Fields {
			if err := walk(x, i, t.Fields[f].Type, nested, at+"."+t.Fields[f].Name, visit); err != nil {
				return err
			}
		}
	case *vec.List:
		for k := c.Offs[i]; k < c.Offs[i+1] && nested == jobgraph.NestedAll; k++ {
			if err := walk(c.Elem, int(k), *t.Elem, nested, fmt.Sprintf("%s[%d]", at, k-c.Offs[i]), visit); err != nil {
				return err
			}
		}
	case *vec.Map:
		for k := c.Offs[i]; k < c.Offs[i+1] && nested == jobgraph.NestedAll; k++ {
			key, value := t.Key, t.Elem
			if t.Kind == types.Multiset {
				key, value = t.Elem, &types.TInt
			}
			if err := walk(c.Key, int(k), *key, nested, at+"[key]", visit); err != nil {
				return err
			}
			if err := walk(c.Elem, int(k), *value, nested, at+"[value]", visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// nullAt is the error for a NULL where none may be.
func (s *Sink) nullAt(at string) error {
	return fmt.Errorf("column '%s' of %s is NOT NULL, but a NULL was to be written; 'table.exec.sink.not-null-enforcer'='DROP' drops such rows", at, s.spec.Table.Name)
}

// withoutNulls sees to NULLs inside of values: they fail, or their rows are dropped.
func (s *Sink) withoutNulls(b *vec.Batch, c constraint) (*vec.Batch, error) {
	var kept []int32
	for i := range b.Len() {
		r := b.Row(i)
		err := walk(b.Cols[c.col], r, c.typ, s.spec.Nested, c.name, func(v vec.Vector, i int, t types.Type, at string) error {
			if t.NotNull && v.Null(i) {
				return s.nullAt(at)
			}
			return nil
		})
		switch {
		case err == nil:
			kept = append(kept, int32(r))
		case !s.spec.DropNull:
			return nil, err
		}
	}
	if len(kept) == b.Len() {
		return b, nil
	}
	out := *b
	out.Sel = kept
	return &out, nil
}

// checkLengths fails for a value that is too long or too short.
func (s *Sink) checkLengths(b *vec.Batch, c constraint) error {
	for i := range b.Len() {
		err := walk(b.Cols[c.col], b.Row(i), c.typ, s.spec.Nested, c.name, func(v vec.Vector, i int, t types.Type, at string) error {
			if !limited(t) || v.Null(i) {
				return nil
			}
			if n := lengthOf(t, v.(*vec.Bytes).At(i)); n > t.Len || n < t.Len && padded(t) {
				return fmt.Errorf("column '%s' of %s is %s, but a value of length %d was to be written; 'table.exec.sink.type-length-enforcer'='TRIM_PAD' makes it fit, 'IGNORE' writes it as it is",
					at, s.spec.Table.Name, t.Nullable(true), n)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fitted is a column whose values are as long as their type says.
func fitted(v vec.Vector, t types.Type, nested string) vec.Vector {
	if !promises(t, nested, limited) {
		return v
	}
	switch c := v.(type) {
	case *vec.Const:
		return &vec.Const{Val: fitted(c.Val, t, nested), N: c.N}
	case *vec.Dict:
		return &vec.Dict{Codes: c.Codes, Words: fitted(c.Words, t, nested)}
	case *vec.Bytes:
		return fittedBytes(c, t)
	case *vec.Row:
		out := &vec.Row{N: c.N, Valid: c.Valid}
		for f, x := range c.Fields {
			out.Fields = append(out.Fields, fitted(x, t.Fields[f].Type, nested))
		}
		return out
	case *vec.List:
		return &vec.List{Offs: c.Offs, Elem: fitted(c.Elem, *t.Elem, nested), Valid: c.Valid}
	case *vec.Map:
		if t.Kind == types.Multiset {
			return &vec.Map{Offs: c.Offs, Key: fitted(c.Key, *t.Elem, nested), Elem: c.Elem, Valid: c.Valid}
		}
		return &vec.Map{Offs: c.Offs, Key: fitted(c.Key, *t.Key, nested), Elem: fitted(c.Elem, *t.Elem, nested), Valid: c.Valid}
	}
	return v
}

func fittedBytes(v *vec.Bytes, t types.Type) vec.Vector {
	out := &vec.Bytes{Offs: make([]uint32, 1, len(v.Offs)), Data: make([]byte, 0, len(v.Data)), Valid: v.Valid}
	fill := byte(0)
	if t.Kind == types.Char {
		fill = ' '
	}
	for i := range v.Len() {
		if !v.Null(i) {
			x := v.At(i)
			n := lengthOf(t, x)
			out.Data = append(out.Data, x[:len(x)-excess(t, x, n)]...)
			for ; n < t.Len && padded(t); n++ {
				out.Data = append(out.Data, fill)
			}
		}
		out.Offs = append(out.Offs, uint32(len(out.Data)))
	}
	return out
}

// excess is how many bytes at the end of a value of length n are too many.
func excess(t types.Type, x []byte, n int) int {
	if n <= t.Len {
		return 0
	}
	if t.Kind == types.Binary || t.Kind == types.Varbinary {
		return n - t.Len
	}
	end := 0
	for range t.Len {
		_, size := utf8.DecodeRune(x[end:])
		end += size
	}
	return len(x) - end
}

package udf

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A codec turns cells of a column into values of a Go type, and back. Columns are
// flat.
type codec struct {
	sql  types.Type // NOT NULL unless null
	null bool       // NULL is a value of the Go type
	get  func(v vec.Vector, i int, to reflect.Value)
	put  func(b *vec.Builder, x reflect.Value)
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
	nullType  = reflect.TypeFor[interface{ nullable() }]()
)

func codecOf(t reflect.Type) (*codec, error) { return codecIn(t, map[reflect.Type]bool{}) }

// codecIn makes the codec of a type that stands in the types of within.
func codecIn(t reflect.Type, within map[reflect.Type]bool) (*codec, error) {
	if within[t] {
		return nil, fmt.Errorf("%s contains itself", t)
	}
	within[t] = true
	defer delete(within, t)
	if c := value(t); c != nil {
		return c, nil
	}
	switch {
	case t == bytesType:
		return &codec{sql: types.TBytes.Nullable(false),
			get: func(v vec.Vector, i int, to reflect.Value) {
				to.SetBytes(append([]byte{}, v.(*vec.Bytes).At(i)...))
			},
			put: func(b *vec.Builder, x reflect.Value) { b.Bytes(x.Bytes()) }}, nil
	case t.Implements(nullType):
		return optional(t, within)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return pointer(t, within)
	case reflect.Slice:
		return array(t, within)
	case reflect.Map:
		return mapping(t, within)
	case reflect.Struct:
		return row(t, within)
	}
	return simple(t)
}

// wall is the wall clock of a time as microseconds.
func wall(t time.Time) int64 {
	_, off := t.Zone()
	return t.UnixMicro() + int64(off)*1e6
}

func simple(t reflect.Type) (*codec, error) {
	c := &codec{}
	switch t.Kind() {
	case reflect.Bool:
		c.sql = types.TBoolean
		c.get = func(v vec.Vector, i int, to reflect.Value) { to.SetBool(v.(*vec.Fixed[bool]).Vals[i]) }
		c.put = func(b *vec.Builder, x reflect.Value) { b.Bool(x.Bool()) }
	case reflect.Int8:
		c.sql, c.get, c.put = types.Type{Kind: types.TinyInt}, getInt[int8], putInt
	case reflect.Int16:
		c.sql, c.get, c.put = types.Type{Kind: types.SmallInt}, getInt[int16], putInt
	case reflect.Int32:
		c.sql, c.get, c.put = types.TInt, getInt[int32], putInt
	case reflect.Int64, reflect.Int:
		c.sql, c.get, c.put = types.TBigInt, getInt[int64], putInt
	case reflect.Float32:
		c.sql = types.Type{Kind: types.Float}
		c.get = func(v vec.Vector, i int, to reflect.Value) { to.SetFloat(float64(v.(*vec.Fixed[float32]).Vals[i])) }
		c.put = func(b *vec.Builder, x reflect.Value) { b.Float(x.Float()) }
	case reflect.Float64:
		c.sql = types.TDouble
		c.get = func(v vec.Vector, i int, to reflect.Value) { to.SetFloat(v.(*vec.Fixed[float64]).Vals[i]) }
		c.put = func(b *vec.Builder, x reflect.Value) { b.Float(x.Float()) }
	case reflect.String:
		c.sql = types.TString
		c.get = func(v vec.Vector, i int, to reflect.Value) { to.SetString(string(v.(*vec.Bytes).At(i))) }
		c.put = func(b *vec.Builder, x reflect.Value) { b.String(x.String()) }
	default:
		return nil, fmt.Errorf("SQL has no type for %s", t)
	}
	c.sql = c.sql.Nullable(false)
	return c, nil
}

func getInt[T int8 | int16 | int32 | int64](v vec.Vector, i int, to reflect.Value) {
	to.SetInt(int64(v.(*vec.Fixed[T]).Vals[i]))
}

func putInt(b *vec.Builder, x reflect.Value) { b.Int(x.Int()) }

// optional is Null[T].
func optional(t reflect.Type, within map[reflect.Type]bool) (*codec, error) {
	e, err := codecIn(t.Field(0).Type, within)
	if err != nil {
		return nil, err
	}
	return &codec{sql: e.sql.Nullable(true), null: true,
		get: func(v vec.Vector, i int, to reflect.Value) {
			to.SetZero()
			if !v.Null(i) {
				e.get(v, i, to.Field(0))
				to.Field(1).SetBool(true)
			}
		},
		put: func(b *vec.Builder, x reflect.Value) {
			if !x.Field(1).Bool() {
				b.Null()
				return
			}
			e.put(b, x.Field(0))
		}}, nil
}

func pointer(t reflect.Type, within map[reflect.Type]bool) (*codec, error) {
	e, err := codecIn(t.Elem(), within)
	if err != nil {
		return nil, err
	}
	return &codec{sql: e.sql.Nullable(true), null: true,
		get: func(v vec.Vector, i int, to reflect.Value) {
			to.SetZero()
			if !v.Null(i) {
				p := reflect.New(t.Elem())
				e.get(v, i, p.Elem())
				to.Set(p)
			}
		},
		put: func(b *vec.Builder, x reflect.Value) {
			if x.IsNil() {
				b.Null()
				return
			}
			e.put(b, x.Elem())
		}}, nil
}

// fill reads a cell inside of another, where NULL becomes the zero value if the Go
// type has none.
func (c *codec) fill(v vec.Vector, i int, to reflect.Value) {
	if v.Null(i) && !c.null {
		to.SetZero()
		return
	}
	c.get(v, i, to)
}

func array(t reflect.Type, within map[reflect.Type]bool) (*codec, error) {
	e, err := codecIn(t.Elem(), within)
	if err != nil {
		return nil, err
	}
	return &codec{sql: types.ArrayOf(e.sql).Nullable(false),
		get: func(v vec.Vector, i int, to reflect.Value) {
			l := v.(*vec.List)
			from, n := int(l.Offs[i]), int(l.Offs[i+1]-l.Offs[i])
			to.Set(reflect.MakeSlice(t, n, n))
			elem := vec.Flat(l.Elem)
			for k := range n {
				e.fill(elem, from+k, to.Index(k))
			}
		},
		put: func(b *vec.Builder, x reflect.Value) {
			for k := range x.Len() {
				e.put(b.Kid(0), x.Index(k))
			}
			b.End()
		}}, nil
}

func mapping(t reflect.Type, within map[reflect.Type]bool) (*codec, error) {
	k, err := codecIn(t.Key(), within)
	if err != nil {
		return nil, err
	}
	e, err := codecIn(t.Elem(), within)
	if err != nil {
		return nil, err
	}
	return &codec{sql: types.MapOf(k.sql, e.sql).Nullable(false),
		get: func(v vec.Vector, i int, to reflect.Value) {
			m := v.(*vec.Map)
			out := reflect.MakeMap(t)
			keys, elems := vec.Flat(m.Key), vec.Flat(m.Elem)
			for at := int(m.Offs[i]); at < int(m.Offs[i+1]); at++ {
				key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
				k.fill(keys, at, key)
				e.fill(elems, at, elem)
				out.SetMapIndex(key, elem)
			}
			to.Set(out)
		},
		put: func(b *vec.Builder, x reflect.Value) {
			for _, key := range sortedKeys(x) {
				k.put(b.Kid(0), key)
				e.put(b.Kid(1), x.MapIndex(key))
			}
			b.End()
		}}, nil
}

// row is a struct.
func row(t reflect.Type, within map[reflect.Type]bool) (*codec, error) {
	fields, codecs, at, err := fieldsOf(t, within)
	if err != nil {
		return nil, err
	}
	return &codec{sql: types.RowOf(fields...).Nullable(false),
		get: func(v vec.Vector, i int, to reflect.Value) {
			r := v.(*vec.Row)
			for k, c := range codecs {
				c.fill(vec.Flat(r.Fields[k]), i, to.Field(at[k]))
			}
		},
		put: func(b *vec.Builder, x reflect.Value) {
			for k, c := range codecs {
				c.put(b.Kid(k), x.Field(at[k]))
			}
			b.End()
		}}, nil
}

// fieldsOf are the exported fields of a struct, and where they are.
func fieldsOf(t reflect.Type, within map[reflect.Type]bool) (fields []types.Field, codecs []*codec, at []int, err error) {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		c, err := codecIn(f.Type, within)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		name := f.Tag.Get("sql")
		if name == "" {
			name = snake(f.Name)
		}
		fields, codecs, at = append(fields, types.Field{Name: name, Type: c.sql}), append(codecs, c), append(at, i)
	}
	if len(fields) == 0 {
		return nil, nil, nil, fmt.Errorf("%s has no exported fields", t)
	}
	return fields, codecs, at, nil
}

// snake writes UserID as user_id.
func snake(name string) string {
	var b strings.Builder
	r := []rune(name)
	for i, c := range r {
		if i > 0 && unicode.IsUpper(c) && (!unicode.IsUpper(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

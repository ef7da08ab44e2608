package udf

import (
	"fmt"
	"reflect"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Table registers a table function, which stands in FROM as LATERAL TABLE(f(x)): f
// is a Go function of the values of a row that returns the rows it makes of them,
// as []T or iter.Seq[T], alone or with an error. The exported fields of a struct T
// are the columns; any other T is one column.
func Table(name string, f any, opts ...Option) {
	v := reflect.ValueOf(f)
	t := newFunction(name, opts)
	out, fails := t.funcOf(v)
	t.takes(v.Type(), 0)
	elem, ok := elemOf(out)
	if !ok {
		panic(fmt.Sprintf("udf: %s has to return []T or iter.Seq[T], not %s", t.name, out))
	}
	m := &maker{function: t, f: v, fails: fails}
	if err := m.columns(elem); err != nil {
		panic(fmt.Sprintf("udf: %s: rows: %v", t.name, err))
	}
	fn.RegisterTable(&fn.TableFunc{Name: t.name, Doc: t.doc("table"), Resolve: func(args []fn.Arg) (*fn.TableImpl, error) {
		casts, _, err := t.resolve(typesOf(args))
		if err != nil {
			return nil, err
		}
		return &fn.TableImpl{Args: casts, Out: m.schema, Exact: true, Eval: func(_ *fn.Call, args []vec.Vector, n int) fn.Rows {
			rows, err := m.rows(args, n)
			rows.Err = err
			return rows
		}}, nil
	}})
	fn.MarkUser(t.name)
}

// elemOf returns T of []T and iter.Seq[T].
func elemOf(t reflect.Type) (reflect.Type, bool) {
	switch {
	case t.Kind() == reflect.Slice:
		return t.Elem(), true
	case t.Kind() == reflect.Func && t.CanSeq() && t.NumIn() == 1 && t.In(0).NumIn() == 1:
		return t.In(0).In(0), true
	}
	return nil, false
}

// A maker makes rows.
type maker struct {
	*function
	f      reflect.Value
	fails  bool
	schema types.Schema
	codecs []*codec
	fields []int // of the struct; nil: the value itself is the column
}

func (m *maker) columns(t reflect.Type) error {
	if t.Kind() == reflect.Struct && value(t) == nil && !t.Implements(nullType) {
		fields, codecs, at, err := fieldsOf(t, map[reflect.Type]bool{})
		m.schema, m.codecs, m.fields = fields, codecs, at
		return err
	}
	c, err := codecOf(t)
	if err != nil {
		return err
	}
	m.schema, m.codecs = types.Schema{{Name: "EXPR$0", Type: c.sql}}, []*codec{c}
	return nil
}

// rows calls the function for each row whose arguments it takes.
func (m *maker) rows(args []vec.Vector, n int) (out fn.Rows, err error) {
	defer m.guard(&err)
	builders := make([]*vec.Builder, len(m.schema))
	for i, f := range m.schema {
		builders[i] = vec.NewBuilder(f.Type)
	}
	in := make([]reflect.Value, len(args))
	for i := range in {
		in[i] = reflect.New(paramType(m.f.Type(), i)).Elem()
	}
	out.Offs = make([]uint32, 1, n+1)
	for r := range n {
		if m.loadRow(args, r, in) {
			if err := m.call(in, builders); err != nil {
				return out, err
			}
		}
		out.Offs = append(out.Offs, uint32(builders[0].Len()))
	}
	for _, b := range builders {
		out.Cols = append(out.Cols, b.Finish())
	}
	return out, nil
}

// loadRow reads the arguments of a row; false if one is NULL that may not be.
func (m *maker) loadRow(args []vec.Vector, r int, in []reflect.Value) bool {
	for i, a := range args {
		c := m.param(i)
		if a.Null(r) && !c.null {
			return false
		}
		c.get(a, r, in[i])
	}
	return true
}

func (m *maker) call(in []reflect.Value, builders []*vec.Builder) error {
	out := m.f.Call(in)
	if m.fails && !out[1].IsNil() {
		return m.failed(out[1].Interface().(error))
	}
	if out[0].IsNil() {
		return nil
	}
	if out[0].Kind() == reflect.Slice {
		for i := range out[0].Len() {
			m.put(out[0].Index(i), builders)
		}
		return nil
	}
	for x := range out[0].Seq() {
		m.put(x, builders)
	}
	return nil
}

func (m *maker) put(x reflect.Value, builders []*vec.Builder) {
	for i, c := range m.codecs {
		if m.fields == nil {
			c.put(builders[i], x)
		} else {
			c.put(builders[i], x.Field(m.fields[i]))
		}
	}
}

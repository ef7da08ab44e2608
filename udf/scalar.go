package udf

import (
	"reflect"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Scalar registers a function of the values of a row: f is a Go function that
// returns a value, or a value and an error. A variadic one takes any number of
// arguments in the place of its last parameter. It is called by reflection, which
// costs some hundred nanoseconds a row; Scalar1, Scalar2 and Scalar3 do without.
func Scalar(name string, f any, opts ...Option) {
	v := reflect.ValueOf(f)
	s := newFunction(name, opts)
	out, fails := s.funcOf(v)
	s.takes(v.Type(), 0)
	s.register(out, func(ret *codec) kernelFunc { return s.reflected(v, ret, fails) })
}

// Scalar1 registers a function of one argument that is called without reflection.
func Scalar1[A, R any](name string, f func(A) (R, error), opts ...Option) {
	s := newFunction(name, opts)
	s.takes(reflect.TypeOf(f), 0)
	s.register(reflect.TypeFor[R](), func(ret *codec) kernelFunc {
		return func(args []vec.Vector, rows []int32, n int) (_ vec.Vector, err error) {
			defer s.guard(&err)
			a, out := load[A](s.params[0], args[0], rows), make([]R, n)
			for _, i := range rows {
				if out[i], err = f(a[i]); err != nil {
					return nil, s.failed(err)
				}
			}
			return store(ret, out, rows), nil
		}
	})
}

// Scalar2 is Scalar1 for two arguments.
func Scalar2[A, B, R any](name string, f func(A, B) (R, error), opts ...Option) {
	s := newFunction(name, opts)
	s.takes(reflect.TypeOf(f), 0)
	s.register(reflect.TypeFor[R](), func(ret *codec) kernelFunc {
		return func(args []vec.Vector, rows []int32, n int) (_ vec.Vector, err error) {
			defer s.guard(&err)
			a, b, out := load[A](s.params[0], args[0], rows), load[B](s.params[1], args[1], rows), make([]R, n)
			for _, i := range rows {
				if out[i], err = f(a[i], b[i]); err != nil {
					return nil, s.failed(err)
				}
			}
			return store(ret, out, rows), nil
		}
	})
}

// Scalar3 is Scalar1 for three arguments.
func Scalar3[A, B, C, R any](name string, f func(A, B, C) (R, error), opts ...Option) {
	s := newFunction(name, opts)
	s.takes(reflect.TypeOf(f), 0)
	s.register(reflect.TypeFor[R](), func(ret *codec) kernelFunc {
		return func(args []vec.Vector, rows []int32, n int) (_ vec.Vector, err error) {
			defer s.guard(&err)
			a, b, c := load[A](s.params[0], args[0], rows), load[B](s.params[1], args[1], rows), load[C](s.params[2], args[2], rows)
			out := make([]R, n)
			for _, i := range rows {
				if out[i], err = f(a[i], b[i], c[i]); err != nil {
					return nil, s.failed(err)
				}
			}
			return store(ret, out, rows), nil
		}
	})
}

// A kernelFunc computes a column of n values at the rows, for which no argument is
// NULL that may not be. Its arguments are flat.
type kernelFunc func(args []vec.Vector, rows []int32, n int) (vec.Vector, error)

func (f *function) register(out reflect.Type, kernel func(ret *codec) kernelFunc) {
	ret, err := codecOf(out)
	if err != nil {
		panic("udf: " + f.name + ": result: " + err.Error())
	}
	k := kernel(ret)
	fn.Register(&fn.Func{Name: f.name, Doc: f.doc("user"), Volatile: f.volatile, Resolve: func(args []fn.Arg) (*fn.Impl, error) {
		casts, nullable, err := f.resolve(typesOf(args))
		if err != nil {
			return nil, err
		}
		return &fn.Impl{Args: casts, Ret: ret.sql.Nullable(nullable || ret.null), NullsIn: true,
			Eval: func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
				return f.eval(k, args, rows, n, ret.sql)
			}}, nil
	}})
	fn.MarkUser(f.name)
}

// eval calls the kernel where no argument is NULL that may not be.
func (f *function) eval(k kernelFunc, args []vec.Vector, rows []int32, n int, ret types.Type) (vec.Vector, error) {
	flat := make([]vec.Vector, len(args))
	var valid vec.Bitmap
	for i, a := range args {
		flat[i] = vec.Flat(a)
		if !f.param(i).null {
			valid = vec.And(valid, vec.Validity(flat[i]), n)
		}
	}
	wanted := make([]int32, 0, n)
	if rows == nil {
		for i := range n {
			if !valid.Null(i) {
				wanted = append(wanted, int32(i))
			}
		}
	} else {
		for _, r := range rows {
			if !valid.Null(int(r)) {
				wanted = append(wanted, r)
			}
		}
	}
	if len(wanted) == 0 {
		return vec.Nulls(ret.Nullable(true), n), nil
	}
	v, err := k(flat, wanted, n)
	if err != nil || valid == nil {
		return v, err
	}
	return kernel.WithValid(v, vec.And(vec.Validity(v), valid, n)), nil
}

// reflected calls a function of any type.
func (f *function) reflected(v reflect.Value, ret *codec, fails bool) kernelFunc {
	t := v.Type()
	return func(args []vec.Vector, rows []int32, n int) (_ vec.Vector, err error) {
		defer f.guard(&err)
		in := make([]reflect.Value, len(args))
		for i := range in {
			in[i] = reflect.New(paramType(t, i)).Elem()
		}
		b := vec.NewBuilder(ret.sql.Nullable(true))
		for _, r := range rows {
			for b.Len() < int(r) {
				b.Null()
			}
			for i, a := range args {
				f.param(i).get(a, int(r), in[i])
			}
			out := v.Call(in)
			if fails && !out[1].IsNil() {
				return nil, f.failed(out[1].Interface().(error))
			}
			ret.put(b, out[0])
		}
		for b.Len() < n {
			b.Null()
		}
		return b.Finish(), nil
	}
}

// paramType is the type of an argument of a function that may be variadic.
func paramType(t reflect.Type, i int) reflect.Type {
	if t.IsVariadic() && i >= t.NumIn()-1 {
		return t.In(t.NumIn() - 1).Elem()
	}
	return t.In(i)
}

// load returns the values of a column, by position; those that are not in rows are
// anything. Where a column lies as Go would have it, it is handed out as it is.
func load[T any](c *codec, v vec.Vector, rows []int32) []T {
	var out []T
	switch p := any(&out).(type) {
	case *[]bool:
		*p = v.(*vec.Fixed[bool]).Vals
	case *[]int8:
		*p = v.(*vec.Fixed[int8]).Vals
	case *[]int16:
		*p = v.(*vec.Fixed[int16]).Vals
	case *[]int32:
		*p = v.(*vec.Fixed[int32]).Vals
	case *[]int64:
		*p = v.(*vec.Fixed[int64]).Vals
	case *[]float32:
		*p = v.(*vec.Fixed[float32]).Vals
	case *[]float64:
		*p = v.(*vec.Fixed[float64]).Vals
	case *[]string:
		*p = texts(v.(*vec.Bytes))
	default:
		out = make([]T, v.Len())
		for _, r := range rows {
			c.get(v, int(r), reflect.ValueOf(&out[r]).Elem())
		}
	}
	return out
}

// texts are the values of a column as parts of one string.
func texts(v *vec.Bytes) []string {
	n := v.Len()
	out := make([]string, n)
	if n == 0 {
		return out
	}
	from := v.Offs[0]
	all := string(v.Data[from:v.Offs[n]])
	for i := range out {
		out[i] = all[v.Offs[i]-from : v.Offs[i+1]-from]
	}
	return out
}

// store makes a column of values; those that are not in rows are anything.
func store[R any](c *codec, out []R, rows []int32) vec.Vector {
	switch p := any(out).(type) {
	case []bool:
		return &vec.Fixed[bool]{Vals: p}
	case []int8:
		return &vec.Fixed[int8]{Vals: p}
	case []int16:
		return &vec.Fixed[int16]{Vals: p}
	case []int32:
		return &vec.Fixed[int32]{Vals: p}
	case []int64:
		return &vec.Fixed[int64]{Vals: p}
	case []float32:
		return &vec.Fixed[float32]{Vals: p}
	case []float64:
		return &vec.Fixed[float64]{Vals: p}
	}
	b := vec.NewBuilder(c.sql.Nullable(true))
	if p, ok := any(out).([]string); ok {
		for _, s := range p {
			b.String(s)
		}
		return b.Finish()
	}
	for _, r := range rows {
		for b.Len() < int(r) {
			b.Null()
		}
		c.put(b, reflect.ValueOf(&out[r]).Elem())
	}
	for b.Len() < len(out) {
		b.Null()
	}
	return b.Finish()
}

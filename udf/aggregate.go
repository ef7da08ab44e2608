package udf

import (
	"fmt"
	"reflect"

	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Aggregate registers an aggregate function. A value of type Acc, whose zero value is
// that of no rows, is the state of one group. *Acc has the methods
//
//	Accumulate(args …)   takes the arguments of a row in
//	Retract(args …)      takes them out again; without it the function is refused where rows change or leave
//	Merge(other *Acc)    takes in what another part of the group's rows has come to
//	Result() R           is the value, for a scalar R
//
// each of which may return an error as well, as its last result. The state is saved
// in checkpoints and sent between tasks: the fields of Acc are exported, down to
// their fields, or *Acc is an encoding.BinaryMarshaler and BinaryUnmarshaler.
func Aggregate[Acc any](name string, opts ...Option) {
	a := &aggregate{function: newFunction(name, opts), t: reflect.TypeFor[Acc]()}
	p := reflect.PointerTo(a.t)
	var err error
	if a.state, err = newStateCodec(a.t); err != nil {
		panic(fmt.Sprintf("udf: %s: %v", a.name, err))
	}
	add := a.method(p, "Accumulate", true)
	a.takes(add.Type, 1)
	a.add = step(add)
	a.arguments = argumentTypes(add.Type)
	if m := a.method(p, "Retract", false); m.Type != nil {
		if !sameParams(m.Type, add.Type) {
			panic(fmt.Sprintf("udf: %s: Retract does not take what Accumulate takes", a.name))
		}
		a.retract = step(m)
	}
	m := a.method(p, "Merge", true)
	if m.Type.NumIn() != 2 || m.Type.In(1) != p {
		panic(fmt.Sprintf("udf: %s: Merge takes a %s", a.name, p))
	}
	a.merge = step(m)
	res := a.method(p, "Result", true)
	out, fails := a.funcOf(res.Func)
	if res.Type.NumIn() != 1 {
		panic(fmt.Sprintf("udf: %s: Result takes nothing", a.name))
	}
	if a.ret, err = codecOf(out); err != nil {
		panic(fmt.Sprintf("udf: %s: result: %v", a.name, err))
	}
	a.result, a.fails = res.Index, fails
	agg.RegisterUser(&agg.UserFunc{Name: a.name, Doc: a.doc("aggregate"), Retracts: a.retract.ok, New: a.open,
		Resolve: func(args []types.Type) (types.Type, []types.Type, error) {
			casts, _, err := a.resolve(args)
			return a.ret.sql.Nullable(true), casts, err
		}})
}

// An aggregate is a function; its steps are the methods of the state by number.
type aggregate struct {
	*function
	t                   reflect.Type
	state               *stateCodec
	arguments           []reflect.Type
	add, retract, merge method
	result              int
	fails               bool
	ret                 *codec
}

// A method is one that gives nothing, or an error.
type method struct {
	index int
	ok    bool // there is one
	fails bool
}

func (a *aggregate) method(p reflect.Type, name string, needed bool) reflect.Method {
	m, ok := p.MethodByName(name)
	if !ok {
		if needed {
			panic(fmt.Sprintf("udf: %s: %s has no method %s", a.name, p, name))
		}
		return reflect.Method{}
	}
	if n := m.Type.NumOut(); name != "Result" && n > 0 && (n > 1 || m.Type.Out(0) != errorType) {
		panic(fmt.Sprintf("udf: %s: %s returns nothing, or an error", a.name, name))
	}
	if m.Type.IsVariadic() {
		panic(fmt.Sprintf("udf: %s: %s may not be variadic", a.name, name))
	}
	return m
}

func step(m reflect.Method) method { return method{m.Index, true, m.Type.NumOut() > 0} }

// argumentTypes are the parameters behind the receiver.
func argumentTypes(t reflect.Type) []reflect.Type {
	var out []reflect.Type
	for i := 1; i < t.NumIn(); i++ {
		out = append(out, t.In(i))
	}
	return out
}

func sameParams(a, b reflect.Type) bool {
	if a.NumIn() != b.NumIn() {
		return false
	}
	for i := range a.NumIn() {
		if a.In(i) != b.In(i) {
			return false
		}
	}
	return true
}

// open implements agg.UserFunc.New.
func (a *aggregate) open() agg.Accumulator {
	acc := &accumulator{aggregate: a, p: reflect.New(a.t)}
	for _, t := range a.arguments {
		acc.in = append(acc.in, reflect.New(t).Elem())
	}
	acc.steps[0], acc.steps[1] = acc.p.Method(a.add.index), acc.p.Method(a.merge.index)
	if a.retract.ok {
		acc.steps[2] = acc.p.Method(a.retract.index)
	}
	acc.steps[3] = acc.p.Method(a.result)
	return acc
}

// An accumulator implements agg.Accumulator.
type accumulator struct {
	*aggregate
	p     reflect.Value    // to the state
	in    []reflect.Value  // the arguments of a call
	steps [4]reflect.Value // Accumulate, Merge, Retract, Result of the state
}

// Load implements agg.Accumulator.
func (a *accumulator) Load(state []byte) (err error) {
	defer a.guard(&err)
	if err := a.state.load(state, a.p); err != nil {
		return a.failed(err)
	}
	return nil
}

// Save implements agg.Accumulator.
func (a *accumulator) Save(dst []byte) (_ []byte, err error) {
	defer a.guard(&err)
	if dst, err = a.state.save(dst, a.p); err != nil {
		return dst, a.failed(err)
	}
	return dst, nil
}

// Add implements agg.Accumulator.
func (a *accumulator) Add(cols []vec.Vector, row int) error {
	return a.take(a.steps[0], a.add.fails, cols, row)
}

// Retract implements agg.Accumulator.
func (a *accumulator) Retract(cols []vec.Vector, row int) error {
	return a.take(a.steps[2], a.retract.fails, cols, row)
}

func (a *accumulator) take(f reflect.Value, fails bool, cols []vec.Vector, row int) (err error) {
	defer a.guard(&err)
	for i, col := range cols {
		at, c := row, a.param(i)
		if col.Len() == 1 {
			at = 0
		}
		if col.Null(at) && !c.null {
			return nil
		}
		c.get(col, at, a.in[i])
	}
	return a.call(f, fails, a.in)
}

func (a *accumulator) call(f reflect.Value, fails bool, in []reflect.Value) error {
	out := f.Call(in)
	if fails && !out[len(out)-1].IsNil() {
		return a.failed(out[len(out)-1].Interface().(error))
	}
	return nil
}

// Merge implements agg.Accumulator.
func (a *accumulator) Merge(state []byte) (err error) {
	defer a.guard(&err)
	other := reflect.New(a.t)
	if err := a.state.load(state, other); err != nil {
		return a.failed(err)
	}
	return a.call(a.steps[1], a.merge.fails, []reflect.Value{other})
}

// Result implements agg.Accumulator.
func (a *accumulator) Result(b *vec.Builder) (err error) {
	defer a.guard(&err)
	out := a.steps[3].Call(nil)
	if a.fails && !out[1].IsNil() {
		return a.failed(out[1].Interface().(error))
	}
	a.ret.put(b, out[0])
	return nil
}

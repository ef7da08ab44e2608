package agg

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A UserFunc is an aggregate function that a program brings along.
type UserFunc struct {
	Name     string // upper case
	Doc      fn.Doc
	Retracts bool // values can be taken out
	// Resolve says what a call with these arguments returns and takes.
	Resolve func(args []types.Type) (ret types.Type, casts []types.Type, err error)
	// New returns an accumulator, to be loaded.
	New func() Accumulator
}

// An Accumulator works on the state of one group, which is bytes between the calls.
// A failure names the function.
type Accumulator interface {
	// Load sets the state: what Save gave, or nil for that of no rows.
	Load(state []byte) error
	Save(dst []byte) ([]byte, error)
	// Add and Retract take the arguments at a row of the columns; a column of length 1
	// is a constant.
	Add(cols []vec.Vector, row int) error
	Retract(cols []vec.Vector, row int) error
	Merge(state []byte) error
	Result(b *vec.Builder) error
}

var users = map[string]*UserFunc{}

// RegisterUser makes a function known, before any statement is bound. It panics if
// the name is taken.
func RegisterUser(f *UserFunc) {
	if functions[f.Name] != nil {
		panic(fmt.Sprintf("agg: %s is registered twice", f.Name))
	}
	users[f.Name] = f
	functions[f.Name] = &function{doc: f.Doc, resolve: f.Resolve, make: f.bind}
}

// User reports whether name, in upper case, is a function of the program's own.
func User(name string) bool { return users[name] != nil }

// Retracts reports whether a function can take values out again.
func Retracts(name string) bool {
	f := users[name]
	return f == nil || f.Retracts
}

// NoRetract is the error of a call that would have to.
func NoRetract(name string) error {
	return fmt.Errorf("%s cannot take rows out again, and the rows here change or leave: give it a method Retract", name)
}

func (f *UserFunc) bind(call jobgraph.AggCall, retracts bool) (Agg, error) {
	if retracts && !f.Retracts {
		return nil, NoRetract(f.Name)
	}
	a := &user{onBlob: onBlob{ret: call.Ret}, fn: f, live: map[keyed.Slot]Accumulator{}}
	a.cols, a.fields = make([]vec.Vector, len(call.Args)), make([]int, len(call.Args))
	for i := range call.Args {
		if i > 0 && i < len(call.Consts) && call.Consts[i] != nil {
			a.cols[i], a.fields[i] = expr.Vector(call.ArgTypes[i], call.Consts[i]), -1
			continue
		}
		a.fields[i] = a.packed
		a.packed++
	}
	return a, nil
}

// user is a UserFunc: word 0 says whether the group has a state, the blob is it.
// Within a call the states of the groups it meets are live; they are written back
// at its end.
type user struct {
	onBlob
	fn     *UserFunc
	cols   []vec.Vector // the arguments; constants stay
	fields []int        // by argument: its place among the columns given, -1 for a constant
	packed int          // how many columns are given
	live   map[keyed.Slot]Accumulator
	order  []keyed.Slot // of live
	free   []Accumulator
	buf    []byte
}

// open returns the live accumulator of a group.
func (a *user) open(g *Groups, s keyed.Slot) (Accumulator, error) {
	if acc := a.live[s]; acc != nil {
		return acc, nil
	}
	acc := a.unused()
	if err := acc.Load(a.state(g, s)); err != nil {
		return nil, err
	}
	a.live[s], a.order = acc, append(a.order, s)
	return acc, nil
}

func (a *user) unused() Accumulator {
	n := len(a.free)
	if n == 0 {
		return a.fn.New()
	}
	acc := a.free[n-1]
	a.free = a.free[:n-1]
	return acc
}

func (a *user) state(g *Groups, s keyed.Slot) []byte {
	if *g.Word(s, a.off) == 0 {
		return nil
	}
	return g.Table.Blob(s, a.off+1)
}

// close writes the live states back.
func (a *user) close(g *Groups) {
	for _, s := range a.order {
		acc := a.live[s]
		buf, err := acc.Save(a.buf[:0])
		if a.buf = buf; err != nil {
			a.fail(g, err)
			continue
		}
		*g.Word(s, a.off) = 1
		g.Table.SetBlob(s, a.off+1, buf)
		a.free = append(a.free, acc)
	}
	clear(a.live)
	a.order = a.order[:0]
}

func (a *user) fail(g *Groups, err error) {
	if g.Err == nil {
		g.Err = err
	}
}

// each calls f with the accumulator of each slot and the row beside it.
func (a *user) each(g *Groups, slots []keyed.Slot, rows []int32, f func(Accumulator, int) error) {
	defer a.close(g)
	for i, s := range slots {
		acc, err := a.open(g, s)
		if err == nil {
			err = f(acc, int(rows[i]))
		}
		if err != nil {
			a.fail(g, err)
			return
		}
	}
}

// args finds the arguments in the column that the operator gives: one column, or
// the fields of a ROW.
func (a *user) args(col vec.Vector) {
	row, many := col.(*vec.Row)
	for i, f := range a.fields {
		switch {
		case f >= 0 && many && a.packed > 1:
			a.cols[i] = vec.Flat(row.Fields[f])
		case f >= 0:
			a.cols[i] = vec.Flat(col)
		}
	}
}

// Add implements Agg.
func (a *user) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	a.args(col)
	a.each(g, slots, rows, func(acc Accumulator, r int) error { return acc.Add(a.cols, r) })
}

// Retract implements Agg.
func (a *user) Retract(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	a.args(col)
	a.each(g, slots, rows, func(acc Accumulator, r int) error { return acc.Retract(a.cols, r) })
}

// Merge implements Agg.
func (a *user) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	has, states := word(cols[0]), vec.Flat(cols[1]).(*vec.Bytes)
	a.each(g, slots, rows, func(acc Accumulator, r int) error {
		if has[r] == 0 {
			return nil
		}
		return acc.Merge(states.At(r))
	})
}

// Read implements Agg.
func (a *user) Read(g *Groups, slots []keyed.Slot, out *Out) {
	b := out.builder(a.ret)
	acc := a.unused()
	for _, s := range slots {
		at := b.Len()
		err := acc.Load(a.state(g, s))
		if err == nil {
			err = acc.Result(b)
		}
		if err != nil {
			a.fail(g, err)
			if b.Len() == at {
				b.Null()
			}
		}
	}
	a.free = append(a.free, acc)
}

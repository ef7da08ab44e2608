package agg

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/roar"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A fold says how an aggregate makes one set of its values.
type fold struct {
	build bool // the values are integers, not sets
	op    roar.Op
	count bool // the result is how many are in the set
}

// newBitmap makes BITMAP_…_AGG. Sets that only grow together are kept as one; where
// values are taken out again all of them are kept.
func newBitmap(f fold) func(jobgraph.AggCall, bool) (Agg, error) {
	return func(call jobgraph.AggCall, retracts bool) (Agg, error) {
		if len(call.ArgTypes) == 0 {
			return nil, fmt.Errorf("%s needs an argument", call.Func)
		}
		if retracts {
			return &list{onBlob: onBlob{ret: call.Ret}, owes: true, arg: call.ArgTypes[0], end: endBitmap, fold: f}, nil
		}
		return &bitmap{onBlob: onBlob{ret: call.Ret}, fold: f}, nil
	}
}

// bitmap folds sets of integers: words n, blob of the set in the form of type
// BITMAP.
type bitmap struct {
	onBlob
	fold
	set, next roar.Set
	buf       []byte
}

// Add loads a group's set once for a run of its rows.
func (a *bitmap) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	for i := 0; i < len(slots); {
		s := slots[i]
		n, before := uint64(0), *g.Word(s, a.off)
		for ; i < len(slots) && slots[i] == s; i++ {
			r := int(rows[i])
			if col.Null(r) {
				continue
			}
			if n == 0 {
				a.load(g, s)
			}
			if err := a.fold.add(&a.set, &a.next, col, r, before+n == 0); err != nil {
				g.Err = err
			}
			n++
		}
		a.store(g, s, n)
	}
}

func (a *bitmap) load(g *Groups, s keyed.Slot) {
	var cell []byte
	if *g.Word(s, a.off) != 0 {
		cell = g.Table.Blob(s, a.off+1)
	}
	if err := a.set.Load(cell); err != nil {
		g.Err = err
	}
}

func (a *bitmap) store(g *Groups, s keyed.Slot, n uint64) {
	if n == 0 {
		return
	}
	a.buf = a.set.Append(a.buf[:0])
	*g.Word(s, a.off) += n
	g.Table.SetBlob(s, a.off+1, a.buf)
}

// add puts a value into a set, which the first one makes.
func (f fold) add(set, next *roar.Set, col vec.Vector, row int, first bool) error {
	if f.build {
		set.Add(col.(*vec.Fixed[int32]).Vals[row])
		return nil
	}
	return f.join(set, next, col.(*vec.Bytes).At(row), first)
}

func (f fold) join(set, next *roar.Set, cell []byte, first bool) error {
	if err := next.Load(cell); err != nil {
		return err
	}
	op := f.op
	if first {
		op = roar.Or
	}
	set.Apply(op, next)
	return nil
}

// Merge implements Agg.
func (a *bitmap) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	for i, s := range slots {
		r := int(rows[i])
		n := uint64(word(cols[0])[r])
		if n == 0 {
			continue
		}
		a.load(g, s)
		if err := a.join(&a.set, &a.next, cols[1].(*vec.Bytes).At(r), *g.Word(s, a.off) == 0); err != nil {
			g.Err = err
		}
		a.store(g, s, n)
	}
}

// Read implements Agg.
func (a *bitmap) Read(g *Groups, slots []keyed.Slot, out *Out) {
	b := out.builder(a.ret)
	for _, s := range slots {
		if *g.Word(s, a.off) == 0 {
			b.Null()
			continue
		}
		a.load(g, s)
		a.buf = a.fold.result(b, &a.set, a.buf)
	}
}

// result appends what a set of one value or more gives. An empty set that was
// built of integers cannot be; one that is left of sets is a result.
func (f fold) result(b *vec.Builder, set *roar.Set, buf []byte) []byte {
	if f.count {
		b.Int(set.Len())
		return buf
	}
	buf = set.Append(buf[:0])
	b.Bytes(buf)
	return buf
}

// bitmap builds the result of the values of a list.
func (a *list) bitmap(b *vec.Builder, all []byte, n int) error {
	if n == 0 {
		b.Null()
		return nil
	}
	values := vec.NewBuilder(a.arg)
	for range n {
		all = BuildValue(values, all, a.arg)
	}
	col, set, next := values.Finish(), roar.New(), roar.New()
	for i := range n {
		if err := a.fold.add(set, next, col, i, i == 0); err != nil {
			return err
		}
	}
	a.buf = a.fold.result(b, set, a.buf)
	return nil
}

// bitmaps are the rows of the table of functions for sets of integers.
func bitmaps(one func(sig, meaning, example, takes string, accept func(types.Type) bool, ret func(types.Type) types.Type,
	make func(jobgraph.AggCall, bool) (Agg, error)) *function) map[string]*function {
	isInt := func(t types.Type) bool { return t.Integer() && t.Kind <= types.Int }
	isSet := func(t types.Type) bool { return t.Kind == types.Bitmap }
	set := func(types.Type) types.Type { return types.TBitmap }
	count := func(types.Type) types.Type { return types.TBigInt }
	out := map[string]*function{
		"BITMAP_BUILD_AGG":             one("BITMAP_BUILD_AGG(n)", "the set of the integers; NULLs are passed over", "BITMAP_BUILD_AGG(user_id)", "an INT", isInt, set, newBitmap(fold{build: true, op: roar.Or})),
		"BITMAP_BUILD_CARDINALITY_AGG": one("BITMAP_BUILD_CARDINALITY_AGG(n)", "how many different integers there are", "BITMAP_BUILD_CARDINALITY_AGG(user_id)", "an INT", isInt, count, newBitmap(fold{build: true, op: roar.Or, count: true})),
	}
	for _, f := range []struct {
		name, meaning string
		op            roar.Op
	}{
		{"AND", "what is in all of the sets", roar.And},
		{"OR", "what is in one of the sets or more", roar.Or},
		{"XOR", "what is in an odd number of the sets", roar.Xor},
	} {
		name, counted := "BITMAP_"+f.name+"_AGG", "BITMAP_"+f.name+"_CARDINALITY_AGG"
		out[name] = one(name+"(b)", f.meaning, name+"(visitors)", "a BITMAP", isSet, set, newBitmap(fold{op: f.op}))
		out[counted] = one(counted+"(b)", "how many integers are in "+name+"(b)", counted+"(visitors)", "a BITMAP", isSet, count, newBitmap(fold{op: f.op, count: true}))
	}
	for name, f := range out {
		if name == "BITMAP_BUILD_AGG" || name == "BITMAP_BUILD_CARDINALITY_AGG" {
			f.all = func(args []types.Type) (types.Type, []types.Type, bool) {
				return f.ret(args[0]), []types.Type{types.TInt.Nullable(!args[0].NotNull)}, isInt(args[0])
			}
		}
	}
	return out
}

package expr

import (
	"slices"

	"github.com/millrace-io/millrace/types"
)

// Column returns the input column at an index.
func Column(index int, t types.Type) *Expr { return &Expr{Op: Col, Type: t, Index: index} }

// Literal returns a constant in the form that Expr.Value has for its type: nil
// for NULL, bool, int64 (integers, dates, times, timestamps, intervals, decimals
// of up to 18 digits), types.Int128 (the wide ones), float64, or string.
func Literal(t types.Type, value any) *Expr {
	return &Expr{Op: Lit, Type: t.Nullable(value == nil), Value: value}
}

// NullOf returns the constant NULL of a type.
func NullOf(t types.Type) *Expr { return &Expr{Op: Lit, Type: t.Nullable(true)} }

// Bool returns TRUE or FALSE.
func Bool(b bool) *Expr { return Literal(types.TBoolean, b) }

// Int returns an INT constant.
func Int(i int64) *Expr { return Literal(types.TInt, i) }

// Text returns a string constant; its type is CHAR of its length, as Flink's
// literals have.
func Text(s string) *Expr {
	t := types.Type{Kind: types.Char, Len: len([]rune(s))}
	if t.Len == 0 {
		t = types.TString
	}
	return Literal(t, s)
}

// IsTrue reports whether e is the constant TRUE.
func (e *Expr) IsTrue() bool { return e.Op == Lit && e.Value == true }

// IsFalse reports whether e is the constant FALSE or NULL: what filters all out.
func (e *Expr) IsFalse() bool { return e.Op == Lit && (e.Value == false || e.Value == nil) }

// Is reports whether e is a call of that function.
func (e *Expr) Is(name string) bool { return e.Op == Call && e.Func == name }

// Walk visits e and what is below it, parents first; it does not go below a
// node for which f returns false.
func Walk(e *Expr, f func(*Expr) bool) {
	if !f(e) {
		return
	}
	for _, a := range e.Args {
		Walk(a, f)
	}
}

// Map rewrites e from the leaves up: f is given each node with its arguments
// already rewritten and returns what stands in its place. Nodes are copied only
// where something below changed; f must not change the one it is given.
func Map(e *Expr, f func(*Expr) *Expr) *Expr {
	for i, a := range e.Args {
		b := Map(a, f)
		if b == a {
			continue
		}
		c := *e
		c.Args = slices.Clone(e.Args)
		c.Args[i] = b
		for j := i + 1; j < len(c.Args); j++ {
			c.Args[j] = Map(c.Args[j], f)
		}
		return f(&c)
	}
	return f(e)
}

// Equal reports whether two expressions are the same tree over the same types.
// Volatile calls are equal to their likes: whoever merges equals has to ask
// Volatile.
func Equal(a, b *Expr) bool {
	if a == b {
		return true
	}
	return a.Op == b.Op && a.Index == b.Index && a.Func == b.Func && sameValue(a.Value, b.Value) &&
		a.Type.NotNull == b.Type.NotNull && a.Type.Equal(b.Type) && slices.EqualFunc(a.Args, b.Args, Equal)
}

func sameValue(a, b any) bool {
	x, ok := a.(float64)
	y, ok2 := b.(float64)
	if ok && ok2 {
		return x == y || x != x && y != y
	}
	return a == b
}

// Columns returns the input columns that e reads, ascending, each once.
func Columns(e *Expr) []int {
	var out []int
	Walk(e, func(e *Expr) bool {
		if e.Op == Col {
			out = append(out, e.Index)
		}
		return true
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// Remap returns e with each column's index replaced.
func Remap(e *Expr, to func(index int) int) *Expr {
	return Map(e, func(e *Expr) *Expr {
		if e.Op != Col || to(e.Index) == e.Index {
			return e
		}
		c := *e
		c.Index = to(e.Index)
		return &c
	})
}

// And returns the conjunction of predicates: TRUE for none. Constants that are
// TRUE are left out.
func And(list []*Expr) *Expr {
	var parts []*Expr
	for _, e := range list {
		if !e.IsTrue() {
			parts = append(parts, e)
		}
	}
	switch len(parts) {
	case 0:
		return Bool(true)
	case 1:
		return parts[0]
	}
	return &Expr{Op: Call, Func: "AND", Args: parts, Type: boolType(parts)}
}

// boolType is BOOLEAN, NOT NULL when all of the arguments are.
func boolType(args []*Expr) types.Type {
	t := types.TBoolean
	t.NotNull = !slices.ContainsFunc(args, func(e *Expr) bool { return !e.Type.NotNull })
	return t
}

// Conjuncts returns the predicates that e is the AND of, nested ones flattened;
// none for TRUE.
func Conjuncts(e *Expr) []*Expr {
	if e == nil || e.IsTrue() {
		return nil
	}
	if !e.Is("AND") {
		return []*Expr{e}
	}
	var out []*Expr
	for _, a := range e.Args {
		out = append(out, Conjuncts(a)...)
	}
	return out
}

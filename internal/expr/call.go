package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
)

// NewCall returns a call of a function or an operator: it looks up the name,
// lets the function pick its implementation, and casts the arguments to what
// that takes. It folds nothing. Errors are in the user's words, with the types.
//
// Names of operators are their signs (=, ||, LIKE, IS NOT NULL, IN …). Some names
// stand for trees of others: BETWEEN, NOT BETWEEN, BETWEEN SYMMETRIC, NOT IN, NOT
// LIKE, NOT SIMILAR TO, IF, IFNULL, NULLIF, IS UNKNOWN. CASE takes condition,
// value, …, and may leave out its else. A cast is made by Cast or TryCast.
func NewCall(name string, args ...*Expr) (*Expr, error) {
	name = strings.ToUpper(name)
	if low := lowered[name]; low != nil {
		return low(name, args)
	}
	switch {
	case name == "CASE" && len(args)%2 == 0:
		args = append(slices.Clone(args), NullOf(types.TNull))
	case name == "UNIX_TIMESTAMP" && len(args) == 0:
		name = "UNIX_TIMESTAMP NOW" // apart, because only this form is volatile
	}
	f := fn.Lookup(name)
	if f == nil {
		return nil, unknownFunc(name)
	}
	if f.Resolve == nil {
		return nil, fmt.Errorf("%s cannot be called here", f.Name)
	}
	impl, err := f.Resolve(argsOf(args))
	if err != nil {
		return nil, err
	}
	if args, err = castArgs(args, impl.Args); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return &Expr{Op: Call, Func: f.Name, Type: impl.Ret, Args: args}, nil
}

func unknownFunc(name string) error {
	names := fn.Names()
	best := slices.IndexFunc(names, func(s string) bool { return near(s, name) })
	if best >= 0 {
		return fmt.Errorf("there is no function %s; did you mean %s?", name, names[best])
	}
	return fmt.Errorf("there is no function %s", name)
}

// near reports whether two names differ by one letter, or by underscores.
func near(a, b string) bool {
	if strings.ReplaceAll(a, "_", "") == strings.ReplaceAll(b, "_", "") {
		return true
	}
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(a)-len(b) > 1 || len(b) < 3 {
		return false
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	return a[i+1:] == b[i:] || len(a) == len(b) && a[min(i+1, len(a)):] == b[min(i+1, len(b)):]
}

// argsOf describes arguments to Resolve.
func argsOf(args []*Expr) []fn.Arg {
	out := make([]fn.Arg, len(args))
	for i, a := range args {
		out[i] = fn.Arg{Type: a.Type, Const: a.Op == Lit, Value: a.Value, Func: a.Func}
	}
	return out
}

// castArgs casts arguments to the types that an implementation takes.
func castArgs(args []*Expr, want []types.Type) ([]*Expr, error) {
	if len(want) != len(args) {
		return nil, fmt.Errorf("implementation for %d arguments called with %d", len(want), len(args))
	}
	out := slices.Clone(args)
	for i, a := range args {
		if sameForm(a.Type.Plain(), want[i].Plain()) && a.Type.Kind != types.Null {
			continue
		}
		c, err := Cast(a, want[i])
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

// lowered are the names that stand for trees of other calls.
var lowered map[string]func(name string, args []*Expr) (*Expr, error)

func init() {
	lowered = map[string]func(string, []*Expr) (*Expr, error){
		"BETWEEN": lowerBetween, "NOT BETWEEN": lowerBetween,
		"BETWEEN SYMMETRIC": lowerBetween, "NOT BETWEEN SYMMETRIC": lowerBetween,
		"NOT IN": lowerNot, "NOT LIKE": lowerNot, "NOT SIMILAR TO": lowerNot,
		"IF": lowerIf, "IFNULL": lowerIfNull, "NULLIF": lowerNullIf,
		"IS UNKNOWN": lowerUnknown, "IS NOT UNKNOWN": lowerUnknown,
		"!=": func(_ string, args []*Expr) (*Expr, error) { return NewCall("<>", args...) },
	}
}

func takes(name string, args []*Expr, n int, form string) error {
	if len(args) == n {
		return nil
	}
	return fmt.Errorf("%s takes %d arguments, as in %s, not %d", name, n, form, len(args))
}

func lowerBetween(name string, args []*Expr) (*Expr, error) {
	if err := takes(name, args, 3, "x BETWEEN low AND high"); err != nil {
		return nil, err
	}
	e, err := within(args[0], args[1], args[2])
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, "SYMMETRIC") {
		other, err := within(args[0], args[2], args[1])
		if err != nil {
			return nil, err
		}
		if e, err = NewCall("OR", e, other); err != nil {
			return nil, err
		}
	}
	if strings.HasPrefix(name, "NOT") {
		return NewCall("NOT", e)
	}
	return e, nil
}

func within(x, low, high *Expr) (*Expr, error) {
	a, err := NewCall(">=", x, low)
	if err != nil {
		return nil, err
	}
	b, err := NewCall("<=", x, high)
	if err != nil {
		return nil, err
	}
	return NewCall("AND", a, b)
}

func lowerNot(name string, args []*Expr) (*Expr, error) {
	e, err := NewCall(strings.TrimPrefix(name, "NOT "), args...)
	if err != nil {
		return nil, err
	}
	return NewCall("NOT", e)
}

func lowerIf(name string, args []*Expr) (*Expr, error) {
	if err := takes(name, args, 3, "IF(condition, then, else)"); err != nil {
		return nil, err
	}
	return NewCall("CASE", args...)
}

func lowerIfNull(name string, args []*Expr) (*Expr, error) {
	if err := takes(name, args, 2, "IFNULL(x, instead)"); err != nil {
		return nil, err
	}
	return NewCall("COALESCE", args...)
}

func lowerNullIf(name string, args []*Expr) (*Expr, error) {
	if err := takes(name, args, 2, "NULLIF(x, unwanted)"); err != nil {
		return nil, err
	}
	same, err := NewCall("=", args...)
	if err != nil {
		return nil, err
	}
	return NewCall("CASE", same, NullOf(args[0].Type.Nullable(true)), args[0])
}

func lowerUnknown(name string, args []*Expr) (*Expr, error) {
	return NewCall(strings.Replace(name, "UNKNOWN", "NULL", 1), args...)
}

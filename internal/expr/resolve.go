package expr

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
)

func init() {
	logic := func(name, meaning string) *fn.Func {
		return &fn.Func{Name: name, Resolve: func(args []fn.Arg) (*fn.Impl, error) { return resolveLogic(name, args) },
			Doc: fn.Doc{Category: "logical", Signature: "a " + name + " b", Meaning: meaning, Example: "TRUE " + name + " FALSE"}}
	}
	fn.Register(
		logic("AND", "TRUE if both are, FALSE if one is FALSE, else unknown"),
		logic("OR", "TRUE if one is, FALSE if both are FALSE, else unknown"),
		&fn.Func{Name: "CASE", Resolve: resolveCase, Doc: fn.Doc{Category: "conditional",
			Signature: "CASE WHEN condition THEN value … [ELSE value] END",
			Meaning:   "the value of the first condition that is TRUE", Example: "CASE WHEN 1 < 2 THEN 'a' ELSE 'b' END"}},
		&fn.Func{Name: "COALESCE", Resolve: resolveCoalesce, Doc: fn.Doc{Category: "conditional",
			Signature: "COALESCE(a, b, …)", Meaning: "the first argument that is not NULL", Example: "COALESCE(NULL, 2)"}},
		special("IF", "conditional", "IF(c, a, b)", "a where c is TRUE, else b", "IF(1 < 2, 'a', 'b')"),
		special("IFNULL", "conditional", "IFNULL(a, b)", "b where a is NULL, else a", "IFNULL(NULLIF(1, 1), 2)"),
		special("NULLIF", "conditional", "NULLIF(a, b)", "NULL where a = b, else a", "NULLIF(1, 1)"),
		special("CAST", "conversion", "CAST(x AS type)", "x as a value of another type; fails if it is none", "CAST('42' AS INT)"),
		special("TRY_CAST", "conversion", "TRY_CAST(x AS type)", "x as a value of another type, NULL if it is none", "TRY_CAST('x' AS INT)"),
		special("BETWEEN", "comparison", "x [NOT] BETWEEN [SYMMETRIC] low AND high", "low <= x AND x <= high", "2 BETWEEN 1 AND 3"),
	)
}

// special documents a function that NewCall or Cast turns into others.
func special(name, category, signature, meaning, example string) *fn.Func {
	return &fn.Func{Name: name, Doc: fn.Doc{Category: category, Signature: signature, Meaning: meaning, Example: example}}
}

func resolveLogic(name string, args []fn.Arg) (*fn.Impl, error) {
	if len(args) < 2 {
		return nil, fmt.Errorf("%s takes at least 2 arguments, not %d", name, len(args))
	}
	impl := &fn.Impl{NullsIn: true, Ret: types.TBoolean.Nullable(false)}
	for _, a := range args {
		if !isBool(a.Type) {
			return nil, fmt.Errorf("%s takes BOOLEAN on both sides, not %s", name, a.Type.Name())
		}
		impl.Args = append(impl.Args, types.TBoolean)
		impl.Ret.NotNull = impl.Ret.NotNull && a.Type.NotNull
	}
	return impl, nil
}

func resolveCase(args []fn.Arg) (*fn.Impl, error) {
	if len(args) < 3 || len(args)%2 == 0 {
		return nil, fmt.Errorf("CASE takes conditions with values and an else, not %d arguments", len(args))
	}
	var values []types.Type
	for i, a := range args {
		if i%2 == 1 || i == len(args)-1 {
			values = append(values, a.Type)
		} else if !isBool(a.Type) {
			return nil, fmt.Errorf("a condition must be a BOOLEAN, not %s", a.Type.Name())
		}
	}
	t, err := CommonType(values...)
	if err != nil {
		return nil, fmt.Errorf("the values of CASE differ: %w", err)
	}
	impl := &fn.Impl{NullsIn: true, Ret: t}
	for i := range args {
		if i%2 == 1 || i == len(args)-1 {
			impl.Args = append(impl.Args, t)
		} else {
			impl.Args = append(impl.Args, types.TBoolean)
		}
	}
	return impl, nil
}

func resolveCoalesce(args []fn.Arg) (*fn.Impl, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("COALESCE takes at least one argument")
	}
	impl := &fn.Impl{NullsIn: true}
	var list []types.Type
	notNull := false
	for _, a := range args {
		list = append(list, a.Type)
		notNull = notNull || a.Type.NotNull
	}
	t, err := WidestType(list...)
	if err != nil {
		return nil, fmt.Errorf("the arguments of COALESCE differ: %w", err)
	}
	for range args {
		impl.Args = append(impl.Args, t)
	}
	impl.Ret = t.Nullable(!notNull)
	return impl, nil
}

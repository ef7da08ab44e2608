package expr

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	_ "github.com/millrace-io/millrace/internal/expr/fn/table" // the table functions
)

// ResolveTable picks the implementation of a call of a table function, and casts
// the arguments to what it takes.
func ResolveTable(name string, args ...*Expr) (*fn.TableImpl, []*Expr, error) {
	f := fn.LookupTable(name)
	if f == nil {
		return nil, nil, fmt.Errorf("unknown table function '%s'", name)
	}
	impl, err := f.Resolve(argsOf(args))
	if err != nil {
		return nil, nil, err
	}
	args, err = castArgs(args, impl.Args)
	return impl, args, err
}

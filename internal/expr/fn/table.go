package fn

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A TableFunc is a SQL table function under all its signatures: of the arguments
// of one row it makes any number of rows. It stands in FROM, as UNNEST(x) or
// LATERAL TABLE(f(x)).
//
// Window table functions, which take a whole table, are none of these: the binder
// knows them.
type TableFunc struct {
	Name    string // upper case
	Aliases []string
	Doc     Doc
	// Resolve picks the implementation, or says what is wrong with the arguments,
	// as Func.Resolve does.
	Resolve func(args []Arg) (*TableImpl, error)
}

// A TableImpl is a table function for certain argument types.
type TableImpl struct {
	Args []types.Type // what each argument is to be cast to; as many as the call has
	Out  types.Schema // the columns of its rows, with the names that they have without an alias
	Eval TableEval
	// Exact: Eval is to see only rows that count, each of them once. It has effects, or
	// fails on what it does not expect.
	Exact bool
}

// A TableEval makes the rows of a whole batch. The arguments are flat, of n rows,
// and may be NULL; rows that do not count hold anything, and what is made of them
// is not looked at. It must not change its arguments, but its Rows may share
// their memory: what an array holds is handed out as it lies.
//
// What it makes is held in memory until all of it has been emitted, so that it
// should be no larger than the arguments are.
type TableEval func(c *Call, args []vec.Vector, n int) Rows

// Rows are what a table function makes of a batch: row i of the arguments gives
// the rows Offs[i] to Offs[i+1] of Cols, in this order.
type Rows struct {
	Offs  []uint32     // one more than there are rows of arguments; ascending
	Valid vec.Bitmap   // a row of arguments that is not valid gives nothing, whatever Offs says
	Cols  []vec.Vector // of equal length, at least the last of Offs
	// Times is how often each row of Cols comes; nil means once. 0 leaves it out:
	// it has a place in the ordinality all the same.
	Times []int32
	// Err is why there are no rows.
	Err error
}

var tables = map[string]*TableFunc{}

// RegisterTable makes a table function known, at init. It panics if a name is taken.
func RegisterTable(list ...*TableFunc) {
	for _, f := range list {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if tables[name] != nil {
				panic(fmt.Sprintf("fn: table function %s is registered twice", name))
			}
			tables[name] = f
		}
	}
}

// LookupTable returns the table function of that name, in any case, or nil.
func LookupTable(name string) *TableFunc { return tables[strings.ToUpper(name)] }

// TableNames returns all names of table functions, sorted.
func TableNames() []string { return slices.Sorted(maps.Keys(tables)) }

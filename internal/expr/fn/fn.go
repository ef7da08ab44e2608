// Package fn is the registry of SQL functions and the contract of their kernels.
//
// A scalar function is a Func: its names, its documentation and a Resolve that
// picks an Impl for the types of a call's arguments. The binder casts the
// arguments to what the Impl asks for; the evaluator calls its Eval with whole
// columns. Subpackages register the functions, one family a file.
package fn

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// An Env is what functions may know of the world: a run has one.
type Env struct {
	Zone       *time.Location // table.local-time-zone
	QueryStart int64          // microseconds since the epoch, fixed for a batch query
	Now        func() int64   // microseconds since the epoch; row-level time in a stream
	Streaming  bool
	Seed       uint64 // of RAND, UUID and the like
	// Watermark is the operator's watermark in microseconds, for
	// CURRENT_WATERMARK; false before the first one. It may be nil.
	Watermark func() (int64, bool)
	// Print takes lines of the function PRINT, from several goroutines, and keeps
	// nothing of them. It may be nil.
	Print func(lines []byte)

	sites uint64
}

// Site numbers the places in expressions that ask for it, so that two calls of
// RAND in one run are not the same.
func (e *Env) Site() uint64 { return atomic.AddUint64(&e.sites, 1) }

// For returns the environment of a subtask's operator. What it draws at random depends
// on the run's seed, on the operator, the subtask and the attempt at it: neither do two
// subtasks draw the same, nor does one after a restart what it drew before.
func (e *Env) For(op string, subtask, attempt int) *Env {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %d %s", e.Seed, subtask, attempt, op)
	return &Env{Zone: e.Zone, QueryStart: e.QueryStart, Now: e.Now, Streaming: e.Streaming, Seed: h.Sum64(), Watermark: e.Watermark, Print: e.Print}
}

// An Arg is one argument of a call, as Resolve sees it.
type Arg struct {
	Type  types.Type
	Const bool
	Value any    // of a constant: nil for NULL, bool, int64, float64, types.Int128 or string
	Func  string // the function that the argument is a call of, "" for a column or a constant
}

// An Impl is a function for certain argument types.
type Impl struct {
	Args []types.Type // what each argument is to be cast to; as many as the call has
	Ret  types.Type   // with its nullability
	// NullsIn: Eval deals with NULL arguments. Otherwise the result is NULL where
	// any argument is: the evaluator sees to it, and calls Eval only with rows
	// whose arguments are all valid.
	NullsIn bool
	// Total: Eval of a strict function may be called with rows whose arguments
	// are NULL, so hold any value: it cannot fail on them and is as fast as
	// without. The evaluator then does not narrow the rows, it only marks NULLs.
	Total bool
	// Eval is nil for the functions that the evaluator owns (AND, CASE …).
	Eval Eval
}

// An Eval computes a column. rows are the positions wanted, ascending; nil means
// all of [0, n). The result has length n (or is a Const of length n); positions
// not wanted hold anything. Arguments have length n each, are flat or Const, and
// for a steady function at least one is flat. An Eval must not change or keep its arguments, but may return one.
type Eval func(c *Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error)

// A Call is one place in an expression where a function is called; it lives as
// long as the operator, on one goroutine, so Eval may keep scratch in State.
type Call struct {
	Env   *Env
	Ret   types.Type
	Args  []Arg
	State any
	// Row numbers rows within the stream of the subtask, for functions whose
	// result depends on the place (RAND without a seed).
	Row int64
}

// A Func is a SQL scalar function under all its signatures.
type Func struct {
	Name    string // upper case
	Aliases []string
	Doc     Doc
	// Volatile functions give another result at each call for the same
	// arguments (RAND, UUID, CURRENT_TIMESTAMP in a stream): they are not folded
	// and not evaluated again for a retraction.
	Volatile bool
	// Constant functions have one result a batch query (CURRENT_DATE).
	Constant bool
	// Resolve picks the implementation, or says what is wrong with the
	// arguments, in the user's words: it names the types and what is expected.
	Resolve func(args []Arg) (*Impl, error)
}

// Doc is what SHOW, DESCRIBE, completion and the docs say of a function.
type Doc struct {
	Category  string // string, math, temporal, comparison, logical, conditional, conversion, collection, json, hash, aggregate, window, table
	Signature string
	Meaning   string
	Example   string
}

var funcs = map[string]*Func{}

// Register makes a function known, at init. It panics if a name is taken.
func Register(list ...*Func) {
	for _, f := range list {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if funcs[name] != nil {
				panic(fmt.Sprintf("fn: %s is registered twice", name))
			}
			funcs[name] = f
		}
	}
}

// Lookup returns the function of that name, in any case, or nil.
func Lookup(name string) *Func { return funcs[strings.ToUpper(name)] }

// Names returns all names, sorted.
func Names() []string { return slices.Sorted(maps.Keys(funcs)) }

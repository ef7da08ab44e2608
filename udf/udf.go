// Package udf brings functions written in Go into SQL.
//
// A program registers its functions and then is millrace, with all its commands:
//
//	func main() {
//		udf.Scalar("shout", func(s string) string { return strings.ToUpper(s) + "!" })
//		cli.Main()
//	}
//
// or it opens a session of package millrace. Functions are registered before the
// first statement runs and belong to the whole process; a name in SQL has no case.
// Subtasks call a function at the same time: what it shares has a lock.
// A mistake in a registration (a name that is taken, a type that SQL has not) is
// one of the program, so it panics.
//
// # Values
//
//	Go                       SQL
//	bool                     BOOLEAN
//	int8 int16 int32 int64   TINYINT SMALLINT INT BIGINT
//	int                      BIGINT
//	float32 float64          FLOAT DOUBLE
//	string, []byte           STRING, BYTES
//	time.Time                TIMESTAMP(6); the wall clock of the value in UTC
//	Instant                  TIMESTAMP_LTZ(6)
//	Date, Time               DATE, TIME(3)
//	Decimal                  DECIMAL(38, 18)
//	[]T, map[K]V             ARRAY<T>, MAP<K, V>
//	struct                   ROW; the exported fields, in snake_case or as `sql:"name"` says
//	*T, Null[T]              T, or NULL
//
// Arguments are cast to these types where Flink casts by itself.
//
// # NULL
//
// A parameter of type *T or Null[T] takes NULL. Where an argument for any other
// parameter is NULL the function is not called: a scalar function gives NULL, a
// table function no rows, and an aggregate passes over the row.
//
// # Failures
//
// A function may return an error as its last result. It fails the job, and so does
// a panic; the message names the function. The process goes on.
package udf

import (
	"fmt"
	"reflect"
	"regexp"
	"runtime"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
)

// Null is a value or NULL.
type Null[T any] struct {
	V     T
	Valid bool // V is a value; otherwise it is NULL
}

// Some returns a value that is not NULL.
func Some[T any](v T) Null[T] { return Null[T]{v, true} }

func (Null[T]) nullable() {}

// An Option is one of a registration.
type Option func(*function)

// Volatile says that a scalar function may give another result for the same
// arguments. It is then not called when the statement is planned, and not again for
// a row that is taken back.
func Volatile() Option { return func(f *function) { f.volatile = true } }

// Describe gives the text that DESCRIBE FUNCTION EXTENDED and the shell show.
func Describe(meaning string) Option { return func(f *function) { f.meaning = meaning } }

// function is what all kinds of function have.
type function struct {
	name     string
	volatile bool
	meaning  string
	params   []*codec
	variadic bool // the last parameter stands for any number of arguments
}

var validName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func newFunction(name string, opts []Option) *function {
	f := &function{name: strings.ToUpper(name), meaning: "a function of this program"}
	switch {
	case !validName.MatchString(name):
		panic(fmt.Sprintf("udf: %q is no name for a function", name))
	case fn.Lookup(f.name) != nil || fn.LookupTable(f.name) != nil || agg.Known(f.name):
		panic(fmt.Sprintf("udf: there is already a function %s", f.name))
	}
	for _, o := range opts {
		o(f)
	}
	return f
}

// takes sets the parameters from those of a Go function, but for the first skip.
func (f *function) takes(t reflect.Type, skip int) {
	f.params = nil
	for i := skip; i < t.NumIn(); i++ {
		in := t.In(i)
		if t.IsVariadic() && i == t.NumIn()-1 {
			f.variadic, in = true, in.Elem()
		}
		c, err := codecOf(in)
		if err != nil {
			panic(fmt.Sprintf("udf: %s: parameter %d: %v", f.name, i-skip+1, err))
		}
		f.params = append(f.params, c)
	}
}

// param is the parameter for an argument.
func (f *function) param(i int) *codec {
	if i >= len(f.params) {
		i = len(f.params) - 1
	}
	return f.params[i]
}

// signature is NAME(BIGINT, STRING …).
func (f *function) signature() string {
	list := make([]string, len(f.params))
	for i, p := range f.params {
		list[i] = p.sql.Name()
	}
	if f.variadic {
		list[len(list)-1] += " …"
	}
	return f.name + "(" + strings.Join(list, ", ") + ")"
}

func (f *function) doc(category string) fn.Doc {
	return fn.Doc{Category: category, Signature: f.signature(), Meaning: f.meaning}
}

// resolve checks arguments and returns what they are cast to; nullable is whether
// one of them may be NULL that the function does not take as such.
func (f *function) resolve(args []types.Type) (casts []types.Type, nullable bool, err error) {
	n := len(f.params)
	if len(args) != n && !(f.variadic && len(args) >= n-1) {
		return nil, false, fmt.Errorf("%s is called with %d arguments", f.signature(), len(args))
	}
	for i, a := range args {
		p := f.param(i)
		if a.Kind != types.Null && !expr.CanCast(a, p.sql, true) {
			return nil, false, fmt.Errorf("%s is called with %s where it takes %s", f.signature(), a.Name(), p.sql.Name())
		}
		may := a.Kind == types.Null || !a.NotNull
		casts = append(casts, p.sql.Nullable(may))
		nullable = nullable || may && !p.null
	}
	return casts, nullable, nil
}

func typesOf(args []fn.Arg) []types.Type {
	out := make([]types.Type, len(args))
	for i, a := range args {
		out[i] = a.Type
	}
	return out
}

// failed is the error of a function that returned one.
func (f *function) failed(err error) error { return fmt.Errorf("function %s: %w", f.name, err) }

// guard makes a panic of the function an error. It is deferred.
func (f *function) guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("function %s panicked: %v%s", f.name, p, where())
	}
}

// where is the place in the source that panicked.
func where() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicked := false
	for {
		fr, more := frames.Next()
		switch {
		case fr.Function == "runtime.gopanic":
			panicked = true
		case panicked && !strings.HasPrefix(fr.Function, "runtime."):
			return fmt.Sprintf(" (%s:%d)", fr.File[strings.LastIndexByte(fr.File, '/')+1:], fr.Line)
		}
		if !more {
			return ""
		}
	}
}

var errorType = reflect.TypeFor[error]()

// funcOf checks a Go function and returns what it gives, without the error.
func (f *function) funcOf(v reflect.Value) (out reflect.Type, fails bool) {
	if v.Kind() != reflect.Func || v.IsNil() {
		panic(fmt.Sprintf("udf: %s is given no function", f.name))
	}
	t := v.Type()
	switch n := t.NumOut(); {
	case n == 1 && t.Out(0) != errorType:
		return t.Out(0), false
	case n == 2 && t.Out(1) == errorType:
		return t.Out(0), true
	}
	panic(fmt.Sprintf("udf: %s has to return a value, or a value and an error", f.name))
}

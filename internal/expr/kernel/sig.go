package kernel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
)

// A Want is what a function accepts as an argument: To returns the type that an
// argument of type t is cast to, or false. NULL is accepted by every Want.
type Want struct {
	Name string
	Null types.Type // what a bare NULL becomes
	To   func(t types.Type) (types.Type, bool)
}

// The wants. Text and Raw keep CHAR(n) and BINARY(n) as they are.
var (
	Text = Want{"STRING", types.TString, func(t types.Type) (types.Type, bool) { return t, t.Character() }}
	Raw  = Want{"BYTES", types.TBytes, func(t types.Type) (types.Type, bool) { return t, t.Bytes() }}
	// TextOrRaw takes texts and bytes.
	TextOrRaw = Want{"STRING or BYTES", types.TString, func(t types.Type) (types.Type, bool) { return t, t.Character() || t.Bytes() }}
	Logical   = Want{"BOOLEAN", types.TBoolean, func(t types.Type) (types.Type, bool) { return t, t.Kind == types.Boolean }}
	// Int32 takes any integer as INT, Int64 as BIGINT.
	Int32 = Want{"INT", types.TInt, func(t types.Type) (types.Type, bool) { return types.TInt, t.Integer() }}
	Int64 = Want{"BIGINT", types.TBigInt, func(t types.Type) (types.Type, bool) { return types.TBigInt, t.Integer() }}
	// Whole takes any integer as it is, Number any number, Float any number as DOUBLE.
	Whole  = Want{"an integer", types.TInt, func(t types.Type) (types.Type, bool) { return t, t.Integer() }}
	Number = Want{"a number", types.TInt, func(t types.Type) (types.Type, bool) { return t, t.Numeric() }}
	Float  = Want{"a number", types.TDouble, func(t types.Type) (types.Type, bool) { return types.TDouble, t.Numeric() }}
	Exact  = Want{"DECIMAL", types.DecimalOf(10, 0), func(t types.Type) (types.Type, bool) { return t, t.Kind == types.Decimal }}

	DateOnly = Want{"DATE", types.TDate, func(t types.Type) (types.Type, bool) { return t, t.Kind == types.Date }}
	TimeOnly = Want{"TIME", types.Of(types.Time), func(t types.Type) (types.Type, bool) { return t, t.Kind == types.Time }}
	// Stamp takes TIMESTAMP and TIMESTAMP_LTZ in microseconds.
	Stamp = Want{"TIMESTAMP", types.TimestampOf(3), func(t types.Type) (types.Type, bool) {
		t.Prec = min(t.Prec, 6)
		return t.Plain(), t.Stamp()
	}}
	LocalStamp = Want{"TIMESTAMP", types.TimestampOf(3), func(t types.Type) (types.Type, bool) {
		return types.TimestampOf(min(t.Prec, 6)), t.Stamp()
	}}
	Variant  = Want{"VARIANT", types.TVariant, func(t types.Type) (types.Type, bool) { return t, t.Kind == types.Variant }}
	Bitmap   = Want{"BITMAP", types.TBitmap, func(t types.Type) (types.Type, bool) { return t, t.Kind == types.Bitmap }}
	List     = Want{"ARRAY", types.ArrayOf(types.TInt), func(t types.Type) (types.Type, bool) { return t, t.Kind == types.Array }}
	MapOf    = Want{"MAP", types.MapOf(types.TString, types.TString), func(t types.Type) (types.Type, bool) { return t, t.Kind == types.Map }}
	Anything = Want{"any value", types.TInt, func(t types.Type) (types.Type, bool) { return t, true }}
)

// A Sig is one signature of a function and its kernel.
type Sig struct {
	Args []Want
	Opt  int  // how many at the end may be left out
	Rest bool // the last may be repeated
	// Ret is the type of the result; Of computes it where it depends on the
	// arguments, as they are cast.
	Ret types.Type
	Of  func(args []types.Type) types.Type
	// MayBeNull: NULL may come out though nothing NULL goes in. Otherwise the
	// result is NOT NULL if all arguments are, or, with NeverNull, always.
	MayBeNull bool
	NeverNull bool
	NullsIn   bool
	Total     bool
	Eval      fn.Eval
	// Make returns the kernel for the types of the arguments, in place of Eval.
	Make func(args []types.Type, ret types.Type) fn.Eval
}

// Define returns a function with the given signatures, tried in order.
func Define(name string, doc fn.Doc, sigs ...Sig) *fn.Func {
	return &fn.Func{Name: name, Doc: doc, Resolve: func(args []fn.Arg) (*fn.Impl, error) {
		for i := range sigs {
			if impl := sigs[i].match(args); impl != nil {
				return impl, nil
			}
		}
		return nil, mismatch(name, sigs, args)
	}}
}

// Alias adds names to a function.
func Alias(f *fn.Func, names ...string) *fn.Func {
	f.Aliases = append(f.Aliases, names...)
	return f
}

func (s *Sig) match(args []fn.Arg) *fn.Impl {
	if len(args) < len(s.Args)-s.Opt || len(args) > len(s.Args) && !s.Rest {
		return nil
	}
	cast := make([]types.Type, len(args))
	notNull := true
	for i, a := range args {
		w := s.Args[min(i, len(s.Args)-1)]
		t, ok := w.Null, true
		if a.Type.Kind != types.Null {
			t, ok = w.To(a.Type)
		}
		if !ok {
			return nil
		}
		t.NotNull = a.Type.NotNull
		cast[i] = t
		notNull = notNull && a.Type.NotNull
	}
	ret := s.Ret
	if s.Of != nil {
		ret = s.Of(cast)
	}
	ret.NotNull = s.NeverNull || notNull && !s.MayBeNull
	impl := &fn.Impl{Args: cast, Ret: ret, NullsIn: s.NullsIn, Total: s.Total, Eval: s.Eval}
	if s.Make != nil {
		impl.Eval = s.Make(cast, ret)
	}
	return impl
}

// mismatch says what a function takes and what it was given.
func mismatch(name string, sigs []Sig, args []fn.Arg) error {
	var forms []string
	for _, s := range sigs {
		if form := s.form(); !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	return fmt.Errorf("%s takes %s, not %s", name, strings.Join(forms, " or "), Given(args))
}

// Given writes the types of arguments: (INT, STRING).
func Given(args []fn.Arg) string {
	var list []string
	for _, a := range args {
		list = append(list, a.Type.Name())
	}
	return "(" + strings.Join(list, ", ") + ")"
}

func (s *Sig) form() string {
	var b strings.Builder
	b.WriteByte('(')
	for i, w := range s.Args {
		optional := i >= len(s.Args)-s.Opt
		if optional {
			b.WriteByte('[')
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(w.Name)
	}
	if s.Rest {
		b.WriteString(", …")
	}
	return b.String() + strings.Repeat("]", s.Opt) + ")"
}

// TooMany says that a function takes no arguments.
func TooMany(name string, args []fn.Arg) error {
	return fmt.Errorf("%s takes no arguments, not %s", name, Given(args))
}

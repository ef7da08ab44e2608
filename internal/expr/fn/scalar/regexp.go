package scalar

import (
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	two := []kernel.Want{kernel.Text, kernel.Text}
	group := []kernel.Want{kernel.Text, kernel.Text, kernel.Int64}
	define := func(name, signature, meaning, example string, s kernel.Sig) *fn.Func {
		s.MayBeNull = true
		return kernel.Define(name, doc("string", signature, meaning, example), s)
	}
	fn.Register(
		kernel.Define("REGEXP", doc("string", "REGEXP(s, re)", "whether the pattern occurs in s; never for ''", "REGEXP('abc', 'b.')"),
			kernel.Sig{Args: two, Ret: types.TBoolean, Eval: evalRegexp}),
		kernel.Define("REGEXP_REPLACE", doc("string", "REGEXP_REPLACE(s, re, with)", "s with each match replaced by a text, taken as it is", "REGEXP_REPLACE('foobar', 'oo|ar', '')"),
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Text, kernel.Text}, Ret: types.TString, Eval: evalRegexpReplace}),
		define("REGEXP_EXTRACT", "REGEXP_EXTRACT(s, re [, group])", "a group of the first match, the whole match by default", "REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 2)",
			kernel.Sig{Args: group, Opt: 1, Ret: types.TString, Eval: evalRegexpExtract}),
		define("REGEXP_EXTRACT_ALL", "REGEXP_EXTRACT_ALL(s, re [, group])", "a group of every match, the first group by default", "REGEXP_EXTRACT_ALL('a1b2', '([a-z])([0-9])', 2)",
			kernel.Sig{Args: group, Opt: 1, Ret: types.ArrayOf(types.TString), Eval: evalRegexpAll}),
		define("REGEXP_COUNT", "REGEXP_COUNT(s, re)", "the number of matches", "REGEXP_COUNT('aXbX', 'X')",
			kernel.Sig{Args: two, Ret: types.TInt, Eval: regexInt(regexCount)}),
		define("REGEXP_INSTR", "REGEXP_INSTR(s, re)", "where the first match begins, from 1; 0 if there is none", "REGEXP_INSTR('aXbX', 'X')",
			kernel.Sig{Args: two, Ret: types.TInt, Eval: regexInt(regexPlace)}),
		define("REGEXP_SUBSTR", "REGEXP_SUBSTR(s, re)", "the first match", "REGEXP_SUBSTR('aXbX', 'X')",
			kernel.Sig{Args: two, Ret: types.TString, Eval: evalRegexpExtract}),
	)
}

// regex returns the compiled pattern; nil if it is none, which fails no query: Flink 2.3
// looks at patterns row by row, constant or not, and gives NULL (REGEXP: FALSE).
func regex(c *fn.Call, pattern []byte) *kernel.Regex {
	r, err := state[kernel.Cache[*kernel.Regex]](c).Get(pattern, kernel.NewRegex)
	if err != nil {
		return nil
	}
	return r
}

func evalRegexp(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, p := kernel.Str(args[0]), kernel.Str(args[1])
	return kernel.NumsErr(rows, n, func(i int) (bool, error) {
		r := regex(c, p.At(i))
		if r == nil || len(p.At(i)) == 0 {
			return false, nil
		}
		return r.Match(s.At(i))
	})
}

func evalRegexpReplace(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, p, with := kernel.Str(args[0]), kernel.Str(args[1]), kernel.Str(args[2])
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		r := regex(c, p.At(i))
		if r == nil {
			return dst, false, nil
		}
		text, last := s.At(i), 0
		found, err := r.FindAll(text)
		for _, m := range found {
			dst = append(append(dst, text[last:m[0]]...), with.At(i)...)
			last = m[1]
		}
		return append(dst, text[last:]...), true, err
	})
}

func evalRegexpExtract(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, p := kernel.Str(args[0]), kernel.Str(args[1])
	group := func(int) int64 { return 0 }
	if len(args) == 3 {
		group = kernel.Num[int64](args[2]).At
	}
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		r, g := regex(c, p.At(i)), group(i)
		if r == nil || g < 0 || g > int64(r.Groups()) {
			return dst, false, nil
		}
		if g == 0 {
			text, ok, err := r.First(s.At(i))
			return append(dst, text...), ok, err
		}
		m, err := r.Find(s.At(i))
		if m == nil || m[2*g] < 0 {
			return dst, false, err
		}
		return append(dst, s.At(i)[m[2*g]:m[2*g+1]]...), true, nil
	})
}

func evalRegexpAll(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, p := kernel.Str(args[0]), kernel.Str(args[1])
	group := func(int) int64 { return 1 }
	if len(args) == 3 {
		group = kernel.Num[int64](args[2]).At
	}
	var failed error
	out := buildRows(c.Ret, rows, n, func(b *vec.Builder, i int) {
		r, g := regex(c, p.At(i)), group(i)
		if r == nil || g < 0 || g > int64(r.Groups()) {
			b.Null()
			return
		}
		found, err := r.FindAll(s.At(i))
		if err != nil {
			failed = err
		}
		for _, m := range found {
			if m[2*g] < 0 {
				b.Kid(0).Null()
			} else {
				b.Kid(0).Bytes(s.At(i)[m[2*g]:m[2*g+1]])
			}
		}
		b.End()
	})
	return out, failed
}

// buildRows makes a nested column: f appends one row; rows not wanted are NULL.
func buildRows(t types.Type, rows []int32, n int, f func(b *vec.Builder, i int)) vec.Vector {
	b := vec.NewBuilder(t)
	kernel.Each(rows, n, func(i int) {
		for b.Len() < i {
			b.Null()
		}
		f(b, i)
	})
	for b.Len() < n {
		b.Null()
	}
	return b.Finish()
}

func regexInt(f func(r *kernel.Regex, s []byte) (int32, error)) fn.Eval {
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		s, p := kernel.Str(args[0]), kernel.Str(args[1])
		var failed error
		out := kernel.NumsNull(rows, n, func(i int) (int32, bool) {
			r := regex(c, p.At(i))
			if r == nil {
				return 0, false
			}
			x, err := f(r, s.At(i))
			if err != nil {
				failed = err
			}
			return x, true
		})
		return out, failed
	}
}

func regexCount(r *kernel.Regex, s []byte) (int32, error) {
	all, err := r.FindAll(s)
	return int32(len(all)), err
}

func regexPlace(r *kernel.Regex, s []byte) (int32, error) {
	m, err := r.Find(s)
	if m == nil {
		return 0, err
	}
	return int32(utf8.RuneCount(s[:m[0]])) + 1, nil
}

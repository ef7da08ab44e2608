package scalar

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	text3 := []kernel.Want{kernel.Text, kernel.Text, kernel.Text}
	fn.Register(
		kernel.Define("LIKE", doc("string", "s [NOT] LIKE pattern [ESCAPE c]", "% stands for any text, _ for one character", "'abc' LIKE 'a%'"),
			kernel.Sig{Args: text3, Opt: 1, Ret: types.TBoolean, Eval: evalLike}),
		kernel.Define("SIMILAR TO", doc("string", "s [NOT] SIMILAR TO pattern [ESCAPE c]", "a regular expression of SQL", "'abc' SIMILAR TO 'a(b|x)c'"),
			kernel.Sig{Args: text3, Opt: 1, Ret: types.TBoolean, Eval: evalSimilar}),
	)
}

// matcher tells whether a text matches.
type matcher interface{ Match(s []byte) bool }

func evalLike(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	if l, ok, err := constLike(c, args); ok || err != nil {
		if err != nil {
			return nil, err
		}
		return kernel.MatchAll(l, kernel.Str(args[0]), rows, n), nil
	}
	return evalMatch(c, args, rows, n, func(pattern string, escape rune) (matcher, error) {
		return kernel.NewLike([]byte(pattern), escape)
	})
}

// constLike returns the compiled pattern if it is a constant.
func constLike(c *fn.Call, args []vec.Vector) (l *kernel.Like, ok bool, err error) {
	for _, a := range args[1:] {
		if _, ok := a.(*vec.Const); !ok {
			return nil, false, nil
		}
	}
	cache := state[kernel.Cache[*kernel.Like]](c)
	l, err = cache.Get(kernel.Str(args[1]).At(0), func(p string) (*kernel.Like, error) {
		escape, err := escapeOf(args, 0)
		if err != nil {
			return nil, err
		}
		return kernel.NewLike([]byte(p), escape)
	})
	return l, true, err
}

// state returns a call's scratch, made when first asked for.
func state[T any](c *fn.Call) *T {
	s, ok := c.State.(*T)
	if !ok {
		s = new(T)
		c.State = s
	}
	return s
}

func escapeOf(args []vec.Vector, row int) (rune, error) {
	if len(args) < 3 {
		return 0, nil
	}
	e := kernel.Str(args[2]).At(row)
	r, size := utf8.DecodeRune(e)
	if size == 0 || size != len(e) {
		return 0, fmt.Errorf("ESCAPE takes one character, not %q", e)
	}
	return r, nil
}

func evalMatch(c *fn.Call, args []vec.Vector, rows []int32, n int, compile func(string, rune) (matcher, error)) (vec.Vector, error) {
	s, p := kernel.Str(args[0]), kernel.Str(args[1])
	cache := state[kernel.Cache[matcher]](c)
	return kernel.NumsErr(rows, n, func(i int) (bool, error) {
		m, err := cache.Get(p.At(i), func(pattern string) (matcher, error) {
			escape, err := escapeOf(args, i)
			if err != nil {
				return nil, err
			}
			return compile(pattern, escape)
		})
		if err != nil {
			return false, err
		}
		return m.Match(s.At(i)), nil
	})
}

func evalSimilar(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	return evalMatch(c, args, rows, n, func(pattern string, escape rune) (matcher, error) {
		re, err := similar(pattern, escape)
		if err != nil {
			return nil, err
		}
		r, err := kernel.NewRegex(re)
		if err != nil {
			return nil, fmt.Errorf("SIMILAR TO pattern %q: %w", pattern, err)
		}
		return r, nil
	})
}

// similar translates a pattern of SIMILAR TO to a regular expression. What has
// no meaning in SQL passes as it is, as in Calcite: a dot is any character.
func similar(pattern string, escape rune) (string, error) {
	var b strings.Builder
	b.WriteString("^(?s:")
	rs := []rune(pattern)
	for i := 0; i < len(rs); i++ {
		switch c := rs[i]; {
		case escape != 0 && c == escape:
			i++
			if i == len(rs) {
				return "", fmt.Errorf("the SIMILAR TO pattern %q ends in its escape character", pattern)
			}
			b.WriteString(quoteRune(rs[i]))
		case c == '_':
			b.WriteByte('.')
		case c == '%':
			b.WriteString(".*")
		case c == '\\' || c == '$':
			b.WriteString(quoteRune(c))
		case c == '[':
			end := class(rs, i)
			b.WriteString(string(rs[i:end]))
			i = end - 1
		default:
			b.WriteRune(c)
		}
	}
	b.WriteString(")$")
	return b.String(), nil
}

func quoteRune(r rune) string {
	if strings.ContainsRune(`\.+*?()|[]{}^$`, r) {
		return `\` + string(r)
	}
	return string(r)
}

// class returns the end of a bracketed class that begins at i, with [:ALPHA:]
// inside it.
func class(rs []rune, i int) int {
	for k := i + 1; k < len(rs); k++ {
		switch {
		case rs[k] == '[' && k+1 < len(rs) && rs[k+1] == ':':
			for k += 2; k+1 < len(rs) && (rs[k] != ':' || rs[k+1] != ']'); k++ {
				rs[k] |= 0x20 // Go's names of classes are in lower case
			}
			k++
		case rs[k] == ']' && k > i+1:
			return k + 1
		}
	}
	return len(rs)
}

package scalar

import (
	"fmt"
	"slices"
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
type matcher interface{ Match(s []byte) (bool, error) }

// likeMatcher is a pattern of LIKE, which cannot fail.
type likeMatcher struct{ *kernel.Like }

func (m likeMatcher) Match(s []byte) (bool, error) { return m.Like.Match(s), nil }

func evalLike(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	if l, ok, err := constLike(c, args); ok || err != nil {
		if err != nil {
			return nil, err
		}
		return kernel.MatchAll(l, kernel.Str(args[0]), rows, n), nil
	}
	return evalMatch(c, args, rows, n, func(pattern string, escape rune) (matcher, error) {
		l, err := kernel.NewLike([]byte(pattern), escape)
		return likeMatcher{l}, err
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
		return m.Match(s.At(i))
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
	b.WriteString(`\A(?s:`)
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
			i = class(&b, rs, i)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteString(`)\z`)
	return b.String(), nil
}

func quoteRune(r rune) string {
	if strings.ContainsRune(`\.+*?()|[]{}^$`, r) {
		return `\` + string(r)
	}
	return string(r)
}

// classNames are the classes that may stand inside brackets, as [:ALPHA:].
var classNames = map[string]string{"ALPHA": `\p{Alpha}`, "UPPER": `\p{Upper}`, "LOWER": `\p{Lower}`, "DIGIT": `\d`, "ALNUM": `\p{Alnum}`,
	"SPACE": " ", "WHITESPACE": `\s`, "PUNCT": `\p{Punct}`, "XDIGIT": `\p{XDigit}`, "CNTRL": `\p{Cntrl}`, "BLANK": `\p{Blank}`, "GRAPH": `\p{Graph}`, "PRINT": `\p{Print}`}

// class writes the bracketed class that begins at i, and returns its last place.
func class(b *strings.Builder, rs []rune, i int) int {
	b.WriteByte('[')
	for k := i + 1; k < len(rs); k++ {
		if rs[k] == '[' && k+1 < len(rs) && rs[k+1] == ':' {
			if end := slices.Index(rs[k+2:], ':'); end > 0 && k+3+end < len(rs) && rs[k+3+end] == ']' {
				if name, ok := classNames[strings.ToUpper(string(rs[k+2:k+2+end]))]; ok {
					b.WriteString(name)
					k += 3 + end
					continue
				}
			}
		}
		switch c := rs[k]; {
		case c == ']' && k > i+1:
			b.WriteByte(']')
			return k
		case c == '[' || c == '\\' || c == '&':
			b.WriteByte('\\')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	return len(rs)
}

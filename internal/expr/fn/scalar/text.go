package scalar

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

var oneText = []kernel.Want{kernel.Text}

// textFunc is a function from a text to a text.
func textFunc(name, signature, meaning, example string, of func([]types.Type) types.Type, f func(dst, s []byte) []byte) *fn.Func {
	return kernel.Define(name, doc("string", signature, meaning, example),
		kernel.Sig{Args: oneText, Of: of, Ret: types.TString, Eval: kernel.TextToText(f)})
}

// sameType is the type of the first argument.
func sameType(args []types.Type) types.Type { return args[0] }

// varying is VARCHAR of the length of the first argument.
func varying(args []types.Type) types.Type { return varchar(args[0].Len) }

func varchar(n int) types.Type { return types.Type{Kind: types.Varchar, Len: n} }

func init() {
	fn.Register(
		textFunc("UPPER", "UPPER(s)", "in upper case", "UPPER('abc')", sameType, appendUpper),
		textFunc("LOWER", "LOWER(s)", "in lower case", "LOWER('ABC')", sameType, appendLower),
		textFunc("INITCAP", "INITCAP(s)", "each word with a capital; words are of ASCII letters and digits", "INITCAP('hello world')", sameType, appendInitcap),
		kernel.Define("REVERSE", doc("string", "REVERSE(s)", "the characters from the last to the first", "REVERSE('abc')"),
			kernel.Sig{Args: oneText, Ret: types.TString, MayBeNull: true, Eval: kernel.TextToText(appendReverse)}),
		kernel.Alias(kernel.Define("CHAR_LENGTH", doc("string", "CHAR_LENGTH(s)", "the number of characters", "CHAR_LENGTH('abc')"),
			kernel.Sig{Args: oneText, Ret: types.TInt, Eval: evalCharLength}),
			"CHARACTER_LENGTH"),
		kernel.Define("ASCII", doc("string", "ASCII(s)", "the first byte as a signed number, 0 of ''", "ASCII('abc')"),
			kernel.Sig{Args: oneText, Ret: types.TInt, Eval: kernel.TextToNum(firstByte)}),
		kernel.Define("TRIM", doc("string", "TRIM([BOTH|LEADING|TRAILING] [set] FROM s)", "without the characters of the set at its ends", "TRIM(BOTH ' ' FROM ' a ')"),
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Text, kernel.Text}, Of: func(a []types.Type) types.Type { return varchar(a[2].Len) }, Eval: evalTrim},
			trimSig(1, true, true)),
		kernel.Define("LTRIM", doc("string", "LTRIM(s [, set])", "without the characters of the set at its front", "LTRIM(' a')"), trimSig(2, true, false)),
		kernel.Define("RTRIM", doc("string", "RTRIM(s [, set])", "without the characters of the set at its end", "RTRIM('a ')"), trimSig(2, false, true)),
		kernel.Define("BTRIM", doc("string", "BTRIM(s [, set])", "without the characters of the set at both ends", "BTRIM(' a ')"), asString(trimSig(2, true, true))),
		kernel.Define("COUNT_CHAR", doc("string", "COUNT_CHAR(s, c)", "how many bytes of s are the first byte of c; 0 for NULL (a function of the Nexmark benchmark)", "COUNT_CHAR('banana', 'a')"),
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Text}, Ret: types.TBigInt, NullsIn: true, NeverNull: true, Eval: evalCountChar}),
		charTest("IS_ALPHA", "whether s is letters only; FALSE for NULL", isAlpha),
		charTest("IS_DIGIT", "whether s is digits only; FALSE for NULL", isDigit),
		charTest("IS_DECIMAL", "whether s is a number; FALSE for NULL", isDecimal),
	)
}

// manyUpper are the characters whose upper case is more than one.
var manyUpper = map[rune]string{'ß': "SS", 'ŉ': "ʼN", 'ǰ': "J̌", 'ﬀ': "FF", 'ﬁ': "FI", 'ﬂ': "FL", 'ﬃ': "FFI", 'ﬄ': "FFL", 'ﬅ': "ST", 'ﬆ': "ST"}

func appendUpper(dst, s []byte) []byte {
	from := len(dst)
	dst = append(dst, s...)
	for i, c := range dst[from:] {
		if c >= utf8.RuneSelf {
			return upperRunes(dst[:from+i], s[i:])
		}
		if c >= 'a' && c <= 'z' {
			dst[from+i] = c - ('a' - 'A')
		}
	}
	return dst
}

func upperRunes(dst, s []byte) []byte {
	for _, r := range string(s) {
		if many, ok := manyUpper[r]; ok {
			dst = append(dst, many...)
		} else {
			dst = utf8.AppendRune(dst, unicode.ToUpper(r))
		}
	}
	return dst
}

func appendLower(dst, s []byte) []byte {
	from := len(dst)
	dst = append(dst, s...)
	for i, c := range dst[from:] {
		if c >= utf8.RuneSelf {
			return lowerRunes(dst[:from+i], s[i:])
		}
		if c >= 'A' && c <= 'Z' {
			dst[from+i] = c + ('a' - 'A')
		}
	}
	return dst
}

func lowerRunes(dst, s []byte) []byte {
	for _, r := range string(s) {
		dst = utf8.AppendRune(dst, unicode.ToLower(r))
	}
	return dst
}

func appendInitcap(dst, s []byte) []byte {
	start := true
	for _, c := range s {
		lower, upper, digit := c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
		switch {
		case start && lower:
			c -= 'a' - 'A'
		case !start && upper:
			c += 'a' - 'A'
		}
		start = !lower && !upper && !digit
		dst = append(dst, c)
	}
	return dst
}

func appendReverse(dst, s []byte) []byte {
	for len(s) > 0 {
		_, size := utf8.DecodeLastRune(s)
		dst = append(dst, s[len(s)-size:]...)
		s = s[:len(s)-size]
	}
	return dst
}

// A column is looked through as a whole if this many of its rows, at least, are asked for.
const wholeShare = 0.25

// evalCharLength counts characters; in a column of ASCII they are the bytes.
func evalCharLength(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	if b, ok := args[0].(*vec.Bytes); ok && (rows == nil || float64(len(rows)) >= wholeShare*float64(n)) && numtext.ASCII(b.Data[b.Offs[0]:b.Offs[n]]) {
		return kernel.Nums(rows, n, func(i int) int32 { return int32(b.Offs[i+1] - b.Offs[i]) }), nil
	}
	s := kernel.Str(args[0])
	return kernel.Nums(rows, n, func(i int) int32 { return int32(numtext.Runes(s.At(i))) }), nil
}

func firstByte(s []byte) int32 {
	if len(s) == 0 {
		return 0
	}
	return int32(int8(s[0]))
}

func evalCountChar(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, c := kernel.Str(args[0]), kernel.Str(args[1])
	sn, cn := kernel.NullsOf(args[0]), kernel.NullsOf(args[1])
	return kernel.Nums(rows, n, func(i int) int64 {
		if sn.At(i) || cn.At(i) || len(c.At(i)) == 0 {
			return 0
		}
		return int64(bytes.Count(s.At(i), c.At(i)[:1]))
	}), nil
}

// asString gives a signature the result STRING.
func asString(s kernel.Sig) kernel.Sig {
	s.Of, s.Ret = nil, types.TString
	return s
}

// trimSig is f(s [, set]) with a set of blanks if there is none.
func trimSig(most int, front, back bool) kernel.Sig {
	s := kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Text}[:most], Opt: most - 1, Of: varying}
	s.Eval = func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		in := kernel.Str(args[0])
		if len(args) == 1 {
			return kernel.Strs(rows, n, func(dst []byte, i int) []byte { return append(dst, trim(in.At(i), []byte{' '}, front, back)...) }), nil
		}
		set := kernel.Str(args[1])
		return kernel.Strs(rows, n, func(dst []byte, i int) []byte { return append(dst, trim(in.At(i), set.At(i), front, back)...) }), nil
	}
	return s
}

func evalTrim(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	side, set, in := string(kernel.Str(args[0]).At(0)), kernel.Str(args[1]), kernel.Str(args[2])
	return kernel.Strs(rows, n, func(dst []byte, i int) []byte {
		return append(dst, trim(in.At(i), set.At(i), side != "TRAILING", side != "LEADING")...)
	}), nil
}

// trim cuts characters of a set from the ends.
func trim(s, set []byte, front, back bool) []byte {
	if len(set) == 1 && set[0] < utf8.RuneSelf {
		for front && len(s) > 0 && s[0] == set[0] {
			s = s[1:]
		}
		for back && len(s) > 0 && s[len(s)-1] == set[0] {
			s = s[:len(s)-1]
		}
		return s
	}
	if front {
		s = bytes.TrimLeft(s, string(set))
	}
	if back {
		s = bytes.TrimRight(s, string(set))
	}
	return s
}

func charTest(name, meaning string, f func(s []byte) bool) *fn.Func {
	return kernel.Define(name, doc("conditional", name+"(s)", meaning, name+"('15')"),
		kernel.Sig{Args: oneText, Ret: types.TBoolean, NullsIn: true, NeverNull: true,
			Eval: func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
				s, nulls := kernel.Str(args[0]), kernel.NullsOf(args[0])
				return kernel.Nums(rows, n, func(i int) bool { return !nulls.At(i) && f(s.At(i)) }), nil
			}})
}

func all(s []byte, is func(rune) bool) bool {
	for _, r := range string(s) {
		if !is(r) {
			return false
		}
	}
	return len(s) > 0
}

func isAlpha(s []byte) bool { return all(s, unicode.IsLetter) }
func isDigit(s []byte) bool { return all(s, unicode.IsDigit) }

func isDecimal(s []byte) bool {
	_, ok := types.ParseDouble(s)
	return ok
}

package scalar

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(
		kernel.Define("CHR", doc("string", "CHR(n)", "the character of code n modulo 256", "CHR(97)"),
			kernel.Sig{Args: []kernel.Want{kernel.Int64}, Ret: types.TString, MayBeNull: true, Eval: evalInts(appendChr)}),
		kernel.Define("HEX", doc("math", "HEX(n) or HEX(s)", "a number, or the bytes of a text, in hexadecimal", "HEX(100)"),
			kernel.Sig{Args: []kernel.Want{kernel.Int64}, Ret: types.TString, Eval: evalInts(func(dst []byte, n int64) []byte {
				from := len(dst)
				dst = strconv.AppendUint(dst, uint64(n), 16)
				for i, c := range dst[from:] {
					if c >= 'a' {
						dst[from+i] = c - 'a' + 'A'
					}
				}
				return dst
			})},
			kernel.Sig{Args: []kernel.Want{kernel.TextOrRaw}, Ret: types.TString, Eval: kernel.TextToText(appendHex)}),
		kernel.Define("BIN", doc("math", "BIN(n)", "a number in binary", "BIN(12)"),
			kernel.Sig{Args: []kernel.Want{kernel.Int64}, Ret: types.TString, Eval: evalInts(func(dst []byte, n int64) []byte {
				return strconv.AppendUint(dst, uint64(n), 2)
			})}),
		kernel.Define("UNHEX", doc("math", "UNHEX(s)", "the bytes that a hexadecimal text stands for; NULL if it is none", "UNHEX('4142')"),
			kernel.Sig{Args: oneText, Ret: types.TBytes, MayBeNull: true, Eval: kernel.TextToTextNull(unhex)}),
		kernel.Define("TO_BASE64", doc("string", "TO_BASE64(s)", "a text in base 64", "TO_BASE64('hello')"),
			kernel.Sig{Args: []kernel.Want{kernel.TextOrRaw}, Ret: types.TString, Eval: kernel.TextToText(base64.StdEncoding.AppendEncode)}),
		kernel.Define("FROM_BASE64", doc("string", "FROM_BASE64(s)", "the text that is given in base 64", "FROM_BASE64('aGVsbG8=')"),
			kernel.Sig{Args: oneText, Ret: types.TString, Eval: evalFromBase64}),
		kernel.Define("ENCODE", doc("string", "ENCODE(s, charset)", "the bytes of a text in a charset", "ENCODE('ab', 'UTF-8')"),
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Text}, Ret: types.TBytes, Eval: evalCharset(encode)}),
		kernel.Define("DECODE", doc("string", "DECODE(bytes, charset)", "the text of bytes in a charset", "DECODE(x'6162', 'UTF-8')"),
			kernel.Sig{Args: []kernel.Want{kernel.Raw, kernel.Text}, Ret: types.TString, Eval: evalCharset(decode)}),
		kernel.Define("URL_ENCODE", doc("string", "URL_ENCODE(s)", "a text as a form sends it", "URL_ENCODE('a b')"),
			kernel.Sig{Args: oneText, Ret: types.TString, MayBeNull: true, Eval: kernel.TextToText(appendURL)}),
		kernel.Define("URL_DECODE", doc("string", "URL_DECODE(s)", "the text that a form sent; NULL if it is malformed", "URL_DECODE('a+b')"),
			kernel.Sig{Args: oneText, Ret: types.TString, MayBeNull: true, Eval: kernel.TextToTextNull(urlDecode)}),
	)
}

// evalInts makes a kernel of a function that appends the text of an integer.
func evalInts(f func(dst []byte, n int64) []byte) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		v := kernel.Num[int64](args[0])
		return kernel.Strs(rows, n, func(dst []byte, i int) []byte { return f(dst, v.At(i)) }), nil
	}
}

func appendChr(dst []byte, n int64) []byte {
	if n < 0 {
		return dst
	}
	return utf8.AppendRune(dst, rune(n&0xff))
}

func appendHex(dst, s []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range s {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

func unhex(dst, s []byte) ([]byte, bool) {
	if len(s)%2 == 1 {
		s = append([]byte{'0'}, s...)
	}
	out, err := hex.AppendDecode(dst, s)
	return out, err == nil
}

func evalFromBase64(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s := kernel.Str(args[0])
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		out, err := base64.RawStdEncoding.AppendDecode(dst, bytes.TrimRight(s.At(i), "="))
		if err != nil {
			return nil, false, fmt.Errorf("%q is not in base 64", s.At(i))
		}
		return out, true, nil
	})
}

func evalCharset(f func(dst, s []byte, charset string) ([]byte, error)) fn.Eval {
	upper := func(name string) (string, error) { return strings.ToUpper(name), nil }
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		s, charset, names := kernel.Str(args[0]), kernel.Str(args[1]), state[kernel.Cache[string]](c)
		return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
			name, _ := names.Get(charset.At(i), upper)
			out, err := f(dst, s.At(i), name)
			return out, true, err
		})
	}
}

func encode(dst, s []byte, charset string) ([]byte, error) {
	switch charset {
	case "UTF-8", "UTF8":
		return append(dst, s...), nil
	case "US-ASCII", "ASCII":
		return appendNarrow(dst, s, 0x7f), nil
	case "ISO-8859-1", "LATIN1":
		return appendNarrow(dst, s, 0xff), nil
	case "UTF-16", "UTF-16BE", "UTF-16LE":
		if charset == "UTF-16" {
			dst = append(dst, 0xfe, 0xff)
		}
		for _, r := range string(s) {
			if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
				dst, r = appendUnit(dst, high, charset), low
			}
			dst = appendUnit(dst, r, charset)
		}
		return dst, nil
	}
	return nil, unknownCharset(charset)
}

// appendUnit appends a unit of UTF-16.
func appendUnit(dst []byte, u rune, charset string) []byte {
	if charset == "UTF-16LE" {
		return append(dst, byte(u), byte(u>>8))
	}
	return append(dst, byte(u>>8), byte(u))
}

func unknownCharset(name string) error {
	return fmt.Errorf("the charset %q is not one of UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16BE and UTF-16LE", name)
}

// appendNarrow encodes a byte a character; what is above limit is a question mark.
func appendNarrow(dst, s []byte, limit rune) []byte {
	for _, r := range string(s) {
		if r > limit {
			r = '?'
		}
		dst = append(dst, byte(r))
	}
	return dst
}

func decode(dst, s []byte, charset string) ([]byte, error) {
	switch charset {
	case "UTF-8", "UTF8":
		if utf8.Valid(s) {
			return append(dst, s...), nil
		}
		return append(dst, bytes.ToValidUTF8(s, []byte("\uFFFD"))...), nil
	case "US-ASCII", "ASCII", "ISO-8859-1", "LATIN1":
		for _, c := range s {
			r := rune(c)
			if r > 0x7f && strings.HasSuffix(charset, "ASCII") {
				r = utf8.RuneError
			}
			dst = utf8.AppendRune(dst, r)
		}
		return dst, nil
	case "UTF-16", "UTF-16BE", "UTF-16LE":
		return decode16(dst, s, charset), nil
	}
	return nil, unknownCharset(charset)
}

func decode16(dst, s []byte, charset string) []byte {
	little := charset == "UTF-16LE"
	if charset == "UTF-16" && len(s) >= 2 && (s[0] == 0xff && s[1] == 0xfe || s[0] == 0xfe && s[1] == 0xff) {
		little = s[0] == 0xff
		s = s[2:]
	}
	var units []uint16
	for ; len(s) >= 2; s = s[2:] {
		u := uint16(s[0])<<8 | uint16(s[1])
		if little {
			u = u<<8 | u>>8
		}
		units = append(units, u)
	}
	for _, r := range utf16.Decode(units) {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// appendURL encodes as application/x-www-form-urlencoded: letters, digits and
// .-*_ stay, a blank is a plus.
func appendURL(dst, s []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(".-*_", c) >= 0:
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

func urlDecode(dst, s []byte) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			dst = append(dst, ' ')
		case '%':
			if i+2 >= len(s) {
				return dst, false
			}
			b, err := strconv.ParseUint(string(s[i+1:i+3]), 16, 8)
			if err != nil {
				return dst, false
			}
			dst = append(dst, byte(b))
			i += 2
		default:
			dst = append(dst, s[i])
		}
	}
	return dst, true
}

package scalar

import (
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
)

func init() {
	raw := []kernel.Want{kernel.Raw}
	fn.Register(
		kernel.Define("IS_VALID_UTF8", doc("string", "IS_VALID_UTF8(bytes)", "whether bytes are text in UTF-8", "IS_VALID_UTF8(x'61ff')"),
			kernel.Sig{Args: raw, Ret: types.TBoolean, Eval: kernel.TextToNum(utf8.Valid)}),
		kernel.Define("MAKE_VALID_UTF8", doc("string", "MAKE_VALID_UTF8(bytes)", "bytes as text, with U+FFFD for what is not UTF-8", "MAKE_VALID_UTF8(x'61ff')"),
			kernel.Sig{Args: raw, Ret: types.TString, Eval: kernel.TextToText(appendValidUTF8)}),
	)
}

// appendValidUTF8 puts U+FFFD for each longest run that could have begun a
// character and did not, as Java decodes.
func appendValidUTF8(dst, s []byte) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r == utf8.RuneError && n == 1 {
			n = brokenLen(s)
		}
		dst = utf8.AppendRune(dst, r)
		s = s[n:]
	}
	return dst
}

// brokenLen returns how many bytes at the front of s begin a character that does
// not end, at least one.
func brokenLen(s []byte) int {
	var low, high byte = 0x80, 0xbf
	need := 0
	switch c := s[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 1
	case c >= 0xe0 && c <= 0xef:
		need = 2
		if c == 0xe0 {
			low = 0xa0
		} else if c == 0xed {
			high = 0x9f
		}
	case c >= 0xf0 && c <= 0xf4:
		need = 3
		if c == 0xf0 {
			low = 0x90
		} else if c == 0xf4 {
			high = 0x8f
		}
	}
	n := 1
	for ; n <= need && n < len(s) && s[n] >= low && s[n] <= high; n++ {
		low, high = 0x80, 0xbf
	}
	return n
}

package scalar

import (
	"bytes"
	"math"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	textInts := []kernel.Want{kernel.Text, kernel.Int64, kernel.Int64}
	pos := []kernel.Want{kernel.Text, kernel.Text, kernel.Int32, kernel.Int32}
	fn.Register(
		kernel.Alias(kernel.Define("SUBSTRING", doc("string", "SUBSTRING(s FROM p [FOR n])", "n characters from the p-th, counted from the end if p is negative", "SUBSTRING('abcdef' FROM 2 FOR 3)"),
			kernel.Sig{Args: textInts, Opt: 1, Of: varying, MayBeNull: true, Eval: evalSubstring}), "SUBSTR"),
		kernel.Define("LEFT", doc("string", "LEFT(s, n)", "the first n characters", "LEFT('abc', 2)"),
			kernel.Sig{Args: textInts[:2], Of: varying, MayBeNull: true, Eval: evalEnd(true)}),
		kernel.Define("RIGHT", doc("string", "RIGHT(s, n)", "the last n characters", "RIGHT('abc', 2)"),
			kernel.Sig{Args: textInts[:2], Of: varying, MayBeNull: true, Eval: evalEnd(false)}),
		kernel.Define("OVERLAY", doc("string", "OVERLAY(s PLACING r FROM p [FOR n])", "r in place of the n characters from the p-th", "OVERLAY('xxxxxtest' PLACING 'yyyy' FROM 6)"),
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Text, kernel.Int64, kernel.Int64}, Opt: 1,
				Of: func(a []types.Type) types.Type { return varchar(sumLen(a[0], a[1])) }, Eval: evalOverlay}),
		kernel.Define("POSITION", doc("string", "POSITION(sub IN s)", "where sub first occurs, from 1; 0 if it does not", "POSITION('b' IN 'abc')"),
			kernel.Sig{Args: pos[:3], Opt: 1, Ret: types.TInt, Eval: evalPosition(0)}),
		kernel.Define("LOCATE", doc("string", "LOCATE(sub, s [, from])", "where sub first occurs, from 1; 0 if it does not", "LOCATE('b', 'abc')"),
			kernel.Sig{Args: pos[:3], Opt: 1, Ret: types.TInt, Eval: evalPosition(0)}),
		kernel.Define("INSTR", doc("string", "INSTR(s, sub [, from [, nth]])", "where sub occurs for the nth time, from 1; 0 if it does not", "INSTR('abc', 'b')"),
			kernel.Sig{Args: pos, Opt: 2, Ret: types.TInt, Eval: evalPosition(1)}),
	)
}

func sumLen(a, b types.Type) int {
	if a.Len >= types.MaxLen-b.Len {
		return types.MaxLen
	}
	return a.Len + b.Len
}

// place returns the byte at which the n-th character from 0 begins, len(s) if
// there are not so many.
func place(s []byte, n int) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		if s[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, size := utf8.DecodeRune(s[at:])
		at += size
	}
	return at
}

func evalSubstring(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, from := kernel.Str(args[0]), kernel.Num[int64](args[1])
	if len(args) == 2 {
		return kernel.Strs(rows, n, func(dst []byte, i int) []byte { return append(dst, substring(s.At(i), from.At(i), math.MaxInt32)...) }), nil
	}
	length := kernel.Num[int64](args[2])
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		if length.At(i) < 0 {
			return dst, false
		}
		return append(dst, substring(s.At(i), from.At(i), length.At(i))...), true
	}), nil
}

func substring(s []byte, from, length int64) []byte {
	if from < 0 {
		count := int64(utf8.RuneCount(s))
		if from += count; from < 0 {
			return nil
		}
	} else if from > 0 {
		from--
	}
	if from >= int64(len(s)) {
		return nil
	}
	s = s[place(s, int(from)):]
	if length >= int64(len(s)) {
		return s
	}
	return s[:place(s, int(length))]
}

func evalEnd(front bool) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		s, k := kernel.Str(args[0]), kernel.Num[int64](args[1])
		return kernel.Strs(rows, n, func(dst []byte, i int) []byte {
			text, k := s.At(i), max(k.At(i), 0)
			if k >= int64(len(text)) {
				return append(dst, text...)
			}
			if front {
				return append(dst, text[:place(text, int(k))]...)
			}
			return append(dst, text[place(text, max(utf8.RuneCount(text)-int(k), 0)):]...)
		}), nil
	}
}

func evalOverlay(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, r, from := kernel.Str(args[0]), kernel.Str(args[1]), kernel.Num[int64](args[2])
	length := func(i int) int64 { return int64(utf8.RuneCount(r.At(i))) }
	if len(args) == 4 {
		length = kernel.Num[int64](args[3]).At
	}
	return kernel.Strs(rows, n, func(dst []byte, i int) []byte {
		return overlay(dst, s.At(i), r.At(i), from.At(i), length(i))
	}), nil
}

func overlay(dst, s, r []byte, from, length int64) []byte {
	count := int64(utf8.RuneCount(s))
	if from <= 0 || from > count {
		return append(dst, s...)
	}
	dst = append(dst, s[:place(s, int(from-1))]...)
	dst = append(dst, r...)
	if from+length <= count && length > 0 {
		dst = append(dst, s[place(s, int(from-1+length)):]...)
	}
	return dst
}

// evalPosition searches; the text is the argument at place text, and what is
// searched for the other of the first two.
func evalPosition(sub int) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		what, in := kernel.Str(args[sub]), kernel.Str(args[1-sub])
		from, nth := func(int) int32 { return 1 }, func(int) int32 { return 1 }
		if len(args) > 2 {
			from = kernel.Num[int32](args[2]).At
		}
		if len(args) > 3 {
			nth = kernel.Num[int32](args[3]).At
		}
		return kernel.Nums(rows, n, func(i int) int32 { return position(in.At(i), what.At(i), int(from(i)), int(nth(i))) }), nil
	}
}

// position returns where what occurs in s for the nth time from character from
// on; a negative from searches backwards from the end.
func position(s, what []byte, from, nth int) int32 {
	if from < 0 {
		return positionBack(s, what, from, nth)
	}
	count := utf8.RuneCount(s)
	if from == 0 || from > count+1 || nth < 1 {
		return 0
	}
	at := place(s, from-1)
	for {
		k := bytes.Index(s[at:], what)
		if k < 0 {
			return 0
		}
		at += k
		if nth--; nth == 0 {
			return int32(utf8.RuneCount(s[:at])) + 1
		}
		if at >= len(s) {
			return 0
		}
		at += place(s[at:], 1)
	}
}

func positionBack(s, what []byte, from, nth int) int32 {
	end := min(place(s, max(utf8.RuneCount(s)+from, 0))+len(what), len(s))
	for end >= 0 {
		k := bytes.LastIndex(s[:end], what)
		if k < 0 {
			return 0
		}
		if nth--; nth == 0 {
			return int32(utf8.RuneCount(s[:k])) + 1
		}
		end = k + len(what) - 1
	}
	return 0
}

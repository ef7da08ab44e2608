package scalar

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// resultBytesMax bounds a text that REPEAT, LPAD or RPAD makes.
const resultBytesMax = 64 << 20

func init() {
	pad := []kernel.Want{kernel.Text, kernel.Int32, kernel.Text}
	fn.Register(
		kernel.Define("||", doc("string", "a || b", "the texts, or the bytes, one after the other", "'a' || 'b'"),
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Text}, Of: joined, Eval: evalConcat},
			kernel.Sig{Args: []kernel.Want{kernel.Raw, kernel.Raw}, Of: joined, Eval: evalConcat}),
		kernel.Define("CONCAT", doc("string", "CONCAT(a, b, …)", "the texts one after the other; NULL if one is NULL", "CONCAT('a', 'b')"),
			kernel.Sig{Args: oneText, Rest: true, Ret: types.TString, Eval: evalConcat}),
		kernel.Define("CONCAT_WS", doc("string", "CONCAT_WS(separator, a, b, …)", "the texts that are not NULL with a separator between", "CONCAT_WS('-', 'a', 'b')"),
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Text}, Rest: true, Ret: types.TString, NullsIn: true, Eval: evalConcatWS}),
		kernel.Define("REPEAT", doc("string", "REPEAT(s, n)", "s n times", "REPEAT('ab', 2)"),
			kernel.Sig{Args: pad[:2], Ret: types.TString, Eval: evalRepeat}),
		kernel.Define("LPAD", doc("string", "LPAD(s, n, pad)", "s made n characters long at its front", "LPAD('hi', 4, '?')"),
			kernel.Sig{Args: pad, Ret: types.TString, MayBeNull: true, Eval: evalPad(true)}),
		kernel.Define("RPAD", doc("string", "RPAD(s, n, pad)", "s made n characters long at its end", "RPAD('hi', 4, '?')"),
			kernel.Sig{Args: pad, Ret: types.TString, MayBeNull: true, Eval: evalPad(false)}),
		kernel.Define("ELT", doc("string", "ELT(i, a, b, …)", "the i-th of the texts, from 1", "ELT(2, 'a', 'b')"),
			kernel.Sig{Args: []kernel.Want{kernel.Int64, kernel.TextOrRaw}, Rest: true, Of: eltType, NullsIn: true, MayBeNull: true, Eval: evalElt}),
	)
}

// eltType is the type that the texts have in common.
func eltType(args []types.Type) types.Type {
	t, err := expr.CommonType(args[1:]...)
	if err != nil {
		return types.TString
	}
	return t
}

// joined is the type of a || b.
func joined(args []types.Type) types.Type {
	a, b := args[0], args[1]
	t := types.Type{Kind: a.Kind, Len: sumLen(a, b)}
	if a.Kind != b.Kind {
		t.Kind = max(a.Kind, b.Kind)
	}
	return t
}

func evalConcat(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	parts := make([]kernel.StrView, len(args))
	for i, a := range args {
		parts[i] = kernel.Str(a)
	}
	return kernel.Strs(rows, n, func(dst []byte, i int) []byte {
		for _, p := range parts {
			dst = append(dst, p.At(i)...)
		}
		return dst
	}), nil
}

func evalConcatWS(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	parts := make([]kernel.StrView, len(args))
	nulls := make([]kernel.NullView, len(args))
	for i, a := range args {
		parts[i], nulls[i] = kernel.Str(a), kernel.NullsOf(a)
	}
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		if nulls[0].At(i) {
			return dst, false
		}
		first := true
		for k := 1; k < len(parts); k++ {
			if nulls[k].At(i) {
				continue
			}
			if !first {
				dst = append(dst, parts[0].At(i)...)
			}
			first = false
			dst = append(dst, parts[k].At(i)...)
		}
		return dst, true
	}), nil
}

func evalRepeat(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, k := kernel.Str(args[0]), kernel.Num[int32](args[1])
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		times := int(max(k.At(i), 0))
		if times*len(s.At(i)) > resultBytesMax {
			return nil, false, fmt.Errorf("REPEAT makes a text of %d bytes, above the limit of %d", times*len(s.At(i)), resultBytesMax)
		}
		for range times {
			dst = append(dst, s.At(i)...)
		}
		return dst, true, nil
	})
}

func evalPad(front bool) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		s, k, p := kernel.Str(args[0]), kernel.Num[int32](args[1]), kernel.Str(args[2])
		return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
			text, want, fill := s.At(i), int(k.At(i)), p.At(i)
			if want < 0 || len(fill) == 0 {
				return dst, false, nil
			}
			if want > resultBytesMax {
				return nil, false, fmt.Errorf("a text padded to %d characters is above the limit of %d bytes", want, resultBytesMax)
			}
			missing := want - utf8.RuneCount(text)
			if missing <= 0 {
				return append(dst, text[:place(text, want)]...), true, nil
			}
			if !front {
				return appendFill(append(dst, text...), fill, missing), true, nil
			}
			return append(appendFill(dst, fill, missing), text...), true, nil
		})
	}
}

// appendFill appends n characters of fill, over and over.
func appendFill(dst, fill []byte, n int) []byte {
	width := utf8.RuneCount(fill)
	for ; n >= width; n -= width {
		dst = append(dst, fill...)
	}
	return append(dst, fill[:place(fill, n)]...)
}

func evalElt(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	at, none := kernel.Num[int64](args[0]), kernel.NullsOf(args[0])
	texts := make([]kernel.StrView, len(args))
	nulls := make([]kernel.NullView, len(args))
	for i, a := range args[1:] {
		texts[i+1], nulls[i+1] = kernel.Str(a), kernel.NullsOf(a)
	}
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		k := at.At(i)
		if none.At(i) || k < 1 || int(k) >= len(texts) || nulls[k].At(i) {
			return dst, false
		}
		return append(dst, texts[k].At(i)...), true
	}), nil
}

func init() {
	three := []kernel.Want{kernel.Text, kernel.Text, kernel.Text}
	fn.Register(
		kernel.Define("REPLACE", doc("string", "REPLACE(s, from, to)", "s with each from replaced", "REPLACE('hello', 'l', 'L')"),
			kernel.Sig{Args: three, Ret: types.TString, Eval: evalReplace}),
		kernel.Define("TRANSLATE", doc("string", "TRANSLATE(s, from, to)", "s with each character of from replaced by the one at its place in to, or dropped", "TRANSLATE('abc', 'ab', 'x')"),
			kernel.Sig{Args: three, Ret: types.TString, NullsIn: true, Eval: evalTranslate}),
	)
}

func evalReplace(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, from, to := kernel.Str(args[0]), kernel.Str(args[1]), kernel.Str(args[2])
	if from.Const() && to.Const() && len(from.At(0)) == 1 && len(to.At(0)) == 0 {
		c := from.At(0)[0]
		return kernel.Strs(rows, n, func(dst []byte, i int) []byte { return appendWithout(dst, s.At(i), c) }), nil
	}
	return kernel.Strs(rows, n, func(dst []byte, i int) []byte {
		text, old, with := s.At(i), from.At(i), to.At(i)
		if len(old) == 0 {
			return append(dst, bytes.ReplaceAll(text, old, with)...)
		}
		for {
			k := bytes.Index(text, old)
			if k < 0 {
				return append(dst, text...)
			}
			dst = append(append(dst, text[:k]...), with...)
			text = text[k+len(old):]
		}
	}), nil
}

// evalTranslate: a NULL from leaves s as it is, a NULL to drops.
func evalTranslate(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, from, to := kernel.Str(args[0]), kernel.Str(args[1]), kernel.Str(args[2])
	sn, fnull, tn := kernel.NullsOf(args[0]), kernel.NullsOf(args[1]), kernel.NullsOf(args[2])
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		if sn.At(i) {
			return dst, false
		}
		if fnull.At(i) {
			return append(dst, s.At(i)...), true
		}
		var with []byte
		if !tn.At(i) {
			with = to.At(i)
		}
		return translate(dst, s.At(i), from.At(i), with), true
	}), nil
}

func translate(dst, s, from, to []byte) []byte {
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		k := bytes.IndexRune(from, r)
		if k < 0 {
			dst = append(dst, s[:size]...)
		} else if at := place(to, utf8.RuneCount(from[:k])); at < len(to) {
			_, width := utf8.DecodeRune(to[at:])
			dst = append(dst, to[at:at+width]...)
		}
		s = s[size:]
	}
	return dst
}

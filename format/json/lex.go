package json

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/numtext"
)

// All of the scanning here relies on a line feed at the end of the data: it is
// valid in no token, so nothing runs past it and nothing has to look for the end.

const (
	ones  = 0x0101010101010101
	high  = 0x8080808080808080
	zeros = '0' * ones
)

// depthMax is how deep values may be nested.
const depthMax = 1000

// blank returns the position of the first byte from i on that is not a blank.
func blank(data []byte, i int) int {
	for data[i] == ' ' || data[i] == '\t' || data[i] == '\r' {
		i++
	}
	return i
}

// textEnd returns the position of the first quote, backslash or control
// character from i on.
func textEnd(data []byte, i int) int {
	for ; i+8 <= len(data); i += 8 {
		if m := special(binary.LittleEndian.Uint64(data[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(data); i++ {
		if c := data[i]; c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return i
}

// skipString returns the position behind the string whose text starts at i, and
// whether it holds escapes; -1 if it is not valid.
func skipString(data []byte, i int) (end int, escapes bool) {
	for {
		i = textEnd(data, i)
		switch {
		case i == len(data) || data[i] < ' ':
			return -1, false
		case data[i] == '"':
			return i + 1, escapes
		}
		escapes = true
		n := escapeLen(data, i)
		if n == 0 {
			return -1, false
		}
		i += n
	}
}

// escapeLen returns the length of the escape at i, 0 if it is not valid.
func escapeLen(data []byte, i int) int {
	switch data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if i+6 <= len(data) && hex4(data[i+2:]) >= 0 {
			return 6
		}
	}
	return 0
}

// hex4 reads four hexadecimal digits; -1 if they are none.
func hex4(b []byte) rune {
	v := rune(0)
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case (c|0x20)-'a' <= 5:
			c = (c | 0x20) - 'a' + 10
		default:
			return -1
		}
		v = v<<4 | rune(c)
	}
	return v
}

// unescape appends a string's text, whose escapes are valid, without them.
func unescape(dst, text []byte) []byte {
	for {
		k := bytes.IndexByte(text, '\\')
		if k < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:k]...)
		n := 0
		dst, n = unescapeOne(dst, text[k:])
		text = text[k+n:]
	}
}

// simple are the escapes of one letter, by the letter.
var simple = [128]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescapeOne appends what the valid escape at the front of text stands for and
// returns its length: a surrogate pair is two. Half a pair becomes a question
// mark, as Java writes it.
func unescapeOne(dst, text []byte) ([]byte, int) {
	if text[1] != 'u' {
		return append(dst, simple[text[1]&127]), 2
	}
	r := hex4(text[2:])
	if r < 0xD800 || r >= 0xE000 {
		return utf8.AppendRune(dst, r), 6
	}
	if r < 0xDC00 && len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		if low := hex4(text[8:]); low >= 0xDC00 && low < 0xE000 {
			return utf8.AppendRune(dst, (r-0xD800)<<10+(low-0xDC00)+0x10000), 12
		}
	}
	return append(dst, '?'), 6
}

// skipNumber returns the position behind the number at i and whether it is an
// integer; -1 if it is not valid.
func skipNumber(data []byte, i int) (end int, integer bool) {
	if data[i] == '-' {
		i++
	}
	switch c := data[i]; {
	case c == '0':
		i++
	case c-'1' <= 8:
		for data[i]-'0' <= 9 {
			i++
		}
	default:
		return -1, false
	}
	integer = true
	if data[i] == '.' {
		integer = false
		i++
		if data[i]-'0' > 9 {
			return -1, false
		}
		for data[i]-'0' <= 9 {
			i++
		}
	}
	if data[i]|0x20 == 'e' {
		integer = false
		i++
		if data[i] == '+' || data[i] == '-' {
			i++
		}
		if data[i]-'0' > 9 {
			return -1, false
		}
		for data[i]-'0' <= 9 {
			i++
		}
	}
	if !delimits(data[i]) {
		return -1, false
	}
	return i, integer
}

// delimits reports whether a byte may follow a number or a word.
func delimits(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\t' || c == '\r'
}

// word reports whether the bare word w stands at i.
func word(data []byte, i int, w string) bool {
	return i+len(w) < len(data) && string(data[i:i+len(w)]) == w && delimits(data[i+len(w)])
}

// skip returns the position behind the value at i, -1 if it is not valid.
func (s *stops) skip(data []byte, i, depth int) int {
	switch c := data[i]; c {
	case '"':
		return s.skipString(data, i+1)
	case 't':
		if word(data, i, "true") {
			return i + 4
		}
	case 'f':
		if word(data, i, "false") {
			return i + 5
		}
	case 'n':
		if word(data, i, "null") {
			return i + 4
		}
	case '{', '[':
		if depth < depthMax {
			return s.skipNested(data, i, depth+1)
		}
	default:
		if end := plainNumber(data, i); end > 0 {
			return end
		}
		end, _ := skipNumber(data, i)
		return end
	}
	return -1
}

func (s *stops) skipNested(data []byte, i, depth int) int {
	object, closing := data[i] == '{', data[i]+2 // ] follows [ and } follows { by two
	i = blank(data, i+1)
	if data[i] == closing {
		return i + 1
	}
	for {
		if object {
			if data[i] != '"' {
				return -1
			}
			if i = s.skipString(data, i+1); i < 0 {
				return -1
			}
			if i = blank(data, i); data[i] != ':' {
				return -1
			}
			i = blank(data, i+1)
		}
		if i = s.skip(data, i, depth); i < 0 {
			return -1
		}
		i = blank(data, i)
		switch data[i] {
		case closing:
			return i + 1
		case ',':
			i = blank(data, i+1)
		default:
			return -1
		}
	}
}

// compact appends the array or object at i, which is valid, without blanks, with its
// strings escaped as the encoder does and its numbers as Java has them once it has
// read them: with a point or an exponent they are doubles. It returns the position
// behind it.
func compact(dst, data []byte, i int) ([]byte, int) {
	depth := 0
	for {
		switch c := data[i]; c {
		case ' ', '\t', '\r':
			i++
			continue
		case '"':
			end, escapes := skipString(data, i+1)
			if escapes {
				dst = appendString(dst, unescape(nil, data[i+1:end-1]))
			} else {
				dst = append(dst, data[i:end]...)
			}
			i = end
		case '{', '[':
			depth++
			dst = append(dst, c)
			i++
		case '}', ']':
			depth--
			dst = append(dst, c)
			i++
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			end, integer := skipNumber(data, i)
			dst = compactNumber(dst, data[i:end], integer)
			i = end
		default:
			dst = append(dst, c)
			i++
		}
		if depth == 0 {
			return dst, i
		}
	}
}

func compactNumber(dst, text []byte, integer bool) []byte {
	if integer {
		if string(text) == "-0" {
			return append(dst, '0')
		}
		return append(dst, text...)
	}
	f, st := numtext.Float(text, 64)
	if st != numtext.OK {
		return append(dst, text...)
	}
	return numtext.AppendFloat(dst, f, 64)
}

package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// kind is the kind of a token.
type kind uint8

const (
	tEOF       kind = iota
	tWord           // an identifier or keyword without quotes; up is its upper case
	tQuoted         // `identifier`; text is its content
	tString         // 'string'; text is its content
	tUnicode        // U&'string'; text is its content, escapes not yet resolved
	tBinary         // X'hex'; text is the digits in upper case
	tInt            // 12
	tDecimal        // 1.5
	tApprox         // 1e3
	tPunct          // an operator or bracket; text is it
	tHintOpen       // /*+
	tHintClose      // */ of a hint
	tBad            // what no token is; text is the source, up the message
)

// token is one word of the source. A bad token is no error until the grammar
// meets it, so that SET can take any text.
type token struct {
	kind kind
	open bool // of a bad token: the source ended inside a quote or comment
	text string
	up   string
	pos  ast.Pos
	end  int // byte offset after the token
}

// shown is how a message names the token.
func (t *token) shown(src string) string {
	if t.kind == tEOF {
		return "end of input"
	}
	s := src[t.pos.Offset:t.end]
	for i, n := 0, 0; i < len(s); i++ {
		if s[i]&0xC0 == 0x80 {
			continue
		}
		if n++; n > wordShownMax || s[i] == '\n' {
			return "'" + s[:i] + "…'"
		}
	}
	if len(s) > 1 && s[0] == '\'' {
		return s
	}
	return "'" + s + "'"
}

// wordShownMax is how many runes of a word a message shows.
const wordShownMax = 40

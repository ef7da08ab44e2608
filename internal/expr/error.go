package expr

import (
	"errors"
	"fmt"

	"github.com/millrace-io/millrace/internal/base"
)

// An Error is a failure while an expression is evaluated on rows: a division by
// zero, a text that is no number. Msg is one line with the value and, in the
// statement's names, the expression.
type Error struct {
	Msg string
	Pos base.Pos
}

// Error implements error.
func (e *Error) Error() string {
	if e.Pos != (base.Pos{}) {
		return fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Col, e.Msg)
	}
	return e.Msg
}

// failed makes the error of a kernel one of the expression it was called for.
func failed(e *Expr, err error) error {
	if err == nil || errors.As(err, new(*Error)) {
		return err
	}
	msg := err.Error()
	if text := Named(e); text != "" {
		msg += ", in " + text
	}
	return &Error{Msg: msg, Pos: e.Pos}
}

// Named returns e in the names of the statement, "" if it has a column without one.
func Named(e *Expr) string {
	all := true
	Walk(e, func(e *Expr) bool {
		all = all && (e.Op != Col || e.Name != "")
		return all
	})
	if !all {
		return ""
	}
	p := printer{own: true}
	p.expr(e, 0)
	return p.b.String()
}

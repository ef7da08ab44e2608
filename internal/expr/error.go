package expr

import (
	"errors"
	"fmt"

	"github.com/millrace-io/millrace/internal/base"
)

// An Error is a failure while an expression is evaluated on rows: a division by
// zero, a text that is no number. Msg is one line with the value and the
// expression.
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
	return &Error{Msg: fmt.Sprintf("%v, in %s", err, String(e, nil)), Pos: e.Pos}
}

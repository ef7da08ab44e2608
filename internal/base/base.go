// Package base has the words that all layers share: ids, epochs, key groups,
// positions in a text and the error that users see.
package base

import (
	"errors"
	"fmt"
)

// An Epoch numbers the checkpoints of a job from 1, without gaps.
type Epoch uint64

// A KeyGroup is the unit in which keyed state moves between subtasks. Every key
// belongs to one group for the life of the job.
type KeyGroup uint16

// A Range is the half-open run of key groups [Lo, Hi) that one subtask owns.
type Range struct{ Lo, Hi int }

// Has reports whether g lies in r.
func (r Range) Has(g KeyGroup) bool { return r.Lo <= int(g) && int(g) < r.Hi }

// RangeOf returns the key groups of subtask i of n, out of groups.
func RangeOf(i, n, groups int) Range {
	return Range{Lo: (i*groups + n - 1) / n, Hi: ((i+1)*groups + n - 1) / n}
}

// SubtaskOf returns the subtask of n that owns g: the inverse of RangeOf.
func SubtaskOf(g KeyGroup, n, groups int) int { return int(g) * n / groups }

// A Pos is a place in a text. Line and Col count from 1, in runes; the zero Pos
// is no place.
type Pos struct{ Line, Col int }

// An Error is a user's error: it has a place in the text and, when one is
// known, a hint. Cause says whether the script or the run is at fault.
type Error struct {
	File string // "" until the caller that knows it fills it in
	Pos  Pos
	Msg  string
	Hint string // "did you mean 'price'?"
}

func (e *Error) Error() string {
	s := ""
	if e.Pos != (Pos{}) {
		if e.File != "" {
			s = e.File + ":"
		}
		s += fmt.Sprintf("%d:%d: ", e.Pos.Line, e.Pos.Col)
	}
	s += e.Msg
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Errorf returns a user's error at a place.
func Errorf(pos Pos, format string, args ...any) *Error {
	return &Error{Pos: pos, Msg: fmt.Sprintf(format, args...)}
}

// IsUser reports whether err is the script's fault.
func IsUser(err error) bool { return errors.As(err, new(*Error)) }

package jobgraph

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/connect"
)

// Enumerations travel by name, so that a compiled plan can be read and stays good when
// one of them grows.

var (
	emitNames         = []string{"on change", "at end"}
	phaseNames        = []string{"single", "local", "global"}
	windowKindNames   = []string{"TUMBLE", "HOP", "CUMULATE", "SESSION"}
	windowPropNames   = []string{"window_start", "window_end", "window_time"}
	joinKindNames     = []string{"InnerJoin", "LeftOuterJoin", "RightOuterJoin", "FullOuterJoin", "LeftSemiJoin", "LeftAntiJoin"}
	rankKindNames     = []string{"ROW_NUMBER", "RANK", "DENSE_RANK"}
	rankInputNames    = []string{"append", "update fast", "retract"}
	matchSkipNames    = []string{"PAST LAST ROW", "TO NEXT ROW", "TO FIRST", "TO LAST"}
	matchRefKindNames = []string{"LAST", "FIRST", "aggregate", "MATCH_ROWTIME"}
	shipNames         = []string{"forward", "hash", "rebalance", "broadcast", "gather"}
	predicateNames    = []string{"=", "<>", "<", "<=", ">", ">=", "IN", "IS NULL", "IS NOT NULL"}
)

func toName[E ~uint8](e E, names []string) ([]byte, error) {
	if int(e) >= len(names) {
		return nil, fmt.Errorf("%T %d has no name", e, e)
	}
	return []byte(names[e]), nil
}

func fromName[E ~uint8](e *E, text []byte, names []string) error {
	i := slices.Index(names, string(text))
	if i < 0 {
		return fmt.Errorf("%q is none of %q", text, names)
	}
	*e = E(i)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (e Emit) MarshalText() ([]byte, error) { return toName(e, emitNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *Emit) UnmarshalText(text []byte) error { return fromName(e, text, emitNames) }

// MarshalText implements encoding.TextMarshaler.
func (e Phase) MarshalText() ([]byte, error) { return toName(e, phaseNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *Phase) UnmarshalText(text []byte) error { return fromName(e, text, phaseNames) }

// MarshalText implements encoding.TextMarshaler.
func (k WindowKind) MarshalText() ([]byte, error) { return toName(k, windowKindNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *WindowKind) UnmarshalText(text []byte) error { return fromName(k, text, windowKindNames) }

// MarshalText implements encoding.TextMarshaler.
func (e WindowProp) MarshalText() ([]byte, error) { return toName(e, windowPropNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *WindowProp) UnmarshalText(text []byte) error { return fromName(e, text, windowPropNames) }

// MarshalText implements encoding.TextMarshaler.
func (k JoinKind) MarshalText() ([]byte, error) { return toName(k, joinKindNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *JoinKind) UnmarshalText(text []byte) error { return fromName(k, text, joinKindNames) }

// MarshalText implements encoding.TextMarshaler.
func (e RankKind) MarshalText() ([]byte, error) { return toName(e, rankKindNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *RankKind) UnmarshalText(text []byte) error { return fromName(e, text, rankKindNames) }

// MarshalText implements encoding.TextMarshaler.
func (e RankInput) MarshalText() ([]byte, error) { return toName(e, rankInputNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *RankInput) UnmarshalText(text []byte) error { return fromName(e, text, rankInputNames) }

// MarshalText implements encoding.TextMarshaler.
func (e MatchSkip) MarshalText() ([]byte, error) { return toName(e, matchSkipNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *MatchSkip) UnmarshalText(text []byte) error { return fromName(e, text, matchSkipNames) }

// MarshalText implements encoding.TextMarshaler.
func (e MatchRefKind) MarshalText() ([]byte, error) { return toName(e, matchRefKindNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *MatchRefKind) UnmarshalText(text []byte) error { return fromName(e, text, matchRefKindNames) }

// MarshalText implements encoding.TextMarshaler.
func (s Ship) MarshalText() ([]byte, error) { return toName(s, shipNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Ship) UnmarshalText(text []byte) error { return fromName(s, text, shipNames) }

// predicateOp is a connect.PredicateOp by its sign.
type predicateOp connect.PredicateOp

// MarshalText implements encoding.TextMarshaler.
func (e predicateOp) MarshalText() ([]byte, error) { return toName(e, predicateNames) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *predicateOp) UnmarshalText(text []byte) error { return fromName(e, text, predicateNames) }

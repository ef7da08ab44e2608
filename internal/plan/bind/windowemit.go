package bind

import (
	"time"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// Options about when the results of a window are told.
const (
	optEarly      = "table.exec.emit.early-fire.enabled"
	optLate       = "table.exec.emit.late-fire.enabled"
	optEarlyDelay = "table.exec.emit.early-fire.delay"
	optLateDelay  = "table.exec.emit.late-fire.delay"
	optLateness   = "table.exec.emit.allow-lateness"
	optTTL        = "table.exec.state.ttl"
)

// windowEmit says when the results of a group window are told besides at its end; nil
// is not at all. A batch gives the last.
func (b *Binder) windowEmit(w *groupWindow, c ast.Node) (*jobgraph.WindowEmit, error) {
	early, late := b.opts.Bool(optEarly), b.opts.Bool(optLate)
	if b.batch() || !early && (!late || w.window.Proctime) {
		return nil, nil
	}
	if w.window.WKind == jobgraph.Session {
		e := base.Errorf(posOf(c), "SESSION in GROUP BY tells its results once, at the end of the session")
		e.Hint = "RESET '" + optEarly + "' and '" + optLate + "' before this statement"
		return nil, e
	}
	emit := &jobgraph.WindowEmit{EarlyMs: -1, LateMs: -1}
	var err error
	if early {
		if emit.EarlyMs, err = b.fireDelay(c, optEarly, optEarlyDelay); err != nil {
			return nil, err
		}
	}
	if !late || w.window.Proctime { // no row is late by processing time
		return emit, nil
	}
	if emit.LateMs, err = b.fireDelay(c, optLate, optLateDelay); err != nil {
		return nil, err
	}
	lateness := b.opts.Duration(optTTL)
	if b.opts.String(optLateness) != "" {
		lateness = b.opts.Duration(optLateness)
	}
	emit.LatenessMs = lateness.Milliseconds()
	switch {
	case emit.LatenessMs == 0:
		e := base.Errorf(posOf(c), "'%s' is set, but no row may be late", optLate)
		e.Hint = "SET '" + optLateness + "' to how late rows may be"
		return nil, e
	case emit.LateMs > emit.LatenessMs:
		return nil, errAt(c, "'%s' of %s is longer than rows may be late: '%s' is %s", optLateDelay, time.Duration(emit.LateMs)*time.Millisecond, optLateness, lateness)
	}
	return emit, nil
}

func (b *Binder) fireDelay(c ast.Node, enabled, delay string) (int64, error) {
	if b.opts.String(delay) == "" {
		e := base.Errorf(posOf(c), "'%s' is set, but '%s' is not", enabled, delay)
		e.Hint = "SET '" + delay + "' to how long after a row the result is told; '0 ms' tells it at each row"
		return 0, e
	}
	return b.opts.Duration(delay).Milliseconds(), nil
}

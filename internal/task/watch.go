package task

// A watch gives the time that a task spends to what it spends it on: its source, one
// of its operators or one of its edges. Operators call each other, so time runs for
// the innermost. Without a clock it does nothing.
type watch struct {
	now   func() int64 // nanoseconds
	to    *int64       // whose time runs; nil: nobody's
	since int64
}

// turn lets time run for another, and returns for whom it ran.
func (w *watch) turn(to *int64) (before *int64) {
	if w.now == nil {
		return nil
	}
	now := w.now()
	if w.to != nil {
		*w.to += now - w.since
	}
	before, w.to, w.since = w.to, to, now
	return before
}

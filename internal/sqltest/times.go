package sqltest

import (
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/env"
)

// times is the time of a file in one mode. Every statement begins at the time that the
// sections above it say; while it runs, the tables that it reads move the clock.
type times struct {
	clock *env.Clock // nil: the machine's
	start int64
}

// begin sets the time at which the statements that follow begin.
func (t *times) begin(at int64) {
	t.start = at
	t.rewind()
}

// rewind puts the clock to where statements begin.
func (t *times) rewind() {
	if t.clock != nil {
		t.clock.Set(t.start)
	}
}

// A moment is when the rows behind a line come: a time, or so long after the beginning
// of the statement. In microseconds.
type moment struct {
	us     int64
	offset bool
}

// after is the moment that a line "clock TIME" or "advance DURATION" behind this one
// says. ok is false for lines of another kind.
func (m moment) after(line string) (_ moment, ok bool, err error) {
	if text, ok := strings.CutPrefix(line, "clock "); ok {
		us, err := parseTime(text)
		return moment{us: us}, true, err
	}
	text, ok := strings.CutPrefix(line, "advance ")
	if !ok {
		return m, false, nil
	}
	d, err := connect.ParseDuration(text)
	if err != nil {
		return m, true, err
	}
	return moment{m.us + d.Microseconds(), m.offset}, true, nil
}

// of returns the time of a moment in the statement that runs.
func (t *times) of(m moment) int64 {
	if m.offset {
		return t.start + m.us
	}
	return m.us
}

package exec

import (
	"math"
	"time"
)

// A wallClock tells instants as a zone's clocks show them, in microseconds. With no
// zone, or with UTC, they are the same.
type wallClock struct {
	zone *time.Location // nil: times are instants as they are

	// The stretch of the zone in which off is the offset: instants in [from, to).
	from, to, off int64
}

func newWallClock(zone string) (wallClock, error) {
	if zone == "" || zone == "UTC" {
		return wallClock{}, nil
	}
	loc, err := time.LoadLocation(zone)
	return wallClock{zone: loc}, err
}

// local returns what the clock shows at an instant.
func (c *wallClock) local(t int64) int64 {
	if c.zone == nil {
		return t
	}
	if t < c.from || t >= c.to {
		c.from, c.to, c.off = c.stretch(t)
	}
	return t + c.off
}

// stretch returns the bounds of the time around an instant in which clocks were not
// moved, and their offset in it.
func (c *wallClock) stretch(t int64) (from, to, off int64) {
	at := time.UnixMicro(t).In(c.zone)
	_, sec := at.Zone()
	start, end := at.ZoneBounds()
	from, to = math.MinInt64, math.MaxInt64
	if !start.IsZero() {
		from = start.UnixMicro()
	}
	if !end.IsZero() {
		to = end.UnixMicro()
	}
	return from, to, int64(sec) * 1e6
}

// clockReach is more than clocks differ from UTC anywhere.
const clockReach = 18 * 3600 * 1e6

// last returns the last instant at which the clock shows a local time. If clocks
// left it out it is the instant at which they were moved.
func (c *wallClock) last(local int64) int64 {
	if c.zone == nil {
		return local
	}
	found, seen := int64(math.MinInt64), false
	moved := int64(math.MinInt64)
	for t := local - clockReach; ; {
		from, to, off := c.stretch(t)
		at := local - off
		if at >= from && at < to {
			found, seen = at, true
		}
		if at >= to { // this stretch ends before it shows that time
			moved = to
		}
		if to > local+clockReach {
			break
		}
		t = to
	}
	if !seen {
		return moved
	}
	return found
}

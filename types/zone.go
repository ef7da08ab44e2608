package types

import (
	"strings"
	"sync"
	"time"
)

// A Zone converts between UTC and the local time of a time.Location. It
// remembers the last span of constant offset, so rows that lie near each other
// cost a comparison. It is for one goroutine.
type Zone struct {
	loc      *time.Location
	from, to int64 // UTC seconds, [from, to)
	offset   int64 // seconds
}

// NewZone returns the Zone of a location; nil means UTC.
func NewZone(loc *time.Location) *Zone {
	if loc == nil {
		loc = time.UTC
	}
	return &Zone{loc: loc}
}

// Offset returns the local time less UTC, in seconds, at an instant in seconds.
func (z *Zone) Offset(unix int64) int64 {
	if unix >= z.from && unix < z.to {
		return z.offset
	}
	t := time.Unix(unix, 0).In(z.loc)
	_, off := t.Zone()
	start, end := t.ZoneBounds()
	z.from, z.to, z.offset = -1<<62, 1<<62, int64(off)
	if !start.IsZero() {
		z.from = start.Unix()
	}
	if !end.IsZero() {
		z.to = end.Unix()
	}
	return z.offset
}

// Local returns the local time of an instant, both in microseconds.
func (z *Zone) Local(micros int64) int64 { return micros + z.Offset(floorDiv64(micros, Second))*Second }

// UTC returns the instant of a local time, both in microseconds. A time that the
// clock skips is taken with the offset before the gap, and one that it shows
// twice is the earlier, as java.time has it.
func (z *Zone) UTC(local int64) int64 {
	secs := floorDiv64(local, Second)
	first := z.Offset(secs - 86400) // before any change near
	guess := secs - first
	if z.Offset(guess) == first {
		return local - first*Second
	}
	second := z.Offset(guess)
	if z.Offset(secs-second) == second {
		return local - second*Second
	}
	return local - first*Second
}

// UTCLate is UTC but that a time which the clock shows twice is the later, as
// java.util.Calendar has it.
func (z *Zone) UTCLate(local int64) int64 {
	after := z.Offset(floorDiv64(local, Second) + 86400)
	if late := local - after*Second; z.Offset(floorDiv64(late, Second)) == after {
		return late
	}
	return z.UTC(local)
}

// LocalNanos and UTCNanos are Local and UTC for nanoseconds.
func (z *Zone) LocalNanos(n Int128) Int128 { return z.shift(n, z.Local) }

// UTCNanos returns the instant of a local time, both in nanoseconds.
func (z *Zone) UTCNanos(n Int128) Int128 { return z.shift(n, z.UTC) }

func (z *Zone) shift(n Int128, f func(int64) int64) Int128 {
	q, r := n.DivInt(1000)
	micros, _ := q.Int64()
	return Int128Of(f(micros)).MulInt(1000).Add(Int128Of(r))
}

func floorDiv64(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

var zones sync.Map // name to *time.Location

// LoadZone returns the location of a name as Flink takes it: a name of the tz
// database, UTC, GMT+08:00, +08:00.
func LoadZone(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	loc, err := loadZone(name)
	if err == nil {
		zones.Store(name, loc)
	}
	return loc, err
}

func loadZone(name string) (*time.Location, error) {
	rest := name
	for _, prefix := range []string{"GMT", "UTC", "UT"} {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix {
			rest = name[len(prefix):]
			break
		}
	}
	if off, ok := parseOffset(rest); ok {
		return time.FixedZone(name, off), nil
	}
	if name == "Z" {
		return time.UTC, nil
	}
	return time.LoadLocation(name)
}

// parseOffset reads +8, +08, +0800, +08:00 and +8:00 as seconds.
func parseOffset(s string) (int, bool) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hour, minute, colon := strings.Cut(s[1:], ":")
	if !colon && len(hour) == 4 {
		hour, minute = hour[:2], hour[2:]
	}
	h, ok := digits([]byte(hour))
	m, ok2 := digits([]byte(minute))
	if !ok || h > 18 || minute != "" && (!ok2 || m > 59) {
		return 0, false
	}
	off := h*3600 + m*60
	if s[0] == '-' {
		off = -off
	}
	return off, true
}

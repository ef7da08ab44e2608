package connect

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// An Option is a key that a connector, a format or the session knows.
type Option struct {
	Key     string
	Default string
	Doc     string
	// Check returns what is wrong with a value; nil accepts every value.
	Check func(string) error
}

// Matches reports whether the option stands for a key. A Key that ends in '*'
// stands for all that begin like it (properties.*); one with a '#' for all that
// have a column's path in its place (fields.#.kind).
func (o *Option) Matches(key string) bool {
	if before, ok := strings.CutSuffix(o.Key, "*"); ok {
		return strings.HasPrefix(key, before)
	}
	if before, after, ok := strings.Cut(o.Key, "#"); ok {
		return len(key) > len(before)+len(after) && strings.HasPrefix(key, before) && strings.HasSuffix(key, after)
	}
	return o.Key == key
}

// Options are the WITH options of a table, all of them checked against what its
// connector and format declare.
type Options map[string]string

// String returns the value of key, or def.
func (o Options) String(key, def string) string {
	if v, ok := o[key]; ok {
		return v
	}
	return def
}

// Bool returns the value of key, or def.
func (o Options) Bool(key string, def bool) (bool, error) {
	v, ok := o[key]
	if !ok {
		return def, nil
	}
	b, err := strconv.ParseBool(strings.ToLower(v))
	if err != nil {
		return false, fmt.Errorf("option '%s': '%s' is not true or false", key, v)
	}
	return b, nil
}

// Int returns the value of key, or def.
func (o Options) Int(key string, def int64) (int64, error) {
	v, ok := o[key]
	if !ok {
		return def, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("option '%s': '%s' is not an integer", key, v)
	}
	return n, nil
}

// Duration returns the value of key, or def. It reads Flink's durations: '10 s',
// '1 min', '100ms', '1h'.
func (o Options) Duration(key string, def time.Duration) (time.Duration, error) {
	v, ok := o[key]
	if !ok {
		return def, nil
	}
	d, err := ParseDuration(v)
	if err != nil {
		return 0, fmt.Errorf("option '%s': %w", key, err)
	}
	return d, nil
}

// Size returns the value of key in bytes, or def. It reads Flink's memory sizes:
// '64mb', '1 gb', '4096'.
func (o Options) Size(key string, def int64) (int64, error) {
	v, ok := o[key]
	if !ok {
		return def, nil
	}
	n, err := ParseSize(v)
	if err != nil {
		return 0, fmt.Errorf("option '%s': %w", key, err)
	}
	return n, nil
}

var durationUnits = map[string]time.Duration{
	"": time.Millisecond, "ms": time.Millisecond, "milli": time.Millisecond, "millis": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hour": time.Hour, "hours": time.Hour, "d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"µs": time.Microsecond, "micro": time.Microsecond, "micros": time.Microsecond, "microsecond": time.Microsecond, "microseconds": time.Microsecond,
	"ns": time.Nanosecond, "nano": time.Nanosecond, "nanos": time.Nanosecond, "nanosecond": time.Nanosecond, "nanoseconds": time.Nanosecond,
}

// ParseDuration reads a duration as Flink's options write it; without a unit it
// is milliseconds.
func ParseDuration(s string) (time.Duration, error) {
	n, unit, err := number(s)
	u, ok := durationUnits[unit]
	if err != nil || !ok {
		return 0, fmt.Errorf("'%s' is not a duration such as '10 s', '1 min' or '500 ms'", s)
	}
	return time.Duration(n) * u, nil
}

var sizeUnits = map[string]int64{"": 1, "b": 1, "bytes": 1, "k": 1 << 10, "kb": 1 << 10, "kibibytes": 1 << 10, "m": 1 << 20, "mb": 1 << 20,
	"mebibytes": 1 << 20, "g": 1 << 30, "gb": 1 << 30, "gibibytes": 1 << 30, "t": 1 << 40, "tb": 1 << 40, "tebibytes": 1 << 40}

// ParseSize reads a memory size as Flink's options write it; without a unit it
// is bytes.
func ParseSize(s string) (int64, error) {
	n, unit, err := number(s)
	u, ok := sizeUnits[unit]
	if err != nil || !ok {
		return 0, fmt.Errorf("'%s' is not a size such as '64mb' or '1 gb'", s)
	}
	return n * u, nil
}

func number(s string) (int64, string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	return n, strings.TrimSpace(s[i:]), err
}

// CheckBool is the Check of options that are true or false.
func CheckBool(v string) error {
	if _, err := strconv.ParseBool(strings.ToLower(v)); err != nil {
		return fmt.Errorf("'%s' is not true or false", v)
	}
	return nil
}

// CheckDuration is the Check of options that are durations.
func CheckDuration(v string) error {
	_, err := ParseDuration(v)
	return err
}

// CheckSize is the Check of options that are memory sizes.
func CheckSize(v string) error {
	_, err := ParseSize(v)
	return err
}

// CheckOneOf returns the Check of options that are one of some words.
func CheckOneOf(words ...string) func(string) error {
	return func(v string) error {
		for _, w := range words {
			if v == w {
				return nil
			}
		}
		return fmt.Errorf("'%s' is none of %s", v, strings.Join(words, ", "))
	}
}

// Near returns the name among names that is closest to s, or "" when none is
// close enough to be what was meant.
func Near(s string, names []string) string {
	best, at := 1+max(1, len(s)/3), ""
	sorted := append([]string(nil), names...)
	sort.Strings(sorted)
	for _, n := range sorted {
		if d := distance(strings.ToLower(s), strings.ToLower(n)); d < best {
			best, at = d, n
		}
	}
	return at
}

// distance is the Levenshtein distance of two strings, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost = 1 + min(diag, row[j], row[j+1])
			}
			diag, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

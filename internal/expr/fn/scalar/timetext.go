package scalar

import (
	"fmt"
	"math"
	"time"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// defaultPattern is what texts of timestamps look like.
const defaultPattern = "yyyy-MM-dd HH:mm:ss"

func init() {
	two := []kernel.Want{kernel.Text, kernel.Text}
	fn.Register(
		kernel.Define("DATE_FORMAT", doc("temporal", "DATE_FORMAT(t, pattern)", "a timestamp, or the text of one, by a Java pattern", "DATE_FORMAT(TIMESTAMP '2020-01-02 03:04:05', 'yyyyMMdd')"),
			kernel.Sig{Args: []kernel.Want{kernel.Stamp, kernel.Text}, Ret: types.TString, MayBeNull: true, Make: func(a []types.Type, _ types.Type) fn.Eval { return evalDateFormat(a[0].Kind == types.TimestampLTZ) }},
			kernel.Sig{Args: two, Ret: types.TString, MayBeNull: true, Eval: evalReformat}),
		kernel.Define("FROM_UNIXTIME", doc("temporal", "FROM_UNIXTIME(seconds [, pattern])", "the text of an instant in the session's zone", "FROM_UNIXTIME(44)"),
			kernel.Sig{Args: []kernel.Want{kernel.Int64, kernel.Text}, Opt: 1, Ret: types.TString, MayBeNull: true, Eval: evalFromUnix}),
		kernel.Define("UNIX_TIMESTAMP", doc("temporal", "UNIX_TIMESTAMP([s [, pattern]])", "seconds since 1970 of a text in the session's zone, or of now; the least BIGINT if it is no timestamp", "UNIX_TIMESTAMP('1970-01-02 00:00:00')"),
			kernel.Sig{Args: two, Opt: 1, Ret: types.TBigInt, Eval: evalUnix}),
		nowFunc("UNIX_TIMESTAMP NOW", "seconds since 1970 of this moment, as UNIX_TIMESTAMP()", types.TBigInt.Nullable(false), true,
			func(_ *types.Zone, now int64) int64 { return now / types.Second }),
		kernel.Define("TO_DATE", doc("temporal", "TO_DATE(s [, pattern])", "the date that a text stands for; NULL if it is none", "TO_DATE('2020-01-02')"),
			kernel.Sig{Args: two, Opt: 1, Ret: types.TDate, MayBeNull: true, Eval: evalToDate}),
		kernel.Define("TO_TIMESTAMP", doc("temporal", "TO_TIMESTAMP(s [, pattern])", "the timestamp that a text stands for; NULL if it is none", "TO_TIMESTAMP('2020-01-02 03:04:05')"),
			kernel.Sig{Args: two, Opt: 1, Ret: types.TimestampOf(3), MayBeNull: true, Eval: evalToTimestamp}),
		kernel.Define("CONVERT_TZ", doc("temporal", "CONVERT_TZ(s, from, to)", "the text of a timestamp moved from one zone to another", "CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'America/Los_Angeles')"),
			kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Text, kernel.Text}, Ret: types.TString, MayBeNull: true, Eval: evalConvertTZ}),
	)
}

// A patternCache holds the pattern last used.
type patternCache = kernel.Cache[*kernel.TimePattern]

func pattern(c *fn.Call, args []vec.Vector, at, row int) (*kernel.TimePattern, error) {
	key := []byte(defaultPattern)
	if len(args) > at {
		key = kernel.Str(args[at]).At(row)
	}
	return state[patternCache](c).Get(key, kernel.NewTimePattern)
}

// patternOf returns the pattern of each row, cheaply when it is one.
func patternOf(c *fn.Call, args []vec.Vector, at int) func(row int) (*kernel.TimePattern, error) {
	if len(args) <= at || kernel.Str(args[at]).Const() {
		p, err := pattern(c, args, at, 0)
		return func(int) (*kernel.TimePattern, error) { return p, err }
	}
	return func(row int) (*kernel.TimePattern, error) { return pattern(c, args, at, row) }
}

func evalDateFormat(isLocal bool) fn.Eval {
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, pat := kernel.Num[int64](args[0]), patternOf(c, args, 1)
		var zone *types.Zone
		if isLocal {
			zone = zoneOf(c)
		}
		if kernel.Str(args[1]).Const() {
			if p, err := pat(0); err == nil {
				if v := formatRuns(p, x, zone, rows, n); v != nil {
					return v, nil
				}
			}
		}
		return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
			p, err := pat(i)
			if err != nil {
				return nil, false, err
			}
			local := x.At(i)
			if zone != nil {
				local = zone.Local(local)
			}
			return p.Append(dst, local, 0), true, nil
		})
	}
}

// evalReformat formats the text of a timestamp; NULL if it is none.
func evalReformat(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, pat := kernel.Str(args[0]), patternOf(c, args, 1)
	in, err := kernel.NewTimePattern(defaultPattern)
	if err != nil {
		return nil, err
	}
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		p, err := pat(i)
		if err != nil {
			return nil, false, err
		}
		local, _, ok := in.ParseLenient(kernel.TextOf(s.At(i)))
		if !ok {
			return dst, false, nil
		}
		return p.Append(dst, local, 0), true, nil
	})
}

func evalFromUnix(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	x, pat, zone := kernel.Num[int64](args[0]), patternOf(c, args, 1), zoneOf(c)
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		p, err := pat(i)
		if err != nil {
			return nil, false, err
		}
		m := x.At(i) * types.Second
		return p.Append(dst, zone.Local(m), zone.Offset(x.At(i))), true, nil
	})
}

func evalUnix(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, pat, zone := kernel.Str(args[0]), patternOf(c, args, 1), zoneOf(c)
	return kernel.NumsErr(rows, n, func(i int) (int64, error) {
		p, err := pat(i)
		if err != nil {
			return 0, err
		}
		m, hasZone, ok := p.ParseLenient(kernel.TextOf(s.At(i)))
		if !ok {
			return math.MinInt64, nil
		}
		if !hasZone {
			m = zone.UTCLate(m)
		}
		return m / types.Second, nil
	})
}

func evalToDate(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s := kernel.Str(args[0])
	if len(args) == 1 {
		return kernel.NumsNull(rows, n, func(i int) (int32, bool) {
			d, ok := types.ParseDate(s.At(i))
			return int32(d), ok
		}), nil
	}
	pat := patternOf(c, args, 1)
	var failed error
	v := kernel.NumsNull(rows, n, func(i int) (int32, bool) {
		p, err := pat(i)
		if err != nil {
			failed = err
			return 0, false
		}
		m, _, ok := p.ParseLenient(kernel.TextOf(s.At(i)))
		d, _ := types.DayOf(m)
		return int32(d), ok
	})
	return v, failed
}

func evalToTimestamp(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s := kernel.Str(args[0])
	if len(args) == 1 {
		return kernel.NumsNull(rows, n, func(i int) (int64, bool) {
			civil, ok := types.ParseTimestamp(s.At(i))
			return floorMilli(civil.Micros()), ok
		}), nil
	}
	pat := patternOf(c, args, 1)
	var failed error
	v := kernel.NumsNull(rows, n, func(i int) (int64, bool) {
		p, err := pat(i)
		if err != nil {
			failed = err
			return 0, false
		}
		civil, ok := p.Parse(kernel.TextOf(s.At(i)))
		if !ok {
			civil, ok = types.ParseTimestamp(s.At(i)) // 1999-9-10 05:20:10, whatever the pattern
		}
		return floorMilli(civil.Micros()), ok
	})
	return v, failed
}

func floorMilli(m int64) int64 {
	r := m % types.Milli
	if r < 0 {
		r += types.Milli
	}
	return m - r
}

func evalConvertTZ(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, from, to := kernel.Str(args[0]), kernel.Str(args[1]), kernel.Str(args[2])
	p, err := kernel.NewTimePattern(defaultPattern)
	if err != nil {
		return nil, err
	}
	var zones [2]kernel.Cache[*types.Zone]
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		a, err := zones[0].Get(from.At(i), zoneByName)
		if err != nil {
			return nil, false, err
		}
		b, err := zones[1].Get(to.At(i), zoneByName)
		if err != nil {
			return nil, false, err
		}
		m, _, ok := p.ParseLenient(kernel.TextOf(s.At(i)))
		if !ok {
			return dst, false, nil
		}
		m = a.UTCLate(m)
		return p.Append(dst, b.Local(m), 0), true, nil
	})
}

func zoneByName(name string) (*types.Zone, error) {
	loc, err := types.LoadZone(name)
	if err != nil {
		return nil, fmt.Errorf("there is no time zone %q", name)
	}
	return types.NewZone(loc), nil
}

func init() {
	second := []kernel.Want{kernel.Int64, kernel.Int32}
	text := []kernel.Want{kernel.Text, kernel.Text, kernel.Text}
	ret := types.LTZOf(3)
	fn.Register(kernel.Define("TO_TIMESTAMP_LTZ", doc("temporal", "TO_TIMESTAMP_LTZ(n [, precision]) or (s [, pattern [, zone]])",
		"the instant n seconds (precision 0) or milliseconds (3, the default) after 1970, or of a text in a zone, UTC by default", "TO_TIMESTAMP_LTZ(1000, 3)"),
		kernel.Sig{Args: second, Opt: 1, Ret: ret, MayBeNull: true, Eval: evalInstant},
		kernel.Sig{Args: []kernel.Want{kernel.Float, kernel.Int32}, Opt: 1, Ret: ret, MayBeNull: true, Eval: evalInstantFloat},
		kernel.Sig{Args: text, Opt: 2, Ret: ret, MayBeNull: true, Eval: evalInstantText}))
}

// instantMax bounds instants to the years that Flink knows, 0 to 9999.
var (
	instantMin = int64(types.DaysOf(0, 1, 1)) * types.Day
	instantMax = int64(types.DaysOf(10000, 1, 1))*types.Day - 1
)

func instant(n int64, precision int32) (int64, bool, error) {
	unit := types.Milli
	switch precision {
	case 0:
		unit = types.Second
	case 3:
	default:
		return 0, false, fmt.Errorf("TO_TIMESTAMP_LTZ takes the precision 0 for seconds or 3 for milliseconds, not %d", precision)
	}
	return n * unit, n >= instantMin/unit && n <= instantMax/unit, nil
}

func precisionOf(args []vec.Vector) func(i int) int32 {
	if len(args) < 2 {
		return func(int) int32 { return 3 }
	}
	return kernel.Num[int32](args[1]).At
}

func evalInstant(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	x, prec := kernel.Num[int64](args[0]), precisionOf(args)
	var failed error
	v := kernel.NumsNull(rows, n, func(i int) (int64, bool) {
		m, ok, err := instant(x.At(i), prec(i))
		if err != nil {
			failed = err
		}
		return m, ok
	})
	return v, failed
}

func evalInstantFloat(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	x, prec := kernel.Num[float64](args[0]), precisionOf(args)
	var failed error
	v := kernel.NumsNull(rows, n, func(i int) (int64, bool) {
		f := x.At(i)
		if prec(i) == 0 {
			f *= 1000
		}
		_, _, err := instant(0, prec(i))
		if err != nil {
			failed = err
		}
		m, ok, _ := instant(int64(f), 3)
		return m, ok && f == f
	})
	return v, failed
}

// evalInstantText reads texts; as in Flink, what cannot be read is an error without a
// pattern, and NULL with one.
func evalInstantText(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	var local vec.Vector
	var err error
	if local, err = evalToTimestamp(c, args[:min(len(args), 2)], rows, n); err != nil {
		return nil, err
	}
	text, given := kernel.Str(args[0]), kernel.NullsOf(args[0])
	nulls, m := kernel.NullsOf(local), kernel.Num[int64](local)
	zone := func(int) (*types.Zone, error) { return types.NewZone(time.UTC), nil }
	if len(args) == 3 {
		names := kernel.Str(args[2])
		var cache kernel.Cache[*types.Zone]
		zone = func(i int) (*types.Zone, error) { return cache.Get(names.At(i), zoneByName) }
	}
	var failed error
	v := kernel.NumsNull(rows, n, func(i int) (int64, bool) {
		if nulls.At(i) {
			if len(args) == 1 && !given.At(i) {
				failed = fmt.Errorf("TO_TIMESTAMP_LTZ cannot read %.100q as yyyy-MM-dd HH:mm:ss", text.At(i))
			}
			return 0, false
		}
		z, err := zone(i)
		if err != nil {
			failed = err
			return 0, false
		}
		return z.UTC(m.At(i)), true
	})
	return v, failed
}

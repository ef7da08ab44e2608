package parquet

import (
	"encoding/binary"
	"fmt"
	"slices"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	pqf "github.com/parquet-go/parquet-go/format"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
)

// extend returns s with room for n more values, and these.
func extend[T any](s []T, n int) (all, more []T) {
	have := len(s)
	all = slices.Grow(s, n)[:have+n]
	return all, all[have:]
}

// A conversion appends the values [from, to) of the page that l is in.
type conversion func(c *colbuf.Col, l *leaf, from, to int) error

// plain makes a conversion that appends slices: get returns the page's values,
// or its dictionary's, put appends them.
func plain[T any](get func(l *leaf) []T, put func(c *colbuf.Col, v []T) error) conversion {
	var buf []T
	return func(c *colbuf.Col, l *leaf, from, to int) error {
		vals := get(l)
		if l.dict == nil {
			return put(c, vals[from:to])
		}
		buf = pickOf(buf[:0], vals, l.index[from:to])
		return put(c, buf)
	}
}

// What the file has is what the column holds.
func sameInt32(c *colbuf.Col, v []int32) error { c.I32 = append(c.I32, v...); return nil }
func sameInt64(c *colbuf.Col, v []int64) error { c.I64 = append(c.I64, v...); return nil }

func int32s(l *leaf) []int32            { return l.values.Int32() }
func int64s(l *leaf) []int64            { return l.values.Int64() }
func int96s(l *leaf) []deprecated.Int96 { return l.values.Int96() }
func floats(l *leaf) []float32          { return l.values.Float() }
func doubles(l *leaf) []float64         { return l.values.Double() }

// logical returns what a physical type stands for, nil for itself.
func logical(t pq.Type) any {
	if lt := t.LogicalType(); lt != nil {
		return lt.Value
	}
	return nil
}

// conversion returns how values of a file's type become those of a column; nil
// if they cannot.
func (r *Reader) conversion(t pq.Type, to types.Type) conversion {
	lt := logical(t)
	if d, ok := lt.(*pqf.DecimalType); ok {
		if to.Kind != types.Decimal || int(d.Scale) != to.Scale || int(d.Precision) > to.Prec {
			return nil
		}
		return decimalConversion(t, to)
	}
	switch to.Kind {
	case types.Boolean:
		if t.Kind() == pq.Boolean {
			return booleans
		}
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt, types.IntervalMonth, types.IntervalSecond:
		return integerConversion(t, lt, to)
	case types.Date:
		if _, ok := lt.(*pqf.DateType); ok || lt == nil && t.Kind() == pq.Int32 {
			return plain(int32s, sameInt32)
		}
	case types.Time:
		return timeConversion(t, lt)
	case types.Timestamp, types.TimestampLTZ:
		return r.stampConversion(t, lt, to)
	case types.Float:
		if t.Kind() == pq.Float {
			return plain(floats, func(c *colbuf.Col, v []float32) error { c.F32 = append(c.F32, v...); return nil })
		}
	case types.Double:
		switch t.Kind() {
		case pq.Double:
			return plain(doubles, func(c *colbuf.Col, v []float64) error { c.F64 = append(c.F64, v...); return nil })
		case pq.Float:
			return plain(floats, func(c *colbuf.Col, v []float32) error {
				var out []float64
				c.F64, out = extend(c.F64, len(v))
				for i, x := range v {
					out[i] = float64(x)
				}
				return nil
			})
		}
	case types.Char, types.Varchar:
		if t.Kind() == pq.ByteArray {
			return texts
		}
	case types.Binary, types.Varbinary:
		switch t.Kind() {
		case pq.ByteArray:
			return byteArrays
		case pq.FixedLenByteArray:
			return fixedBytes(func(c *colbuf.Col, b []byte) error { c.Bytes(b); return nil })
		}
	}
	return nil
}

func booleans(c *colbuf.Col, l *leaf, from, to int) error {
	b := l.values.Boolean()
	var out []bool
	c.Bools, out = extend(c.Bools, to-from)
	for i := range out {
		k := from + i
		if l.dict != nil {
			k = int(l.index[k])
		}
		out[i] = b[k>>3]>>(k&7)&1 != 0
	}
	return nil
}

func fixedBytes(put func(c *colbuf.Col, b []byte) error) conversion {
	return func(c *colbuf.Col, l *leaf, from, to int) error {
		data, size := l.values.FixedLenByteArray()
		for i := from; i < to; i++ {
			k := i
			if l.dict != nil {
				k = int(l.index[i])
			}
			if err := put(c, data[k*size:(k+1)*size]); err != nil {
				return err
			}
		}
		return nil
	}
}

// integerConversion reads integers that are no wider than the column. Unsigned
// ones must be narrower.
func integerConversion(t pq.Type, lt any, to types.Type) conversion {
	have := 32
	if t.Kind() == pq.Int64 {
		have = 64
	} else if t.Kind() != pq.Int32 {
		return nil
	}
	switch x := lt.(type) {
	case nil:
	case *pqf.IntType:
		have = int(x.BitWidth)
		if !x.IsSigned {
			have++
		}
	default:
		return nil
	}
	room := map[types.Phys]int{types.PhysInt8: 8, types.PhysInt16: 16, types.PhysInt32: 32, types.PhysInt64: 64}[to.Phys()]
	// Flink writes TINYINT and SMALLINT as a bare INT32
	narrow := lt == nil && have == 32 && room < 32
	if have > room && !narrow {
		return nil
	}
	unsigned := have == 33
	if t.Kind() == pq.Int64 {
		return plain(int64s, sameInt64)
	}
	return plain(int32s, func(c *colbuf.Col, v []int32) error {
		switch {
		case room == 32:
			c.I32 = append(c.I32, v...)
		case unsigned:
			var out []int64
			c.I64, out = extend(c.I64, len(v))
			for i, x := range v {
				out[i] = int64(uint32(x))
			}
		default:
			for _, x := range v {
				if narrow && c.CheckInt(int64(x)) != numtext.OK {
					return fmt.Errorf("%d is out of range of %s", x, to.Name())
				}
				c.Int(int64(x))
			}
		}
		return nil
	})
}

func timeConversion(t pq.Type, lt any) conversion {
	by := int64(0)
	switch x := lt.(type) {
	case *pqf.TimeType:
		by = map[string]int64{"millis": 1, "micros": 1000, "nanos": 1_000_000}[unitOf(x.Unit)]
	case nil:
		if t.Kind() == pq.Int32 {
			by = 1
		}
	}
	switch {
	case by == 0:
		return nil
	case t.Kind() == pq.Int32:
		return plain(int32s, sameInt32)
	}
	return plain(int64s, func(c *colbuf.Col, v []int64) error {
		var out []int32
		c.I32, out = extend(c.I32, len(v))
		for i, x := range v {
			out[i] = int32(x / by)
		}
		return nil
	})
}

func unitOf(u pqf.TimeUnit) string {
	switch u.Value.(type) {
	case *pqf.MilliSeconds:
		return "millis"
	case *pqf.NanoSeconds:
		return "nanos"
	}
	return "micros"
}

// julianEpoch is the Julian day of 1970-01-01.
const julianEpoch = 2440588

func (r *Reader) stampConversion(t pq.Type, lt any, to types.Type) conversion {
	at := &clock{zone: r.zone}
	if to.Kind == types.TimestampLTZ {
		at.zone = nil
	}
	prec := to.Prec
	if t.Kind() == pq.Int96 && to.Phys() == types.PhysInt64 {
		return plain(int96s, func(c *colbuf.Col, v []deprecated.Int96) error {
			var out []int64
			c.I64, out = extend(c.I64, len(v))
			for i, x := range v {
				us := int64(uint64(x[0])|uint64(x[1])<<32) / 1000 // of the day
				day := (int64(x[2]) - julianEpoch) * 86400
				out[i] = day*1_000_000 + numtext.CutMicros(us, prec)
				if at.zone != nil {
					sec := day + us/1_000_000
					out[i] += (at.local(sec) - sec) * 1_000_000
				}
			}
			return nil
		})
	}
	if t.Kind() == pq.Int96 {
		return plain(int96s, func(c *colbuf.Col, v []deprecated.Int96) error {
			for _, x := range v {
				ns := int64(uint64(x[0]) | uint64(x[1])<<32)
				sec := (int64(x[2])-julianEpoch)*86400 + ns/1_000_000_000
				c.Timestamp(at.local(sec), numtext.Cut(int(ns%1_000_000_000), prec))
			}
			return nil
		})
	}
	ts, ok := lt.(*pqf.TimestampType)
	if !ok || t.Kind() != pq.Int64 {
		return nil
	}
	if !ts.IsAdjustedToUTC {
		at.zone = nil
	}
	per := map[string]int64{"millis": 1000, "micros": 1_000_000, "nanos": 1_000_000_000}[unitOf(ts.Unit)]
	if per == 1_000_000 && prec == 6 && at.zone == nil {
		return plain(int64s, sameInt64)
	}
	return plain(int64s, func(c *colbuf.Col, v []int64) error {
		for _, x := range v {
			sec, rest := x/per, x%per
			if rest < 0 {
				sec, rest = sec-1, rest+per
			}
			c.Timestamp(at.local(sec), numtext.Cut(int(rest*(1_000_000_000/per)), prec))
		}
		return nil
	})
}

func decimalConversion(t pq.Type, to types.Type) conversion {
	wide := to.Phys() == types.PhysInt128
	put := func(c *colbuf.Col, v int64) {
		if wide {
			c.Wide = append(c.Wide, types.Int128Of(v))
		} else {
			c.I64 = append(c.I64, v)
		}
	}
	fromBytes := func(c *colbuf.Col, b []byte) error {
		v, ok := bigEndian(b)
		if !ok {
			return fmt.Errorf("a decimal of %d bytes does not fit %s", len(b), to.Name())
		}
		if wide {
			c.Wide = append(c.Wide, v)
			return nil
		}
		x, ok := v.Int64()
		if !ok {
			return fmt.Errorf("a decimal does not fit %s", to.Name())
		}
		c.I64 = append(c.I64, x)
		return nil
	}
	switch t.Kind() {
	case pq.Int32:
		return plain(int32s, func(c *colbuf.Col, v []int32) error {
			for _, x := range v {
				put(c, int64(x))
			}
			return nil
		})
	case pq.Int64:
		if !wide {
			return plain(int64s, sameInt64)
		}
		return plain(int64s, func(c *colbuf.Col, v []int64) error {
			for _, x := range v {
				put(c, x)
			}
			return nil
		})
	case pq.FixedLenByteArray:
		if size := t.Length(); !wide && size >= 1 && size <= 8 {
			return shortDecimals(size, fixedBytes(fromBytes))
		}
		return fixedBytes(fromBytes)
	case pq.ByteArray:
		return func(c *colbuf.Col, l *leaf, from, to int) error {
			for i := from; i < to; i++ {
				b, err := l.bytesAt(i)
				if err == nil {
					err = fromBytes(c, b)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	return nil
}

// shortDecimals reads decimals of up to eight bytes. The values of a dictionary and
// the last of a page are left to slow.
func shortDecimals(size int, slow conversion) conversion {
	return func(c *colbuf.Col, l *leaf, from, to int) error {
		data, _ := l.values.FixedLenByteArray()
		fast := min(to, max(from, (len(data)-8)/size+1))
		if l.dict != nil || len(data) < 8 {
			fast = from
		}
		var out []int64
		c.I64, out = extend(c.I64, fast-from)
		shift := uint(64 - 8*size)
		for i := range out {
			out[i] = int64(binary.BigEndian.Uint64(data[(from+i)*size:])) >> (shift & 63)
		}
		return slow(c, l, fast, to)
	}
}

// bigEndian reads a two's complement number of any length.
func bigEndian(b []byte) (v types.Int128, ok bool) {
	if len(b) == 0 {
		return v, true
	}
	fill := byte(0)
	if b[0] >= 0x80 {
		fill = 0xFF
		v = types.Int128{Lo: ^uint64(0), Hi: -1}
	}
	for len(b) > 16 {
		if b[0] != fill {
			return v, false
		}
		b = b[1:]
	}
	for _, c := range b {
		v = types.Int128{Lo: v.Lo<<8 | uint64(c), Hi: int64(uint64(v.Hi)<<8 | v.Lo>>56)}
	}
	return v, fill == 0 == (v.Hi >= 0)
}

// appendBigEndian appends the low n bytes of a number, the highest first.
func appendBigEndian(dst []byte, v types.Int128, n int) []byte {
	for i := n - 1; i >= 0; i-- {
		if i >= 8 {
			dst = append(dst, byte(uint64(v.Hi)>>(8*(i-8))))
		} else {
			dst = append(dst, byte(v.Lo>>(8*i)))
		}
	}
	return dst
}

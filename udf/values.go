package udf

import (
	"fmt"
	"math/big"
	"reflect"
	"time"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Date is a DATE: the days since 1970-01-01.
type Date int32

// DateOf is the date that the clock of t shows.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date(types.DaysOf(y, int(m), d))
}

// Time is midnight of the date, in UTC.
func (d Date) Time() time.Time { return time.Unix(int64(d)*86_400, 0).UTC() }

// String is the date as 2024-02-29.
func (d Date) String() string { return d.Time().Format(time.DateOnly) }

// A Time is a TIME, in SQL of milliseconds: how long after midnight it is.
type Time time.Duration

// TimeOf is the time of the day that the clock of t shows.
func TimeOf(t time.Time) Time {
	h, m, s := t.Clock()
	return Time(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second + time.Duration(t.Nanosecond()))
}

// String is the time as 12:34:56.789.
func (t Time) String() string { return time.Time{}.Add(time.Duration(t)).Format("15:04:05.999") }

// An Instant is a TIMESTAMP_LTZ(6): a moment, whatever clocks show. A time.Time is a
// TIMESTAMP, what a clock shows.
type Instant struct{ time.Time }

// A Decimal is a DECIMAL(38, 18), as Flink takes a BigDecimal: a whole number of
// units of 10⁻¹⁸. The zero value is 0.
type Decimal types.Int128

const (
	decimalPrec  = 38
	decimalScale = 18
)

// DecimalOf rounds a number to 18 digits behind the point, halves away from zero. It is
// an error if more than 20 stand before it.
func DecimalOf(r *big.Rat) (Decimal, error) { return ParseDecimal(r.FloatString(decimalScale)) }

// ParseDecimal reads a number such as -12.50 or 1e3, rounded as by DecimalOf.
func ParseDecimal(s string) (Decimal, error) {
	x, fits, ok := types.ParseDecimal([]byte(s), decimalPrec, decimalScale)
	switch {
	case !ok:
		return Decimal{}, fmt.Errorf("%q is no number", s)
	case !fits:
		return Decimal{}, fmt.Errorf("%s does not fit into DECIMAL(%d, %d)", s, decimalPrec, decimalScale)
	}
	return Decimal(x), nil
}

// Rat is the number, exactly.
func (d Decimal) Rat() *big.Rat {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(decimalScale), nil)
	return new(big.Rat).SetFrac(types.Int128(d).Big(), unit)
}

// Float64 is the number as near as a float64 comes.
func (d Decimal) Float64() float64 { f, _ := d.Rat().Float64(); return f }

// String is the number with 18 digits behind the point.
func (d Decimal) String() string {
	return string(types.AppendDecimal128(nil, types.Int128(d), decimalScale))
}

var (
	dateType    = reflect.TypeFor[Date]()
	ofDayType   = reflect.TypeFor[Time]()
	instantType = reflect.TypeFor[Instant]()
	decimalType = reflect.TypeFor[Decimal]()
)

// value is the codec of a type that stands for one of SQL by name, not by its kind; nil
// for another.
func value(t reflect.Type) *codec {
	switch t {
	case timeType:
		return &codec{sql: types.Type{Kind: types.Timestamp, Prec: 6, NotNull: true},
			get: func(v vec.Vector, i int, to reflect.Value) { to.Set(reflect.ValueOf(stamp(v, i))) },
			put: func(b *vec.Builder, x reflect.Value) { b.Int(wall(x.Interface().(time.Time))) }}
	case instantType:
		return &codec{sql: types.Type{Kind: types.TimestampLTZ, Prec: 6, NotNull: true},
			get: func(v vec.Vector, i int, to reflect.Value) { to.Field(0).Set(reflect.ValueOf(stamp(v, i))) },
			put: func(b *vec.Builder, x reflect.Value) { b.Int(x.Interface().(Instant).UnixMicro()) }}
	case dateType:
		return &codec{sql: types.TDate.Nullable(false), get: getInt[int32], put: putInt}
	case ofDayType:
		return &codec{sql: types.Type{Kind: types.Time, Prec: 3, NotNull: true},
			get: func(v vec.Vector, i int, to reflect.Value) {
				to.SetInt(int64(v.(*vec.Fixed[int32]).Vals[i]) * int64(time.Millisecond))
			},
			put: func(b *vec.Builder, x reflect.Value) {
				ms := x.Int() / int64(time.Millisecond)
				if ms < 0 || ms >= 24*3600*1000 {
					panic(fmt.Sprintf("%s is no time of a day", time.Duration(x.Int())))
				}
				b.Int(ms)
			}}
	case decimalType:
		return &codec{sql: types.DecimalOf(decimalPrec, decimalScale).Nullable(false),
			get: func(v vec.Vector, i int, to reflect.Value) {
				to.Set(reflect.ValueOf(Decimal(v.(*vec.Fixed[types.Int128]).Vals[i])))
			},
			put: func(b *vec.Builder, x reflect.Value) { b.Int128(types.Int128(x.Interface().(Decimal))) }}
	}
	return nil
}

func stamp(v vec.Vector, i int) time.Time {
	return time.UnixMicro(v.(*vec.Fixed[int64]).Vals[i]).UTC()
}

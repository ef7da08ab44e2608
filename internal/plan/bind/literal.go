package bind

import (
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// literal types a constant as Flink does: integers are INT or BIGINT, 0.908 is
// DECIMAL(4, 3), 1e2 is DOUBLE, a text is CHAR of its length.
func (b *Binder) literal(l *ast.Literal, negative bool) (*expr.Expr, error) {
	e, err := b.bareLiteral(l, negative)
	if err != nil {
		return nil, err
	}
	return placed(e, posOf(l)), nil
}

func (b *Binder) bareLiteral(l *ast.Literal, negative bool) (*expr.Expr, error) {
	switch l.Kind {
	case ast.LitNull:
		return expr.NullOf(types.TNull), nil
	case ast.LitUnknown:
		return expr.NullOf(types.TBoolean), nil
	case ast.LitBool:
		return expr.Bool(strings.EqualFold(l.Text, "TRUE")), nil
	case ast.LitInt:
		return integer(l, l.Text, negative)
	case ast.LitDecimal:
		if whole, ok := strings.CutSuffix(l.Text, "."); ok {
			return integer(l, whole, negative)
		}
		return decimal(l, l.Text, negative)
	case ast.LitApprox:
		f, err := strconv.ParseFloat(l.Text, 64)
		if err != nil && math.IsInf(f, 0) {
			return nil, errAt(l, "number %s is too large for DOUBLE", l.Text)
		}
		if negative {
			f = -f
		}
		return expr.Literal(types.TDouble, f), nil
	case ast.LitString:
		return expr.Text(l.Text), nil
	case ast.LitBinary:
		raw, err := hex.DecodeString(l.Text)
		if err != nil {
			return nil, errAt(l, "X'%s' has an odd number of digits", l.Text)
		}
		return expr.Literal(types.Type{Kind: types.Binary, Len: max(1, len(raw))}, string(raw)), nil
	}
	return b.timeLiteral(l)
}

func integer(l *ast.Literal, digits string, negative bool) (*expr.Expr, error) {
	text := digits
	if negative {
		text = "-" + text
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return decimal(l, digits, negative)
	}
	t := types.TBigInt
	if n >= math.MinInt32 && n <= math.MaxInt32 {
		t = types.TInt
	}
	return expr.Literal(t, n), nil
}

// decimal has the digits that are written, those before the point included.
func decimal(l *ast.Literal, text string, negative bool) (*expr.Expr, error) {
	digits, scale := text, 0
	if i := strings.IndexByte(text, '.'); i >= 0 {
		digits, scale = text[:i]+text[i+1:], len(text)-i-1
	}
	if len(digits) > decimalPrecMax {
		if digits = strings.TrimLeft(digits, "0"); len(digits) > decimalPrecMax {
			return nil, errAt(l, "number %s has more than %d digits", text, decimalPrecMax)
		}
	}
	n, _ := new(big.Int).SetString(digits, 10)
	if negative {
		n.Neg(n)
	}
	t := types.DecimalOf(max(1, scale, len(digits)), scale)
	if t.Prec > 18 {
		return expr.Literal(t, types.Int128FromBig(n)), nil
	}
	return expr.Literal(t, n.Int64()), nil
}

// timeLiteral reads DATE, TIME and TIMESTAMP; the precision is the number of
// digits after the second.
func (b *Binder) timeLiteral(l *ast.Literal) (*expr.Expr, error) {
	layout, zone, what, form := "2006-01-02 15:04:05", time.UTC, "TIMESTAMP", "yyyy-MM-dd HH:mm:ss[.fff]"
	switch l.Kind {
	case ast.LitDate:
		layout, what, form = "2006-01-02", "DATE", "yyyy-MM-dd"
	case ast.LitTime:
		layout, what, form = "15:04:05", "TIME", "HH:mm:ss[.fff]"
	case ast.LitTimestampLTZ:
		zone = b.zone()
	}
	text := strings.TrimSpace(l.Text)
	t, err := time.ParseInLocation(layout, text, zone)
	if err != nil {
		return nil, errAt(l, "'%s' is no %s: expected %s", l.Text, what, form)
	}
	prec := 0
	if i := strings.IndexByte(text, '.'); i >= 0 {
		prec = min(9, len(text)-i-1)
	}
	switch l.Kind {
	case ast.LitDate:
		return expr.Literal(types.TDate, t.Unix()/86400-b2i(t.Unix()%86400 < 0)), nil
	case ast.LitTime:
		ms := int64(t.Hour())*3_600_000 + int64(t.Minute())*60_000 + int64(t.Second())*1000 + int64(t.Nanosecond())/1_000_000
		return expr.Literal(types.Type{Kind: types.Time, Prec: prec}, ms), nil
	case ast.LitTimestampLTZ:
		return stamp(types.LTZOf(prec), t), nil
	}
	return stamp(types.TimestampOf(prec), t), nil
}

func stamp(typ types.Type, t time.Time) *expr.Expr {
	if typ.Prec <= 6 {
		return expr.Literal(typ, t.UnixMicro())
	}
	ns := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(1_000_000_000))
	return expr.Literal(typ, types.Int128FromBig(ns.Add(ns, big.NewInt(int64(t.Nanosecond())))))
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func monthUnit(u ast.TimeUnit) bool { return u == ast.Year || u == ast.Quarter || u == ast.Month }

// unitSize is a unit in months, or in milliseconds.
var unitSize = map[ast.TimeUnit]int64{
	ast.Year: 12, ast.Quarter: 3, ast.Month: 1,
	ast.Week: 7 * 86_400_000, ast.Day: 86_400_000, ast.Hour: 3_600_000, ast.Minute: 60_000, ast.Second: 1000, ast.Millisecond: 1,
}

// intervalType is the type of an interval whose leading unit is u.
func intervalType(u ast.TimeUnit) types.Type {
	if monthUnit(u) {
		return types.Of(types.IntervalMonth)
	}
	return types.Of(types.IntervalSecond)
}

// interval reads INTERVAL '3 04:05:06.7' DAY TO SECOND.
func (x *exprBinder) interval(iv *ast.Interval) (*expr.Expr, error) {
	size, ok := unitSize[iv.Range.From]
	if !ok {
		return nil, errAt(iv, "intervals of %s are not supported: the finest unit is MILLISECOND", iv.Range.From)
	}
	t := intervalType(iv.Range.From)
	if iv.X != nil {
		return x.intervalOf(iv, t, size)
	}
	text, negative := strings.TrimSpace(iv.Text), iv.Negative
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		text, negative = rest, !negative
	}
	text = strings.TrimPrefix(text, "+")
	n, err := intervalValue(text, iv.Range)
	if err != "" {
		return nil, errAt(iv, "INTERVAL '%s' %s: %s", iv.Text, rangeText(iv.Range), err)
	}
	if negative {
		n = -n
	}
	return placed(expr.Literal(t, n), posOf(iv)), nil
}

// intervalOf is INTERVAL x DAY with an expression: x times one day.
func (x *exprBinder) intervalOf(iv *ast.Interval, t types.Type, size int64) (*expr.Expr, error) {
	e, err := x.bind(iv.X)
	if err != nil {
		return nil, err
	}
	if iv.Negative {
		size = -size
	}
	if n, ok := e.Value.(int64); ok && e.Op == expr.Lit && e.Type.Integer() {
		return placed(expr.Literal(t, n*size), posOf(iv)), nil
	}
	return x.call(iv, "*", expr.Literal(t, size), e)
}

func rangeText(r ast.IntervalRange) string {
	if r.To != "" {
		return string(r.From) + " TO " + string(r.To)
	}
	return string(r.From)
}

// intervalUnits are the units that a range goes through, coarse to fine.
var intervalUnits = []ast.TimeUnit{ast.Year, ast.Month, ast.Day, ast.Hour, ast.Minute, ast.Second}

// intervalValue reads an interval's text: months or milliseconds, and what is wrong.
func intervalValue(text string, r ast.IntervalRange) (int64, string) {
	if r.To == "" || r.To == r.From {
		return leadingValue(text, r.From)
	}
	var units []ast.TimeUnit
	in := false
	for _, u := range intervalUnits {
		in = in || u == r.From
		if in {
			units = append(units, u)
		}
		if u == r.To {
			break
		}
	}
	// Between parts stand: '-' (year-month), ' ' (day-hour), ':'.
	var total int64
	rest := text
	for i, u := range units {
		part := rest
		if i < len(units)-1 {
			sep := ":"
			switch u {
			case ast.Year:
				sep = "-"
			case ast.Day:
				sep = " "
			}
			var ok bool
			if part, rest, ok = strings.Cut(rest, sep); !ok {
				return 0, "expected the form of " + intervalForm(units)
			}
			rest = strings.TrimSpace(rest)
		}
		n, err := leadingValue(part, u)
		if err != "" {
			return 0, "expected the form of " + intervalForm(units)
		}
		total += n
	}
	return total, ""
}

func intervalForm(units []ast.TimeUnit) string {
	s := ""
	for i, u := range units {
		s += map[ast.TimeUnit]string{ast.Year: "y", ast.Month: "m", ast.Day: "d", ast.Hour: "hh", ast.Minute: "mm", ast.Second: "ss[.fff]"}[u]
		if i < len(units)-1 {
			s += map[bool]string{true: "-", false: ":"}[u == ast.Year]
			if u == ast.Day {
				s = strings.TrimSuffix(s, ":") + " "
			}
		}
	}
	return s
}

func leadingValue(text string, u ast.TimeUnit) (int64, string) {
	whole, fract := text, ""
	if u == ast.Second {
		whole, fract, _ = strings.Cut(text, ".")
	}
	n, err := strconv.ParseUint(whole, 10, 63)
	if err != nil {
		return 0, "'" + text + "' is not a number of units"
	}
	if int64(n) > math.MaxInt64/unitSize[u] {
		return 0, "it is too long"
	}
	ms := int64(n) * unitSize[u]
	if fract != "" {
		f, err := strconv.ParseUint((fract + "000")[:3], 10, 63)
		if err != nil {
			return 0, "'" + text + "' is not a number of seconds"
		}
		ms += int64(f)
	}
	return ms, ""
}

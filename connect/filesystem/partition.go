package filesystem

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// special are the characters that Flink (and Hive) write as %XX in the names of
// partition folders, besides control characters.
const special = "\"#%'*/:=?\\\x7F{[]^"

// appendName appends text as it stands in a folder's name.
func appendName(dst []byte, text []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range text {
		if c < ' ' || strings.IndexByte(special, c) >= 0 {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// unname is the inverse of appendName.
func unname(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(v))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// partition returns the values of the partition columns that a file's folders
// name, in the order of l.part; nil for NULL.
func (l *layout) partition(name string) ([]*string, error) {
	if len(l.part) == 0 {
		return nil, nil
	}
	null := l.defaultName()
	found := map[string]string{}
	for _, dir := range strings.Split(path.Dir(name), "/") {
		if k, v, ok := strings.Cut(dir, "="); ok {
			found[unname(k)] = unname(v)
		}
	}
	out := make([]*string, len(l.part))
	for i, p := range l.part {
		v, ok := found[p]
		if !ok {
			return nil, fmt.Errorf("read '%s': it is in no folder '%s=…', and the table is partitioned by that column", name, p)
		}
		if v != null {
			out[i] = &v
		}
	}
	return out, nil
}

// constant returns a column of one row that holds a partition value.
func constant(t types.Type, text *string) (vec.Vector, error) {
	b := vec.NewBuilder(t)
	if text == nil {
		b.Null()
		return b.Finish(), nil
	}
	if !parseValue(b, t, []byte(*text)) {
		return nil, fmt.Errorf("partition value '%s' is not a valid %s", *text, t.Name())
	}
	return b.Finish(), nil
}

// parseValue appends the value of a folder's name.
func parseValue(b *vec.Builder, t types.Type, s []byte) bool {
	switch t.Kind {
	case types.Char, types.Varchar:
		b.Bytes(s)
		return true
	case types.Boolean:
		v, err := strconv.ParseBool(strings.ToLower(string(s)))
		b.Bool(v)
		return err == nil
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		v, st := numtext.Int(s)
		bits := map[types.Kind]int{types.TinyInt: 8, types.SmallInt: 16, types.Int: 32, types.BigInt: 64}[t.Kind]
		b.Int(v)
		return st == numtext.OK && v >= math.MinInt64>>(64-bits) && v <= math.MaxInt64>>(64-bits)
	case types.Float, types.Double:
		bits := 64
		if t.Kind == types.Float {
			bits = 32
		}
		v, st := numtext.Float(s, bits)
		b.Float(v)
		return st == numtext.OK
	case types.Decimal:
		v, st := numtext.Decimal(s, t.Prec, t.Scale)
		if t.Prec <= 18 {
			x, _ := v.Int64()
			b.Int(x)
		} else {
			b.Int128(v)
		}
		return st == numtext.OK
	case types.Date:
		days, n := numtext.Date(s, numtext.Strict)
		b.Int(int64(days))
		return n > 0 && n == len(s)
	case types.Timestamp, types.TimestampLTZ:
		sec, nano, ok := parseStamp(s)
		nano = numtext.Cut(nano, t.Prec)
		if t.Prec <= 6 {
			b.Int(sec*1_000_000 + int64(nano/1000))
		} else {
			b.Int128(types.Int128Of(sec).MulInt(1_000_000_000).Add(types.Int128Of(int64(nano))))
		}
		return ok
	}
	return false
}

// parseStamp reads a date, or a date and a time, the seconds of which may be
// left out.
func parseStamp(s []byte) (sec int64, nano int, ok bool) {
	days, n := numtext.Date(s, numtext.Loose)
	if n == 0 {
		return 0, 0, false
	}
	sec = int64(days) * 86400
	if n == len(s) {
		return sec, 0, true
	}
	if s[n] != ' ' && s[n] != 'T' {
		return 0, 0, false
	}
	clock, nano, m := numtext.Clock(s[n+1:], true)
	return sec + int64(clock), nano, m > 0 && n+1+m == len(s)
}

// appendValue appends a partition value as a folder's name has it.
func appendValue(dst []byte, v vec.Vector, row int, t types.Type) []byte {
	var text []byte
	switch x := v.(type) {
	case *vec.Bytes:
		text = x.At(row)
	case *vec.Fixed[bool]:
		text = strconv.AppendBool(nil, x.Vals[row])
	case *vec.Fixed[int8]:
		text = strconv.AppendInt(nil, int64(x.Vals[row]), 10)
	case *vec.Fixed[int16]:
		text = strconv.AppendInt(nil, int64(x.Vals[row]), 10)
	case *vec.Fixed[int32]:
		if t.Kind == types.Date {
			text = numtext.AppendDate(nil, int(x.Vals[row]))
		} else {
			text = strconv.AppendInt(nil, int64(x.Vals[row]), 10)
		}
	case *vec.Fixed[int64]:
		switch {
		case t.Stamp():
			text = appendStamp(nil, types.Int128Of(x.Vals[row]).MulInt(1000))
		case t.Kind == types.Decimal:
			text = types.AppendDecimal64(nil, x.Vals[row], t.Scale)
		default:
			text = strconv.AppendInt(nil, x.Vals[row], 10)
		}
	case *vec.Fixed[types.Int128]:
		if t.Stamp() {
			text = appendStamp(nil, x.Vals[row])
		} else {
			text = types.AppendDecimal128(nil, x.Vals[row], t.Scale)
		}
	case *vec.Fixed[float32]:
		text = numtext.AppendFloat(nil, float64(x.Vals[row]), 32)
	case *vec.Fixed[float64]:
		text = numtext.AppendFloat(nil, x.Vals[row], 64)
	}
	return appendName(dst, text)
}

func appendStamp(dst []byte, nanos types.Int128) []byte {
	q, ns := nanos.DivInt(1_000_000_000)
	sec, _ := q.Int64()
	return numtext.AppendTimestamp(dst, sec, int(ns), 'T', numtext.Groups)
}

// checkPartitionType refuses types whose values have no name.
func (l *layout) checkPartitionTypes() error {
	for _, c := range l.partCols {
		switch f := l.table.Schema[c]; f.Type.Kind {
		case types.Array, types.Map, types.Multiset, types.Row, types.Variant, types.Bitmap, types.Binary, types.Varbinary, types.Time:
			return fmt.Errorf("table %s: column '%s': a table cannot be partitioned by %s", l.table.Name, f.Name, f.Type.Name())
		}
	}
	return nil
}

// passes reports whether a file whose partition values are these can hold rows
// that the predicates keep. What it cannot decide passes.
func (l *layout) passes(values []*string, preds []connect.Predicate) bool {
	for _, p := range preds {
		for i, c := range l.partCols {
			if c == p.Column && !passes(values[i], l.table.Schema[c].Type, p) {
				return false
			}
		}
	}
	return true
}

func passes(value *string, t types.Type, p connect.Predicate) bool {
	switch p.Op {
	case connect.IsNull:
		return value == nil
	case connect.NotNull:
		return value != nil
	}
	if value == nil {
		return false
	}
	cmp := func(lit any) (int, bool) {
		switch x := lit.(type) {
		case string:
			if t.Character() {
				return strings.Compare(*value, x), true
			}
		case int64:
			if v, st := numtext.Int([]byte(*value)); st == numtext.OK && t.Integer() {
				switch {
				case v < x:
					return -1, true
				case v > x:
					return 1, true
				}
				return 0, true
			}
		}
		return 0, false
	}
	if p.Op == connect.In {
		for _, lit := range p.Values {
			if c, ok := cmp(lit); !ok || c == 0 {
				return true
			}
		}
		return false
	}
	if len(p.Values) != 1 {
		return true
	}
	c, ok := cmp(p.Values[0])
	return !ok || p.Op.Holds(c)
}

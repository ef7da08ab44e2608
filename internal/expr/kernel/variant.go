package kernel

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/internal/expr/variant"
	"github.com/millrace-io/millrace/types"
)

// Variant appends a text of JSON as a cell of type VARIANT. An object with a field
// twice is an error, unless repeats says that the last counts.
func (j *JSON) Variant(dst []byte, b *variant.Builder, text string, repeats bool) ([]byte, error) {
	if !j.Parse(text) {
		return dst, errors.New("cannot read JSON from " + shown(text))
	}
	b.Begin()
	if dup := j.build(b, 0, repeats); dup != "" {
		return dst, fmt.Errorf("the field %q is there twice in %s", dup, shown(text))
	}
	return b.Finish(dst), nil
}

// shown shows a text, or its beginning.
func shown(s string) string {
	const most = 200
	if len(s) > most {
		return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "…"
	}
	return strconv.Quote(s)
}

// build writes a value; dup is a field that was there twice and must not.
func (j *JSON) build(b *variant.Builder, at int, repeats bool) (dup string) {
	v := &j.Vals[at]
	switch v.Kind {
	case JSONNull:
		b.Null()
	case JSONBool:
		b.Bool(v.Text == "true")
	case JSONNumber:
		buildNumber(b, v.Text)
	case JSONString:
		b.String(v.Text)
	case JSONArray:
		b.OpenArray()
		for k := v.Kid; k != 0; k = j.Vals[k].Next {
			if dup := j.build(b, k, repeats); dup != "" {
				return dup
			}
		}
		b.Close()
	case JSONObject:
		b.OpenObject()
		for k := v.Kid; k != 0; k = j.Vals[k].Next {
			b.Key(j.Vals[k].Key)
			if dup := j.build(b, k, repeats); dup != "" {
				return dup
			}
		}
		if dup, ok := b.Close(); !ok && !repeats {
			return dup
		}
	}
	return ""
}

// buildNumber writes a number: an integer as small as it can be, a DECIMAL where
// the digits are at most 38 and there is no exponent, and a DOUBLE otherwise.
func buildNumber(b *variant.Builder, s string) {
	if x, err := strconv.ParseInt(s, 10, 64); err == nil {
		b.Int(x)
		return
	}
	if !strings.ContainsAny(s, "eE") {
		_, frac, _ := strings.Cut(s, ".")
		digits := len(strings.TrimLeft(strings.NewReplacer(".", "", "-", "").Replace(s), "0"))
		if scale := len(frac); digits <= types.DecimalMax && scale <= types.DecimalMax {
			if x, fits, ok := types.ParseDecimal([]byte(s), types.DecimalMax, scale); ok && fits {
				b.Decimal(x, max(digits, 1), scale)
				return
			}
		}
	}
	x, _ := strconv.ParseFloat(s, 64) // what is out of range is infinite
	b.Double(x)
}

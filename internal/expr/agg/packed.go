package agg

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// packed reports whether the argument of a call is a ROW of its arguments: those
// that are no constants.
func packed(call jobgraph.AggCall) bool {
	n := 0
	for i := range call.Args {
		if i == 0 || i >= len(call.Consts) || call.Consts[i] == nil {
			n++
		}
	}
	return n > 1
}

// keepsNulls reports whether NULLs are values for a function, or have to be seen
// to be refused.
func keepsNulls(name string) bool {
	return User(name) || name == "ARRAY_AGG" || name == "JSON_ARRAYAGG_NULL_ON_NULL" || strings.HasPrefix(name, "JSON_OBJECTAGG")
}

// sorted returns the first arguments of values in the order of the keys behind
// them; equal keys in the order of arrival.
func (a *list) sorted(all []byte) []byte {
	type item struct{ val, key []byte }
	var items []item
	for len(all) > 0 {
		all = all[1:] // the ROW is not NULL
		n := skipValue(all, a.arg.Fields[0].Type)
		val := all[:n]
		for _, f := range a.arg.Fields[1:a.parts] {
			n += skipValue(all[n:], f.Type)
		}
		k := skipValue(all[n:], types.TBytes)
		_, w := uvarint(all[n+1:])
		items = append(items, item{val, all[n+1+w : n+k]})
		all = all[n+k:]
	}
	slices.SortStableFunc(items, func(x, y item) int { return bytes.Compare(x.key, y.key) })
	var out []byte
	for _, it := range items {
		out = append(out, it.val...)
	}
	return out
}

// columns decodes values into a column of each argument.
func (a *list) columns(all []byte, n int) []vec.Vector {
	b := vec.NewBuilder(a.arg)
	for range n {
		all = BuildValue(b, all, a.arg)
	}
	v := b.Finish()
	if row, ok := v.(*vec.Row); ok && a.parts > 0 {
		return row.Fields
	}
	return []vec.Vector{v}
}

// finish builds the results that look at all values of a group together.
func (a *list) finish(b *vec.Builder, all []byte, n int) error {
	if n == 0 && a.end == endPercentile {
		b.Null()
		return nil
	}
	cols := a.columns(all, n)
	switch a.end {
	case endPercentile:
		a.percentile(b, cols, n)
	case endJSONArray:
		text := []byte{'['}
		for i := range n {
			if i > 0 {
				text = append(text, ',')
			}
			text = appendJSON(text, cols[0], i, a.jsonType(0))
		}
		b.Bytes(append(text, ']'))
	case endJSONObject:
		return a.object(b, cols, n)
	}
	return nil
}

func (a *list) jsonType(i int) types.Type {
	if a.parts > 0 {
		return a.arg.Fields[i].Type
	}
	return a.arg
}

var errJSONKey = errors.New("JSON_OBJECTAGG: a key is NULL or there twice")

// object builds a JSON object, keys in order.
func (a *list) object(b *vec.Builder, cols []vec.Vector, n int) error {
	rows := map[string]int{}
	for i := range n {
		if cols[0].Null(i) {
			return errJSONKey
		}
		key := string(cols[0].(*vec.Bytes).At(i))
		if _, twice := rows[key]; twice {
			return errJSONKey
		}
		rows[key] = i
	}
	text := []byte{'{'}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		i := rows[key]
		if !a.nulls && cols[1].Null(i) {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(appendJSON(text, cols[0], i, types.TString), ':')
		text = appendJSON(text, cols[1], i, a.jsonType(1))
	}
	b.Bytes(append(text, '}'))
	return nil
}

// appendJSON appends a value as JSON.
func appendJSON(dst []byte, v vec.Vector, i int, t types.Type) []byte {
	if v.Null(i) {
		return append(dst, "null"...)
	}
	switch c := v.(type) {
	case *vec.Bytes:
		var buf bytes.Buffer
		e := json.NewEncoder(&buf)
		e.SetEscapeHTML(false)
		_ = e.Encode(string(c.At(i))) // a string cannot fail
		return append(dst, bytes.TrimRight(buf.Bytes(), "\n")...)
	case *vec.Fixed[bool]:
		return strconv.AppendBool(dst, c.Vals[i])
	case *vec.Fixed[float32]:
		return appendJSONFloat(dst, float64(c.Vals[i]), 32)
	case *vec.Fixed[float64]:
		return appendJSONFloat(dst, c.Vals[i], 64)
	case *vec.Fixed[types.Int128]:
		return types.AppendDecimal128(dst, c.Vals[i], t.Scale)
	}
	var x [1]uint64
	w := wordAt(v, i)
	x[0] = w
	if t.Kind == types.Decimal {
		return types.AppendDecimal64(dst, int64(w), t.Scale)
	}
	return strconv.AppendInt(dst, int64(x[0]), 10)
}

func appendJSONFloat(dst []byte, x float64, bits int) []byte {
	if x == math.Trunc(x) && math.Abs(x) < 1e7 {
		return strconv.AppendFloat(dst, x, 'f', 1, bits)
	}
	return strconv.AppendFloat(dst, x, 'g', -1, bits)
}

// wordAt returns an integer of any width.
func wordAt(v vec.Vector, i int) uint64 {
	switch c := v.(type) {
	case *vec.Fixed[int8]:
		return uint64(int64(c.Vals[i]))
	case *vec.Fixed[int16]:
		return uint64(int64(c.Vals[i]))
	case *vec.Fixed[int32]:
		return uint64(int64(c.Vals[i]))
	case *vec.Fixed[int64]:
		return uint64(c.Vals[i])
	}
	return 0
}

// percentile builds PERCENTILE: at place p·(n-1) of the sorted values, each as
// often as its frequency says, with linear interpolation between two.
func (a *list) percentile(b *vec.Builder, cols []vec.Vector, n int) {
	type weighted struct {
		x float64
		n int64
	}
	x := cols[0].(*vec.Fixed[float64])
	var points vec.Vector
	rest := cols[1:]
	if len(rest) > 0 && (a.ret.Kind == types.Array || isFloats(rest[0])) {
		points, rest = rest[0], rest[1:]
	}
	var vals []weighted
	total, last := int64(0), 0
	for i := range n {
		w := int64(1)
		if len(rest) > 0 {
			if rest[0].Null(i) {
				continue
			}
			if w = int64(wordAt(rest[0], i)); w <= 0 {
				continue
			}
		}
		last = i
		total += w
		vals = append(vals, weighted{x.Vals[i], w})
	}
	if total == 0 {
		b.Null()
		return
	}
	slices.SortFunc(vals, func(x, y weighted) int { return CompareFloat(x.x, y.x) })
	at := func(k int64) float64 {
		for _, v := range vals {
			if k -= v.n; k < 0 {
				return v.x
			}
		}
		return vals[len(vals)-1].x
	}
	value := func(p float64) float64 {
		place := p * float64(total-1)
		lo := math.Floor(place)
		y := at(int64(lo))
		if f := place - lo; f > 0 {
			y += f * (at(int64(lo)+1) - y)
		}
		return y
	}
	switch c := points.(type) {
	case nil:
		b.Float(value(a.p))
	case *vec.List:
		elem := c.Elem.(*vec.Fixed[float64])
		for e := c.Offs[last]; e < c.Offs[last+1]; e++ {
			b.Kid(0).Float(value(elem.Vals[e]))
		}
		b.End()
	case *vec.Fixed[float64]:
		b.Float(value(c.Vals[last]))
	}
}

func isFloats(v vec.Vector) bool {
	_, ok := v.(*vec.Fixed[float64])
	return ok
}

// resolvePercentile casts the arguments to DOUBLE, or ARRAY<DOUBLE>, and BIGINT.
func resolvePercentile(args []types.Type) (ret types.Type, casts []types.Type, ok bool) {
	array := args[1].Kind == types.Array && args[1].Elem.Numeric()
	if !args[0].Numeric() || !args[1].Numeric() && !array || len(args) > 2 && !args[2].Integer() {
		return ret, nil, false
	}
	double := func(t types.Type) types.Type { return types.TDouble.Nullable(!t.NotNull) }
	casts = []types.Type{double(args[0]), double(args[1])}
	ret = types.TDouble
	if array {
		casts[1] = types.ArrayOf(types.TDouble).Nullable(!args[1].NotNull)
		ret = types.ArrayOf(types.TDouble)
	}
	if len(args) > 2 {
		casts = append(casts, types.TBigInt.Nullable(!args[2].NotNull))
	}
	return ret, casts, true
}

package kernel

import (
	"encoding/base64"
	"math"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr/roar"
	"github.com/millrace-io/millrace/internal/expr/variant"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// AppendJSON appends a cell as JSON: numbers as they are, texts quoted, bytes in
// base 64, times as texts, arrays and maps and rows by their parts. raw: a text
// is JSON already.
func AppendJSON(dst []byte, t types.Type, v vec.Vector, row int, zone *types.Zone, raw bool) []byte {
	v, row = flatAt(v, row)
	if v.Null(row) {
		return append(dst, "null"...)
	}
	switch v := v.(type) {
	case *vec.Fixed[bool]:
		return append(dst, strings.ToLower(string(appendBool(nil, v.Vals[row])))...)
	case *vec.Bytes:
		switch {
		case raw:
			return append(dst, v.At(row)...)
		case t.Kind == types.Variant:
			return variant.Of(v.At(row)).AppendJSON(dst)
		case t.Kind == types.Bitmap:
			return append(roar.AppendText(append(dst, '"'), v.At(row)), '"')
		case t.Bytes():
			dst = append(dst, '"')
			return append(base64.StdEncoding.AppendEncode(dst, v.At(row)), '"')
		}
		return AppendJSONString(dst, string(v.At(row)))
	case *vec.List:
		dst = append(dst, '[')
		for e := v.Offs[row]; e < v.Offs[row+1]; e++ {
			if e > v.Offs[row] {
				dst = append(dst, ',')
			}
			dst = AppendJSON(dst, *t.Elem, v.Elem, int(e), zone, false)
		}
		return append(dst, ']')
	case *vec.Map:
		return appendJSONMap(dst, t, v, row, zone)
	case *vec.Row:
		keys := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			keys[i] = f.Name
		}
		return AppendJSONObject(dst, keys, func(dst []byte, i int) []byte {
			return AppendJSON(dst, t.Fields[i].Type, v.Fields[i], row, zone, false)
		})
	}
	if t.Numeric() && finite(v, row) {
		return appendText(dst, &t, v, row, zone)
	}
	dst = append(dst, '"')
	return append(appendJSONTime(dst, &t, v, row, zone), '"')
}

func finite(v vec.Vector, row int) bool {
	switch v := v.(type) {
	case *vec.Fixed[float64]:
		return !math.IsNaN(v.Vals[row]) && !math.IsInf(v.Vals[row], 0)
	case *vec.Fixed[float32]:
		f := float64(v.Vals[row])
		return !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return true
}

// appendJSONTime writes a timestamp as ISO 8601 has it, with a T.
func appendJSONTime(dst []byte, t *types.Type, v vec.Vector, row int, zone *types.Zone) []byte {
	at := len(dst)
	dst = appendText(dst, t, v, row, zone)
	if t.Stamp() && len(dst) > at+10 {
		if i := strings.IndexByte(string(dst[at:]), ' '); i > 0 {
			dst[at+i] = 'T'
		}
		if t.Kind == types.TimestampLTZ {
			dst = append(dst, 'Z')
		}
	}
	return dst
}

func appendJSONMap(dst []byte, t types.Type, v *vec.Map, row int, zone *types.Zone) []byte {
	key, elem := t.Key, t.Elem
	if t.Kind == types.Multiset {
		key, elem = t.Elem, &types.TInt
	}
	from := int(v.Offs[row])
	var keys []string
	for e := from; e < int(v.Offs[row+1]); e++ {
		keys = append(keys, string(appendText(nil, key, v.Key, e, zone)))
	}
	return AppendJSONObject(dst, keys, func(dst []byte, i int) []byte {
		return AppendJSON(dst, *elem, v.Elem, from+i, zone, false)
	})
}

// AppendJSONObject appends an object with its keys in order; value appends the
// value of the i-th key. Of equal keys the last counts.
func AppendJSONObject(dst []byte, keys []string, value func(dst []byte, i int) []byte) []byte {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(keys[a], keys[b]) })
	dst = append(dst, '{')
	some := false
	for k, i := range order {
		if k+1 < len(order) && keys[order[k+1]] == keys[i] {
			continue
		}
		if some {
			dst = append(dst, ',')
		}
		some = true
		dst = append(AppendJSONString(dst, keys[i]), ':')
		dst = value(dst, i)
	}
	return append(dst, '}')
}

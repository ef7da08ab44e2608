package udf

import (
	"cmp"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"reflect"
	"slices"
	"time"
)

// A stateCodec writes accumulators as bytes: a fingerprint of their type, then the
// values of the exported fields in their order. Integers are varints, lengths stand
// before what they count, the entries of maps are sorted by key. A type that is an
// encoding.BinaryMarshaler and BinaryUnmarshaler does it itself.
type stateCodec struct {
	t     reflect.Type
	print uint32
	own   bool
}

var errState = errors.New("its saved state is damaged")

// newStateCodec checks that all of a type can be written.
func newStateCodec(t reflect.Type) (*stateCodec, error) {
	p := reflect.PointerTo(t)
	c := &stateCodec{t: t, own: p.Implements(reflect.TypeFor[encoding.BinaryMarshaler]()) && p.Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]())}
	if c.own {
		return c, nil
	}
	shape, err := shapeOf(t, nil)
	h := fnv.New32a()
	h.Write([]byte(shape))
	c.print = h.Sum32()
	return c, err
}

// shapeOf describes a type, or says what of it cannot be written.
func shapeOf(t reflect.Type, within []reflect.Type) (string, error) {
	if slices.Contains(within, t) {
		return "", fmt.Errorf("%s contains itself", t)
	}
	within = append(within, t)
	switch t.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint,
		reflect.Float32, reflect.Float64, reflect.String:
		return t.Kind().String(), nil
	case reflect.Slice, reflect.Pointer:
		e, err := shapeOf(t.Elem(), within)
		return t.Kind().String() + " " + e, err
	case reflect.Map:
		if k := t.Key().Kind(); !ordered(k) {
			return "", fmt.Errorf("the keys of %s cannot be ordered", t)
		}
		k, err := shapeOf(t.Key(), within)
		if err != nil {
			return "", err
		}
		e, err := shapeOf(t.Elem(), within)
		return "map " + k + " " + e, err
	case reflect.Struct:
		if t == timeType {
			return "time", nil
		}
		out := "{"
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				return "", fmt.Errorf("field %s of %s is not exported, so it cannot be saved: export it, or make the type an encoding.BinaryMarshaler and BinaryUnmarshaler", f.Name, t)
			}
			e, err := shapeOf(f.Type, within)
			if err != nil {
				return "", err
			}
			out += f.Name + " " + e + ";"
		}
		return out + "}", nil
	}
	return "", fmt.Errorf("%s cannot be saved", t)
}

func ordered(k reflect.Kind) bool {
	return k == reflect.String || k >= reflect.Int && k <= reflect.Uint64 || k == reflect.Float32 || k == reflect.Float64
}

// sortedKeys are the keys of a map in their order.
func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.CanInt():
			return cmp.Compare(a.Int(), b.Int())
		case a.CanUint():
			return cmp.Compare(a.Uint(), b.Uint())
		case a.CanFloat():
			return cmp.Compare(a.Float(), b.Float())
		case a.Kind() == reflect.String:
			return cmp.Compare(a.String(), b.String())
		}
		return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	return keys
}

// save appends the state that p points to.
func (c *stateCodec) save(dst []byte, p reflect.Value) ([]byte, error) {
	if c.own {
		data, err := p.Interface().(encoding.BinaryMarshaler).MarshalBinary()
		return append(dst, data...), err
	}
	dst = binary.LittleEndian.AppendUint32(dst, c.print)
	return appendState(dst, p.Elem()), nil
}

// load sets what p points to.
func (c *stateCodec) load(src []byte, p reflect.Value) error {
	p.Elem().SetZero()
	switch {
	case src == nil:
		return nil
	case c.own:
		return p.Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(src)
	case len(src) < 4:
		return errState
	case binary.LittleEndian.Uint32(src) != c.print:
		return fmt.Errorf("its saved state is of another form than %s", c.t)
	}
	rest, err := readState(src[4:], p.Elem())
	if err == nil && len(rest) > 0 {
		err = errState
	}
	return err
}

func appendState(dst []byte, x reflect.Value) []byte {
	switch x.Kind() {
	case reflect.Bool:
		if x.Bool() {
			return append(dst, 1)
		}
		return append(dst, 0)
	case reflect.Float32, reflect.Float64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(x.Float()))
	case reflect.String:
		dst = binary.AppendUvarint(dst, uint64(x.Len()))
		return append(dst, x.String()...)
	case reflect.Slice:
		dst = binary.AppendUvarint(dst, uint64(x.Len()))
		if x.Type() == bytesType {
			return append(dst, x.Bytes()...)
		}
		for i := range x.Len() {
			dst = appendState(dst, x.Index(i))
		}
		return dst
	case reflect.Pointer:
		if x.IsNil() {
			return append(dst, 0)
		}
		return appendState(append(dst, 1), x.Elem())
	case reflect.Map:
		dst = binary.AppendUvarint(dst, uint64(x.Len()))
		for _, k := range sortedKeys(x) {
			dst = appendState(appendState(dst, k), x.MapIndex(k))
		}
		return dst
	case reflect.Struct:
		if x.Type() == timeType {
			t := x.Interface().(time.Time)
			return binary.AppendVarint(binary.AppendVarint(dst, t.Unix()), int64(t.Nanosecond()))
		}
		for i := range x.NumField() {
			dst = appendState(dst, x.Field(i))
		}
		return dst
	}
	if x.CanUint() {
		return binary.AppendUvarint(dst, x.Uint())
	}
	return binary.AppendVarint(dst, x.Int())
}

// readState reads a value from the front of src and returns what is behind it.
func readState(src []byte, to reflect.Value) ([]byte, error) {
	switch to.Kind() {
	case reflect.Bool, reflect.Pointer:
		if len(src) == 0 || src[0] > 1 {
			return nil, errState
		}
		if to.Kind() == reflect.Bool {
			to.SetBool(src[0] == 1)
		} else if src[0] == 1 {
			to.Set(reflect.New(to.Type().Elem()))
			return readState(src[1:], to.Elem())
		}
		return src[1:], nil
	case reflect.Float32, reflect.Float64:
		if len(src) < 8 {
			return nil, errState
		}
		to.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(src)))
		return src[8:], nil
	case reflect.String, reflect.Slice, reflect.Map:
		n, w := binary.Uvarint(src)
		if w <= 0 || n > uint64(len(src)) && to.Kind() != reflect.Slice {
			return nil, errState
		}
		return readMany(src[w:], int(n), to)
	case reflect.Struct:
		if to.Type() == timeType {
			return readTime(src, to)
		}
		var err error
		for i := range to.NumField() {
			if src, err = readState(src, to.Field(i)); err != nil {
				return nil, err
			}
		}
		return src, nil
	}
	if to.CanUint() {
		x, w := binary.Uvarint(src)
		if w <= 0 {
			return nil, errState
		}
		to.SetUint(x)
		return src[w:], nil
	}
	x, w := binary.Varint(src)
	if w <= 0 {
		return nil, errState
	}
	to.SetInt(x)
	return src[w:], nil
}

func readTime(src []byte, to reflect.Value) ([]byte, error) {
	sec, w := binary.Varint(src)
	if w <= 0 {
		return nil, errState
	}
	nano, v := binary.Varint(src[w:])
	if v <= 0 {
		return nil, errState
	}
	to.Set(reflect.ValueOf(time.Unix(sec, nano).UTC()))
	return src[w+v:], nil
}

// readMany reads n bytes, elements or entries.
func readMany(src []byte, n int, to reflect.Value) (_ []byte, err error) {
	switch {
	case to.Kind() == reflect.String || to.Type() == bytesType:
		if n > len(src) {
			return nil, errState
		}
		if to.Kind() == reflect.String {
			to.SetString(string(src[:n]))
		} else if n > 0 {
			to.SetBytes(slices.Clone(src[:n]))
		}
		return src[n:], nil
	case to.Kind() == reflect.Slice:
		if n == 0 {
			return src, nil
		}
		for range n {
			e := reflect.New(to.Type().Elem()).Elem()
			if src, err = readState(src, e); err != nil {
				return nil, err
			}
			to.Set(reflect.Append(to, e))
		}
		return src, nil
	}
	to.Set(reflect.MakeMapWithSize(to.Type(), n))
	for range n {
		k, e := reflect.New(to.Type().Key()).Elem(), reflect.New(to.Type().Elem()).Elem()
		if src, err = readState(src, k); err == nil {
			src, err = readState(src, e)
		}
		if err != nil {
			return nil, err
		}
		to.SetMapIndex(k, e)
	}
	return src, nil
}

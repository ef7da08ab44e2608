package udf

import (
	"math"
	"reflect"
	"testing"
	"time"
)

type inner struct {
	F float64
	B []byte
}

type state struct {
	N  int64
	U  uint16
	OK bool
	S  string
	L  []inner
	M  map[string][]int
	P  *inner
	At time.Time
}

func TestStateComesBack(t *testing.T) {
	for _, want := range []state{
		{},
		{N: math.MinInt64, U: math.MaxUint16, OK: true, S: "ä", L: []inner{{F: math.Inf(-1)}, {B: []byte{0, 1}}}, M: map[string][]int{"a": {1, -2}, "b": nil},
			P: &inner{F: math.SmallestNonzeroFloat64}, At: time.Date(2024, 2, 29, 1, 2, 3, 4, time.UTC)},
	} {
		c, err := newStateCodec(reflect.TypeFor[state]())
		if err != nil {
			t.Fatal(err)
		}
		data, err := c.save(nil, reflect.ValueOf(&want))
		if err != nil {
			t.Fatal(err)
		}
		var got state
		if err := c.load(data, reflect.ValueOf(&got)); err != nil {
			t.Fatal(err)
		}
		if want.M == nil {
			want.M = map[string][]int{}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		for n := range data {
			if n >= 4 && c.load(data[:n], reflect.ValueOf(&got)) == nil {
				t.Errorf("%d of %d bytes are no state, and nothing was said", n, len(data))
			}
		}
		other, err := newStateCodec(reflect.TypeFor[inner]())
		if err != nil {
			t.Fatal(err)
		}
		if err := other.load(data, reflect.ValueOf(&inner{})); err == nil {
			t.Error("the state of another type was read")
		}
	}
}

// marked writes itself.
type marked struct{ n byte }

func (m *marked) MarshalBinary() ([]byte, error)   { return []byte{m.n}, nil }
func (m *marked) UnmarshalBinary(src []byte) error { m.n = src[0]; return nil }

func TestStateOfItsOwn(t *testing.T) {
	c, err := newStateCodec(reflect.TypeFor[marked]())
	if err != nil {
		t.Fatal(err)
	}
	data, err := c.save(nil, reflect.ValueOf(&marked{7}))
	var got marked
	if err == nil {
		err = c.load(data, reflect.ValueOf(&got))
	}
	if err != nil || got.n != 7 {
		t.Errorf("%v, %v", got, err)
	}
}

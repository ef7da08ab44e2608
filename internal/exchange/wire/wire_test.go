package wire

import (
	"reflect"
	"testing"

	"github.com/millrace-io/millrace/internal/exchange"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// batch returns a batch that has every kind of column.
func batch() *vec.Batch {
	list := vec.NewBuilder(types.ArrayOf(types.TString))
	m := vec.NewBuilder(types.MapOf(types.TString, types.TInt))
	row := vec.NewBuilder(types.RowOf(types.Field{Name: "a", Type: types.TInt}, types.Field{Name: "b", Type: types.TString}))
	for i := range 3 {
		list.Kid(0).String("x")
		list.Kid(0).Null()
		list.End()
		m.Kid(0).String("k")
		m.Kid(1).Int(int64(i))
		m.End()
		row.Kid(0).Int(int64(i))
		row.Kid(1).String("y")
		row.End()
	}
	valid := vec.NewBitmap(3)
	valid.SetNull(1)
	return &vec.Batch{Rows: 3, Kinds: []vec.RowKind{vec.Insert, vec.UpdateBefore, vec.Delete},
		Marks: []vec.Mark{{Row: 1, Time: -5}, {Row: 3, Time: 9}},
		Cols: []vec.Vector{
			&vec.Fixed[bool]{Vals: []bool{true, false, true}}, &vec.Fixed[int8]{Vals: []int8{1, 2, 3}},
			&vec.Fixed[int16]{Vals: []int16{1, 2, 3}}, &vec.Fixed[int32]{Vals: []int32{1, 2, 3}, Valid: valid},
			&vec.Fixed[int64]{Vals: []int64{1, -2, 3}}, &vec.Fixed[float32]{Vals: []float32{1, 2, 3}},
			&vec.Fixed[float64]{Vals: []float64{1, 2, 3}}, &vec.Fixed[types.Int128]{Vals: []types.Int128{{Lo: 1}, {Hi: -1}, {}}},
			&vec.Bytes{Offs: []uint32{0, 1, 1, 3}, Data: []byte("abc"), Valid: valid},
			list.Finish(), m.Finish(), row.Finish(),
			&vec.Const{Val: &vec.Fixed[int64]{Vals: []int64{7}}, N: 3},
			&vec.Dict{Codes: []uint32{1, 0, 1}, Words: &vec.Bytes{Offs: []uint32{0, 1, 2}, Data: []byte("pq")}},
		}}
}

func TestFramesRoundTrip(t *testing.T) {
	events := []exchange.Event{{Batch: batch()}, {Kind: exchange.Watermark, Time: -3}, {Kind: exchange.Barrier, Epoch: 8}, {Kind: exchange.End},
		{Batch: &vec.Batch{Marks: []vec.Mark{{Time: 4}}}}}
	var data []byte
	for _, ev := range events {
		data = Append(data, ev)
	}
	for _, want := range events {
		got, n, err := Decode(data)
		if err != nil || n == 0 {
			t.Fatalf("%v: %d bytes, %v", want.Kind, n, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		data = data[n:]
	}
}

func TestCutAndFlippedFramesAreRefused(t *testing.T) {
	data := Append(nil, exchange.Event{Batch: batch()})
	for i := range data {
		if _, n, _ := Decode(data[:i]); n != 0 {
			t.Fatalf("the first %d of %d bytes pass for a frame", i, len(data))
		}
		bad := append([]byte(nil), data...)
		bad[i] ^= 0x10
		if _, n, err := Decode(bad); n != 0 && err == nil {
			t.Fatalf("byte %d flipped: not found", i)
		}
	}
}

func FuzzBody(f *testing.F) {
	f.Add(appendBatch(nil, batch()))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := &reader{src: body}
		b := r.batch()
		if !r.bad && b != nil {
			appendBatch(nil, b)
		}
	})
}

package nexmark

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/connect/datagen/strided"
	"github.com/millrace-io/millrace/vec"
)

// What comes late of chosen rows is what these rows have when all columns come at once:
// of all kinds, in batches that begin and end within groups, with few rows, many, none
// left out and none left.
func TestLateColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for kind := Person; kind <= Bid; kind++ {
		cols := all(kind)
		late := cols[1:]
		gen, err := New(Config{Events: 20_000})
		if err != nil {
			t.Fatal(err)
		}
		whole := &table{gen: gen, kind: kind, cols: cols, stopAt: gen.Last(), ends: true, rows: 301}
		few := *whole
		few.late = late
		a, b := &block{kind: kind}, &block{kind: kind}
		x, y := strided.Shard{Next: 1, Of: 1}, strided.Shard{Next: 1, Of: 1}
		batches := 0
		for {
			want, got := whole.next(a, &x), few.next(b, &y)
			if want.Batch == nil {
				break
			}
			batches++
			share := r.IntN(5)
			var rows []int32
			for i := range int32(want.Batch.Rows) {
				if r.IntN(4) < share {
					rows = append(rows, i)
				}
			}
			if share == 4 && r.IntN(2) == 0 {
				rows = nil
			} else if rows == nil {
				rows = []int32{}
			}
			rest, err := got.Rest(rows)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range late {
				v := want.Batch.Cols[c]
				if rows != nil {
					v = vec.Take(v, rows)
				}
				if fmt.Sprint(texts(v)) != fmt.Sprint(texts(rest[i])) || got.Batch.Cols[c] != nil {
					t.Fatalf("%v, column %d, %d of %d rows: %v, not %v", kind, c, len(rows), want.Batch.Rows, texts(rest[i]), texts(v))
				}
			}
			if fmt.Sprint(texts(got.Batch.Cols[0])) != fmt.Sprint(texts(want.Batch.Cols[0])) {
				t.Fatal("the column that is not late")
			}
		}
		if batches < 2 {
			t.Fatal(kind, batches)
		}
	}
}

func texts(v vec.Vector) []string {
	out := make([]string, v.Len())
	for i := range out {
		switch x := vec.Flat(v).(type) {
		case *vec.Fixed[int64]:
			out[i] = fmt.Sprint(x.Vals[i])
		case *vec.Bytes:
			out[i] = string(x.At(i))
		}
	}
	return out
}

// BenchmarkLate makes the late columns of one row in four.
func BenchmarkLate(b *testing.B) {
	for _, share := range []int{1, 4} {
		b.Run(fmt.Sprintf("one in %d", share), func(b *testing.B) {
			tab := connect.Table{Schema: Schema(Bid), Options: connect.Options{"table": "bid"}}
			out, err := newTable(tab, connect.Scan{Columns: []int{2, 6}, Late: []int{1}})
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(9, 10))
			var rows []int32
			for i := range int32(out.rows) {
				if r.IntN(share) == 0 {
					rows = append(rows, i)
				}
			}
			blk, shard := &block{kind: Bid}, strided.Shard{Next: 1, Of: 1}
			n := 0
			for b.Loop() {
				made := out.next(blk, &shard)
				if _, err := made.Rest(rows); err != nil {
					b.Fatal(err)
				}
				n += len(rows)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

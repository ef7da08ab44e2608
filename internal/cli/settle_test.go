package cli

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TestSettle compares what a changelog ends up with, shown through the printers,
// with the rows that are left when each change is made one by one.
func TestSettle(t *testing.T) {
	schema := types.Schema{{Name: "k", Type: types.TInt}, {Name: "s", Type: types.TString}}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var live []string
		var shown, drawn bytes.Buffer
		csv, err := newPrinter("csv", &shown, schema, false, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		tab, err := newPrinter("table", &drawn, schema, false, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			k, s := vec.NewBuilder(types.TInt), vec.NewBuilder(types.TString)
			var kinds []vec.RowKind
			add := func(kind vec.RowKind, row string) {
				var n int32
				var text string
				fmt.Sscanf(row, "%d,%s", &n, &text)
				k.Int(int64(n))
				s.String(text)
				kinds = append(kinds, kind)
			}
			for range r.IntN(40) {
				if at := r.IntN(len(live) + 1); at < len(live) && r.IntN(2) == 0 {
					add([]vec.RowKind{vec.Delete, vec.UpdateBefore}[r.IntN(2)], live[at])
					last := at // of equal rows the one that came last leaves
					for i := range live {
						if live[i] == live[at] {
							last = i
						}
					}
					live = append(live[:last:last], live[last+1:]...)
					continue
				}
				row := fmt.Sprintf("%d,%c", r.IntN(3), 'a'+r.IntN(3))
				add([]vec.RowKind{vec.Insert, vec.UpdateAfter}[r.IntN(2)], row)
				live = append(live, row)
			}
			b := &vec.Batch{Cols: []vec.Vector{k.Finish(), s.Finish()}, Rows: len(kinds), Kinds: kinds}
			if err := csv.batch(b); err != nil {
				t.Fatal(err)
			}
			if err := tab.batch(b); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(tab.(*tablePrinter).cells); n > len(live) {
			t.Errorf("seed %d: the table keeps the cells of %d rows, and %d are there", seed, n, len(live))
		}
		if err := csv.end(); err != nil {
			t.Fatal(err)
		}
		want := ""
		for _, row := range live {
			want += row + "\n"
		}
		if got := shown.String(); got != want {
			t.Fatalf("seed %d: got\n%swant\n%s", seed, got, want)
		}
	}
}

func TestSettleLeavesOut(t *testing.T) {
	k := vec.NewBuilder(types.TInt)
	for _, v := range []int64{1, 2, 2, 3, 3, 1} {
		k.Int(v)
	}
	b := &vec.Batch{Cols: []vec.Vector{k.Finish()}, Rows: 6,
		Kinds: []vec.RowKind{vec.UpdateBefore, vec.UpdateAfter, vec.UpdateBefore, vec.UpdateAfter, vec.UpdateBefore, vec.UpdateAfter}}
	got := newSettler(types.Schema{{Name: "k", Type: types.TInt}}).settle(b)
	if fmt.Sprint(got.Sel) != "[0 5]" {
		t.Errorf("rows %v stay, want [0 5]: what was there before is taken back first", got.Sel)
	}
}

package cut

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/format/internal/formattest"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
)

var shapes = []string{"0", "7", "-7", "12", "1234", "12345678", "123456789", "-12345678", "9999999999", "2147483648", "-2147483648", "12345678901234567",
	"0.5", ".5", "5.", ".", "1.25", "12.34", "1234.56", "12345.67", "123456.78", "1234567.89", "-12.34", "1.2.3", "1.234", "9999999.99", "1e5", "", " 1", "x", "12a4",
	"2024-02-29", "2023-02-29", "1996-03-13", "2024-01-02 03:04:05", "2024-01-02 03:04:05.678", "2024-01-02 03:04:05.678Z", "2024-01-02T03:04:05",
	"text", "a text of more than thirty-two bytes, as some are", "sixteen bytes ...", strings.Repeat("long ", 40)}

// What the loops take is what Col.Text takes, wherever it stands in the data.
func TestRead(t *testing.T) { checkRead(t) }

func checkRead(t *testing.T) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	all := []types.Type{types.TBigInt, types.TInt, types.DecimalOf(15, 2), types.DecimalOf(7, 2), types.DecimalOf(6, 2), types.DecimalOf(18, 0), types.DecimalOf(18, 7),
		types.TDouble, types.TDate, types.TimestampOf(3), types.LTZOf(6), types.TString, types.Of(types.SmallInt)}
	rules := colbuf.Rules{Stamp: numtext.Clamp, Sep: ' '}
	taken := map[string]int{}
	for round := range 3000 {
		typ := all[round%len(all)]
		var text strings.Builder
		var cells []Cell
		from, few := 0, len(shapes)
		if round%2 == 0 { // shapes that are alike follow each other
			from, few = rng.IntN(len(shapes)-3), 3
		}
		for range 1 + rng.IntN(200) {
			s := shapes[from+rng.IntN(few)]
			if rng.IntN(50) == 0 {
				s = shapes[rng.IntN(len(shapes))]
			}
			cells = append(cells, Cell{}, Cell{Start: uint32(text.Len()), End: uint32(text.Len() + len(s))})
			text.WriteString(s + ",;"[:rng.IntN(3)])
		}
		data := []byte(text.String())
		fast, slow := colbuf.New(typ), colbuf.New(typ)
		x := Column{All: cells[1:], Width: 2}
		rows := len(cells) / 2
		r := Reader{Data: data, Sep: ' '}
		for row := 0; row < rows; row++ {
			n := 0
			if Usual(fast) {
				n = r.Read(fast, x.Skip(row), rows-row)
				taken[typ.Name()] += n
			}
			for range n {
				at := cells[2*row+1]
				if st := slow.Text(data[at.Start:at.End], &rules); st != numtext.OK {
					t.Fatalf("%q was read as %s", data[at.Start:at.End], typ.Name())
				}
				row++
			}
			if row < rows { // what the loop does not take is not read by either
				fast.Null()
				slow.Null()
			}
		}
		a, b := fast.Finish(), slow.Finish()
		for row := range rows {
			if got, want := formattest.Cell(a, row), formattest.Cell(b, row); got != want {
				at := cells[2*row+1]
				t.Fatalf("%q as %s is %s, want %s", data[at.Start:at.End], typ.Name(), got, want)
			}
		}
	}
	for _, typ := range all[:len(all)-1] {
		if taken[typ.Name()] < 50 {
			t.Errorf("%d cells were taken as %s", taken[typ.Name()], typ.Name())
		}
	}
}

// Flags but Quoted keep cells out of the loops.
func TestFlags(t *testing.T) {
	data := []byte(`12345678,"12345678","1234\"78",` + strings.Repeat(" ", 40))
	for _, typ := range []types.Type{types.TBigInt, types.TInt, types.TString, types.TDouble, types.DecimalOf(10, 0)} {
		for _, c := range []struct {
			cell  Cell
			quote bool
			want  int
		}{
			{Cell{0, 8}, false, 1}, {Cell{10, 18 | Quoted}, false, 1}, {Cell{10, 18 | Quoted | Escaped}, false, 0}, {Cell{Missing, 0}, false, 0},
			{Cell{0, 8}, true, map[bool]int{true: 0, false: 1}[typ.Character()]}, {Cell{10, 18 | Quoted}, true, 1},
		} {
			col, r := colbuf.New(typ), Reader{Data: data, Quote: c.quote}
			if n := r.Read(col, Column{All: []Cell{c.cell}, Width: 1}, 1); n != c.want || col.Len() != n {
				t.Errorf("%x of %s, Quote %v: %d, want %d", c.cell, typ.Name(), c.quote, n, c.want)
			}
		}
	}
	col := colbuf.New(types.TString)
	r := Reader{Data: data, Quote: true, Unescape: func(dst, data []byte, from, to int) []byte { return fmt.Appendf(dst, "<%s>", data[from:to]) }}
	if n := r.Read(col, Column{All: []Cell{{21, 29 | Quoted | Escaped}, {10, 18 | Quoted}}, Width: 1}, 2); n != 2 || string(col.Data) != `<1234\"78>12345678` {
		t.Errorf("%d %q", n, col.Data)
	}
}

package rowtext

import (
	"reflect"
	"testing"
	"time"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func TestCellsComeBack(t *testing.T) {
	texts := []string{"a", "", "a,b", `say "x"`, "two\nlines", `"`, "\r", "NULL", " "}
	line := "," // a NULL first
	want := []Cell{{Null: true}}
	for i, s := range texts {
		if i > 0 {
			line += ","
		}
		line = string(AppendCell([]byte(line), []byte(s)))
		want = append(want, Cell{Text: s})
	}
	line += ","
	want = append(want, Cell{Null: true})
	if got := Parse(line); !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n%v, want\n%v", line, got, want)
	}
}

func TestRowsAreLines(t *testing.T) {
	s, n := vec.NewBuilder(types.TString), vec.NewBuilder(types.TBigInt)
	s.String("a,b")
	n.Null()
	s.String("")
	n.Null()
	w := Writer{Schema: types.Schema{{Name: "s", Type: types.TString}, {Name: "n", Type: types.TBigInt}}, Zone: time.UTC}
	b := &vec.Batch{Rows: 2, Cols: []vec.Vector{s.Finish(), n.Finish()}}
	got := string(w.Header())
	for i := range b.Len() {
		got = string(w.Append([]byte(got), b, b.Row(i)))
	}
	if want := "s,n\n\"a,b\",\n\"\",\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

package scalar_test

import (
	"slices"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TestPrint: a line a row that is evaluated, those of a batch in one call, and the
// values as they were.
func TestPrint(t *testing.T) {
	var printed []string
	env := &fn.Env{Zone: time.UTC, Print: func(lines []byte) { printed = append(printed, string(lines)) }}
	e, err := expr.NewCall("PRINT", expr.Text("n="), expr.Column(0, types.TInt))
	if err != nil {
		t.Fatal(err)
	}
	col := &vec.Fixed[int32]{Vals: []int32{4, 5, 6}, Valid: vec.NewBitmap(3)}
	col.Valid.SetNull(1)
	p, err := expr.Compile(e, env)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Eval([]vec.Vector{col}, []int32{0, 1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"n=4\nn=NULL\n"}; !slices.Equal(printed, want) {
		t.Errorf("printed %q, want %q", printed, want)
	}
	if got := out.(*vec.Fixed[int32]); got.Vals[0] != 4 || !got.Null(1) {
		t.Errorf("the values are %v", got)
	}
}

package exec_test

import (
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TestExpand has the copies of a row beside each other, in the order of the sets, with
// the row's kind, and watermarks between the same rows as before.
func TestExpand(t *testing.T) {
	ts := []types.Type{tStr, tInt}
	spec := &jobgraph.Expand{Keys: []int{1, 0}, Types: ts, Sets: []jobgraph.GroupingSet{{Keys: []int{0, 1}}, {Keys: []int{1}, ID: 2}, {ID: 3}}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewExpand(spec) }, exectest.Options{})
	b := exectest.Batch(ts, [][]any{{"a", 1}, {"gone", 2}, {"b", nil}}, []vec.RowKind{kI, kI, kB})
	b.Sel = []int32{0, 2}
	b.Marks = []vec.Mark{{Row: 1, Time: 5}, {Row: 3, Time: 9}}
	run.Process(0, b)
	wantLines(t, run.Rows(), "+I a,1,1,a,0\n+I a,1,NULL,a,2\n+I a,1,NULL,NULL,3\n-U b,NULL,NULL,b,0\n-U b,NULL,NULL,b,2\n-U b,NULL,NULL,NULL,3")
}

// TestExpandMany has more copies than a batch has room for, and watermarks at every
// place among them.
func TestExpandMany(t *testing.T) {
	const rows = vec.BatchRowsMax - 1
	spec := &jobgraph.Expand{Types: []types.Type{tInt}}
	for id := range int64(5) {
		spec.Sets = append(spec.Sets, jobgraph.GroupingSet{ID: id})
	}
	var list [][]any
	var marks []vec.Mark
	for i := range rows {
		list = append(list, []any{i})
		if i%400 == 0 || i%819 == 0 {
			marks = append(marks, vec.Mark{Row: int32(i), Time: int64(i)})
		}
	}
	marks = append(marks, vec.Mark{Row: rows, Time: rows})
	b := exectest.Batch([]types.Type{tInt}, list, nil)
	b.Marks = marks
	op := exec.NewExpand(spec)
	if err := op.Open(nil); err != nil {
		t.Fatal(err)
	}
	var out expandOut
	more, err := op.Process(0, b, &out)
	for more && err == nil {
		more, err = op.Resume(&out)
	}
	if err != nil {
		t.Fatal(err)
	}
	var want []int64
	for _, m := range marks {
		want = append(want, m.Time)
	}
	if out.rows != rows*5 || !slices.Equal(out.marks, want) {
		t.Errorf("%d rows and marks behind the rows %v, want %d and %v", out.rows, out.marks, rows*5, want)
	}
}

// expandOut counts rows, and remembers for each mark how many rows stood before it.
type expandOut struct {
	rows  int
	marks []int64
}

func (o *expandOut) Emit(b *vec.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	for _, m := range b.Marks {
		o.marks = append(o.marks, int64(o.rows+int(m.Row))/5)
	}
	o.rows += b.Rows
	return nil
}

func (o *expandOut) Watermark(int64) error { return nil }

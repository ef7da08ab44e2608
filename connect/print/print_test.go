package print

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func write(t *testing.T, o connect.Options, parallelism, subtask int, schema types.Schema, b *vec.Batch) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	s, bad := Connector(&out, &err).Sink(connect.Table{Schema: schema, Options: o}, connect.Write{Parallelism: parallelism})
	if bad != nil {
		t.Fatal(bad)
	}
	w, bad := s.Writer(subtask)
	if bad != nil {
		t.Fatal(bad)
	}
	if bad := w.Write(b); bad != nil {
		t.Fatal(bad)
	}
	return out.String(), err.String()
}

var changes = types.Schema{{Name: "n", Type: types.TInt}, {Name: "s", Type: types.TString}}

func changesBatch() *vec.Batch {
	n, s := vec.NewBuilder(types.TInt), vec.NewBuilder(types.TString)
	for i, text := range []string{"abc", "b, c", "", "skipped", "x"} {
		n.Int(int64(i))
		s.String(text)
	}
	return &vec.Batch{Rows: 5, Cols: []vec.Vector{n.Finish(), s.Finish()}, Sel: []int32{0, 1, 2, 4},
		Kinds: []vec.RowKind{vec.Insert, vec.UpdateBefore, vec.UpdateAfter, vec.Insert, vec.Delete}}
}

func TestPrefix(t *testing.T) {
	for _, c := range []struct {
		options     connect.Options
		parallelism int
		want        string
	}{
		{nil, 1, ""},
		{nil, 2, "2> "},
		{connect.Options{"print-identifier": "id"}, 1, "id> "},
		{connect.Options{"print-identifier": "id"}, 2, "id:2> "},
	} {
		var want strings.Builder
		for _, line := range []string{"+I[0, abc]", "-U[1, b, c]", "+U[2, ]", "-D[4, x]"} {
			want.WriteString(c.want + line + "\n")
		}
		if got, _ := write(t, c.options, c.parallelism, 1, changes, changesBatch()); got != want.String() {
			t.Errorf("%v at parallelism %d:\n%swant\n%s", c.options, c.parallelism, got, want.String())
		}
	}
	if out, err := write(t, connect.Options{"standard-error": "true"}, 1, 0, changes, changesBatch()); out != "" || err == "" {
		t.Errorf("standard error has %q, standard output %q", err, out)
	}
}

// The lines that Flink 2.3.0 prints for the same rows.
func TestTypes(t *testing.T) {
	row := types.RowOf(types.Field{Name: "x", Type: types.TInt}, types.Field{Name: "y", Type: types.TimestampOf(3)})
	schema := types.Schema{}
	for _, typ := range []types.Type{types.TInt, types.TString, types.TimestampOf(3), types.TimestampOf(9), types.LTZOf(3), types.TDate,
		types.Of(types.Time), types.TDouble, types.DecimalOf(10, 2), types.ArrayOf(types.TString), types.MapOf(types.TString, types.TInt), row, types.TBytes, types.TBoolean} {
		schema = append(schema, types.Field{Type: typ})
	}
	var cols []vec.Vector
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	nano := func(at time.Time) types.Int128 {
		return types.Int128{Lo: uint64(at.UnixNano()), Hi: at.UnixNano() >> 63}
	}
	for i, f := range schema {
		b := vec.NewBuilder(f.Type)
		switch i {
		case 0:
			b.Int(1)
		case 1:
			b.String("abc")
		case 2:
			b.Int(day)
		case 3:
			b.Int128(nano(time.Date(2026, 1, 1, 1, 2, 3, 120e6, time.UTC)))
		case 4:
			b.Int(1e6)
		case 5:
			b.Int(time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC).Unix() / 86400)
		case 6:
			b.Int(4*3600e3 + 5*60e3 + 6e3)
		case 7:
			b.Float(1.5e10)
		case 8:
			b.Int(1230)
		case 9:
			b.Kid(0).String("x")
			b.Kid(0).String("y")
			b.End()
		case 10:
			b.Kid(0).String("k")
			b.Kid(1).Int(1)
			b.End()
		case 11:
			b.Kid(0).Int(7)
			b.Kid(1).Int(day + 500_000)
			b.End()
		case 12:
			b.Bytes([]byte{1, 255})
		case 13:
			b.Bool(true)
		}
		switch i {
		case 3:
			b.Int128(nano(time.Date(1900, 1, 1, 1, 2, 0, 1, time.UTC)))
		case 6:
			b.Int(4*3600e3 + 5*60e3)
		default:
			b.Null()
		}
		cols = append(cols, b.Finish())
	}
	want := "+I[1, abc, 2026-01-01T00:00, 2026-01-01T01:02:03.120, 1970-01-01T00:00:01Z, 2026-02-03, 04:05:06, 1.5E10, 12.30, [x, y], {k=1}, +I[7, 2026-01-01T00:00:00.500], [1, -1], true]\n" +
		"+I[null, null, null, 1900-01-01T01:02:00.000000001, null, null, 04:05, null, null, null, null, null, null, null]\n"
	if got, _ := write(t, nil, 1, 0, schema, &vec.Batch{Rows: 2, Cols: cols}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Two subtasks of one table, and two tables, never write into each other's lines.
func TestLinesAreWhole(t *testing.T) {
	var out bytes.Buffer
	c := Connector(&out, nil)
	var wg sync.WaitGroup
	for i := range 4 {
		s, err := c.Sink(connect.Table{Schema: changes}, connect.Write{Parallelism: 2})
		if err != nil {
			t.Fatal(err)
		}
		w, _ := s.Writer(i % 2)
		wg.Go(func() {
			for range 100 {
				if err := w.Write(changesBatch()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	lines := strings.SplitAfter(out.String(), "\n")
	if len(lines) != 4*4*100+1 {
		t.Errorf("%d lines", len(lines)-1)
	}
	for _, l := range lines[:len(lines)-1] {
		if !strings.HasPrefix(l, "1> ") && !strings.HasPrefix(l, "2> ") || !strings.HasSuffix(l, "]\n") {
			t.Fatalf("line %q", l)
		}
	}
}

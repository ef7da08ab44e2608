package testkit

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/vec"
)

func change(line string) Change {
	for _, k := range []vec.RowKind{vec.Insert, vec.UpdateBefore, vec.UpdateAfter, vec.Delete} {
		if rest, ok := strings.CutPrefix(line, k.String()+","); ok {
			return Change{Kind: k, Row: rest}
		}
	}
	panic("no kind: " + line)
}

func changes(lines ...string) []Change {
	var out []Change
	for _, l := range lines {
		out = append(out, change(l))
	}
	return out
}

func TestFold(t *testing.T) {
	rows, err := Fold(changes("+I,a", "+I,b", "-U,a", "+U,c", "+I,b", "-D,b"))
	if err != nil || !slices.Equal(rows, []string{"b", "c"}) {
		t.Errorf("got %q, %v", rows, err)
	}
	if _, err := Fold(changes("+I,a", "-D,b", "+I,b")); err == nil {
		t.Error("a row was taken away before it came, and Fold said nothing")
	}
}

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name      string
		how       Comparison
		got, want []string
		same      bool
	}{
		{"the order does not count", Comparison{}, []string{"b", "a", "a"}, []string{"a", "a", "b"}, true},
		{"the order counts", Comparison{Ordered: true}, []string{"b", "a"}, []string{"a", "b"}, false},
		{"how often a row is there counts", Comparison{}, []string{"a", "b", "b"}, []string{"a", "a", "b"}, false},
		{"maps have no order", Comparison{}, []string{`1,"{b=2, a=1}"`}, []string{`1,"{a=1, b=2}"`}, true},
		{"numbers are exact", Comparison{}, []string{"0.30000000000000004"}, []string{"0.3"}, false},
		{"numbers are near", Comparison{Tol: 1e-9}, []string{"x,0.30000000000000004"}, []string{"x,0.3"}, true},
		{"NULL is not the empty string", Comparison{Tol: 1e-9}, []string{"a,"}, []string{`a,""`}, false},
		{"a row more", Comparison{Ordered: true}, []string{"a", "b"}, []string{"a"}, false},
	} {
		if diff := c.how.Diff(c.got, c.want); (diff == "") != c.same {
			t.Errorf("%s: %q", c.name, diff)
		}
	}
}

func TestPendingIsRewritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pending.txt")
	if err := os.WriteFile(file, []byte("# head\na  because\nb  why\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := ReadPending(file)
	if err != nil {
		t.Fatal(err)
	}
	p.Check(t, "a", "says no")
	p.seen["b"], p.seen["c"] = "", "new\nand long"
	if err := p.Rewrite(); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(file)
	if want := "# head\na  because\nc  new\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.reasons["d"] = "gone"
	if got := p.Unknown(); !slices.Equal(got, []string{"d"}) {
		t.Errorf("unknown: %q", got)
	}
}

func TestScript(t *testing.T) {
	text := "SELECT k, SUM(v) FROM (VALUES ('a', 1), ('a', 2)) AS t(k, v) GROUP BY k"
	got, err := Script{Text: text, Mode: Stream}.Run(t.Context())
	if want := []string{"+I,a,1", "-U,a,1", "+U,a,3"}; err != nil || !slices.Equal(Lines(got), want) {
		t.Errorf("stream: %v, %v; want %v", got, err, want)
	}
	got, err = Script{Text: text, Mode: Batch}.Run(t.Context())
	if want := []string{"+I,a,3"}; err != nil || !slices.Equal(Lines(got), want) {
		t.Errorf("batch: %v, %v; want %v", got, err, want)
	}
	endless := "CREATE TABLE t (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1'); SELECT n FROM t"
	if _, err := (Script{Text: endless, Mode: Stream, TimeLimit: time.Second / 2}).Run(t.Context()); !errors.Is(err, ErrTime) {
		t.Errorf("an endless script: %v", err)
	}
}

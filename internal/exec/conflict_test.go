package exec_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// conflictTypes: the sink's key, the query's key, a value.
var conflictTypes = []types.Type{types.TString, types.TInt, types.TInt}

var stampedTypes = append(slices.Clone(conflictTypes), types.TBigInt.Nullable(false))

// feedConflict feeds lines: "+I k id v @stamp", and "W time" for a watermark.
func feedConflict(run *exectest.Run, script string) {
	for line := range strings.SplitSeq(strings.TrimSpace(script), "\n") {
		f := strings.Fields(line)
		if f[0] == "W" {
			run.Watermark(num(f[1]))
			continue
		}
		kind := map[string]vec.RowKind{"+I": vec.Insert, "-U": vec.UpdateBefore, "+U": vec.UpdateAfter, "-D": vec.Delete}[f[0]]
		row := []any{f[1], num(f[2]), num(f[3]), num(strings.TrimPrefix(f[4], "@"))}
		run.Process(0, exectest.Batch(stampedTypes, [][]any{row}, []vec.RowKind{kind}))
	}
}

func num(s string) (n int64) {
	for _, c := range s {
		n = 10*n + int64(c-'0')
	}
	return n
}

func TestConflict(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		unique, fail   bool
	}{
		{name: "nothing keeps the first", in: "+I a 1 10 @0\n+I a 2 20 @0\nW 5\n+I a 3 30 @5\nW 6", want: "+I a,1,10"},
		{name: "a row waits for the watermark", in: "+I a 1 10 @5\nW 5", want: ""},
		{name: "stamps settle one by one", in: "+I a 2 20 @5\n+I a 1 10 @3\nW 9", want: "+I a,1,10"},
		{name: "what moves away is no conflict", fail: true, unique: true,
			in: "+I a 1 10 @0\n+I a 3 30 @0\n-U a 1 10 @0\n+U b 1 10 @0\nW 5", want: "+I a,3,30|+I b,1,10"},
		{name: "in whichever order", fail: true,
			in: "-U a 1 10 @0\n+I a 1 10 @0\n+I a 3 30 @0\nW 5", want: "+I a,3,30"},
		{name: "an update by the query's key", fail: true, unique: true,
			in: "+I a 1 10 @0\nW 1\n+U a 1 11 @1\nW 2\n+U a 1 11 @2\nW 3", want: "+I a,1,10|+U a,1,11"},
		{name: "a deletion of what the receiver has", in: "+I a 1 10 @0\nW 1\n-D a 1 10 @1\nW 2", want: "+I a,1,10|-D a,1,10"},
		{name: "a deletion of what it does not have", in: "+I a 1 10 @0\n+I a 2 20 @0\nW 1\n-D a 2 20 @1\nW 2", want: "+I a,1,10"},
		{name: "what was taken back does not stay", in: "+I a 1 10 @0\nW 1\n-D a 1 10 @1\n+I a 2 20 @1\n+I a 3 30 @1\nW 2", want: "+I a,1,10|+U a,2,20"},
		{name: "a key that comes back", in: "+I a 1 10 @0\nW 1\n-D a 1 10 @1\nW 2\n+I a 2 20 @2\nW 3", want: "+I a,1,10|-D a,1,10|+I a,2,20"},
	} {
		for _, crash := range []bool{false, true} {
			spec := &jobgraph.Conflict{Keys: []int{0}, Names: []string{"k"}, Fail: c.fail, Types: conflictTypes}
			if c.unique {
				spec.Unique = []int{1}
			}
			run := exectest.Start(t, func() exec.Operator { return exec.NewConflict(spec) }, exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{stampedTypes}})
			lines := strings.Split(c.in, "\n")
			for i, l := range lines {
				feedConflict(run, l)
				if crash && i < len(lines)-1 {
					run.Checkpoint()
					run.Crash(1)
				}
			}
			if got := strings.Join(exectest.Lines(run.Rows()), "|"); got != c.want {
				t.Errorf("%s (crash %t):\n%s\nwant\n%s", c.name, crash, got, c.want)
			}
		}
	}
}

func TestConflictFails(t *testing.T) {
	op := exec.NewConflict(&jobgraph.Conflict{Keys: []int{0}, Names: []string{"k"}, Fail: true, Types: conflictTypes})
	if err := op.Open(benchContext(t)); err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	rows := [][]any{{"a", int64(1), int64(1), int64(0)}, {"a", int64(2), int64(1), int64(0)}}
	if _, err := op.Process(0, exectest.Batch(stampedTypes, rows, nil), &discard{}); err != nil {
		t.Fatal(err)
	}
	_, err := op.Watermark(1, &discard{})
	if err == nil || !strings.Contains(err.Error(), "primary key constraint violation: several rows have the same primary key [k=a]") {
		t.Error(err)
	}
}

// TestConflictRandom moves rows of the query between keys of the sink, each -U and
// its +U on ways of their own within one stamp, and compares with the table that
// is there when the watermark comes. There is never more than one row under a key
// then, so nothing may fail, and the receiver must have exactly the table.
func TestConflictRandom(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 12))
		spec := &jobgraph.Conflict{Keys: []int{0}, Names: []string{"k"}, Fail: true, Types: conflictTypes}
		if r.IntN(2) == 0 {
			spec.Unique = []int{1}
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewConflict(spec) }, exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{stampedTypes}})
		const keys = 6
		var at [keys]string // of each row of the query: its key in the sink
		var value [keys]int64
		for stamp := range int64(12) {
			var rows [][]any
			var kinds []vec.RowKind
			tell := func(k vec.RowKind, id int) {
				rows, kinds = append(rows, []any{at[id], int64(id), value[id], stamp}), append(kinds, k)
			}
			perm := r.Perm(keys)
			for id := range keys {
				if at[id] != "" {
					tell(vec.UpdateBefore, id)
				}
				at[id] = ""
				if r.IntN(4) > 0 {
					at[id], value[id] = string(rune('a'+perm[id])), int64(r.IntN(3))
					tell(vec.UpdateAfter, id)
				}
			}
			if spec.Unique == nil { // by whole rows any order will do
				r.Shuffle(len(rows), func(i, j int) {
					rows[i], rows[j], kinds[i], kinds[j] = rows[j], rows[i], kinds[j], kinds[i]
				})
			}
			run.Process(0, exectest.Disguise(r, exectest.Batch(stampedTypes, rows, kinds)))
			if r.IntN(3) == 0 {
				run.Checkpoint()
				run.Crash(1 + r.IntN(3))
			}
			run.Watermark(stamp + 1)
		}
		run.End()
		var want []string
		for id := range keys {
			if at[id] != "" {
				want = append(want, exectest.Text([]any{at[id], int64(id), value[id]}))
			}
		}
		slices.Sort(want)
		if got := exectest.Upserted(run.Rows(), []int{0}); !slices.Equal(got, want) {
			t.Fatalf("seed %d:\n%v\nwant\n%v", seed, got, want)
		}
	}
}

func TestStamp(t *testing.T) {
	run := exectest.Start(t, func() exec.Operator { return exec.NewStamp() }, exectest.Options{})
	rows := [][]any{{int64(1)}, {int64(2)}, {int64(3)}}
	b := exectest.Batch([]types.Type{types.TInt}, rows, nil)
	b.Marks = []vec.Mark{{Row: 1, Time: 7}, {Row: 3, Time: 9}}
	run.Process(0, b)
	run.Checkpoint()
	run.Crash(1)
	run.Process(0, exectest.Batch([]types.Type{types.TInt}, rows[:1], nil))
	run.Watermark(12)
	run.Process(0, exectest.Batch([]types.Type{types.TInt}, rows[:1], nil))
	want := []string{"+I 1,-9223372036854775808", "+I 2,7", "+I 3,7", "+I 1,9", "+I 1,12"}
	if got := exectest.Lines(run.Rows()); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

package filesystem

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/connect"
	_ "github.com/millrace-io/millrace/format/parquet"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/fault"
	"github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func batch(s types.Schema, rows ...[]any) *vec.Batch {
	out := &vec.Batch{Rows: len(rows)}
	for c, f := range s {
		b := vec.NewBuilder(f.Type)
		for _, r := range rows {
			switch x := r[c].(type) {
			case nil:
				b.Null()
			case string:
				b.String(x)
			case int:
				b.Int(int64(x))
			}
		}
		out.Cols = append(out.Cols, b.Finish())
	}
	return out
}

func openSink(t *testing.T, env Env, tab connect.Table, w connect.Write) (connect.Sink, connect.Committer) {
	t.Helper()
	if w.JobID == "" {
		w.JobID = "job-1"
	}
	w.Parallelism = max(1, w.Parallelism)
	sk, err := New(env).Sink(tab, w)
	if err != nil {
		t.Fatal(err)
	}
	c, err := sk.Committer()
	if err != nil {
		t.Fatal(err)
	}
	return sk, c
}

// visible returns the files of a folder that are not hidden, but for their
// folder's mark, and their text.
func visible(t *testing.T, fs fsys.FS, dir string) map[string]string {
	t.Helper()
	files, err := list(fs, dir, nil)
	if errors.Is(err, fsys.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		h, err := fs.Open(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, h.Size())
		if _, err := h.ReadAt(b, 0); err != nil && len(b) > 0 {
			t.Fatal(err)
		}
		out[strings.TrimPrefix(f.Path, dir+"/")] = string(b)
	}
	return out
}

func exists(fs fsys.FS, name string) bool {
	_, err := fs.Stat(name)
	return err == nil
}

func TestWriteAndCommit(t *testing.T) {
	w := newWorld()
	tab := table(two, "d", "csv")
	sk, c := openSink(t, w.env(true), tab, connect.Write{})
	if sk.Accepts() != connect.AppendOnly {
		t.Fatal("accepts")
	}
	if err := c.Abort(context.Background(), 0, nil); err != nil {
		t.Fatal(err)
	}
	wr, err := sk.Writer(3)
	if err != nil {
		t.Fatal(err)
	}
	b := batch(two, []any{"a", 1}, []any{"b", 2}, []any{"c", 3})
	b.Sel = []int32{0, 2}
	if err := wr.Write(b); err != nil {
		t.Fatal(err)
	}
	prep, err := wr.Prepare(1)
	if err != nil || len(prep) != 1 {
		t.Fatal(prep, err)
	}
	if got := visible(t, w.fs, "d"); len(got) != 0 {
		t.Fatal("seen before the commit", got)
	}
	for range 2 {
		if err := c.Commit(context.Background(), 1, prep); err != nil {
			t.Fatal(err)
		}
		if got := visible(t, w.fs, "d"); len(got) != 1 || got["part-job.1-1-try1-3-0.csv"] != "a,1\nc,3\n" {
			t.Fatal(got)
		}
	}
	if more, err := wr.Prepare(2); err != nil || len(more) != 0 {
		t.Fatal(more, err)
	}
	if err := wr.Write(batch(two, []any{"x", 1})); err != nil {
		t.Fatal(err)
	}
	if err := wr.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := w.fs.Uncommitted(""); err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
}

func TestNothingWrittenIsAnEmptyTable(t *testing.T) {
	w := newWorld()
	tab := table(two, "d", "csv")
	_, c := openSink(t, w.env(true), tab, connect.Write{Bounded: true})
	if err := c.Commit(context.Background(), 1, nil); err != nil {
		t.Fatal(err)
	}
	got, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0)
	wantRows(t, got, err)
}

func TestPartitionedSink(t *testing.T) {
	w := newWorld()
	s := types.Schema{col("k", types.TString), col("dt", types.TDate), col("n", types.TInt), col("hm", types.TString)}
	tab := table(s, "d", "csv", "sink.partition-commit.policy.kind", "success-file")
	tab.PartitionBy = []int{1, 3}
	sk, c := openSink(t, w.env(true), tab, connect.Write{})
	wr, _ := sk.Writer(0)
	if err := wr.Write(batch(s, []any{"a", 20000, 1, "23:57"}, []any{"b", nil, 2, ""}, []any{"c", 20000, 3, "23:57"}, []any{"d", 20001, 4, "a/b=c%"})); err != nil {
		t.Fatal(err)
	}
	prep, err := wr.Prepare(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(context.Background(), 1, prep); err != nil {
		t.Fatal(err)
	}
	got := visible(t, w.fs, "d")
	want := map[string]string{
		"dt=2024-10-04/hm=23%3A57/part-job.1-1-try1-0-0.csv":                          "a,1\nc,3\n",
		"dt=__DEFAULT_PARTITION__/hm=__DEFAULT_PARTITION__/part-job.1-1-try1-0-1.csv": "b,2\n",
		"dt=2024-10-05/hm=a%2Fb%3Dc%25/part-job.1-1-try1-0-2.csv":                     "d,4\n",
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %q", name, got[name])
		}
		if !exists(w.fs, "d/"+name[:strings.LastIndexByte(name, '/')]+"/_SUCCESS") {
			t.Errorf("%s: its folder is not marked", name)
		}
	}
	if len(got) != len(want) {
		t.Fatal(got)
	}
	rows, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0)
	wantRows(t, rows, err, "a|20000|1|23:57", "b|NULL|2|NULL", "c|20000|3|23:57", "d|20001|4|a/b=c%")
}

// A format of changes takes every kind.
func TestChangesSink(t *testing.T) {
	w := newWorld()
	tab := table(types.Schema{col("k", types.TString), col("p", types.TString)}, "d", "debezium-json")
	tab.PartitionBy = []int{1}
	sk, c := openSink(t, w.env(true), tab, connect.Write{})
	if sk.Accepts() != connect.AllChanges {
		t.Fatal(sk.Accepts())
	}
	wr, err := sk.Writer(0)
	if err != nil {
		t.Fatal(err)
	}
	b := batch(tab.Schema, []any{"a", "x"}, []any{"b", "x"}, []any{"c", "y"})
	b.Kinds = []vec.RowKind{vec.Insert, vec.Delete, vec.UpdateBefore}
	if err := wr.Write(b); err != nil {
		t.Fatal(err)
	}
	prep, err := wr.Prepare(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(context.Background(), 1, prep); err != nil {
		t.Fatal(err)
	}
	text := ""
	got := visible(t, w.fs, "d")
	for _, name := range slices.Sorted(maps.Keys(got)) {
		text += got[name]
	}
	if want := `{"before":null,"after":{"k":"a"},"op":"c"}
{"before":{"k":"b"},"after":null,"op":"d"}
{"before":{"k":"c"},"after":null,"op":"d"}
`; text != want {
		t.Fatal(text)
	}
}

func TestRolling(t *testing.T) {
	w := newWorld()
	tab := table(two, "d", "csv", "sink.rolling-policy.file-size", "1000", "sink.rolling-policy.rollover-interval", "1 h", "sink.rolling-policy.inactivity-interval", "10 min")
	sk, c := openSink(t, w.env(true), tab, connect.Write{})
	wr, _ := sk.Writer(0)
	total := 0
	for i := range 300 {
		if err := wr.Write(batch(two, []any{"some text", 1000 + i})); err != nil {
			t.Fatal(err)
		}
		total++
	}
	w.now = w.now.Add(2 * time.Hour)
	if err := wr.Write(batch(two, []any{"late", 1})); err != nil {
		t.Fatal(err)
	}
	prep, err := wr.Prepare(1)
	if err != nil || len(prep) != 6 {
		t.Fatal(len(prep), err)
	}
	if err := c.Commit(context.Background(), 1, prep); err != nil {
		t.Fatal(err)
	}
	rows, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0)
	if err != nil || len(rows) != total+1 {
		t.Fatal(len(rows), err)
	}

	// more folders than files may be open
	s := types.Schema{col("k", types.TString), col("n", types.TInt)}
	tab = table(s, "e", "json", "sink.compression", "gzip")
	tab.PartitionBy = []int{1}
	sk, c = openSink(t, w.env(true), tab, connect.Write{})
	wr, _ = sk.Writer(0)
	for round := range 2 {
		for i := range 3 * openFilesMax {
			if err := wr.Write(batch(s, []any{fmt.Sprint(round), i})); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(wr.(*writer).open); n > openFilesMax {
			t.Fatal(n)
		}
	}
	prep, err = wr.Prepare(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(context.Background(), 1, prep); err != nil {
		t.Fatal(err)
	}
	rows, err = readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0)
	if err != nil || len(rows) != 6*openFilesMax {
		t.Fatal(len(rows), err)
	}
}

func TestOverwrite(t *testing.T) {
	w := newWorld()
	w.put(t, "d/old.csv", "x,1\n", "d/sub/old.csv", "x,2\n", "d/.hidden", "x", "other/old.csv", "y,1\n")
	tab := table(two, "d", "csv")
	if _, err := New(w.env(true)).Sink(tab, connect.Write{Overwrite: true, JobID: "j"}); err == nil {
		t.Fatal("an endless overwrite was taken")
	}
	sk, c := openSink(t, w.env(true), tab, connect.Write{Overwrite: true, Bounded: true})
	wr, _ := sk.Writer(0)
	if err := wr.Write(batch(two, []any{"new", 1})); err != nil {
		t.Fatal(err)
	}
	prep, _ := wr.Prepare(1)
	if got := visible(t, w.fs, "d"); len(got) != 2 {
		t.Fatal("replaced before the commit", got)
	}
	for range 2 {
		if err := c.Commit(context.Background(), 1, prep); err != nil {
			t.Fatal(err)
		}
		if got := visible(t, w.fs, "d"); len(got) != 1 || !exists(w.fs, "d/.hidden") || !exists(w.fs, "other/old.csv") {
			t.Fatal(got)
		}
	}

	s := types.Schema{col("k", types.TString), col("p", types.TString)}
	w.put(t, "e/p=a/old.csv", "x\n", "e/p=b/old.csv", "x\n", "e/p=c/old.csv", "x\n")
	tab = table(s, "e", "csv")
	tab.PartitionBy = []int{1}
	sk, c = openSink(t, w.env(true), tab, connect.Write{Overwrite: true, Bounded: true})
	wr, _ = sk.Writer(0)
	if err := wr.Write(batch(s, []any{"new", "b"})); err != nil {
		t.Fatal(err)
	}
	prep, _ = wr.Prepare(1)
	if err := c.Commit(context.Background(), 1, prep); err != nil {
		t.Fatal(err)
	}
	got := visible(t, w.fs, "e")
	if len(got) != 3 || exists(w.fs, "e/p=b/old.csv") {
		t.Fatal(got)
	}
	// a static partition is emptied though no row comes
	_, c = openSink(t, w.env(true), tab, connect.Write{Overwrite: true, Bounded: true, JobID: "job-2", Static: map[int]string{1: "c"}})
	if err := c.Commit(context.Background(), 1, nil); err != nil || exists(w.fs, "e/p=c/old.csv") || !exists(w.fs, "e/p=a/old.csv") {
		t.Fatal(err)
	}
}

func TestPartitionTime(t *testing.T) {
	w := newWorld()
	s := types.Schema{col("n", types.TInt), col("dt", types.TString), col("hm", types.TString)}
	tab := table(s, "d", "csv", "sink.partition-commit.policy.kind", "success-file", "sink.partition-commit.trigger", "partition-time", "sink.partition-commit.delay", "1 min",
		"partition.time-extractor.timestamp-pattern", "$dt $hm:00", "sink.partition-commit.watermark-time-zone", "Asia/Shanghai")
	tab.PartitionBy = []int{1, 2}
	sk, c := openSink(t, w.env(true), tab, connect.Write{Parallelism: 2})
	a, _ := sk.Writer(0)
	b, _ := sk.Writer(1)
	at := time.Date(2024, 1, 1, 10, 0, 0, 0, time.FixedZone("", 8*3600))
	epoch := uint64(0)
	step := func(wa, wb int64) int {
		t.Helper()
		epoch++
		var all [][]byte
		for i, wr := range []connect.Writer{a, b} {
			x := &vec.Batch{Marks: []vec.Mark{{Time: []int64{wa, wb}[i]}}}
			if err := wr.Write(x); err != nil {
				t.Fatal(err)
			}
			p, err := wr.Prepare(epoch)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p...)
		}
		if err := c.Commit(context.Background(), epoch, all); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, hm := range []string{"10%3A00", "11%3A00"} {
			if exists(w.fs, "d/dt=2024-01-01/hm="+hm+"/_SUCCESS") {
				n++
			}
		}
		return n
	}
	if err := a.Write(batch(s, []any{1, "2024-01-01", "10:00"}, []any{2, "2024-01-01", "11:00"})); err != nil {
		t.Fatal(err)
	}
	us := func(d time.Duration) int64 { return at.Add(d).UnixMicro() }
	if n := step(us(2*time.Minute), us(30*time.Second)); n != 0 {
		t.Fatal(n)
	}
	// a new attempt finds again what waits
	_, c = openSink(t, w.env(true), tab, connect.Write{Parallelism: 2})
	if err := c.Abort(context.Background(), epoch, nil); err != nil {
		t.Fatal(err)
	}
	if n := step(us(3*time.Minute), us(time.Minute)); n != 1 {
		t.Fatal(n)
	}
	if n := step(math.MaxInt64, math.MaxInt64); n != 2 {
		t.Fatal(n)
	}
}

func TestAbortLeavesOthersAlone(t *testing.T) {
	w := newWorld()
	tab := table(two, "d", "csv")
	token := func(job string) []byte {
		sk, _ := openSink(t, w.env(true), tab, connect.Write{JobID: job})
		wr, _ := sk.Writer(0)
		if err := wr.Write(batch(two, []any{job, 1})); err != nil {
			t.Fatal(err)
		}
		p, err := wr.Prepare(1)
		if err != nil {
			t.Fatal(err)
		}
		return p[0]
	}
	mine, kept := token("job"), token("job")
	token("job-2")
	token("another")
	_, c := openSink(t, w.env(true), tab, connect.Write{JobID: "job"})
	if err := c.Abort(context.Background(), 0, [][]byte{kept}); err != nil {
		t.Fatal(err)
	}
	left, _ := w.fs.Uncommitted("d")
	if len(left) != 3 {
		t.Fatal(left)
	}
	if err := c.Commit(context.Background(), 1, [][]byte{kept}); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(context.Background(), 2, [][]byte{mine}); !errors.Is(err, fsys.ErrNotExist) {
		t.Fatal("what was dropped was committed", err)
	}
}

// When the checkpoints behind an epoch cannot be read, what they committed comes
// again: it is taken back. Files of other runs are not touched.
func TestTakesBackWhatComesAgain(t *testing.T) {
	w := newWorld()
	tab := table(two, "d", "csv")
	w.put(t, "d/part-1.out.b-9-try9-0-0.csv", "other,1\n", "d/part-1.out.a", "x,1\n")
	open := func(epoch uint64) (connect.Writer, connect.Committer) {
		sk, c := openSink(t, w.env(true), tab, connect.Write{JobID: "1-out-a", Epoch: epoch})
		if err := c.Abort(context.Background(), epoch, nil); err != nil {
			t.Fatal(err)
		}
		wr, err := sk.Writer(0)
		if err != nil {
			t.Fatal(err)
		}
		return wr, c
	}
	write := func(wr connect.Writer, n int) {
		if err := wr.Write(batch(two, []any{"row", n})); err != nil {
			t.Fatal(err)
		}
	}
	prepare := func(wr connect.Writer, epoch uint64) [][]byte {
		p, err := wr.Prepare(epoch)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	commit := func(c connect.Committer, epoch uint64, p [][]byte) {
		if err := c.Commit(context.Background(), epoch, p); err != nil {
			t.Fatal(err)
		}
	}
	wr, c := open(0)
	write(wr, 1)
	first := prepare(wr, 1) // given up: it commits with epoch 2
	write(wr, 2)
	commit(c, 2, append(first, prepare(wr, 2)...))
	write(wr, 3)
	commit(c, 3, prepare(wr, 3))
	write(wr, 4)
	commit(c, 4, prepare(wr, 0)) // the end of the input
	wr, c = open(2)
	write(wr, 3)
	commit(c, 3, prepare(wr, 3))
	var got []string
	for name, text := range visible(t, w.fs, "d") {
		if strings.HasPrefix(name, "part-1.out.a-") {
			got = append(got, strings.Fields(text)...)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"row,1", "row,2", "row,3"}) {
		t.Fatal(got)
	}
	if !exists(w.fs, "d/part-1.out.b-9-try9-0-0.csv") || !exists(w.fs, "d/part-1.out.a") {
		t.Fatal("a file of another run is gone")
	}
}

// A job of two writers and five epochs is run over a store that fails or crashes
// at one operation, for every operation and every fault; after a failure the job
// restarts from what the coordinator has recorded. The table must then hold each
// row once, and nothing must be left behind.
func TestSinkSurvivesAnyFault(t *testing.T) {
	const epochs, writers, perEpoch = 5, 2, 3
	s := types.Schema{col("k", types.TString), col("n", types.TInt)}
	run := func(t *testing.T, under fsys.FS, dir string, decide func(fault.Op) fault.Fault) (ops int) {
		w := newWorld()
		fs := fault.New(under, decide)
		w.fs = fs
		tab := table(s, dir, "csv", "sink.rolling-policy.file-size", "20", "sink.partition-commit.policy.kind", "success-file")
		tab.PartitionBy = []int{0}

		// what the coordinator has recorded: complete epochs, and of the last one
		// what is to be committed
		complete := 0
		var record [][]byte
		attempt := func() error {
			sk, err := New(w.env(true)).Sink(tab, connect.Write{JobID: "j", Epoch: uint64(complete), Parallelism: writers})
			if err != nil {
				return err
			}
			c, err := sk.Committer()
			if err != nil {
				return err
			}
			if err := c.Abort(context.Background(), uint64(complete), record); err != nil {
				return err
			}
			if err := c.Commit(context.Background(), uint64(complete), record); err != nil {
				return err
			}
			var ws []connect.Writer
			for i := range writers {
				wr, err := sk.Writer(i)
				if err != nil {
					return err
				}
				ws = append(ws, wr)
			}
			for complete < epochs {
				var all [][]byte
				for i, wr := range ws {
					for r := range perEpoch {
						n := (complete*writers+i)*perEpoch + r
						if err := wr.Write(batch(s, []any{fmt.Sprint("p", n%2), n})); err != nil {
							return err
						}
					}
					p, err := wr.Prepare(uint64(complete + 1))
					if err != nil {
						return err
					}
					all = append(all, p...)
				}
				complete, record = complete+1, all // the epoch is complete: durable from here on
				if err := c.Commit(context.Background(), uint64(complete), all); err != nil {
					return err
				}
			}
			return nil
		}
		for tries := 0; ; tries++ {
			err := attempt()
			if err == nil {
				break
			}
			if tries > 3 || !errors.Is(err, fault.ErrInjected) && !errors.Is(err, fault.ErrCrashed) {
				t.Fatalf("try %d: %v", tries, err)
			}
			fs.Restart()
		}
		var got []string
		for name, text := range visible(t, under, dir) {
			for _, line := range strings.Fields(text) {
				got = append(got, line)
				if n := 0; true {
					_, _ = fmt.Sscan(line, &n)
					if !strings.HasPrefix(name, fmt.Sprintf("k=p%d/", n%2)) {
						t.Fatalf("%s is in %s", line, name)
					}
				}
			}
		}
		var want []string
		for n := range epochs * writers * perEpoch {
			want = append(want, fmt.Sprint(n))
		}
		sort.Strings(got)
		sort.Strings(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%q", got)
		}
		if left, err := under.Uncommitted(dir); err != nil || len(left) != 0 {
			t.Fatal("left behind", left, err)
		}
		return fs.Ops()
	}
	ops := run(t, newWorld().fs, "d", func(fault.Op) fault.Fault { return fault.None })
	if ops < 50 {
		t.Fatal(ops)
	}
	for n := range ops {
		for _, f := range []fault.Fault{fault.Fail, fault.After, fault.Full, fault.Short, fault.Crash, fault.Lost} {
			under, dir := newWorld().fs, "d"
			if n%17 == 0 { // a real disk now and then: it syncs
				under, dir = local.New(""), t.TempDir()
			}
			t.Run(fmt.Sprintf("op=%d/fault=%d", n, f), func(t *testing.T) { run(t, under, dir, fault.At(n, f)) })
		}
	}
	// two faults, the second on the way back up
	for n := 0; n < ops; n += 3 {
		for m := 1; m < 12; m++ {
			run(t, newWorld().fs, "d", func(op fault.Op) fault.Fault {
				if op.N == n || op.N == n+m {
					return fault.Lost
				}
				return fault.None
			})
		}
	}
}

// Files of row groups: written with restarts between epochs, read whole, in
// ranges of groups and with restores.
func TestParquet(t *testing.T) {
	w := newWorld()
	s := types.Schema{col("k", types.TString), col("n", types.TInt), col("p", types.TString)}
	tab := table(s, "d", "parquet", "parquet.block.size", "2000", "source.split-size", "3000")
	tab.PartitionBy = []int{2}
	sk, c := openSink(t, w.env(true), tab, connect.Write{})
	wr, _ := sk.Writer(0)
	var want []string
	for i := range 60 {
		var rows [][]any
		for k := range 100 {
			n := i*100 + k
			rows = append(rows, []any{fmt.Sprint("key", n%13), n, fmt.Sprint(n % 2)})
			want = append(want, fmt.Sprintf("key%d|%d|%d", n%13, n, n%2))
		}
		if err := wr.Write(batch(s, rows...)); err != nil {
			t.Fatal(err)
		}
		if i%30 == 29 {
			prep, err := wr.Prepare(uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Commit(context.Background(), uint64(i), prep); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, readers := range []int{1, 3} {
		for _, stop := range []int{0, 1, 2} {
			for _, sync := range []bool{true, false} {
				sc := scan(tab)
				sc.Parallelism = readers
				src := open(t, w.env(sync), tab, sc)
				got, err := readAll(t, src, readers, stop)
				wantRows(t, got, err, slices.Clone(want)...)
			}
		}
	}
	sc := scan(tab)
	sc.Columns = []int{2}
	sc.Predicates = []connect.Predicate{{Column: 1, Op: connect.Lt, Values: []any{int64(100)}}}
	got, err := readAll(t, open(t, w.env(true), tab, sc), 1, 0)
	if err != nil || len(got) < 100 || len(got) > 1000 {
		t.Fatal("groups are not skipped", len(got), err)
	}
	w.put(t, "d/p=0/broken.parquet", "PAR1 this is none")
	if _, err := readAll(t, open(t, w.env(true), tab, sc), 1, 0); err == nil || !strings.Contains(err.Error(), "broken.parquet") {
		t.Fatal(err)
	}
}

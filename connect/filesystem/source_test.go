package filesystem

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/millrace-io/millrace/connect"
	_ "github.com/millrace-io/millrace/format/csv"
	_ "github.com/millrace-io/millrace/format/debeziumjson"
	_ "github.com/millrace-io/millrace/format/json"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/mem"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// world is an Env over a store in memory, with a clock that stands.
type world struct {
	fs  fsys.FS
	now time.Time
	n   int
}

func newWorld() *world { return &world{fs: mem.New(nil), now: time.Unix(1_700_000_000, 0)} }

func (w *world) env(sync bool) Env {
	return Env{
		Open:    func(path string) (fsys.FS, string, error) { return w.fs, path, nil },
		Now:     func() time.Time { return w.now },
		Attempt: func() string { w.n++; return fmt.Sprintf("try%d", w.n) },
		Sync:    sync,
	}
}

func (w *world) put(t *testing.T, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		if err := w.fs.Put(files[i], []byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
}

func col(name string, t types.Type) types.Field { return types.Field{Name: name, Type: t} }

var two = types.Schema{col("k", types.TString), col("n", types.TInt)}

func table(s types.Schema, path, format string, opts ...string) connect.Table {
	o := connect.Options{"connector": "filesystem", "path": path, "format": format}
	for i := 0; i < len(opts); i += 2 {
		o[opts[i]] = opts[i+1]
	}
	return connect.Table{Name: "t", Schema: s, Options: o}
}

func scan(t connect.Table) connect.Scan {
	s := connect.Scan{Limit: -1, Parallelism: 1, Zone: "UTC"}
	for i := range t.Schema {
		s.Columns = append(s.Columns, i)
	}
	return s
}

func cell(v vec.Vector, row int) string {
	switch x := v.(type) {
	case *vec.Const:
		return cell(x.Val, 0)
	case *vec.Dict:
		return cell(x.Words, int(x.Codes[row]))
	}
	if v.Null(row) {
		return "NULL"
	}
	switch x := v.(type) {
	case *vec.Bytes:
		return string(x.At(row))
	case *vec.Fixed[int32]:
		return fmt.Sprint(x.Vals[row])
	case *vec.Fixed[int64]:
		return fmt.Sprint(x.Vals[row])
	}
	return "?"
}

func lines(b *vec.Batch) []string {
	out := make([]string, b.Len())
	for i := range out {
		var cells []string
		for _, c := range b.Cols {
			cells = append(cells, cell(c, b.Row(i)))
		}
		out[i] = strings.Join(cells, "|")
	}
	return out
}

// readAll reads a table as a job of so many readers does, one Poll each in turn.
// Every stop Polls, at first, it takes a snapshot and goes on from it.
func readAll(t *testing.T, src connect.Source, readers, stop int) ([]string, error) {
	t.Helper()
	e, err := src.Enumerator(nil, func() {})
	if err != nil {
		return nil, err
	}
	var rs []connect.Reader
	start := func(splits [][]connect.Split) {
		rs = nil
		for i := range readers {
			r, err := src.Reader(i, func() {})
			if err != nil {
				t.Fatal(err)
			}
			if splits != nil {
				if err := r.Add(splits[i]); err != nil {
					t.Fatal(err)
				}
			}
			rs = append(rs, r)
		}
	}
	start(nil)
	defer func() {
		for _, r := range rs {
			_ = r.Close()
		}
		_ = e.Close()
	}()
	var out []string
	polls, next, restores, ended := 0, stop, 0, make([]bool, readers)
	for turn := 0; slices.Contains(ended, false); turn++ {
		i := turn % readers
		if ended[i] {
			continue
		}
		p, err := rs[i].Poll("")
		if err != nil {
			return out, err
		}
		if p.Batch != nil {
			if err := p.Batch.Check(); err != nil {
				t.Fatal(err)
			}
			out = append(out, lines(p.Batch)...)
		}
		if p.Empty {
			splits, done, err := e.Assign(i)
			if err != nil {
				return out, err
			}
			if err := rs[i].Add(splits); err != nil {
				t.Fatal(err)
			}
			ended[i] = done
		}
		if p.Batch == nil && !p.Ended && !p.Empty {
			time.Sleep(time.Millisecond) // a goroutine reads
		}
		if polls++; stop > 0 && polls == next {
			stop, restores = stop+1, restores+1 // ever later, so that the end is reached
			next += stop
			saved, err := e.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			splits := make([][]connect.Split, readers)
			for i, r := range rs {
				if splits[i], err = r.Snapshot(); err != nil {
					t.Fatal(err)
				}
				_ = r.Close()
			}
			_ = e.Close()
			if e, err = src.Enumerator(saved, func() {}); err != nil {
				t.Fatal(err)
			}
			if restores%2 == 0 { // the splits go back and are given out anew
				for _, s := range splits {
					e.Return(s)
				}
				splits = nil
			}
			start(splits)
			ended = make([]bool, readers)
		}
	}
	return out, nil
}

func open(t *testing.T, env Env, tab connect.Table, sc connect.Scan) connect.Source {
	t.Helper()
	src, err := New(env).Source(tab, sc)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func wantRows(t *testing.T, got []string, err error, want ...string) {
	t.Helper()
	sort.Strings(got)
	sort.Strings(want)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%q %v\nwant %q", got, err, want)
	}
}

func TestFolder(t *testing.T) {
	w := newWorld()
	w.put(t, "d/p2.csv", "a,10\nc,5\n", "d/p1.csv", "a,1\nb,2", "d/_hidden.csv", "b,100\n", "d/.h/x.csv", "b,100\n", "d/_SUCCESS", "", "d/sub/deep/p3.csv", "z,3\n", "d/empty.csv", "")
	for _, sync := range []bool{true, false} {
		for _, path := range []string{"d", "d/", "d/**", "d/p?.csv", "d/*/*/*.csv", "d/p1.csv", "d/sub"} {
			tab := table(two, path, "csv")
			got, err := readAll(t, open(t, w.env(sync), tab, scan(tab)), 2, 0)
			want := []string{"a|1", "b|2", "a|10", "c|5", "z|3"}
			switch path {
			case "d/p?.csv":
				want = want[:4]
			case "d/*/*/*.csv", "d/sub":
				want = want[4:]
			case "d/p1.csv":
				want = want[:2]
			}
			wantRows(t, got, err, want...)
		}
	}
	tab := table(two, "d", "csv", "source.path.regex-pattern", "d/p[12]\\.csv")
	got, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0)
	wantRows(t, got, err, "a|1", "b|2", "a|10", "c|5")
}

func TestNothingThere(t *testing.T) {
	w := newWorld()
	w.put(t, "d/_SUCCESS", "")
	if err := w.fs.MkdirAll("made"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"d", "made"} {
		tab := table(two, path, "csv")
		got, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0)
		wantRows(t, got, err)
	}
	for _, path := range []string{"nowhere/at/all", "no*"} {
		tab := table(two, path, "csv")
		_, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0)
		if !errors.Is(err, fsys.ErrNotExist) || !strings.Contains(err.Error(), path) {
			t.Fatal(err)
		}
	}
}

func TestPartitionsAndMetadata(t *testing.T) {
	w := newWorld()
	w.put(t, "d/dt=2024-01-01/hm=23%3A57/a.csv", "x,1\n", "d/dt=2024-01-02/hm=__DEFAULT_PARTITION__/b.csv", "y,2\nz,3\n")
	s := types.Schema{col("k", types.TString), col("dt", types.TDate), col("hm", types.TString), col("n", types.TInt), col("name", types.TString), col("size", types.TBigInt), col("path", types.TString), col("mt", types.LTZOf(3))}
	tab := table(s, "d", "csv")
	tab.PartitionBy = []int{1, 2}
	tab.Metadata = map[int]string{4: "file.name", 5: "file.size", 6: "file.path", 7: "file.modification-time"}
	sc := scan(tab)
	got, err := readAll(t, open(t, w.env(true), tab, sc), 1, 0)
	wantRows(t, got, err, "x|19723|23:57|1|a.csv|4|d/dt=2024-01-01/hm=23%3A57/a.csv|1000000", "y|19724|NULL|2|b.csv|8|d/dt=2024-01-02/hm=__DEFAULT_PARTITION__/b.csv|2000000", "z|19724|NULL|3|b.csv|8|d/dt=2024-01-02/hm=__DEFAULT_PARTITION__/b.csv|2000000")
	sc.Columns = []int{2, 0}
	got, err = readAll(t, open(t, w.env(true), tab, sc), 1, 0)
	wantRows(t, got, err, "23:57|x", "NULL|y", "NULL|z")
	for _, c := range []struct {
		p    connect.Predicate
		want int
	}{
		{connect.Predicate{Column: 2, Op: connect.Eq, Values: []any{"23:57"}}, 1}, {connect.Predicate{Column: 2, Op: connect.IsNull}, 2}, {connect.Predicate{Column: 2, Op: connect.Ne, Values: []any{"23:57"}}, 0},
		{connect.Predicate{Column: 2, Op: connect.In, Values: []any{"23:58", "00:00"}}, 0}, {connect.Predicate{Column: 0, Op: connect.Eq, Values: []any{"x"}}, 3}, {connect.Predicate{Column: 2, Op: connect.Gt, Values: []any{"23"}}, 1},
	} {
		sc.Predicates = []connect.Predicate{c.p}
		if got, err := readAll(t, open(t, w.env(true), tab, sc), 1, 0); err != nil || len(got) != c.want {
			t.Errorf("%+v: %q %v", c.p, got, err)
		}
	}
	w.put(t, "d/stray.csv", "x,1\n")
	if _, err := readAll(t, open(t, w.env(true), tab, sc), 1, 0); err == nil || !strings.Contains(err.Error(), "'d/stray.csv'") {
		t.Fatal(err)
	}
}

// Changes keep their kinds and come in the order of the files, however many
// readers there are; what a format tells about a record are columns, too.
func TestChanges(t *testing.T) {
	w := newWorld()
	for i := range 40 {
		w.put(t, fmt.Sprintf("d/%02d.json", i), fmt.Sprintf(`{"before":{"k":"x","n":%d},"after":{"k":"x","n":%d},"op":"u","source":{"table":"t%d"}}`+"\n", i, i+1, i))
	}
	s := types.Schema{col("from", types.TString), col("k", types.TString), col("name", types.TString), col("n", types.TInt)}
	tab := table(s, "d", "debezium-json")
	tab.Metadata = map[int]string{0: "value.source.table", 2: "file.name"}
	sc := scan(tab)
	sc.Parallelism = 3
	for _, sync := range []bool{true, false} {
		src := open(t, w.env(sync), tab, sc)
		e, err := src.Enumerator(nil, func() {})
		if err != nil {
			t.Fatal(err)
		}
		if splits, done, err := e.Assign(1); len(splits) > 0 || !done || err != nil {
			t.Fatal(splits, done, err)
		}
		r, _ := src.Reader(0, func() {})
		n := 0
		for done := false; !done; {
			var splits []connect.Split
			if splits, done, err = e.Assign(0); err != nil || len(splits) > 1 {
				t.Fatal(splits, err)
			}
			if len(splits) == 0 {
				continue
			}
			if err := r.Add(splits); err != nil {
				t.Fatal(err)
			}
			for empty := false; !empty; {
				p, err := r.Poll("")
				if err != nil {
					t.Fatal(err)
				}
				empty = p.Empty
				if p.Batch == nil {
					continue
				}
				want := []string{fmt.Sprintf("t%d|x|%02d.json|%d", n, n, n), fmt.Sprintf("t%d|x|%02d.json|%d", n, n, n+1)}
				if got := lines(p.Batch); !slices.Equal(got, want) || !slices.Equal(p.Batch.Kinds, []vec.RowKind{vec.UpdateBefore, vec.UpdateAfter}) {
					t.Fatalf("%q %v, want %q", got, p.Batch.Kinds, want)
				}
				n++
			}
		}
		if n != 40 {
			t.Fatal(n)
		}
		if err := errors.Join(r.Close(), e.Close()); err != nil {
			t.Fatal(err)
		}
	}
	tab.Metadata[0] = "value.sauce"
	if _, err := New(w.env(true)).Source(tab, sc); err == nil || !strings.Contains(err.Error(), "there is no metadata 'sauce'") {
		t.Fatal(err)
	}
}

func TestCompressed(t *testing.T) {
	w := newWorld()
	var text strings.Builder
	var want []string
	for i := range 20_000 {
		fmt.Fprintf(&text, "key %d,%d\n", i%7, i)
		want = append(want, fmt.Sprintf("key %d|%d", i%7, i))
	}
	var gz, zl bytes.Buffer
	g := gzip.NewWriter(&gz)
	_, _ = g.Write([]byte(text.String()))
	_ = g.Close()
	z := zlib.NewWriter(&zl)
	_, _ = z.Write([]byte(text.String()))
	_ = z.Close()
	zs, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, "x.csv.gz", gz.String(), "x.csv.zst", string(zs.EncodeAll([]byte(text.String()), nil)), "x.csv.deflate", zl.String())
	for _, name := range []string{"x.csv.gz", "x.csv.zst", "x.csv.deflate"} {
		tab := table(two, name, "csv", "source.split-size", "1 kb")
		got, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 3, 2)
		wantRows(t, got, err, want...)
	}
	w.put(t, "cut.csv.gz", gz.String()[:gz.Len()/2])
	tab := table(two, "cut.csv.gz", "csv")
	if _, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0); err == nil || !strings.Contains(err.Error(), "cut.csv.gz") {
		t.Fatal(err)
	}
}

// Ranges at any size, readers in any number and restores at any time give the
// rows of the whole file, each once.
func TestRangesAndRestores(t *testing.T) {
	w := newWorld()
	var text, js strings.Builder
	var want []string
	for i := range 12_000 {
		k := fmt.Sprintf("k%d", i)
		switch i % 5 {
		case 1:
			k = "with, comma\nand line break " + k
		case 2:
			k = "5\" pipe " + k // a quote that opens nothing
		}
		if i%5 == 1 {
			fmt.Fprintf(&text, "\"%s\",%d\n", k, i)
		} else {
			fmt.Fprintf(&text, "%s,%d\n", k, i)
		}
		fmt.Fprintf(&js, "{\"k\":%q,\"n\":%d}\n", k, i)
		want = append(want, fmt.Sprintf("%s|%d", k, i))
	}
	w.put(t, "x.csv", text.String(), "x.json", js.String())
	for _, format := range []string{"csv", "json"} {
		for _, size := range []string{"1 kb", "7777", "100 kb", "64 mb"} {
			for _, stop := range []int{0, 1, 3} {
				if size == "1 kb" && stop > 0 {
					continue // many splits, and a restore for each few of them
				}
				for _, sync := range []bool{true, false} {
					tab := table(two, "x."+format, format, "source.split-size", size)
					sc := scan(tab)
					sc.Parallelism = 3
					got, err := readAll(t, open(t, w.env(sync), tab, sc), 3, stop)
					if len(got) != len(want) || err != nil {
						t.Fatalf("%s, ranges of %s, restore every %d: %d rows, %v", format, size, stop, len(got), err)
					}
					wantRows(t, got, err, want...)
				}
			}
		}
	}
}

func FuzzRanges(f *testing.F) {
	f.Add([]byte("a,1\n\"b\n\",2\nc\",3\n"), uint16(3), false)
	f.Add([]byte("{\"k\":\"a\"}\n\n{\"n\":1}"), uint16(5), true)
	f.Fuzz(func(t *testing.T, text []byte, size uint16, json bool) {
		w := newWorld()
		w.put(t, "x", string(text))
		format := "csv"
		if json {
			format = "json"
		}
		var rows [2][]string
		for i, par := range []int{1, 4} {
			tab := table(two, "x", format, "source.split-size", fmt.Sprint(int(size)%1000+1), format+".ignore-parse-errors", "true")
			sc := scan(tab)
			sc.Parallelism = par
			got, err := readAll(t, open(t, w.env(true), tab, sc), par, 0)
			if err != nil {
				t.Fatal(err)
			}
			sort.Strings(got)
			rows[i] = got
		}
		if !slices.Equal(rows[0], rows[1]) {
			t.Fatalf("%q in ranges of %d: %q, whole %q", text, size, rows[1], rows[0])
		}
	})
}

func TestErrorsNameThePlace(t *testing.T) {
	w := newWorld()
	w.put(t, "d/x.csv", "a,1\nb,2\nc,bad\n", "d/x.json", "{\"k\":\"a\"}\n{\"n\":{}}\n")
	for format, want := range map[string]string{
		"csv":  "table t: read 'd/x.csv' at byte 8, record 3: column 'n': 'bad' is not a valid INT, in \"c,bad\"",
		"json": "table t: read 'd/x.json' at byte 10, record 2: column 'n': a JSON object or array is not a valid INT, in \"{\\\"n\\\":{}}\"",
	} {
		tab := table(two, "d/x."+format, format)
		_, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0)
		if err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
		tab.Options[format+".ignore-parse-errors"] = "true"
		w.put(t, "d/x."+format, "a,1,1\n[}\n\"a\n")
		src := open(t, w.env(true), tab, scan(tab))
		e, _ := src.Enumerator(nil, func() {})
		r, _ := src.Reader(0, func() {})
		splits, _, err := e.Assign(0)
		if err != nil || r.Add(splits) != nil {
			t.Fatal(err)
		}
		skipped := int64(0)
		for {
			p, err := r.Poll("")
			if err != nil {
				t.Fatal(err)
			}
			if skipped += p.Skipped; p.Empty {
				break
			}
		}
		if want := map[string]int64{"csv": 2, "json": 3}[format]; skipped != want {
			t.Errorf("%s: %d skipped", format, skipped)
		}
	}
}

func TestRecordTooLarge(t *testing.T) {
	w := newWorld()
	w.put(t, "x.csv", "a,1\n"+strings.Repeat("b", 5<<20)+",2\n")
	tab := table(two, "x.csv", "csv")
	if got, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0); err != nil || len(got) != 2 {
		t.Fatal(len(got), err)
	}
	tab.Options["source.max-record-size"] = "4 mb"
	_, err := readAll(t, open(t, w.env(true), tab, scan(tab)), 1, 0)
	if err == nil || !strings.Contains(err.Error(), "x.csv' at byte 4: a record is larger than 4194304 bytes") {
		t.Fatal(err)
	}
}

func TestPreferAndLimit(t *testing.T) {
	w := newWorld()
	w.put(t, "d/a.csv", "a,1\n", "d/b.csv", "b,2\n", "d/c.csv", "c,3\n")
	tab := table(two, "d", "csv")
	src := open(t, w.env(true), tab, scan(tab))
	e, _ := src.Enumerator(nil, func() {})
	r, _ := src.Reader(0, func() {})
	splits, _, err := e.Assign(0)
	if err != nil || len(splits) != 3 || e.Waiting() != 0 {
		t.Fatal(splits, err)
	}
	if err := r.Add(splits); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"d/c.csv", "d/a.csv"} {
		p, err := r.Poll(want)
		if err != nil || p.Split != want || p.Batch == nil {
			t.Fatal(p, err)
		}
	}
	got, err := r.Snapshot()
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}

	sc := scan(tab)
	sc.Limit = 2
	rows, err := readAll(t, open(t, w.env(true), tab, sc), 1, 0)
	wantRows(t, rows, err, "a|1", "b|2")
}

// TestMonitorWakes shows that a reader that got nothing need not ask again by itself.
func TestMonitorWakes(t *testing.T) {
	w := newWorld()
	w.put(t, "d/a.csv", "a,1\n")
	env := w.env(false)
	env.Now = time.Now
	env.After = func(d time.Duration, f func()) func() {
		timer := time.AfterFunc(d, f)
		return func() { timer.Stop() }
	}
	tab := table(two, "d", "csv", "source.monitor-interval", "1 ms")
	woken := make(chan bool, 1)
	e, err := open(t, env, tab, scan(tab)).Enumerator(nil, func() {
		select {
		case woken <- true:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, want := range []string{"d/a.csv", "d/b.csv"} {
		for got := ""; got == ""; {
			splits, _, err := e.Assign(0)
			if err != nil {
				t.Fatal(err)
			}
			if len(splits) == 0 {
				<-woken
				continue
			}
			if got = splits[0].ID; got != want {
				t.Fatal(got)
			}
		}
		w.put(t, "d/b.csv", "b,2\n")
	}
}

func TestMonitor(t *testing.T) {
	w := newWorld()
	w.put(t, "d/a.csv", "a,1\n")
	tab := table(two, "d", "csv", "source.monitor-interval", "10 s")
	src := open(t, w.env(true), tab, scan(tab))
	if src.Bounded() {
		t.Fatal("bounded")
	}
	e, err := src.Enumerator(nil, func() {})
	if err != nil {
		t.Fatal(err)
	}
	assign := func() string {
		splits, done, err := e.Assign(0)
		if err != nil || done {
			t.Fatal(done, err)
		}
		var ids []string
		for _, s := range splits {
			ids = append(ids, s.ID)
		}
		return strings.Join(ids, " ")
	}
	if got := assign(); got != "d/a.csv" || e.Waiting() != 0 {
		t.Fatal(got, e.Waiting())
	}
	w.put(t, "d/b.csv", "b,2\n")
	if got := assign(); got != "" {
		t.Fatal("before the interval", got)
	}
	w.now = w.now.Add(10 * time.Second)
	if got := assign(); got != "d/b.csv" {
		t.Fatal(got)
	}
	saved, err := e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if e, err = src.Enumerator(saved, func() {}); err != nil {
		t.Fatal(err)
	}
	w.put(t, "d/0.csv", "c,3\n")
	if got := assign(); got != "d/0.csv" {
		t.Fatal("after a restore only what is new", got)
	}
	sc := scan(tab)
	sc.Bounded = true
	rows, err := readAll(t, open(t, w.env(true), tab, sc), 1, 0)
	wantRows(t, rows, err, "a|1", "b|2", "c|3")
}

func TestFileOrder(t *testing.T) {
	w := newWorld()
	w.put(t, "d/b.csv", "b,1\n", "d/a.csv", "a,2\n") // b is older
	for order, want := range map[string][]string{"name": {"a|2", "b|1"}, "modification-time": {"b|1", "a|2"}} {
		tab := table(two, "d", "csv", "source.file-order", order)
		src := open(t, w.env(true), tab, scan(tab))
		e, _ := src.Enumerator(nil, func() {})
		if !e.Ordered() {
			t.Fatal("not ordered")
		}
		got, err := readAll(t, src, 1, 0)
		if err != nil || !slices.Equal(got, want) {
			t.Fatal(order, got, err)
		}
	}
}

func TestBadTables(t *testing.T) {
	w := newWorld()
	for _, tab := range []connect.Table{
		{Name: "t", Schema: two, Options: connect.Options{"format": "csv"}},
		{Name: "t", Schema: two, Options: connect.Options{"path": "x"}},
		table(two, "x", "nonsense"),
		table(two, "x", "csv", "csv.field-delimiter", "too long"),
		table(two, "x", "csv", "source.path.regex-pattern", "("),
	} {
		if _, err := New(w.env(true)).Source(tab, scan(tab)); err == nil {
			t.Errorf("%v was taken", tab.Options)
		}
	}
}

func TestOpenStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.csv"), []byte("a,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, "file://" + dir, "file:" + dir, "file://localhost" + dir} {
		tab := table(two, path, "csv")
		src, err := connect.Lookup("filesystem").Source(tab, scan(tab))
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAll(t, src, 1, 0)
		wantRows(t, got, err, "a|1")
	}
	for _, path := range []string{"nosuch://x/y", "file://other/x"} {
		if _, _, err := OpenStore(path); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
}

package filesystem

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	_ "github.com/millrace-io/millrace/format/parquet"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// counting counts the files that are opened and those that are open.
type counting struct {
	fsys.FS
	mu           sync.Mutex
	opened, open int
}

func (c *counting) Open(name string) (fsys.File, error) {
	f, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened++
	c.open++
	return countedFile{f, c}, nil
}

type countedFile struct {
	fsys.File
	c *counting
}

func (f countedFile) Close() error {
	f.c.mu.Lock()
	f.c.open--
	f.c.mu.Unlock()
	return f.File.Close()
}

// parquetFile has groups of ten rows, numbered from first.
func parquetFile(t *testing.T, first, groups int) string {
	t.Helper()
	var buf bytes.Buffer
	w, err := format.Lookup("parquet").Create(format.Spec{Schema: types.Schema{col("n", types.TInt)}, Options: connect.Options{"block.size": "1"}, Zone: "UTC"}, &buf)
	if err != nil {
		t.Fatal(err)
	}
	for g := range groups {
		b := vec.NewBuilder(types.TInt)
		for i := range 10 {
			b.Int(int64(first + 10*g + i))
		}
		if err := w.Write(&vec.Batch{Rows: 10, Cols: []vec.Vector{b.Finish()}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// Splits of one file are read from it as it was opened for the first of them.
func TestSplitsShareOpenFiles(t *testing.T) {
	for _, sync := range []bool{true, false} {
		for _, readers := range []int{1, 2} {
			w := newWorld()
			w.put(t, "d/a.parquet", parquetFile(t, 0, 30), "d/b.parquet", parquetFile(t, 300, 30))
			c := &counting{FS: w.fs}
			w.fs = c
			from := table(types.Schema{col("n", types.TInt)}, "d", "parquet", "source.split-size", "1")
			how := scan(from)
			how.Parallelism, how.Bounded = 2, true // for one, files are not cut
			src, err := newSource(w.env(sync), from, how)
			if err != nil {
				t.Fatal(err)
			}
			got, err := readAll(t, src, readers, 0)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := range 600 {
				want = append(want, fmt.Sprint(i))
			}
			slices.SortFunc(got, func(a, b string) int { return 2*(len(a)-len(b)) + map[bool]int{true: -1, false: 1}[a < b] })
			if !slices.Equal(got, want) {
				t.Errorf("%d rows: %v", len(got), got)
			}
			// the enumerator opens each to find its row groups, each reader two of each at a time
			if c.opened > 2+2*idleOpen*readers || c.opened < 4 {
				t.Errorf("sync %v, %d readers: 60 splits opened files %d times", sync, readers, c.opened)
			}
			if c.open != 0 {
				t.Errorf("sync %v, %d readers: %d files are left open", sync, readers, c.open)
			}
		}
	}
}

// A file that could not be read is not read from again, nor one that has changed.
func TestSparesAreThatFile(t *testing.T) {
	w := newWorld()
	w.put(t, "a.parquet", parquetFile(t, 0, 2))
	c := &counting{FS: w.fs}
	var s spares
	for n := range 4 {
		h, err := c.Open("a.parquet")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.keep(opened{file{Path: "a.parquet", Size: int64(n), Time: w.now}, h, closed{}}); err != nil {
			t.Fatal(err)
		}
	}
	if c.open != sparesMax {
		t.Errorf("%d files are kept", c.open)
	}
	if _, ok := s.take(file{Path: "a.parquet", Size: 3, Time: w.now.Add(1)}); ok {
		t.Error("a file that was written later is the same")
	}
	if _, ok := s.take(file{Path: "a.parquet", Size: 0, Time: w.now}); ok {
		t.Error("the file that was kept first is still there")
	}
	if o, ok := s.take(file{Path: "a.parquet", Size: 3, Time: w.now.UTC()}); !ok || o.file.Size != 3 {
		t.Error("the last one is not there")
	} else if err := o.close(); err != nil {
		t.Error(err)
	}
	if err := s.close(); err != nil || c.open != 0 {
		t.Error(err, c.open)
	}
}

// closed reads nothing.
type closed struct{ format.FileReader }

func (closed) Close() error { return nil }

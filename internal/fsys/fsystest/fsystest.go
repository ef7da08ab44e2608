// Package fsystest checks that a file store keeps the contract of fsys.FS.
package fsystest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-io/millrace/internal/fsys"
)

// Run checks the stores that open makes. dir is a folder of the store, without
// files, that the test may fill; other must be a second handle on the same
// store, as another process has it.
func Run(t *testing.T, open func(t *testing.T) (fs, other fsys.FS, dir string)) {
	for name, test := range map[string]func(*testing.T, fsys.FS, fsys.FS, string){
		"put":         testPut,
		"putIfAbsent": testPutIfAbsent,
		"list":        testList,
		"remove":      testRemove,
		"read":        testRead,
		"pending":     testPending,
		"discard":     testDiscard,
		"abort":       testAbort,
		"uncommitted": testUncommitted,
	} {
		t.Run(name, func(t *testing.T) {
			fs, other, dir := open(t)
			test(t, fs, other, dir)
		})
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, fs fsys.FS, name string) string {
	t.Helper()
	f, err := fs.Open(name)
	ok(t, err)
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	ok(t, err)
	return string(b)
}

func missing(t *testing.T, fs fsys.FS, name string) {
	t.Helper()
	if _, err := fs.Open(name); !errors.Is(err, fsys.ErrNotExist) {
		t.Fatalf("Open(%s) of what is not there: %v", name, err)
	}
	if _, err := fs.Stat(name); !errors.Is(err, fsys.ErrNotExist) {
		t.Fatalf("Stat(%s) of what is not there: %v", name, err)
	}
}

func testPut(t *testing.T, fs, other fsys.FS, dir string) {
	missing(t, fs, dir+"/a/b/x")
	ok(t, fs.Put(dir+"/a/b/x", []byte("one")))
	if got := read(t, other, dir+"/a/b/x"); got != "one" {
		t.Fatalf("got %q", got)
	}
	ok(t, fs.Put(dir+"/a/b/x", []byte("second")))
	if got := read(t, other, dir+"/a/b/x"); got != "second" {
		t.Fatalf("got %q", got)
	}
	in, err := other.Stat(dir + "/a/b/x")
	ok(t, err)
	if in.Size != 6 || in.Dir || in.Name != dir+"/a/b/x" || in.ModTime.IsZero() {
		t.Fatalf("%+v", in)
	}
	if in, err = other.Stat(dir + "/a"); err != nil || !in.Dir {
		t.Fatalf("%+v %v", in, err)
	}
	ok(t, fs.Put(dir+"/empty", nil))
	if got := read(t, fs, dir+"/empty"); got != "" {
		t.Fatalf("got %q", got)
	}
}

func testPutIfAbsent(t *testing.T, fs, other fsys.FS, dir string) {
	ok(t, fs.PutIfAbsent(dir+"/x", []byte("one")))
	if err := other.PutIfAbsent(dir+"/x", []byte("two")); !errors.Is(err, fsys.ErrExist) {
		t.Fatalf("taken: %v", err)
	}
	if got := read(t, fs, dir+"/x"); got != "one" {
		t.Fatalf("got %q", got)
	}
	// of many at once one wins
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if fs.PutIfAbsent(dir+"/race", fmt.Append(nil, i)) == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	if won != 1 {
		t.Fatalf("%d won", won)
	}
}

func names(in []fsys.Info, dir string) string {
	var out []string
	for _, i := range in {
		n := strings.TrimPrefix(i.Name, dir+"/")
		if i.Dir {
			n += "/"
		}
		out = append(out, n)
	}
	return strings.Join(out, " ")
}

func testList(t *testing.T, fs, other fsys.FS, dir string) {
	in, err := fs.List(dir + "/nowhere")
	ok(t, err)
	if len(in) != 0 {
		t.Fatal(in)
	}
	for _, n := range []string{"b", "a", "c/y", "c/x", ".hidden", "_SUCCESS"} {
		ok(t, fs.Put(dir+"/"+n, []byte(n)))
	}
	in, err = other.List(dir)
	ok(t, err)
	if got := names(in, dir); got != ".hidden _SUCCESS a b c/" {
		t.Fatal(got)
	}
	in, err = other.List(dir + "/c")
	ok(t, err)
	if got := names(in, dir); got != "c/x c/y" {
		t.Fatal(got)
	}
}

func testRemove(t *testing.T, fs, _ fsys.FS, dir string) {
	ok(t, fs.Remove(dir+"/nothing"))
	ok(t, fs.RemoveAll(dir+"/nothing"))
	for _, n := range []string{"a", "c/y", "c/d/x"} {
		ok(t, fs.Put(dir+"/"+n, []byte(n)))
	}
	ok(t, fs.Remove(dir+"/a"))
	missing(t, fs, dir+"/a")
	if fs.Remove(dir+"/c") == nil {
		t.Fatal("a folder with files was removed")
	}
	for range 2 {
		ok(t, fs.MkdirAll(dir+"/made/it"))
	}
	if in, err := fs.Stat(dir + "/made/it"); err != nil || !in.Dir {
		t.Fatal(in, err)
	}
	if in, err := fs.List(dir + "/made"); err != nil || names(in, dir) != "made/it/" {
		t.Fatal(in, err)
	}
	if fs.MkdirAll(dir+"/c/y") == nil {
		t.Fatal("a file was made a folder")
	}
	ok(t, fs.RemoveAll(dir+"/made"))
	missing(t, fs, dir+"/made/it")
	ok(t, fs.RemoveAll(dir+"/c"))
	missing(t, fs, dir+"/c/d/x")
	missing(t, fs, dir+"/c")
}

func testRead(t *testing.T, fs, _ fsys.FS, dir string) {
	ok(t, fs.Put(dir+"/x", []byte("0123456789")))
	f, err := fs.Open(dir + "/x")
	ok(t, err)
	defer f.Close()
	p := make([]byte, 4)
	for _, c := range []struct {
		off  int64
		want string
		eof  bool
	}{{0, "0123", false}, {6, "6789", false}, {8, "89", true}, {10, "", true}, {99, "", true}} {
		n, err := f.ReadAt(p, c.off)
		if string(p[:n]) != c.want || c.eof != errors.Is(err, io.EOF) && !(c.off == 6 && err == io.EOF) {
			t.Fatalf("at %d: %q %v", c.off, p[:n], err)
		}
	}
	// an open file stays as it was when the name gets another
	ok(t, fs.Put(dir+"/x", []byte("other")))
	n, err := f.ReadAt(p, 0)
	if string(p[:n]) != "0123" || err != nil {
		t.Fatalf("%q %v", p[:n], err)
	}
	if _, err := fs.Open(dir); err == nil {
		t.Fatal("a folder was opened")
	}
}

func write(t *testing.T, fs fsys.FS, name, text string) fsys.Pending {
	t.Helper()
	p, err := fs.Create(name)
	ok(t, err)
	for _, part := range strings.SplitAfter(text, ",") {
		n, err := p.Write([]byte(part))
		ok(t, err)
		if n != len(part) {
			t.Fatalf("%d of %d", n, len(part))
		}
	}
	return p
}

func testPending(t *testing.T, fs, other fsys.FS, dir string) {
	name := dir + "/part/x"
	p := write(t, fs, name, "one,two")
	missing(t, fs, name)
	token, err := p.Prepare()
	ok(t, err)
	missing(t, fs, name)
	if in, err := fs.List(dir + "/part"); err != nil || len(in) != 0 {
		t.Fatal("a pending file is listed", in, err)
	}
	if _, err := p.Write([]byte("x")); err == nil {
		t.Fatal("written after Prepare")
	}
	ok(t, p.Discard())
	ok(t, other.Commit(token))
	for range 2 { // and again
		if got := read(t, fs, name); got != "one,two" {
			t.Fatalf("got %q", got)
		}
		ok(t, fs.Commit(token))
	}
	if err := fs.Abort(token); err != nil {
		t.Fatal(err)
	}
	if got := read(t, fs, name); got != "one,two" {
		t.Fatalf("after Abort of what is committed: %q", got)
	}
	ok(t, fs.Remove(name))
	if err := fs.Commit(token); !errors.Is(err, fsys.ErrNotExist) {
		t.Fatalf("commit of a lost file: %v", err)
	}
	if fs.Commit("nonsense") == nil || fs.Abort("nonsense") == nil {
		t.Fatal("nonsense was a token")
	}
	// two under one name: the last commit stays
	a, err := write(t, fs, name, "a").Prepare()
	ok(t, err)
	b, err := write(t, fs, name, "b").Prepare()
	ok(t, err)
	ok(t, fs.Commit(b))
	ok(t, fs.Commit(a))
	if got := read(t, fs, name); got != "a" {
		t.Fatalf("got %q", got)
	}
	// a large one
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	p, err = fs.Create(dir + "/big")
	ok(t, err)
	for rest := big; len(rest) > 0; rest = rest[min(len(rest), 100_000):] {
		_, err := p.Write(rest[:min(len(rest), 100_000)])
		ok(t, err)
	}
	token, err = p.Prepare()
	ok(t, err)
	ok(t, fs.Commit(token))
	if read(t, other, dir+"/big") != string(big) {
		t.Fatal("a large file is not what was written")
	}
}

func testDiscard(t *testing.T, fs, other fsys.FS, dir string) {
	p := write(t, fs, dir+"/x", "one")
	ok(t, p.Discard())
	ok(t, p.Discard())
	none(t, other, dir)
	if _, err := p.Prepare(); err == nil {
		t.Fatal("prepared after Discard")
	}
	missing(t, fs, dir+"/x")
}

func none(t *testing.T, fs fsys.FS, dir string) {
	t.Helper()
	left, err := fs.Uncommitted(dir)
	ok(t, err)
	if len(left) != 0 {
		t.Fatal(left)
	}
}

func testAbort(t *testing.T, fs, other fsys.FS, dir string) {
	token, err := write(t, fs, dir+"/x", "one").Prepare()
	ok(t, err)
	for range 2 {
		ok(t, other.Abort(token))
		none(t, fs, dir)
	}
	if err := fs.Commit(token); !errors.Is(err, fsys.ErrNotExist) {
		t.Fatalf("commit after Abort: %v", err)
	}
}

func testUncommitted(t *testing.T, fs, other fsys.FS, dir string) {
	none(t, fs, dir)
	open := write(t, fs, dir+"/k=1/open.csv", "one")
	done, err := write(t, fs, dir+"/k=2/prepared.csv", "two").Prepare()
	ok(t, err)
	gone, err := write(t, fs, dir+"/gone.csv", "three").Prepare()
	ok(t, err)
	ok(t, fs.Commit(gone))
	left, err := other.Uncommitted(dir)
	ok(t, err)
	got := []string{}
	for _, u := range left {
		got = append(got, strings.TrimPrefix(u.Name, dir+"/"))
	}
	if !slices.Equal(got, []string{"k=1/open.csv", "k=2/prepared.csv"}) {
		t.Fatal(got)
	}
	if in, err := other.Uncommitted(dir + "/k=2"); err != nil || len(in) != 1 {
		t.Fatal(in, err)
	}
	none(t, other, dir+"/k")
	ok(t, other.Commit(left[1].Token)) // as good as done
	ok(t, fs.Commit(done))
	if read(t, fs, dir+"/k=2/prepared.csv") != "two" {
		t.Fatal("not what was written")
	}
	ok(t, other.Abort(left[0].Token))
	none(t, fs, dir)
	_ = open.Discard() // its file is gone: an error or none, but no harm
	missing(t, fs, dir+"/k=1/open.csv")
}

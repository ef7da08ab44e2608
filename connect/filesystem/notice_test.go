package filesystem

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/fsys"
)

// A telling store tells what comes into a folder when the test says so.
type telling struct {
	fsys.FS
	note    func(name string, whole bool)
	lists   int
	stopped bool
}

func (s *telling) List(dir string) ([]fsys.Info, error) {
	s.lists++
	return s.FS.List(dir)
}

func (s *telling) Watch(_ string, note func(string, bool)) (func(), error) {
	s.note = note
	return func() { s.stopped = true }, nil
}

// TestNoticed shows that files are read by name where the store tells of them, and that
// the folder is listed as soon as something has come that is told by no name.
func TestNoticed(t *testing.T) {
	w := newWorld()
	w.put(t, "d/a.csv", "a,1\n")
	s := &telling{FS: w.fs}
	w.fs = s
	env := w.env(false)
	env.After = func(time.Duration, func()) func() { return func() {} }
	tab := table(two, "d", "csv", "source.monitor-interval", "10 s", "source.path.regex-pattern", ".*csv")
	woken := make(chan bool, 100)
	e, err := open(t, env, tab, scan(tab)).Enumerator(nil, func() { woken <- true })
	if err != nil {
		t.Fatal(err)
	}
	expect := func(lists int, names ...string) {
		t.Helper()
		var got []string
		for len(got) < len(names) {
			splits, _, err := e.Assign(0)
			if err != nil {
				t.Fatal(err)
			}
			for _, sp := range splits {
				got = append(got, sp.ID)
			}
			if len(splits) == 0 {
				<-woken
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(names) || s.lists != lists {
			t.Fatalf("%v after %d listings, want %v after %d", got, s.lists, names, lists)
		}
	}
	come := func(name string, whole bool) {
		if name != "" && !strings.HasSuffix(name, "gone.csv") {
			w.put(t, name, "x,1\n")
		}
		s.note(name, whole)
	}
	expect(1, "d/a.csv")
	come("d/b.csv", true)
	expect(1, "d/b.csv")
	come("d/gone.csv", true)
	come("d/other.txt", true)
	come("d/.hidden.csv", false)
	come("d/c.csv", true)
	expect(1, "d/c.csv")
	come("d/b.csv", true)
	come("d/d.csv", false) // is being written, or a link
	come("d/e.csv", true)
	expect(2, "d/d.csv", "d/e.csv")
	come("", false)
	come("d/f.csv", true)
	expect(3, "d/f.csv")
	w.put(t, "d/g.csv", "x,1\n")
	come("d/h.csv", true)
	expect(3, "d/h.csv")
	w.now = w.now.Add(10 * time.Second)
	expect(4, "d/g.csv")
	w.put(t, "d/k=1/i.csv", "x,1\n")
	w.now = w.now.Add(10 * time.Second)
	expect(6, "d/k=1/i.csv")
	come("d/j.csv", true)
	expect(8, "d/j.csv")
	if err := e.Close(); err != nil || !s.stopped {
		t.Error(err, s.stopped)
	}
}

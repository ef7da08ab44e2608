package filesystem

import (
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/fsys"
)

// A racing store misses, in one listing, a file that arrives while it is read.
type racing struct {
	fsys.FS
	miss    string
	arrives func() // after the listing
}

func (r *racing) List(dir string) ([]fsys.Info, error) {
	list, err := r.FS.List(dir)
	if r.miss == "" {
		return list, err
	}
	var out []fsys.Info
	for _, i := range list {
		if !strings.HasSuffix(i.Name, r.miss) {
			out = append(out, i)
		}
	}
	r.miss = ""
	r.arrives()
	return out, err
}

// TestListingRace shows that of files that arrive in their order, while the folder is
// listed, none is read before the one it came behind.
func TestListingRace(t *testing.T) {
	for _, order := range []string{"name", "modification-time"} {
		w := newWorld()
		w.put(t, "d/a.csv", "a,1\n", "d/b.csv", "b,2\n", "d/c.csv", "c,3\n")
		w.fs = &racing{FS: w.fs, miss: "b.csv", arrives: func() { w.put(t, "d/d.csv", "d,4\n") }}
		tab := table(two, "d", "csv", "source.monitor-interval", "10 s", "source.file-order", order)
		src := open(t, w.env(true), tab, scan(tab))
		e, err := src.Enumerator(nil, func() {})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range 6 {
			splits, _, err := e.Assign(0)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range splits {
				got = append(got, s.ID)
			}
		}
		if s := strings.Join(got, " "); s != "d/a.csv d/b.csv d/c.csv" {
			t.Errorf("by %s: %s", order, s)
		}
	}
}

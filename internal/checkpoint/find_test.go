package checkpoint_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/fsys/mem"
)

// TestFind looks for checkpoints by what a user may name.
func TestFind(t *testing.T) {
	fs := mem.New(nil)
	job := func(dir string, epochs ...base.Epoch) folder {
		f := folder{&checkpoint.Storage{FS: fs, Dir: dir}, t}
		for _, e := range epochs {
			f.save(e, checkpoint.Manifest{}, fmt.Sprint(dir[strings.LastIndex(dir, "/")+1:], e))
		}
		return f
	}
	job("two/a", 1, 2)
	job("two/b", 7)
	job("one/a", 3)
	job("torn/a", 1, 2).tear("chk-00000002.json")
	if err := fs.MkdirAll("empty/a"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, job, want string }{
		{"two/a", "", "two/a/chk-00000002.json"},
		{"two/a/", "b", "two/a/chk-00000002.json"},
		{"file://two/a", "", "two/a/chk-00000002.json"},
		{"two/a/chk-00000001.json", "", "two/a/chk-00000001.json"},
		{"two", "b", "two/b/chk-00000007.json"},
		{"one", "", "one/a/chk-00000003.json"},
		{"torn", "", "torn/a/chk-00000001.json"},
		{"two", "", "two has the checkpoints of several jobs, a, b: name the folder of one"},
		{"one", "c", "one has no checkpoints of job c: it has those of a"},
		{"empty", "", "there is no checkpoint in empty: one is a file chk-N.json in a job's folder, or the folder of a savepoint"},
		{"none", "", "there is no checkpoint: none does not exist"},
		{"two/a/chk-00000009.json", "", "open two/a/chk-00000009.json: file does not exist"},
		{"torn/a/chk-00000002.json", "", "corrupt state file: torn/a/chk-00000002.json is cut short"},
	} {
		got := ""
		f, err := checkpoint.Find(fs, c.path, c.job, func(string) {})
		if err != nil {
			got = err.Error()
		} else if got = f.Path; f.Manifest == nil {
			t.Errorf("%s: no manifest", c.path)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("Find(%q, job %q) = %s\nwant %s", c.path, c.job, got, c.want)
		}
	}
}

package mem

import (
	"testing"

	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/fsystest"
)

func TestContract(t *testing.T) {
	fsystest.Run(t, func(t *testing.T) (fsys.FS, fsys.FS, string) {
		f := New(nil)
		return f, f, "some/table"
	})
}

func TestCrashKeepsWhatIsPrepared(t *testing.T) {
	f := New(nil)
	for i, name := range []string{"a", "b"} {
		p, err := f.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, err := p.Prepare(); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.Crash()
	left, err := f.Uncommitted("")
	if err != nil || len(left) != 1 || left[0].Name != "a" {
		t.Fatal(left, err)
	}
}

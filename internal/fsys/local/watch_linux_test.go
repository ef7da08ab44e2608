package local

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWatch shows that files are told in the order in which they come, which of them
// are whole, and that nothing is told after stop.
func TestWatch(t *testing.T) {
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, "d", name) }
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(os.Mkdir(filepath.Join(root, "d"), 0o755))
	noted := make(chan string, 100)
	stop, err := New(root).Watch("d", func(name string, whole bool) { noted <- fmt.Sprint(name, " ", whole) })
	do(err)
	want := func(lines ...string) {
		t.Helper()
		for _, line := range lines {
			select {
			case got := <-noted:
				if got != line {
					t.Fatalf("%s, want %s", got, line)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("nothing, want %s", line)
			}
		}
	}
	do(os.WriteFile(at(".b"), nil, 0o644))
	do(os.Rename(at(".b"), at("b")))
	want("d/.b false", "d/.b true", "d/b true")
	do(os.Link(at("b"), at("a")))
	do(os.Mkdir(at("sub"), 0o755))
	want("d/a false", "d/sub false")
	do(os.RemoveAll(at("")))
	want(" false")
	stop()
	do(os.Mkdir(at(""), 0o755))
	do(os.WriteFile(at("c"), nil, 0o644))
	if len(noted) != 0 {
		t.Error(<-noted)
	}
	if _, err := New(root).Watch("none", nil); err == nil {
		t.Error("a folder that is not there is watched")
	}
}

package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestWatchedFolder kills a job that never ends by itself, which watches a folder into
// which files come while it runs and while it does not.
func TestWatchedFolder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(*seed, 17))
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &scenario{name: "watched", sinks: []string{"copy"}, script: `
CREATE TABLE t (id BIGINT, s STRING) WITH ('connector'='filesystem', 'path'='` + in + `', 'format'='csv', 'source.monitor-interval'='20 ms', 'source.split-size'='20 kb');
CREATE TABLE o (id BIGINT, s STRING) WITH ('connector'='filesystem', 'path'='OUT/copy', 'format'='csv');
INSERT INTO o SELECT id, s FROM t WHERE MOD(id, 7) <> 0;
`, moments: []moment{early, between, uncommited}}
	var want []string
	files, id := 0, 0
	add := func() {
		var b strings.Builder
		for range 200 + rnd.IntN(5000) {
			id++
			fmt.Fprintf(&b, "%d,text%d\n", id, id)
			if id%7 != 0 {
				want = append(want, fmt.Sprintf("%d,text%d", id, id))
			}
		}
		tmp := filepath.Join(dir, "tmp")
		if err := os.WriteFile(tmp, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(in, fmt.Sprintf("f%d.csv", files))); err != nil {
			t.Fatal(err)
		}
		files++
	}
	r := newRound(t, s, rnd)
	add()
	least := 6
	if *long {
		least = 60
	} else if testing.Short() {
		least = 2
	}
	for r.kills < least {
		p := r.resume()
		for range rnd.IntN(3) {
			add()
		}
		r.aim(p)
		p.strike(syscall.SIGKILL)
		add()
	}
	slices.Sort(want)
	p := r.resume()
	p.until(func() bool {
		time.Sleep(10 * time.Millisecond)
		return len(r.rows()["copy"]) >= len(want)
	})
	if p.strike(syscall.SIGINT) {
		t.Fatal("the process did not listen to SIGINT")
	}
	r.whole(p)
	if got := r.rows()["copy"]; !slices.Equal(got, want) {
		r.fatalf("%d rows, should be %d: lost %.200q, too many %.200q", len(got), len(want), difference(want, got), difference(got, want))
	}
	t.Logf("%d kills, %d files, %d rows", r.kills, files, len(want))
	r.clean()
}

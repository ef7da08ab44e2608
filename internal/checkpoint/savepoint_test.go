package checkpoint_test

import (
	"errors"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/fault"
	"github.com/millrace-io/millrace/internal/fsys/mem"
	"github.com/millrace-io/millrace/internal/state"
)

func (f folder) load(e base.Epoch) *checkpoint.Manifest {
	f.t.Helper()
	m, err := f.Load(e)
	if err != nil {
		f.t.Fatal(err)
	}
	return m
}

// TestSavepoint shows that a savepoint has all that its checkpoint names, and is there
// when the job's folder is gone.
func TestSavepoint(t *testing.T) {
	f := newFolder(t)
	f.save(3, checkpoint.Manifest{Run: "r", Plan: f.putPlan("a")}, "a", "b")
	dir, err := f.Savepoint(f.load(3), "sp", "x1")
	if err != nil || dir != "sp/savepoint-job-x1" {
		t.Fatal(dir, err)
	}
	if err := f.FS.RemoveAll(f.Dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, dir + "/", dir + "/savepoint.json", "file://" + dir} {
		found, err := checkpoint.Find(f.FS, name, "", func(string) {})
		if err != nil || found.Manifest.Run != "r" || !found.IsSavepoint() {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
	found, err := checkpoint.Find(f.FS, dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if g, err := found.Plan(found.Manifest); err != nil || g.Vertices[0].Name != "a" {
		t.Error(g, err)
	}
	if _, err := f.Savepoint(found.Manifest, "sp", "x1"); err == nil {
		t.Error("a savepoint is written over")
	}
	if err := f.FS.Put(dir+"/shared/b", []byte("B")); err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Find(f.FS, dir, "", nil); !errors.Is(err, state.ErrCorrupt) || !strings.Contains(err.Error(), dir+"/shared/b") {
		t.Errorf("altered: %v", err)
	}
}

// TestSavepointOntoAFullDisk shows that half a savepoint does not stay.
func TestSavepointOntoAFullDisk(t *testing.T) {
	disk := mem.New(nil)
	f := folder{&checkpoint.Storage{FS: disk, Dir: "ck/job"}, t}
	f.save(1, checkpoint.Manifest{}, "a", "b")
	puts := 0
	full := fault.New(disk, func(op fault.Op) fault.Fault {
		if op.Kind == "Put" {
			if puts++; puts == 2 {
				return fault.Full
			}
		}
		return fault.None
	})
	s := &checkpoint.Storage{FS: full, Dir: f.Dir}
	if _, err := s.Savepoint(f.load(1), "sp", "x"); !errors.Is(err, fsys.ErrFull) {
		t.Fatal(err)
	}
	if left, err := disk.List("sp/savepoint-job-x"); len(left) > 0 || err != nil {
		t.Error(left, err)
	}
}

// TestPin shows that what is being copied is not deleted meanwhile.
func TestPin(t *testing.T) {
	f := newFolder(t)
	f.save(1, checkpoint.Manifest{}, "a")
	unpin := f.Pin(f.load(1))
	for e := base.Epoch(2); e < 5; e++ {
		f.save(e, checkpoint.Manifest{}, "b")
	}
	f.Forget()
	there := func() bool {
		t.Helper()
		if err := f.Retain(2); err != nil {
			t.Fatal(err)
		}
		list, err := f.FS.List(path.Join(f.Dir, "shared"))
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(list, func(i fsys.Info) bool { return path.Base(i.Name) == "a" })
	}
	if !there() {
		t.Error("a pinned file is deleted")
	}
	if unpin(); there() {
		t.Error("it stays for ever")
	}
}

// TestDiscard shows what goes with a savepoint or a checkpoint that a job has claimed.
func TestDiscard(t *testing.T) {
	f := newFolder(t)
	f.save(1, checkpoint.Manifest{}, "a", "b")
	f.save(2, checkpoint.Manifest{}, "b", "c")
	f.Forget()
	discard := func(name string) {
		t.Helper()
		found, err := checkpoint.Find(f.FS, name, "", nil)
		if err == nil {
			err = found.Discard()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sp, err := f.Savepoint(f.load(1), "sp", "x")
	if err != nil {
		t.Fatal(err)
	}
	discard(sp)
	if left, _ := f.FS.List("sp/savepoint-job-x"); len(left) > 0 {
		t.Error(left)
	}
	discard(f.Path(2))
	shared, _ := f.FS.List(path.Join(f.Dir, "shared"))
	if len(shared) != 2 || path.Base(shared[0].Name) != "a" || path.Base(shared[1].Name) != "b" {
		t.Error(shared)
	}
	discard(f.Path(1))
	if left := f.files(); len(left) > 0 {
		t.Error(left)
	}
}

// A savepoint may be of an epoch that has come again since, in another way: a job that
// goes back to it does not start from that.
func TestBeginReplacesAnotherManifestOfTheEpoch(t *testing.T) {
	s := &checkpoint.Storage{FS: mem.New(nil), Dir: "job"}
	first := &checkpoint.Manifest{Run: "r", Epoch: 1, Sources: map[string]checkpoint.Source{"s": {Enumerator: []byte("here")}}}
	again := &checkpoint.Manifest{Run: "r", Epoch: 1, Sources: map[string]checkpoint.Source{"s": {Enumerator: []byte("there")}}, Prepared: map[string][][]byte{"o": {[]byte("x")}}, Ended: true}
	if err := s.Save(again); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*checkpoint.Manifest{first, {Run: "r", Epoch: 1}} { // the second has less of the same
		if err := s.Begin(m); err != nil {
			t.Fatal(err)
		}
		now, err := s.Load(1)
		if err != nil || now.Ended || string(now.Sources["s"].Enumerator) != "here" {
			t.Errorf("the newest is %+v, %v", now, err)
		}
	}
}

package checkpoint_test

import (
	"errors"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/fault"
	"github.com/millrace-io/millrace/internal/fsys/mem"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/state/statetest"
)

// a folder that a test fills.
type folder struct {
	*checkpoint.Storage
	t *testing.T
}

func newFolder(t *testing.T) folder {
	return folder{&checkpoint.Storage{FS: mem.New(nil), Dir: "ck/job"}, t}
}

// save writes a checkpoint with the state files named, each of which holds its name.
func (f folder) save(e base.Epoch, m checkpoint.Manifest, files ...string) {
	f.t.Helper()
	m.Job, m.Epoch = "job", e
	var h state.Handle
	for _, name := range files {
		data := stateFile(f.t, name)
		if err := f.Put(name, data); err != nil {
			f.t.Fatal(err)
		}
		h.Files = append(h.Files, state.File{Name: name, Bytes: int64(len(data)), Sum: xxh3.Hash(data)})
	}
	m.Operators = map[string][]state.Handle{"op": {h}}
	if err := f.Save(&m); err != nil {
		f.t.Fatal(err)
	}
}

// stateFile is a state file with a name in it.
func stateFile(t *testing.T, name string) []byte {
	t.Helper()
	files := &checkpoint.Storage{FS: mem.New(nil), Dir: "files"}
	s, err := lsm.Backend{}.Open("", base.Range{Hi: 1}, nil, files)
	if err == nil {
		err = s.Table("t").Put([]byte("\x00\x00"+name), []byte(name))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h := statetest.Snapshot(t, s, 1)
	data, err := files.Get(h.Files[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (f folder) tear(name string) {
	f.t.Helper()
	if err := f.FS.Put(path.Join(f.Dir, name), []byte("torn")); err != nil {
		f.t.Fatal(err)
	}
}

// latest returns the epoch that a restore starts from, and what was said about others.
func (f folder) latest() (epoch base.Epoch, said string, err error) {
	f.t.Helper()
	var lines []string
	m, err := f.Latest(func(l string) { lines = append(lines, l) })
	if m != nil {
		epoch = m.Epoch
	}
	return epoch, strings.Join(lines, "\n"), err
}

func TestManifestRoundTrip(t *testing.T) {
	f := newFolder(t)
	f.save(3, checkpoint.Manifest{Run: "r", Groups: 128, Hash: 2, Ended: true,
		Sources: map[string]checkpoint.Source{"src": {Enumerator: []byte("e"), Splits: []connect.Split{{ID: "s", Pos: []byte{0, 255}}}, Marks: map[string]int64{"s": -5}}},
		Marks:   map[string]int64{"op": 1 << 60}, Prepared: map[string][][]byte{"sink": {[]byte("a"), {0}}}}, "f1")
	m, err := f.Load(3)
	if err != nil {
		t.Fatal(err)
	}
	if m.Version != checkpoint.Version || m.Run != "r" || m.Groups != 128 || !m.Ended || m.Finished || m.Marks["op"] != 1<<60 ||
		string(m.Sources["src"].Splits[0].Pos) != "\x00\xff" || m.Sources["src"].Marks["s"] != -5 || string(m.Prepared["sink"][1]) != "\x00" || m.Operators["op"][0].Files[0].Name != "f1" {
		t.Errorf("%+v", m)
	}
}

// TestLatest shows which checkpoint a restore starts from when the newer ones are
// damaged.
func TestLatest(t *testing.T) {
	f := newFolder(t)
	if e, _, err := f.latest(); e != 0 || err != nil {
		t.Errorf("nothing there: %d, %v", e, err)
	}
	f.save(1, checkpoint.Manifest{}, "a")
	f.save(2, checkpoint.Manifest{}, "a", "b")
	f.save(3, checkpoint.Manifest{}, "a", "b", "c")
	if e, said, err := f.latest(); e != 3 || said != "" || err != nil {
		t.Errorf("all whole: %d, %q, %v", e, said, err)
	}
	f.tear("shared/c")
	if e, said, err := f.latest(); e != 2 || !strings.Contains(said, "checkpoint 3 of ck/job cannot be used: ") || err != nil {
		t.Errorf("a state file torn: %d, %q, %v", e, said, err)
	}
	f.tear("chk-00000002.json")
	if e, said, err := f.latest(); e != 1 || strings.Count(said, "cannot be used") != 2 || err != nil {
		t.Errorf("a manifest torn: %d, %q, %v", e, said, err)
	}
	if err := f.FS.Remove("ck/job/shared/a"); err != nil {
		t.Fatal(err)
	}
	if e, _, err := f.latest(); e != 0 || err == nil || !strings.Contains(err.Error(), "no checkpoint in ck/job can be used") {
		t.Errorf("none whole: %d, %v", e, err)
	}
}

// TestLatestOfAnEarlierRun shows that the end of an earlier run is no substitute for
// a damaged checkpoint of this one.
func TestLatestOfAnEarlierRun(t *testing.T) {
	f := newFolder(t)
	f.save(1, checkpoint.Manifest{Finished: true})
	f.save(2, checkpoint.Manifest{})
	f.tear("chk-00000002.json")
	if e, _, err := f.latest(); err == nil {
		t.Errorf("starts from %d", e)
	}
}

// TestBegin shows that a job that goes back to an older checkpoint drops the newer
// ones and what was half written.
func TestBegin(t *testing.T) {
	f := newFolder(t)
	for e := range base.Epoch(3) {
		f.save(e+1, checkpoint.Manifest{})
	}
	half, err := f.FS.Create("ck/job/chk-00000004.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := half.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	m, err := f.Load(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Begin(m); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Epochs(); err != nil || !slices.Equal(got, []base.Epoch{1}) {
		t.Errorf("%v, %v", got, err)
	}
	if left, err := f.FS.Uncommitted("ck/job"); err != nil || len(left) > 0 {
		t.Errorf("half written: %v, %v", left, err)
	}
	if next, err := f.Next(); next != 2 || err != nil {
		t.Errorf("next is %d, %v", next, err)
	}
	if err := f.Begin(&checkpoint.Manifest{Job: "job", Epoch: 2}); err != nil {
		t.Fatal(err)
	}
	if e, _, err := f.latest(); e != 2 || err != nil {
		t.Errorf("begun at %d, %v", e, err)
	}
}

// TestRetain shows what is kept: the newest manifests, the files that they name, and
// those that a checkpoint under way has written.
func TestRetain(t *testing.T) {
	f := newFolder(t)
	f.save(1, checkpoint.Manifest{}, "a", "b")
	f.save(2, checkpoint.Manifest{}, "b")
	f.save(3, checkpoint.Manifest{}, "b", "c")
	f.save(4, checkpoint.Manifest{}, "d")
	for _, name := range []string{"stray", "writing"} {
		f.Forget() // of tasks that are gone
		if err := f.Put(name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	keep := func() (out []string) {
		list, err := f.FS.List("ck/job/shared")
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list {
			out = append(out, path.Base(i.Name))
		}
		return out
	}
	if err := f.Retain(1); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.Epochs(); !slices.Equal(got, []base.Epoch{3, 4}) {
		t.Errorf("epochs %v: two at least are kept", got)
	}
	if got := keep(); !slices.Equal(got, []string{"b", "c", "d", "writing"}) {
		t.Errorf("files %v", got)
	}
	f.tear("chk-00000004.json")
	f.Forget()
	if err := f.Retain(2); err != nil {
		t.Fatal(err)
	}
	if got := keep(); len(got) != 4 {
		t.Errorf("files %v: a manifest that cannot be read may name any", got)
	}
}

// TestAdopt shows that a job that starts from another's checkpoint has its files.
func TestAdopt(t *testing.T) {
	f := newFolder(t)
	f.save(1, checkpoint.Manifest{}, "a")
	to := &checkpoint.Storage{FS: f.FS, Dir: "ck/other"}
	m, err := f.Load(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Verify(t.Context(), m); err == nil {
		t.Error("the file is there already")
	}
	if err := f.Adopt(m, to); err != nil {
		t.Fatal(err)
	}
	if err := to.Verify(t.Context(), m); err != nil {
		t.Error(err)
	}
}

// To copy a state file again that is there already, and to fail, leaves the one that is
// there: a checkpoint names it.
func TestPutThatFails(t *testing.T) {
	full := false
	st := &checkpoint.Storage{Dir: "job", FS: fault.New(mem.New(nil), func(op fault.Op) fault.Fault {
		if full && op.Kind == "Put" {
			return fault.Full
		}
		return fault.None
	})}
	if err := st.Put("a", []byte("state")); err != nil {
		t.Fatal(err)
	}
	full = true
	if err := st.Put("a", []byte("state")); !errors.Is(err, fsys.ErrFull) {
		t.Fatalf("a full disk: %v", err)
	}
	if got, err := st.Get("a"); err != nil || string(got) != "state" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestEpochOf(t *testing.T) {
	for name, want := range map[string]base.Epoch{"a/chk-00000012.json": 12, "chk-1.json": 1, "chk-1.jsonx": 0, "owner-1.json": 0, "chk-.json": 0} {
		if got, ok := checkpoint.EpochOf(name); ok != (want > 0) || ok && got != want {
			t.Errorf("%s: %d, %t", name, got, ok)
		}
	}
}

// A manifest of a version to come, or with a byte changed, is refused.
func TestRefused(t *testing.T) {
	f := newFolder(t)
	f.save(1, checkpoint.Manifest{})
	name := "ck/job/chk-00000001.json"
	h, err := f.FS.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, h.Size())
	if _, err := h.ReadAt(data, 0); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		bad := slices.Clone(data)
		bad[i] ^= 1
		if err := f.FS.Put(name, bad); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Load(1); err == nil {
			t.Fatalf("byte %d changed and not seen", i)
		}
	}
	body := []byte(`{"Version": 99}`)
	if err := f.FS.Put(name, append(body, []byte("\n"+sum(body)+"\n")...)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(1); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Error(err)
	}
}

func sum(b []byte) string {
	const hex = "0123456789abcdef"
	h := xxh3.Hash(b)
	out := make([]byte, 16)
	for i := range out {
		out[15-i] = hex[h>>(4*i)&15]
	}
	return string(out)
}

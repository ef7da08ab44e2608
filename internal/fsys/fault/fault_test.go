package fault

import (
	"errors"
	"testing"

	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/fsystest"
	"github.com/millrace-io/millrace/internal/fsys/mem"
)

func TestContractWithoutFaults(t *testing.T) {
	fsystest.Run(t, func(t *testing.T) (fsys.FS, fsys.FS, string) {
		f := New(mem.New(nil), func(Op) Fault { return None })
		return f, f, "d"
	})
}

func read(f fsys.FS, name string) (string, error) {
	h, err := f.Open(name)
	if err != nil {
		return "", err
	}
	b := make([]byte, h.Size())
	n, err := h.ReadAt(b, 0)
	return string(b[:n]), err
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault Fault
		want  string // what is under the name afterwards
		is    error
	}{
		{Fail, "", ErrInjected}, {After, "data", ErrInjected}, {Full, "", fsys.ErrFull}, {Crash, "", ErrCrashed}, {Lost, "", ErrCrashed},
	} {
		under := mem.New(nil)
		f := New(under, At(0, c.fault))
		err := f.Put("x", []byte("data"))
		got, _ := read(under, "x")
		if !errors.Is(err, c.is) || got != c.want {
			t.Errorf("fault %d: %v, %q", c.fault, err, got)
		}
		_, err = f.List("")
		if crashed := c.is == ErrCrashed; crashed != errors.Is(err, ErrCrashed) {
			t.Errorf("fault %d: afterwards %v", c.fault, err)
		}
		f.Restart()
		if _, err := f.List(""); err != nil {
			t.Errorf("fault %d: after the restart %v", c.fault, err)
		}
	}
}

func TestShortWriteAndRead(t *testing.T) {
	under := mem.New(nil)
	f := New(under, At(1, Short))
	p, err := f.Create("x")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := p.Write([]byte("0123")); n != 2 || !errors.Is(err, ErrInjected) {
		t.Fatal(n, err)
	}
	token, err := p.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(token); err != nil {
		t.Fatal(err)
	}
	f.decide = At(f.Ops()+1, Short)
	if got, err := read(f, "x"); got != "0" || !errors.Is(err, ErrInjected) {
		t.Fatal(got, err)
	}
}

func TestLostDropsOnlyWhatIsNotPrepared(t *testing.T) {
	under := mem.New(nil)
	f := New(under, func(op Op) Fault {
		if op.Kind == "Stat" {
			return Lost
		}
		return None
	})
	for _, name := range []string{"open", "prepared"} {
		p, err := f.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "prepared" {
			if _, err := p.Prepare(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, _ = f.Stat("x")
	left, err := under.Uncommitted("")
	if err != nil || len(left) != 1 || left[0].Name != "prepared" {
		t.Fatal(left, err)
	}
}

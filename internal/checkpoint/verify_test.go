package checkpoint_test

import (
	"context"
	"errors"
	"path"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/state"
)

// flip alters a byte of a state file.
func (f folder) flip(name string, at int) {
	f.t.Helper()
	data, err := f.Get(name)
	if err != nil {
		f.t.Fatal(err)
	}
	data[(at+len(data))%len(data)] ^= 1
	if err := f.FS.Put(path.Join(f.Dir, "shared", name), data); err != nil {
		f.t.Fatal(err)
	}
}

// TestNewest shows what is seen of a damaged file without reading all of it, and that
// the rest is seen when all is read.
func TestNewest(t *testing.T) {
	const header, trailer = 3, -3
	for _, c := range []struct {
		name string
		at   int
		seen bool
	}{{"header", header, true}, {"trailer", trailer, true}, {"contents", 30, false}} {
		f := newFolder(t)
		f.save(1, checkpoint.Manifest{}, "a")
		f.save(2, checkpoint.Manifest{}, "a", "b")
		f.flip("b", c.at)
		want := base.Epoch(2)
		if c.seen {
			want = 1
		}
		if m, err := f.Newest(func(string) {}); err != nil || m.Epoch != want {
			t.Errorf("%s: at a glance %v, %v", c.name, m, err)
		}
		if m, err := f.Latest(func(string) {}); err != nil || m.Epoch != 1 {
			t.Errorf("%s: %v, %v", c.name, m, err)
		}
		if err := f.Verify(t.Context(), f.load(2)); !errors.Is(err, state.ErrCorrupt) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestVerifyEnds(t *testing.T) {
	f := newFolder(t)
	f.save(1, checkpoint.Manifest{}, "a")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := f.Verify(ctx, f.load(1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestKeep shows that the checkpoints before one that is not read to its end stay.
func TestKeep(t *testing.T) {
	f := newFolder(t)
	for e := base.Epoch(1); e <= 6; e++ {
		f.save(e, checkpoint.Manifest{}, "a")
	}
	epochs := func() []base.Epoch {
		t.Helper()
		if err := f.Retain(2); err != nil {
			t.Fatal(err)
		}
		out, err := f.Epochs()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	f.Keep(3)
	if got := epochs(); !slices.Equal(got, []base.Epoch{1, 2, 3, 5, 6}) {
		t.Error(got)
	}
	f.Keep(0)
	if got := epochs(); !slices.Equal(got, []base.Epoch{5, 6}) {
		t.Error(got)
	}
}

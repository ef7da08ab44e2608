package fsys_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/fsystest"
	"github.com/millrace-io/millrace/internal/fsys/mem"
)

func TestMeter(t *testing.T) {
	var n atomic.Int64
	fsystest.Run(t, func(*testing.T) (fs, other fsys.FS, dir string) {
		m := fsys.Meter{FS: mem.New(time.Now), Written: &n}
		return m, m, "dir"
	})
	n.Store(0)
	m := fsys.Meter{FS: mem.New(time.Now), Written: &n}
	p, err := m.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("three")); err != nil {
		t.Fatal(err)
	}
	if err := m.Put("b", []byte("four")); err != nil {
		t.Fatal(err)
	}
	if err := m.PutIfAbsent("c", []byte("eleven")); err != nil {
		t.Fatal(err)
	}
	if n.Load() != 15 {
		t.Errorf("%d bytes of 15", n.Load())
	}
}

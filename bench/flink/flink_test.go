package flink

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"
)

func TestProc(t *testing.T) {
	pid := os.Getpid()
	if _, err := CPUSeconds(pid); err != nil {
		t.Error(err)
	}
	before, err := PeakBytes(pid)
	if err != nil || before < 1<<20 {
		t.Fatalf("peak %d, error %v", before, err)
	}
	if err := ResetPeak(pid); err != nil {
		t.Error(err)
	}
	if _, err := CPUSeconds(1 << 30); err == nil {
		t.Error("a process that is not there has a CPU time")
	}
}

// Scripts can be run, and only what lies in the wanted folders is extracted.
func TestUnpack(t *testing.T) {
	dir := t.TempDir()
	wheel := filepath.Join(dir, "x.whl")
	f, err := os.Create(wheel)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, name := range []string{"pyflink/bin/a.sh", "pyflink/lib/a.jar", "pyflink/table.py", "pyflink/bin/../../../evil"} {
		if w, err := z.Create(name); err != nil {
			t.Fatal(err)
		} else if _, err := w.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	home := filepath.Join(dir, "home")
	if err := unpack(wheel, home, []string{"bin"}); err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(home, "*", "*"))
	if len(found) != 1 || filepath.Base(found[0]) != "a.sh" {
		t.Fatalf("extracted %v", found)
	}
	if s, _ := os.Stat(found[0]); s.Mode()&0o111 == 0 {
		t.Error("script cannot be run")
	}
}

// The newest checkpoint is that of the largest number which is whole.
func TestNewestCheckpoint(t *testing.T) {
	c := &Cluster{dir: t.TempDir()}
	if _, err := c.NewestCheckpoint("j"); err == nil {
		t.Error("a job without checkpoints has one")
	}
	for name, whole := range map[string]bool{"chk-9": true, "chk-10": true, "chk-11": false, "shared": true} {
		dir := filepath.Join(c.dir, "checkpoints", "j", name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if whole {
			if err := os.WriteFile(filepath.Join(dir, "_metadata"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, err := c.NewestCheckpoint("j"); err != nil || got != "file://"+filepath.Join(c.dir, "checkpoints", "j", "chk-10") {
		t.Errorf("%s, error %v", got, err)
	}
}

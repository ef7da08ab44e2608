package measure

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Thousands(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
}

func TestMedianAndMean(t *testing.T) {
	if m := MedianBy([]int{7, 1, 3}, func(n int) int { return n }); m != 3 {
		t.Errorf("median %d", m)
	}
	if m := GeometricMean([]float64{2, 8}); math.Abs(m-4) > 1e-9 {
		t.Errorf("mean %v", m)
	}
}

// What a failed process cost is told, too.
func TestRun(t *testing.T) {
	c, err := Run(exec.Command("sh", "-c", "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; exit 3"))
	if err == nil || c.Seconds <= 0 || c.CPUSeconds <= 0 || c.PeakBytes <= 0 {
		t.Errorf("%+v, error %v", c, err)
	}
}

func TestAppend(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "history")
	for range 2 {
		if err := Append(dir, "x.jsonl", struct{ N int }{1}); err != nil {
			t.Fatal(err)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "x.jsonl")); string(text) != "{\"N\":1}\n{\"N\":1}\n" {
		t.Errorf("%q", text)
	}
	if err := Append("", "x.jsonl", 1); err != nil {
		t.Error(err)
	}
}

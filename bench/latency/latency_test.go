package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Rows are told from what they take back and from other lines, and count from when
// they count.
func TestWatch(t *testing.T) {
	now := time.Now()
	us := now.UnixMicro() - 5000
	w := &watch{from: now.Add(-time.Second)}
	w.arrived(time.UnixMicro(us), time.UnixMicro(us))
	w.arrived(time.UnixMicro(17), time.UnixMicro(20))
	w.read(strings.NewReader(fmt.Sprintf("INFO started\n2> +I[1, 1, %d]\n1> -U[1, 1, %d]\n+U[1, 2, %d]\n+U[1, 3, 17]\n+I[1", us, us, us)))
	if w.all != 3 || len(w.ms) != 2 || w.ms[0] < 5 || w.ms[0] > 1000 {
		t.Errorf("%d rows, %v", w.all, w.ms)
	}
}

// A window counts from the first row that arrives at its last millisecond or later.
func TestWindowArrival(t *testing.T) {
	w := &watch{window: true}
	for _, us := range []int64{998_500, 998_999, 999_000, 1_000_500, 3_500_000} {
		w.arrived(time.UnixMicro(us), time.UnixMicro(us+7))
	}
	for line, want := range map[string]int64{"1> +I[7, 50, 1000000]\n": 999_007, "+I[7, 50, 3000000]\n": 3_500_007} {
		if got, err := w.made(line); err != nil || got != want {
			t.Errorf("%s: %d %v, want %d", line, got, err, want)
		}
	}
	if _, err := w.made("+I[7, 50, 4000000]\n"); err == nil {
		t.Error("a window that is not complete")
	}
}

// A late file makes up for the rows that it did not have in time.
func TestFeed(t *testing.T) {
	f := &feed{dir: t.TempDir(), rate: 1000, keys: 3, comes: func(_, _ time.Time) {}}
	for n, upTo := range []int{10, 40} {
		if err := f.put(n, time.UnixMicro(int64(n)), upTo); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(f.dir, "00000001.csv"))
	if err != nil || strings.Count(string(text), "\n") != 30 || !strings.HasPrefix(string(text), "2,1\n1,1\n0,1\n") {
		t.Errorf("%v %.60s", err, text)
	}
}

package main

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/bench/measure/measuretest"
)

// TestMain lets the test start the program as its own process.
func TestMain(m *testing.M) { measuretest.Main(m) }

func TestShare(t *testing.T) {
	got, err := share(strings.NewReader(`File: millrace
Type: cpu
Duration: 1.49s, Total samples = 1.48s (99.02%)
-----------+-------------------------------------------------------
      10ms   runtime.memmove
             github.com/millrace-io/millrace/internal/state/keyed.(*Multi).fill
             github.com/millrace-io/millrace/internal/exec.(*Join).Process
-----------+-------------------------------------------------------
      20ms   runtime.scanObject
             runtime.gcAssistAlloc1
             github.com/millrace-io/millrace/internal/exec.(*Join).Process
-----------+-------------------------------------------------------
         1s   runtime.futex
-----------+-------------------------------------------------------
     970ms   github.com/millrace-io/millrace/internal/exec.(*Join).Process
             github.com/millrace-io/millrace/internal/task.(*Task).Step
`))
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]float64{"state": 0.005, collector: 0.01, other: 0.5, "operators": 0.485} {
		if math.Abs(got[part]-want) > 1e-9 {
			t.Errorf("%s has %v, want %v", part, got[part], want)
		}
	}
	if _, err := share(strings.NewReader("File: x\n")); err == nil {
		t.Error("no samples are no error")
	}
}

func TestQuery(t *testing.T) {
	c := config{Bench: measuretest.Bench(t), events: 300_000}
	f, err := c.query(context.Background(), "q7")
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, ns := range f.Parts {
		sum += ns
	}
	if f.All <= 0 || math.Abs(sum-f.All) > f.All/1000 || f.Parts["operators"]+f.Parts["state"]+f.Parts["generator"] == 0 {
		t.Errorf("%+v: the parts are %v", f, sum)
	}
	var text strings.Builder
	record{Queries: []figure{f}}.write(&text)
	if !strings.Contains(text.String(), "| q7 |") {
		t.Errorf("the table has no row of q7:\n%s", &text)
	}
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{{"-q", "q99"}, {"-events", "0"}, {"-nothing"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

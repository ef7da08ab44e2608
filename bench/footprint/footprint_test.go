package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/bench/measure/measuretest"
)

// TestMain lets the tests start the program as their own process.
func TestMain(m *testing.M) { measuretest.Main(m) }

// All kinds measure something, and the tables have a row for each.
func TestKinds(t *testing.T) {
	c := config{Bench: measuretest.Bench(t), kinds: []string{"start", "idle"}, jobs: []int{1, 4}, runs: 2, settle: 50 * time.Millisecond, watch: 50 * time.Millisecond}
	r, err := c.all(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Starts) != 3 || r.Starts[1].Least <= 0 || r.Starts[2].Most < r.Starts[2].Median || r.Starts[2].CPU <= 0 {
		t.Errorf("%+v", r.Starts)
	}
	if len(r.Idle) != 3 || r.Idle[2].Jobs != 4 || r.Idle[0].MB < 5 || r.Idle[2].OwnMB <= 0 || r.Idle[2].OwnMB > r.Idle[2].MB {
		t.Errorf("%+v", r.Idle)
	}
	var text strings.Builder
	r.write(&text)
	for _, row := range []string{"| version |", "| SELECT 1, streaming |", "| the shell |", "| 4 jobs |", "A job that idles takes"} {
		if !strings.Contains(text.String(), row) {
			t.Errorf("no %s in\n%s", row, text.String())
		}
	}
}

// A process that ends instead of waiting is an error with what it said.
func TestProcessThatEnds(t *testing.T) {
	c := config{Bench: measuretest.Bench(t)}
	if _, _, err := c.start(context.Background(), []string{"run", "-e", "SELECT nothing", "--quiet"}, "1"); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Error(err)
	}
	if _, _, err := c.start(context.Background(), []string{"run", "-e", "SELECT 2", "--quiet", "--no-header", "--format", "csv"}, "1"); err == nil || !strings.Contains(err.Error(), `"2"`) {
		t.Error(err)
	}
	c.Work = c.Work + "/it's"
	if err := os.Mkdir(c.Work, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := c.jobsThatWait(context.Background(), 1); err != nil {
		t.Error(err)
	}
}

func TestPerJob(t *testing.T) {
	if mb, ok := perJob([]waiting{{Jobs: 0, MB: 9}, {Jobs: 1, MB: 20}, {Jobs: 11, MB: 25}}); !ok || mb != 0.5 {
		t.Error(mb, ok)
	}
	if _, ok := perJob([]waiting{{Jobs: 0, MB: 9}, {Jobs: 1, MB: 20}}); ok {
		t.Error("one process tells no difference")
	}
}

func TestParse(t *testing.T) {
	for _, args := range []string{"-kind rest", "-jobs 0", "-jobs x", "-jobs 5,1", "-runs 0", "more"} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%s is taken", args)
		}
	}
	if c, err := parse(nil); err != nil || len(c.jobs) != 3 {
		t.Error(c, err)
	}
}

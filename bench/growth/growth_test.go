package main

import (
	"context"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/bench/measure/measuretest"
)

// TestMain lets the tests start the program as their own process.
func TestMain(m *testing.M) { measuretest.Main(m) }

// All kinds measure something, and the tables have a row for each.
func TestKinds(t *testing.T) {
	c := config{Bench: measuretest.Bench(t), events: []string{"q1"}, both: []string{"q5"}, interval: "10us", least: 1000, most: 4000, each: 1000,
		keys: []int64{10, 1000}, rows: 5000, runs: 1}
	ctx := context.Background()
	var r record
	var err error
	if r.Events, err = c.byEvents(ctx); err != nil {
		t.Fatal(err)
	}
	if r.Parallelism, err = c.byParallelism(ctx); err != nil {
		t.Fatal(err)
	}
	if r.State, err = c.byState(ctx); err != nil {
		t.Fatal(err)
	}
	if len(r.Events) != 3 || len(r.Parallelism) != 2 || len(r.State) != 2 || r.Events[2].Events != 4000 || r.Events[2].CPU <= 0 || r.State[1].PeakMB <= 0 {
		t.Errorf("%+v", r)
	}
	var text strings.Builder
	r.write(&text)
	if n := strings.Count(text.String(), "\n| q"); n != 3+1+2 { // with two headings
		t.Errorf("%d rows of queries:\n%s", n, text.String())
	}
}

// The key of the state's rows comes again after all others.
func TestKeys(t *testing.T) {
	seen := map[int64]bool{}
	for n := int64(1); n <= 10_000; n++ {
		seen[n*104729%10_000] = true
	}
	if len(seen) != 10_000 || !strings.Contains(stateScript(10, 20, true), "GROUP BY k") {
		t.Errorf("%d keys", len(seen))
	}
}

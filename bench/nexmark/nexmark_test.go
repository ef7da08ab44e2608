package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/bench/queries"
)

func TestFigures(t *testing.T) {
	f, err := figures()
	if err != nil {
		t.Fatal(err)
	}
	if m := f["q0"]; m.Events != 12e6 || m.PerCPU != 1071000 {
		t.Errorf("q0: %+v, want the figure with object reuse", m)
	}
	if m := f["q3"]; m.PerCPU != 360144 || m.PeakBytes != 1617<<20 {
		t.Errorf("q3: %+v", m)
	}
	for _, q := range queries.Standard {
		if f[q].PerCPU == 0 {
			t.Errorf("no figure of %s", q)
		}
	}
}

func TestMedian(t *testing.T) {
	c := config{events: 100, runs: 3, timeout: time.Minute}
	cpu := []float64{1, 50, 2}
	m := c.timed(context.Background(), "q", func(_ context.Context, m *result) error {
		m.CPUSeconds, cpu = cpu[0], cpu[1:]
		return nil
	})
	if m.PerCPU != 50 {
		t.Errorf("median of 100, 2 and 50 is %v", m.PerCPU)
	}
}

func TestFailureIsAResult(t *testing.T) {
	c := config{runs: 3, timeout: time.Minute}
	m := c.timed(context.Background(), "q", func(context.Context, *result) error { return errors.New("no\nmore") })
	var out bytes.Buffer
	writeTable(&out, record{Rows: []row{
		{Query: "q1", Flink: &result{Events: 1e6, Seconds: 2, PerCPU: 1e5, PeakBytes: 5 << 20}, Millrace: &result{Events: 1e6, Seconds: 0.5, PerCPU: 2e6, PeakBytes: 1 << 20, Checkpoints: 1}},
		{Query: "q2", Flink: m, Millrace: &result{Events: 1e6, Seconds: 0.5, PerCPU: 2e6}},
	}}, "Flink")
	for _, want := range []string{
		"| q1 | 1,000,000 | 500,000 | 100,000 | 5 | 2,000,000 | 2,000,000 | 1 | 1 | 20.0 |",
		"| q2 | 1,000,000 | failed | |  | 2,000,000 | 2,000,000 | 0 | 0 |  |",
		"of 1 queries: 20.00", "q2: no\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestLastCount(t *testing.T) {
	out := `
| op |           rows_of_q11 |
+----+----------------------+
| +I |                    1 |
| -U |                    1 |
| +U |                 2926 |
Received a total of 3 rows
+------------+
| rows_of_q2 |
+------------+
|        114 |
`
	if got := lastCount(out, "q11"); got != "2926" {
		t.Errorf("q11: %s", got)
	}
	if got := lastCount(out, "q2"); got != "114" {
		t.Errorf("q2: %s", got)
	}
	if got := lastCount(out, "q3"); got != "no" {
		t.Errorf("q3: %s", got)
	}
}

func TestCommandLine(t *testing.T) {
	c, err := parse([]string{"-q", "q1,q2", "-density", "event-interval=10ms"})
	if err != nil || len(c.queries) != 2 || c.densityFlag()[0] != "--event-interval" || c.densityFlag()[1] != "10ms" {
		t.Errorf("%+v, error %v", c, err)
	}
	for _, bad := range []string{"-q=q99", "-runs=0"} {
		if _, err := parse([]string{bad}); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

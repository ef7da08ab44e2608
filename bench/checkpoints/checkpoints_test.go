package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// Rows are told from log lines, wherever the reads of the pipe cut them.
func TestWatch(t *testing.T) {
	text := "2026-11-21 INFO -U is no row\n+I[1, a]\n2> -U[2, +I[]\n1> +U[2, x> y]\n-D[3]\nx> +I[4]\n\n+I \n"
	for step := 1; step < 30; step++ {
		w := &watch{}
		w.read(chopped{strings.NewReader(text), step})
		if _, _, _, rows := w.look(); rows != 5 {
			t.Errorf("%d bytes at a time: %d rows", step, rows)
		}
	}
}

type chopped struct {
	r    *strings.Reader
	step int
}

func (c chopped) Read(b []byte) (int, error) { return c.r.Read(b[:min(len(b), c.step)]) }

// The longest gap is between two rows, and mark begins anew.
func TestGap(t *testing.T) {
	w := &watch{}
	at := time.Unix(100, 0)
	for _, s := range []int{0, 1, 4, 5} {
		w.note(1, at.Add(time.Duration(s)*time.Second))
	}
	if _, _, gap, _ := w.look(); gap != 3*time.Second {
		t.Errorf("gap %s", gap)
	}
	w.mark()
	w.note(1, at.Add(20*time.Second))
	w.note(1, at.Add(21*time.Second))
	if first, _, gap, rows := w.look(); gap != time.Second || !first.Equal(at.Add(20*time.Second)) || rows != 6 {
		t.Errorf("first %s, gap %s, %d rows", first, gap, rows)
	}
}

// A stall ends with the last line that tells of no more rows; a checkpoint is noted once.
func TestProgress(t *testing.T) {
	j := &job{}
	for _, l := range []line{{At: 10, Rows: 0}, {At: 20, Rows: 5}, {At: 30, Rows: 5}, {At: 40, Rows: 5}, {At: 50, Rows: 6, Epoch: 2, Took: 15}, {At: 60, Rows: 6, Epoch: 2, Took: 15}} {
		j.note(l)
	}
	if s := j.calm(); s != 20 {
		t.Errorf("stall %d", s)
	}
	if len(j.taken) != 1 || j.taken[0].triggered.UnixMicro() != 35 {
		t.Errorf("%+v", j.taken)
	}
}

func TestReport(t *testing.T) {
	r := besideRecord{Rows: []besideRow{{Query: "q4", Engines: []measured{
		{Engine: "flink", Steady: phase{Seconds: 30, Checkpoints: 30, MedianMs: 500, LongestMs: 900, Bytes: 300 << 20, GapMs: 800}, State: 200 << 20, Recoveries: []recovery{{"killed", []float64{4000, 5000, 9000}}}},
		{Engine: "millrace", Steady: phase{Seconds: 30, Checkpoints: 30, MedianMs: 50, LongestMs: 300, Bytes: 30 << 20, GapMs: 200}, State: 100 << 20, Recoveries: []recovery{{"started again", []float64{100, 250, 300}}}},
	}}, {Query: "q9", Engines: []measured{{Engine: "millrace"}}}}}
	var out bytes.Buffer
	r.write(&out)
	for _, want := range []string{
		"| q4 | flink | 30.0 | 200 | 30 | 500 | 900 | 10.0 | 800 |",
		"| q4 | ratio | 1.0 | 2.0 | | **10.0** | 3.0 | 10.0 | 4.0 |",
		"| q4 | flink | killed | 5.00 | 4.00 | 9.00 | **20.0** |",
		"| q9 | millrace | 0.0 |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestCommandLine(t *testing.T) {
	c, err := parse([]string{"-kind", "flink,state", "-q", "q4,q9", "-percent", "1,50"})
	if err != nil || len(c.kinds) != 2 || len(c.queries) != 2 || c.changed(c.percents[1]) != c.keys/2 {
		t.Errorf("%+v, error %v", c, err)
	}
	for _, bad := range []string{"-kind=x", "-q=q99", "-runs=0", "-percent=0", "-percent=x", "-engines=spark", "-rate=1", "-keys=5"} {
		if _, err := parse([]string{bad}); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/bench/queries"
)

// testWorld is a world without a terminal.
func testWorld(t *testing.T) (w *world, out, errs *bytes.Buffer) {
	t.Helper()
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	return &world{ctx: context.Background(), out: out, err: errs}, out, errs
}

func TestNexmarkJSON(t *testing.T) {
	w, out, _ := testWorld(t)
	c := nexmarkCommand{Queries: []string{"q0", "q5"}, Events: 20_000, Mode: "streaming", Parallelism: 2, CheckpointInterval: "50ms", JSON: true}
	if err := c.Run(w); err != nil {
		t.Fatal(err)
	}
	var got []nexmarkResult
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got) != 2 {
		t.Fatalf("%s: %v", out, err)
	}
	for i, q := range []string{"q0", "q5"} {
		r := got[i]
		if r.Query != q || r.Events != 20_000 || r.Seconds <= 0 || r.CPUSeconds <= 0 || r.PerCPU <= 0 || r.PeakBytes < 1<<20 || r.Checkpoints == 0 || r.Error != "" {
			t.Errorf("%+v", r)
		}
	}
}

func TestNexmarkTable(t *testing.T) {
	for _, mode := range []string{"batch", "streaming"} {
		w, out, _ := testWorld(t)
		c := nexmarkCommand{Queries: []string{"all"}, Events: 5_000, Mode: mode, EventInterval: "10ms", Parallelism: 2, CheckpointInterval: "10s", Quiet: true}
		if err := c.Run(w); err != nil {
			t.Fatalf("%s: %v\n%s", mode, err, out)
		}
		for _, want := range append(queries.Names(), mode+" mode, one event each 10ms") {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
	}
}

func TestNexmarkRefuses(t *testing.T) {
	for want, c := range map[string]nexmarkCommand{
		"there is no query 'q55'; did you mean 'q5'": {Queries: []string{"q55"}, Events: 1},
		"not both":              {Events: 1, EventSpan: "1s", EventInterval: "1s"},
		"--events 0":            {},
		"--event-span never":    {Events: 1, EventSpan: "never"},
		"--checkpoint-interval": {Events: 1, CheckpointInterval: "x"},
		"are for --write":       {Events: 5, FileEvents: 2},
		"--from-event 6":        {Events: 5, FromEvent: 6, Write: "x"},
		"--file-events -1":      {Events: 5, FileEvents: -1, Write: "x"},
	} {
		w, _, _ := testWorld(t)
		err := c.Run(w)
		var u usageError
		if err == nil || !errors.As(err, &u) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// What is written is what the generator gives to a query.
func TestNexmarkWrite(t *testing.T) {
	for _, f := range []string{"csv", "json", "parquet"} {
		t.Run(f, func(t *testing.T) {
			dir := t.TempDir()
			w, _, errs := testWorld(t)
			c := nexmarkCommand{Events: 3_000, EventSpan: "10s", Write: filepath.Join(dir, "data"), Format: f}
			if err := c.Run(w); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(errs.String(), "3,000 rows") {
				t.Errorf("stderr: %s", errs)
			}
			count := "SELECT COUNT(*), SUM(price), MAX(CHAR_LENGTH(extra)), MIN(`dateTime`) FROM bid"
			files := results(t, queries.Script(append(queries.Files(c.Write, "", f), count)...))
			made := results(t, queries.Script(append(queries.Generated(c.tableOptions()), count)...))
			if files != made || !strings.HasPrefix(files, "2760,") {
				t.Errorf("in files %q, generated %q", files, made)
			}
			if entries, err := os.ReadDir(filepath.Join(c.Write, "person")); err != nil || len(entries) != 1 {
				t.Errorf("%v, error %v", entries, err)
			}
		})
	}
}

// Events can be written in parts, into several files: together they are the same.
func TestNexmarkWriteParts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	whole := nexmarkCommand{Events: 3_000, EventInterval: "10ms", Write: filepath.Join(dir, "whole"), Format: "csv", Quiet: true}
	begin, rest := whole, whole
	begin.Events, begin.Write = 2_000, filepath.Join(dir, "begin")
	rest.FromEvent, rest.FileEvents, rest.Write = 2_001, 300, filepath.Join(dir, "rest")
	texts := map[string]string{}
	for _, c := range []nexmarkCommand{whole, begin, rest} {
		w, _, _ := testWorld(t)
		if err := c.Run(w); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(c.Write, "bid", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[c.Write] += string(text)
		}
		if want := map[string]int{rest.Write: 4}[c.Write]; want != 0 && len(names) != want {
			t.Errorf("files %q", names)
		}
	}
	if texts[whole.Write] == "" || texts[begin.Write]+texts[rest.Write] != texts[whole.Write] {
		t.Error("the parts are not the whole")
	}
}

// results runs a script in batch mode and returns what it prints, without header.
func results(t *testing.T, script string) string {
	t.Helper()
	w, out, _ := testWorld(t)
	s, err := millrace.Open(millrace.Config{Options: map[string]string{"execution.runtime-mode": "batch"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := (&runner{w: w, s: s, format: "csv", quiet: true}).script(w.ctx, "test", script); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

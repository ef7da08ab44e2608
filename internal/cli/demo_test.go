package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The demo starts its own binary, which is the test's here.
func TestMain(m *testing.M) {
	if os.Getenv("MILLRACE_TEST_RUN") != "" {
		os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestDemo(t *testing.T) {
	t.Setenv("MILLRACE_TEST_RUN", "1")
	w, out, errs := testWorld(t)
	dir := t.TempDir()
	c := demoCommand{Seconds: 4, Rows: 20_000, Seed: 7, Day: "2026-03-14", Dir: dir}
	if err := c.Run(w); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if !regexp.MustCompile(`^agree: \d\d\d rows$`).MatchString(lines[len(lines)-1]) {
		t.Errorf("the last line is %q", lines[len(lines)-1])
	}
	for _, want := range []string{"$ kill -9 ", "--restore latest", "restored from checkpoint", "the day before", "Conversion per A/B bucket", "3 events were made so, 3 are listed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("lines have styles")
	}
	entries, err := filepath.Glob(filepath.Join(dir, "stream", "checkpoints", "*", "chk-*"))
	if err != nil || len(entries) == 0 {
		t.Errorf("checkpoints %v, error %v", entries, err)
	}
}

func TestDemoRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []demoCommand{{Seconds: 0, Rows: 5000}, {Seconds: 1, Rows: 5000, Day: "today"}, {Seconds: 1, Rows: 5000, Dir: full}} {
		w, _, _ := testWorld(t)
		if err := c.Run(w); err == nil || !isUsage(err) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestShop(t *testing.T) {
	s := shop{day: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC), rows: 30_000, late: 10, seed: 3}
	events := s.events()
	if len(events) < 30_000 || len(events) > 30_100 {
		t.Errorf("%d events", len(events))
	}
	if !slices.EqualFunc(events, s.events(), func(a, b shopEvent) bool { return a == b }) {
		t.Error("not the same again")
	}
	late, disorder, last := 0, 0, int64(0)
	for _, e := range events {
		if e.arrived >= e.ts+60_000 {
			late++
			continue
		}
		if e.ts < last {
			disorder++
		}
		last = max(last, e.ts)
		if e.arrived < e.ts || e.arrived > e.ts+delayMax.Milliseconds() || e.ts < 0 || e.ts >= 24*3600*1000 {
			t.Fatalf("%+v", e)
		}
	}
	if late != 10 || disorder < 1000 {
		t.Errorf("%d late, %d out of order", late, disorder)
	}
	dir := t.TempDir()
	if n, err := s.write(dir); err != nil || n != len(events) {
		t.Fatalf("%d events, error %v", n, err)
	}
	lines := 0
	for table := range shopTables {
		files, err := filepath.Glob(filepath.Join(dir, table.name(), "*"))
		if err != nil || len(files) != shopSlots+1 {
			t.Fatalf("%d files of %s, error %v", len(files), table.name(), err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			lines += bytes.Count(data, []byte("\n"))
		}
	}
	if lines != len(events)+int(shopTables) {
		t.Errorf("%d lines of %d events", lines, len(events))
	}
}

func TestCompareReports(t *testing.T) {
	a, b := newReports(""), newReports("")
	a.rows["conversion"] = [][]string{{"1"}, {"2"}, {"2"}, {"4"}}
	b.rows["conversion"] = [][]string{{"1"}, {"2"}, {"3"}}
	for _, p := range compareReports(a, b) {
		if p.name == "conversion" && (len(p.pairs) != 5 || p.differ != 3) || p.name != "conversion" && p.differ > 0 {
			t.Errorf("%+v", p)
		}
	}
}

func TestBoard(t *testing.T) {
	day := time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	b := board{step: "3/4 today, as a stream", day: day, fed: 60, all: 145, epochs: 3, rate: 12_345, today: newReports(""), yesterday: newReports(""), notes: []string{"one", "two"}}
	b.status = progressLine{Rows: 99_000, Watermark: day.Add(9*time.Hour + 59*time.Minute).UnixMicro(), Checkpoints: 3, Epoch: 3, Took: 12_000}
	b.today.rows["sales_per_minute"] = [][]string{{"2026-03-14 09:58:00", "7", "9", "120.5"}}
	b.yesterday.rows["sales_per_minute"] = [][]string{{"2026-03-13 09:58:00", "5", "6", "100"}}
	b.today.rows["sales_total"] = [][]string{{"2026-03-14 09:00:00", "400", "600", "12345.6"}}
	b.today.rows["conversion"] = [][]string{{"2026-03-14 08:00:00", "A", "1000", "500", "50", "5"}, {"2026-03-14 08:00:00", "B", "1000", "500", "60", "6"}}
	b.today.rows["top_items"] = [][]string{{"2026-03-14 08:00:00", "books", "1", "atlas", "50"}, {"2026-03-14 08:00:00", "books", "2", "comic", "40"}}
	lines := b.view(100, 40)
	text := plainText(strings.Join(lines, "\n"))
	for _, want := range []string{"10:00 of the day has arrived", "12,345 rows/s", "watermark 09:59:00", "checkpoint 3 (12 ms", "09:58      7     120.50      100.00  +20.5 %",
		"Total until 09:00: 12,345.60 from 400 orders", "B  1,000 visitors   60 buyers     6%", "books    atlas, comic", "two"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, l := range b.view(60, 12) {
		if visible(l) > 60 {
			t.Errorf("%q is too wide", l)
		}
	}
	if n := len(b.view(60, 12)); n > 12 {
		t.Errorf("%d lines", n)
	}
}

func TestVerdictDiffers(t *testing.T) {
	w, out, _ := testWorld(t)
	d := &demo{demoCommand: &demoCommand{}, w: w, shop: shop{day: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)}}
	d.board = board{today: newReports(""), yesterday: newReports("")}
	row := func(n string) []string { return []string{"2026-03-14 01:00:00", n, "7", "70.5"} }
	a, b := newReports(""), newReports("")
	for i := range 10 {
		a.rows["sales_total"] = append(a.rows["sales_total"], row(string(rune('0'+i))))
	}
	b.rows["sales_total"] = append(slices.Clone(a.rows["sales_total"][:5]), row("55"))
	b.rows["sales_total"] = append(b.rows["sales_total"], a.rows["sales_total"][6:]...)
	if err := d.verdict(compareReports(a, b)); !errors.Is(err, errSilent) {
		t.Errorf("%v", err)
	}
	text := out.String()
	for _, want := range []string{"11 rows, 2 rows differ", "≠ 01:00:00  5       7      70.5    │", "│ 01:00:00  55      7      70.5", "differ: 2 rows of 11\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

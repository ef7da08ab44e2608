package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A row is one query, on either engine; nil where it was not measured.
type row struct {
	Query    string   `json:"query"`
	Flink    *measure `json:"flink,omitempty"`
	Millrace *measure `json:"millrace,omitempty"`
}

// record is the JSON line of a run.
type record struct {
	Time     time.Time `json:"time"`
	Commit   string    `json:"commit"`
	Machine  string    `json:"machine"`
	Title    string    `json:"title"`
	Kind     string    `json:"kind"`
	Mode     string    `json:"mode"`
	Format   string    `json:"format,omitempty"`
	Density  string    `json:"density"`
	Parallel int       `json:"parallelism"`
	Rows     []row     `json:"rows"`
}

// report prints the table and appends the record.
func (c config) report(title, flinkName string, rows []row) error {
	r := record{Time: time.Now().UTC().Truncate(time.Second), Commit: commit(), Machine: machine(), Title: title,
		Kind: c.kind, Mode: c.mode, Density: c.density, Parallel: c.parallelism, Rows: rows}
	if c.kind == "files" {
		r.Format = c.format
	}
	writeTable(os.Stdout, r, flinkName)
	if c.history == "" {
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.history, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(c.history, "nexmark.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func writeTable(w io.Writer, r record, flinkName string) {
	fmt.Fprintf(w, "## %s\n\n%s, commit %s, %s\n\n", r.Title, r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	fmt.Fprintf(w, "| query | events | %s: events/s | events/CPU-s | peak MB | Millrace: events/s | events/CPU-s | peak MB | checkpoints | ratio per CPU-s |\n", flinkName)
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
	var logs float64
	n := 0
	for _, row := range r.Rows {
		ratio, checkpoints, events := "", "", ""
		if m := row.Millrace; m != nil {
			events = thousands(m.Events)
			checkpoints = fmt.Sprint(m.Checkpoints)
		} else if row.Flink != nil {
			events = thousands(row.Flink.Events)
		}
		if x := ratioOf(row); x > 0 {
			ratio = fmt.Sprintf("%.1f", x)
			logs += math.Log(x)
			n++
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", row.Query, events, cells(row.Flink), cells(row.Millrace), checkpoints, ratio)
	}
	if n > 0 {
		fmt.Fprintf(w, "\nGeometric mean of the ratios of %d queries: %.2f\n", n, math.Exp(logs/float64(n)))
	}
	for _, row := range r.Rows {
		for _, m := range []*measure{row.Flink, row.Millrace} {
			if m != nil && m.Error != "" {
				fmt.Fprintf(w, "\n%s: %s\n", row.Query, strings.SplitN(m.Error, "\n", 2)[0])
			}
		}
	}
}

// ratioOf is how many more events a CPU-second brings in Millrace; 0 if unknown.
func ratioOf(r row) float64 {
	if r.Flink == nil || r.Millrace == nil || r.Flink.Error != "" || r.Millrace.Error != "" || r.Flink.PerCPU == 0 {
		return 0
	}
	return r.Millrace.PerCPU / r.Flink.PerCPU
}

func cells(m *measure) string {
	switch {
	case m == nil:
		return " | | "
	case m.Error != "":
		return "failed | | "
	}
	return fmt.Sprintf("%s | %s | %d", thousands(int64(float64(m.Events)/m.Seconds)), thousands(int64(m.PerCPU)), m.PeakBytes>>20)
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// machine says what ran it: cores, processor, Go.
func machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name\t: "); ok {
			model, _, _ = strings.Cut(rest, "\n")
		}
	}
	return fmt.Sprintf("%d cores of %s, %s", runtime.NumCPU(), model, runtime.Version())
}

package main

import (
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	const query = "SELECT k, n\nFROM t\nORDER BY n DESC, k\nLIMIT 3"
	for _, c := range []struct {
		name, query, got, want, diff string
	}{
		{"the same", query, "k,n\na,2\nb,1\n", "k,n\na,2\nb,1\n", ""},
		{"near", query, "k,n\na,2.00000000001\n", "k,n\na,2\n", ""},
		{"another row", query, "k,n\na,2\n", "k,n\nb,2\n", "missing"},
		{"a row less", query, "k,n\na,2\n", "k,n\na,2\nb,1\n", "missing"},
		{"another order", query, "k,n\nb,1\na,2\n", "k,n\na,2\nb,1\n", "the order differs"},
		{"no order", "SELECT k, n\nFROM t", "k,n\nb,1\na,2\n", "k,n\na,2\nb,1\n", ""},
		{"equal keys", "SELECT k, n\nFROM t\nORDER BY n", "k,n\na,1\nb,1\nc,2\n", "k,n\nb,1\na,1\nc,2\n", ""},
		{"no such key", "SELECT k, n\nFROM t\nORDER BY x", "k,n\na,1\n", "k,n\na,1\n", "no column x"},
	} {
		if d := diff(c.query, []byte(c.got), []byte(c.want)); c.diff == "" && d != "" || !strings.Contains(d, c.diff) {
			t.Errorf("%s: %q, want %q", c.name, d, c.diff)
		}
	}
}

func TestTotals(t *testing.T) {
	rows := []row{
		{Query: "q1", DuckDB: result{CPUSeconds: 1}, Millrace: map[string]result{"batch": {CPUSeconds: 2, PeakBytes: 7}}},
		{Query: "q2", DuckDB: result{CPUSeconds: 4}, Millrace: map[string]result{"batch": {CPUSeconds: 9, PeakBytes: 9, Error: "no"}}},
		{Query: "q3", DuckDB: result{CPUSeconds: 2}, Millrace: map[string]result{"batch": {CPUSeconds: 3, PeakBytes: 5}}},
	}
	if d, m, peak := totals(rows, "batch"); d != 3 || m != 5 || peak != 9 {
		t.Errorf("DuckDB %v, Millrace %v, peak %d", d, m, peak)
	}
}

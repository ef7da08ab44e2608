package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunTellsLateRows: what was dropped as late is told at the end.
func TestRunTellsLateRows(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(file, []byte("1,2024-01-01 00:00:12\n2,2024-01-01 00:00:02\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := "SET 'parallelism.default' = '1'; CREATE TABLE t (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '" + file +
		"', 'format' = 'csv'); SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;"
	w, _, errs := testWorld(t)
	c := runCommand{NoHeader: true}
	c.Inline = text
	if err := c.Run(w); err != nil {
		t.Fatal(err)
	}
	if got := errs.String(); !strings.Contains(got, "1 late row,") {
		t.Errorf("standard error has %q", got)
	}
}

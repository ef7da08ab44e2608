package millrace_test

import (
	"context"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// aligned is a table whose rows come at a rate and are a second of event time apart.
func aligned(name, rate, rows, options string) string {
	return "CREATE TABLE " + name + " (id INT, ts AS TO_TIMESTAMP_LTZ(CAST(id AS BIGINT) * 1000, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', 'rows-per-second' = '" + rate +
		"', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '" + rows + "'" + options + ");\n"
}

// ahead runs a fast and a slow table beside each other and returns how many rows the
// fast one was ahead of the slow one, at most, while the slow one had rows.
func ahead(t *testing.T, options string) int64 {
	t.Helper()
	s, err := millrace.Open(millrace.Config{Options: map[string]string{"parallelism.default": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const slowRows = 50
	script := aligned("fast", "200000", "100000", options) + aligned("slow", "100", "50", options) +
		"SELECT 1 AS t, id FROM fast WHERE ts IS NOT NULL UNION ALL SELECT 2, id FROM slow WHERE ts IS NOT NULL;"
	var slow, most int64
	take := func(_ types.Schema, b *vec.Batch) error {
		which, id := vec.Flat(b.Cols[0]).(*vec.Fixed[int32]), vec.Flat(b.Cols[1]).(*vec.Fixed[int32])
		for i := range b.Len() {
			r := b.Row(i)
			if which.Vals[r] == 2 {
				slow = int64(id.Vals[r])
			} else if slow < slowRows {
				most = max(most, int64(id.Vals[r])-slow)
			}
		}
		return nil
	}
	for st, err := range s.Script("job.sql", script) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Execute(context.Background(), st, take); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	if slow != slowRows {
		t.Fatalf("the slow table ended at %d", slow)
	}
	return most
}

// TestAlignment shows that a source that could run far ahead of another is held back
// when both are in a group.
func TestAlignment(t *testing.T) {
	free := ahead(t, "")
	const group = ", 'scan.watermark.alignment.group' = 'g', 'scan.watermark.alignment.max-drift' = '5 s', 'scan.watermark.alignment.update-interval' = '20 ms'"
	if held := ahead(t, group); held > 20_000 || held > free/2 { // some batches, until the slow table has told where it is
		t.Errorf("the fast table was %d rows ahead, %d without a group", held, free)
	}
}

// TestWatermarkOptions shows what is said about options that are wrong.
func TestWatermarkOptions(t *testing.T) {
	const both = "must both be set to align watermarks"
	for options, want := range map[string]string{
		"'scan.watermark.alignment.group' = 'g'":               both,
		"'scan.watermark.alignment.max-drift' = '1 s'":         both,
		"'scan.watermark.alignment.update-interval' = '1 s'":   both,
		"'scan.watermark.alignment.max-drift' = 'far'":         "far",
		"'scan.watermark.emit.on-event.gap' = '0'":             "'0' is not an integer of 1 or more",
		"'scan.watermark.emit.strategy' = 'sometimes'":         "sometimes",
		"'scan.watermark.emit.strategy' = 'on-event'":          "",
		"'scan.watermark.emit.strategy' = 'ON-EVENT'":          "",
		"'scan.watermark.idle-timeout' = '1 s'":                "",
		"'scan.watermark.emit.on-event.gap' = '5'":             "",
		"'scan.watermark.alignment.update-intervall' = '10 s'": "did you mean 'scan.watermark.alignment.update-interval'?",
	} {
		_, err := run(millrace.Config{}, aligned("s", "1000", "3", ", "+options)+"SELECT COUNT(*) FROM s WHERE ts IS NOT NULL;")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", options, err)
		}
	}
}

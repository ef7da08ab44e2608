package json

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/format/internal/formattest"
	"github.com/millrace-io/millrace/format/internal/marks"
	"github.com/millrace-io/millrace/types"
)

// Plain lines are read as such, else there is no use in looking for them.
func TestPlainLinesAreTaken(t *testing.T) {
	if !marks.Fast() {
		t.Skip("there are no marks on this processor")
	}
	s := types.Schema{col("id", types.TBigInt), col("s", types.TString), col("ts", types.TimestampOf(3)), col("ok", types.TBoolean), col("n", types.DecimalOf(10, 2))}
	line := func(id string) string {
		return `{"id":` + id + `,"s":"text \" of \\ it","new":[1,{"a":"b"}],"ts":"2024-01-02 03:04:05.678","ok":true,"n":1.5}`
	}
	for _, c := range []struct {
		name   string
		format string // of a line, by its number
		opts   []string
	}{
		{"as written", line("%d") + "\n", nil},
		{"blanks", strings.ReplaceAll(line("%d"), ",\"", " , \"") + "\n", nil},
		{"carriage returns", line("%d") + "\r\n", nil},
		{"numbers in quotes", line(`"%d"`) + "\n", nil},
		{"other escapes", strings.ReplaceAll(line("%d"), "text", `\n\u0041`) + "\n", nil},
		{"large numbers", line("1234567890123456%d") + "\n", nil},
		{"a field less", `{"id":%d,"ok":null}` + "\n", nil},
		{"a long key", `{"` + strings.Repeat("k", 100) + `":1,"id":%d}` + "\n", nil},
		{"ignoring errors", line("%d") + "\n", []string{"ignore-parse-errors", "true"}},
		{"failing without a field", line("%d") + "\n", []string{"fail-on-missing-field", "true"}},
	} {
		var text strings.Builder
		for k := range 99 {
			fmt.Fprintf(&text, c.format, k)
		}
		sp := spec(s, c.opts...)
		compareShapes(t, sp, []byte(text.String()))
		d, err := NewDecoder(sp)
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := d.Decode([]byte(text.String()), true)
		if err != nil || b.Rows != 99 {
			t.Fatal(c.name, err)
		}
		if p := &d.plain; !p.usable || p.roughs != 0 || len(p.starts) == 0 {
			t.Errorf("%s: lines were read one by one: %+v", c.name, p)
		}
	}
}

// Values that cannot be read, each so many lines, end runs of plain lines: what is cut
// behind them is not cut for nothing again and again.
func TestRunsOfPlainLinesAdapt(t *testing.T) {
	s := types.Schema{col("id", types.TBigInt), col("s", types.TString)}
	for _, each := range []int{1, 2, 3, 9, 20, 100, 999} {
		var text strings.Builder
		for k := range 3000 {
			id := fmt.Sprint(k)
			if k%each == 0 {
				id = `"bad"`
			}
			fmt.Fprintf(&text, `{"id":%s,"s":"x%d"}`+"\n", id, k)
		}
		sp := spec(s, "ignore-parse-errors", "true")
		compareShapes(t, sp, []byte(text.String()))
		d, err := NewDecoder(sp)
		if err != nil {
			t.Fatal(err)
		}
		if !d.marks {
			continue
		}
		b, _, err := d.Decode([]byte(text.String()), true)
		if err != nil || b.Rows != 3000 {
			t.Fatal(err)
		}
		if most := 2 * max(each, roughRun); each < 999 && d.plain.rowsMax > most {
			t.Errorf("a bad value each %d lines, and %d lines are cut at once", each, d.plain.rowsMax)
		}
	}
}

// The same text in parts of lines, whatever their length.
func TestPartsOfLines(t *testing.T) {
	e, err := NewEncoder(spec(formattest.Bid))
	if err != nil {
		t.Fatal(err)
	}
	text, err := e.Encode(nil, formattest.Bids(3000, true))
	if err != nil {
		t.Fatal(err)
	}
	long := []byte(`{"extra":"` + strings.Repeat(`text and \\ `, partBytesMin/5) + `"}` + "\n")
	all := append(append(append([]byte(nil), text...), long...), text...)
	compareShapes(t, spec(formattest.Bid), all)
	at := len(text) + len(long) + len(text)/2
	all[at] = '\n'
	compareShapes(t, spec(formattest.Bid), all)
	compareShapes(t, spec(formattest.Bid, "ignore-parse-errors", "true"), all)
}

package cli

import (
	"fmt"
	"slices"
	"strings"
)

// pairsShown is how many rows of a report are printed, from its start and its end.
const pairsShown = 3

// verdict prints both runs' reports side by side and says whether they agree.
func (d *demo) verdict(pairs []pairing) error {
	d.show()
	out := d.w.out
	d.sales()
	fmt.Fprintf(out, "\nThe reports of the stream, which was killed in the middle, beside those of the batch\n")
	rows, differ, late := 0, 0, 0
	for _, p := range pairs {
		rows, differ = rows+len(p.pairs), differ+p.differ
		if p.name == "late_events" {
			late = len(p.pairs)
		}
		d.report(p)
	}
	fmt.Fprintf(out, "\nToo late for the books: %d events were made so, %d are listed, by both runs. The rule stands in the script (WHERE arrived < ts + INTERVAL '1' MINUTE), so it\n"+
		"holds in both; the stream's watermark waits for the same minute, so the stream itself dropped %d rows.\n", d.shop.late, late, d.late)
	if d.Dir != "" {
		fmt.Fprintf(out, "Everything is in %s: the script, the data, and the reports in stream/out and batch/out.\n", d.dir)
	}
	switch {
	case differ > 0:
		fmt.Fprintf(out, "differ: %s of %s\n", plural(differ, "row"), grouped(int64(rows)))
		return errSilent
	case late != d.shop.late || d.late > 0:
		fmt.Fprintf(out, "differ: the reports agree in %s, but late events were lost\n", plural(rows, "row"))
		return errSilent
	}
	fmt.Fprintf(out, "agree: %s\n", plural(rows, "row"))
	return nil
}

// sales prints some minutes of the day beside those of the day before.
func (d *demo) sales() {
	before := map[string][]string{}
	for _, r := range d.board.yesterday.rows["sales_per_minute"] {
		before[minuteOf(r[0])] = r
	}
	fmt.Fprintf(d.w.out, "\nSales per minute, today as a stream and the day before as a batch, by the same SQL (every second hour)\n")
	n := 0
	for _, r := range d.board.today.rows["sales_per_minute"] {
		at := minuteOf(r[0])
		if !strings.HasSuffix(at, ":00") || (at[1]-'0')%2 != 0 {
			continue
		}
		y := before[at]
		if y == nil {
			continue
		}
		fmt.Fprintf(d.w.out, "  %s %5s orders %12s   the day before %5s orders %12s %9s\n", at, r[1], money(r[3]), y[1], money(y[3]), change(r[3], y[3]))
		n++
	}
	if n == 0 {
		fmt.Fprintln(d.w.out, "  (no such minute has orders)")
	}
}

// report prints a report's first and last rows, and all rows that differ.
func (d *demo) report(p pairing) {
	same := "all equal"
	if p.differ > 0 {
		same = plural(p.differ, "row") + " differ"
	}
	fmt.Fprintf(d.w.out, "\n%s (%s): %s, %s\n", p.title, p.name, plural(len(p.pairs), "row"), same)
	// the day is left away, as it is the same nearly everywhere
	shorten := func(cell string) string { return strings.TrimPrefix(cell, d.shop.day.Format("2006-01-02 ")) }
	widths := make([]int, len(p.columns))
	for i, c := range p.columns {
		widths[i] = len(c)
	}
	for _, pair := range p.pairs {
		for _, row := range pair {
			for i, cell := range row {
				widths[i] = max(widths[i], len(shorten(cell)))
			}
		}
	}
	line := func(row []string) string {
		var cells []string
		for i := range widths {
			cell := ""
			if row != nil {
				cell = shorten(row[i])
			}
			cells = append(cells, fmt.Sprintf("%-*s", widths[i], cell))
		}
		return strings.Join(cells, "  ")
	}
	head := line(p.columns)
	fmt.Fprintf(d.w.out, "     %-*s │ %s\n", len(head), "stream", "batch")
	fmt.Fprintf(d.w.out, "     %s │ %s\n", head, head)
	skipped := 0
	for i, pair := range p.pairs {
		equal := slices.Equal(pair[0], pair[1])
		if equal && i >= pairsShown && i < len(p.pairs)-pairsShown {
			skipped++
			continue
		}
		if skipped > 0 {
			fmt.Fprintf(d.w.out, "   = … %s alike\n", plural(skipped, "row"))
			skipped = 0
		}
		mark := "="
		if !equal {
			mark = "≠"
		}
		fmt.Fprintf(d.w.out, "   %s %s │ %s\n", mark, line(pair[0]), line(pair[1]))
	}
}

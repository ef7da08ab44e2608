package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/millrace-io/millrace/bench/flink"
	"github.com/millrace-io/millrace/bench/measure"
)

func (c config) besideRecord() besideRecord {
	return besideRecord{Time: measure.Now(), Commit: measure.Commit(), Machine: measure.Machine(), Flink: flink.Version, Events: c.events, Rate: c.rate, Steady: c.steady.Seconds()}
}

// write writes the tables.
func (r besideRecord) write(w io.Writer) {
	fmt.Fprintf(w, "### Checkpoints each second, Flink %s with RocksDB beside Millrace, parallelism %d\n\n%s, commit %s, %s\n\n", r.Flink, parallelism,
		r.Machine, r.Commit, r.Time.Format("2006-01-02 15:04"))
	fmt.Fprintf(w, "The state of %s events; %s events a second for %.0f s:\n\n", measure.Thousands(r.Events), measure.Thousands(r.Rate), r.Steady)
	r.table(w, func(m measured) phase { return m.Steady })
	fmt.Fprintf(w, "\nWhile the first %s events are read as fast as can be:\n\n", measure.Thousands(r.Events))
	r.table(w, func(m measured) phase { return m.Load })
	fmt.Fprintf(w, "\nFrom the kill to the first new row, s:\n\n")
	r.recoveries(w)
	for _, row := range r.Rows {
		for _, m := range row.Engines {
			if m.Error != "" {
				fmt.Fprintf(w, "\n%s on %s: %s\n", row.Query, m.Engine, strings.SplitN(m.Error, "\n", 2)[0])
			}
		}
	}
}

// table writes what checkpoints cost in one phase. Ratios are Flink's figure by
// Millrace's: above 1 Millrace's is the smaller.
func (r besideRecord) table(w io.Writer, of func(measured) phase) {
	fmt.Fprintln(w, "| query | engine | s | state, MB | checkpoints | duration, median ms | longest ms | MB a checkpoint | longest gap between rows, ms |\n|---|---|---|---|---|---|---|---|---|")
	for _, row := range r.Rows {
		for _, m := range row.Engines {
			p := of(m)
			fmt.Fprintf(w, "| %s | %s | %.1f | %d | %d | %.0f | %.0f | %.1f | %.0f |\n", row.Query, m.Engine, p.Seconds, m.State>>20, p.Checkpoints,
				p.MedianMs, p.LongestMs, p.each()/(1<<20), p.GapMs)
		}
		if a, b, both := row.pair(); both {
			x, y := of(a), of(b)
			fmt.Fprintf(w, "| %s | ratio | %.1f | %.1f | | **%.1f** | %.1f | %.1f | %.1f |\n", row.Query, x.Seconds/y.Seconds, float64(a.State)/float64(b.State),
				x.MedianMs/y.MedianMs, x.LongestMs/y.LongestMs, x.each()/y.each(), x.GapMs/y.GapMs)
		}
	}
}

// each is the mean of the bytes of a checkpoint.
func (p phase) each() float64 { return float64(p.Bytes) / float64(max(p.Checkpoints, 1)) }

// pair returns Flink's figures and Millrace's, if both are there.
func (r besideRow) pair() (flink, millrace measured, both bool) {
	if len(r.Engines) != 2 {
		return flink, millrace, false
	}
	flink, millrace = r.Engines[0], r.Engines[1]
	if flink.Engine != "flink" {
		flink, millrace = millrace, flink
	}
	return flink, millrace, true
}

// recoveries writes how long they took, and how much longer than Millrace's.
func (r besideRecord) recoveries(w io.Writer) {
	fmt.Fprintln(w, "| query | engine | what | median | least | most | ratio to Millrace |\n|---|---|---|---|---|---|---|")
	for _, row := range r.Rows {
		_, millrace, both := row.pair()
		for _, m := range row.Engines {
			for _, k := range m.Recoveries {
				ratio := ""
				if both && m.Engine == "flink" && len(millrace.Recoveries) > 0 {
					ratio = fmt.Sprintf("**%.1f**", k.median()/millrace.Recoveries[0].median())
				}
				least, most := k.Ms[0], k.Ms[len(k.Ms)-1]
				fmt.Fprintf(w, "| %s | %s | %s | %.2f | %.2f | %.2f | %s |\n", row.Query, m.Engine, k.Name, k.median()/1000, least/1000, most/1000, ratio)
			}
		}
	}
}

func (k recovery) median() float64 { return k.Ms[len(k.Ms)/2] }

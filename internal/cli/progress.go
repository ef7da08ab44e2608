package cli

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// progressEvery is how often the progress line changes.
const progressEvery = 500 * time.Millisecond

// progress shows, on a terminal's standard error, how far the running jobs are. The
// function that it returns takes the line away.
func (r *runner) progress() (stop func()) {
	if r.watched > 0 {
		return r.progressLines()
	}
	if r.quiet || !r.w.errTTY {
		return func() {}
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		var last int64
		for {
			select {
			case <-quit:
				fmt.Fprint(r.w.err, "\r\x1b[K")
				return
			case <-tick.C:
				line, rows := r.status(last)
				last = rows
				fmt.Fprint(r.w.err, "\r\x1b[K", line)
			}
		}
	}()
	return func() { close(quit); <-gone }
}

// status sums up the jobs that run.
func (r *runner) status(last int64) (string, int64) {
	var rows, out, late int64
	mark, epochs, n := int64(math.MaxInt64), 0, 0
	for _, j := range r.s.Jobs() {
		s := j.Status()
		rows, out, late, epochs = rows+s.SourceRows, out+s.SinkRows, late+s.LateDropped, epochs+s.Checkpoints
		select {
		case <-j.Ended():
		default:
			n++
			mark = min(mark, s.Watermark)
		}
	}
	if n == 0 {
		return "", rows
	}
	rate := int64(float64(rows-last) / progressEvery.Seconds())
	parts := []string{fmt.Sprintf("%s in (%s/s)", grouped(rows), grouped(max(rate, 0))), grouped(out) + " out"}
	if mark != math.MaxInt64 && mark != math.MinInt64 {
		parts = append(parts, "watermark "+time.UnixMicro(mark).UTC().Format("2006-01-02 15:04:05"))
	}
	if epochs > 0 {
		parts = append(parts, plural(epochs, "checkpoint"))
	}
	if late > 0 {
		parts = append(parts, plural(int(late), "late row"))
	}
	return strings.Join(parts, " · "), rows
}

package cli

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/sys/unix"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/internal/rowtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

const (
	// liveAfter is how long a query may take before its result is shown as it grows.
	liveAfter = 300 * time.Millisecond
	liveEvery = 200 * time.Millisecond
	// liveRowsMax is how many rows of a result are kept; the oldest go.
	liveRowsMax = 1_000_000
	// liveCellMax is how many characters of a cell the live view shows.
	liveCellMax = 40
)

// A liveTable is what a changelog adds up to, while it grows. A row that replaces
// another (-U, then +U) takes its place, so that a table stands still while its
// numbers change. Rows come from the job's goroutine, the view is another's.
type liveTable struct {
	mu      sync.Mutex
	schema  types.Schema
	zone    *time.Location
	text    rowtext.Writer
	rows    [][]byte // lines of CSV; nil: it has left
	at      map[string][]int
	live    int
	oldest  int   // no row before this one is left
	free    int   // place of the row that the last -U took away, or -1
	dropped int64 // rows that are no longer kept
	changes int64
}

func newLiveTable(zone *time.Location) *liveTable {
	return &liveTable{zone: zone, at: map[string][]int{}, free: -1}
}

func (t *liveTable) setSchema(s types.Schema) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.schema, t.text = s, rowtext.Writer{Schema: s, Zone: t.zone}
}

// add is a millrace.RowsFunc.
func (t *liveTable) add(schema types.Schema, b *vec.Batch) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text.Schema == nil {
		t.schema, t.text = schema, rowtext.Writer{Schema: schema, Zone: t.zone}
	}
	for i := range b.Len() {
		row := b.Row(i)
		line := t.text.Append(nil, b, row)
		t.change(b.Kind(row), line[:len(line)-1])
	}
	return nil
}

func (t *liveTable) change(kind vec.RowKind, line []byte) {
	t.changes++
	key := string(line)
	if !kind.Adds() {
		places := t.at[key]
		if len(places) == 0 {
			return
		}
		last := places[len(places)-1]
		if t.at[key] = places[:len(places)-1]; len(places) == 1 {
			delete(t.at, key)
		}
		t.rows[last] = nil
		t.live--
		t.free = -1
		if kind == vec.UpdateBefore {
			t.free = last
		}
		return
	}
	place := len(t.rows)
	if kind == vec.UpdateAfter && t.free >= 0 {
		place = t.free
		t.rows[place] = line
	} else {
		t.rows = append(t.rows, line)
	}
	t.free = -1
	t.at[key] = append(t.at[key], place)
	t.live++
	t.limit()
}

// limit drops the oldest row of too many, and places that are empty.
func (t *liveTable) limit() {
	if t.live > liveRowsMax {
		for t.rows[t.oldest] == nil {
			t.oldest++
		}
		t.change(vec.Delete, t.rows[t.oldest])
		t.changes--
		t.dropped++
	}
	if len(t.rows) < 1024 || len(t.rows) < 2*t.live {
		return
	}
	kept := make([][]byte, 0, t.live)
	clear(t.at)
	for _, r := range t.rows {
		if r != nil {
			t.at[string(r)] = append(t.at[string(r)], len(kept))
			kept = append(kept, r)
		}
	}
	t.rows, t.oldest, t.free = kept, 0, -1
}

// cells splits a line into its cells' texts.
func cells(line []byte) []string {
	var out []string
	for {
		var cell []byte
		if len(line) > 0 && line[0] == '"' {
			line = line[1:]
			for {
				at := bytes.IndexByte(line, '"')
				cell = append(cell, line[:at]...)
				if line = line[at+1:]; len(line) == 0 || line[0] != '"' {
					break
				}
				cell = append(cell, '"')
				line = line[1:]
			}
			out = append(out, string(cell))
		} else {
			at := bytes.IndexByte(line, ',')
			if at < 0 {
				at = len(line)
			}
			if at == 0 {
				out = append(out, "NULL")
			} else {
				out = append(out, string(line[:at]))
			}
			line = line[at:]
		}
		if len(line) == 0 {
			return out
		}
		line = line[1:]
	}
}

var noLines = strings.NewReplacer("\n", "\\n", "\r", "\\r", "\t", " ", "\x1b", "\\e")

// render draws the whole table.
func (t *liveTable) render() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.schema) == 0 {
		return nil
	}
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	head := table.Row{}
	var cols []table.ColumnConfig
	for i, f := range t.schema {
		head = append(head, f.Name)
		if f.Type.Numeric() {
			cols = append(cols, table.ColumnConfig{Number: i + 1, Align: text.AlignRight})
		}
	}
	w.AppendHeader(head)
	w.SetColumnConfigs(cols)
	for _, line := range t.rows {
		if line == nil {
			continue
		}
		row := table.Row{}
		for _, c := range cells(line) {
			row = append(row, noLines.Replace(c))
		}
		w.AppendRow(row)
	}
	return strings.Split(w.Render(), "\n")
}

// tail draws the last rows, n at most; widths only grow.
func (t *liveTable) tail(n int, widths *[]int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rows [][]string
	for i := len(t.rows) - 1; i >= 0 && len(rows) < n; i-- {
		if t.rows[i] != nil {
			rows = append(rows, cells(t.rows[i]))
		}
	}
	if *widths == nil {
		for _, f := range t.schema {
			*widths = append(*widths, len([]rune(f.Name)))
		}
	}
	for _, r := range rows {
		for i, c := range r {
			r[i] = noLines.Replace(c)
			if runes := []rune(r[i]); len(runes) > liveCellMax {
				r[i] = string(runes[:liveCellMax-1]) + "…"
			}
			(*widths)[i] = max((*widths)[i], len([]rune(r[i])))
		}
	}
	line := func(cells []string) string {
		var out []string
		for i, c := range cells {
			pad := strings.Repeat(" ", (*widths)[i]-len([]rune(c)))
			if t.schema[i].Type.Numeric() {
				out = append(out, pad+c)
			} else {
				out = append(out, c+pad)
			}
		}
		return strings.Join(out, " │ ")
	}
	head := line(t.schema.Names())
	out := []string{styleBold + head + styleNone, strings.Repeat("─", len([]rune(head)))}
	if more := t.live - len(rows); more > 0 {
		out = append(out, styleFaint+"… "+plural(more, "row")+" above"+styleNone)
	}
	for i := len(rows) - 1; i >= 0; i-- {
		out = append(out, line(rows[i]))
	}
	return out
}

// live shows a result as it grows, until the query ends, or a person ends it.
func (sh *shell) live(ctx context.Context, cancel context.CancelCauseFunc, st millrace.Statement, job *millrace.Job, t *liveTable) {
	keys, err := rawKeys(sh.w.in)
	if err != nil {
		<-job.Ended()
		return
	}
	defer keys.close()
	s := &screen{out: sh.w.out, size: func() (int, int) { return terminalSize(sh.w.in) }}
	s.enter()
	defer s.leave()
	var widths []int
	began, last, lastAt := time.Now().Add(-liveAfter), int64(0), time.Now()
	rate := int64(0)
	draw := time.Now()
	for {
		select {
		case <-job.Ended():
			return
		case <-ctx.Done():
			return
		default:
		}
		switch keys.next(min(liveEvery, max(0, time.Until(draw)))) {
		case "q", "Q", "\x03", "\x04":
			cancel(errInterrupted)
			return
		}
		if time.Now().Before(draw) {
			continue
		}
		draw = time.Now().Add(liveEvery)
		status := job.Status()
		if dt := time.Since(lastAt); dt > time.Second/2 {
			rate = int64(float64(status.SourceRows-last) / dt.Seconds())
			last, lastAt = status.SourceRows, time.Now()
		}
		figures := []string{styleBold + plural(t.size(), "row") + styleNone, grouped(status.SourceRows) + " in (" + grouped(max(0, rate)) + "/s)"}
		if status.Watermark != math.MinInt64 && status.Watermark != math.MaxInt64 {
			figures = append(figures, "watermark "+time.UnixMicro(status.Watermark).UTC().Format("2006-01-02 15:04:05"))
		}
		if status.LateDropped > 0 {
			figures = append(figures, plural(int(status.LateDropped), "late row"))
		}
		figures = append(figures, took(time.Since(began)))
		width, height := s.size()
		lines := append([]string{oneLine(st.Text), strings.Join(figures, " · "), ""}, t.tail(max(1, height-8), &widths)...)
		lines = append(lines, "", styleFaint+"q or Ctrl-C ends the query"+styleNone)
		for i := range lines {
			lines[i] = clip(lines[i], width)
		}
		s.draw(lines)
	}
}

func (t *liveTable) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.live
}

func terminalSize(f *os.File) (width, height int) {
	width, height, err := term.GetSize(f.Fd())
	if err != nil || width < 1 || height < 1 {
		return 80, 24
	}
	return width, height
}

// keys are what a person presses, each at once.
type keys struct {
	in    *os.File
	state *term.State
}

// rawKeys makes the terminal give keys at once, without showing them.
func rawKeys(in *os.File) (*keys, error) {
	state, err := term.MakeRaw(in.Fd())
	if err != nil {
		return nil, err
	}
	return &keys{in, state}, nil
}

func (k *keys) close() { term.Restore(k.in.Fd(), k.state) }

// next returns the next key, or "" when none comes in time.
func (k *keys) next(wait time.Duration) string {
	fds := []unix.PollFd{{Fd: int32(k.in.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, int(wait.Milliseconds())); n <= 0 || err != nil {
		return ""
	}
	var b [16]byte
	n, err := unix.Read(int(k.in.Fd()), b[:])
	if err != nil || n <= 0 {
		return "q" // the terminal is gone
	}
	return string(b[:n])
}

// page shows lines, by pages when the screen is too small for them.
func (sh *shell) page(lines []string) error {
	width, height := 80, 24
	if sh.line != nil {
		width, height = terminalSize(sh.w.in)
	}
	fits := len(lines) < height-1
	for _, l := range lines {
		fits = fits && visible(l) <= width
	}
	if sh.line == nil || fits {
		for _, l := range lines {
			if _, err := fmt.Fprintln(sh.w.out, l); err != nil {
				return err
			}
		}
		return nil
	}
	keys, err := rawKeys(sh.w.in)
	if err != nil {
		return err
	}
	defer keys.close()
	p := &pager{lines: lines}
	s := &screen{out: sh.w.out}
	s.enter()
	defer s.leave()
	for !p.over {
		width, height := terminalSize(sh.w.in)
		s.draw(p.view(width, height))
		p.press(keys.next(time.Second), width, height)
	}
	return nil
}

// A pager shows a part of many lines. The first pinned lines, a table's head, stay.
type pager struct {
	lines     []string
	top, left int
	over      bool
}

// pinned is how many lines stay: those of a table's head.
func (p *pager) pinned() int {
	if len(p.lines) > 3 && strings.HasPrefix(p.lines[0], "┌") {
		return 3
	}
	return 0
}

func (p *pager) view(width, height int) []string {
	pin := p.pinned()
	rows := max(1, height-1-pin)
	body := p.lines[pin:]
	p.top = max(0, min(p.top, len(body)-rows))
	out := append([]string(nil), p.lines[:pin]...)
	out = append(out, body[p.top:min(len(body), p.top+rows)]...)
	for i, l := range out {
		runes := []rune(l)
		out[i] = string(runes[min(p.left, len(runes)):min(p.left+width, len(runes))])
	}
	end := min(len(body), p.top+rows)
	return append(out, clip(fmt.Sprintf("%slines %s–%s of %s · space, b, arrows, g, G · q leaves%s", styleFaint, grouped(int64(p.top+1)), grouped(int64(end)), grouped(int64(len(body))), styleNone), width))
}

func (p *pager) press(key string, width, height int) {
	rows := max(1, height-1-p.pinned())
	switch key {
	case "q", "Q", "\x03", "\x04", "\x1b":
		p.over = true
	case " ", "f", "\x1b[6~":
		p.top += rows
	case "b", "\x1b[5~":
		p.top -= rows
	case "j", "\r", "\n", "\x1b[B", "\x1bOB":
		p.top++
	case "k", "\x1b[A", "\x1bOA":
		p.top--
	case "l", "\x1b[C", "\x1bOC":
		p.left += width / 2
	case "h", "\x1b[D", "\x1bOD":
		p.left = max(0, p.left-width/2)
	case "g", "\x1b[H":
		p.top = 0
	case "G", "\x1b[F":
		p.top = len(p.lines)
	}
}

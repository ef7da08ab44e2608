package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A board is what the demo's screen shows.
type board struct {
	step      string
	day       time.Time
	fed, all  int // slots of the day that have arrived
	status    progressLine
	rate      int64 // rows/s
	epochs    int   // checkpoints of all processes
	down      bool  // the process is dead
	today     *reports
	yesterday *reports
	notes     []string
}

const (
	styleBold  = "\x1b[1m"
	styleFaint = "\x1b[2m"
	styleRed   = "\x1b[31m"
	styleGreen = "\x1b[32m"
	styleNone  = "\x1b[0m"
)

// view draws the board in so many columns and lines.
func (b *board) view(width, height int) []string {
	out := []string{styleBold + "Millrace demo" + styleNone + " · the books of an online shop · " + b.step, ""}
	out = append(out, b.bar(min(width, 100)), b.figures(), "")
	var notes []string
	for _, n := range b.notes {
		notes = append(notes, wrap(n, width)...)
	}
	notes = notes[max(0, len(notes)-max(6, height-27)):]
	left := b.salesLines(max(11, min(24, height-len(out)-len(notes)-1)))
	right := append(b.conversionLines(), append([]string{""}, b.topLines()...)...)
	out = append(out, beside(left, right, 45)...)
	out = append(out, "")
	for _, n := range notes {
		out = append(out, styleFaint+n+styleNone)
	}
	if len(out) > height {
		out = out[:height]
	}
	for i := range out {
		out[i] = clip(out[i], width)
	}
	return out
}

func (b *board) bar(width int) string {
	w := max(10, width-40)
	full := 0
	if b.all > 0 {
		full = w * b.fed / b.all
	}
	return fmt.Sprintf("%s of the day has arrived  %s%s  %d %%", clockOf(b.fed), strings.Repeat("█", full), strings.Repeat("░", w-full), 100*b.fed/max(1, b.all))
}

func clockOf(slot int) string {
	m := slot * int(shopSlot/time.Minute)
	return fmt.Sprintf("%02d:%02d", m/60, m%60)
}

func (b *board) figures() string {
	if b.down {
		return styleRed + styleBold + "the process is dead" + styleNone
	}
	parts := []string{styleBold + grouped(b.rate) + " rows/s" + styleNone, grouped(b.status.Rows) + " rows", "watermark " + b.watermark()}
	if b.epochs > 0 {
		last := fmt.Sprintf("checkpoint %d", b.status.Epoch)
		if b.status.Checkpoints > 0 {
			last += fmt.Sprintf(" (%.0f ms)", float64(b.status.Took)/1000)
		}
		parts = append(parts, last)
	}
	return strings.Join(append(parts, fmt.Sprintf("%d late", b.status.Late)), " · ")
}

func (b *board) watermark() string {
	if b.status.Watermark == 0 {
		return "–"
	}
	at := time.UnixMicro(b.status.Watermark).UTC()
	if at.Sub(b.day) >= 24*time.Hour {
		return "past midnight"
	}
	return at.Format("15:04:05")
}

// salesLines are the last minutes, each beside the same minute of the day before.
func (b *board) salesLines(n int) []string {
	out := []string{styleBold + "minute orders     sales  day before   change" + styleNone}
	before := map[string][]string{}
	if b.yesterday != nil {
		for _, r := range b.yesterday.rows["sales_per_minute"] {
			before[minuteOf(r[0])] = r
		}
	}
	rows := b.today.rows["sales_per_minute"]
	for _, r := range slices.Backward(rows[max(0, len(rows)-n+2):]) {
		line := fmt.Sprintf("%s %6s %10s", minuteOf(r[0]), r[1], money(r[3]))
		if y := before[minuteOf(r[0])]; y != nil {
			line += fmt.Sprintf(" %11s %8s", money(y[3]), change(r[3], y[3]))
		}
		out = append(out, line)
	}
	for len(out) < n-1 {
		out = append(out, "")
	}
	total := "Total so far: –"
	if rows := b.today.rows["sales_total"]; len(rows) > 0 {
		r := rows[len(rows)-1]
		total = fmt.Sprintf("Total until %s: %s from %s orders", untilOf(r[0]), money(r[3]), integer(r[1]))
	}
	return append(out, styleBold+total+styleNone)
}

func (b *board) conversionLines() []string {
	out := []string{styleBold + "Conversion" + styleNone}
	rows := b.today.rows["conversion"]
	if len(rows) == 0 {
		return append(out, "", "")
	}
	last := rows[len(rows)-1][0]
	out[0] += " from " + minuteOf(last)
	for _, r := range rows {
		if r[0] == last {
			out = append(out, fmt.Sprintf("%s %6s visitors %4s buyers %5s%%", r[1], integer(r[2]), integer(r[4]), r[5]))
		}
	}
	return out
}

func (b *board) topLines() []string {
	out := []string{styleBold + "Top items" + styleNone}
	rows := b.today.rows["top_items"]
	if len(rows) == 0 {
		return out
	}
	last := rows[len(rows)-1][0]
	out[0] += " from " + minuteOf(last)
	category := ""
	for _, r := range rows {
		if r[0] != last {
			continue
		}
		if r[1] != category {
			category = r[1]
			out = append(out, fmt.Sprintf("%-8s", category))
		} else {
			out[len(out)-1] += ","
		}
		out[len(out)-1] += " " + r[3]
	}
	return out
}

// beside puts lines beside lines, the second ones from a column on.
func beside(left, right []string, at int) []string {
	var out []string
	for i := range max(len(left), len(right)) {
		line := ""
		if i < len(left) {
			line = left[i]
		}
		if i < len(right) && right[i] != "" {
			line += strings.Repeat(" ", max(1, at-visible(line))) + right[i]
		}
		out = append(out, line)
	}
	return out
}

// visible is how many columns a line has on the screen.
func visible(s string) int {
	n := 0
	for rest := s; rest != ""; {
		if strings.HasPrefix(rest, "\x1b[") {
			_, rest, _ = strings.Cut(rest, "m")
			continue
		}
		_, size := utf8.DecodeRuneInString(rest)
		n, rest = n+1, rest[size:]
	}
	return n
}

// plainText leaves the styles away.
func plainText(s string) string {
	var out strings.Builder
	for {
		text, rest, found := strings.Cut(s, "\x1b[")
		out.WriteString(text)
		if !found {
			return out.String()
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}

// wrap breaks a line at spaces; what follows is indented.
func wrap(s string, width int) []string {
	var out []string
	for visible(s) > width {
		runes := []rune(s)
		at := width
		for at > width/2 && runes[at] != ' ' {
			at--
		}
		out = append(out, string(runes[:at]))
		s = "    " + strings.TrimLeft(string(runes[at:]), " ")
	}
	return append(out, s)
}

// clip cuts a line to a width. The sequences in it are kept.
func clip(s string, width int) string {
	if visible(s) <= width {
		return s
	}
	var out strings.Builder
	n := 0
	for rest := s; rest != "" && n < width; {
		if strings.HasPrefix(rest, "\x1b[") {
			seq, after, _ := strings.Cut(rest, "m")
			out.WriteString(seq + "m")
			rest = after
			continue
		}
		r, size := utf8.DecodeRuneInString(rest)
		out.WriteRune(r)
		n, rest = n+1, rest[size:]
	}
	return out.String() + styleNone
}

// minuteOf is the hour and minute of a timestamp's text.
func minuteOf(stamp string) string {
	if len(stamp) < 16 {
		return stamp
	}
	return stamp[11:16]
}

// untilOf is minuteOf for the end of a window: midnight is 24:00.
func untilOf(stamp string) string {
	if m := minuteOf(stamp); m != "00:00" {
		return m
	}
	return "24:00"
}

func money(s string) string {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	cents := int64(v*100 + 0.5)
	return fmt.Sprintf("%s.%02d", grouped(cents/100), cents%100)
}

func integer(s string) string {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return s
	}
	return grouped(n)
}

func change(now, before string) string {
	x, _ := strconv.ParseFloat(now, 64)
	y, err := strconv.ParseFloat(before, 64)
	if err != nil || y == 0 {
		return ""
	}
	return fmt.Sprintf("%+.1f %%", 100*(x-y)/y)
}

// A screen is a terminal that is drawn over and over.
type screen struct {
	out  io.Writer
	size func() (width, height int)
}

func (s *screen) enter() { fmt.Fprint(s.out, "\x1b[?1049h\x1b[?25l") }

func (s *screen) leave() { fmt.Fprint(s.out, "\x1b[?25h\x1b[?1049l") }

func (s *screen) draw(lines []string) {
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(l + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	io.WriteString(s.out, b.String())
}

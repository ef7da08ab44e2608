package cli

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// A shop makes what an online shop's servers write in one day: orders, page views
// and clicks. It depends on the seed and the day alone.
//
//   - Users come in sessions, more by day than by night; half of them (bucket B)
//     see a new page, which sells a little better.
//   - An event arrives some seconds after it happened, some arrive up to 55 s
//     later, and exactly late of them arrive 5 to 60 minutes later.
//   - Files hold the events in the order of their arrival, so out of order: file n
//     of a table has those that arrived in the day's nth slot of ten minutes.
type shop struct {
	day  time.Time
	rows int // about so many events
	late int // of these, very late ones
	seed uint64
}

const (
	shopSlot   = 10 * time.Minute
	shopSlots  = int(24 * time.Hour / shopSlot)
	shopLayout = "2006-01-02 15:04:05.000"
	delayMax   = 55 * time.Second // of what counts; the script's rule is a minute
)

// A shopTable is one of the three.
type shopTable uint8

const (
	shopOrders shopTable = iota
	shopViews
	shopClicks
	shopTables
)

func (t shopTable) name() string { return [...]string{"orders", "page_views", "clicks"}[t] }

func (t shopTable) ext() string { return [...]string{".json", ".csv", ".csv"}[t] }

// file is the name of a table's file n; the closing file comes after all others.
func (t shopTable) file(n int) string { return fmt.Sprintf("%04d%s", n, t.ext()) }

type shopEvent struct {
	table       shopTable
	quantity    int8
	item        int16
	cents       int32
	user        int32
	id          int64
	ts, arrived int64 // milliseconds of the day
}

// A ware is something that the shop sells.
type ware struct {
	category, name string
	cents          int32
}

var wares = func() (out []ware) {
	for _, c := range []struct {
		category string
		names    []string
		cents    int32
	}{
		{"books", []string{"atlas", "cookbook", "thriller", "poems", "biography", "comic"}, 1490},
		{"garden", []string{"spade", "hose", "rake", "seeds", "lantern", "pot"}, 1990},
		{"kitchen", []string{"kettle", "pan", "knife", "toaster", "scale", "mug"}, 2990},
		{"music", []string{"guitar", "record", "headphones", "drum", "flute", "strings"}, 4990},
		{"toys", []string{"kite", "puzzle", "robot", "blocks", "yoyo", "dice"}, 990},
	} {
		for i, n := range c.names {
			out = append(out, ware{c.category, n, c.cents + int32(i)*c.cents/4})
		}
	}
	return out
}()

// hourly is how many sessions begin in each hour of the day, in comparison.
var hourly = [24]float64{3, 2, 1, 1, 1, 2, 4, 8, 11, 12, 13, 14, 17, 14, 12, 12, 13, 15, 18, 22, 24, 19, 12, 6}

// events returns the day's events in the order of their arrival, and how many of
// them the script's rule calls late.
func (s shop) events() []shopEvent {
	r := rand.New(rand.NewPCG(s.seed, uint64(s.day.Unix())))
	var sum [24]float64
	total := 0.0
	for h, w := range hourly {
		total += w
		sum[h] = total
	}
	const dayMs = 24 * 3600 * 1000
	var out []shopEvent
	var ids [shopTables]int64
	add := func(e shopEvent) {
		if e.ts < dayMs {
			ids[e.table]++
			e.id, e.arrived = ids[e.table], e.ts+delay(r)
			out = append(out, e)
		}
	}
	users := max(int32(s.rows/20), 10)
	for len(out) < s.rows {
		x := r.Float64() * total
		h, _ := slices.BinarySearch(sum[:], x)
		e := shopEvent{user: 1 + r.Int32N(users), ts: int64((float64(h) + r.Float64()) * 3600 * 1000)}
		buys := 0.02
		if bucketOf(e.user) == "B" {
			buys = 0.026
		}
		for range 1 + r.IntN(8) {
			// some wares sell better than others, and which changes over the day
			e.item = int16((int(float64(len(wares))*math.Pow(r.Float64(), 1.5)) + h*7) % len(wares))
			e.table = shopViews
			add(e)
			if e.ts += 1000 + r.Int64N(20_000); r.Float64() < 0.35 {
				e.table = shopClicks
				add(e)
				if e.ts += 2000 + r.Int64N(40_000); r.Float64() < buys/0.35 {
					o := e
					o.table, o.quantity, o.cents = shopOrders, int8(1+r.IntN(3)), wares[e.item].cents
					add(o)
				}
			}
			e.ts += r.Int64N(30_000)
		}
	}
	for i := range s.late {
		e := &out[(2*i+1)*len(out)/(2*s.late)]
		e.arrived = e.ts + (5 * time.Minute).Milliseconds() + r.Int64N((55 * time.Minute).Milliseconds())
	}
	slices.SortStableFunc(out, func(a, b shopEvent) int { return int(a.arrived - b.arrived) })
	return out
}

// delay is how many milliseconds an event takes to arrive.
func delay(r *rand.Rand) int64 {
	if r.IntN(10) == 0 {
		return r.Int64N(delayMax.Milliseconds())
	}
	return min(int64(r.ExpFloat64()*2000), delayMax.Milliseconds())
}

func bucketOf(user int32) string {
	if uint32(user)*2654435761>>31 == 0 {
		return "A"
	}
	return "B"
}

// write writes the day's files into folders of dir, with closing ones at the end,
// and returns how many events they hold.
func (s shop) write(dir string) (int, error) {
	events := s.events()
	count := len(events)
	for t := range shopTables {
		if err := os.MkdirAll(filepath.Join(dir, t.name()), 0o755); err != nil {
			return 0, err
		}
	}
	for slot := range shopSlots {
		end := int64(slot+1) * shopSlot.Milliseconds()
		n := len(events)
		if slot < shopSlots-1 {
			n, _ = slices.BinarySearchFunc(events, end, func(e shopEvent, at int64) int { return int(e.arrived - at) })
		}
		for t := range shopTables {
			if err := s.writeFile(filepath.Join(dir, t.name(), t.file(slot)), t, events[:n]); err != nil {
				return 0, err
			}
		}
		events = events[n:]
	}
	closing := (24*time.Hour + 10*time.Minute).Milliseconds()
	for t := range shopTables {
		row := []shopEvent{{table: t, ts: closing, arrived: closing}}
		if err := s.writeFile(filepath.Join(dir, t.name(), t.file(shopSlots)), t, row); err != nil {
			return 0, err
		}
	}
	return count, nil
}

// writeFile writes the events of one table.
func (s shop) writeFile(name string, t shopTable, events []shopEvent) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	w := bufio.NewWriterSize(f, 1<<18)
	var line []byte
	for _, e := range events {
		if e.table == t {
			line = s.row(line[:0], e)
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

// row writes an order as JSON, a view or a click as CSV.
func (s shop) row(out []byte, e shopEvent) []byte {
	item, stamp := wares[e.item], func(out []byte, ms int64) []byte {
		return s.day.Add(time.Duration(ms)*time.Millisecond).AppendFormat(out, shopLayout)
	}
	if e.table != shopOrders {
		out = strconv.AppendInt(out, e.id, 10)
		out = strconv.AppendInt(append(out, ','), int64(e.user), 10)
		out = append(append(append(out, ','), bucketOf(e.user)...), ',')
		out = append(append(out, item.name...), ',')
		out = append(stamp(out, e.ts), ',')
		return append(stamp(out, e.arrived), '\n')
	}
	out = strconv.AppendInt(append(out, `{"order_id":`...), e.id, 10)
	out = strconv.AppendInt(append(out, `,"user_id":`...), int64(e.user), 10)
	out = append(append(out, `,"bucket":"`...), bucketOf(e.user)...)
	out = append(append(out, `","category":"`...), item.category...)
	out = append(append(out, `","item":"`...), item.name...)
	out = strconv.AppendInt(append(out, `","quantity":`...), int64(e.quantity), 10)
	out = strconv.AppendFloat(append(out, `,"price":`...), float64(e.cents)/100, 'f', 2, 64)
	out = stamp(append(out, `,"ts":"`...), e.ts)
	out = stamp(append(out, `","arrived":"`...), e.arrived)
	return append(out, "\"}\n"...)
}

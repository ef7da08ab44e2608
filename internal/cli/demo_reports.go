package cli

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shopReport is one of the script's reports.
type shopReport struct {
	name, title string
	columns     []string
}

var shopReports = []shopReport{
	{"sales_per_minute", "Sales per minute", []string{"minute", "orders", "items", "revenue"}},
	{"sales_total", "Sales of the day so far", []string{"until", "orders", "items", "revenue"}},
	{"top_items", "Top items per category", []string{"hour", "category", "place", "item", "revenue"}},
	{"conversion", "Conversion per A/B bucket", []string{"hour", "bucket", "visitors", "clickers", "buyers", "%"}},
	{"late_events", "Too late for the books", []string{"kind", "number", "happened", "arrived"}},
}

// reports are the rows that the part files under a folder hold. A part file is
// whole when it is there, and never changes.
type reports struct {
	dir  string
	seen map[string]bool
	rows map[string][][]string
}

func newReports(dir string) *reports {
	return &reports{dir: dir, seen: map[string]bool{}, rows: map[string][][]string{}}
}

// poll reads the files that are new.
func (r *reports) poll() error {
	for _, rep := range shopReports {
		dir := filepath.Join(r.dir, rep.name)
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			if e.IsDir() || r.seen[name] || strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_") {
				continue
			}
			rows, err := readCSV(name)
			if err != nil {
				return err
			}
			r.seen[name] = true
			r.rows[rep.name] = append(r.rows[rep.name], rows...)
			slices.SortFunc(r.rows[rep.name], slices.Compare)
		}
	}
	return nil
}

func readCSV(name string) ([][]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return csv.NewReader(f).ReadAll()
}

// total is how many rows all reports have.
func (r *reports) total() (n int) {
	for _, rows := range r.rows {
		n += len(rows)
	}
	return n
}

// A pairing is one report of two runs, row beside row; one is nil where a row is
// in the other only.
type pairing struct {
	shopReport
	pairs  [][2][]string
	differ int
}

// compareReports pairs the rows of two runs.
func compareReports(a, b *reports) []pairing {
	var out []pairing
	for _, rep := range shopReports {
		p := pairing{shopReport: rep}
		x, y := a.rows[rep.name], b.rows[rep.name]
		for len(x) > 0 || len(y) > 0 {
			switch {
			case len(y) == 0 || len(x) > 0 && slices.Compare(x[0], y[0]) < 0:
				p.pairs = append(p.pairs, [2][]string{x[0], nil})
				p.differ++
				x = x[1:]
			case len(x) == 0 || slices.Compare(x[0], y[0]) > 0:
				p.pairs = append(p.pairs, [2][]string{nil, y[0]})
				p.differ++
				y = y[1:]
			default:
				p.pairs = append(p.pairs, [2][]string{x[0], y[0]})
				x, y = x[1:], y[1:]
			}
		}
		out = append(out, p)
	}
	return out
}

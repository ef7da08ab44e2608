package filesystem

import (
	"fmt"

	"github.com/millrace-io/millrace/connect"
)

// statisticsFilesMax is how many files are opened to be asked about their rows; the
// others are taken to be like them.
const statisticsFilesMax = 16

// statistics asks the files of a table about their rows; nil if they do not know.
func statistics(env Env, t connect.Table, scan connect.Scan) (*connect.Statistics, error) {
	if t.Options.String("source.report-statistics", "ALL") == "NONE" {
		return nil, nil
	}
	made, err := newSource(env, t, scan)
	if err != nil {
		return nil, err
	}
	s := made.(*source)
	if s.format.Statistics == nil {
		return nil, nil
	}
	files, err := listTable(s.fs, s.name, s.match)
	if err != nil {
		return nil, err
	}
	var all, seen float64 // bytes
	for _, f := range files {
		all += float64(f.Size)
	}
	sum := merged{columns: make([]connect.ColumnStatistics, len(s.wanted))}
	for i, f := range files {
		if i%(1+len(files)/statisticsFilesMax) != 0 || f.Size == 0 {
			continue
		}
		one, err := s.fileStatistics(f)
		if err != nil {
			return nil, err
		}
		seen += float64(f.Size)
		sum.add(one)
	}
	if seen == 0 {
		return &connect.Statistics{}, nil
	}
	return s.tableStatistics(sum, all/seen), nil
}

func (s *source) fileStatistics(f file) (*connect.Statistics, error) {
	h, err := s.fs.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	out, err := s.format.Statistics(s.spec(), h, h.Size())
	if err != nil {
		return nil, fmt.Errorf("statistics of '%s': %w", f.Path, err)
	}
	return out, nil
}

// tableStatistics are those of a table that is times what was looked at.
func (s *source) tableStatistics(sum merged, times float64) *connect.Statistics {
	out := &connect.Statistics{Rows: sum.rows * times, Columns: make([]connect.ColumnStatistics, len(s.table.Schema))}
	for i, c := range s.columns {
		if c.data >= 0 {
			out.Columns[s.scan.Columns[i]] = sum.columns[c.data]
		}
	}
	return out
}

// merged is what several files have together.
type merged struct {
	rows    float64
	files   int
	columns []connect.ColumnStatistics
}

// add takes a file in. Files are taken to have the same values; where their ranges do
// not meet they have others.
func (m *merged) add(s *connect.Statistics) {
	for i := range m.columns {
		a, b := &m.columns[i], s.Columns[i]
		if m.files == 0 {
			*a = b
			continue
		}
		apart := a.Ranged && b.Ranged && (b.Min > a.Max || b.Max < a.Min)
		switch {
		case a.Distinct == 0 || b.Distinct == 0:
			a.Distinct = 0
		case apart:
			a.Distinct += b.Distinct
		default:
			a.Distinct = max(a.Distinct, b.Distinct)
		}
		if rows := m.rows + s.Rows; rows > 0 {
			a.Nulls = (a.Nulls*m.rows + b.Nulls*s.Rows) / rows
		}
		if a.Ranged = a.Ranged && b.Ranged; a.Ranged {
			a.Min, a.Max = min(a.Min, b.Min), max(a.Max, b.Max)
		}
	}
	m.rows += s.Rows
	m.files++
}

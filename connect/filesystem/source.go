package filesystem

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

const (
	splitSize     = 64 << 20
	recordSizeMax = 256 << 20
)

// source is a table that is read.
type source struct {
	*layout
	env       Env
	scan      connect.Scan
	fs        fsys.FS
	name      string // of the path in fs
	match     *regexp.Regexp
	order     string
	monitor   time.Duration // 0: the table ends
	splitSize int64
	recordMax int64

	columns []column
	wanted  []int // positions in layout.schema that the format reads
	preds   []connect.Predicate
	spare   spares
}

// column is where a column of the scan comes from.
type column struct {
	data int    // position in the format's batches, or -1
	part int    // position among the partition columns, or -1
	meta string // metadata key
	typ  types.Type
}

func newSource(env Env, t connect.Table, scan connect.Scan) (connect.Source, error) {
	l, err := newLayout(t, scan.Zone)
	if err != nil {
		return nil, err
	}
	if l.format.Decoder == nil && l.format.Open == nil {
		return nil, fmt.Errorf("table %s: format '%s' cannot be read", t.Name, l.format.Name)
	}
	s := &source{layout: l, env: env, scan: scan, order: t.Options.String("source.file-order", "none")}
	l.readMetadata()
	if s.fs, s.name, err = env.Open(l.path); err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	if err := l.checkPartitionTypes(); err != nil {
		return nil, err
	}
	if p := t.Options.String("source.path.regex-pattern", ""); p != "" {
		if s.match, err = fullMatch(p); err != nil {
			return nil, fmt.Errorf("table %s: option 'source.path.regex-pattern': %w", t.Name, err)
		}
	}
	if s.monitor, err = t.Options.Duration("source.monitor-interval", 0); err != nil {
		return nil, err
	}
	if scan.Bounded {
		s.monitor = 0
	}
	if s.splitSize, err = t.Options.Size("source.split-size", splitSize); err != nil {
		return nil, err
	}
	if s.recordMax, err = t.Options.Size("source.max-record-size", recordSizeMax); err != nil {
		return nil, err
	}
	for _, c := range scan.Columns {
		col := column{data: -1, part: -1, typ: t.Schema[c].Type}
		if l.place[c] >= 0 {
			col.data = len(s.wanted)
			s.wanted = append(s.wanted, l.place[c])
		} else if key, ok := t.Metadata[c]; ok {
			col.meta = key
		} else {
			for i, p := range l.partCols {
				if p == c {
					col.part = i
				}
			}
		}
		s.columns = append(s.columns, col)
	}
	for _, p := range scan.Predicates {
		if at := l.place[p.Column]; at >= 0 && l.meta[at] == "" {
			p.Column = at
			s.preds = append(s.preds, p)
		}
	}
	// options and types are wrong at once, not when the first file is opened
	if l.format.Decoder != nil {
		if _, err := l.format.Decoder(s.spec()); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return s, nil
}

func (s *source) spec() format.Spec {
	out := s.layout.spec(s.wanted)
	out.Predicates = s.preds
	return out
}

// known reports whether all keys are known that joins ask for; if not, wake is called when
// more of them are.
func (s *source) known(wake func()) bool {
	for _, f := range s.scan.Filters {
		if _, ready := f.Filter.Keys(wake); !ready {
			return false
		}
	}
	return true
}

// filters are those keys, as the format has them.
func (s *source) filters() []format.KeyFilter {
	var out []format.KeyFilter
	for _, f := range s.scan.Filters {
		keys, _ := f.Filter.Keys(nil)
		if at := s.place[f.Column]; keys != nil && at >= 0 && s.meta[at] == "" {
			out = append(out, format.KeyFilter{Column: at, Keys: keys})
		}
	}
	return out
}

// Bounded implements connect.Source.
func (s *source) Bounded() bool { return s.monitor == 0 }

// Enumerator implements connect.Source.
func (s *source) Enumerator(saved []byte, wake func()) (connect.Enumerator, error) {
	return newEnumerator(s, saved, wake)
}

// Reader implements connect.Source.
func (s *source) Reader(_ int, wake func()) (connect.Reader, error) {
	return newReader(s, wake), nil
}

// assemble makes a batch of the scan's columns from one of the format's.
func (s *source) assemble(b *vec.Batch, consts []vec.Vector) *vec.Batch {
	out := &vec.Batch{Rows: b.Rows, Sel: b.Sel, Kinds: b.Kinds, Cols: make([]vec.Vector, len(s.columns))}
	for i, c := range s.columns {
		if c.data >= 0 {
			out.Cols[i] = b.Cols[c.data]
		} else {
			out.Cols[i] = &vec.Const{Val: consts[i], N: b.Rows}
		}
	}
	return out
}

// constants returns the columns of a file that do not come from its bytes.
func (s *source) constants(f file) ([]vec.Vector, error) {
	out := make([]vec.Vector, len(s.columns))
	values, err := s.partition(f.Path)
	if err != nil {
		return nil, err
	}
	for i, c := range s.columns {
		switch {
		case c.part >= 0:
			if out[i], err = constant(c.typ, values[c.part]); err != nil {
				return nil, fmt.Errorf("read '%s': column '%s': %w", f.Path, s.part[c.part], err)
			}
		case c.meta != "":
			b := vec.NewBuilder(c.typ)
			switch c.meta {
			case "file.path":
				b.String(f.Path)
			case "file.name":
				b.String(path.Base(f.Path))
			case "file.size":
				b.Int(f.Size)
			case "file.modification-time":
				b.Int(f.Time.UnixMicro() / 1000 * 1000)
			default:
				return nil, fmt.Errorf("table %s: there is no metadata '%s'", s.table.Name, c.meta)
			}
			out[i] = b.Finish()
		}
	}
	return out, nil
}

// compression is how a file is compressed, by the end of its name.
func compression(name string) string {
	switch ext := strings.ToLower(path.Ext(name)); ext {
	case ".gz", ".gzip", ".zst", ".zstd", ".bz2", ".deflate":
		return ext
	}
	return ""
}

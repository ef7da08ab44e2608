package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	pq "github.com/parquet-go/parquet-go"
	pqf "github.com/parquet-go/parquet-go/format"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/types"
)

// Skip implements format.FileReader: by the least and greatest value and the
// number of NULLs that the file states for a group's columns.
func (r *Reader) Skip(g int) bool {
	group := r.file.Metadata().RowGroups[g]
	if group.NumRows == 0 {
		return true
	}
	for _, p := range r.spec.Predicates {
		f := r.spec.Schema[p.Column]
		col := r.roots[f.Name]
		if col == nil {
			if p.Op != connect.IsNull {
				return true // all of it is NULL
			}
			continue
		}
		if col.Leaf() && col.MaxRepetitionLevel() == 0 && r.excluded(col, f.Type, group.Columns[col.Index()].MetaData, p) {
			return true
		}
	}
	return r.without(&group)
}

// without reports whether a group has none of the keys that are wanted.
func (r *Reader) without(group *pqf.RowGroup) bool {
	for _, f := range r.spec.Filters {
		field := r.spec.Schema[f.Column]
		col := r.roots[field.Name]
		if f.Keys.Min > f.Keys.Max || col == nil {
			return true
		}
		if !col.Leaf() || col.MaxRepetitionLevel() > 0 {
			continue
		}
		s := group.Columns[col.Index()].MetaData.Statistics
		read := r.integers(col.Type(), field.Type)
		if read == nil || s.MinValue == nil || s.MaxValue == nil {
			continue
		}
		low, ok1 := read(s.MinValue)
		high, ok2 := read(s.MaxValue)
		if ok1 && ok2 && !f.Keys.Any(low, high) {
			return true
		}
	}
	return false
}

// excluded reports whether a predicate holds for no value of a column chunk.
func (r *Reader) excluded(col *pq.Column, t types.Type, m pqf.ColumnMetaData, p connect.Predicate) bool {
	s := m.Statistics
	known := s.MinValue != nil || s.MaxValue != nil || s.NullCount > 0
	switch p.Op {
	case connect.IsNull:
		return col.Required() // a count of 0 may be one that was not written
	case connect.NotNull:
		return known && s.NullCount == m.NumValues
	}
	if known && s.NullCount == m.NumValues {
		return true
	}
	if s.MinValue == nil || s.MaxValue == nil || len(p.Values) == 0 {
		return false
	}
	compare := r.comparison(col.Type(), t)
	if compare == nil {
		return false
	}
	outside := func(lit any) bool {
		low, ok1 := compare(s.MinValue, lit)
		high, ok2 := compare(s.MaxValue, lit)
		if !ok1 || !ok2 {
			return false
		}
		switch p.Op {
		case connect.Eq, connect.In:
			return low > 0 || high < 0
		case connect.Ne:
			return low == 0 && high == 0 && !t.Character() && !t.Approx()
		case connect.Lt:
			return low >= 0
		case connect.Le:
			return low > 0
		case connect.Gt:
			return high <= 0
		case connect.Ge:
			return high < 0
		}
		return false
	}
	for _, lit := range p.Values {
		if !outside(lit) {
			return false
		}
	}
	return true
}

// comparison returns how a statistic's bytes compare with a literal; nil if it is
// not known.
func (r *Reader) comparison(t pq.Type, to types.Type) func(stat []byte, lit any) (int, bool) {
	if r.conversion(t, to) == nil {
		return nil
	}
	switch {
	case to.Character():
		return func(stat []byte, lit any) (int, bool) {
			s, ok := lit.(string)
			return bytes.Compare(stat, []byte(s)), ok
		}
	case to.Approx():
		return compareFloat(t)
	}
	read := r.integers(t, to)
	if read == nil {
		return nil
	}
	return func(stat []byte, lit any) (int, bool) {
		x, ok1 := lit.(int64)
		v, ok2 := read(stat)
		return cmp.Compare(v, x), ok1 && ok2
	}
}

// integers returns what reads the statistics of a column of integers, as the column's
// vector has them; nil if that is not known.
func (r *Reader) integers(t pq.Type, to types.Type) func(stat []byte) (int64, bool) {
	lt := logical(t)
	scale := func(v int64) (int64, bool) { return v, true }
	switch {
	case to.Integer() || to.Kind == types.Date:
		if x, ok := lt.(*pqf.IntType); ok && !x.IsSigned {
			return nil
		}
	case to.Kind == types.Decimal && to.Prec <= 18 && t.Kind() != pq.ByteArray && t.Kind() != pq.FixedLenByteArray:
	case to.Stamp() && to.Prec <= 6 && t.Kind() == pq.Int64:
		ts := lt.(*pqf.TimestampType)
		moved := ts.IsAdjustedToUTC && r.zone != nil && to.Kind == types.Timestamp
		cut := to.Prec < 3 || to.Prec < 6 && unitOf(ts.Unit) != "millis" // could make equal what is not
		if moved || cut {
			return nil
		}
		switch unitOf(ts.Unit) {
		case "millis":
			scale = func(v int64) (int64, bool) { return v * 1000, v < math.MaxInt64/1000 && v > math.MinInt64/1000 }
		case "nanos":
			return nil
		}
	default:
		return nil
	}
	return func(stat []byte) (int64, bool) {
		switch {
		case t.Kind() == pq.Int32 && len(stat) == 4:
			return scale(int64(int32(binary.LittleEndian.Uint32(stat))))
		case t.Kind() == pq.Int64 && len(stat) == 8:
			return scale(int64(binary.LittleEndian.Uint64(stat)))
		}
		return 0, false
	}
}

func compareFloat(t pq.Type) func(stat []byte, lit any) (int, bool) {
	return func(stat []byte, lit any) (int, bool) {
		x, ok := lit.(float64)
		var v float64
		switch {
		case t.Kind() == pq.Float && len(stat) == 4:
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(stat)))
		case t.Kind() == pq.Double && len(stat) == 8:
			v = math.Float64frombits(binary.LittleEndian.Uint64(stat))
		default:
			return 0, false
		}
		return cmp.Compare(v, x), ok && !math.IsNaN(v) && !math.IsNaN(x)
	}
}

package parquet

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strings"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqf "github.com/parquet-go/parquet-go/format"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/types"
)

// statistics reads what the footer says: rows, NULLs and ranges. How many values a
// column has is estimated by the dictionaries of its first row group.
func statistics(spec format.Spec, in io.ReaderAt, size int64) (out *connect.Statistics, err error) {
	defer guard(&err)
	r, err := Open(spec, in, size)
	if err != nil {
		return nil, err
	}
	out = &connect.Statistics{Rows: float64(r.file.NumRows()), Columns: make([]connect.ColumnStatistics, len(spec.Columns))}
	for i, n := range r.cols {
		switch {
		case n == nil:
			out.Columns[i] = connect.ColumnStatistics{Distinct: 1, Nulls: 1}
		case len(n.kids) == 0 && r.Groups() > 0:
			out.Columns[i] = r.columnStatistics(in, r.leaves[n.leaf].Type(), n)
		}
	}
	return out, nil
}

// columnStatistics describes a column that is not nested.
func (r *Reader) columnStatistics(in io.ReaderAt, t pq.Type, n *node) connect.ColumnStatistics {
	groups := r.file.Metadata().RowGroups
	var c connect.ColumnStatistics
	apart := len(groups) > 1 // each group's values are above those of the group before
	var nulls, rows float64
	for i := range groups {
		g := &groups[i]
		s := g.Columns[n.leaf].MetaData.Statistics
		rows += float64(g.NumRows)
		nulls += float64(s.NullCount)
		low, ok1 := statistic(t, n.t, s.MinValue)
		high, ok2 := statistic(t, n.t, s.MaxValue)
		switch {
		case i == 0:
			c.Ranged, c.Min, c.Max = ok1 && ok2, low, high
		case !c.Ranged || !ok1 || !ok2:
			c.Ranged, apart = false, false
		default:
			apart = apart && low >= c.Max
			c.Min, c.Max = min(c.Min, low), max(c.Max, high)
		}
	}
	if rows > 0 {
		c.Nulls = nulls / rows
	}
	if !c.Ranged {
		c.Min, c.Max, apart = 0, 0, false
	}
	c.Distinct = r.distinct(in, n, rows-nulls, apart)
	if c.Ranged && n.t.Phys() != types.PhysFloat64 && n.t.Phys() != types.PhysFloat32 {
		steps := (c.Max-c.Min)*math.Pow10(n.t.Scale) + 1
		if c.Distinct == 0 || c.Distinct > steps {
			c.Distinct = steps
		}
	}
	return c
}

// distinct estimates how many values a column has, among so many: by the first group
// alone, from which the others may take other values (apart). 0 is not known.
func (r *Reader) distinct(in io.ReaderAt, n *node, values float64, apart bool) float64 {
	g := &r.file.Metadata().RowGroups[0]
	m := &g.Columns[n.leaf].MetaData
	own := float64(m.NumValues - m.Statistics.NullCount)
	words, whole := dictionarySize(in, m)
	switch {
	case own <= 0:
		return 0
	case words == 0 && !neverCoded(n.t) && strings.HasPrefix(r.file.Metadata().CreatedBy, createdBy):
		return values // so many that Writer has not begun with one
	case words == 0:
		return 0
	case !whole:
		return values // so many that the writer has given up
	case apart:
		return min(values, words*values/own)
	}
	return min(values, unseen(words, own))
}

// dictionarySize is how many words the dictionary of a column chunk has, and whether
// all of its values are among them. 0: it has none.
func dictionarySize(in io.ReaderAt, m *pqf.ColumnMetaData) (words float64, whole bool) {
	at := m.DictionaryPageOffset
	if at <= 0 {
		return 0, false
	}
	var buf [512]byte
	k, _ := in.ReadAt(buf[:min(int64(len(buf)), m.TotalCompressedSize)], at)
	var h pqf.PageHeader
	if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(bytes.NewReader(buf[:k]))).Decode(&h); err != nil || h.Type != pqf.DictionaryPage {
		return 0, false
	}
	whole = true
	for _, s := range m.EncodingStats {
		data := s.PageType == pqf.DataPage || s.PageType == pqf.DataPageV2
		//nolint:staticcheck // PlainDictionary: older writers say so
		if data && s.Encoding != pqf.RLEDictionary && s.Encoding != pqf.PlainDictionary {
			whole = false
		}
	}
	return float64(h.DictionaryPageHeader.V.NumValues), whole
}

// unseen is how many equally likely values there are if among n of them d differ:
// d = all (1 - (1 - 1/all)^n).
func unseen(d, n float64) float64 {
	if d >= n {
		return math.Inf(1)
	}
	differ := func(all float64) float64 { return -all * math.Expm1(n*math.Log1p(-1/all)) }
	low, high := d, d
	for differ(high) < d {
		if high *= 2; high > 1e18 {
			return math.Inf(1)
		}
	}
	for range 50 {
		if mid := (low + high) / 2; differ(mid) < d {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// statistic reads a statistic's value as a number, in the units of
// connect.ColumnStatistics.
func statistic(t pq.Type, to types.Type, b []byte) (float64, bool) {
	var v float64
	switch k := t.Kind(); {
	case k == pq.Float && len(b) == 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), true
	case k == pq.Double && len(b) == 8:
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), true
	case k == pq.Int32 && len(b) == 4:
		v = float64(int32(binary.LittleEndian.Uint32(b)))
	case k == pq.Int64 && len(b) == 8:
		v = float64(int64(binary.LittleEndian.Uint64(b)))
	default:
		return 0, false
	}
	switch lt := logical(t).(type) {
	case *pqf.IntType:
		return v, lt.IsSigned
	case *pqf.TimestampType:
		switch unitOf(lt.Unit) {
		case "millis":
			v *= 1000
		case "nanos":
			v /= 1000
		}
		return v, true
	}
	return v / math.Pow10(to.Scale), to.Integer() || to.Kind == types.Decimal || to.Kind == types.Date
}

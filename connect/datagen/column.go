package datagen

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/connect/datagen/strided"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A clock is the time of a batch.
type clock struct {
	now  int64 // microseconds since 1970
	zone *time.Location
}

// local is the time on the wall, as microseconds since 1970 without a zone.
func (c clock) local() int64 {
	_, offset := time.UnixMicro(c.now).In(c.zone).Zone()
	return c.now + int64(offset)*1e6
}

// A column makes the values of one column, or of what is inside one. A value is a
// function of its id, which for a column is the row's number; those of elements
// are drawn from their row's.
type column struct {
	typ      types.Type
	key      uint64
	nullRate float64
	width    int // about how many bytes a value has
	fill     func(ids []uint64, valid vec.Bitmap, c clock) vec.Vector
}

func (c *column) make(ids []uint64, t clock) vec.Vector {
	var valid vec.Bitmap
	if c.nullRate > 0 {
		valid = vec.NewBitmap(len(ids))
		limit := uint64(c.nullRate * (1 << 53))
		for i, id := range ids {
			if c.draw(^id)>>11 < limit {
				valid.SetNull(i)
			}
		}
	}
	return c.fill(ids, valid, t)
}

// draw is the random number of an id.
func (c *column) draw(id uint64) uint64 { return strided.Random(c.key, id) }

// A reader reads the options of fields.
type reader struct {
	options  connect.Options
	read     map[string]bool
	seed     uint64
	sequence int64 // rows of the shortest sequence, -1 if there is none
}

func newReader(o connect.Options, seed uint64) *reader {
	return &reader{options: o, read: map[string]bool{}, seed: strided.Mix(seed + 1), sequence: -1}
}

// get returns an option of the field at a path.
func (r *reader) get(path, option string) (string, bool) {
	key := fieldPrefix + path + "." + option
	v, ok := r.options[key]
	r.read[key] = true
	return v, ok
}

func (r *reader) fail(path, option string, format string, args ...any) error {
	return fmt.Errorf("option '%s%s.%s': %s", fieldPrefix, path, option, fmt.Sprintf(format, args...))
}

// column returns the column at a path: a name, followed for what is inside by
// a ROW's field, element, key or value.
func (r *reader) column(path string, t types.Type, top bool) (*column, error) {
	c := &column{typ: t, width: 8}
	c.key = r.seed
	for _, b := range []byte(path) {
		c.key = strided.Mix(c.key + uint64(b))
	}
	kind, ok := r.get(path, "kind")
	if ok && kind == "sequence" {
		if !top {
			return nil, r.fail(path, "kind", "only a column can be a sequence")
		}
		return c, r.sequenceOf(c, path)
	}
	if v, ok := r.get(path, "null-rate"); ok {
		var err error
		if c.nullRate, err = strconv.ParseFloat(v, 64); err != nil {
			return nil, r.fail(path, "null-rate", "%v", err)
		}
	}
	return c, r.random(c, path)
}

// sequenceOf makes c count.
func (r *reader) sequenceOf(c *column, path string) error {
	var ends [2]int64
	for i, option := range []string{"start", "end"} {
		v, ok := r.get(path, option)
		if !ok {
			return r.fail(path, option, "a sequence needs it")
		}
		var err error
		if ends[i], err = strconv.ParseInt(v, 10, 64); err != nil {
			return r.fail(path, option, "'%s' is not a whole number", v)
		}
	}
	start, n := ends[0], ends[1]-ends[0]+1
	if n <= 0 {
		return r.fail(path, "end", "%d is before the start %d", ends[1], start)
	}
	if r.sequence < 0 || n < r.sequence {
		r.sequence = n
	}
	unit := int64(1) // a decimal's ones
	if c.typ.Kind == types.Decimal && c.typ.Scale <= 18 {
		for range c.typ.Scale {
			unit *= 10
		}
	}
	switch {
	case c.typ.Numeric():
		c.fill = func(ids []uint64, _ vec.Bitmap, _ clock) vec.Vector {
			return numbers(c.typ, len(ids), nil, func(i int) int64 { return (start + int64(ids[i])) * unit },
				func(i int) float64 { return float64(start + int64(ids[i])) })
		}
	case c.typ.Character():
		c.width = 24
		c.fill = func(ids []uint64, _ vec.Bitmap, _ clock) vec.Vector {
			out := &vec.Bytes{Offs: make([]uint32, 1, len(ids)+1)}
			for _, id := range ids {
				out.Data = strconv.AppendInt(out.Data, start+int64(id), 10)
				out.Offs = append(out.Offs, uint32(len(out.Data)))
			}
			return out
		}
	case c.typ.Bytes(): // eight bytes whatever the length, as in Flink
		c.width = 12
		c.fill = func(ids []uint64, _ vec.Bitmap, _ clock) vec.Vector {
			out := &vec.Bytes{Offs: make([]uint32, 1, len(ids)+1)}
			for _, id := range ids {
				out.Data = binary.BigEndian.AppendUint64(out.Data, uint64(start)+id)
				out.Offs = append(out.Offs, uint32(len(out.Data)))
			}
			return out
		}
	default:
		return r.fail(path, "kind", "%s cannot be a sequence", c.typ.Name())
	}
	return nil
}

// numbers makes a column of a numeric type, a time or an interval.
func numbers(t types.Type, n int, valid vec.Bitmap, whole func(i int) int64, float func(i int) float64) vec.Vector {
	switch t.Phys() {
	case types.PhysInt8:
		return each(n, valid, func(i int) int8 { return int8(whole(i)) })
	case types.PhysInt16:
		return each(n, valid, func(i int) int16 { return int16(whole(i)) })
	case types.PhysInt32:
		return each(n, valid, func(i int) int32 { return int32(whole(i)) })
	case types.PhysFloat32:
		return each(n, valid, func(i int) float32 { return float32(float(i)) })
	case types.PhysFloat64:
		return each(n, valid, float)
	case types.PhysInt128:
		return each(n, valid, func(i int) types.Int128 { x := whole(i); return types.Int128{Lo: uint64(x), Hi: x >> 63} })
	}
	return each(n, valid, whole)
}

func each[T vec.Scalar](n int, valid vec.Bitmap, value func(i int) T) vec.Vector {
	out := make([]T, n)
	for i := range out {
		out[i] = value(i)
	}
	return &vec.Fixed[T]{Vals: out, Valid: valid}
}

// random makes c random.
func (r *reader) random(c *column, path string) error {
	switch c.typ.Kind {
	case types.Boolean:
		c.fill = func(ids []uint64, valid vec.Bitmap, _ clock) vec.Vector {
			return each(len(ids), valid, func(i int) bool { return c.draw(ids[i])>>63 == 1 })
		}
		return nil
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt, types.IntervalMonth, types.IntervalSecond:
		return r.randomInt(c, path)
	case types.Float, types.Double:
		return r.randomFloat(c, path)
	case types.Decimal:
		return r.randomDecimal(c, path)
	case types.Char, types.Varchar, types.Binary, types.Varbinary:
		return r.randomBytes(c, path)
	case types.Date, types.Time:
		c.fill = func(ids []uint64, valid vec.Bitmap, t clock) vec.Vector {
			day := time.UnixMicro(t.local()).UTC().Truncate(24 * time.Hour)
			at := day.Unix() / 86400
			if c.typ.Kind == types.Time {
				at = floor((t.local()-day.UnixMicro())/1000, 3-c.typ.Prec)
			}
			return each(len(ids), valid, func(int) int32 { return int32(at) })
		}
		return nil
	case types.Timestamp, types.TimestampLTZ:
		return r.randomStamp(c, path)
	case types.Array, types.Map, types.Multiset:
		return r.randomCollection(c, path)
	case types.Row:
		return r.randomRow(c, path)
	}
	return fmt.Errorf("column '%s': datagen makes no %s", path, c.typ.Name())
}

// A scope is the values from lo to hi.
type scope[T any] struct{ lo, hi T }

// limits reads min and max with a parser of the type's values; def is what they
// are without.
func limits[T any](r *reader, path string, def, all scope[T], parse func(string) (T, error), less func(a, b T) bool) (lo, hi T, err error) {
	lo, hi = def.lo, def.hi
	for _, o := range []struct {
		option string
		to     *T
	}{{"min", &lo}, {"max", &hi}} {
		v, ok := r.get(path, o.option)
		if !ok {
			continue
		}
		if *o.to, err = parse(v); err != nil || less(*o.to, all.lo) || less(all.hi, *o.to) {
			return lo, hi, r.fail(path, o.option, "'%s' is not a value of the type", v)
		}
	}
	if less(hi, lo) {
		return lo, hi, r.fail(path, "max", "it is below min")
	}
	return lo, hi, nil
}

// yearsMax is Flink's default for the longest interval.
const yearsMax = 10_000

func (r *reader) randomInt(c *column, path string) error {
	all := map[types.Kind]scope[int64]{
		types.TinyInt: {math.MinInt8, math.MaxInt8}, types.SmallInt: {math.MinInt16, math.MaxInt16}, types.Int: {math.MinInt32, math.MaxInt32},
		types.BigInt: {math.MinInt64, math.MaxInt64}, types.IntervalMonth: {math.MinInt64, math.MaxInt64}, types.IntervalSecond: {math.MinInt64, math.MaxInt64},
	}[c.typ.Kind]
	def := all
	switch c.typ.Kind {
	case types.IntervalMonth:
		def = scope[int64]{0, 12 * yearsMax}
	case types.IntervalSecond:
		def = scope[int64]{0, yearsMax * 365 * 24 * 3600 * 1000}
	}
	lo, hi, err := limits(r, path, def, all, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) },
		func(a, b int64) bool { return a < b })
	c.fill = func(ids []uint64, valid vec.Bitmap, _ clock) vec.Vector {
		return numbers(c.typ, len(ids), valid, func(i int) int64 { return between(c.draw(ids[i]), lo, hi) }, nil)
	}
	return err
}

// between maps a random number to lo..hi.
func between(x uint64, lo, hi int64) int64 {
	n := uint64(hi) - uint64(lo) + 1
	if n == 0 {
		return int64(x)
	}
	at, _ := bits.Mul64(x, n)
	return int64(uint64(lo) + at)
}

func (r *reader) randomFloat(c *column, path string) error {
	def, all := scope[float64]{math.SmallestNonzeroFloat64, math.MaxFloat64}, scope[float64]{-math.MaxFloat64, math.MaxFloat64}
	if c.typ.Kind == types.Float { // the default is Java's MIN_VALUE, and so Flink's
		def, all = scope[float64]{math.SmallestNonzeroFloat32, math.MaxFloat32}, scope[float64]{-math.MaxFloat32, math.MaxFloat32}
	}
	lo, hi, err := limits(r, path, def, all, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) },
		func(a, b float64) bool { return !(a >= b) })
	c.fill = func(ids []uint64, valid vec.Bitmap, _ clock) vec.Vector {
		return numbers(c.typ, len(ids), valid, nil, func(i int) float64 {
			u := float64(c.draw(ids[i])>>11) / (1 << 53)
			return float64(lo*(1-u)) + float64(hi*u)
		})
	}
	return err
}

func (r *reader) randomDecimal(c *column, path string) error {
	parse := func(s string) (*big.Int, error) {
		x, ok := new(big.Rat).SetString(s)
		if !ok {
			return nil, fmt.Errorf("'%s' is not a number", s)
		}
		x.Mul(x, new(big.Rat).SetInt(power10(c.typ.Scale)))
		return new(big.Int).Quo(x.Num(), x.Denom()), nil
	}
	most := new(big.Int).Sub(power10(c.typ.Prec), big.NewInt(1))
	def, all := scope[*big.Int]{new(big.Int), most}, scope[*big.Int]{new(big.Int).Neg(most), most}
	lo, hi, err := limits(r, path, def, all, parse, func(a, b *big.Int) bool { return a.Cmp(b) < 0 })
	if err != nil {
		return err
	}
	if c.typ.Phys() == types.PhysInt64 {
		c.fill = func(ids []uint64, valid vec.Bitmap, _ clock) vec.Vector {
			return numbers(c.typ, len(ids), valid, func(i int) int64 { return between(c.draw(ids[i]), lo.Int64(), hi.Int64()) }, nil)
		}
		return nil
	}
	c.width = 16
	n := new(big.Int).Sub(hi, lo)
	n.Add(n, big.NewInt(1))
	c.fill = func(ids []uint64, valid vec.Bitmap, _ clock) vec.Vector {
		return each(len(ids), valid, func(i int) types.Int128 {
			x := new(big.Int).SetUint64(c.draw(ids[i]))
			x.Lsh(x, 64).Or(x, new(big.Int).SetUint64(strided.Mix(c.draw(ids[i]))))
			return int128(x.Rsh(x.Mul(x, n), 128).Add(x, lo))
		})
	}
	return nil
}

func power10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func int128(x *big.Int) types.Int128 {
	low := new(big.Int).And(x, new(big.Int).SetUint64(math.MaxUint64))
	return types.Int128{Lo: low.Uint64(), Hi: new(big.Int).Rsh(x, 64).Int64()}
}

// The lengths that Flink takes when none is given.
const (
	bytesLen      = 100
	collectionLen = 3
)

// length reads the length of strings and collections.
func (r *reader) length(path string, def int) (int, bool, error) {
	v, ok := r.get(path, "length")
	if !ok {
		return def, false, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 1<<20 {
		return 0, true, r.fail(path, "length", "'%s' is not a length from 0 to %d", v, 1<<20)
	}
	return n, true, nil
}

func (r *reader) randomBytes(c *column, path string) error {
	fixed := c.typ.Kind == types.Char || c.typ.Kind == types.Binary
	def := c.typ.Len
	if def == types.MaxLen {
		def = bytesLen
	}
	n, given, err := r.length(path, def)
	varies := false
	if v, ok := r.get(path, "var-len"); ok && err == nil {
		if varies, err = (connect.Options{"it": v}).Bool("it", false); err == nil && varies && fixed {
			err = r.fail(path, "var-len", "%s has one length", c.typ.Name())
		}
	}
	switch {
	case err != nil:
		return err
	case given && (n > c.typ.Len || fixed && n != c.typ.Len):
		return r.fail(path, "length", "%d is not a length of %s", n, c.typ.Name())
	}
	c.width = n + 4
	hex := c.typ.Character()
	c.fill = func(ids []uint64, valid vec.Bitmap, _ clock) vec.Vector {
		out := &vec.Bytes{Offs: make([]uint32, 1, len(ids)+1), Data: make([]byte, 0, len(ids)*n+16), Valid: valid}
		for i, id := range ids {
			x, m := c.draw(id), n
			if varies {
				m = int(between(x, 1, int64(max(n-1, 1)))) // never the full length, as in Flink
			}
			if !valid.Null(i) {
				out.Data = appendRandom(out.Data, strided.Mix(x), m, hex)
			}
			out.Offs = append(out.Offs, uint32(len(out.Data)))
		}
		return out
	}
	return nil
}

// appendRandom appends n random bytes, or hexadecimal digits.
func appendRandom(dst []byte, x uint64, n int, hex bool) []byte {
	end := len(dst) + n
	for len(dst) < end {
		x = strided.Random(x, 1)
		if !hex {
			dst = binary.LittleEndian.AppendUint64(dst, x)
			continue
		}
		for shift := 0; shift < 64; shift += 4 {
			dst = append(dst, "0123456789abcdef"[x>>shift&15])
		}
	}
	return dst[:end]
}

func (r *reader) randomStamp(c *column, path string) error {
	var past time.Duration
	if v, ok := r.get(path, "max-past"); ok {
		var err error
		if past, err = connect.ParseDuration(v); err != nil {
			return r.fail(path, "max-past", "%v", err)
		}
	}
	c.fill = func(ids []uint64, valid vec.Bitmap, t clock) vec.Vector {
		now := t.now
		if c.typ.Kind == types.Timestamp {
			now = t.local()
		}
		now -= now % 1000 // milliseconds, as in Flink
		at := func(i int) int64 { return now - between(c.draw(ids[i]), 0, past.Milliseconds())*1000 }
		if c.typ.Prec > 6 {
			return each(len(ids), valid, func(i int) types.Int128 { return int128(new(big.Int).Mul(big.NewInt(at(i)), big.NewInt(1000))) })
		}
		return each(len(ids), valid, func(i int) int64 { return floor(at(i), 6-c.typ.Prec) })
	}
	return nil
}

// floor sets the last digits of a time to zero.
func floor(x int64, digits int) int64 {
	unit := int64(1)
	for range digits {
		unit *= 10
	}
	return x - x%unit
}

func (r *reader) randomRow(c *column, path string) error {
	var fields []*column
	c.width = 0
	for _, f := range c.typ.Fields {
		kid, err := r.column(path+"."+f.Name, f.Type, false)
		if err != nil {
			return err
		}
		fields = append(fields, kid)
		c.width += kid.width
	}
	c.fill = func(ids []uint64, valid vec.Bitmap, t clock) vec.Vector {
		out := &vec.Row{N: len(ids), Valid: valid}
		for _, f := range fields {
			out.Fields = append(out.Fields, f.make(ids, t))
		}
		return out
	}
	return nil
}

// randomCollection makes arrays, maps and multisets. Maps and multisets may come
// out shorter, for an equal key counts once.
func (r *reader) randomCollection(c *column, path string) error {
	n, _, err := r.length(path, collectionLen)
	if err != nil {
		return err
	}
	elemPath, key := path+".element", (*column)(nil)
	if c.typ.Kind == types.Map {
		elemPath = path + ".value"
		if key, err = r.column(path+".key", *c.typ.Key, false); err != nil {
			return err
		}
	}
	elem, err := r.column(elemPath, *c.typ.Elem, false)
	if err != nil {
		return err
	}
	c.width = 4 + n*elem.width
	if key != nil {
		c.width += n * key.width
	}
	c.fill = func(ids []uint64, valid vec.Bitmap, t clock) vec.Vector {
		offs, inner := make([]uint32, 1, len(ids)+1), make([]uint64, 0, n*len(ids))
		for i, id := range ids {
			for k := 0; k < n && !valid.Null(i); k++ {
				inner = append(inner, c.draw(id)+uint64(k))
			}
			offs = append(offs, uint32(len(inner)))
		}
		switch {
		case key != nil:
			return distinct(offs, key.typ, key.make(inner, t), func(first []int32, _ []int64) vec.Vector { return vec.Take(elem.make(inner, t), first) }, valid)
		case c.typ.Kind == types.Multiset:
			return distinct(offs, elem.typ, elem.make(inner, t), func(_ []int32, counts []int64) vec.Vector {
				return numbers(types.TInt, len(counts), nil, func(i int) int64 { return counts[i] }, nil)
			}, valid)
		}
		return &vec.List{Offs: offs, Elem: elem.make(inner, t), Valid: valid}
	}
	return nil
}

// distinct makes a map from keys of which each row has some twice: values is given
// the place of each key's first occurrence and how often it occurs.
func distinct(offs []uint32, t types.Type, keys vec.Vector, values func(first []int32, counts []int64) vec.Vector, valid vec.Bitmap) vec.Vector {
	var first []int32
	var counts []int64
	out := &vec.Map{Offs: make([]uint32, 1, len(offs)), Valid: valid}
	var text []byte
	for row := range len(offs) - 1 {
		seen := map[string]int{}
		for e := offs[row]; e < offs[row+1]; e++ {
			text = expr.AppendText(text[:0], t, keys, int(e), time.UTC)
			if at, ok := seen[string(text)]; ok {
				counts[at]++
				continue
			}
			seen[string(text)] = len(first)
			first, counts = append(first, int32(e)), append(counts, 1)
		}
		out.Offs = append(out.Offs, uint32(len(first)))
	}
	out.Key, out.Elem = vec.Take(keys, first), values(first, counts)
	return out
}

// Package types holds the SQL types: what a column may contain, how wide it is,
// and the arithmetic and text forms of the values that Go has no type for.
//
// # Physical forms
//
// Each type has one form in a vec.Vector:
//
//	BOOLEAN                    bool
//	TINYINT SMALLINT INT BIGINT int8 int16 int32 int64
//	FLOAT DOUBLE               float32 float64
//	DECIMAL(p<=18, s)          int64, the unscaled value
//	DECIMAL(p>18, s)           Int128, the unscaled value
//	CHAR VARCHAR STRING        bytes, UTF-8
//	BINARY VARBINARY BYTES     bytes
//	DATE                       int32, days since 1970-01-01
//	TIME(p)                    int32, milliseconds since midnight
//	TIMESTAMP(p<=6)            int64, microseconds since 1970-01-01 00:00:00, no zone
//	TIMESTAMP_LTZ(p<=6)        int64, microseconds since the epoch in UTC
//	TIMESTAMP[_LTZ](p>6)       Int128, nanoseconds since the same
//	INTERVAL YEAR TO MONTH     int64, months
//	INTERVAL DAY TO SECOND     int64, milliseconds
//	ARRAY, MAP, MULTISET, ROW  offsets and child vectors
//	VARIANT                    bytes, as internal/expr/variant writes them
//	BITMAP                     bytes, as internal/expr/roar writes them
package types

import (
	"fmt"
	"slices"
	"strings"
)

// A Kind is the root of a type.
type Kind uint8

// The kinds, in Flink's order. Null is the type of a bare NULL before it meets
// a context that gives it another.
const (
	Null Kind = iota
	Boolean
	TinyInt
	SmallInt
	Int
	BigInt
	Float
	Double
	Decimal
	Char
	Varchar
	Binary
	Varbinary
	Date
	Time
	Timestamp
	TimestampLTZ
	IntervalMonth  // INTERVAL YEAR TO MONTH and its parts
	IntervalSecond // INTERVAL DAY TO SECOND and its parts
	Array
	Map
	Multiset
	Row
	Variant // a value that carries its type
	Bitmap  // a set of 32-bit integers
)

var kindNames = [...]string{"NULL", "BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL",
	"CHAR", "VARCHAR", "BINARY", "VARBINARY", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ",
	"INTERVAL YEAR TO MONTH", "INTERVAL DAY TO SECOND", "ARRAY", "MAP", "MULTISET", "ROW", "VARIANT", "BITMAP"}

// String returns the SQL name without parameters.
func (k Kind) String() string { return kindNames[k] }

// MaxLen is the length of STRING and BYTES.
const MaxLen = 1<<31 - 1

// A Type is a SQL type. The zero Type is NULL. Types are values; treat Elem, Key
// and Fields as read-only.
type Type struct {
	Kind     Kind
	NotNull  bool
	Len      int     `json:",omitempty"` // CHAR, VARCHAR, BINARY, VARBINARY: characters or bytes
	Prec     int     `json:",omitempty"` // DECIMAL: digits; TIME, TIMESTAMP: digits after the second
	Scale    int     `json:",omitempty"` // DECIMAL: digits after the point
	Elem     *Type   `json:",omitempty"` // ARRAY, MULTISET: element; MAP: value
	Key      *Type   `json:",omitempty"` // MAP
	Fields   []Field `json:",omitempty"` // ROW
	Rowtime  bool    `json:",omitempty"` // a time attribute: a timestamp with a watermark
	Proctime bool    `json:",omitempty"` // the processing-time attribute
}

// A Field is a named column of a ROW or of a table.
type Field struct {
	Name    string
	Type    Type
	Comment string `json:",omitempty"`
}

// A Schema is the columns of a table or of a stream.
type Schema []Field

// The types without parameters, nullable.
var (
	TNull    = Type{Kind: Null}
	TBoolean = Type{Kind: Boolean}
	TInt     = Type{Kind: Int}
	TBigInt  = Type{Kind: BigInt}
	TDouble  = Type{Kind: Double}
	TString  = Type{Kind: Varchar, Len: MaxLen}
	TBytes   = Type{Kind: Varbinary, Len: MaxLen}
	TDate    = Type{Kind: Date}
	TVariant = Type{Kind: Variant}
	TBitmap  = Type{Kind: Bitmap}
)

// Of returns the nullable type of a kind that needs no parameters; VARCHAR and
// VARBINARY become STRING and BYTES, timestamps have precision 6, times 0.
func Of(k Kind) Type {
	switch k {
	case Varchar, Varbinary:
		return Type{Kind: k, Len: MaxLen}
	case Char, Binary:
		return Type{Kind: k, Len: 1}
	case Timestamp, TimestampLTZ:
		return Type{Kind: k, Prec: 6}
	case Decimal:
		return Type{Kind: k, Prec: 10}
	}
	return Type{Kind: k}
}

// DecimalOf returns DECIMAL(p, s).
func DecimalOf(p, s int) Type { return Type{Kind: Decimal, Prec: p, Scale: s} }

// TimestampOf returns TIMESTAMP(p).
func TimestampOf(p int) Type { return Type{Kind: Timestamp, Prec: p} }

// LTZOf returns TIMESTAMP_LTZ(p).
func LTZOf(p int) Type { return Type{Kind: TimestampLTZ, Prec: p} }

// ArrayOf returns ARRAY<elem>.
func ArrayOf(elem Type) Type { return Type{Kind: Array, Elem: &elem} }

// MapOf returns MAP<key, val>.
func MapOf(key, val Type) Type { return Type{Kind: Map, Key: &key, Elem: &val} }

// MultisetOf returns MULTISET<elem>.
func MultisetOf(elem Type) Type { return Type{Kind: Multiset, Elem: &elem} }

// RowOf returns ROW<fields>.
func RowOf(fields ...Field) Type { return Type{Kind: Row, Fields: fields} }

// Nullable returns t with NULL allowed, or not.
func (t Type) Nullable(yes bool) Type { t.NotNull = !yes; return t }

// Plain returns t without its time attribute.
func (t Type) Plain() Type { t.Rowtime, t.Proctime = false, false; return t }

// Phys is how the values of a type lie in memory.
type Phys uint8

// The physical forms.
const (
	PhysBool Phys = iota
	PhysInt8
	PhysInt16
	PhysInt32
	PhysInt64
	PhysFloat32
	PhysFloat64
	PhysInt128
	PhysBytes
	PhysList // ARRAY
	PhysMap  // MAP and MULTISET
	PhysRow
)

// Phys returns the physical form of t's values; NULL has the form of BOOLEAN.
func (t Type) Phys() Phys {
	switch t.Kind {
	case TinyInt:
		return PhysInt8
	case SmallInt:
		return PhysInt16
	case Int, Date, Time:
		return PhysInt32
	case BigInt, IntervalMonth, IntervalSecond:
		return PhysInt64
	case Timestamp, TimestampLTZ:
		if t.Prec > 6 {
			return PhysInt128
		}
		return PhysInt64
	case Decimal:
		if t.Prec > 18 {
			return PhysInt128
		}
		return PhysInt64
	case Float:
		return PhysFloat32
	case Double:
		return PhysFloat64
	case Char, Varchar, Binary, Varbinary, Variant, Bitmap:
		return PhysBytes
	case Array:
		return PhysList
	case Map, Multiset:
		return PhysMap
	case Row:
		return PhysRow
	}
	return PhysBool
}

// Integer reports whether t is TINYINT, SMALLINT, INT or BIGINT.
func (t Type) Integer() bool { return t.Kind >= TinyInt && t.Kind <= BigInt }

// Approx reports whether t is FLOAT or DOUBLE.
func (t Type) Approx() bool { return t.Kind == Float || t.Kind == Double }

// Numeric reports whether t is a number.
func (t Type) Numeric() bool { return t.Kind >= TinyInt && t.Kind <= Decimal }

// Character reports whether t is CHAR or VARCHAR.
func (t Type) Character() bool { return t.Kind == Char || t.Kind == Varchar }

// Bytes reports whether t is BINARY or VARBINARY.
func (t Type) Bytes() bool { return t.Kind == Binary || t.Kind == Varbinary }

// Coded reports whether t is VARIANT or BITMAP: its values are bytes in a form of
// their own, which users do not see.
func (t Type) Coded() bool { return t.Kind == Variant || t.Kind == Bitmap }

// Stamp reports whether t is TIMESTAMP or TIMESTAMP_LTZ.
func (t Type) Stamp() bool { return t.Kind == Timestamp || t.Kind == TimestampLTZ }

// Interval reports whether t is an interval.
func (t Type) Interval() bool { return t.Kind == IntervalMonth || t.Kind == IntervalSecond }

// Equal reports whether the types are the same in all but nullability, field
// names and time attributes.
func (t Type) Equal(u Type) bool {
	if t.Kind != u.Kind || t.Len != u.Len || t.Prec != u.Prec || t.Scale != u.Scale || len(t.Fields) != len(u.Fields) {
		return false
	}
	same := func(a, b *Type) bool { return a == b || a != nil && b != nil && a.Equal(*b) }
	return same(t.Elem, u.Elem) && same(t.Key, u.Key) &&
		slices.EqualFunc(t.Fields, u.Fields, func(a, b Field) bool { return a.Type.Equal(b.Type) })
}

// String returns the type as Flink's DESCRIBE writes it: INT NOT NULL,
// VARCHAR(10), STRING, TIMESTAMP(3), ROW<`a` INT>.
func (t Type) String() string {
	s := t.Name()
	if t.NotNull {
		s += " NOT NULL"
	}
	return s
}

// Name returns the type without its nullability.
func (t Type) Name() string {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("DECIMAL(%d, %d)", t.Prec, t.Scale)
	case Varchar:
		if t.Len == MaxLen {
			return "STRING"
		}
	case Varbinary:
		if t.Len == MaxLen {
			return "BYTES"
		}
	case Time, Timestamp, TimestampLTZ:
		return fmt.Sprintf("%s(%d)", t.Kind, t.Prec)
	case Array:
		return "ARRAY<" + t.Elem.String() + ">"
	case Multiset:
		return "MULTISET<" + t.Elem.String() + ">"
	case Map:
		return "MAP<" + t.Key.String() + ", " + t.Elem.String() + ">"
	case Row:
		var parts []string
		for _, f := range t.Fields {
			parts = append(parts, "`"+strings.ReplaceAll(f.Name, "`", "``")+"` "+f.Type.String())
		}
		return "ROW<" + strings.Join(parts, ", ") + ">"
	}
	switch t.Kind {
	case Char, Varchar, Binary, Varbinary:
		return fmt.Sprintf("%s(%d)", t.Kind, t.Len)
	}
	return t.Kind.String()
}

// Index returns the position of the column of that name, or -1.
func (s Schema) Index(name string) int {
	return slices.IndexFunc(s, func(f Field) bool { return f.Name == name })
}

// Names returns the column names.
func (s Schema) Names() []string {
	out := make([]string, len(s))
	for i, f := range s {
		out[i] = f.Name
	}
	return out
}

// Types returns the column types.
func (s Schema) Types() []Type {
	out := make([]Type, len(s))
	for i, f := range s {
		out[i] = f.Type
	}
	return out
}

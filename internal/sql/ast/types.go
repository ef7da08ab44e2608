package ast

// Nullability is NOT NULL, NULL or nothing after a type.
type Nullability uint8

// The nullabilities.
const (
	NullUnset Nullability = iota
	NotNull
	Nullable // NULL was written
)

// TypeName is a data type as written, with synonyms resolved to one Name:
//
//	CHAR VARCHAR STRING BINARY VARBINARY BYTES BOOLEAN
//	DECIMAL TINYINT SMALLINT INT BIGINT FLOAT DOUBLE
//	DATE TIME TIMESTAMP TIMESTAMP_LTZ TIMESTAMP_TZ INTERVAL
//	ARRAY MULTISET MAP ROW STRUCTURED RAW NULL VARIANT BITMAP DESCRIPTOR
//
// INTEGER is INT, DEC and NUMERIC are DECIMAL, DOUBLE PRECISION is DOUBLE,
// CHARACTER [VARYING] is CHAR, VARCHAR, "TIMESTAMP(3) WITH LOCAL TIME ZONE" is
// TIMESTAMP_LTZ(3), "INT ARRAY" is ARRAY<INT>. Any other name is a user's type
// and stands in Path, with Name "".
type TypeName struct {
	Pos
	Name     string
	Path     Path
	Args     []int // length, or precision and scale; empty when not written
	Nulls    Nullability
	Key      *TypeName  // of MAP
	Elem     *TypeName  // of ARRAY, MULTISET, and the value of MAP
	Fields   []RowField // of ROW and STRUCTURED
	Interval *IntervalRange
	Class    string // of RAW and STRUCTURED
	Snapshot string // of RAW: the serializer, Base64
}

// RowField is one field of a ROW or STRUCTURED type.
type RowField struct {
	Pos
	Name    Name
	Type    *TypeName
	Comment *string
}

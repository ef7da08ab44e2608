package ast

// NullsOrder is NULLS FIRST or NULLS LAST.
type NullsOrder uint8

// The null orders.
const (
	NullsDefault NullsOrder = iota
	NullsFirst
	NullsLast
)

// SortItem is one expression of ORDER BY.
type SortItem struct {
	Pos
	X     Expr
	Desc  bool
	Nulls NullsOrder
}

// WindowSpec is what follows OVER, or a window's definition: a window named in
// the WINDOW clause (OVER w: only Ref is set), one that extends it, or one of its own.
type WindowSpec struct {
	Pos
	Ref         Name // Text "" when no other window is named
	PartitionBy []Expr
	OrderBy     []SortItem
	Frame       *Frame
}

// NamedWindow is one definition of the WINDOW clause.
type NamedWindow struct {
	Pos
	Name Name
	Spec *WindowSpec
}

// FrameUnit is ROWS or RANGE.
type FrameUnit uint8

// The frame units.
const (
	FrameRows FrameUnit = iota
	FrameRange
)

// Frame is ROWS or RANGE with its bounds. End is nil in the short form
// (ROWS 3 PRECEDING), which means up to the current row.
type Frame struct {
	Pos
	Unit  FrameUnit
	Start Bound
	End   *Bound
}

// BoundKind is the kind of a frame's bound.
type BoundKind uint8

// The bounds.
const (
	UnboundedPreceding BoundKind = iota
	Preceding                    // Offset PRECEDING
	CurrentRow
	Following // Offset FOLLOWING
	UnboundedFollowing
)

// Bound is one end of a frame.
type Bound struct {
	Pos
	Kind   BoundKind
	Offset Expr // with Preceding and Following
}

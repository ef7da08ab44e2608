package vec

import "fmt"

// A RowKind says what a row does to the table that its stream describes.
type RowKind uint8

// The kinds of change.
const (
	Insert       RowKind = iota // +I the row now exists
	UpdateBefore                // -U the row that the following +U replaces
	UpdateAfter                 // +U the row that replaces the one before it
	Delete                      // -D the row no longer exists
)

// String returns the kind as Flink prints it: +I, -U, +U or -D.
func (k RowKind) String() string { return [...]string{"+I", "-U", "+U", "-D"}[k] }

// Adds reports whether the row joins the table (+I, +U) rather than leaves it.
func (k RowKind) Adds() bool { return k == Insert || k == UpdateAfter }

// Limits of a batch that an operator or a source makes.
const (
	BatchRowsMax  = 4096
	BatchBytesMax = 1 << 20
)

// A Mark is a watermark's place in a batch: the rows that count with a position
// (as Batch.Row gives it, so a column position) below Row came before it. Time is
// in microseconds: no later row has an event time <= Time, but for late ones.
type Mark struct {
	Row  int32
	Time int64
}

// A Batch is a run of rows of one stream, in stream order.
//
// The nil Kinds means that every row is an Insert, so append-only streams pay
// nothing for the changelog. The nil Sel means that every row counts; a filter
// sets Sel instead of copying columns. A batch may have no rows and yet marks.
type Batch struct {
	Cols  []Vector
	Rows  int       // rows in each column
	Sel   []int32   // column positions that count, ascending; nil means all of them
	Kinds []RowKind // kind of each column position; nil means all Insert
	Marks []Mark    // ascending in Row and in Time
}

// Len returns the number of rows that count.
func (b *Batch) Len() int {
	if b.Sel != nil {
		return len(b.Sel)
	}
	return b.Rows
}

// Row returns the column position of the i'th row that counts.
func (b *Batch) Row(i int) int {
	if b.Sel != nil {
		return int(b.Sel[i])
	}
	return i
}

// Kind returns the kind of the row at a column position.
func (b *Batch) Kind(row int) RowKind {
	if b.Kinds == nil {
		return Insert
	}
	return b.Kinds[row]
}

// Check reports what is wrong with the batch's shape, for assertions at seams.
func (b *Batch) Check() error {
	for i, c := range b.Cols {
		if c.Len() != b.Rows {
			return fmt.Errorf("column %d has %d rows, the batch %d", i, c.Len(), b.Rows)
		}
	}
	if b.Kinds != nil && len(b.Kinds) != b.Rows {
		return fmt.Errorf("%d kinds for %d rows", len(b.Kinds), b.Rows)
	}
	for i, r := range b.Sel {
		if int(r) >= b.Rows || i > 0 && b.Sel[i-1] >= r {
			return fmt.Errorf("selection is not ascending below %d rows at %d", b.Rows, i)
		}
	}
	for i, m := range b.Marks {
		if int(m.Row) > b.Rows || i > 0 && (b.Marks[i-1].Row > m.Row || b.Marks[i-1].Time > m.Time) {
			return fmt.Errorf("mark %d is out of order", i)
		}
	}
	return nil
}

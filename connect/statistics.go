package connect

// Statistics is what a connector can say of a table without reading its rows. It is
// for estimates: a plan never relies on it.
type Statistics struct {
	Rows    float64
	Columns []ColumnStatistics // by position in Table.Schema; nil: nothing is known
}

// ColumnStatistics describes the values of a column.
type ColumnStatistics struct {
	Distinct float64 // 0: not known
	Nulls    float64 // share of the rows, 0 if it is not known
	// Min and Max bound the values, if Ranged: numbers as they are, dates in days and
	// timestamps in microseconds since 1970.
	Ranged   bool
	Min, Max float64
}

package connect

// A Store is a table whose stored rows statements can take away: TRUNCATE TABLE,
// ALTER TABLE … DROP PARTITION, and UPDATE and DELETE, which write the table anew
// with Write.Replace. Other jobs that read or write the table see what it was or
// what it is, nothing between. Its methods are called while no job of the
// statement runs.
type Store interface {
	// Replaceable says why a job cannot read the table and write it anew, or nil.
	Replaceable() error
	Truncate() error
	// Partitions returns the values of each partition's columns, in the order of
	// Table.PartitionBy and as text, sorted; nil is NULL.
	Partitions() ([][]*string, error)
	// AddPartition makes an empty partition. It reports whether there was none.
	AddPartition(values []*string) (added bool, err error)
	// DropPartition removes a partition. It reports whether there was one.
	DropPartition(values []*string) (dropped bool, err error)
	// PartitionName is how a partition is named in a listing: k=v/k=v.
	PartitionName(values []*string) string
}

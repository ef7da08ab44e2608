package ast

// Alter is ALTER of any kind of object: one action.
type Alter struct {
	Source
	Object    Object
	Temporary bool
	System    bool
	IfExists  bool
	Name      Path
	Action    AlterAction
}

// AlterAction is what an Alter does: one of the types below.
type AlterAction interface {
	Node
	alterAction()
}

// RenameTo is RENAME TO name.
type RenameTo struct {
	Pos
	To Path
}

// SetOptions is SET ('k' = 'v').
type SetOptions struct {
	Pos
	Options []Option
}

// ResetOptions is RESET ('k').
type ResetOptions struct {
	Pos
	Keys []string
}

// SetComment is COMMENT 'text'.
type SetComment struct {
	Pos
	Comment string
}

// SetQuery is AS query.
type SetQuery struct {
	Pos
	Query *Query
}

// SetFunction is AS 'class' [LANGUAGE …] of ALTER FUNCTION.
type SetFunction struct {
	Pos
	Class    string
	Language string
}

// AddSchema is ADD column, watermark, constraint, or a list of them.
type AddSchema struct {
	Pos
	Schema Schema
}

// ModifySchema is MODIFY with the same contents as AddSchema.
type ModifySchema struct {
	Pos
	Schema Schema
}

// RenameColumn is RENAME column TO name.
type RenameColumn struct {
	Pos
	From Path
	To   Path
}

// DropColumns is DROP column or DROP (columns).
type DropColumns struct {
	Pos
	Columns []Path
}

// DropPrimaryKey is DROP PRIMARY KEY.
type DropPrimaryKey struct{ Pos }

// DropConstraint is DROP CONSTRAINT name.
type DropConstraint struct {
	Pos
	Name Name
}

// DropWatermark is DROP WATERMARK.
type DropWatermark struct{ Pos }

// PartitionValue is column = value in PARTITION (…); Value is nil when only
// the column is named.
type PartitionValue struct {
	Pos
	Column Name
	Value  Expr
}

// PartitionSpec is PARTITION (…) with the options that ADD may give it.
type PartitionSpec struct {
	Pos
	Values  []PartitionValue
	Options []Option
}

// AddPartitions is ADD [IF NOT EXISTS] PARTITION (…) [WITH (…)] ….
type AddPartitions struct {
	Pos
	IfNotExists bool
	Partitions  []PartitionSpec
}

// DropPartitions is DROP [IF EXISTS] PARTITION (…), PARTITION (…).
type DropPartitions struct {
	Pos
	IfExists   bool
	Partitions []PartitionSpec
}

// AddDistribution is ADD DISTRIBUTION ….
type AddDistribution struct {
	Pos
	Distribution *Distribution
}

// ModifyDistribution is MODIFY DISTRIBUTION ….
type ModifyDistribution struct {
	Pos
	Distribution *Distribution
}

// DropDistribution is DROP DISTRIBUTION.
type DropDistribution struct{ Pos }

// Suspend is SUSPEND of a materialized table.
type Suspend struct{ Pos }

// Resume is RESUME [WITH (…)] of a materialized table.
type Resume struct {
	Pos
	Options []Option
}

// Refresh is REFRESH [PARTITION (…)] of a materialized table.
type Refresh struct {
	Pos
	Partition *PartitionSpec
}

// SetFreshness is SET FRESHNESS = interval.
type SetFreshness struct {
	Pos
	Freshness Expr
}

// SetRefreshMode is SET REFRESH_MODE = CONTINUOUS or FULL.
type SetRefreshMode struct {
	Pos
	Mode string
}

func (*RenameTo) alterAction()           {}
func (*SetOptions) alterAction()         {}
func (*ResetOptions) alterAction()       {}
func (*SetComment) alterAction()         {}
func (*SetQuery) alterAction()           {}
func (*SetFunction) alterAction()        {}
func (*AddSchema) alterAction()          {}
func (*ModifySchema) alterAction()       {}
func (*RenameColumn) alterAction()       {}
func (*DropColumns) alterAction()        {}
func (*DropPrimaryKey) alterAction()     {}
func (*DropConstraint) alterAction()     {}
func (*DropWatermark) alterAction()      {}
func (*AddPartitions) alterAction()      {}
func (*DropPartitions) alterAction()     {}
func (*AddDistribution) alterAction()    {}
func (*ModifyDistribution) alterAction() {}
func (*DropDistribution) alterAction()   {}
func (*Suspend) alterAction()            {}
func (*Resume) alterAction()             {}
func (*Refresh) alterAction()            {}
func (*SetFreshness) alterAction()       {}
func (*SetRefreshMode) alterAction()     {}

func (*Alter) statement() {}

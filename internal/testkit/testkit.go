// Package testkit is what tests of whole SQL scripts share: the runner of package
// sqltest with all connectors and formats, and lists of what does not pass yet.
package testkit

import (
	_ "github.com/millrace-io/millrace/internal/cli" // its connectors and formats
	"github.com/millrace-io/millrace/internal/sqltest"
)

// The modes of a script.
const (
	Batch  = sqltest.Batch
	Stream = sqltest.Stream
)

type (
	// A Script is a text of statements and how it runs.
	Script = sqltest.Script
	// A Change is one of a script's result.
	Change = sqltest.Change
	// A Comparison says when two lists of rows are the same.
	Comparison = sqltest.Comparison
)

// ErrTime is the error of a script that has not ended within its limit.
var ErrTime = sqltest.ErrTime

// Lines writes changes as lines.
func Lines(changes []Change) []string { return sqltest.Lines(changes) }

// Fold adds changes up, from nothing; an error names the first that takes away a
// row that is not there.
func Fold(changes []Change) ([]string, error) { return sqltest.Fold(changes) }

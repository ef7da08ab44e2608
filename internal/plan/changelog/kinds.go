// Package changelog finds out which kinds of change each relation of a plan emits.
//
// It does in two passes what Flink's FlinkChangelogModeInferenceProgram does.
// The first goes up from the scans: is a relation insert-only, does it update,
// does it delete, and by which columns are its rows known (upsert keys)? The
// second goes down from the sinks: who needs -U before +U? A relation whose
// receivers all know rows by a key sends +U alone.
package changelog

import (
	"strings"

	"github.com/millrace-io/millrace/vec"
)

// Kinds is a set of kinds of change.
type Kinds uint8

// The kinds, and the sets that occur most.
const (
	I  Kinds = 1 << vec.Insert
	UB Kinds = 1 << vec.UpdateBefore
	UA Kinds = 1 << vec.UpdateAfter
	D  Kinds = 1 << vec.Delete

	InsertOnly = I
	All        = I | UB | UA | D
	UpsertOnly = I | UA | D
)

// Has reports whether k holds all of l.
func (k Kinds) Has(l Kinds) bool { return k&l == l }

// Updates reports whether rows change in place.
func (k Kinds) Updates() bool { return k&UA != 0 }

// Append reports whether rows are only added.
func (k Kinds) Append() bool { return k&^I == 0 }

// String returns the set as Flink's plans write it: I,UB,UA,D.
func (k Kinds) String() string {
	var parts []string
	for i, name := range []string{"I", "UB", "UA", "D"} {
		if k&(1<<i) != 0 {
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, ",")
}

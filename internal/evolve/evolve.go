// Package evolve lets a job that has changed go on with the state of the one that it
// was: it says what of the state is kept, what is written anew and what is lost, and
// writes it.
//
//	old plan ─┐                  ┌─ Report: millrace diff
//	          ├─ match ─ compare ┤
//	new plan ─┘                  └─ Apply: run --restore
//
// An operator is known by its id, which is its path from the sink by the kinds and
// keys on the way; where that has changed, because a table was renamed or an INSERT was
// put in front, by what it does and keeps, if there is just one such. What the words
// and columns of its tables are is known by their origin (statedata.Layout), so it does
// not matter what the query calls them, or in which order.
package evolve

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/statedata"
)

// A Verdict is what becomes of a part of a job.
type Verdict string

// The verdicts.
const (
	Kept     Verdict = "kept"
	Migrated Verdict = "migrated" // written anew in the new form
	Rebuilt  Verdict = "rebuilt"  // it fills itself again
	New      Verdict = "new"      // it begins empty, or at the beginning
	Lost     Verdict = "lost"     // the new job has no use for it
	Refused  Verdict = "refused"  // it cannot be gone on with
)

// An Item is one operator, source or sink, and what becomes of it.
type Item struct {
	Kind    string // operator, source or sink
	Name    string // as the new plan has it, or the old one
	Old     string // its id in the old job, "" if it is new
	New     string // … and in the new one, "" if it is lost
	Verdict Verdict
	Why     []string

	tables []tableChange // Migrated
	unset  bool          // there are values of calls that the old operator did not keep
}

// A Report is what becomes of a job.
type Report struct {
	Items []Item
	moved map[string]string // ids that have changed, old to new
	marks map[string]string // … of vertices
}

// Compare compares two versions of a job. had is what the old one keeps, as a checkpoint
// has it (statedata.Kept), or as this program would keep it.
func Compare(old, now *jobgraph.Graph, had []*statedata.Operator) *Report {
	r := &Report{moved: map[string]string{}, marks: map[string]string{}}
	r.sources(old, now)
	r.operators(had, statedata.OfJob(now))
	r.sinks(old, now)
	r.vertices(old, now)
	return r
}

// Same reports whether all is kept, under the ids that it has.
func (r *Report) Same() bool {
	for _, i := range r.Items {
		if i.Verdict != Kept && i.Verdict != Rebuilt || i.Old != i.New {
			return false
		}
	}
	return true
}

// Refusal is why the new job cannot go on with the state, nil if it can. What is lost is
// no reason: whether that is allowed is for who restores to say.
func (r *Report) Refusal() error {
	for _, i := range r.Items {
		if i.Verdict == Refused {
			return fmt.Errorf("the state of %s %s cannot be gone on with: %s", i.Kind, i.Name, strings.Join(i.Why, "; "))
		}
	}
	return nil
}

func (r *Report) add(i Item) {
	r.Items = append(r.Items, i)
	if i.Old != "" && i.New != "" && i.Old != i.New {
		r.moved[i.Old] = i.New
	}
}

// Package rule improves logical plans. Each rule is in a file of its own and can
// be switched off by its name; without any of them a plan gives the same rows,
// only more slowly (or, for a stream, with other operators).
package rule

import (
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// Options say which rules run.
type Options struct {
	Batch    bool
	Verify   bool // keep the forms that a stream has in batch plans, too
	Reuse    bool // table.optimizer.reuse-sub-plan-enabled
	Zone     string
	Disabled map[string]bool // by name of rule
}

// Optimize applies the rules to a job, to a fixpoint.
func Optimize(job *logical.Job, opts Options) (*logical.Job, error) {
	return job, nil
}

package fn_test

import (
	"testing"

	"github.com/millrace-io/millrace/internal/expr/fn"
)

// Each operator, subtask and attempt of a run has a seed of its own, always the same.
func TestEnvFor(t *testing.T) {
	run, again, other := &fn.Env{Seed: 1}, &fn.Env{Seed: 1}, &fn.Env{Seed: 2}
	seen := map[uint64]string{}
	for _, c := range []struct {
		env              *fn.Env
		op               string
		subtask, attempt int
		what             string
	}{
		{run, "1", 0, 1, "first"}, {run, "1", 1, 1, "subtask"}, {run, "1", 0, 2, "attempt"}, {run, "1", 1, 0, "both"}, {run, "2", 0, 1, "operator"}, {other, "1", 0, 1, "run"},
	} {
		seed := c.env.For(c.op, c.subtask, c.attempt).Seed
		if as := seen[seed]; as != "" {
			t.Errorf("another %s has the seed of another %s", c.what, as)
		}
		seen[seed] = c.what
	}
	if a, b := run.For("1", 3, 1).Seed, again.For("1", 3, 1).Seed; a != b {
		t.Error("one subtask has the seeds", a, b)
	}
}

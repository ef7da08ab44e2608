package cluster

import (
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/task"
)

// ForTasks returns what a command that only tells tasks something tells, and whom.
func ForTasks(c *job.Command) ([]task.ID, task.Control) {
	switch {
	case c.Assign != nil:
		return []task.ID{c.Assign.Task}, task.Control{Splits: &c.Assign.Assignment}
	case c.Align != nil:
		return c.Align.Tasks, task.Control{Limit: &c.Align.Time}
	case c.Barrier != nil:
		return c.Barrier.Tasks, task.Control{Barrier: c.Barrier.Epoch}
	case c.Hurry != nil:
		return c.Hurry.Tasks, task.Control{Hurry: c.Hurry.Epoch}
	case c.Notify != nil:
		return c.Notify.Tasks, task.Control{Committed: c.Notify.Epoch}
	case c.Pause != nil:
		return c.Pause.Tasks, task.Control{Pause: &c.Pause.On}
	case c.Drain != nil:
		return c.Drain, task.Control{Drain: true}
	}
	return nil, task.Control{}
}

package sim

import (
	"context"
	"errors"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/jobgraph"
)

// What a coordinator does about damage that nobody saw when the job began, as
// cluster.Local does: it reads all of the checkpoint while the job runs, and keeps
// those before it until then.

func (c *coordinator) warn(line string) { c.w.trace("%s", line) }

// verify reads what the job was restored from, some time.
func (c *coordinator) verify(m *checkpoint.Manifest) {
	if c.w.opt.Bugs.NoVerify {
		return
	}
	if !c.w.opt.Bugs.NoKeep {
		c.storage.Keep(m.Epoch)
	}
	storage := c.storage
	c.do(c.w.storageUs()*(1+c.w.rnd.IntN(200)), func() {
		if c.back {
			return
		}
		if err := storage.Verify(context.Background(), m); err != nil {
			c.send(job.Event{Damaged: err})
			return
		}
		storage.Keep(0)
	})
}

// goBack finds the newest checkpoint that is whole, and makes it the newest of all.
func (c *coordinator) goBack() {
	c.back = true
	m, settle, err := c.whole()
	if err == nil {
		c.w.trace("the job goes back to checkpoint %d", m.Epoch)
		c.w.res.GoneBack++
		c.w.audit.begin(m)
		c.w.abandon(m.Epoch)
	}
	c.taken(err)
	c.send(job.Event{Whole: &job.Whole{Manifest: m, Settle: settle, Err: err}})
}

func (c *coordinator) whole() (*checkpoint.Manifest, *jobgraph.Graph, error) {
	if err := c.storage.Held(); err != nil {
		return nil, nil, err
	}
	look := c.storage.Latest
	if c.w.opt.Bugs.BlindBack {
		look = c.storage.Newest
	}
	m, err := look(c.warn)
	if err != nil {
		return nil, nil, err
	}
	if m == nil {
		return nil, nil, errors.New("there is no checkpoint")
	}
	settle, err := c.settling(m)
	if err != nil {
		return nil, nil, err
	}
	c.storage.Keep(0)
	return m, settle, c.storage.Begin(m)
}

package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/state"
)

// What an operator does, which is a person: savepoints, and starts from them.

// An order is for the next coordinator: where to go on from, and in which folder.
type order struct {
	from string // a manifest or a savepoint; "": the newest
	dir  string // of the job
}

// savepoint asks the coordinator for a savepoint; the job ends with it, perhaps after
// its sources. A drained job has closed its windows, so the results of one that knows
// windows would be others.
func (w *world) savepoint() {
	for _, c := range w.coordinators {
		if !c.alive || w.now < c.asleep || !c.started {
			continue
		}
		r := &job.SavepointRequest{ID: fmt.Sprint(w.seq), Dir: "savepoints"}
		r.Stop = w.rnd.IntN(2) == 0
		r.Drain = r.Stop && !w.plan.timed && w.rnd.IntN(2) == 0
		w.trace("a savepoint is asked for, stop %t, drain %t", r.Stop, r.Drain)
		c.asked[r.ID] = r
		c.handle(job.Event{Savepoint: r})
		return
	}
}

// copy makes a savepoint of a checkpoint.
func (c *coordinator) copy(cp *job.Copy) {
	c.copied[cp.Request.ID] = cp.Manifest.Epoch
	unpin := c.storage.Pin(cp.Manifest)
	us := c.w.storageUs()
	if c.w.rnd.IntN(2) == 0 {
		us *= 40
	}
	c.do(us, func() {
		path, err := c.storage.Savepoint(cp.Manifest, cp.Request.Dir, fmt.Sprintf("%d-%s", c.number, cp.Request.ID))
		unpin()
		if errors.Is(err, fsys.ErrNotExist) && !errors.Is(err, state.ErrCorrupt) {
			c.w.fail(fmt.Sprintf("a file is gone that a savepoint needs: %v", err))
		}
		c.send(job.Event{Copied: &job.Copied{ID: cp.Request.ID, Path: path, Err: err}})
	})
}

// answer notes a savepoint that is there.
func (c *coordinator) answer(a *job.Copied) {
	w, r := c.w, c.asked[a.ID]
	if r == nil {
		w.fail(fmt.Sprintf("request %s for a savepoint is answered twice", a.ID))
		return
	}
	delete(c.asked, a.ID)
	if a.Err != nil {
		w.trace("no savepoint: %v", a.Err)
		return
	}
	w.trace("savepoint %s", a.Path)
	w.res.Savepoints++
	s := savepoint{a.Path, c.copied[a.ID]}
	w.savepoints = append(w.savepoints, a.Path)
	if !r.Stop {
		w.back = append(w.back, s)
		return
	}
	if c.stopped = a.Path; r.Drain {
		w.drained = &s
	}
}

// A savepoint is one that is there.
type savepoint struct {
	path  string
	epoch base.Epoch
}

// abandon forgets the savepoints of epochs behind one that the job goes back to. What
// they say is committed is taken back, so nobody can go on from them in this run.
func (w *world) abandon(epoch base.Epoch) {
	w.back = slices.DeleteFunc(w.back, func(s savepoint) bool { return s.epoch > epoch })
	if w.drained != nil && w.drained.epoch > epoch {
		w.drained = nil
	}
}

// restart starts a job again that has ended with a savepoint: in its folder, or in
// another, as a run of its own.
func (w *world) restart(c *coordinator) {
	if len(c.asked) > 0 {
		w.fail("a request for a savepoint was never answered")
	}
	c.kill()
	switch {
	case c.stopped != "":
		w.orders.from = c.stopped
	case w.drained != nil: // the coordinator that has made it died, and the next one ended the job
		w.orders.from = w.drained.path
	default:
		w.fail("the job ended, and has no savepoint")
		return
	}
	w.drained = nil
	if c.stopped != "" && w.rnd.IntN(2) == 0 {
		w.orders.dir = fmt.Sprintf("job%d", c.number)
		w.audit = newAudit(w, w.orders.dir)
		w.disk.removed = w.audit.removed
		w.back = nil // what came before is not this run's to take back
	}
	w.res.Restores++
	w.after(1+w.rnd.IntN(500), w.place)
}

// goBack ends the job and starts it from an earlier checkpoint, or from a savepoint of
// its run.
func (w *world) goBack() {
	if w.orders.from != "" {
		return
	}
	_, before := w.audit.newest()
	switch {
	case len(w.back) > 0 && w.rnd.IntN(2) == 0:
		w.orders.from = w.back[w.rnd.IntN(len(w.back))].path
	case before != nil:
		w.orders.from = w.audit.manifest(*before)
	default:
		return
	}
	w.trace("the job is to go on from %s", w.orders.from)
	w.killCoordinator()
}

// restored is the checkpoint that the operator has named, now in the job's own folder.
func (c *coordinator) restored() (*checkpoint.Manifest, error) {
	found, err := checkpoint.Find(c.fs, c.w.orders.from, c.graph.ID, func(line string) { c.w.trace("%s", line) })
	if err != nil {
		return nil, err
	}
	own := *found.Manifest
	m := &own
	if err := found.Adopt(m, c.storage); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(m.Run, c.storage.Dir+"-") { // another folder is another run
		m.Run = fmt.Sprintf("%s-%d", c.storage.Dir, c.number)
		if m.Epoch, err = c.storage.Next(); err != nil {
			return nil, err
		}
	}
	c.w.res.Restores++
	if c.w.rnd.IntN(2) == 0 {
		c.w.after(1+c.w.rnd.IntN(600), c.w.crash)
	}
	return m, nil
}

// checkSavepoints reads all savepoints again: they are nobody's to change.
func (w *world) checkSavepoints(fs fsys.FS) string {
	for _, s := range w.savepoints {
		if _, err := checkpoint.Find(fs, s, "", func(string) {}); err != nil {
			return fmt.Sprintf("savepoint %s: %v", s, err)
		}
	}
	return ""
}

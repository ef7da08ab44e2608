package millrace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/cluster"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/evolve"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/statedata"
)

// checkpoints gives a job its folder and finds where it starts. The job of a SELECT
// has none: its rows have gone to a client, and it always starts from the beginning.
func (s *Session) checkpoints(j *Job, l *cluster.Local, dir string) error {
	if l.Options.IntervalUs == 0 {
		l.Options.IntervalUs = (10 * time.Second).Microseconds()
	}
	st := &checkpoint.Storage{FS: s.fs, Dir: path.Join(dir, j.ID)}
	l.Storage, l.Retain = st, int(s.opts.Int("execution.checkpointing.num-retained"))
	l.World.Files = st
	if err := st.Writable(); err != nil {
		return err
	}
	var err error
	if st.Lease, err = st.Acquire(checkpoint.Machine()); err != nil {
		return err
	}
	if err := s.restoreJob(j, l, st); err != nil {
		return errors.Join(err, st.Lease.Release())
	}
	s.listen(j, st)
	return nil
}

// restoreJob finds where a job starts that has its folder.
func (s *Session) restoreJob(j *Job, l *cluster.Local, st *checkpoint.Storage) error {
	from, err := s.restored(j, st)
	if err != nil {
		return err
	}
	var m *checkpoint.Manifest
	if from == nil {
		m, err = s.anew(j, l.Graph, st)
	} else {
		m, err = s.goOn(j, l.Graph, from, st)
	}
	if err != nil {
		return err
	}
	own := from != nil && path.Clean(from.Dir) == path.Clean(st.Dir)
	l.Verified = !own // else it was copied, with a look at the checksums
	if own && altered(from.Manifest, m) {
		// The job cannot go back by itself to what it has changed: all is read first.
		if err := st.Verify(context.Background(), from.Manifest); err != nil {
			return fmt.Errorf("restore %s: %w; --restore takes an older checkpoint too", from.Path, err)
		}
		l.Verified, l.Altered = true, true
	}
	if !m.Finished {
		if l.Options.Plan, err = st.PutPlan(l.Graph, statedata.Record(l.Graph)); err != nil {
			return err
		}
	}
	l.Restore, l.Options.Run = m, m.Run
	if l.Options.Settle, err = s.settling(j, l.Graph, m, from); err != nil {
		return usage(err)
	}
	if !m.Finished && l.Options.Settle == nil {
		m.Plan = l.Options.Plan // what it says of the state holds, now that what differed was written anew
	}
	l.Fits = func(m *checkpoint.Manifest) error { return s.unchanged(m, st, l.Graph) }
	l.Settling = func(m *checkpoint.Manifest) (*jobgraph.Graph, error) {
		return s.settling(j, l.Graph, m, &checkpoint.Found{Storage: st, Manifest: m, Path: st.Path(m.Epoch)})
	}
	if err := st.Begin(m); err != nil {
		return err
	}
	if from != nil {
		return s.claim(j, from, st)
	}
	return nil
}

// settling plans the job as it was when a checkpoint was taken whose barriers had
// overtaken rows, if its tasks are others now; else nil.
func (s *Session) settling(j *Job, g *jobgraph.Graph, m *checkpoint.Manifest, from *checkpoint.Found) (*jobgraph.Graph, error) {
	if !m.Overtaken {
		return nil, nil
	}
	was := planOf(from)
	if was == nil || !job.Settles(m, was, g) {
		return nil, nil
	}
	out, err := j.plan(was.Parallelism)
	if err != nil {
		return nil, err
	}
	out.MaxParallelism = g.MaxParallelism
	if job.Settles(m, was, out) {
		return nil, fmt.Errorf("%s has rows in flight, which barriers have overtaken, for other tasks than the job has now: restore it as the job was, and take a savepoint, which has none", from.Path)
	}
	nameRun(out, m.Run)
	return out, nil
}

// altered reports whether the job's state was written anew, for a plan that has changed.
func altered(was, is *checkpoint.Manifest) bool {
	for id, handles := range is.Operators {
		if !slices.EqualFunc(handles, was.Operators[id], func(a, b state.Handle) bool { return slices.Equal(a.Files, b.Files) }) {
			return true
		}
	}
	return false
}

// anew is the checkpoint before the first row.
func (s *Session) anew(j *Job, g *jobgraph.Graph, st *checkpoint.Storage) (*checkpoint.Manifest, error) {
	next, err := st.Next()
	return &checkpoint.Manifest{Job: j.ID, Run: newRun(), Epoch: next, Groups: g.MaxParallelism}, err
}

// goOn makes a checkpoint the job's own, and says so.
func (s *Session) goOn(j *Job, g *jobgraph.Graph, from *checkpoint.Found, st *checkpoint.Storage) (*checkpoint.Manifest, error) {
	own := *from.Manifest
	m := &own
	changes, err := s.changes(j, from, g)
	if err != nil {
		return nil, usage(err)
	}
	if changes != nil {
		m = changes.Rename(m)
		s.without(j, changes, m)
	}
	if err := s.fits(j, from, m, g); err != nil {
		return nil, usage(err)
	}
	if err := s.adopt(j, m, g, from, st, changes); err != nil {
		return nil, err
	}
	if changes != nil {
		if err := changes.Write(m, st, env.Now()/1000); err != nil {
			return nil, usage(fmt.Errorf("%s: %w", from.Path, err))
		}
	}
	what := fmt.Sprintf("checkpoint %d", m.Epoch)
	if from.IsSavepoint() {
		what = "savepoint " + from.Dir
		if err := fork(m, st); err != nil {
			return nil, err
		}
	}
	m.Job = j.ID
	switch {
	case m.Finished:
		s.cfg.Log(fmt.Sprintf("%s: had finished; it does not run again", j.ID))
	case m.Initial():
		s.cfg.Log(fmt.Sprintf("%s: it had come to no checkpoint: it starts from the beginning", j.ID))
	default:
		s.cfg.Log(fmt.Sprintf("%s: restored from %s", j.ID, what))
	}
	if next, err := st.Next(); err == nil && next > m.Epoch+1 {
		s.cfg.Log(fmt.Sprintf("%s: checkpoints %d to %d are given up, and what they committed is taken back where the sink can: their rows come again", j.ID, m.Epoch+1, next-1))
	}
	return m, nil
}

// adopt copies what a manifest names into the job's folder; a savepoint's state is
// rewritten on the way if the job has another number of key groups.
func (s *Session) adopt(j *Job, m *checkpoint.Manifest, g *jobgraph.Graph, from *checkpoint.Found, st *checkpoint.Storage, changes *evolve.Report) error {
	if m.Groups == g.MaxParallelism || m.Initial() {
		return from.Adopt(m, st)
	}
	plan := planOf(from)
	switch {
	case plan == nil:
		plan = g
	case changes != nil:
		changes.RenamePlan(plan)
	}
	s.cfg.Log(fmt.Sprintf("%s: the state of %s is rewritten for 'pipeline.max-parallelism' = %d, from %d", j.ID, from.Dir, g.MaxParallelism, m.Groups))
	backend := lsm.Backend{Memory: s.memory, DeltaBytes: lsm.DeltaBytes(s.memory)}
	if err := statedata.Regroup(m, plan, g.MaxParallelism, backend, from.Storage, st); err != nil {
		return fmt.Errorf("restore %s: %w", from.Dir, err)
	}
	return from.CopyPlan(m, st)
}

// changes says what becomes of the state of a job that has changed since a checkpoint,
// or that another version of the program has kept; nil if nothing does. Where the
// checkpoint does not say what the job was, it was this one.
func (s *Session) changes(j *Job, from *checkpoint.Found, g *jobgraph.Graph) (*evolve.Report, error) {
	if from.Manifest.Initial() || from.Manifest.Finished {
		return nil, nil
	}
	r, err := compared(from, g)
	if err != nil {
		return nil, err
	}
	if err := r.Refusal(); err != nil && !s.opts.Bool("execution.state-recovery.ignore-unclaimed-state") {
		return nil, fmt.Errorf("%s of job %s: %w; --allow-non-restored-state lets it begin empty", from.Path, from.Manifest.Job, err)
	}
	for _, i := range r.Items {
		if i.Verdict == evolve.Migrated || i.Verdict == evolve.New || i.Verdict == evolve.Kept && i.Kind == "operator" && len(i.Why) > 0 {
			s.cfg.Log(strings.TrimSuffix(fmt.Sprintf("%s: %s %s: %s: %s", j.ID, i.Kind, i.Name, i.Verdict, strings.Join(i.Why, "; ")), ": "))
		}
	}
	if r.Same() {
		return nil, nil
	}
	return r, nil
}

// compared compares the job of a checkpoint with the one that is to go on from it.
func compared(from *checkpoint.Found, g *jobgraph.Graph) (*evolve.Report, error) {
	old := planOf(from)
	if old == nil {
		old = g
	}
	kept, err := statedata.Kept(from, old)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from.Path, err)
	}
	return evolve.Compare(old, g, kept), nil
}

// unchanged is the error if a checkpoint in the job's folder is one of before a change.
func (s *Session) unchanged(m *checkpoint.Manifest, st *checkpoint.Storage, g *jobgraph.Graph) error {
	if m.Initial() {
		return nil
	}
	from := &checkpoint.Found{Storage: st, Manifest: m, Path: st.Path(m.Epoch)}
	r, err := compared(from, g)
	if err == nil && !r.Same() {
		err = fmt.Errorf("checkpoint %d, the newest that is whole, is of before the job or the program was changed: 'run --restore %s' says what becomes of its state, and goes on from it", m.Epoch, from.Path)
	}
	return err
}

// without leaves the state out that cannot be gone on with, where that is allowed.
func (s *Session) without(j *Job, r *evolve.Report, m *checkpoint.Manifest) {
	for _, i := range r.Items {
		if i.Verdict == evolve.Refused {
			s.cfg.Log(fmt.Sprintf("%s: %s %s begins empty: %s", j.ID, i.Kind, i.Name, strings.Join(i.Why, "; ")))
			delete(m.Operators, i.New)
			delete(m.Sources, i.New)
		}
	}
}

// fork makes a savepoint the beginning of a run of its own, unless it is one of the
// run whose checkpoints the job's folder has: that one goes back to it, and what it
// has written since is taken back. Another job may go on from where the savepoint was
// taken, and what that one writes is not this one's.
func fork(m *checkpoint.Manifest, st *checkpoint.Storage) error {
	epochs, err := st.Epochs()
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(epochs) {
		if last, err := st.Load(e); err == nil {
			if last.Run == m.Run {
				return nil
			}
			break
		}
	}
	m.Run = newRun()
	m.Epoch, err = st.Next()
	return err
}

// claim deletes what the job was restored from, if it was told to, now that all of it
// is in the job's own folder.
func (s *Session) claim(j *Job, from *checkpoint.Found, st *checkpoint.Storage) error {
	if from.Dir == st.Dir || !strings.EqualFold(s.opts.String("execution.state-recovery.claim-mode"), "CLAIM") {
		return nil
	}
	if err := from.Discard(); err != nil {
		s.cfg.Log(fmt.Sprintf("%s: %s is the job's own now, but cannot be deleted: %v", j.ID, from.Path, err))
		return nil
	}
	s.cfg.Log(fmt.Sprintf("%s: %s is the job's own now, and was moved to %s", j.ID, from.Path, st.Dir))
	return nil
}

// restoreFrom is what a job is to start from: a path, "latest", or "".
func (s *Session) restoreFrom() string {
	if s.cfg.Restore != "" {
		return s.cfg.Restore
	}
	return strings.TrimPrefix(s.opts.String("execution.state-recovery.path"), "file://")
}

// restored finds the checkpoint that a job starts from, or nil.
func (s *Session) restored(j *Job, st *checkpoint.Storage) (*checkpoint.Found, error) {
	warn := func(line string) { s.cfg.Log(j.ID + ": " + line) }
	from := s.restoreFrom()
	switch {
	case from == "":
		return nil, nil
	case from == "latest":
		m, err := st.Newest(warn)
		if m == nil && err == nil {
			warn("there is no checkpoint in " + st.Dir + ": it starts from the beginning")
		}
		if m == nil || err != nil {
			return nil, err
		}
		return &checkpoint.Found{Storage: st, Manifest: m, Path: st.Path(m.Epoch)}, nil
	}
	found, err := checkpoint.Find(s.fs, from, j.ID, warn)
	if err != nil {
		err = fmt.Errorf("restore %s: %w", from, err)
	}
	if errors.Is(err, fsys.ErrNotExist) || errors.Is(err, checkpoint.ErrNoCheckpoint) {
		return nil, usage(err)
	}
	if err != nil {
		return nil, err
	}
	if !found.IsSavepoint() && path.Clean(found.Dir) != path.Clean(st.Dir) {
		if err := found.Owned(checkpoint.Machine()); err != nil {
			return nil, usage(fmt.Errorf("restore %s: %w; a job that runs is copied by a savepoint: millrace savepoint %s", from, err, found.Dir))
		}
	}
	return found, nil
}

// fits checks that a checkpoint is one of the graph's job, and makes it one where it
// may.
func (s *Session) fits(j *Job, from *checkpoint.Found, m *checkpoint.Manifest, g *jobgraph.Graph) error {
	if m.Hash != 0 && m.Hash != keyenc.HashVersion {
		return fmt.Errorf("%s was taken with version %d of the key hash; this program has version %d", from.Path, m.Hash, keyenc.HashVersion)
	}
	if err := s.unclaimed(j, from, m, g); err != nil {
		return err
	}
	if m.Groups == g.MaxParallelism || m.Initial() {
		return nil
	}
	if s.opts.Int("pipeline.max-parallelism") <= 0 {
		g.MaxParallelism = m.Groups
		return roomFor(g, from)
	}
	if from.IsSavepoint() {
		return nil
	}
	return fmt.Errorf("checkpoint %d was taken with 'pipeline.max-parallelism' = %d, which is fixed by a job's first checkpoint; it is %d now. A savepoint can be restored with another: millrace savepoint %s", m.Epoch, m.Groups, g.MaxParallelism, from.Dir)
}

// roomFor checks that no operator has more subtasks than there are key groups.
func roomFor(g *jobgraph.Graph, from *checkpoint.Found) error {
	for _, v := range g.Vertices {
		if v.Parallelism > g.MaxParallelism {
			return fmt.Errorf("%s was taken with 'pipeline.max-parallelism' = %d, and %s is to run in %d subtasks; a savepoint can be restored with more: SET 'pipeline.max-parallelism'", from.Path, g.MaxParallelism, v.Name, v.Parallelism)
		}
	}
	return nil
}

// unclaimed looks for what a checkpoint has of operators that the job does not have: it
// is left out if that is allowed.
func (s *Session) unclaimed(j *Job, from *checkpoint.Found, m *checkpoint.Manifest, g *jobgraph.Graph) error {
	known := operators(g)
	plan := operators(planOf(from))
	allowed := s.opts.Bool("execution.state-recovery.ignore-unclaimed-state")
	var refused error
	leave := func(what, id string) {
		if name := plan[id]; name != "" {
			id = name
		}
		if allowed {
			s.cfg.Log(fmt.Sprintf("%s: %s has %s %s, which this job does not have: left out", j.ID, from.Path, what, id))
		} else if refused == nil {
			refused = fmt.Errorf("%s of job %s has %s %s, which this job does not have: it is another job's, or the query has changed; --allow-non-restored-state leaves it out", from.Path, m.Job, what, id)
		}
	}
	without := func(id string) bool { _, ok := known[id]; return !ok }
	m.Operators = keep(m.Operators, without, func(id string, handles []state.Handle) {
		if slices.ContainsFunc(handles, holds) {
			leave("state of operator", id)
		}
	})
	m.Prepared = keep(m.Prepared, without, func(id string, prepared [][]byte) {
		if len(prepared) > 0 && !m.Finished {
			leave("rows that are to be committed to sink", id)
		}
	})
	m.Sources = keep(m.Sources, without, func(id string, _ checkpoint.Source) { leave("positions of source", id) })
	return refused
}

// keep returns a map without the ids that are left out, each of which is told.
func keep[T any](in map[string]T, without func(id string) bool, tell func(id string, v T)) map[string]T {
	out := map[string]T{}
	for _, id := range slices.Sorted(maps.Keys(in)) {
		if without(id) {
			tell(id, in[id])
		} else {
			out[id] = in[id]
		}
	}
	return out
}

// operators are the names of a job's operators and sources, by id.
func operators(g *jobgraph.Graph) map[string]string {
	out := map[string]string{}
	if g == nil {
		return out
	}
	for _, v := range g.Vertices {
		if v.Source != nil {
			out[v.Source.ID] = v.Source.Table.Name
		}
		for _, op := range v.Ops {
			out[op.ID] = op.Name
		}
	}
	return out
}

// planOf is what the job was that took a checkpoint, nil where that cannot be known.
func planOf(from *checkpoint.Found) *jobgraph.Graph {
	g, err := from.Plan(from.Manifest)
	if err != nil {
		return nil
	}
	return g
}

// holds reports whether a handle has something that would be missed. The local phase
// of an aggregation or a LIMIT, which a job has at one parallelism and not at
// another, keeps only how far it was: without that it sends what the other phase
// drops.
func holds(h state.Handle) bool {
	for name := range h.Values {
		if name != "watermark" && name != "seen" {
			return true
		}
	}
	return len(h.Files) > 0
}

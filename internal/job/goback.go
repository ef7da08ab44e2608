package job

import (
	"errors"
	"fmt"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
)

// # Damage
//
// A job that is restored does not read all of its state first. What is damaged is found
// by a task that reads it, or by whoever reads the files beside the tasks (Damaged).
// Another start from the same checkpoint would find it again, so the world is asked for
// the newest checkpoint that is whole to the last byte (GoBack), which may be an older
// one: what was committed since is taken back by the sinks that can. That is a part of
// the restore and no failure of the job, so the restart strategy is not asked; damage
// that is found although all was read is one.

// A Whole is the newest checkpoint that is whole.
type Whole struct {
	Manifest *checkpoint.Manifest
	Settle   *jobgraph.Graph // the layout to settle in first, or nil
	Err      error           // there is none
}

// damage notes that a state file is damaged that nobody may have read yet.
func (m *Master) damage(now int64, err error) {
	m.damaged = err
	if m.phase == running || m.phase == ending {
		m.stop(now, err)
	}
}

// goBack asks for a checkpoint that is whole, if that is what has gone wrong.
func (m *Master) goBack(err error) bool {
	if !m.opt.GoBack || m.whole || !errors.Is(err, state.ErrCorrupt) {
		return false
	}
	m.damaged, m.seeking = nil, err
	m.phase, m.resumeAt = recovering, 0
	m.do(Command{Log: fmt.Sprintf("state that cannot be read: %v; looking for a checkpoint that is whole", err)})
	m.restartSavepoints(err)
	m.pending, m.commit = nil, 0
	m.do(Command{GoBack: true})
	return true
}

// wentBack starts from the checkpoint that was found.
func (m *Master) wentBack(w Whole) {
	if m.phase != recovering || m.seeking == nil {
		return
	}
	found := m.seeking
	m.seeking = nil
	if w.Err != nil {
		m.end(errors.Join(found, w.Err))
		return
	}
	m.base, m.epoch, m.whole = w.Manifest, w.Manifest.Epoch, true
	if m.cancelling {
		m.end(nil)
		return
	}
	m.layOut(w.Settle)
	m.recover()
}

package sim

import (
	"fmt"
	"path"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
)

// An audit watches a run from outside, and knows what must hold at every moment,
// whatever fails:
//
//	an epoch is committed when its manifest is on the disk, and not before
//	no epoch is saved while an earlier one is not committed: none is skipped
//	what is committed is never behind what was
//	a state file is deleted when no manifest that is there names it
type audit struct {
	w     *world
	dir   string                         // of the job
	open  base.Epoch                     // saved and not committed; 0: none
	last  base.Epoch                     // committed
	names map[base.Epoch]map[string]bool // state files, by manifest that was saved
}

func newAudit(w *world, dir string) *audit {
	return &audit{w: w, dir: dir, names: map[base.Epoch]map[string]bool{}}
}

func (a *audit) manifest(e base.Epoch) string { return fmt.Sprintf("%s/chk-%08d.json", a.dir, e) }

// begin notes what a coordinator goes on from: what came later is gone.
func (a *audit) begin(m *checkpoint.Manifest) {
	for e := range a.names {
		if e > m.Epoch {
			delete(a.names, e)
		}
	}
	a.note(m)
}

// recovered notes that a checkpoint is committed, again.
func (a *audit) recovered(m *checkpoint.Manifest) {
	a.last, a.open = m.Epoch, 0
}

func (a *audit) note(m *checkpoint.Manifest) {
	names := map[string]bool{}
	for _, handles := range m.Operators {
		for _, h := range handles {
			for _, f := range h.Files {
				names[f.Name] = true
			}
		}
	}
	a.names[m.Epoch] = names
}

func (a *audit) saved(coordinator int, m *checkpoint.Manifest) {
	switch {
	case a.open != 0 && a.open != m.Epoch:
		a.w.fail(fmt.Sprintf("epoch %d is saved, and %d was never committed", m.Epoch, a.open))
	case m.Epoch < a.last:
		a.w.fail(fmt.Sprintf("epoch %d is saved behind %d, which is committed", m.Epoch, a.last))
	}
	a.note(m)
	for name := range a.names[m.Epoch] {
		if _, err := a.w.disk.find(a.dir + "/shared/" + name); err != nil {
			a.w.fail(fmt.Sprintf("epoch %d names %s, which is not there", m.Epoch, name))
		}
	}
	if !m.Finished {
		a.open = m.Epoch
	}
}

func (a *audit) commits(e base.Epoch) {
	if _, err := a.w.disk.find(a.manifest(e)); err != nil {
		a.w.fail(fmt.Sprintf("epoch %d is committed without a manifest", e))
	}
	if e < a.last {
		a.w.fail(fmt.Sprintf("epoch %d is committed behind %d", e, a.last))
	}
}

func (a *audit) committed(e base.Epoch) {
	a.last = e
	if a.open == e {
		a.open = 0
	}
}

// removed is told of every file that is deleted.
func (a *audit) removed(name string) {
	dir, file := path.Split(name)
	if dir != a.dir+"/shared/" || strings.HasPrefix(file, ".") {
		return
	}
	for e, names := range a.names {
		if !names[file] {
			continue
		}
		if _, err := a.w.disk.find(a.manifest(e)); err == nil {
			a.w.fail(fmt.Sprintf("%s is deleted, and checkpoint %d names it", file, e))
		}
	}
}

// newest returns the epochs of the newest manifest on the disk and of the one before,
// nil if there is none.
func (a *audit) newest() (newest, before *base.Epoch) {
	for _, e := range sortedKeys(a.names) {
		if _, err := a.w.disk.find(a.manifest(e)); err == nil {
			newest, before = &e, newest
		}
	}
	return newest, before
}

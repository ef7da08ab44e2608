package exec

import (
	"encoding/binary"
	"math"

	"github.com/millrace-io/millrace/internal/state/keyed"
)

// Windows that former subtasks have told
//
// Subtasks stand at different watermarks when the barrier of a checkpoint overtakes rows,
// and have told different windows then. At another parallelism their key groups come
// together in one subtask, which goes on from the least of the marks: a window that some
// of them have told is put out for the key groups of the others alone.

// aheadGroups are the marks of key groups of which some are ahead of the operator's.
type aheadGroups struct {
	groups int     // of the job
	low    int     // the first key group of the subtask
	marks  []int64 // by key group, from that on
	most   int64
}

// groupMarks names what tells of which key groups watermarks are:
//
//	uint32 groups of the job | { uint32 from | uint32 to | int64 mark }…
const groupMarks = "marks"

// saveMarks saves the watermark, and those of the key groups.
func (w *WindowAgg) saveMarks() {
	r := w.ctx.State.Range()
	be := binary.BigEndian
	v := be.AppendUint32(nil, uint32(w.ctx.Groups))
	add := func(from, to int, mark int64) {
		v = be.AppendUint64(be.AppendUint32(be.AppendUint32(v, uint32(from)), uint32(to)), uint64(mark))
	}
	add(r.Lo, r.Hi, w.mark)
	if a := w.ahead; a != nil {
		for from := 0; from < len(a.marks); {
			to := from + 1
			for to < len(a.marks) && a.marks[to] == a.marks[from] {
				to++
			}
			if a.marks[from] > w.mark {
				add(a.low+from, a.low+to, a.marks[from])
			}
			from = to
		}
	}
	saveTime(w.ctx.State, windowMark, w.mark)
	w.ctx.State.SetValue(groupMarks, v)
}

// restoreAhead returns the marks of former subtasks, nil if none that concerns this one
// is ahead of mark. If the job had another number of key groups, it is not known whom they
// concern.
func restoreAhead(ctx *Context, mark int64) *aheadGroups {
	const head, span = 4, 16
	r := ctx.State.Range()
	a := &aheadGroups{groups: ctx.Groups, low: r.Lo, marks: make([]int64, r.Hi-r.Lo), most: mark}
	for i := range a.marks {
		a.marks[i] = math.MinInt64
	}
	be := binary.BigEndian
	for _, v := range ctx.State.Values(groupMarks) {
		if len(v) < head || int(be.Uint32(v)) != ctx.Groups {
			continue
		}
		for v = v[head:]; len(v) >= span; v = v[span:] {
			from, to, m := int(be.Uint32(v)), int(be.Uint32(v[4:])), int64(be.Uint64(v[8:]))
			for g := max(from, r.Lo); g < min(to, r.Hi); g++ {
				a.marks[g-r.Lo] = max(a.marks[g-r.Lo], m)
				a.most = max(a.most, m)
			}
		}
	}
	if a.most == mark {
		return nil
	}
	return a
}

// has reports whether a window that fires at a time was told of a group.
func (a *aheadGroups) has(t *keyed.Table, s keyed.Slot, fires int64) bool {
	if fires > a.most {
		return false
	}
	g := int(t.GroupOf(s, a.groups)) - a.low
	return g >= 0 && g < len(a.marks) && fires <= a.marks[g]
}

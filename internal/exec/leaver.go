package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A leaver puts out the rows of a batch with what they were joined with, in their
// order: the output of joins that look at the right side as it is now.
type leaver struct {
	outer bool // rows without a match leave as well
	left  side
	out   joinedOut
	kept  *joined // nil: the input is append-only
}

// leaving is a batch on its way out.
type leaving struct {
	b      *vec.Batch // without Sel
	pieces []piece    // what it was joined with, so far, in the order of its rows
	cursor int        // rows before it have left
	any    bool       // the row at the cursor has left with a match
}

// A piece is joined rows: left[i] with row i of cols.
type piece struct {
	left []int32
	cols []vec.Vector
}

// newLeaver makes one; with keep its input changes, and what a row was joined with is
// kept for that time, or for good.
func newLeaver(ctx *Context, kind jobgraph.JoinKind, keys []int, left, right []types.Type, keep bool, ttlMs int64) (l leaver, err error) {
	l = leaver{outer: kind == jobgraph.Left, left: newSide(keys, left, nil), out: newJoinedOut(left, right, keep)}
	if keep {
		l.kept, err = openJoined(ctx, keys, left, right, ttlMs)
	}
	return l, err
}

// leave puts out what has come of a batch; whole tells that no more comes.
func (l *leaver) leave(v *leaving, whole bool, feed *feed) (did bool, err error) {
	for _, p := range v.pieces {
		for from := 0; from < len(p.left); {
			r, to := p.left[from], from+1
			for to < len(p.left) && p.left[to] == r {
				to++
			}
			l.skip(v, int(r))
			l.out.pairs(v.b, r, p.cols, from, to)
			if l.kept != nil {
				l.kept.keep(v.b, r, p.cols, from, to, v.any)
			}
			v.any = true
			from = to
		}
		feed.some(l.out.flush(v.b, p.cols))
		did = true
	}
	v.pieces = nil
	if whole && v.cursor < v.b.Rows {
		l.skip(v, v.b.Rows)
		feed.some(l.out.flush(v.b, nil))
		did = true
	}
	if l.kept != nil {
		err = l.kept.err()
	}
	return did, err
}

// skip ends the rows before the given one: those that have no match, and those that
// take back, in their place.
func (l *leaver) skip(v *leaving, to int) {
	for ; v.cursor < to; v.cursor, v.any = v.cursor+1, false {
		if v.any {
			continue
		}
		r := int32(v.cursor)
		void := l.left.void(v.b, v.cursor)
		switch {
		case l.kept != nil && !void && !v.b.Kind(v.cursor).Adds():
			l.kept.takeBack(v.b, r, &l.out)
		case l.outer:
			l.out.alone(v.b, r)
			if l.kept != nil && !void {
				l.kept.keep(v.b, r, nil, 0, 0, false)
			}
		}
	}
}

// sweep forgets what is kept for longer than its time.
func (l *leaver) sweep(nowMs int64) {
	if l.kept != nil && l.kept.ttlMs > 0 {
		l.kept.sweep(nowMs)
	}
}

// trim lets what is kept leave memory, when nothing is on its way out.
func (l *leaver) trim() {
	if l.kept != nil {
		l.kept.left.rows.Trim()
		l.kept.right.rows.Trim()
	}
}

func (l *leaver) snapshot() error {
	if l.kept != nil {
		return l.kept.snapshot()
	}
	return nil
}

func (l *leaver) close() {
	if l.kept != nil {
		l.kept.close()
	}
}

// asks reports whether a row is to be joined: one whose key is NULL has no match, and
// one that takes back has had its matches.
func (l *leaver) asks(b *vec.Batch, row int) bool {
	return !l.left.void(b, row) && (l.kept == nil || b.Kind(row).Adds())
}

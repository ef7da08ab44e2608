package physical

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// marked are the scans of a batch that have a watermark although the batch is
// complete: those whose rows reach a session window. What a session holds hangs on
// which rows were late, a late row between two sessions would make them one; and
// since Flink has sessions in streams only, its stream's rows are the answer in
// both modes. Every other window takes all rows of a batch.
//
// A scan has one only if all that stands between it and its sessions passes rows on
// before the watermark that follows them. What gives its rows at the end does not.
func marked(roots []logical.Node) map[*logical.Scan]bool {
	m := marker{scans: map[*logical.Scan]bool{}, seen: map[markState]bool{}}
	for _, n := range roots {
		m.visit(markState{node: n})
	}
	return m.scans
}

// markState is a relation seen from a root: below a session, and with all that
// stands between passing rows on.
type markState struct {
	node           logical.Node
	session, whole bool
}

type marker struct {
	scans map[*logical.Scan]bool
	seen  map[markState]bool
}

func (m *marker) visit(s markState) {
	if m.seen[s] {
		return
	}
	m.seen[s] = true
	switch n := s.node.(type) {
	case *logical.Scan:
		if s.session {
			was, known := m.scans[n]
			m.scans[n] = s.whole && (was || !known)
		}
	case *logical.WindowTVF:
		s = below(s, n.Window)
	case *logical.Aggregate:
		if n.Window == nil {
			s.whole = false
		} else {
			s = below(s, *n.Window)
		}
	case *logical.Filter, *logical.Project, *logical.Correlate:
	case *logical.SetOp:
		s.whole = s.whole && n.SetKind == logical.Union && n.All
	default:
		s.whole = false
	}
	for _, in := range s.node.Inputs() {
		below := s
		below.node = in
		m.visit(below)
	}
}

// below is the state of the input of a window.
func below(s markState, w jobgraph.Window) markState {
	if w.WKind == jobgraph.Session && !w.Proctime && w.Time >= 0 && !s.session {
		s.session, s.whole = true, true
	}
	return s
}

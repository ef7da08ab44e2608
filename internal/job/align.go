package job

import (
	"math"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/task"
)

// aligned is a source whose watermark is aligned with those of its group.
type aligned struct {
	vertex int
	jobgraph.Alignment
	limit int64 // as told
}

func (m *Master) openAlignment() {
	m.marks, m.aligned = map[task.ID]int64{}, nil
	for v := range m.graph.Vertices {
		if src := m.graph.Vertices[v].Source; src != nil && src.Watermark != nil && src.Watermark.Align != nil {
			m.aligned = append(m.aligned, &aligned{vertex: v, Alignment: *src.Watermark.Align, limit: math.MinInt64})
		}
	}
}

// marked notes how far a task has come. The others of its group may go further when
// the one furthest behind has.
func (m *Master) marked(id task.ID, mark int64) {
	if m.tasks[id] == nil || m.phase != running {
		return
	}
	for _, a := range m.aligned {
		if a.vertex == id.Vertex {
			m.marks[id] = mark
			m.align(a.Group)
			return
		}
	}
}

// align tells the sources of a group how far they may read: from the lowest
// watermark of those that have told one and have not ended.
func (m *Master) align(group string) {
	low := int64(math.MaxInt64)
	for id, mark := range m.marks {
		for _, a := range m.aligned {
			if a.vertex == id.Vertex && a.Group == group {
				low = min(low, mark)
			}
		}
	}
	for _, a := range m.aligned {
		limit := a.Limit(low)
		if a.Group != group || limit == a.limit {
			continue
		}
		a.limit = limit
		var to []task.ID
		for _, t := range m.members() {
			if t.id.Vertex == a.vertex && t.finished == nil {
				to = append(to, t.id)
			}
		}
		if len(to) > 0 {
			m.do(Command{Align: &Limit{to, limit}})
		}
	}
}

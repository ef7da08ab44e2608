package millrace

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/jobgraph"
)

// Graph plans a statement that runs as a job, and does not run it.
func (s *Session) Graph(st Statement) (*jobgraph.Graph, error) {
	s.at = st
	s.env.QueryStart = s.cfg.Now()
	job, err := s.binder.Job(st.AST)
	if err != nil {
		return nil, inFile(st.File, err)
	}
	g, err := s.graph(job, slug(job))
	if err != nil {
		return nil, inFile(st.File, fmt.Errorf("%w", err))
	}
	return g, nil
}

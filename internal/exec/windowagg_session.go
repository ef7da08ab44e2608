package exec

import "github.com/millrace-io/millrace/internal/jobgraph"

func newSessionAgg(spec *jobgraph.WindowAgg) Operator { panic("todo") }

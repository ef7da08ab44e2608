package build

import (
	"fmt"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/jobgraph"
)

// lookup makes what a lookup join asks.
func lookup(s *jobgraph.LookupJoin, w *World) (exec.LookupTable, error) {
	if s.Cache.Kind == connect.CacheFull {
		return exec.NewFullTable(s, func() (connect.Source, error) { return open(s.Source, w) }), nil
	}
	l, err := looker(s, w)
	if err != nil {
		return nil, err
	}
	var table exec.LookupTable = exec.NewAskedTable(l)
	if s.Cache.Kind == connect.CachePartial {
		table = exec.NewPartialTable(s, table)
	}
	return table, nil
}

func looker(s *jobgraph.LookupJoin, w *World) (connect.Looker, error) {
	if w.Looker != nil {
		return w.Looker(s)
	}
	c := connect.Lookup(s.Source.Connector)
	if c == nil || c.Lookup == nil {
		return nil, fmt.Errorf("connector '%s' cannot be asked by key", s.Source.Connector)
	}
	return c.Lookup(s.Source.Table, s.Lookup)
}

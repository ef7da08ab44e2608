package millrace

import (
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// stored finds a table and what can be done to its rows.
func (s *Session) stored(name ast.Path) (*catalog.Table, connect.Store, error) {
	t, err := s.cat.Table(name.Strings()...)
	if err != nil {
		return nil, nil, at(name, err)
	}
	st, err := s.binder.Store(name, t)
	return t, st, err
}

// partitions lists the partitions of a table, those that have the values of
// PARTITION (…).
func (s *Session) partitions(a *ast.Show) ([]string, error) {
	t, st, err := s.stored(a.In)
	if err != nil {
		return nil, err
	}
	want, err := s.binder.Partition(t, a.In, a.Partition, false)
	if err != nil {
		return nil, err
	}
	all, err := st.Partitions()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range all {
		if within(p, want) {
			out = append(out, st.PartitionName(p))
		}
	}
	return out, nil
}

// within reports whether a partition has the values that are wanted.
func within(p, want []*string) bool {
	for i, w := range want {
		if w != nil && (p[i] == nil || *p[i] != *w) {
			return false
		}
	}
	return true
}

// alterPartitions carries out ALTER TABLE … ADD and DROP PARTITION.
func (s *Session) alterPartitions(a *ast.Alter) (*Result, error) {
	t, st, err := s.stored(a.Name)
	if err != nil {
		if a.IfExists && t == nil && base.IsUser(err) {
			return &Result{}, nil
		}
		return nil, err
	}
	add, _ := a.Action.(*ast.AddPartitions)
	drop, _ := a.Action.(*ast.DropPartitions)
	var list []ast.PartitionSpec
	if add != nil {
		list = add.Partitions
	} else {
		list = drop.Partitions
	}
	for _, p := range list {
		if len(p.Options) > 0 {
			return nil, at(p.Options[0], base.Errorf(base.Pos{}, "a partition of connector '%s' has no options of its own", t.Options["connector"]))
		}
		values, err := s.binder.Partition(t, p, p.Values, true)
		if err != nil {
			return nil, err
		}
		name := strings.ReplaceAll(st.PartitionName(values), "/", ", ")
		switch {
		case add != nil:
			added, err := st.AddPartition(values)
			if err == nil && !added && !add.IfNotExists {
				err = base.Errorf(base.Pos{}, "partition (%s) of table '%s' exists already", name, t.Path)
			}
			if err != nil {
				return nil, at(p, err)
			}
		default:
			dropped, err := st.DropPartition(values)
			if err == nil && !dropped && !drop.IfExists {
				err = base.Errorf(base.Pos{}, "table '%s' has no partition (%s)", t.Path, name)
			}
			if err != nil {
				return nil, at(p, err)
			}
		}
	}
	return &Result{}, nil
}

// truncate removes all rows of a table.
func (s *Session) truncate(a *ast.Truncate) (*Result, error) {
	if !s.batch() {
		return nil, at(a, &base.Error{Msg: "TRUNCATE TABLE takes away rows that a stream may be reading", Hint: "SET 'execution.runtime-mode' = 'batch'"})
	}
	_, st, err := s.stored(a.Table)
	if err != nil {
		return nil, err
	}
	if err := st.Truncate(); err != nil {
		return nil, at(a.Table, base.Errorf(base.Pos{}, "TRUNCATE cannot empty table '%s': %v", a.Table, err))
	}
	return &Result{}, nil
}

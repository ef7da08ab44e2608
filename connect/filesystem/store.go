package filesystem

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/fsys"
)

// store is a table of files whose rows statements take away.
type store struct {
	*layout
	env  Env
	fs   fsys.FS
	name string // of the path in fs
}

func newStore(env Env, t connect.Table) (connect.Store, error) {
	l, err := newLayout(t, "UTC")
	if err != nil {
		return nil, err
	}
	s := &store{layout: l, env: env}
	if s.fs, s.name, err = env.Open(l.path); err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	return s, l.checkPartitionTypes()
}

// Replaceable implements connect.Store.
func (s *store) Replaceable() error {
	switch {
	case s.format.Kinds:
		return fmt.Errorf("its files are a log of changes in the format '%s'", s.format.Name)
	case s.format.Encoder == nil && s.format.Create == nil:
		return fmt.Errorf("its format '%s' cannot be written", s.format.Name)
	case s.table.Options.String("source.path.regex-pattern", "") != "":
		return errors.New("'source.path.regex-pattern' leaves out some files of its folder")
	}
	return s.folder()
}

// folder says why the path is not a folder that is the table's alone.
func (s *store) folder() error {
	in, err := s.fs.Stat(s.name)
	switch {
	case errors.Is(err, fsys.ErrNotExist) && isPattern(s.name):
		return fmt.Errorf("its path '%s' is a pattern", s.path)
	case errors.Is(err, fsys.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !in.Dir:
		return fmt.Errorf("its path '%s' is a file, not a folder", s.path)
	}
	return nil
}

// empty replaces a folder of the table by one without files.
func (s *store) empty(dir string) error {
	sw, ok := s.fs.(fsys.Swapper)
	stage := ""
	if ok {
		stage, ok = sw.Stage(s.name, s.env.Attempt())
	}
	if !ok {
		return s.removeFiles(dir)
	}
	at := path.Join(stage, dir)
	if err := s.fs.MkdirAll(at); err != nil {
		return err
	}
	return errors.Join(sw.Swap(path.Join(s.name, dir), at), s.fs.RemoveAll(stage))
}

// removeFiles removes a folder's files one after the other.
func (s *store) removeFiles(dir string) error {
	files, err := list(s.fs, path.Join(s.name, dir), nil)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := s.fs.Remove(f.Path); err != nil {
			return err
		}
	}
	return nil
}

// Truncate implements connect.Store.
func (s *store) Truncate() error {
	if err := s.folder(); err != nil {
		return err
	}
	if _, err := s.fs.Stat(s.name); errors.Is(err, fsys.ErrNotExist) {
		return nil
	}
	return s.empty("")
}

// Partitions implements connect.Store.
func (s *store) Partitions() ([][]*string, error) {
	var out [][]*string
	if err := s.collect(s.name, nil, &out); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b []*string) int { return strings.Compare(s.PartitionName(a), s.PartitionName(b)) })
	return out, nil
}

// collect finds the partitions below a folder, level by level.
func (s *store) collect(dir string, above []*string, out *[][]*string) error {
	if len(above) == len(s.part) {
		*out = append(*out, above)
		return nil
	}
	entries, err := s.fs.List(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		k, v, ok := strings.Cut(path.Base(e.Name), "=")
		if !e.Dir || !ok || unname(k) != s.part[len(above)] {
			continue
		}
		var value *string
		if v = unname(v); v != s.defaultName() {
			value = &v
		}
		if err := s.collect(e.Name, append(slices.Clone(above), value), out); err != nil {
			return err
		}
	}
	return nil
}

func (l *layout) defaultName() string {
	return l.table.Options.String("partition.default-name", "__DEFAULT_PARTITION__")
}

// PartitionName implements connect.Store: it is the partition's folder.
func (s *store) PartitionName(values []*string) string {
	var dst []byte
	for i, v := range values {
		if i > 0 {
			dst = append(dst, '/')
		}
		dst = append(appendName(dst, []byte(s.part[i])), '=')
		text := s.defaultName()
		if v != nil && *v != "" {
			text = *v
		}
		dst = appendName(dst, []byte(text))
	}
	return string(dst)
}

// there reports whether a partition has a folder.
func (s *store) there(values []*string) (dir string, there bool, err error) {
	if err := s.folder(); err != nil {
		return "", false, err
	}
	dir = s.PartitionName(values)
	in, err := s.fs.Stat(path.Join(s.name, dir))
	if errors.Is(err, fsys.ErrNotExist) {
		return dir, false, nil
	}
	return dir, err == nil && in.Dir, err
}

// AddPartition implements connect.Store.
func (s *store) AddPartition(values []*string) (bool, error) {
	dir, there, err := s.there(values)
	if err != nil || there {
		return false, err
	}
	return true, s.fs.MkdirAll(path.Join(s.name, dir))
}

// DropPartition implements connect.Store.
func (s *store) DropPartition(values []*string) (bool, error) {
	dir, there, err := s.there(values)
	if err != nil || !there {
		return false, err
	}
	if err := s.empty(dir); err != nil {
		return false, err
	}
	return true, s.fs.RemoveAll(path.Join(s.name, dir))
}

package lsm

import (
	"maps"
	"slices"

	"github.com/millrace-io/millrace/internal/state"
)

// Tables returns the names of the tables that handles have anything of, sorted.
func Tables(handles []state.Handle, files state.Files) ([]string, error) {
	seen, names := map[string]bool{}, map[string]bool{}
	for _, h := range handles {
		for _, f := range h.Files {
			if seen[f.Name] {
				continue
			}
			seen[f.Name] = true
			if err := tablesOf(f.Name, files, names); err != nil {
				return nil, err
			}
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

func tablesOf(name string, files state.Files, names map[string]bool) error {
	in, err := files.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	f, err := parse(name, in, in.Size())
	if err != nil {
		return err
	}
	for _, t := range f.tables {
		names[t.name] = true
	}
	return nil
}

package lsm

import (
	"fmt"
	"maps"
	"slices"

	"github.com/millrace-io/millrace/internal/state"
)

// Tables returns the names of the tables that handles have anything of, sorted.
func Tables(handles []state.Handle, files state.Files) ([]string, error) {
	n, err := Entries(handles, files)
	return slices.Sorted(maps.Keys(n)), err
}

// Entries returns about how many entries the files of handles have, by table: what was
// changed counts as often as files have it. Blocks are not read.
func Entries(handles []state.Handle, files state.Files) (map[string]int64, error) {
	out := map[string]int64{}
	seen := map[string]bool{}
	for _, h := range handles {
		for _, f := range h.Files {
			if seen[f.Name] { // several handles name it, for their key groups
				continue
			}
			seen[f.Name] = true
			if err := entriesOf(f.Name, files, out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func entriesOf(name string, files state.Files, out map[string]int64) error {
	in, err := files.Open(name)
	if err != nil {
		return fmt.Errorf("read state file %s: %w", name, err)
	}
	defer in.Close()
	f, err := parse(name, in, in.Size())
	if err != nil {
		return err
	}
	for _, t := range f.tables {
		n := out[t.name]
		for _, b := range t.blocks {
			n += int64(b.n)
		}
		out[t.name] = n
	}
	return nil
}

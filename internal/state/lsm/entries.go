package lsm

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/state"
)

// Entries returns about how many entries the files of handles have, by table: what was
// changed counts as often as files have it. Blocks are not read.
func Entries(handles []state.Handle, files state.Files) (map[string]int64, error) {
	out := map[string]int64{}
	done := map[string]bool{}
	for _, h := range handles {
		for _, f := range h.Files {
			if done[f.Name] { // several handles name it, for their key groups
				continue
			}
			done[f.Name] = true
			if err := count(f.Name, files, out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func count(name string, files state.Files, out map[string]int64) error {
	h, err := files.Open(name)
	if err != nil {
		return fmt.Errorf("read state file %s: %w", name, err)
	}
	defer h.Close()
	o, err := parse(name, h, h.Size())
	if err != nil {
		return err
	}
	for _, t := range o.tables {
		for _, b := range t.blocks {
			out[t.name] += int64(b.n)
		}
	}
	return nil
}

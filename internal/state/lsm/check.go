package lsm

import "github.com/millrace-io/millrace/internal/fsys"

// Check looks at what a reader of a state file looks at before it reads entries: the
// header, the index and the trailer, and their checksums. The entries have checksums
// of their own, by the block. Damage is an error that is state.ErrCorrupt.
func Check(name string, f fsys.File) error {
	_, err := parse(name, f, f.Size())
	return err
}

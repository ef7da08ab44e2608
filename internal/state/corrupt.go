package state

import (
	"errors"
	"fmt"
)

// ErrCorrupt is what errors about damaged files are (errors.Is).
var ErrCorrupt = errors.New("corrupt state file")

// A CorruptError says which file is damaged and how it was noticed.
type CorruptError struct {
	File string
	Why  string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("state file %s is damaged: %s", e.File, e.Why)
}

// Unwrap makes the error ErrCorrupt.
func (e *CorruptError) Unwrap() error { return ErrCorrupt }

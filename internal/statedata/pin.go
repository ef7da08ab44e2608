package statedata

import (
	"errors"
	"fmt"

	"github.com/millrace-io/millrace/internal/fsys"
)

// A View is a table of a checkpoint that can be read whatever happens to the checkpoint
// meanwhile: a job that runs deletes the older ones.
type View struct {
	*Checkpoint
	Table *Table
	open  map[string]fsys.File
}

// pinTries is how often a checkpoint is looked for that goes away before its files are
// open, as those of a running job may.
const pinTries = 200

// errDamaged ends what is said of a newest checkpoint that cannot be read: to show an
// older one as if it were the newest would be wrong.
var errDamaged = errors.New("; name an older checkpoint to read that")

// Pin opens a table of the checkpoint that a path means. It is an error if a newer one
// than the one found is damaged.
func Pin(fs fsys.FS, path, operator, table string) (*View, error) {
	var last error
	for range pinTries {
		v, err := pin(fs, path, operator, table)
		gone := errors.Is(err, fsys.ErrNotExist)
		// A newest checkpoint that is found damaged twice has not just gone away.
		damaged := errors.Is(err, errDamaged) && (last == nil || last.Error() != err.Error())
		if !gone && !damaged {
			return v, err
		}
		last = err
	}
	return nil, last
}

func pin(fs fsys.FS, path, operator, table string) (*View, error) {
	damaged := ""
	c, err := Open(fs, path, func(line string) { damaged = line })
	if err != nil {
		return nil, err
	}
	if damaged != "" {
		return nil, fmt.Errorf("%s%w", damaged, errDamaged)
	}
	o, err := c.Operator(operator)
	if err != nil {
		return nil, err
	}
	t, err := o.Table(table)
	if err != nil {
		return nil, err
	}
	v := &View{Checkpoint: c, Table: t, open: map[string]fsys.File{}}
	for _, h := range o.Handles {
		for _, f := range h.Files {
			if v.open[f.Name] != nil {
				continue
			}
			file, err := c.Found.Open(f.Name)
			if err != nil {
				v.Close()
				return nil, err
			}
			v.open[f.Name] = file
		}
	}
	return v, nil
}

// Open implements state.Files.
func (v *View) Open(name string) (fsys.File, error) {
	if f := v.open[name]; f != nil {
		return shared{f}, nil
	}
	return nil, fmt.Errorf("open %s: %w", name, fsys.ErrNotExist)
}

// Close gives the files back.
func (v *View) Close() error {
	for _, f := range v.open {
		f.Close()
	}
	v.open = nil
	return nil
}

// shared is a file that its View closes.
type shared struct{ fsys.File }

// Close implements fsys.File.
func (shared) Close() error { return nil }

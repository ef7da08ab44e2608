package lsm

import (
	"bytes"
	"fmt"
	"io"
)

// Dump writes what a state file holds as text: a line for the file, one for each
// table and block, and with entries one for each of those, keys and values in
// hexadecimal. Damage is an error that is state.ErrCorrupt, after what was legible.
func Dump(w io.Writer, name string, data []byte, entries bool) error {
	f, err := parse(name, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: version %d, %d bytes, %d tables\n", name, fileVersion, len(data), len(f.tables))
	for _, t := range f.tables {
		n := 0
		for _, b := range t.blocks {
			n += b.n
		}
		fmt.Fprintf(w, "table %q: %d entries in %d blocks, %d range deletes\n", t.name, n, len(t.blocks), len(t.tombs))
		for _, s := range t.tombs {
			fmt.Fprintf(w, "  delete %x to %x\n", s.from, s.to)
		}
		for i := range t.blocks {
			b := &t.blocks[i]
			fmt.Fprintf(w, "  block at %d: %d bytes, %d entries, %x to %x\n", b.off, b.size, b.n, b.first, b.last)
		}
		if err := dumpEntries(w, t, entries); err != nil {
			return err
		}
	}
	return nil
}

// dumpEntries reads all entries, so that damage is found, and writes them if show.
func dumpEntries(w io.Writer, t *fileTable, show bool) error {
	s := filePart{t, span{}}.source(span{})
	for s.step() {
		switch {
		case !show:
		case s.dead:
			fmt.Fprintf(w, "  %x deleted\n", s.key)
		default:
			fmt.Fprintf(w, "  %x = %x\n", s.key, s.val)
		}
	}
	return s.err
}

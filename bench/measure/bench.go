package measure

import (
	"context"
	"flag"
	"os"
	"path/filepath"
)

// A Bench is what the programs have in common: what they measure, where they work, and
// where their records go.
type Bench struct {
	Millrace string // the binary
	Work     string // a folder that is removed at the end
	History  string // the folder of the records; empty for none
}

// Flags adds those of a Bench.
func (b *Bench) Flags(f *flag.FlagSet) {
	f.StringVar(&b.Millrace, "millrace", "", "the binary; built from ./cmd/millrace without it")
	f.StringVar(&b.Work, "work", "", "folder for a temporary one, in which all files are")
	f.StringVar(&b.History, "history", "bench/history", "folder for the JSON lines of the records; empty for none")
}

// Begin makes the folder, and the binary if there is none; end removes the folder.
func (b *Bench) Begin(ctx context.Context, name string) (end func(), err error) {
	dir, err := os.MkdirTemp(b.Work, name+"-")
	if err != nil {
		return nil, err
	}
	end = func() { os.RemoveAll(dir) }
	if b.Work, err = filepath.Abs(dir); err == nil {
		b.Millrace, err = Binary(ctx, b.Millrace, b.Work)
	}
	if err != nil {
		end()
		return nil, err
	}
	return end, nil
}

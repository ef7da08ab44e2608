package statedata

import (
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/fsys/mem"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/types"
)

// TestProbe has rows of one column with a word, or, as earlier versions wrote them,
// without. The value of the last could be either.
func TestProbe(t *testing.T) {
	const (
		whole   = "\x01" + "12345678" + "\x01\x00\x02ab"
		short   = "\x01" + "\x01\x00\x02ab"
		either  = "\x01" + "\x01\x00\x0a45678" + "\x01\x00\x02ab"
		neither = "\x01" + "\x01\x00\x03ab"
	)
	for _, c := range []struct {
		name    string
		entries []string
		extra   int
		odd     bool
	}{
		{"none", nil, 1, false},
		{"with the word", []string{whole, whole}, 1, false},
		{"without", []string{short, short}, 0, false},
		{"one that tells", []string{either, either, short}, 0, false},
		{"none that tells", []string{either, either}, 1, true},
		{"both", []string{whole, short}, 1, true},
		{"another", []string{neither}, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := &checkpoint.Storage{FS: mem.New(time.Now), Dir: "job"}
			s, err := lsm.Backend{}.Open("op", base.Range{Hi: 1}, nil, files)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			rows := s.Table("rows")
			for i, val := range c.entries {
				if err := rows.Put([]byte{0, 0, 7, byte(i)}, []byte(val)); err != nil {
					t.Fatal(err)
				}
			}
			h := statetest.Snapshot(t, s, 1)
			l := Layout{Store: "rows", Form: keyed.Lists, Shape: keyed.Shape{Row: []types.Type{types.TBytes}, Extra: 1}, Words: map[int]Part{0: {Origin: "last_change"}}, lacks: 1}
			if err := l.probe([]state.Handle{h}, files); err != nil {
				t.Fatal(err)
			}
			if l.Shape.Extra != c.extra || l.Short != 1-c.extra || (l.Odd != "") != c.odd || len(l.Words) != c.extra {
				t.Errorf("the rows have %d words, %v, %d fewer; %q", l.Shape.Extra, l.Words, l.Short, l.Odd)
			}
		})
	}
}

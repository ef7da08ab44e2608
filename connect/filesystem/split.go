package filesystem

import (
	"encoding/json"
	"fmt"

	"github.com/millrace-io/millrace/connect"
)

// A piece is a split: a file or a range of one, and how far it has been read.
// Record formats are cut by bytes at record starts, file formats by row groups.
type piece struct {
	File file  `json:"file"`
	From int64 `json:"from"`
	To   int64 `json:"to"` // -1: to the file's end, whatever that is (compressed files)
	// Groups says that From and To are row groups and not bytes.
	Groups bool `json:"groups,omitempty"`

	// Where the next record is: a byte of the (decompressed) file, or a row group
	// and a row of it.
	At  int64 `json:"at"`
	Row int64 `json:"row,omitempty"`
	// Records read so far, for messages.
	Records int64 `json:"records,omitempty"`
}

// id names the split; it does not change while it is read.
func (p *piece) id() string {
	switch {
	case p.Groups && p.To >= 0:
		return fmt.Sprintf("%s:groups=%d-%d", p.File.Path, p.From, p.To)
	case p.Groups || p.From == 0 && (p.To < 0 || p.To == p.File.Size):
		return p.File.Path
	}
	return fmt.Sprintf("%s:%d-%d", p.File.Path, p.From, p.To)
}

func (p *piece) split() connect.Split {
	pos, _ := json.Marshal(p) // numbers and strings cannot fail
	return connect.Split{ID: p.id(), Pos: pos}
}

func pieceOf(s connect.Split) (*piece, error) {
	p := &piece{}
	if err := json.Unmarshal(s.Pos, p); err != nil {
		return nil, fmt.Errorf("filesystem: split %s: %w", s.ID, err)
	}
	return p, nil
}

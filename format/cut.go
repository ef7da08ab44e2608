package format

import "bytes"

// A Cutter finds where records start in a file, so that readers can share it.
// It serves one file.
type Cutter interface {
	// Sequential reports whether the cutter has to see the file from its start.
	// If not, it may be given any piece, and takes its first byte as inside a
	// record unless it is told otherwise.
	Sequential() bool
	// Cut returns the first position in data, at or after min, where a record
	// starts, and -1 if there is none. Sequential cutters are given the pieces
	// of a file in turn, each once, whatever they returned. A start at the end
	// of data is found only with the next piece.
	Cut(data []byte, min int) int
}

// Lines is the Cutter of formats in which every line feed ends a record.
type Lines struct{}

// Sequential implements Cutter.
func (Lines) Sequential() bool { return false }

// Cut implements Cutter.
func (Lines) Cut(data []byte, min int) int {
	from := max(min, 1) - 1
	if from >= len(data) {
		return -1
	}
	i := bytes.IndexByte(data[from:], '\n')
	if i < 0 || from+i+1 == len(data) {
		return -1
	}
	return from + i + 1
}

// Package format defines what a format is: how bytes become rows and back.
//
// There are two shapes. A record format (csv, json, raw, debezium-json …) reads
// and writes records one after the other, in files, topics and sockets. A file
// format (parquet) has a structure of its own and reads and writes whole files.
package format

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Spec says what a decoder or encoder works on.
type Spec struct {
	Schema     types.Schema // the columns that are in the data, in order
	Columns    []int        // decoders: the columns wanted, in the batches' order
	Predicates []connect.Predicate
	Filters    []KeyFilter     // file formats may leave out rows that fail them
	LeavesOut  bool            // … and rows that fail Predicates, not only groups of rows
	Options    connect.Options // the format's own, without their prefix: 'ignore-parse-errors'
	Zone       string          // table.local-time-zone
	// Metadata are the columns of Schema, by position, that tell about a record
	// and are not part of its row, with their keys (Format.Metadata).
	Metadata map[int]string
}

// A KeyFilter is integers that a column of Spec.Schema must have for a row to be of use.
type KeyFilter struct {
	Column int
	Keys   *connect.KeySet
}

// A Format registers itself under the name that the 'format' option holds.
// Record formats set Decoder and Encoder, file formats Open and Create.
type Format struct {
	Name    string
	Options []connect.Option // keys without the format's name
	Decoder func(Spec) (Decoder, error)
	Encoder func(Spec) (Encoder, error)
	Open    func(Spec, io.ReaderAt, int64) (FileReader, error)
	Create  func(Spec, io.Writer) (FileWriter, error)
	// Statistics says what a file tells of its rows without reading them, for the
	// columns of Spec.Columns; nil: a file tells nothing.
	Statistics func(Spec, io.ReaderAt, int64) (*connect.Statistics, error)
	Kinds      bool // decodes and encodes changes, not only inserts
	// Metadata are the keys that can be read of each record, with their SQL type.
	// A table names them with 'value.' in front.
	Metadata map[string]string
	// Cutter makes what finds record starts, so that large files are read by many
	// readers at once; nil means that a file has one reader.
	Cutter func(Spec) (Cutter, error)
}

// A Decoder turns records into rows. It is used by one goroutine.
type Decoder interface {
	// Decode reads whole records from the front of data, until the batch is full
	// (vec.BatchRowsMax rows or vec.BatchBytesMax bytes) or no whole record is
	// left, and returns the rows and the number of bytes read. A record's end
	// must be seen; with final, the end of data ends the last record. n == 0
	// without final means that data must grow. A batch may have no rows (blank
	// lines, records skipped by ignore-parse-errors) though n > 0.
	Decode(data []byte, final bool) (b *vec.Batch, n int, err error)
	// Skipped is how many records were dropped as the options say.
	Skipped() int64
}

// A RecordError says which record is wrong. The connector adds file and offset.
type RecordError struct {
	Offset int    // of the record in the data that Decode was given
	Line   int    // 0-based record number in that data
	Column string // "" when the whole record is
	Record string // the text, shortened
	Err    error
}

func (e *RecordError) Error() string {
	if e.Column != "" {
		return fmt.Sprintf("column '%s': %v, in %q", e.Column, e.Err, e.Record)
	}
	return fmt.Sprintf("%v, in %q", e.Err, e.Record)
}

func (e *RecordError) Unwrap() error { return e.Err }

// An Encoder turns rows into records.
type Encoder interface {
	// Encode appends the rows of b, each with its record end, to dst.
	Encode(dst []byte, b *vec.Batch) ([]byte, error)
}

// A FileReader reads a file that has groups of rows.
type FileReader interface {
	Groups() int
	// GroupRows is the number of rows of a group, GroupBytes its size in the file.
	GroupRows(group int) int64
	GroupBytes(group int) int64
	// Skip reports whether no row of the group can pass the Spec's predicates.
	Skip(group int) bool
	// Read starts reading a group after its first skip rows.
	Read(group int, skip int64) (Rows, error)
	Close() error
}

// Rows yields the batches of a group; io.EOF ends it.
type Rows interface {
	// Next returns the next batch, of no rows if the Spec's filters let none pass.
	Next() (*vec.Batch, error)
	// Done is how many rows of the group are behind: read, skipped or filtered.
	Done() int64
	Close() error
}

// A FileWriter writes one file.
type FileWriter interface {
	Write(b *vec.Batch) error
	// Size is about how many bytes the file has so far.
	Size() int64
	// Close writes what the format needs at the end. It does not close the
	// underlying writer.
	Close() error
}

var (
	mu      sync.RWMutex
	formats = map[string]*Format{}
)

// Register makes a format known. It panics if the name is taken.
func Register(f *Format) {
	mu.Lock()
	defer mu.Unlock()
	if formats[f.Name] != nil {
		panic(fmt.Sprintf("format: %s is registered twice", f.Name))
	}
	formats[f.Name] = f
}

// Lookup returns the format of that name, or nil.
func Lookup(name string) *Format {
	mu.RLock()
	defer mu.RUnlock()
	return formats[name]
}

// Names returns the names of all formats, sorted.
func Names() []string {
	mu.RLock()
	defer mu.RUnlock()
	return slices.Sorted(maps.Keys(formats))
}

// Package parquet is the file format 'parquet'. Footers, encodings other than PLAIN, and
// what is written are parquet-go's; pages are read here and become columns in loops,
// without rows in between.
//
// Columns are found by name; one that a file does not have is NULL. A file's
// type must be able to hold no other values than the column's: integers may be
// narrower in the file, timestamps of any unit. Row groups whose statistics rule
// the predicates out are skipped. Strings stay in their dictionary where it is
// small.
//
// What is written is what Flink writes: decimals as fixed-length bytes,
// timestamps as INT96 unless write.int64.timestamp, lists and maps in three
// levels.
package parquet

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/types"
)

func init() {
	format.Register(&format.Format{
		Name: "parquet",
		Open: func(s format.Spec, r io.ReaderAt, size int64) (format.FileReader, error) { return Open(s, r, size) },
		Create: func(s format.Spec, w io.Writer) (format.FileWriter, error) {
			return Create(s, w)
		},
		Statistics: statistics,
		Options: []connect.Option{
			{Key: "compression", Default: "SNAPPY", Doc: "SNAPPY, ZSTD, GZIP, BROTLI or UNCOMPRESSED.", Check: func(v string) error { _, err := codec(v); return err }},
			{Key: "block.size", Default: "134217728", Doc: "About how large a row group is, in bytes before compression.", Check: connect.CheckSize},
			{Key: "page.size", Default: "1048576", Doc: "About how large a page is, in bytes.", Check: connect.CheckSize},
			{Key: "enable.dictionary", Default: "true", Doc: "Whether columns whose values repeat are written by dictionary; decimals of up to 18 digits never are, since Flink cannot read them then.", Check: connect.CheckBool},
			{Key: "utc-timezone", Default: "false", Doc: "Whether timestamps without zone are stored as UTC; else INT96 and UTC-adjusted ones are in table.local-time-zone.", Check: connect.CheckBool},
			{Key: "write.int64.timestamp", Default: "false", Doc: "Timestamps are written as INT64 instead of INT96.", Check: connect.CheckBool},
			{Key: "timestamp.time.unit", Default: "micros", Doc: "Unit of INT64 timestamps: millis, micros or nanos.", Check: connect.CheckOneOf("millis", "micros", "nanos")},
		},
	})
}

// options are the format's options, read.
type options struct {
	codec      compress.Codec
	block      int64
	page       int64
	dictionary bool
	int64Stamp bool
	unit       string
	zone       *time.Location // of timestamps without zone in INT96; nil is UTC
}

func readOptions(s format.Spec) (options, error) {
	var o options
	var errs [6]error
	o.codec, errs[0] = codec(s.Options.String("compression", "SNAPPY"))
	o.block, errs[1] = s.Options.Size("block.size", 128<<20)
	o.page, errs[2] = s.Options.Size("page.size", 1<<20)
	o.dictionary, errs[3] = s.Options.Bool("enable.dictionary", true)
	o.int64Stamp, errs[4] = s.Options.Bool("write.int64.timestamp", false)
	o.unit = s.Options.String("timestamp.time.unit", "micros")
	utc, err := s.Options.Bool("utc-timezone", false)
	errs[5] = err
	if !utc && s.Zone != "" && s.Zone != "UTC" {
		var err error
		if o.zone, err = time.LoadLocation(s.Zone); err != nil {
			return o, err
		}
	}
	return o, errors.Join(errs[:]...)
}

// codec returns what a file is compressed with. LZ4_RAW is not among them:
// parquet-go v0.32.0 writes blocks that do not shrink as empty ones.
func codec(name string) (compress.Codec, error) {
	switch strings.ToUpper(name) {
	case "SNAPPY":
		return &pq.Snappy, nil
	case "ZSTD":
		return &pq.Zstd, nil
	case "GZIP":
		return &pq.Gzip, nil
	case "BROTLI":
		return &pq.Brotli, nil
	case "UNCOMPRESSED", "NONE":
		return &pq.Uncompressed, nil
	}
	return nil, fmt.Errorf("'%s' is none of SNAPPY, ZSTD, GZIP, BROTLI, UNCOMPRESSED", name)
}

// guard turns a panic of the library over a broken file into an error.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the file is broken: %v", r)
	}
}

// A clock shows instants as they are in a zone: what a TIMESTAMP without zone is there.
// It keeps what the zone last was off UTC, and from when until when.
type clock struct {
	zone             *time.Location // nil: UTC
	from, until, off int64          // seconds
}

func (c *clock) local(sec int64) int64 {
	if c.zone == nil {
		return sec
	}
	if sec < c.from || sec >= c.until {
		c.set(sec)
	}
	return sec + c.off
}

func (c *clock) set(sec int64) {
	t := time.Unix(sec, 0).In(c.zone)
	_, off := t.Zone()
	from, until := t.ZoneBounds()
	c.off, c.from, c.until = int64(off), math.MinInt64, math.MaxInt64
	if !from.IsZero() {
		c.from = from.Unix()
	}
	if !until.IsZero() {
		c.until = until.Unix()
	}
}

// instant is the inverse of a clock's local.
func instant(sec int64, zone *time.Location) int64 {
	if zone == nil {
		return sec
	}
	t := time.Unix(sec, 0).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone).Unix()
}

// decimalBytes is how many bytes hold every decimal of a precision.
func decimalBytes(prec int) int {
	for n := 1; n < 16; n++ {
		// 2^(8n-1)-1 >= 10^prec-1
		max := types.Int128{Lo: 1}
		for range 8*n - 1 {
			max = max.Add(max)
		}
		if !max.Less(types.Pow10(prec)) {
			return n
		}
	}
	return 16
}

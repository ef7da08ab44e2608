// Package filesystem is the connector 'filesystem': tables that are files in a
// folder.
//
// Reading. 'path' is a file, a folder, which is read with all folders below it,
// or a pattern with * ? [ ]. Names that begin with . or _ are skipped. The
// enumerator lists the files, sorted, and cuts large ones into ranges at record
// starts; a reader keeps a few splits open and reads ahead on a goroutine each.
// A split's position is that of the next record, so a restore loses and repeats
// nothing.
//
// Writing. Each subtask writes part files, one for each partition folder it
// meets. They are pending under a hidden name until the epoch that prepared them
// is complete, and become visible by one rename each, at commit only. What
// INSERT OVERWRITE writes is collected in a hidden folder beside the table, and
// takes the place of a partition, or of a table without, by one exchange of two
// folders; where a store cannot do that, new files come before the old ones go.
package filesystem

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/types"
)

// Env is the outside world as the connector sees it.
type Env struct {
	// Open returns the store that a 'path' is in, and its name there.
	Open func(path string) (fsys.FS, string, error)
	Now  func() time.Time
	// After calls f on a goroutine of its own, unless stop comes first. Nil: nobody is
	// woken to list a path again.
	After func(d time.Duration, f func()) (stop func())
	// Attempt names one run of a sink's writer, so that its files cannot have
	// the name of an earlier run's.
	Attempt func() string
	// Sync makes sources list and read inside Assign and Poll, without
	// goroutines: for the simulator and for tests.
	Sync bool
}

// stores are the openers of paths by scheme.
var stores = map[string]func(path string) (fsys.FS, string, error){
	"": openLocal, "file": openLocal,
}

// RegisterStore makes paths of a scheme known: s3, hdfs. It is for init functions.
func RegisterStore(scheme string, open func(path string) (fsys.FS, string, error)) {
	stores[scheme] = open
}

func openLocal(path string) (fsys.FS, string, error) {
	if rest, ok := strings.CutPrefix(path, "file:"); ok {
		path = rest
		if rest, ok := strings.CutPrefix(path, "//"); ok {
			path = "/" + strings.TrimLeft(rest, "/")
			if host, _, _ := strings.Cut(rest, "/"); host != "" && host != "localhost" {
				return nil, "", fmt.Errorf("'file://%s': files of another machine cannot be read", rest)
			} else if host != "" {
				path = strings.TrimPrefix(rest, host)
			}
		}
	}
	return local.New(""), path, nil
}

// OpenStore is the Open of the Env that the connector runs in.
func OpenStore(path string) (fsys.FS, string, error) {
	scheme, _, ok := strings.Cut(path, ":")
	if !ok || strings.Contains(scheme, "/") || len(scheme) == 1 {
		scheme = ""
	}
	open := stores[scheme]
	if open == nil {
		return nil, "", fmt.Errorf("'%s': there is no file store for '%s:'", path, scheme)
	}
	return open(path)
}

func init() {
	connect.Register(New(Env{Open: OpenStore, Now: now, After: env.After, Attempt: attempt}))
}

// New returns the connector in a given world.
func New(env Env) *connect.Connector {
	return &connect.Connector{
		Name:       "filesystem",
		Formats:    true,
		Overwrites: true,
		Options:    Options,
		Metadata: map[string]string{
			"file.path": "STRING NOT NULL", "file.name": "STRING NOT NULL", "file.size": "BIGINT NOT NULL", "file.modification-time": "TIMESTAMP_LTZ(3) NOT NULL",
		},
		Source: func(t connect.Table, s connect.Scan) (connect.Source, error) { return newSource(env, t, s) },
		Statistics: func(t connect.Table, s connect.Scan) (*connect.Statistics, error) {
			return statistics(env, t, s)
		},
		Sink:  func(t connect.Table, w connect.Write) (connect.Sink, error) { return newSink(env, t, w) },
		Store: func(t connect.Table) (connect.Store, error) { return newStore(env, t) },
	}
}

// Options are what the connector takes, besides 'connector' and 'format'.
var Options = slices.Concat([]connect.Option{
	{Key: "path", Doc: "File, folder or pattern (* ? [ ]) to read; folder to write."},
	{Key: "source.monitor-interval", Doc: "How often the path is looked at for new files. Without it the table is what is there at the start.", Check: connect.CheckDuration},
	{Key: "source.path.regex-pattern", Doc: "Only files are read whose full path matches.", Check: checkRegexp},
	{Key: "source.file-order", Default: "none", Doc: "That files follow each other in event time, by 'name' or 'modification-time': they are read in that order, and those to come hold no watermark back.", Check: connect.CheckOneOf("none", "name", "modification-time")},
	{Key: "source.report-statistics", Default: "ALL", Doc: "ALL: a batch is planned by what files say of their rows (parquet: numbers, ranges), NONE: without.", Check: connect.CheckOneOf("ALL", "NONE")},
	{Key: "source.split-size", Default: "64 mb", Doc: "About how large the ranges are into which large files are cut.", Check: connect.CheckSize},
	{Key: "source.max-record-size", Default: "256 mb", Doc: "The largest record that is read; one that is larger is an error.", Check: connect.CheckSize},
	{Key: "partition.default-name", Default: "__DEFAULT_PARTITION__", Doc: "Folder name of a partition column that is NULL or empty."},
	{Key: "partition.time-extractor.kind", Default: "default", Doc: "How a partition's time is found: default, by the pattern.", Check: connect.CheckOneOf("default")},
	{Key: "partition.time-extractor.timestamp-pattern", Doc: "A partition's time as text in which $column stands for a partition column: '$dt $hm:00'."},
	{Key: "sink.rolling-policy.file-size", Default: "128 mb", Doc: "A part file that has grown this large is closed.", Check: connect.CheckSize},
	{Key: "sink.rolling-policy.rollover-interval", Default: "30 min", Doc: "A part file this old is closed. Every checkpoint closes all of them.", Check: connect.CheckDuration},
	{Key: "sink.rolling-policy.inactivity-interval", Default: "30 min", Doc: "A part file not written for this long is closed.", Check: connect.CheckDuration},
	{Key: "sink.rolling-policy.check-interval", Default: "1 min", Doc: "How often the ages of part files are looked at, when rows come.", Check: connect.CheckDuration},
	{Key: "sink.compression", Default: "none", Doc: "How files of record formats are compressed: none, gzip or zstd.", Check: connect.CheckOneOf("none", "gzip", "zstd")},
	{Key: "sink.partition-commit.trigger", Default: "process-time", Doc: "When a partition is complete: the delay after its first file, or when the watermark passes its own time and the delay.", Check: connect.CheckOneOf("process-time", "partition-time")},
	{Key: "sink.partition-commit.delay", Default: "0 s", Doc: "See sink.partition-commit.trigger.", Check: connect.CheckDuration},
	{Key: "sink.partition-commit.watermark-time-zone", Default: "UTC", Doc: "Time zone that a partition's time is in.", Check: checkZone},
	{Key: "sink.partition-commit.policy.kind", Doc: "What is done to a complete partition: success-file puts an empty file into it.", Check: connect.CheckOneOf("success-file")},
	{Key: "sink.partition-commit.success-file.name", Default: "_SUCCESS", Doc: "Name of that file."},
	{Key: "sink.parallelism", Doc: "Subtasks that write; the planner reads it."},
	{Key: "lookup.cache", Default: "FULL", Doc: "A lookup join keeps the whole table.", Check: connect.CheckOneOf("FULL")},
}, connect.FullCacheOptions)

func checkZone(v string) error {
	_, err := time.LoadLocation(v)
	return err
}

// layout says which of a table's columns are in the files, which in their names
// and which about them.
type layout struct {
	table    connect.Table
	data     []int        // positions of the columns in the files
	schema   types.Schema // of those
	place    []int        // by table position: in data, or -1
	part     []string     // names of the partition columns, in the order of the folders
	partCols []int
	meta     map[int]string // of the columns in data that tell about a record: the format's keys
	format   *format.Format
	options  connect.Options // the format's
	zone     string
	path     string
}

func newLayout(t connect.Table, zone string) (*layout, error) {
	l := &layout{table: t, zone: zone, partCols: t.PartitionBy, place: make([]int, len(t.Schema)), options: connect.Options{}}
	in := map[int]bool{}
	for _, c := range t.PartitionBy {
		l.part = append(l.part, t.Schema[c].Name)
		in[c] = true
	}
	for c, f := range t.Schema {
		l.place[c] = -1
		if _, meta := t.Metadata[c]; !meta && !in[c] {
			l.place[c] = len(l.data)
			l.data = append(l.data, c)
			l.schema = append(l.schema, f)
		}
	}
	if l.path = t.Options.String("path", ""); l.path == "" {
		return nil, fmt.Errorf("table %s: option 'path' is missing", t.Name)
	}
	name := t.Options.String("format", "")
	if name == "" {
		return nil, fmt.Errorf("table %s: option 'format' is missing", t.Name)
	}
	if l.format = format.Lookup(name); l.format == nil {
		return nil, fmt.Errorf("table %s: there is no format '%s'", t.Name, name)
	}
	for k, v := range t.Options {
		if rest, ok := strings.CutPrefix(k, name+"."); ok {
			l.options[rest] = v
		}
	}
	return l, nil
}

// spec returns what the format works on; columns are positions in l.schema.
func (l *layout) spec(columns []int) format.Spec {
	return format.Spec{Schema: l.schema, Columns: columns, Options: l.options, Zone: l.zone, Metadata: l.meta}
}

// readMetadata adds the metadata columns that the format reads.
func (l *layout) readMetadata() {
	for c, f := range l.table.Schema {
		key, ok := strings.CutPrefix(l.table.Metadata[c], "value.")
		if !ok {
			continue
		}
		if l.meta == nil {
			l.meta = map[int]string{}
		}
		l.place[c] = len(l.data)
		l.meta[l.place[c]] = key
		l.data = append(l.data, c)
		l.schema = append(l.schema, f)
	}
}

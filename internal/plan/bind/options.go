package bind

import (
	_ "embed"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
)

// Keys of options that the front end itself reads.
const (
	OptName           = "pipeline.name"
	OptMode           = "execution.runtime-mode"
	OptParallelism    = "parallelism.default"
	OptMaxParallelism = "pipeline.max-parallelism"
	OptZone           = "table.local-time-zone"
	OptSync           = "table.dml-sync"
	OptHints          = "table.dynamic-table-options.enabled"
)

// optionDefs are the options of SET that Millrace applies. Another key of Flink's
// is refused by name.
var optionDefs = []connect.Option{
	{Key: OptMode, Default: "STREAMING", Check: oneOf("STREAMING", "BATCH", "AUTOMATIC"), Doc: "whether jobs run over streams or over complete data"},
	{Key: OptParallelism, Default: "1", Check: atLeast(1), Doc: "subtasks of an operator"},
	{Key: OptMaxParallelism, Default: "-1", Check: atLeast(-1), Doc: "key groups: the most that the parallelism can become"},
	{Key: OptName, Doc: "name of the jobs that follow"},
	{Key: "pipeline.auto-watermark-interval", Default: "200 ms", Check: duration, Doc: "a watermark is told when it has risen by more than this"},
	{Key: OptZone, Default: "default", Check: zone, Doc: "zone in which TIMESTAMP_LTZ is shown and days begin"},
	{Key: OptSync, Default: "false", Check: boolean, Doc: "an INSERT waits for its job to finish"},
	{Key: OptHints, Default: "true", Check: boolean, Doc: "hints OPTIONS(…) are allowed"},
	{Key: "table.sql-dialect", Default: "default", Check: oneOf("default"), Doc: "the SQL dialect"},
	{Key: "table.exec.mini-batch.enabled", Default: "false", Check: boolean, Doc: "fold changes to a key before they are handled"},
	{Key: "table.exec.mini-batch.allow-latency", Default: "0 ms", Check: duration, Doc: "how long rows may wait in a mini-batch"},
	{Key: "table.exec.mini-batch.size", Default: "-1", Check: atLeast(-1), Doc: "rows of a mini-batch"},
	{Key: optEarly, Default: "false", Check: boolean, Doc: "TUMBLE and HOP in GROUP BY tell results before a window is complete, too, in a stream"},
	{Key: optEarlyDelay, Check: duration, Doc: "how long after a row of a group its result is told, before the window is complete; 0 ms is at each row"},
	{Key: optLate, Default: "false", Check: boolean, Doc: "TUMBLE and HOP in GROUP BY take rows that come late, and tell results again, in a stream"},
	{Key: optLateDelay, Check: duration, Doc: "how long after a late row of a group its result is told; 0 ms is at each row"},
	{Key: optLateness, Check: duration, Doc: "how late, by the watermark, rows may be with late-fire; unset, table.exec.state.ttl"},
	{Key: optTTL, Default: "0 ms", Check: duration, Doc: "state that was not touched for so long is dropped; 0 keeps it"},
	{Key: "table.exec.source.idle-timeout", Default: "0 ms", Check: duration, Doc: "a split without rows for so long holds no watermark back"},
	{Key: "table.exec.source.cdc-events-duplicate", Default: "false", Check: boolean, Doc: "sources may repeat changes: they are sorted out by primary key"},
	{Key: "table.exec.sink.not-null-enforcer", Default: "ERROR", Check: oneOf("ERROR", "DROP"), Doc: "what happens to a NULL in a NOT NULL column of a sink"},
	{Key: "table.exec.sink.type-length-enforcer", Default: "IGNORE", Check: oneOf("IGNORE", "TRIM_PAD", "ERROR"), Doc: "what happens to a value longer than its CHAR, VARCHAR, BINARY or VARBINARY column of a sink, or shorter than a CHAR or BINARY one"},
	{Key: "table.exec.sink.nested-constraint-enforcer", Default: "IGNORE", Check: oneOf("IGNORE", "ROWS", "ROWS_AND_COLLECTIONS"), Doc: "whether NOT NULL and lengths are seen to inside of rows, or of collections, too"},
	{Key: "table.exec.sink.upsert-materialize", Default: "AUTO", Check: oneOf("AUTO", "NONE", "FORCE"), Doc: "whether changes are put in order before an upsert sink"},
	{Key: "table.exec.sink.keyed-shuffle", Default: "AUTO", Check: oneOf("AUTO", "NONE", "FORCE"), Doc: "whether rows are spread over a sink's subtasks by its primary key: where its parallelism differs, never, always"},
	{Key: "table.exec.sink.require-on-conflict", Default: "true", Check: boolean, Doc: "ON CONFLICT must be written where the keys of query and sink differ"},
	{Key: "table.exec.resource.default-parallelism", Default: "-1", Check: atLeast(-1), Doc: "parallelism.default for SQL"},
	{Key: "table.optimizer.non-deterministic-update.strategy", Default: "TRY_RESOLVE", Check: oneOf("TRY_RESOLVE", "IGNORE"), Doc: "what RAND() and its like do over rows that change: their results are kept, or computed anew for what is taken back"},
	{Key: "table.plan.compile.catalog-objects", Default: "ALL", Check: oneOf("ALL", "SCHEMA"), Doc: "what a compiled plan holds of tables: their options, too, or the columns only"},
	{Key: "table.plan.restore.catalog-objects", Default: "ALL", Check: oneOf("ALL", "ALL_ENFORCED", "IDENTIFIER"), Doc: "where EXECUTE PLAN finds tables: the catalog or else the plan, the plan only, the catalog only"},
	{Key: "table.plan.force-recompile", Default: "false", Check: boolean, Doc: "COMPILE PLAN writes over a file that is there"},
	{Key: "table.optimizer.agg-phase-strategy", Default: "AUTO", Check: oneOf("AUTO", "ONE_PHASE", "TWO_PHASE"), Doc: "whether aggregates have a local phase"},
	{Key: "table.optimizer.distinct-agg.split.enabled", Default: "false", Check: boolean, Doc: "an aggregate over the different values of a column is done by buckets of values first, in a stream: for groups with very many of them; where all calls are COUNT, SUM, AVG, MIN or MAX"},
	{Key: "table.optimizer.distinct-agg.split.bucket-num", Default: "1024", Check: atLeast(1), Doc: "buckets of distinct-agg.split"},
	{Key: "table.optimizer.reuse-sub-plan-enabled", Default: "true", Check: boolean, Doc: "equal parts of a plan run once"},
	{Key: "table.optimizer.source.report-statistics-enabled", Default: "true", Check: boolean, Doc: "a batch is planned by what files say of their rows"},
	{Key: "table.optimizer.multi-join.enabled", Default: "false", Check: boolean, Doc: "inner joins of a stream that have one key in common are one operator, which keeps each row once; the hint `MULTI_JOIN` does so for a query"},
	{Key: "table.optimizer.runtime-filter.enabled", Default: "true", Check: boolean, Doc: "joins of a batch tell scans the keys that they have, and the scans skip other rows"},
	{Key: "table.optimizer.reuse-source-enabled", Default: "true", Check: boolean, Doc: "equal scans run once"},
	{Key: "table.optimizer.join.broadcast-threshold", Default: "1048576", Check: atLeast(-1), Doc: "bytes up to which a side of a batch join is broadcast"},
	{Key: "table.exec.async-lookup.output-mode", Default: "ORDERED", Check: oneOf("ORDERED", "ALLOW_UNORDERED"), Doc: "whether rows leave a lookup join in the order in which they came, or when they are answered"},
	{Key: "table.exec.async-lookup.buffer-capacity", Default: "100", Check: atLeast(1), Doc: "rows of a lookup join that are asked for at a time"},
	{Key: "table.exec.async-lookup.timeout", Default: "3 min", Check: duration, Doc: "how long an answer to a lookup join may take"},
	{Key: "execution.checkpointing.interval", Check: duration, Doc: "time between checkpoints; unset takes none"},
	{Key: "execution.checkpointing.mode", Default: "EXACTLY_ONCE", Check: oneOf("EXACTLY_ONCE"), Doc: "what a failure may do"},
	{Key: "execution.checkpointing.timeout", Default: "10 min", Check: duration, Doc: "a checkpoint that takes longer is given up"},
	{Key: "execution.checkpointing.min-pause", Default: "0 ms", Check: duration, Doc: "least time between two checkpoints"},
	{Key: "execution.checkpointing.max-concurrent-checkpoints", Default: "1", Check: oneOf("1"), Doc: "checkpoints under way at once"},
	{Key: "execution.checkpointing.dir", Doc: "where checkpoints go"},
	{Key: "execution.checkpointing.savepoint-dir", Doc: "where savepoints go; unset, the folder for checkpoints"},
	{Key: "execution.checkpointing.num-retained", Default: "2", Check: atLeast(1), Doc: "complete checkpoints that are kept"},
	{Key: "execution.checkpointing.tolerable-failed-checkpoints", Default: "-1", Check: atLeast(-1), Doc: "failed checkpoints in a row before the job fails; -1 is any number"},
	{Key: "execution.checkpointing.unaligned.enabled", Default: "false", Check: boolean, Doc: "the barriers of a checkpoint may overtake rows, which become part of it"},
	{Key: "execution.checkpointing.aligned-checkpoint-timeout", Default: "0 ms", Check: duration, Doc: "how long they wait behind the rows before that"},
	{Key: "execution.state-recovery.path", Doc: "savepoint or checkpoint that the next job starts from"},
	{Key: "execution.state-recovery.claim-mode", Default: "NO_CLAIM", Check: oneOf("NO_CLAIM", "CLAIM", "LEGACY"), Doc: "whose that one is then: NO_CLAIM copies it and leaves it alone, CLAIM moves it into the job's folder; LEGACY is as NO_CLAIM, since nothing ever depends on another's files"},
	{Key: "execution.state-recovery.ignore-unclaimed-state", Default: "false", Check: boolean, Doc: "state of operators that the job does not have is left out"},
	{Key: "execution.batch-shuffle-mode", Default: "ALL_EXCHANGES_BLOCKING", Check: oneOf("ALL_EXCHANGES_BLOCKING", "ALL_EXCHANGES_PIPELINED"), Doc: "whether a batch stage ends before the next starts"},
	{Key: "restart-strategy.type", Check: oneOf(restartTypes...), Doc: "how a failed job starts again: none, fixed-delay, exponential-delay or failure-rate; unset, exponential-delay where there are checkpoints"},
	{Key: "restart-strategy.fixed-delay.attempts", Default: "1", Check: atLeast(0), Doc: "restarts of the fixed-delay strategy"},
	{Key: "restart-strategy.fixed-delay.delay", Default: "1 s", Check: duration, Doc: "time between restarts of the fixed-delay strategy"},
	{Key: "restart-strategy.exponential-delay.initial-backoff", Default: "1 s", Check: duration, Doc: "time before the first restart of the exponential-delay strategy"},
	{Key: "restart-strategy.exponential-delay.max-backoff", Default: "1 min", Check: duration, Doc: "most time before a restart"},
	{Key: "restart-strategy.exponential-delay.backoff-multiplier", Default: "1.5", Check: number(1, math.MaxFloat64), Doc: "by how much the time grows with each restart"},
	{Key: "restart-strategy.exponential-delay.reset-backoff-threshold", Default: "1 h", Check: duration, Doc: "a job that has run for so long begins again with the first backoff"},
	{Key: "restart-strategy.exponential-delay.jitter-factor", Default: "0.1", Check: number(0, 1), Doc: "share of the time that is drawn at random, more or less"},
	{Key: "restart-strategy.exponential-delay.attempts-before-reset-backoff", Default: "2147483647", Check: atLeast(1), Doc: "restarts before the job fails, if the backoff was not reset"},
	{Key: "restart-strategy.failure-rate.max-failures-per-interval", Default: "1", Check: atLeast(1), Doc: "failures in an interval that the failure-rate strategy bears"},
	{Key: "restart-strategy.failure-rate.failure-rate-interval", Default: "1 min", Check: duration, Doc: "the interval of the failure-rate strategy"},
	{Key: "restart-strategy.failure-rate.delay", Default: "1 s", Check: duration, Doc: "time between restarts of the failure-rate strategy"},
	{Key: "millrace.optimizer.disabled-rules", Doc: "optimiser rules that are left out, with semicolons between them: a plan gives the same rows without (Millrace's own)"},
	{Key: "io.tmp.dirs", Check: oneFolder, Doc: "folder for what does not fit in memory; unset, the system's for temporary files"},
	{Key: "memory.size", Check: size, Doc: "memory of the process, for state, buffers and caches (Millrace's own); unset, taskmanager.memory.process.size; without either there is no limit, but state leaves memory when it takes half of the machine's"},
	{Key: "taskmanager.memory.process.size", Check: size, Doc: "the same in Flink's name"},
	{Key: "state.backend.type", Default: "lsm", Check: oneOf("lsm", "rocksdb", "forst", "mem", "hashmap"), Doc: "where state is: lsm, also called rocksdb or forst, keeps in memory what is used and the rest in files; mem, also called hashmap, keeps all in memory and fails when that is not enough"},
}

// optionNoOps are options of Flink whose effect Millrace has in another way or
// has no use for: SET takes them with a warning.
var optionNoOps = map[string]string{
	"pipeline.object-reuse":                                     "batches are never copied between operators",
	"pipeline.operator-chaining.enabled":                        "operators that follow each other always run in one task",
	"table.optimizer.incremental-agg-enabled":                   "each step of a split aggregate has its own local phase",
	"table.optimizer.join-reorder-enabled":                      "joins are always ordered by cost",
	"execution.checkpointing.incremental":                       "checkpoints are always incremental",
	"execution.checkpointing.externalized-checkpoint-retention": "checkpoints are always kept",
	"sql-client.execution.result-mode":                          "the command line's --format says how results are shown",
	"sql-client.execution.max-table-result.rows":                "results are shown whole",
	"sql-client.verbose":                                        "errors always say all that is known",
	"sql-client.display.print-time-cost":                        "the shell always shows it",
	"table.display.max-column-width":                            "cells are shown whole",
	"execution.attached":                                        "a client decides by itself whether it waits",
	"pipeline.jars":                                             "there are no jars",
	"pipeline.classpaths":                                       "there are no jars",
	"pipeline.generic-types":                                    "there is no serialisation of Java types",
	"pipeline.closure-cleaner-level":                            "there are no Java closures",
	"pipeline.force-kryo":                                       "there is no serialisation of Java types",
	"pipeline.force-avro":                                       "there is no serialisation of Java types",
	"execution.target":                                          "where a job runs is chosen on the command line",
	"table.generated-code.max-length":                           "there is no generated code",
}

// flinkSessionKeys are all keys of Flink 2.3, to tell a misspelt one from one
// that is not applied here.
//
//go:embed flink_session_keys.txt
var flinkSessionText string

var flinkSessionKeys = strings.Fields(flinkSessionText)

// oneOf accepts words in any case, as Flink does.
func oneOf(words ...string) func(string) error {
	check := connect.CheckOneOf(words...)
	return func(v string) error {
		if slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, v) }) {
			return nil
		}
		return check(v)
	}
}

func boolean(v string) error  { return connect.CheckBool(v) }
func duration(v string) error { return connect.CheckDuration(v) }
func size(v string) error     { return connect.CheckSize(v) }

func oneFolder(v string) error {
	if strings.ContainsAny(v, ",|") {
		return fmt.Errorf("'%s' is more than one folder", v)
	}
	return nil
}

func atLeast(n int64) func(string) error {
	return func(v string) error {
		i, err := connect.Options{"": v}.Int("", 0)
		if err != nil || i < n {
			return fmt.Errorf("'%s' is not an integer of %d or more", v, n)
		}
		return nil
	}
}

// restartTypes are the names of restart strategies, as Flink has them.
var restartTypes = []string{"none", "off", "disable", "fixed-delay", "fixeddelay", "exponential-delay", "exponentialdelay", "failure-rate", "failurerate"}

func number(least, most float64) func(string) error {
	return func(v string) error {
		if f, err := strconv.ParseFloat(v, 64); err != nil || !(f >= least && f <= most) {
			if most == math.MaxFloat64 {
				return fmt.Errorf("'%s' is not a number of %v or more", v, least)
			}
			return fmt.Errorf("'%s' is not a number from %v to %v", v, least, most)
		}
		return nil
	}
}

func zone(v string) error {
	if v == "default" {
		return nil
	}
	_, err := time.LoadLocation(v)
	if err != nil {
		return fmt.Errorf("'%s' is not a time zone such as 'Europe/Berlin', 'UTC'", v)
	}
	return nil
}

// Options are the options of a session: those that SET has changed, over the
// defaults. It is not for concurrent use.
type Options struct {
	set map[string]string
}

// NewOptions returns options that all have their defaults.
func NewOptions() *Options { return &Options{set: map[string]string{}} }

// Defs returns the options that SET knows, with what they do.
func Defs() []connect.Option { return optionDefs }

func def(key string) *connect.Option {
	i := slices.IndexFunc(optionDefs, func(o connect.Option) bool { return o.Key == key })
	if i < 0 {
		return nil
	}
	return &optionDefs[i]
}

// Set changes an option. The warning, if any, says that a key of Flink has no
// effect and why. The error has no position.
func (o *Options) Set(key, value string) (warning string, err error) {
	key = NameOfOption(key)
	d := def(key)
	if d == nil {
		if why, ok := optionNoOps[key]; ok {
			return fmt.Sprintf("option '%s' has no effect: %s", key, why), nil
		}
		return "", unknownOption(key)
	}
	if d.Check != nil {
		if err := d.Check(value); err != nil {
			return "", base.Errorf(base.Pos{}, "option '%s': %v", key, err)
		}
	}
	if up := strings.ToUpper(value); up != value && d.Default != "" && d.Check != nil && d.Default == strings.ToUpper(d.Default) && d.Check(up) == nil && d.Default[0] >= 'A' {
		value = up // a word of an enumeration
	}
	o.set[key] = value
	return "", nil
}

func unknownOption(key string) error {
	if slices.Contains(flinkSessionKeys, key) {
		return base.Errorf(base.Pos{}, "option '%s' of Flink is not supported: it would have no effect", key)
	}
	var names []string
	for _, d := range optionDefs {
		names = append(names, d.Key)
	}
	err := base.Errorf(base.Pos{}, "unknown option '%s'", key)
	if n := connect.Near(key, names); n != "" {
		err.Hint = "did you mean '" + n + "'?"
	} else if n := connect.Near(key, flinkSessionKeys); n != "" {
		err.Hint = "did you mean '" + n + "'?"
	}
	return err
}

// Reset takes an option back to its default; "" takes back all.
func (o *Options) Reset(key string) error {
	if key == "" {
		o.set = map[string]string{}
		return nil
	}
	key = NameOfOption(key)
	if def(key) == nil && optionNoOps[key] == "" {
		return unknownOption(key)
	}
	delete(o.set, key)
	return nil
}

// All returns what SET has changed, for the planner and for a bare SET.
func (o *Options) All() map[string]string { return maps.Clone(o.set) }

// String returns an option's value or its default.
func (o *Options) String(key string) string {
	if v, ok := o.set[key]; ok {
		return v
	}
	if d := def(key); d != nil {
		return d.Default
	}
	return ""
}

// Bool returns an option of true or false; values were checked by Set.
func (o *Options) Bool(key string) bool {
	b, _ := connect.Options{key: o.String(key)}.Bool(key, false)
	return b
}

// Int returns an option that is a number.
func (o *Options) Int(key string) int64 {
	n, _ := connect.Options{key: o.String(key)}.Int(key, 0)
	return n
}

// Duration returns an option that is a duration, 0 when it is unset.
func (o *Options) Duration(key string) time.Duration {
	d, _ := connect.Options{key: o.String(key)}.Duration(key, 0)
	return d
}

// Float returns an option that is a number, perhaps a fraction.
func (o *Options) Float(key string) float64 {
	f, _ := strconv.ParseFloat(o.String(key), 64)
	return f
}

// Size returns an option in bytes, 0 when it is unset.
func (o *Options) Size(key string) int64 {
	n, _ := connect.Options{key: o.String(key)}.Size(key, 0)
	return n
}

// Batch reports whether jobs run over complete data.
func (o *Options) Batch() bool { return strings.EqualFold(o.String(OptMode), "BATCH") }

// Zone returns table.local-time-zone.
func (o *Options) Zone() *time.Location {
	z := o.String(OptZone)
	if z == "default" {
		return time.Local
	}
	l, err := time.LoadLocation(z)
	if err != nil {
		return time.UTC
	}
	return l
}

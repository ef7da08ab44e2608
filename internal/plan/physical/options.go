// Package physical turns a logical job into a job graph: it decides which
// operators run, where rows are exchanged, what is chained into one task and when
// results are told.
package physical

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/rule"
)

// Options are what a plan depends on besides the query.
type Options struct {
	Batch          bool
	Parallelism    int    // 0 is 1
	MaxParallelism int    // 0 is Flink's default for Parallelism
	ID             string // of the job: its place in the script
	Name           string
	Conf           map[string]string // effective session options, Flink's keys
	Zone           string            // table.local-time-zone; "" takes it from Conf
	Seed           uint64            // of the run, for sources that generate
	// Verify makes plans whose operators can be compared across modes: event-time
	// windows are not two-phase, and a batch plan joins windows as a stream does.
	Verify bool
	Rules  rule.Options
	// SourceKinds and SinkTakes replace asking connectors, for tests.
	SourceKinds func(*logical.Scan) changelog.Kinds
	SinkTakes   func(*logical.Sink) (connect.Changes, error)
}

// MaxParallelismOf is Flink's default number of key groups: 1.5 times the
// parallelism rounded up to a power of two, from 128 to 32,768.
func MaxParallelismOf(parallelism int) int {
	want := parallelism + parallelism/2
	n := 128
	for n < want && n < 32768 {
		n *= 2
	}
	return n
}

// settings are the session options that the planner reads.
type settings struct {
	miniBatch    bool
	latencyMs    int64
	batchRows    int
	phase        string // AUTO, TWO_PHASE, ONE_PHASE
	ttlMs        int64
	idleMs       int64
	watermarkMs  int64
	dropNull     bool
	lengths      string // as of jobgraph.Sink
	nested       string // as of jobgraph.Sink
	reuse        bool
	reuseScans   bool
	multiJoin    bool  // joins that share a key are one operator
	filters      bool  // joins tell scans the keys that they have
	statistics   bool  // connectors are asked about the rows of their tables
	broadcastMax int64 // bytes
	buckets      int64 // of an aggregate over different values; 0: it is not split
	blocking     bool  // every exchange of a batch
	conflict     bool
	materialize  string
	keyedShuffle string // AUTO, NONE, FORCE
	rulesOff     map[string]bool
	duplicates   bool
	early, late  bool // group windows tell results before they are complete, or again
}

// Options that TUMBLE and HOP in GROUP BY have and window functions do not.
const (
	optEarly = "table.exec.emit.early-fire.enabled"
	optLate  = "table.exec.emit.late-fire.enabled"
)

func (o *Options) settings() (settings, error) {
	c := connect.Options(o.Conf)
	var s settings
	var err error
	get := func(f func() error) {
		if err == nil {
			err = f()
		}
	}
	flag := func(to *bool, key string, def bool) {
		get(func() (e error) { *to, e = c.Bool(key, def); return })
	}
	ms := func(to *int64, key string) {
		get(func() error { d, e := c.Duration(key, 0); *to = d.Milliseconds(); return e })
	}
	flag(&s.miniBatch, "table.exec.mini-batch.enabled", false)
	flag(&s.reuse, "table.optimizer.reuse-sub-plan-enabled", true)
	flag(&s.reuseScans, "table.optimizer.reuse-source-enabled", true)
	flag(&s.multiJoin, "table.optimizer.multi-join.enabled", false)
	flag(&s.statistics, "table.optimizer.source.report-statistics-enabled", true)
	flag(&s.filters, "table.optimizer.runtime-filter.enabled", true)
	flag(&s.conflict, "table.exec.sink.require-on-conflict", true)
	flag(&s.duplicates, "table.exec.source.cdc-events-duplicate", false)
	flag(&s.early, optEarly, false)
	flag(&s.late, optLate, false)
	ms(&s.latencyMs, "table.exec.mini-batch.allow-latency")
	ms(&s.ttlMs, "table.exec.state.ttl")
	ms(&s.idleMs, "table.exec.source.idle-timeout")
	get(func() error {
		d, e := c.Duration("pipeline.auto-watermark-interval", 200_000_000)
		s.watermarkMs = d.Milliseconds()
		return e
	})
	get(func() error {
		n, e := c.Int("table.exec.mini-batch.size", -1)
		s.batchRows = int(n)
		return e
	})
	var split bool
	flag(&split, "table.optimizer.distinct-agg.split.enabled", false)
	get(func() (e error) {
		if split {
			s.buckets, e = c.Int("table.optimizer.distinct-agg.split.bucket-num", 1024)
		}
		return e
	})
	get(func() (e error) {
		n, e := c.Int("table.optimizer.join.broadcast-threshold", 1<<20)
		s.broadcastMax = n
		return e
	})
	if err != nil {
		return s, &base.Error{Msg: err.Error()}
	}
	if s.miniBatch && s.latencyMs <= 0 {
		return s, &base.Error{Msg: "Key: 'table.exec.mini-batch.allow-latency' must be a positive duration when table.exec.mini-batch.enabled is true"}
	}
	if s.miniBatch && s.batchRows <= 0 {
		return s, &base.Error{Msg: "Key: 'table.exec.mini-batch.size' must be positive when table.exec.mini-batch.enabled is true"}
	}
	if s.phase, err = oneOf(c, "table.optimizer.agg-phase-strategy", "AUTO", "TWO_PHASE", "ONE_PHASE"); err != nil {
		return s, err
	}
	null, err := oneOf(c, "table.exec.sink.not-null-enforcer", "ERROR", "DROP")
	if err != nil {
		return s, err
	}
	s.dropNull = null == "DROP"
	if s.lengths, err = unlessIgnored(c, "table.exec.sink.type-length-enforcer", jobgraph.LengthsFit, jobgraph.LengthsFail); err != nil {
		return s, err
	}
	if s.nested, err = unlessIgnored(c, "table.exec.sink.nested-constraint-enforcer", jobgraph.NestedRows, jobgraph.NestedAll); err != nil {
		return s, err
	}
	if s.materialize, err = oneOf(c, "table.exec.sink.upsert-materialize", "AUTO", "NONE", "FORCE"); err != nil {
		return s, err
	}
	if s.keyedShuffle, err = oneOf(c, "table.exec.sink.keyed-shuffle", "AUTO", "NONE", "FORCE"); err != nil {
		return s, err
	}
	if s.rulesOff, err = rulesOff(c.String("millrace.optimizer.disabled-rules", "")); err != nil {
		return s, err
	}
	shuffle := c.String("execution.batch-shuffle-mode", "")
	s.blocking = shuffle == "ALL_EXCHANGES_BLOCKING"
	return s, nil
}

// rulesOff reads a list of rules.
func rulesOff(list string) (map[string]bool, error) {
	off := map[string]bool{}
	for _, name := range strings.Split(list, ";") {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
		case slices.Contains(rule.Names(), name):
			off[name] = true
		default:
			e := &base.Error{Msg: fmt.Sprintf("option 'millrace.optimizer.disabled-rules': there is no rule '%s'", name), Hint: "the rules are " + strings.Join(rule.Names(), ", ")}
			if near := connect.Near(name, rule.Names()); near != "" {
				e.Hint = "did you mean '" + near + "'?"
			}
			return nil, e
		}
	}
	return off, nil
}

// unlessIgnored is an option that is IGNORE, given as the empty word, or one of words.
func unlessIgnored(c connect.Options, key string, words ...string) (string, error) {
	word, err := oneOf(c, key, append([]string{"IGNORE"}, words...)...)
	if word == "IGNORE" {
		word = ""
	}
	return word, err
}

func oneOf(c connect.Options, key string, words ...string) (string, error) {
	v := strings.ToUpper(c.String(key, words[0]))
	for _, w := range words {
		if v == w {
			return v, nil
		}
	}
	return "", &base.Error{Msg: fmt.Sprintf("option '%s': '%s' is none of %s", key, c[key], strings.Join(words, ", "))}
}

// parallelism returns a table's own parallelism option, or def.
func parallelism(options map[string]string, key string, def int, pos base.Pos) (int, error) {
	v, ok := options[key]
	if !ok {
		return def, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil || n < 1 {
		return 0, base.Errorf(pos, "option '%s': '%s' is not a positive number", key, v)
	}
	return n, nil
}

package main

import (
	"fmt"
	"strings"
)

// clusterOptions are the Nexmark suite's settings of the cluster, but with object
// reuse, which spares Flink defensive copies between chained operators.
var clusterOptions = map[string]string{
	"state.backend.type":                  "rocksdb",
	"execution.checkpointing.incremental": "true",
	"pipeline.object-reuse":               "true",
}

// checkpointInterval is the suite's for runs of seconds.
const checkpointInterval = "10s"

// option is a key of a session and its value.
type option struct{ key, value string }

// tableOptions are the suite's settings of the planner, for both engines.
var tableOptions = []option{
	{"table.exec.mini-batch.enabled", "true"},
	{"table.exec.mini-batch.allow-latency", "2s"},
	{"table.exec.mini-batch.size", "50000"},
	{"table.optimizer.distinct-agg.split.enabled", "true"},
}

// session returns the SET statements of a Flink session.
func session(mode, checkpoints string) []string {
	options := []option{{"execution.runtime-mode", mode}, {"sql-client.execution.result-mode", "tableau"}, {"table.local-time-zone", "UTC"}}
	if mode == "streaming" {
		options = append(options, tableOptions...)
		options = append(options,
			option{"execution.checkpointing.interval", checkpointInterval},
			option{"execution.checkpointing.mode", "EXACTLY_ONCE"},
			option{"execution.checkpointing.dir", checkpoints})
	}
	var out []string
	for _, o := range options {
		out = append(out, fmt.Sprintf("SET '%s' = '%s'", o.key, strings.ReplaceAll(o.value, "'", "''")))
	}
	return out
}

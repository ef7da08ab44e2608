package flink

import (
	"fmt"
	"strings"
)

// SuiteOptions are the Nexmark suite's settings of the cluster, but with object
// reuse, which spares Flink defensive copies between chained operators.
func SuiteOptions() map[string]string {
	return map[string]string{
		"state.backend.type":                  "rocksdb",
		"execution.checkpointing.incremental": "true",
		"pipeline.object-reuse":               "true",
	}
}

// An Option is a key of a session and its value.
type Option struct{ Key, Value string }

// Session returns the SET statements of a session whose results a program reads:
// what all sessions have, and further options.
func Session(mode string, further ...Option) []string {
	options := append([]Option{{"execution.runtime-mode", mode}, {"sql-client.execution.result-mode", "tableau"}, {"table.local-time-zone", "UTC"}}, further...)
	var out []string
	for _, o := range options {
		out = append(out, fmt.Sprintf("SET '%s' = '%s'", o.Key, strings.ReplaceAll(o.Value, "'", "''")))
	}
	return out
}

// ExactlyOnce are the options of checkpoints in a folder.
func ExactlyOnce(interval, dir string) []Option {
	return []Option{
		{"execution.checkpointing.interval", interval},
		{"execution.checkpointing.mode", "EXACTLY_ONCE"},
		{"execution.checkpointing.dir", dir},
	}
}

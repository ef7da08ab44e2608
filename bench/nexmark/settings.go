package main

import (
	"slices"

	"github.com/millrace-io/millrace/bench/flink"
)

// checkpointInterval is the suite's for runs of seconds.
const checkpointInterval = "10s"

// multiJoin has q23 keep each row once.
const multiJoin = "table.optimizer.multi-join.enabled"

// tableOptions are the suite's settings of the planner, for both engines, and multi-joins,
// which only q23 has.
var tableOptions = []flink.Option{
	{Key: "table.exec.mini-batch.enabled", Value: "true"},
	{Key: "table.exec.mini-batch.allow-latency", Value: "2s"},
	{Key: "table.exec.mini-batch.size", Value: "50000"},
	{Key: "table.optimizer.distinct-agg.split.enabled", Value: "true"},
	{Key: multiJoin, Value: "true"},
}

// session returns the SET statements of a Flink session.
func session(mode, checkpoints string) []string {
	if mode != "streaming" {
		return flink.Session(mode)
	}
	return flink.Session(mode, slices.Concat(tableOptions, flink.ExactlyOnce(checkpointInterval, checkpoints))...)
}

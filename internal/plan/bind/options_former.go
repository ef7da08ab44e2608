package bind

// formerNames are the names that options had in earlier versions of Flink, which still
// takes them.
var formerNames = map[string]string{
	"state.backend":                              "state.backend.type",
	"state.backend.incremental":                  "execution.checkpointing.incremental",
	"state.backend.fs.checkpointdir":             "execution.checkpointing.dir",
	"state.checkpoints.dir":                      "execution.checkpointing.dir",
	"state.checkpoints.num-retained":             "execution.checkpointing.num-retained",
	"state.savepoints.dir":                       "execution.checkpointing.savepoint-dir",
	"savepoints.state.backend.fs.dir":            "execution.checkpointing.savepoint-dir",
	"execution.checkpointing.unaligned":          "execution.checkpointing.unaligned.enabled",
	"execution.checkpointing.alignment-timeout":  "execution.checkpointing.aligned-checkpoint-timeout",
	"execution.savepoint.path":                   "execution.state-recovery.path",
	"execution.savepoint.ignore-unclaimed-state": "execution.state-recovery.ignore-unclaimed-state",
	"execution.savepoint-restore-mode":           "execution.state-recovery.claim-mode",
	"restart-strategy":                           "restart-strategy.type",
	"pipeline.operator-chaining":                 "pipeline.operator-chaining.enabled",
}

// NameOfOption returns what an option is called now.
func NameOfOption(key string) string {
	if now, ok := formerNames[key]; ok {
		return now
	}
	return key
}

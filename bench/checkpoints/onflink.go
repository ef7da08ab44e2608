package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/millrace-io/millrace/bench/flink"
	"github.com/millrace-io/millrace/bench/queries"
)

// flinkOptions are those of the cluster, beyond bench/flink's: heartbeats ten times as
// often as usual, so that the loss of a TaskManager is seen soon, and a restart without
// delay.
func flinkOptions() map[string]string {
	o := flink.SuiteOptions()
	maps.Copy(o, map[string]string{
		"heartbeat.interval":                                        "1 s",
		"heartbeat.timeout":                                         "5 s",
		"restart-strategy.type":                                     "fixed-delay",
		"restart-strategy.fixed-delay.attempts":                     "1000000",
		"restart-strategy.fixed-delay.delay":                        "0 s",
		"execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
		"execution.checkpointing.timeout":                           "30 s", // one that waits for a TaskManager that is gone holds up the others
		"web.checkpoints.history":                                   "100000",
	})
	return o
}

const taskManagerMB = 4096

// onFlink runs a query in a cluster of its own.
type onFlink struct {
	cluster *flink.Cluster
	script  []string
	job     string
}

func (c config) onFlink(ctx context.Context, dir string, script []string, out *os.File) (engine, error) {
	dist, err := flink.Install(ctx, c.cache, os.Stderr)
	if err != nil {
		return nil, fmt.Errorf("install Flink: %w", err)
	}
	f := &onFlink{script: script}
	f.cluster, err = flink.Start(ctx, dist, filepath.Join(dir, "flink"),
		flink.Settings{Slots: parallelism, TaskManagerMB: taskManagerMB, Options: flinkOptions(), TaskOutput: out})
	if err != nil {
		return nil, err
	}
	if err := f.submit(ctx); err != nil {
		f.cluster.Stop()
		return nil, err
	}
	return f, nil
}

func (f *onFlink) submit(ctx context.Context, further ...flink.Option) error {
	options := append(flink.ExactlyOnce(interval, f.cluster.CheckpointDir()), further...)
	var err error
	f.job, err = f.cluster.Submit(ctx, queries.Script(append(flink.Session("streaming", options...), f.script...)...))
	return err
}

// checkpoints implements engine.
func (f *onFlink) checkpoints(ctx context.Context) ([]taken, error) {
	list, err := f.cluster.Checkpoints(ctx, f.job)
	var all []taken
	for _, k := range list {
		all = append(all, taken{k.Triggered, k.Took, k.Written, k.State})
	}
	return all, err
}

// stateBytes implements engine.
func (f *onFlink) stateBytes(ctx context.Context) (int64, error) {
	all, err := f.checkpoints(ctx)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1].state, nil
}

// alive implements engine.
func (f *onFlink) alive(ctx context.Context) error { return f.cluster.Running(ctx, f.job) }

// kills implements engine.
func (f *onFlink) kills() []kill {
	return []kill{
		{
			name:    "TaskManager killed, another started at once",
			kill:    f.cluster.KillTask,
			restart: func(context.Context) error { return f.cluster.StartTask() },
		},
		{
			name: "TaskManager killed, a spare one waits",
			prepare: func(ctx context.Context) error {
				if err := f.cluster.StartTask(); err != nil {
					return err
				}
				return f.cluster.WaitSlots(ctx, parallelism)
			},
			kill:    f.cluster.KillTask,
			restart: func(context.Context) error { return nil },
		},
		{
			name: "all killed, cluster started, job submitted with execution.state-recovery.path",
			kill: f.cluster.Kill,
			restart: func(ctx context.Context) error {
				if err := f.cluster.Restart(ctx, parallelism); err != nil {
					return err
				}
				path, err := f.cluster.NewestCheckpoint(f.job)
				if err != nil {
					return err
				}
				return f.submit(ctx, flink.Option{Key: "execution.state-recovery.path", Value: path})
			},
		},
	}
}

// close implements engine.
func (f *onFlink) close() { f.cluster.Stop() }

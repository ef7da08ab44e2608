package millrace

import (
	"strconv"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/env"
)

// leases is the world in which processes share checkpoint folders.
func leases() checkpoint.World {
	pid, start := env.Process()
	host, place := env.Place()
	return checkpoint.World{
		Self:  checkpoint.Process{Pid: pid, Start: start, Host: host, Place: place},
		Now:   env.Now,
		Alive: func(p checkpoint.Process) bool { return env.Alive(p.Pid, p.Start) },
		Token: func() string { return strconv.FormatUint(env.Seed(), 36) },
	}
}

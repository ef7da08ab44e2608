package checkpoint

import (
	"strconv"

	"github.com/millrace-io/millrace/internal/env"
)

// Machine is the world in which this process and others share folders.
func Machine() World {
	pid, start := env.Process()
	host, place := env.Place()
	return World{
		Self:  Process{Pid: pid, Start: start, Host: host, Place: place},
		Now:   env.Now,
		Alive: func(p Process) bool { return env.Alive(p.Pid, p.Start) },
		Token: func() string { return strconv.FormatUint(env.Seed(), 36) },
	}
}

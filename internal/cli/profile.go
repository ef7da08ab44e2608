package cli

import (
	"os"
	"runtime"
	"runtime/pprof"
)

// profile starts the profiles that flags ask for.
func profile(cpu, mem string) (stop func(), err error) {
	stop = func() {}
	if cpu != "" {
		f, err := os.Create(cpu)
		if err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		stop = func() { pprof.StopCPUProfile(); f.Close() }
	}
	if mem == "" {
		return stop, nil
	}
	f, err := os.Create(mem)
	if err != nil {
		return nil, err
	}
	first := stop
	return func() {
		first()
		runtime.GC()
		pprof.Lookup("allocs").WriteTo(f, 0)
		f.Close()
	}, nil
}

// Package crash runs the real binary over real files, kills it with SIGKILL again
// and again, restarts it from its newest checkpoint until it ends, and compares what
// its sinks hold with what an undisturbed run writes: nothing lost, nothing doubled,
// nothing left behind.
//
//	go test ./test/crash                       under a minute, some sixty kills
//	go test ./test/crash -long -timeout 2h     at least 500 kills
//	go test ./test/crash -seed 7 -run /join    the moments of another seed
//	make crash MINUTES=10 SEED=7               random jobs and all kinds of faults
//
// The simulator (internal/sim) finds what goes wrong in which order; this test
// shows that the order is what the files, the manifests and the process make it. So
// moments are not only drawn by the clock: the harness watches the checkpoint folder
// and strikes when a manifest has appeared and its commit has not, when the last
// epoch is saved and the job is not yet recorded as finished, and so on. It counts
// at which moments it struck, from what is on disk afterwards, and with -long fails
// if one of them was never met.
package crash

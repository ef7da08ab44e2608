package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/job"
)

var (
	seeds = flag.Int("seeds", 2000, "how many seeds to run")
	from  = flag.Int("from", 0, "the first of them")
	seed  = flag.Int("seed", -1, "run only this seed, and tell all that happens")
)

// faultsMax is how many faults a run may have.
const faultsMax = 10

// bugSeeds is within how many seeds each seeded bug must be found: those that a
// `make test` runs.
const bugSeeds = 2000

var bugs = []struct {
	name string
	bugs Bugs
}{
	{"barriers not aligned", Bugs{NoAlign: true}},
	{"task not woken by its reader", Bugs{NoWake: true}},
	{"rows that a barrier has overtaken forgotten", Bugs{NoFlight: true}},
	{"barrier before rows that are not part of the checkpoint", Bugs{Overtake: true}},
	{"watermark too high", Bugs{LoseMark: true}},
	{"split read again from the front", Bugs{DoubleSplit: true}},
	{"watermarks not restored", Bugs{LoseMarks: true}},
	{"newest state file lost", Bugs{ForgetState: true}},
	{"deletes not in the state", Bugs{LoseDelete: true}},
	{"what is written behind the barrier for the epoch before lost", Bugs{LoseLate: true}},
	{"acknowledged before the upload", Bugs{AckFirst: true}},
	{"acknowledged though the disk was full", Bugs{AckFull: true}},
	{"damaged state file not noticed", Bugs{NoVerify: true}},
	{"files of the checkpoint before deleted", Bugs{RetainOne: true}},
	{"merged files deleted that a checkpoint names", Bugs{DropNamed: true}},
	{"leftovers of an attempt committed", Bugs{NoAbort: true}},
	{"checkpoints to go back to deleted", Bugs{NoKeep: true}},
	{"gone back to a checkpoint that nobody has read", Bugs{BlindBack: true}},
	{"what has a time to live gone from files at once", Bugs{EarlyExpiry: true}},
	{"attempts at a pattern not in the state", Bugs{LoseTable: "attempts"}},
	{"versions of a key not in the state", Bugs{LoseTable: "right", Only: "FOR SYSTEM_TIME AS OF"}},
	{"commits behind the checkpoint not taken back", Bugs{NoTakeBack: true}},
	{"a checkpoint's commit not repeated", Bugs{NoRecommit: true}},
	{"a coordinator that was replaced goes on", Bugs{NoLease: true}},
	{"files not synced", Bugs{NoSync: true}},
	{"folders not synced", Bugs{NoSyncDir: true}},
	{"what was given up comes back", Bugs{ComesBack: true}},
	{"lost packet not sent again", Bugs{NoResend: true}},
	{"packet that came twice taken twice", Bugs{NoDedup: true}},
	{"earlier attempt's rows and words heard", Bugs{NoFence: true}},
	{"commit before the epoch is complete", Bugs{Job: job.Bugs{CommitEarly: true}}},
	{"commit before the manifest is saved", Bugs{Job: job.Bugs{CommitUnsaved: true}}},
	{"not committed again after a restore", Bugs{Job: job.Bugs{LoseCommit: true}}},
	{"enumerator's snapshot taken late", Bugs{Job: job.Bugs{LateSplits: true}}},
	{"abandoned epoch's writes dropped", Bugs{Job: job.Bugs{DropAbandoned: true}}},
	{"no last epoch", Bugs{Job: job.Bugs{SkipLast: true}}},
	{"a manifest that is still being written forgotten at a restart", Bugs{Job: job.Bugs{HastyRestart: true}}},
	{"rows behind the barrier committed with it", Bugs{Job: job.Bugs{EarlyEnd: true}}},
	{"acknowledgement of another epoch counted", Bugs{Job: job.Bugs{StaleAck: true}}},
	{"acknowledgement of an earlier attempt counted", Bugs{Job: job.Bugs{StaleTask: true}}},
	{"rows in flight restored at any parallelism", Bugs{Job: job.Bugs{NoSettle: true}}},
	{"state restored by the number of the subtask", Bugs{Job: job.Bugs{OwnState: true}}},
	{"state of a task that has finished forgotten", Bugs{Job: job.Bugs{LoseFinished: true}}},
}

func TestSeeds(t *testing.T) {
	if *seed >= 0 {
		tracer = t.Logf
		r := Run(uint64(*seed), Options{Faults: faultsMax})
		t.Logf("%s", About(uint64(*seed)))
		t.Logf("%+v", r)
		if r.Problem != "" {
			t.Error(r.Problem)
		}
		return
	}
	n := *seeds
	if testing.Short() {
		n = min(n, 200)
	}
	var sum Result
	done, began := 0, time.Now()
	var mu sync.Mutex
	each(*from, n, func(s int) {
		r := Run(uint64(s), Options{Faults: faultsMax})
		mu.Lock()
		defer mu.Unlock()
		if sum.add(r); r.Problem != "" {
			tell := fmt.Sprintf("seed %d: %s\n%s\nreplay with: make sim SEED=%d", s, r.Problem, About(uint64(s)), s)
			t.Error(tell)
			progress("%s", tell)
		}
		if done++; done%progressEvery == 0 {
			progress("%d of %d seeds in %v; go on with -from %d: %s", done, n, time.Since(began).Round(time.Second), *from+done-runtime.GOMAXPROCS(0), sum)
		}
	})
	t.Logf("%d seeds: %s", n, sum)
	if sum.Epochs < n || sum.Kills < n/2 || sum.Powers < n/20 || sum.Given < n/10 || sum.Back < n/200 || sum.Settled < n/50 || sum.GoneBack < n/500 {
		t.Errorf("too little happened: %s", sum)
	}
}

// progressEvery is after how many seeds a long run says how far it is.
const progressEvery = 5000

// progress tells at once what the test would tell when it is over.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// each calls f for n seeds, on all processors.
func each(from, n int, f func(seed int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for {
				s := int(next.Add(1)) - 1
				if s >= n {
					return
				}
				f(from + s)
			}
		})
	}
	all.Wait()
}

func TestSameSeedSameRun(t *testing.T) {
	for s := range uint64(40) {
		if a, b := Run(s, Options{Faults: faultsMax}), Run(s, Options{Faults: faultsMax}); a != b {
			t.Fatalf("seed %d runs differently: %s, %s", s, a, b)
		}
	}
}

// TestFindsSeededBugs shows that the simulator is worth its cost.
func TestFindsSeededBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			for s := range uint64(bugSeeds) {
				if r := Run(s, Options{Faults: faultsMax, Bugs: b.bugs}); r.Problem != "" {
					t.Logf("seed %d: %s", s, r.Problem)
					return
				}
			}
			t.Errorf("not found in %d seeds", bugSeeds)
		})
	}
}

package sim

import (
	"flag"
	"testing"

	"github.com/millrace-io/millrace/internal/job"
)

var (
	seeds = flag.Int("seeds", 1000, "how many seeds to run")
	seed  = flag.Int("seed", -1, "run only this seed")
)

// bugSeeds is within how many seeds each seeded bug must be found.
const bugSeeds = 20000

// run returns how many seeds went wrong, and the first of them.
func run(t *testing.T, n int, opt Options) (bad, first int, sum Result) {
	t.Helper()
	from := 0
	if *seed >= 0 {
		from, n = *seed, *seed+1
	}
	for s := from; s < n; s++ {
		r := Run(uint64(s), opt)
		sum.Steps, sum.Epochs, sum.Crashes, sum.Fails = sum.Steps+r.Steps, sum.Epochs+r.Epochs, sum.Crashes+r.Crashes, sum.Fails+r.Fails
		sum.Torn, sum.Back = sum.Torn+r.Torn, sum.Back+r.Back
		if r.Problem != "" {
			if bad++; bad == 1 {
				first = s
				t.Logf("seed %d: %s", s, r.Problem)
			}
		}
	}
	return bad, first, sum
}

func TestExactlyOnce(t *testing.T) {
	bad, first, sum := run(t, *seeds, Options{Crashes: 4, Fails: 3})
	t.Logf("%d seeds, %d steps, %d checkpoints, %d crashes, %d failed tasks, %d torn manifests, %d commits taken back", *seeds, sum.Steps, sum.Epochs, sum.Crashes, sum.Fails, sum.Torn, sum.Back)
	if bad > 0 {
		t.Fatalf("%d seeds are wrong, the first is %d: replay with -seed=%d", bad, first, first)
	}
	if *seed < 0 && (sum.Crashes < *seeds/2 || sum.Epochs < *seeds || sum.Back < *seeds/20) {
		t.Errorf("too little happened: %+v", sum)
	}
}

func TestSameSeedSameRun(t *testing.T) {
	for s := range uint64(30) {
		if a, b := Run(s, Options{Crashes: 4, Fails: 3}), Run(s, Options{Crashes: 4, Fails: 3}); a != b {
			t.Fatalf("seed %d runs differently: %+v, %+v", s, a, b)
		}
	}
}

// TestFindsSeededBugs shows that the simulator is worth its cost.
func TestFindsSeededBugs(t *testing.T) {
	bugs := []struct {
		name string
		bugs Bugs
	}{
		{"barriers not aligned", Bugs{NoAlign: true}},
		{"rows that a barrier has overtaken forgotten", Bugs{NoFlight: true}},
		{"newest state file lost", Bugs{ForgetState: true}},
		{"watermarks not restored", Bugs{LoseMarks: true}},
		{"split read again from the front", Bugs{DoubleSplit: true}},
		{"leftovers of an attempt committed", Bugs{NoAbort: true}},
		{"commits behind the checkpoint not taken back", Bugs{NoTakeBack: true}},
		{"task not woken by its reader", Bugs{NoWake: true}},
		{"commit before the epoch is complete", Bugs{Job: job.Bugs{CommitEarly: true}}},
		{"not committed again after a restore", Bugs{Job: job.Bugs{LoseCommit: true}}},
		{"enumerator's snapshot taken late", Bugs{Job: job.Bugs{LateSplits: true}}},
		{"abandoned epoch's writes dropped", Bugs{Job: job.Bugs{DropAbandoned: true}}},
		{"no last epoch", Bugs{Job: job.Bugs{SkipLast: true}}},
		{"a manifest that is still being written forgotten at a restart", Bugs{Job: job.Bugs{HastyRestart: true}}},
		{"rows behind the barrier committed with it", Bugs{Job: job.Bugs{EarlyEnd: true}}},
		{"acknowledgement of another epoch counted", Bugs{Job: job.Bugs{StaleAck: true}}},
	}
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			for s := range uint64(bugSeeds) {
				if r := Run(s, Options{Crashes: 4, Fails: 3, Bugs: b.bugs}); r.Problem != "" {
					t.Logf("seed %d: %s", s, r.Problem)
					return
				}
			}
			t.Errorf("not found in %d seeds", bugSeeds)
		})
	}
}

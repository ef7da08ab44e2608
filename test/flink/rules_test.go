package flink

import (
	"flag"
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/millrace-io/millrace/internal/plan/rule"
	"github.com/millrace-io/millrace/internal/testkit"
	"github.com/millrace-io/millrace/test/flink/casefile"
)

var ruleSample = flag.Int("rule-sample", 8, "with each optimiser rule off, one case in so many runs")

// TestRulesOff runs cases with one optimiser rule switched off, which must make no
// difference to the rows. Which cases run with which rule follows from their names;
// -rule-sample 1 runs all of them.
func TestRulesOff(t *testing.T) {
	pending, err := testkit.ReadPending("pending.txt")
	if err != nil {
		t.Fatal(err)
	}
	files := caseFiles(t)
	for _, name := range rule.Names() {
		for _, file := range files {
			if !sampled(name + file) {
				continue
			}
			c, err := casefile.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			if c.Flag("quirk") {
				continue
			}
			for _, mode := range c.Modes() {
				if name == "versioned-view" && mode == "batch" {
					continue // not a matter of speed: without it a batch has no versions
				}
				if (name == "rank" || name == "filter-project") && c.Topic == "temporal-join" {
					continue // by these a view is seen to keep versions
				}
				if pending.Has(c.Name + "/" + mode) {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", name, c.Name, mode), func(t *testing.T) {
					t.Parallel()
					changes, err := testkit.Script{File: c.Name, Text: c.Script(dataOf(t, file), t.TempDir()), Mode: mode, Parallelism: 1,
						Defaults: map[string]string{"table.local-time-zone": "UTC", "millrace.optimizer.disabled-rules": name}}.Run(t.Context())
					if problem := judge(c, mode, changes, err, false); problem != "" {
						t.Error(problem)
					}
				})
			}
		}
	}
}

// sampled draws one text in ruleSample.
func sampled(text string) bool {
	h := fnv.New32a()
	h.Write([]byte(text))
	n := *ruleSample
	if testing.Short() {
		n *= 4
	}
	return h.Sum32()%uint32(max(n, 1)) == 0
}

package sim

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/jobgraph"
)

// TestDraws sees that all that the grammar knows is drawn, and plans.
func TestDraws(t *testing.T) {
	forms := []string{"MATCH_RECOGNIZE", "FOR SYSTEM_TIME AS OF", "SESSION(", "HOP(", "CUMULATE(", "OVER (PARTITION BY k ORDER BY t", "FULL JOIN", "EXISTS", "MULTI_JOIN", "EXCEPT ALL", "COUNT(DISTINCT"}
	seen := map[string]int{}
	forgetful, early, several := 0, 0, 0
	for seed := range uint64(1500) {
		j, err := drawJob(rand.New(rand.NewPCG(seed, 7)))
		if err != nil {
			t.Fatal(err)
		}
		if j.suits != nil {
			forgetful++
		}
		for _, v := range j.graph(rand.New(rand.NewPCG(seed, 8))).Vertices {
			for _, op := range v.Ops {
				switch s := op.Spec.(type) {
				case *jobgraph.WindowAgg:
					if s.Emit != nil {
						early++
					}
				case *jobgraph.MultiJoin:
					several++
				}
			}
		}
		for _, f := range forms {
			if strings.Contains(j.sql, f) {
				seen[f]++
			}
		}
	}
	for _, f := range forms {
		if seen[f] < 5 {
			t.Errorf("%s is drawn %d times", f, seen[f])
		}
	}
	if forgetful < 50 {
		t.Errorf("%d jobs forget", forgetful)
	}
	if early < 20 {
		t.Errorf("%d windows tell results early", early)
	}
	if several < 10 {
		t.Errorf("%d joins are of several inputs", several)
	}
	t.Log(seen, forgetful, early, several)
}

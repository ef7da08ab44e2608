package base

import "testing"

// A share counts its own; whether there is room depends on all of them.
func TestShares(t *testing.T) {
	whole := &Budget{Limit: 100, EvictAt: 50, EvictKeep: 5}
	a, b := whole.Share(), whole.Share()
	if !a.Add(40) || !b.Add(30) || a.Used() != 70 || whole.Used() != 70 {
		t.Errorf("used %d, %d", a.Used(), whole.Used())
	}
	if !a.Short(10) || a.Short(5) {
		t.Error("a share is short when the whole is")
	}
	if b.Add(40) || whole.Peak() != 110 {
		t.Errorf("there is no room for 110; peak %d", whole.Peak())
	}
	b.Add(-70)
	if a.Peak() != 40 || b.Peak() != 70 || whole.Used() != 40 {
		t.Errorf("peaks %d and %d, used %d", a.Peak(), b.Peak(), whole.Used())
	}
	if a.Of = "Sort(orderBy=[a])"; a.Exceeded("table").Error() != "Sort(orderBy=[a]) needs more memory than the budget of 0 MB; raise 'memory.size'" {
		t.Errorf("%v", a.Exceeded("table"))
	}
	var none *Budget
	if s := none.Share(); !s.Add(1<<40) || s.Peak() != 1<<40 || s.Short(1<<40) {
		t.Error("a share of no limit has none")
	}
}

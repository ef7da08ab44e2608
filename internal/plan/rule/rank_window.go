package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/plan/logical"
)

// rankWindow makes a Top-N by window of one that is partitioned by the bounds of
// its input's windows.
func rankWindow(r *logical.Rank) logical.Node {
	if r.Window != nil {
		return r
	}
	w := WindowOf(r.Input)
	if !w.complete() || w.Window.Proctime || !slices.Contains(r.Partition, w.Start) || !slices.Contains(r.Partition, w.End) {
		return r
	}
	out := *r
	out.Window = &logical.RankWindow{Start: w.Start, End: w.End, Granule: max(w.Window.Granule, 1), Zone: w.Window.Zone}
	return &out
}

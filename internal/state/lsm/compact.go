package lsm

import (
	"cmp"
	"errors"
	"slices"

	"github.com/millrace-io/millrace/internal/state"
)

// runsMax is how many runs there may be before the newest are merged, down to
// runsLow of them. Where nothing is looked up they cost a restore only, and to write
// them anew costs more: then there may be runsMaxUnasked, and the runsMerged
// neighbours are merged that have the fewest bytes.
const (
	runsMax        = 14
	runsLow        = 4
	runsMaxUnasked = 64
	runsMerged     = 17
)

// askedFor is for how many snapshots a tree that was looked up counts as one that is:
// behind a restore a job looks for what it knew, and later no more.
const askedFor = 16

// isAsked reports whether keys are looked up.
func (t *tree) isAsked() bool { return t.asked.Load() > 0 }

// mergeBytesMin is how large the runs must be before they are merged for what is
// hidden in them, or belongs to others, rather than for their number.
const mergeBytesMin = 1 << 20

// A run is files with ascending keys that do not overlap.
type run struct{ files []*file }

// entries is how many there are, about.
func (r *run) entries() (n int64) {
	for _, f := range r.files {
		n += int64(cmp.Or(f.meta.Entries, int(f.meta.Bytes/entryBytes)))
	}
	return n
}

// entryBytes is about what an entry takes in a file.
const entryBytes = 40

func (r *run) bytes() (n int64) {
	for _, f := range r.files {
		n += f.meta.Bytes
	}
	return n
}

// tidy merges runs, in the background, if there are too many or too much of them
// is hidden.
func (t *tree) tidy() {
	t.mu.Lock()
	v := t.view.Load()
	from, to := toMerge(v.runs, t.opts.mergeBytes, t.stale.Load(), t.isAsked())
	if t.foreign {
		from, to = 0, len(v.runs)
	} else if n := ended(v.runs, t.clock(), t.opts.mergeBytes); n > 0 && from > 0 {
		from, to = 0, n
	}
	if t.merging || t.closed || t.failed != nil || from == to || to == from+1 && from > 0 {
		t.mu.Unlock()
		return
	}
	runs := v.runs[from:to]
	t.merging = true
	t.busy.Add(1)
	t.mu.Unlock()
	work := func() {
		defer t.busy.Done()
		err := t.merge(runs, from == 0)
		t.mu.Lock()
		t.merging = false
		t.foreign = t.foreign && err != nil
		if errors.Is(err, state.ErrCorrupt) {
			t.failed = err // storage that is away comes back, a damaged file does not
		}
		t.mu.Unlock()
	}
	if t.opts.Background == nil {
		work()
		return
	}
	t.opts.Background(work)
}

// toMerge decides which runs are merged: those of a range, which may be empty at their
// end. When most entries are stale, as when all keys change all the time, all are.
func toMerge(runs []*run, least, stale int64, asked bool) (from, to int) {
	n := len(runs)
	var bytes, entries int64
	for _, r := range runs {
		bytes += r.bytes()
		entries += r.entries()
	}
	switch {
	case n < 2:
		return n, n
	case 2*stale > entries && bytes > least:
		return 0, n
	case asked && n > runsMax:
		return newest(runs), n
	case n > runsMaxUnasked:
		return smallest(runs)
	}
	return n, n
}

// newest is for runs that are looked up: few are to be left. It returns from which on,
// with as many older ones as are not much larger than what comes after them, so that
// each byte is written about log(size) times.
func newest(runs []*run) (keep int) {
	keep = runsLow
	var sum int64
	for _, r := range runs[keep:] {
		sum += r.bytes()
	}
	for keep > 0 && runs[keep-1].bytes() < 2*sum {
		keep--
		sum += runs[keep].bytes()
	}
	return keep
}

// smallest returns the runsMerged neighbours that have the fewest bytes.
func smallest(runs []*run) (from, to int) {
	var sum int64
	for _, r := range runs[:runsMerged] {
		sum += r.bytes()
	}
	least := sum
	for i := runsMerged; i < len(runs); i++ {
		if sum += runs[i].bytes() - runs[i-runsMerged].bytes(); sum < least {
			from, least = i-runsMerged+1, sum
		}
	}
	return from, from + runsMerged
}

// merge makes one run of neighbours; the oldest is at the bottom if all is.
func (t *tree) merge(runs []*run, bottom bool) error {
	stale := t.stale.Load()
	layers := map[string][]layer{}
	for _, r := range runs {
		byTable, err := r.layers()
		if err != nil {
			return err
		}
		for name, l := range byTable {
			layers[name] = append(layers[name], l)
		}
	}
	out, err := t.writeRun(layers, bottom)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	next := *t.view.Load()
	if !bottom || len(runs) < len(next.runs) {
		stale = 0
	}
	at := slices.Index(next.runs, runs[0])
	var in []*run
	if out != nil {
		in = append(in, out)
		t.fileBytes.Add(out.bytes())
	}
	next.runs = slices.Replace(slices.Clone(next.runs), at, at+len(runs), in...)
	t.view.Store(&next)
	var gone int64
	if out != nil {
		gone = -out.entries()
	}
	for _, r := range runs {
		t.fileBytes.Add(-r.bytes())
		t.retired = append(t.retired, r.files...)
		gone += r.entries()
	}
	// Of all runs nothing is hidden any more, whatever was counted.
	t.stale.Add(-min(max(gone, stale), t.stale.Load()))
	return nil
}

package lsm

import (
	"cmp"
	"errors"
	"slices"

	"github.com/millrace-io/millrace/internal/state"
)

// runsMax is how many runs there may be before the newest are merged, down to
// runsLow of them. Where nothing is looked up they cost a restore only, and to write
// them anew costs more.
const (
	runsMax        = 14
	runsMaxUnasked = 32
	runsLow        = 4
)

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
	most := runsMaxUnasked
	if t.asked.Load() {
		most = runsMax
	}
	keep := mergeFrom(v.runs, t.opts.mergeBytes, t.stale.Load(), most)
	if t.foreign && len(v.runs) > 0 {
		keep = 0
	}
	runs := v.runs[keep:]
	if keep > 0 {
		if n := ended(v.runs, t.clock(), t.opts.mergeBytes); n > 0 {
			keep, runs = 0, v.runs[:n]
		}
	}
	if t.merging || t.closed || t.failed != nil || len(runs) == 0 || len(runs) == 1 && keep > 0 {
		t.mu.Unlock()
		return
	}
	t.merging = true
	t.busy.Add(1)
	t.mu.Unlock()
	work := func() {
		defer t.busy.Done()
		err := t.merge(runs, keep == 0)
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

// mergeFrom decides which runs are merged: those from the returned position on.
// When there are too many, the newest are, and as many older ones as are not much
// larger, so that each byte is written about log(size) times; when most entries are
// stale, as when all keys change all the time, all are.
func mergeFrom(runs []*run, least, stale int64, most int) int {
	n := len(runs)
	if n < 2 {
		return n
	}
	var bytes, entries int64
	for _, r := range runs {
		bytes += r.bytes()
		entries += r.entries()
	}
	if 2*stale > entries && bytes > least {
		return 0
	}
	if n <= most {
		return n
	}
	keep := runsLow
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

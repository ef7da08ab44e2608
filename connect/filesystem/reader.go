package filesystem

import (
	"sync"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/vec"
)

const (
	openMax  = 16 // splits that a reader has open
	aheadMax = 2  // batches read ahead for each
	idleOpen = 2  // splits opened without being asked for: the one read and the next

	// A file format has a page of each column in memory as soon as it reads. While a file
	// of more than this is read, the next is not: it would take as much again, and a large
	// one is not waited for often.
	nextBytesMax = 16 << 20
)

// reader reads splits. Those behind the first few are opened when the caller
// prefers them.
type reader struct {
	s       *source
	wake    func()
	waiting []*piece
	open    []*running
	left    int64 // rows until the limit; -1: none
	known   bool  // the keys are that joins ask for
}

// running is an open split.
type running struct {
	id  string
	pos piece // behind the last batch that Poll returned

	// of the goroutine, or of Poll if Env.Sync
	rows    rows
	work    piece
	skipped int64 // of which results have told
	out     chan result
	stop    chan struct{}
	gone    sync.WaitGroup
}

// result is what a split's goroutine has read.
type result struct {
	batch   *vec.Batch
	pos     piece
	skipped int64 // since the result before
	err     error
}

func newReader(s *source, wake func()) *reader {
	return &reader{s: s, wake: wake, left: s.scan.Limit}
}

// Add implements connect.Reader.
func (r *reader) Add(splits []connect.Split) error {
	for _, sp := range splits {
		p, err := pieceOf(sp)
		if err != nil {
			return err
		}
		r.waiting = append(r.waiting, p)
	}
	return nil
}

// Poll implements connect.Reader.
func (r *reader) Poll(prefer string) (connect.Polled, error) {
	if r.left == 0 {
		return r.drop()
	}
	if !r.known && len(r.waiting) > 0 {
		if r.known = r.s.known(r.wake); !r.known {
			return connect.Polled{}, nil
		}
	}
	r.start(prefer)
	if len(r.open) == 0 {
		return connect.Polled{Empty: true}, nil
	}
	for _, o := range r.open {
		if o.id == prefer {
			if got, ok := r.take(o); ok {
				return r.polled(o, got)
			}
		}
	}
	for _, o := range r.open {
		if got, ok := r.take(o); ok {
			return r.polled(o, got)
		}
	}
	return connect.Polled{}, nil
}

// start opens the split that is preferred and the first few.
func (r *reader) start(prefer string) {
	for i, p := range r.waiting {
		if prefer != "" && p.id() == prefer && len(r.open) < openMax {
			r.waiting = append(r.waiting[:i:i], r.waiting[i+1:]...)
			r.run(p)
			break
		}
	}
	for len(r.waiting) > 0 && r.wantsNext() {
		p := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.run(p)
	}
}

// wantsNext reports whether a split is to be opened without being asked for.
func (r *reader) wantsNext() bool {
	switch n := len(r.open); {
	case n == 0:
		return true
	case r.s.env.Sync || r.open[n-1].pos.Groups && r.open[n-1].pos.File.Size > nextBytesMax:
		return false
	default:
		return n < idleOpen
	}
}

func (r *reader) run(p *piece) {
	o := &running{id: p.id(), pos: *p, work: *p}
	r.open = append(r.open, o)
	if r.s.env.Sync {
		return
	}
	o.out, o.stop = make(chan result, aheadMax), make(chan struct{})
	o.gone.Add(1)
	go func() {
		defer o.gone.Done()
		defer o.closeRows()
		for {
			got := r.s.read(o)
			select {
			case o.out <- got:
				r.wake()
			case <-o.stop:
				return
			}
			if got.batch == nil {
				return
			}
		}
	}()
}

func (o *running) closeRows() {
	if o.rows != nil {
		_ = o.rows.close()
		o.rows = nil
	}
}

// read reads a split's next batch.
func (s *source) read(o *running) result {
	if o.rows == nil {
		var err error
		if o.rows, err = s.openRows(&o.work); err != nil {
			return result{err: err}
		}
	}
	b, err := o.rows.next(&o.work)
	n := o.rows.skipped()
	got := result{b, o.work, n - o.skipped, err}
	o.skipped = n
	return got
}

// take returns what a split has ready.
func (r *reader) take(o *running) (result, bool) {
	if r.s.env.Sync {
		return r.s.read(o), true
	}
	select {
	case got := <-o.out:
		return got, true
	default:
		return result{}, false
	}
}

func (r *reader) polled(o *running, got result) (connect.Polled, error) {
	if got.err != nil {
		return connect.Polled{}, got.err
	}
	if got.batch == nil {
		r.end(o)
		return connect.Polled{Split: o.id, Ended: true, Empty: r.empty(), Skipped: got.skipped}, nil
	}
	o.pos = got.pos
	b := got.batch
	if r.left >= 0 {
		r.left -= min(r.left, int64(b.Len()))
	}
	return connect.Polled{Batch: b, Split: o.id, Skipped: got.skipped}, nil
}

func (r *reader) empty() bool { return len(r.open) == 0 && len(r.waiting) == 0 }

// end closes a split and forgets it.
func (r *reader) end(o *running) {
	if o.stop != nil {
		close(o.stop)
		o.gone.Wait()
	}
	o.closeRows()
	for i, x := range r.open {
		if x == o {
			r.open = append(r.open[:i:i], r.open[i+1:]...)
			break
		}
	}
	if r.s.monitor > 0 && r.empty() { // who knows when the next file comes
		_ = r.s.spare.close()
	}
}

// drop ends the splits one by one without reading them: the limit is reached.
func (r *reader) drop() (connect.Polled, error) {
	id := ""
	switch {
	case len(r.open) > 0:
		id = r.open[0].id
		r.end(r.open[0])
	case len(r.waiting) > 0:
		id = r.waiting[0].id()
		r.waiting = r.waiting[1:]
	default:
		return connect.Polled{Empty: true}, nil
	}
	return connect.Polled{Split: id, Ended: true, Empty: r.empty()}, nil
}

// Snapshot implements connect.Reader.
func (r *reader) Snapshot() ([]connect.Split, error) {
	var out []connect.Split
	for _, o := range r.open {
		out = append(out, o.pos.split())
	}
	for _, p := range r.waiting {
		out = append(out, p.split())
	}
	return out, nil
}

// Committed implements connect.Reader.
func (r *reader) Committed(uint64) {}

// Close implements connect.Reader.
func (r *reader) Close() error {
	for len(r.open) > 0 {
		r.end(r.open[0])
	}
	return r.s.spare.close()
}

// Buffers are reused among the splits of a process; the pool gives them back to
// the collector when nobody reads.
var buffers = sync.Pool{New: func() any { b := make([]byte, bufferBytes); return &b }}

func (s *source) buffer() []byte {
	if s.recordMax < bufferBytes {
		return make([]byte, max(s.recordMax, 1))
	}
	return *buffers.Get().(*[]byte)
}

func (s *source) release(b []byte) {
	if len(b) == bufferBytes {
		buffers.Put(&b)
	}
}

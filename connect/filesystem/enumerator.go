package filesystem

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
)

// assignMax is how many splits a reader gets at once: it keeps as many open.
const assignMax = 16

// enumerator finds files and cuts them. The planner, a goroutine unless Env.Sync,
// does the work that may take long; what it has found is in state, and each of
// its steps is one change of state under the lock, so a snapshot is right at any
// moment: a file that is being cut is in Todo with where its next range starts.
//
// A reader that got nothing is woken when the planner has ended, and, if the path is
// monitored, when it is time to list again.
type enumerator struct {
	s    *source
	wake func()
	mu   sync.Mutex
	st   state

	err      error
	planning bool
	closed   bool
	done     chan struct{} // closed when the planner has ended
	next     time.Time     // when to list again
	noticed  noticed
	unwake   func() // stops the timer that wakes then; nil: none runs
}

// state is what a snapshot holds.
type state struct {
	Version int      `json:"version"`
	Listed  bool     `json:"listed"`         // at least once
	Seen    []string `json:"seen,omitempty"` // sorted; only if the path is monitored
	Todo    []piece  `json:"todo,omitempty"` // files to be cut, from At on
	Queue   []piece  `json:"queue,omitempty"`
}

const stateVersion = 1

func newEnumerator(s *source, saved []byte, wake func()) (*enumerator, error) {
	e := &enumerator{s: s, wake: wake, st: state{Version: stateVersion}}
	if saved != nil {
		if err := json.Unmarshal(saved, &e.st); err != nil {
			return nil, fmt.Errorf("table %s: read the enumerator's snapshot: %w", s.table.Name, err)
		}
		if e.st.Version != stateVersion {
			return nil, fmt.Errorf("table %s: the enumerator's snapshot has version %d, not %d", s.table.Name, e.st.Version, stateVersion)
		}
	}
	return e, nil
}

// Assign implements connect.Enumerator.
//
// Changes of one row may lie in several files. So those of a format of changes go
// to one reader, one after the other, by name.
func (e *enumerator) Assign(reader int) ([]connect.Split, bool, error) {
	if e.s.format.Kinds && reader != 0 {
		return nil, e.s.Bounded(), nil
	}
	e.mu.Lock()
	if e.err == nil && !e.planning && !e.closed && e.work() {
		e.planning = true
		e.done = make(chan struct{})
		if e.s.env.Sync {
			e.mu.Unlock()
			e.plan()
			e.mu.Lock()
		} else {
			go e.plan()
		}
	}
	defer e.mu.Unlock()
	if e.err != nil {
		return nil, false, e.err
	}
	n := 1
	if e.s.order == "none" && !e.s.format.Kinds {
		n = min(assignMax, max(1, len(e.st.Queue)/max(1, e.s.scan.Parallelism)))
	}
	n = min(n, len(e.st.Queue))
	var out []connect.Split
	for i := range n {
		out = append(out, e.st.Queue[i].split())
	}
	e.st.Queue = e.st.Queue[n:]
	if n == 0 && !e.planning {
		e.wait()
	}
	return out, n == 0 && !e.planning && e.st.Listed && len(e.st.Todo) == 0 && e.s.Bounded(), nil
}

// work reports whether there is something to plan; it is called under the lock.
func (e *enumerator) work() bool {
	if !e.st.Listed || len(e.st.Todo) > 0 {
		return true
	}
	return e.s.monitor > 0 && (e.noticed.due || len(e.st.Queue) == 0 && !e.s.env.Now().Before(e.next))
}

// wait wakes when it is time to list again; it is called under the lock.
func (e *enumerator) wait() {
	if e.s.monitor <= 0 || e.s.env.After == nil || e.closed || e.unwake != nil {
		return
	}
	e.unwake = e.s.env.After(e.next.Sub(e.s.env.Now()), func() {
		e.mu.Lock()
		e.unwake = nil
		e.mu.Unlock()
		e.wake()
	})
}

// Waiting implements connect.Enumerator. What is not listed counts as one.
func (e *enumerator) Waiting() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := len(e.st.Todo) + len(e.st.Queue)
	if !e.st.Listed {
		n++
	}
	return n
}

// Ordered implements connect.Enumerator.
func (e *enumerator) Ordered() bool { return e.s.order != "none" }

// Return implements connect.Enumerator.
func (e *enumerator) Return(splits []connect.Split) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, sp := range splits {
		p, err := pieceOf(sp)
		if err != nil {
			e.err = errors.Join(e.err, err)
			continue
		}
		e.st.Queue = append(e.st.Queue, *p)
	}
	slices.SortStableFunc(e.st.Queue, e.compare)
}

func (e *enumerator) compare(a, b piece) int {
	if e.s.order == "modification-time" {
		if c := a.File.Time.Compare(b.File.Time); c != 0 {
			return c
		}
	}
	if c := strings.Compare(a.File.Path, b.File.Path); c != 0 {
		return c
	}
	switch {
	case a.From < b.From:
		return -1
	case a.From > b.From:
		return 1
	}
	return 0
}

// Snapshot implements connect.Enumerator.
func (e *enumerator) Snapshot() ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return json.Marshal(e.st)
}

// Close implements connect.Enumerator. It waits for the planner, which stops at
// its next step.
func (e *enumerator) Close() error {
	e.mu.Lock()
	e.closed = true
	done := e.done
	if e.unwake != nil {
		e.unwake()
	}
	e.mu.Unlock()
	if done != nil {
		<-done
	}
	if e.noticed.stop != nil { // by the planner, which has ended
		e.noticed.stop()
	}
	return nil
}

// plan lists if it is time, and cuts what is to be cut. Nobody is woken when it has
// found nothing.
func (e *enumerator) plan() {
	defer close(e.done)
	err := e.listFiles()
	for err == nil {
		e.mu.Lock()
		if len(e.st.Todo) == 0 || e.closed {
			e.mu.Unlock()
			break
		}
		p := e.st.Todo[0]
		e.mu.Unlock()
		err = e.cut(p)
	}
	e.mu.Lock()
	e.err = errors.Join(e.err, err)
	e.planning = false
	nothing := e.err == nil && len(e.st.Queue) == 0 && e.s.monitor > 0 && !e.noticed.due
	if nothing {
		e.wait()
	}
	e.mu.Unlock()
	if !nothing && !e.s.env.Sync {
		e.wake()
	}
}

// listFiles adds the files that are new to Todo.
func (e *enumerator) listFiles() error {
	e.mu.Lock()
	needed := !e.st.Listed || len(e.st.Todo) == 0 && e.s.monitor > 0
	e.mu.Unlock()
	if !needed {
		return nil
	}
	files, named := e.takeNoticed()
	if !named {
		var err error
		if files, err = e.listing(); err != nil {
			return fmt.Errorf("table %s: %w", e.s.table.Name, err)
		}
	}
	var todo []piece
	var fresh []string
	for _, f := range files {
		if _, seen := slices.BinarySearch(e.st.Seen, f.Path); seen {
			continue
		}
		fresh = append(fresh, f.Path)
		values, err := e.s.partition(f.Path)
		if err != nil {
			return fmt.Errorf("table %s: %w", e.s.table.Name, err)
		}
		if e.s.passes(values, e.s.scan.Predicates) && f.Size > 0 {
			todo = append(todo, piece{File: f, To: f.Size})
		}
	}
	slices.SortStableFunc(todo, e.compare)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.st.Todo = append(e.st.Todo, todo...)
	if e.s.monitor > 0 {
		e.see(fresh)
		if !named {
			e.next = e.s.env.Now().Add(e.s.monitor)
			e.noticed.deep = slices.ContainsFunc(files, func(f file) bool { return path.Dir(f.Path) != path.Clean(e.s.name) })
		}
	}
	e.st.Listed = true
	return nil
}

// see remembers files; it is called under the lock. New ones are mostly the last by
// name, and there may be millions.
func (e *enumerator) see(fresh []string) {
	slices.Sort(fresh)
	ordered := len(fresh) == 0 || len(e.st.Seen) == 0 || e.st.Seen[len(e.st.Seen)-1] < fresh[0]
	if e.st.Seen = append(e.st.Seen, fresh...); !ordered {
		slices.Sort(e.st.Seen)
	}
}

// listing lists the files. While a folder is read, of two files that arrive one after
// the other the second may be seen and the first not: if files have an order it would
// be read first, and the rows of the other would be late. The first was there when the
// listing ended, so a second listing has it. Of that are taken those that the first
// has, and those that come before one of them; the rest waits for the next time.
func (e *enumerator) listing() ([]file, error) {
	first, err := listTable(e.s.fs, e.s.name, e.s.match)
	if err != nil || e.s.monitor <= 0 || !e.Ordered() {
		return first, err
	}
	seen := map[string]bool{}
	var last *piece // of those that are new
	for _, f := range first {
		seen[f.Path] = true
		p := piece{File: f}
		if _, old := slices.BinarySearch(e.st.Seen, f.Path); !old && (last == nil || e.compare(*last, p) < 0) {
			last = &p
		}
	}
	if last == nil {
		return nil, nil
	}
	second, err := listTable(e.s.fs, e.s.name, e.s.match)
	return slices.DeleteFunc(second, func(f file) bool { return !seen[f.Path] && e.compare(piece{File: f}, *last) > 0 }), err
}

// publish moves the front of Todo to the queue: its range up to to, or all of it
// with whole.
func (e *enumerator) publish(p piece, rest int64, whole bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.st.Queue = append(e.st.Queue, p)
	if whole {
		e.st.Todo = e.st.Todo[1:]
		return
	}
	e.st.Todo[0].From, e.st.Todo[0].At = rest, rest
}

func (e *enumerator) stopped() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// cut cuts one file into splits. A file is cut only for more than one reader:
// one reads it in its order. The ranges are of equal size, so that the cutting
// does not depend on what is read when.
func (e *enumerator) cut(p piece) error {
	f := e.s.format
	small := p.To-p.From <= e.s.splitSize+e.s.splitSize/2 || e.s.scan.Parallelism <= 1 || e.s.order != "none"
	switch {
	case f.Open != nil && !small:
		return e.cutGroups(p)
	case f.Open != nil:
		p.Groups, p.From, p.At, p.To = true, 0, 0, -1
	case compression(p.File.Path) != "":
		p.To = -1
	case f.Cutter != nil && !small:
		return e.cutRecords(p)
	}
	e.publish(p, 0, true)
	return nil
}

// cutBytes is how much the cutter reads at once.
const cutBytes = 1 << 20

func (e *enumerator) cutRecords(p piece) error {
	cutter, err := e.s.format.Cutter(e.s.spec())
	if err != nil {
		return err
	}
	h, err := e.s.fs.Open(p.File.Path)
	if err != nil {
		return fmt.Errorf("table %s: %w", e.s.table.Name, err)
	}
	defer h.Close()
	buf := make([]byte, cutBytes)
	end := p.To
	for end-p.From > e.s.splitSize+e.s.splitSize/2 {
		at, err := nextStart(cutter, h, buf, p.From, p.From+e.s.splitSize, end, e.stopped)
		if err != nil {
			return fmt.Errorf("table %s: cut '%s': %w", e.s.table.Name, p.File.Path, err)
		}
		if e.stopped() {
			return nil
		}
		if at < 0 {
			break
		}
		p.To, p.At = at, p.From
		e.publish(p, at, false)
		p.From = at
		if cutter.Sequential() {
			// at is a record start, so a new cutter may begin there
			if cutter, err = e.s.format.Cutter(e.s.spec()); err != nil {
				return err
			}
		}
	}
	p.To, p.At = end, p.From
	e.publish(p, 0, true)
	return nil
}

// nextStart returns the first record start at or after target and before end; a
// record starts at from. It is -1 if there is none.
func nextStart(c format.Cutter, r io.ReaderAt, buf []byte, from, target, end int64, stopped func() bool) (int64, error) {
	at := from
	if !c.Sequential() {
		at = target - 1 // its line feed makes target a start
	}
	for at < end && !stopped() {
		b := buf[:min(int64(len(buf)), end-at)]
		n, err := r.ReadAt(b, at)
		if n < len(b) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, fmt.Errorf("at byte %d: %w", at+int64(n), err)
		}
		if k := c.Cut(b, int(min(max(target-at, 0), int64(len(b))))); k >= 0 {
			return at + int64(k), nil
		}
		at += int64(n)
		if !c.Sequential() && b[n-1] == '\n' {
			at-- // the start behind it is found only with what follows
		}
		if !c.Sequential() && n == 1 {
			return -1, nil
		}
	}
	return -1, nil
}

// cutGroups cuts a file of row groups.
func (e *enumerator) cutGroups(p piece) error {
	h, err := e.s.fs.Open(p.File.Path)
	if err != nil {
		return fmt.Errorf("table %s: %w", e.s.table.Name, err)
	}
	defer h.Close()
	r, err := e.s.format.Open(e.s.spec(), h, h.Size())
	if err != nil {
		return fmt.Errorf("table %s: read '%s': %w", e.s.table.Name, p.File.Path, err)
	}
	defer r.Close()
	var pieces []piece
	from, size := 0, int64(0)
	for g := range r.Groups() {
		size += r.GroupBytes(g)
		if size >= e.s.splitSize || g == r.Groups()-1 {
			q := p
			q.Groups, q.From, q.At, q.To = true, int64(from), int64(from), int64(g+1)
			pieces = append(pieces, q)
			from, size = g+1, 0
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.st.Queue = append(e.st.Queue, pieces...)
	e.st.Todo = e.st.Todo[1:]
	return nil
}

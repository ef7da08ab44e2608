package filesystem

import (
	"path"

	"github.com/millrace-io/millrace/internal/fsys"
)

// noticedMax is how many files may wait to be looked at by name; with more the folder
// is listed.
const noticedMax = 10_000

// noticed is what a store has told of a folder since it was listed. Files of which a
// store tells are read at once, and without listing all others. The folder is still
// listed each source.monitor-interval, for what is not told: files that are links, and
// those in folders below.
//
// A file that may not be whole must not be overtaken by those that come behind it, as
// files may follow each other in event time. So from it on nothing is taken by name
// until the folder was listed.
type noticed struct {
	names []string // in their order
	all   bool     // nothing has come but names
	due   bool     // something that can be read has come
	deep  bool     // there are files in folders below
	asked bool     // whether the store tells
	stop  func()   // nil: it does not
}

// watch begins to watch the folder, before it is listed. Where that cannot be done it
// is only listed.
func (e *enumerator) watch() {
	w, ok := e.s.fs.(fsys.Watcher)
	if !ok || e.s.monitor <= 0 || e.s.env.After == nil || e.noticed.asked {
		return
	}
	e.noticed.asked = true
	if stop, err := w.Watch(e.s.name, e.notice); err == nil {
		e.noticed.stop = stop
	}
}

// notice is told of a name in the folder; "": that one may have been missed.
func (e *enumerator) notice(name string, whole bool) {
	if name != "" && hidden(path.Base(name)) {
		return
	}
	e.mu.Lock()
	n := &e.noticed
	switch {
	case !whole || len(n.names) == noticedMax:
		n.all = false
	case n.all:
		n.names = append(n.names, name)
	}
	n.due = n.due || whole
	e.mu.Unlock()
	if whole {
		e.wake()
	}
}

// takeNoticed returns the files that were told of, or false if the folder must be
// listed. What is told from then on, the listing may have or not.
func (e *enumerator) takeNoticed() ([]file, bool) {
	e.watch()
	e.mu.Lock()
	n := &e.noticed
	names, named := n.names, n.all && n.due && !n.deep && e.s.env.Now().Before(e.next)
	n.names, n.due, n.all = nil, false, n.stop != nil
	e.mu.Unlock()
	if !named {
		return nil, false
	}
	var files []file
	for _, name := range names {
		in, err := e.s.fs.Stat(name)
		if err == nil && !in.Dir && (e.s.match == nil || e.s.match.MatchString(name)) { // else it has gone again
			files = append(files, file{name, in.Size, in.ModTime})
		}
	}
	return files, true
}

package filesystem

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/millrace-io/millrace/internal/fsys"
)

// filesMax is how many files a table may have; each takes some hundred bytes of
// the enumerator's memory.
const filesMax = 10_000_000

// A file is what a listing found.
type file struct {
	Path string    `json:"path"`
	Size int64     `json:"size"`
	Time time.Time `json:"time"`
}

func hidden(base string) bool { return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") }

func checkRegexp(v string) error {
	_, err := fullMatch(v)
	return err
}

// fullMatch compiles a pattern that has to match all of a text, as Java's do.
func fullMatch(p string) (*regexp.Regexp, error) { return regexp.Compile(`^(?:` + p + `)$`) }

// listTries is how often a listing is done again because the folder was exchanged
// under it. Each time somebody has replaced the whole table.
const listTries = 100

// listTable returns the files of a table at one moment: not some of those before an
// overwrite and some of those after it.
func listTable(fs fsys.FS, name string, match *regexp.Regexp) ([]file, error) {
	sw, ok := fs.(fsys.Swapper)
	if !ok {
		return list(fs, name, match)
	}
	for range listTries {
		same := sw.Same(name)
		files, err := list(fs, name, match)
		if same() {
			return files, err
		}
	}
	return nil, fmt.Errorf("list '%s': the folder is replaced faster than it can be listed", name)
}

// list returns the files of a path, sorted by name. A path that is not there, or
// a pattern that nothing matches, is an error.
func list(fs fsys.FS, name string, match *regexp.Regexp) ([]file, error) {
	roots := []string{name}
	if isPattern(name) {
		if _, err := fs.Stat(name); err != nil { // a name may hold such characters
			if roots, err = expand(fs, name); err != nil {
				return nil, fmt.Errorf("list '%s': %w", name, err)
			}
			if len(roots) == 0 {
				return nil, fmt.Errorf("list '%s': no file matches the pattern: %w", name, fsys.ErrNotExist)
			}
		}
	}
	var out []file
	for _, root := range roots {
		in, err := fs.Stat(root)
		if errors.Is(err, fsys.ErrNotExist) {
			return nil, fmt.Errorf("the path '%s' does not exist: %w", root, fsys.ErrNotExist)
		}
		if err != nil {
			return nil, fmt.Errorf("look at '%s': %w", root, err)
		}
		if out, err = walk(fs, in, out, match); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b file) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(out, func(a, b file) bool { return a.Path == b.Path }), nil
}

func walk(fs fsys.FS, in fsys.Info, out []file, match *regexp.Regexp) ([]file, error) {
	if !in.Dir {
		if len(out) >= filesMax {
			return nil, fmt.Errorf("the path has more than %d files", filesMax)
		}
		if match == nil || match.MatchString(in.Name) {
			out = append(out, file{in.Name, in.Size, in.ModTime})
		}
		return out, nil
	}
	entries, err := fs.List(in.Name)
	if err != nil {
		return nil, fmt.Errorf("list '%s': %w", in.Name, err)
	}
	for _, e := range entries {
		if hidden(path.Base(e.Name)) {
			continue
		}
		if out, err = walk(fs, e, out, match); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// expand returns the names that a pattern matches, level by level.
func expand(fs fsys.FS, pattern string) ([]string, error) {
	parts := strings.Split(pattern, "/")
	at := []string{""}
	if strings.HasPrefix(pattern, "/") {
		at, parts = []string{"/"}, parts[1:]
	}
	for i, p := range parts {
		var next []string
		for _, dir := range at {
			if !isPattern(p) {
				next = append(next, path.Join(dir, p))
				continue
			}
			entries, err := fs.List(orDot(dir))
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				base := path.Base(e.Name)
				ok, err := path.Match(p, base)
				if err != nil {
					return nil, err
				}
				if ok && !hidden(base) && (e.Dir || i == len(parts)-1) {
					next = append(next, path.Join(dir, base))
				}
			}
		}
		at = next
	}
	// parts without a pattern behind one may lead nowhere
	return slices.DeleteFunc(at, func(n string) bool {
		_, err := fs.Stat(n)
		return errors.Is(err, fsys.ErrNotExist)
	}), nil
}

func orDot(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

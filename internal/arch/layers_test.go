package arch

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// A folder has a layer: a package imports only packages of a lower layer and,
// within its own, of folders that stand above it in this table. A folder includes
// its subfolders, unless they have a line of their own; within a folder packages
// import each other as they like.
type folder struct {
	layer int
	path  string // "." is the root package
}

// top is the layer of what no part of the program imports.
const top = 10

var folders = []folder{
	{0, "types"},
	{0, "internal/base"},
	{0, "internal/env"},
	{0, "internal/numtext"},
	{1, "vec"},
	{1, "internal/keyenc"},
	{1, "internal/fsys"},
	{2, "connect"},
	{2, "format"},
	{2, "internal/sql"},
	{3, "internal/expr"},
	{3, "internal/state"},
	{3, "internal/exchange"},
	{3, "internal/catalog"},
	{3, "internal/jobgraph"},
	{3, "internal/checkpoint"},
	{3, "internal/expr/agg"},
	{3, "internal/rowtext"},
	{4, "connect/"},
	{4, "format/"},
	{4, "udf"},
	{4, "internal/exec"},
	{4, "internal/plan"},
	{5, "internal/task"},
	{5, "internal/job"},
	{6, "internal/build"},
	{7, "internal/cluster"},
	{7, "internal/control"},
	{7, "internal/statedata"},
	{7, "internal/evolve"},
	{8, "."},
	{8, "bench/queries"},
	{8, "internal/sqltest"},
	{9, "internal/cli"},
	{9, "cli"},
	{9, "cmd"},
	{top, "internal/sim"},
	{top, "internal/exec/exectest"},
	{top, "internal/fsys/fsystest"},
	{top, "internal/fsys/fault"},
	{top, "internal/testkit"},
	{top, "internal/arch"},
	{top, "format/internal/formattest"},
	{top, "test"},
	{top, "bench"},
	{top, "examples"},
	{top, "docs"},
}

// place returns the folder of a package: the longest that fits. A folder with a
// slash at its end has the packages below it, but not itself.
func place(pkg string) (at int, ok bool) {
	at = -1
	for i, f := range folders {
		fits := pkg == f.path || f.path != "." && strings.HasPrefix(pkg, strings.TrimSuffix(f.path, "/")+"/")
		if fits && (at < 0 || len(f.path) > len(folders[at].path)) {
			at = i
		}
	}
	return at, at >= 0
}

func TestLayers(t *testing.T) {
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		from, ok := place(f.pkg)
		if !ok {
			t.Errorf("%s: its folder has no layer: give it one here and in docs/ARCHITECTURE.md", f.path)
			continue
		}
		for _, imp := range f.imports() {
			to, ok := place(imp)
			if !ok {
				continue // the test of that folder's own files says so
			}
			a, b := folders[from], folders[to]
			if b.layer > a.layer || b.layer == a.layer && to > from && a.layer != top {
				t.Errorf("%s (layer %d) imports %s (layer %d)", f.path, a.layer, imp, b.layer)
			}
		}
	}
}

// A wall keeps folders apart that the layers alone would let in.
type wall struct {
	from   string // a regular expression over packages
	never  string // what they never import
	except string // but for these packages
	why    string
}

var walls = []wall{
	{`^internal/plan`, `^internal/exec`, `^$`, "a plan is data: package build alone turns it into operators"},
	{`^internal/exec$`, `^internal/(plan|task|exchange|job|cluster)(/|$)|^connect/|^format`, `^$`, "operators know neither who calls them nor where rows come from"},
	{`^internal/job$`, `^internal/(exec|exchange|build|cluster)(/|$)`, `^$`, "a master decides by events and commands alone"},
	{`^internal/(task|job|exec)$`, `^internal/env$`, `^$`, "the state machines are given the time"},
	{`^internal/sql(/|$)`, `^internal/(catalog|expr|plan)`, `^$`, "the parser knows no catalog"},
	{`.`, `^(connect|format)/[a-z]`, `^(internal/cli|connect/.*|format/.*)$`, "only the command line chooses connectors and formats"},
	{`^connect/(blackhole|datagen|filesystem|nexmark|print)`, `^connect/(blackhole|filesystem|nexmark|print)`, `^$`, "connectors do not know each other"},
	{`^connect/`, `^format/`, `^$`, "a connector finds formats by name"},
}

func TestWalls(t *testing.T) {
	for _, w := range walls {
		from, never, except := regexp.MustCompile(w.from), regexp.MustCompile(w.never), regexp.MustCompile(w.except)
		for _, f := range sources(t) {
			if f.test || !from.MatchString(f.pkg) || except.MatchString(f.pkg) {
				continue
			}
			for _, imp := range f.imports() {
				if never.MatchString(imp) && imp != f.pkg {
					t.Errorf("%s imports %s: %s", f.path, imp, w.why)
				}
			}
		}
	}
}

// A master speaks of tasks by name, watermark and assignment, and knows nothing else
// of them.
func TestJobKnowsTasksByName(t *testing.T) {
	allowed := map[string]bool{"ID": true, "Marks": true, "Assignment": true}
	for _, f := range sources(t) {
		if f.pkg != "internal/job" || f.test {
			continue
		}
		for _, u := range f.uses(module + "/internal/task") {
			if !allowed[u.name] {
				t.Errorf("%s: task.%s", f.at(u.pos), u.name)
			}
		}
	}
}

// TestFoldersAreDescribed looks each folder up in docs/ARCHITECTURE.md, where it has
// a line `| layer | folder | its job |`.
func TestFoldersAreDescribed(t *testing.T) {
	data, err := os.ReadFile(root + "/docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		layer := fmt.Sprint(f.layer)
		if f.layer == top {
			layer = "T"
		}
		name := strings.TrimSuffix(f.path, "/")
		switch {
		case strings.HasSuffix(f.path, "/"):
			name += "/*"
		case f.path != ".":
			name += "/"
		}
		if line := fmt.Sprintf("| %s | `%s`", layer, name); !strings.Contains(string(data), line) {
			t.Errorf("docs/ARCHITECTURE.md has no line %q", line)
		}
	}
}

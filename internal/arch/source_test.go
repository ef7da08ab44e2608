package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/millrace-io/millrace"
)

// A source is a Go file of this repository.
type source struct {
	path string // from the root
	pkg  string // its folder
	test bool
	text []byte
	file *ast.File
	set  *token.FileSet
}

// files returns the names of all files of the repository, from the root, without
// those that no one wrote: hidden folders and test data.
func files(t *testing.T) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.' || name == "tools" || name == "bench/out"):
			return fs.SkipDir
		case !d.IsDir():
			out = append(out, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sources returns all Go files, parsed once.
func sources(t *testing.T) []*source {
	t.Helper()
	once.Do(func() {
		for _, name := range files(t) {
			if !strings.HasSuffix(name, ".go") {
				continue
			}
			var s *source
			if s, errParse = parse(name); errParse != nil {
				return
			}
			all = append(all, s)
		}
	})
	if errParse != nil {
		t.Fatal(errParse)
	}
	return all
}

var (
	once     sync.Once
	all      []*source
	errParse error
)

func parse(name string) (*source, error) {
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return nil, err
	}
	s := &source{path: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), text: text, set: token.NewFileSet()}
	s.file, err = parser.ParseFile(s.set, name, text, parser.ParseComments)
	return s, err
}

// imports returns the packages of this module that a file imports, as folders.
func (s *source) imports() []string {
	var out []string
	for _, imp := range s.file.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		if p == module {
			out = append(out, ".")
		} else if rest, ok := strings.CutPrefix(p, module+"/"); ok {
			out = append(out, rest)
		}
	}
	return out
}

// A use is a name of another package that a file uses.
type use struct {
	name string
	pos  token.Pos
}

// uses returns the names of a package that a file uses.
func (s *source) uses(pkg string) []use {
	local := ""
	for _, imp := range s.file.Imports {
		if p, _ := strconv.Unquote(imp.Path.Value); p == pkg {
			if local = path.Base(strings.TrimSuffix(pkg, "/v2")); imp.Name != nil {
				local = imp.Name.Name
			}
		}
	}
	if local == "" {
		return nil
	}
	var out []use
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == local {
				out = append(out, use{sel.Sel.Name, sel.Pos()})
			}
		}
		return true
	})
	return out
}

func (s *source) at(p token.Pos) string { return fmt.Sprint(s.set.Position(p)) }

// under reports whether a file is in one of the folders.
func (s *source) under(folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return s.pkg == f || strings.HasPrefix(s.pkg, f+"/") })
}

package arch

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var qualified = regexp.MustCompile(`\b([a-z]+)\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)

// TestNamesInDocsExist looks up what the pages under docs call by package and name
// (task.Task.Step): a page that names what is gone misleads.
func TestNamesInDocsExist(t *testing.T) {
	known := exported(t)
	pages, err := filepath.Glob(root + "/docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range qualified.FindAllStringSubmatch(string(data), -1) {
			names := known[m[1]]
			if names == nil {
				continue // not a package of ours
			}
			if !names[m[2]] || m[3] != "" && !names[m[2]+"."+m[3]] && !names["."+m[3]] {
				t.Errorf("%s: there is no %s", filepath.Base(page), m[0])
			}
		}
	}
}

// exported returns, by the last element of a package's path, its exported names:
// "Task", methods and fields as "Task.Step".
func exported(t *testing.T) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, f := range sources(t) {
		if f.test || f.pkg == "." {
			continue
		}
		name := path.Base(f.pkg)
		if out[name] == nil {
			out[name] = map[string]bool{}
		}
		for _, d := range f.file.Decls {
			declare(d, out[name])
		}
	}
	return out
}

func declare(d ast.Decl, names map[string]bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names[d.Name.Name] = true
			return
		}
		names[receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = true
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names[n.Name] = true
				}
			case *ast.TypeSpec:
				names[s.Name.Name] = true
				members(s, names)
			}
		}
	}
}

// members notes the methods of an interface and the fields of a struct. What a type
// embeds may come from anywhere: it is noted for all.
func members(s *ast.TypeSpec, names map[string]bool) {
	var list *ast.FieldList
	switch typ := s.Type.(type) {
	case *ast.InterfaceType:
		list = typ.Methods
	case *ast.StructType:
		list = typ.Fields
	default:
		return
	}
	for _, f := range list.List {
		for _, n := range f.Names {
			names[s.Name.Name+"."+n.Name] = true
		}
		if len(f.Names) == 0 && receiver(f.Type) == "Base" {
			for _, m := range strings.Fields("Open Process Watermark EndInput Tick Resume Flush Snapshot Close") {
				names["."+m] = true
			}
		}
	}
}

// receiver is the name of a type without pointer, package and parameters.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

package catalog

import (
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

func table(p Path, temp bool) *Table { return &Table{Path: p, Temporary: temp} }

func made(t *testing.T, c *Catalog, o Object, mode Mode) {
	t.Helper()
	if _, err := c.Create(o, mode); err != nil {
		t.Fatal(err)
	}
}

func TestShadow(t *testing.T) {
	c := New()
	p, _ := c.Path("t")
	made(t, c, table(p, false), MustNotExist)
	made(t, c, table(p, true), MustNotExist)
	for _, name := range [][]string{{"t"}, {DefaultDatabase, "t"}, {DefaultCatalog, DefaultDatabase, "t"}} {
		if got, err := c.Table(name...); err != nil || !got.Temporary {
			t.Errorf("%v: %v %v", name, got, err)
		}
	}
	if err := c.Drop(ast.ObjTable, []string{"t"}, false, true); err == nil {
		t.Error("a shadowed table was dropped")
	}
	if err := c.Drop(ast.ObjTable, []string{"t"}, true, false); err != nil {
		t.Error(err)
	}
	if got, err := c.Table("t"); err != nil || got.Temporary {
		t.Error("the lasting table is gone", err)
	}
	if names, _ := c.List(ast.ObjTable, DefaultCatalog, DefaultDatabase); !slices.Equal(names, []string{"t"}) {
		t.Error(names)
	}
}

func TestModes(t *testing.T) {
	c := New()
	p, _ := c.Path("t")
	made(t, c, table(p, false), MustNotExist)
	if _, err := c.Create(table(p, false), MustNotExist); err == nil {
		t.Error("made twice")
	}
	if made, err := c.Create(table(p, false), IfNotExists); made || err != nil {
		t.Error(made, err)
	}
	if _, err := c.Create(&View{Path: p}, OrReplace); err == nil {
		t.Error("a view took the place of a table")
	}
	f := Path{DefaultCatalog, DefaultDatabase, "Twice"}
	made(t, c, &Function{Path: f}, MustNotExist)
	for name, want := range map[string]bool{"TWICE": true, "twice": true, "thrice": false} {
		if got, err := c.Function(name); err != nil || (got != nil) != want {
			t.Errorf("function %s: %v %v", name, got, err)
		}
	}
}

func TestDatabases(t *testing.T) {
	c := New()
	if err := c.CreateDatabase([]string{"d"}, Database{}, false); err != nil {
		t.Fatal(err)
	}
	made(t, c, table(Path{DefaultCatalog, "d", "x"}, false), MustNotExist)
	if err := c.Use("d"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Table("x"); err != nil {
		t.Error(err)
	}
	if err := c.DropDatabase([]string{"d"}, false, true); err == nil {
		t.Error("the current database was dropped")
	}
	_ = c.Use(DefaultDatabase)
	if err := c.DropDatabase([]string{"d"}, false, false); err == nil {
		t.Error("a database with a table was dropped")
	}
	if err := c.DropDatabase([]string{"d"}, false, true); err != nil {
		t.Error(err)
	}
	_, err := c.Table("default_databas", "x")
	if want := "unknown database 'default_databas' in catalog 'default_catalog'; did you mean 'default_database'?"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

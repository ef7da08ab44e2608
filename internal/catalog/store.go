package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// The names that Flink's built-in catalog and database have.
const (
	DefaultCatalog  = "default_catalog"
	DefaultDatabase = "default_database"
)

// A Catalog is all that a session can name: catalogs of databases of objects,
// in memory, and the session's temporary objects. What holds:
//
//  1. Names are case-sensitive, but for functions, which are found in any case.
//  2. A name of one part is looked up in the current database, of two parts in
//     the current catalog, of three as it stands.
//  3. A temporary object shadows a lasting one of the same path; to drop one
//     it has to be called TEMPORARY. Tables and views share one name space,
//     functions have their own.
//  4. What is stored is not changed any more: an ALTER stores a changed copy, so
//     that a plan may keep what it read.
//
// Errors are *base.Error without a position; the caller that has one fills it
// in. It is not for concurrent use.
type Catalog struct {
	catalogs map[string]*store
	temp     map[key]Object
	system   map[string]*Function // temporary system functions, by upper case
	catalog  string
	database string
}

type store struct {
	comment   string
	options   map[string]string
	databases map[string]*database
}

type database struct {
	comment string
	options map[string]string
	objects map[key]Object
}

// key is the name of an object in its name space; Name is in upper case for functions.
type key struct {
	Path
	function bool
}

func keyOf(p Path, kind ast.Object) key {
	if kind == ast.ObjFunction {
		p.Name = strings.ToUpper(p.Name)
		return key{p, true}
	}
	return key{p, false}
}

// New returns a catalog with Flink's default catalog and database.
func New() *Catalog {
	c := &Catalog{catalogs: map[string]*store{}, temp: map[key]Object{}, system: map[string]*Function{},
		catalog: DefaultCatalog, database: DefaultDatabase}
	c.catalogs[DefaultCatalog] = newStore(DefaultDatabase)
	return c
}

func newStore(db string) *store {
	return &store{databases: map[string]*database{db: {objects: map[key]Object{}}}}
}

func failed(format string, args ...any) *base.Error { return base.Errorf(base.Pos{}, format, args...) }

// near adds "did you mean" to an error when one of names is close to name.
func near(err *base.Error, name string, names []string) *base.Error {
	if n := connect.Near(name, names); n != "" && n != name {
		err.Hint = fmt.Sprintf("did you mean '%s'?", n)
	}
	return err
}

// Current returns the current catalog and database.
func (c *Catalog) Current() (catalog, database string) { return c.catalog, c.database }

// Path makes a name of one to three parts a full one. It does not look whether
// it exists.
func (c *Catalog) Path(parts ...string) (Path, error) {
	switch len(parts) {
	case 1:
		return Path{c.catalog, c.database, parts[0]}, nil
	case 2:
		return Path{c.catalog, parts[0], parts[1]}, nil
	case 3:
		return Path{parts[0], parts[1], parts[2]}, nil
	}
	return Path{}, failed("'%s' is not a name: expected [[catalog.]database.]name", strings.Join(parts, "."))
}

func (c *Catalog) store(name string) (*store, error) {
	if s := c.catalogs[name]; s != nil {
		return s, nil
	}
	return nil, near(failed("unknown catalog '%s'", name), name, c.Catalogs())
}

func (c *Catalog) db(catalog, name string) (*database, error) {
	s, err := c.store(catalog)
	if err != nil {
		return nil, err
	}
	if d := s.databases[name]; d != nil {
		return d, nil
	}
	return nil, near(failed("unknown database '%s' in catalog '%s'", name, catalog), name, slices.Sorted(maps.Keys(s.databases)))
}

// UseCatalog makes a catalog and its default database current.
func (c *Catalog) UseCatalog(name string) error {
	s, err := c.store(name)
	if err != nil {
		return err
	}
	c.catalog = name
	if s.databases[c.database] == nil {
		names := slices.Sorted(maps.Keys(s.databases))
		if len(names) > 0 {
			c.database = names[0]
		}
		if s.databases[DefaultDatabase] != nil {
			c.database = DefaultDatabase
		}
	}
	return nil
}

// Use makes a database current: one part, or two with its catalog.
func (c *Catalog) Use(parts ...string) error {
	cat, name, err := c.databasePath(parts)
	if err != nil {
		return err
	}
	if _, err := c.db(cat, name); err != nil {
		return err
	}
	c.catalog, c.database = cat, name
	return nil
}

func (c *Catalog) databasePath(parts []string) (catalog, name string, err error) {
	switch len(parts) {
	case 1:
		return c.catalog, parts[0], nil
	case 2:
		return parts[0], parts[1], nil
	}
	return "", "", failed("'%s' is not the name of a database", strings.Join(parts, "."))
}

// Within calls f with another catalog and database current.
func (c *Catalog) Within(catalog, database string, f func() error) error {
	oldC, oldD := c.catalog, c.database
	defer func() { c.catalog, c.database = oldC, oldD }()
	c.catalog, c.database = catalog, database
	return f()
}

// CreateCatalog adds an empty catalog that lives in memory.
func (c *Catalog) CreateCatalog(name, comment string, options map[string]string, ifNotExists bool) error {
	if c.catalogs[name] != nil {
		if ifNotExists {
			return nil
		}
		return failed("catalog '%s' exists already", name)
	}
	s := newStore("default")
	s.comment, s.options = comment, options
	if db := options["default-database"]; db != "" {
		s.databases = map[string]*database{db: {objects: map[key]Object{}}}
	}
	c.catalogs[name] = s
	return nil
}

// DropCatalog removes a catalog.
func (c *Catalog) DropCatalog(name string, ifExists bool) error {
	if _, err := c.store(name); err != nil {
		if ifExists {
			return nil
		}
		return err
	}
	if name == c.catalog {
		return failed("catalog '%s' is in use and cannot be dropped", name)
	}
	delete(c.catalogs, name)
	return nil
}

// CreateDatabase adds a database.
func (c *Catalog) CreateDatabase(parts []string, comment string, options map[string]string, ifNotExists bool) error {
	cat, name, err := c.databasePath(parts)
	if err != nil {
		return err
	}
	s, err := c.store(cat)
	if err != nil {
		return err
	}
	if s.databases[name] != nil {
		if ifNotExists {
			return nil
		}
		return failed("database '%s' exists already in catalog '%s'", name, cat)
	}
	s.databases[name] = &database{comment: comment, options: options, objects: map[key]Object{}}
	return nil
}

// DropDatabase removes a database, with its objects when cascade is set.
func (c *Catalog) DropDatabase(parts []string, ifExists, cascade bool) error {
	cat, name, err := c.databasePath(parts)
	if err != nil {
		return err
	}
	d, err := c.db(cat, name)
	if err != nil {
		if ifExists {
			return nil
		}
		return err
	}
	if cat == c.catalog && name == c.database {
		return failed("database '%s' is in use and cannot be dropped", name)
	}
	if len(d.objects) > 0 && !cascade {
		return failed("database '%s' is not empty: it has %d objects; DROP DATABASE … CASCADE drops them too", name, len(d.objects))
	}
	delete(c.catalogs[cat].databases, name)
	return nil
}

// Catalogs returns the names of all catalogs, sorted.
func (c *Catalog) Catalogs() []string { return slices.Sorted(maps.Keys(c.catalogs)) }

// Databases returns the names of a catalog's databases, sorted; "" is the current one.
func (c *Catalog) Databases(catalog string) ([]string, error) {
	if catalog == "" {
		catalog = c.catalog
	}
	s, err := c.store(catalog)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(s.databases)), nil
}

// List returns the names of a database's objects of a kind, sorted, temporary
// ones among them. ObjTable lists views too, as SHOW TABLES does.
func (c *Catalog) List(kind ast.Object, catalog, db string) ([]string, error) {
	d, err := c.db(catalog, db)
	if err != nil {
		return nil, err
	}
	wanted := func(o Object) bool {
		return o.ObjectKind() == kind || kind == ast.ObjTable && o.ObjectKind() == ast.ObjView
	}
	names := map[string]bool{}
	for _, o := range d.objects {
		if wanted(o) {
			names[o.ObjectPath().Name] = true
		}
	}
	for k, o := range c.temp {
		if k.Catalog == catalog && k.Database == db && wanted(o) {
			names[o.ObjectPath().Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// find returns the object of a path and whether it is a temporary one.
func (c *Catalog) find(p Path, kind ast.Object) Object {
	k := keyOf(p, kind)
	if o := c.temp[k]; o != nil {
		return o
	}
	if s := c.catalogs[p.Catalog]; s != nil {
		if d := s.databases[p.Database]; d != nil {
			return d.objects[k]
		}
	}
	return nil
}

// Relation returns the table or view of that name.
func (c *Catalog) Relation(parts ...string) (Object, error) {
	p, err := c.Path(parts...)
	if err != nil {
		return nil, err
	}
	if o := c.find(p, ast.ObjTable); o != nil {
		return o, nil
	}
	if _, err := c.db(p.Catalog, p.Database); err != nil {
		return nil, err
	}
	names, _ := c.List(ast.ObjTable, p.Catalog, p.Database)
	return nil, near(failed("unknown table '%s'", strings.Join(parts, ".")), p.Name, names)
}

// Table returns the table of that name; a view is an error.
func (c *Catalog) Table(parts ...string) (*Table, error) {
	o, err := c.Relation(parts...)
	if err != nil {
		return nil, err
	}
	if t, ok := o.(*Table); ok {
		return t, nil
	}
	return nil, failed("'%s' is a view, not a table", strings.Join(parts, "."))
}

// Function returns the user's function of that name, or nil.
func (c *Catalog) Function(parts ...string) *Function {
	if len(parts) == 1 {
		if f := c.system[strings.ToUpper(parts[0])]; f != nil {
			return f
		}
	}
	p, err := c.Path(parts...)
	if err != nil {
		return nil
	}
	f, _ := c.find(p, ast.ObjFunction).(*Function)
	return f
}

// FunctionNames returns the names of the user's functions that can be called by
// one part, sorted.
func (c *Catalog) FunctionNames() []string {
	names, _ := c.List(ast.ObjFunction, c.catalog, c.database)
	for _, f := range c.system {
		names = append(names, f.Path.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Mode is what Create does when the name is taken.
type Mode uint8

// The modes.
const (
	MustNotExist Mode = iota
	IfNotExists       // do nothing
	OrReplace
)

// Create stores an object under its path. It reports whether it did; with
// IfNotExists it may not.
func (c *Catalog) Create(o Object, mode Mode) (bool, error) {
	if f, ok := o.(*Function); ok && f.System {
		name := strings.ToUpper(f.Path.Name)
		if c.system[name] != nil && mode != OrReplace {
			if mode == IfNotExists {
				return false, nil
			}
			return false, failed("function '%s' exists already", f.Path.Name)
		}
		c.system[name] = f
		return true, nil
	}
	p, kind := o.ObjectPath(), o.ObjectKind()
	into := c.temp
	d, err := c.db(p.Catalog, p.Database)
	if err != nil {
		return false, err
	}
	if !o.temporary() {
		into = d.objects
	}
	k := keyOf(p, kind)
	if old := into[k]; old != nil {
		switch {
		case mode == IfNotExists:
			return false, nil
		case mode == MustNotExist:
			return false, failed("%s '%s' exists already", strings.ToLower(old.ObjectKind().String()), p)
		case old.ObjectKind() != kind:
			return false, failed("'%s' is a %s, not a %s", p, strings.ToLower(old.ObjectKind().String()), strings.ToLower(kind.String()))
		}
	}
	into[k] = o
	return true, nil
}

// Replace stores a changed copy of an object where the object was.
func (c *Catalog) Replace(o Object) {
	k := keyOf(o.ObjectPath(), o.ObjectKind())
	if o.temporary() {
		c.temp[k] = o
		return
	}
	c.catalogs[k.Catalog].databases[k.Database].objects[k] = o
}

// Drop removes an object. Without temporary it must not be a temporary one: one
// that shadows the name has to be dropped first, as in Flink.
func (c *Catalog) Drop(kind ast.Object, parts []string, temporary, ifExists bool) error {
	p, err := c.Path(parts...)
	if err != nil {
		return err
	}
	k := keyOf(p, kind)
	word := strings.ToLower(kind.String())
	t := c.temp[k]
	if t != nil && t.ObjectKind() == kind {
		if !temporary {
			return failed("a temporary %s '%s' exists; drop it first with DROP TEMPORARY %s", word, p, kind)
		}
		delete(c.temp, k)
		return nil
	}
	missing := failed("unknown %s '%s'", word, strings.Join(parts, "."))
	if temporary {
		if ifExists {
			return nil
		}
		missing.Msg = fmt.Sprintf("unknown temporary %s '%s'", word, strings.Join(parts, "."))
		return missing
	}
	d, err := c.db(p.Catalog, p.Database)
	if err != nil {
		if ifExists {
			return nil
		}
		return err
	}
	o := d.objects[k]
	switch {
	case o == nil && ifExists:
		return nil
	case o == nil:
		names, _ := c.List(kind, p.Catalog, p.Database)
		return near(missing, p.Name, names)
	case o.ObjectKind() != kind:
		return failed("'%s' is a %s; use DROP %s", strings.Join(parts, "."), strings.ToLower(o.ObjectKind().String()), o.ObjectKind())
	}
	delete(d.objects, k)
	return nil
}

// DropSystemFunction removes a temporary system function.
func (c *Catalog) DropSystemFunction(name string, ifExists bool) error {
	if c.system[strings.ToUpper(name)] == nil && !ifExists {
		return failed("unknown temporary system function '%s'", name)
	}
	delete(c.system, strings.ToUpper(name))
	return nil
}

// Rename gives a table or view another name in its database.
func (c *Catalog) Rename(o Object, to string) error {
	from := o.ObjectPath()
	p := from
	p.Name = to
	if c.find(p, o.ObjectKind()) != nil {
		return failed("'%s' exists already", p)
	}
	switch x := o.(type) {
	case *Table:
		n := *x
		n.Path = p
		o = &n
	case *View:
		n := *x
		n.Path = p
		o = &n
	}
	k := keyOf(from, o.ObjectKind())
	if o.temporary() {
		delete(c.temp, k)
	} else {
		delete(c.catalogs[from.Catalog].databases[from.Database].objects, k)
	}
	c.Replace(o)
	return nil
}

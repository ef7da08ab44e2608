package catalog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// The names that Flink's built-in catalog and database have.
const (
	DefaultCatalog  = "default_catalog"
	DefaultDatabase = "default_database"
)

// A Catalog is all that a session can name: catalogs of databases of objects, in
// memory or in files, and the session's temporary objects. What holds:
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
	// Define makes an object from the statement that a file holds; the binder sets it.
	Define func(Path, ast.Statement) (Object, error)
	// Open returns the file store of a path, for catalogs of type 'file'.
	Open func(path string) (fs fsys.FS, name string, err error)

	catalogs map[string]*entry
	temp     map[key]Object
	system   map[string]*Function // temporary system functions, by upper case
	catalog  string
	database string
}

// An entry is one catalog.
type entry struct {
	store
	def Definition
}

// A Definition is what CREATE CATALOG says.
type Definition struct {
	Comment string
	Options map[string]string
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
	c := &Catalog{catalogs: map[string]*entry{}, temp: map[key]Object{}, system: map[string]*Function{},
		catalog: DefaultCatalog, database: DefaultDatabase}
	c.catalogs[DefaultCatalog] = &entry{inMemory(DefaultDatabase), Definition{Options: map[string]string{"type": "generic_in_memory", "default-database": DefaultDatabase}}}
	return c
}

func inMemory(db string) memory {
	return memory{db: {Database{}, map[key]Object{}}}
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

func (c *Catalog) entry(name string) (*entry, error) {
	if s := c.catalogs[name]; s != nil {
		return s, nil
	}
	return nil, near(failed("unknown catalog '%s'", name), name, c.Catalogs())
}

// in returns the store of a catalog that has a database.
func (c *Catalog) in(catalog, name string) (store, error) {
	s, err := c.entry(catalog)
	if err != nil {
		return nil, err
	}
	d, err := s.Database(name)
	if err != nil || d != nil {
		return s.store, err
	}
	names, err := s.Databases()
	if err != nil {
		return nil, err
	}
	return nil, near(failed("unknown database '%s' in catalog '%s'", name, catalog), name, names)
}

// UseCatalog makes a catalog and its default database current.
func (c *Catalog) UseCatalog(name string) error {
	s, err := c.entry(name)
	if err != nil {
		return err
	}
	c.catalog, c.database = name, s.def.Options["default-database"]
	if c.database == "" {
		c.database = "default"
	}
	return nil
}

// Use makes a database current: one part, or two with its catalog.
func (c *Catalog) Use(parts ...string) error {
	cat, name, err := c.databasePath(parts)
	if err != nil {
		return err
	}
	if _, err := c.in(cat, name); err != nil {
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

// Definition returns what made a catalog.
func (c *Catalog) Definition(name string) (Definition, error) {
	s, err := c.entry(name)
	if err != nil {
		return Definition{}, err
	}
	return s.def, nil
}

// Redefine changes a catalog's comment or options. What says where the catalog is
// stays.
func (c *Catalog) Redefine(name string, d Definition) error {
	s, err := c.entry(name)
	if err != nil {
		return err
	}
	for _, k := range []string{"type", "path"} {
		if s.def.Options[k] != d.Options[k] {
			return failed("option '%s' of catalog '%s' cannot be changed; drop the catalog and create it anew: its files stay", k, name)
		}
	}
	if err := checkCatalog(d.Options); err != nil {
		return err
	}
	s.def = d
	return nil
}

// Types are the types of catalogs.
func Types() []string { return []string{"file", "generic_in_memory"} }

func checkCatalog(options map[string]string) error {
	known := []string{"type", "default-database"}
	switch kind := options["type"]; kind {
	case "":
		return failedHint("a catalog needs the option 'type'", "write WITH ('type' = 'generic_in_memory') or WITH ('type' = 'file', 'path' = '…')")
	case "generic_in_memory":
	case "file":
		if known = append(known, "path"); options["path"] == "" {
			return failed("a catalog of type 'file' needs the option 'path', the folder that it is in")
		}
	default:
		return near(failed("there are no catalogs of type '%s'; there are %s", kind, strings.Join(Types(), ", ")), kind, Types())
	}
	for _, k := range slices.Sorted(maps.Keys(options)) {
		if !slices.Contains(known, k) {
			return near(failed("unknown option '%s' of a catalog of type '%s'", k, options["type"]), k, known)
		}
	}
	return nil
}

func failedHint(msg, hint string) error { return &base.Error{Msg: msg, Hint: hint} }

// CreateCatalog adds a catalog: one that is empty and in memory, or what is in a
// folder.
func (c *Catalog) CreateCatalog(name string, d Definition, ifNotExists bool) error {
	if c.catalogs[name] != nil {
		if ifNotExists {
			return nil
		}
		return failed("catalog '%s' exists already", name)
	}
	if err := checkCatalog(d.Options); err != nil {
		return err
	}
	db := d.Options["default-database"]
	if db == "" {
		db = "default"
	}
	s := store(inMemory(db))
	if d.Options["type"] == "file" {
		f, err := c.openFolder(name, d.Options["path"])
		if err != nil {
			return err
		}
		if err := f.PutDatabase(db, &Database{}, true); err != nil && !errors.Is(err, fsys.ErrExist) {
			return fmt.Errorf("create catalog '%s': %w", name, err)
		}
		s = f
	}
	c.catalogs[name] = &entry{s, d}
	return nil
}

func (c *Catalog) openFolder(name, path string) (*folder, error) {
	if c.Open == nil {
		return nil, failed("there are no files here for a catalog of type 'file'")
	}
	fs, dir, err := c.Open(path)
	if err != nil {
		return nil, err
	}
	f := &folder{fs: fs, dir: dir, seen: map[key]read{}}
	f.own = func(p Path) Path { p.Catalog = name; return p }
	f.load = func(p Path, st ast.Statement) (o Object, err error) {
		err = c.Within(p.Catalog, p.Database, func() error {
			o, err = c.Define(p, st)
			return err
		})
		return o, err
	}
	return f, nil
}

// DropCatalog removes a catalog from the session; files stay.
func (c *Catalog) DropCatalog(name string, ifExists bool) error {
	if _, err := c.entry(name); err != nil {
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
func (c *Catalog) CreateDatabase(parts []string, d Database, ifNotExists bool) error {
	cat, name, err := c.databasePath(parts)
	if err != nil {
		return err
	}
	s, err := c.entry(cat)
	if err != nil {
		return err
	}
	err = s.PutDatabase(name, &d, true)
	if errors.Is(err, fsys.ErrExist) {
		if ifNotExists {
			return nil
		}
		return failed("database '%s' exists already in catalog '%s'", name, cat)
	}
	return err
}

// Database returns a database by one or two parts, and its full name.
func (c *Catalog) Database(parts []string) (d Database, catalog, name string, err error) {
	if catalog, name, err = c.databasePath(parts); err != nil {
		return d, "", "", err
	}
	s, err := c.in(catalog, name)
	if err != nil {
		return d, "", "", err
	}
	p, err := s.Database(name)
	if err != nil {
		return d, "", "", err
	}
	return *p, catalog, name, nil
}

// AlterDatabase puts a changed database in a database's place.
func (c *Catalog) AlterDatabase(catalog, name string, d Database) error {
	s, err := c.in(catalog, name)
	if err != nil {
		return err
	}
	return s.PutDatabase(name, &d, false)
}

// DropDatabase removes a database, with its objects when cascade is set.
func (c *Catalog) DropDatabase(parts []string, ifExists, cascade bool) error {
	cat, name, err := c.databasePath(parts)
	if err != nil {
		return err
	}
	s, err := c.in(cat, name)
	if err != nil {
		if ifExists && base.IsUser(err) {
			return nil
		}
		return err
	}
	if cat == c.catalog && name == c.database {
		return failed("database '%s' is in use and cannot be dropped", name)
	}
	if !cascade {
		tables, err := s.Names(name, false, false)
		if err != nil {
			return err
		}
		functions, err := s.Names(name, true, false)
		if err != nil {
			return err
		}
		if n := len(tables) + len(functions); n > 0 {
			return failed("database '%s' is not empty: it has %d objects; DROP DATABASE … CASCADE drops them too", name, n)
		}
	}
	return s.DropDatabase(name)
}

// Catalogs returns the names of all catalogs, sorted.
func (c *Catalog) Catalogs() []string { return slices.Sorted(maps.Keys(c.catalogs)) }

// Databases returns the names of a catalog's databases, sorted; "" is the current one.
func (c *Catalog) Databases(catalog string) ([]string, error) {
	if catalog == "" {
		catalog = c.catalog
	}
	s, err := c.entry(catalog)
	if err != nil {
		return nil, err
	}
	return s.Databases()
}

// List returns the names of a database's objects of a kind, sorted, temporary
// ones among them. ObjTable lists views too, as SHOW TABLES does.
func (c *Catalog) List(kind ast.Object, catalog, db string) ([]string, error) {
	s, err := c.in(catalog, db)
	if err != nil {
		return nil, err
	}
	all, err := s.Names(db, kind == ast.ObjFunction, kind == ast.ObjView)
	if err != nil {
		return nil, err
	}
	if kind == ast.ObjFunction { // as they were written
		for n := range all {
			k, err := s.Get(keyOf(Path{catalog, db, n}, kind))
			if err == nil && k != nil && k.ObjectPath().Name != n {
				delete(all, n)
				all[k.ObjectPath().Name] = kind
			}
		}
	}
	for k, o := range c.temp {
		if k.Catalog == catalog && k.Database == db && k.function == (kind == ast.ObjFunction) {
			all[o.ObjectPath().Name] = o.ObjectKind()
		}
	}
	maps.DeleteFunc(all, func(_ string, k ast.Object) bool { return kind == ast.ObjView && k != ast.ObjView })
	return slices.Sorted(maps.Keys(all)), nil
}

// find returns the object of a path, a temporary one first; nil if there is none.
func (c *Catalog) find(p Path, kind ast.Object) (Object, error) {
	k := keyOf(p, kind)
	if o := c.temp[k]; o != nil {
		return o, nil
	}
	s := c.catalogs[p.Catalog]
	if s == nil {
		return nil, nil
	}
	return s.Get(k)
}

// Relation returns the table or view of that name.
func (c *Catalog) Relation(parts ...string) (Object, error) {
	p, err := c.Path(parts...)
	if err != nil {
		return nil, err
	}
	if o, err := c.find(p, ast.ObjTable); o != nil || err != nil {
		return o, err
	}
	if _, err := c.in(p.Catalog, p.Database); err != nil {
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

// Function returns the user's function of that name, or nil. Few calls are of
// users' functions, and a call has no name of three parts by chance: so a name
// that leads nowhere is no error here.
func (c *Catalog) Function(parts ...string) (*Function, error) {
	if len(parts) == 1 {
		if f := c.system[strings.ToUpper(parts[0])]; f != nil {
			return f, nil
		}
	}
	p, err := c.Path(parts...)
	if err != nil {
		return nil, nil //nolint:nilerr // it is no function, as said above
	}
	o, err := c.find(p, ast.ObjFunction)
	f, _ := o.(*Function)
	return f, err
}

// SystemFunctions returns the names of the temporary system functions.
func (c *Catalog) SystemFunctions() []string {
	var out []string
	for _, f := range c.system {
		out = append(out, f.Path.Name)
	}
	return out
}

// FunctionNames returns the names of the user's functions that can be called by
// one part, sorted.
func (c *Catalog) FunctionNames() []string {
	names, _ := c.List(ast.ObjFunction, c.catalog, c.database)
	names = append(names, c.SystemFunctions()...)
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
	d, err := c.in(p.Catalog, p.Database)
	if err != nil {
		return false, err
	}
	k := keyOf(p, kind)
	old, is, err := c.taken(d, k, o.temporary())
	switch {
	case err != nil:
		return false, err
	case !is:
	case mode == IfNotExists:
		return false, nil
	case mode == MustNotExist:
		return false, exists(old, p)
	case old != kind:
		return false, failed("'%s' is a %s, not a %s", p, lower(old), lower(kind))
	}
	if o.temporary() {
		c.temp[k] = o
		return true, nil
	}
	var before Object
	if is {
		if before, err = d.Get(k); err != nil {
			return false, err
		}
	}
	err = d.Put(o, before)
	if errors.Is(err, fsys.ErrExist) { // another process was faster
		return false, exists(kind, p)
	}
	return err == nil, err
}

// taken tells which kind of object has a name, among the temporary or the
// lasting ones.
func (c *Catalog) taken(s store, k key, temporary bool) (ast.Object, bool, error) {
	if !temporary {
		return s.Kind(k)
	}
	if o := c.temp[k]; o != nil {
		return o.ObjectKind(), true, nil
	}
	return 0, false, nil
}

func exists(kind ast.Object, p Path) error { return failed("%s '%s' exists already", lower(kind), p) }

func lower(kind ast.Object) string { return strings.ToLower(kind.String()) }

// Replace stores a changed copy of an object where the object was.
func (c *Catalog) Replace(o, old Object) error {
	k := keyOf(o.ObjectPath(), o.ObjectKind())
	if f, ok := o.(*Function); ok && f.System {
		c.system[k.Name] = f
		return nil
	}
	if o.temporary() {
		c.temp[k] = o
		return nil
	}
	return c.catalogs[k.Catalog].Put(o, old)
}

// Drop removes an object. Without temporary it must not be a temporary one: one
// that shadows the name has to be dropped first, as in Flink.
func (c *Catalog) Drop(kind ast.Object, parts []string, temporary, ifExists bool) error {
	p, err := c.Path(parts...)
	if err != nil {
		return err
	}
	k := keyOf(p, kind)
	t := c.temp[k]
	if t != nil && t.ObjectKind() == kind {
		if !temporary {
			return failed("a temporary %s '%s' exists; drop it first with DROP TEMPORARY %s", lower(kind), p, kind)
		}
		delete(c.temp, k)
		return nil
	}
	missing := failed("unknown %s '%s'", lower(kind), strings.Join(parts, "."))
	if temporary {
		if ifExists {
			return nil
		}
		missing.Msg = fmt.Sprintf("unknown temporary %s '%s'", lower(kind), strings.Join(parts, "."))
		return missing
	}
	d, err := c.in(p.Catalog, p.Database)
	if err != nil {
		if ifExists && base.IsUser(err) {
			return nil
		}
		return err
	}
	old, ok, err := d.Kind(k)
	switch {
	case err != nil:
		return err
	case !ok && ifExists:
		return nil
	case !ok:
		names, _ := c.List(kind, p.Catalog, p.Database)
		return near(missing, p.Name, names)
	case old != kind:
		return failed("'%s' is a %s; use DROP %s", strings.Join(parts, "."), lower(old), old)
	}
	return d.Remove(k)
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
func (c *Catalog) Rename(o Object, to Path) error {
	from := o.ObjectPath()
	if to.Catalog != from.Catalog || to.Database != from.Database {
		return failed("'%s' cannot be renamed to '%s': it stays in its database", from, to)
	}
	var renamed Object
	switch x := o.(type) {
	case *Table:
		n := *x
		n.Path = to
		renamed = &n
	case *View:
		n := *x
		n.Path = to
		renamed = &n
	}
	s := c.catalogs[from.Catalog]
	_, lasting, err := s.Kind(keyOf(to, o.ObjectKind()))
	if err != nil {
		return err
	}
	if c.temp[keyOf(to, o.ObjectKind())] != nil || lasting {
		return failed("'%s' exists already", to)
	}
	k := keyOf(from, o.ObjectKind())
	if o.temporary() {
		delete(c.temp, k)
		c.temp[keyOf(to, o.ObjectKind())] = renamed
		return nil
	}
	if err := s.Put(renamed, nil); err != nil {
		if errors.Is(err, fsys.ErrExist) {
			return failed("'%s' exists already", to)
		}
		return err
	}
	return s.Remove(k)
}

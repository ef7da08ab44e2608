package catalog

import (
	"maps"
	"slices"

	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// A Database is what CREATE DATABASE says.
type Database struct {
	Comment string
	Options map[string]string
}

// A store keeps a catalog's databases and objects. Databases that are named are
// there, but for Database and PutDatabase. Stores tell that a name is taken with
// fsys.ErrExist.
type store interface {
	Databases() ([]string, error)
	// Database returns nil if there is none of that name.
	Database(name string) (*Database, error)
	// PutDatabase makes a database, or with fresh false changes one.
	PutDatabase(name string, d *Database, fresh bool) error
	// DropDatabase drops a database with all that it holds.
	DropDatabase(name string) error
	// Names returns the names of a database's functions, or of its tables and
	// views with the kind of each when kinds is set.
	Names(database string, function, kinds bool) (map[string]ast.Object, error)
	// Get returns nil if there is no such object.
	Get(k key) (Object, error)
	// Put makes an object, or puts one in the place of old, which Get returned.
	Put(o, old Object) error
	// Remove drops an object.
	Remove(k key) error
	// Kind returns what Get would return, without reading all of it.
	Kind(k key) (kind ast.Object, ok bool, err error)
}

// memory is a store that ends with the session.
type memory map[string]*memoryDatabase

type memoryDatabase struct {
	Database
	objects map[key]Object
}

func (m memory) Databases() ([]string, error) { return slices.Sorted(maps.Keys(m)), nil }

func (m memory) Database(name string) (*Database, error) {
	if d := m[name]; d != nil {
		return &d.Database, nil
	}
	return nil, nil
}

func (m memory) PutDatabase(name string, d *Database, fresh bool) error {
	old := m[name]
	switch {
	case old == nil:
		m[name] = &memoryDatabase{*d, map[key]Object{}}
	case fresh:
		return fsys.ErrExist
	default:
		old.Database = *d
	}
	return nil
}

func (m memory) DropDatabase(name string) error {
	delete(m, name)
	return nil
}

func (m memory) Names(database string, function, _ bool) (map[string]ast.Object, error) {
	out := map[string]ast.Object{}
	for k, o := range m[database].objects {
		if k.function == function {
			out[o.ObjectPath().Name] = o.ObjectKind()
		}
	}
	return out, nil
}

func (m memory) Get(k key) (Object, error) {
	if d := m[k.Database]; d != nil {
		return d.objects[k], nil
	}
	return nil, nil
}

func (m memory) Kind(k key) (ast.Object, bool, error) {
	o, _ := m.Get(k)
	if o == nil {
		return 0, false, nil
	}
	return o.ObjectKind(), true, nil
}

func (m memory) Put(o, old Object) error {
	d, k := m[o.ObjectPath().Database], keyOf(o.ObjectPath(), o.ObjectKind())
	if d.objects[k] != nil && old == nil {
		return fsys.ErrExist
	}
	d.objects[k] = o
	return nil
}

func (m memory) Remove(k key) error {
	delete(m[k.Database].objects, k)
	return nil
}

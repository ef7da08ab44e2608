package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/parse"
	"github.com/millrace-io/millrace/internal/sql/print"
)

// folder is the store of a catalog of type 'file': a folder of SQL scripts that
// people can read, edit and keep under version control.
//
//	<path>/<database>.database.sql             CREATE DATABASE …
//	<path>/<database>/<table or view>.sql      CREATE TABLE …, CREATE VIEW …
//	<path>/<database>/<function>.function.sql  CREATE FUNCTION …
//	<path>/<database>/<table>.stats.json       what ANALYZE TABLE has found
//
// What holds, also for several processes at once:
//
//  1. A file is there whole or not at all (fsys.FS.Put). A name is taken by the
//     one who makes the file (PutIfAbsent), so tables and views share one.
//  2. Nothing is kept in memory that a read does not compare with the file: what
//     another process has changed is seen by the next statement.
//  3. An ALTER replaces the text that it has read. It takes the lock of the
//     database, a file, compares, and fails if someone was faster.
//
// Names may have any characters: see fileName. A dot in a file's name is never
// one of the object's.
type folder struct {
	fs   fsys.FS
	dir  string
	own  func(Path) Path // with the catalog's name in this session
	load func(Path, ast.Statement) (Object, error)
	seen map[key]read
}

// read is a file as it was read last, and the object that it has made: the same
// text gives the same object, so that a plan reads a view once.
type read struct {
	text, stats string
	o           Object
}

const (
	sqlEnd      = ".sql"
	databaseEnd = ".database.sql"
	functionEnd = ".function.sql"
	statsEnd    = ".stats.json"
	lockName    = ".lock"

	lockWait  = 5 * time.Second  // for another process
	lockStale = 30 * time.Second // the process that made it is gone: a lock is held for two small files
)

// fileName writes a name as one of a file: what some file system forbids, and
// dots, are %XX.
func fileName(name string) string {
	var out strings.Builder
	for i := range len(name) {
		c := name[i]
		if c < ' ' || c == 0x7f || strings.IndexByte("./\\%:*?\"<>|", c) >= 0 || c == ' ' && (i == 0 || i == len(name)-1) {
			fmt.Fprintf(&out, "%%%02X", c)
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

// nameOf is the inverse of fileName.
func nameOf(file string) string {
	var out []byte
	for i := 0; i < len(file); i++ {
		var c byte
		if file[i] == '%' && i+2 < len(file) {
			if _, err := fmt.Sscanf(file[i+1:i+3], "%02X", &c); err == nil {
				out = append(out, c)
				i += 2
				continue
			}
		}
		out = append(out, file[i])
	}
	return string(out)
}

func (f *folder) database(name string) string { return path.Join(f.dir, fileName(name)) }

// file is where an object is. Functions are found in any case.
func (f *folder) file(k key) string {
	if k.function {
		return path.Join(f.database(k.Database), fileName(k.Name)+functionEnd)
	}
	return path.Join(f.database(k.Database), fileName(k.Name)+sqlEnd)
}

func (f *folder) stats(k key) string {
	return path.Join(f.database(k.Database), fileName(k.Name)+statsEnd)
}

// text reads a file; ok is false if there is none.
func (f *folder) text(name string) (text string, ok bool, err error) {
	h, err := f.fs.Open(name)
	if errors.Is(err, fsys.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read catalog: %w", err)
	}
	defer h.Close()
	b := make([]byte, h.Size())
	if _, err := h.ReadAt(b, 0); err != nil && len(b) > 0 {
		return "", false, fmt.Errorf("read catalog: %s: %w", name, err)
	}
	return string(b), true, nil
}

func (f *folder) Databases() ([]string, error) {
	list, err := f.fs.List(f.dir)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	var out []string
	for _, in := range list {
		if name, ok := strings.CutSuffix(path.Base(in.Name), databaseEnd); ok && !in.Dir {
			out = append(out, nameOf(name))
		}
	}
	return out, nil
}

func (f *folder) Database(name string) (*Database, error) {
	at := f.database(name) + databaseEnd
	text, ok, err := f.text(at)
	if err != nil || !ok {
		return nil, err
	}
	st, err := parse.Statement(text)
	if err != nil {
		return nil, inFile(at, err)
	}
	c, ok := st.(*ast.CreateDatabase)
	if !ok {
		return nil, fmt.Errorf("%s: it has no CREATE DATABASE", at)
	}
	d := &Database{Options: map[string]string{}}
	if c.Comment != nil {
		d.Comment = *c.Comment
	}
	for _, o := range c.Options {
		d.Options[o.Key] = o.Value
	}
	return d, nil
}

func (f *folder) PutDatabase(name string, d *Database, fresh bool) error {
	put := f.fs.Put
	if fresh {
		put = f.fs.PutIfAbsent
	}
	return put(f.database(name)+databaseEnd, []byte(DatabaseSQL(print.Name(name), d)+";\n"))
}

// DropDatabase removes the objects first: what is left of it when it stops
// halfway is a database.
func (f *folder) DropDatabase(name string) error {
	if err := f.fs.RemoveAll(f.database(name)); err != nil {
		return err
	}
	return f.fs.Remove(f.database(name) + databaseEnd)
}

func (f *folder) Names(database string, function, kinds bool) (map[string]ast.Object, error) {
	list, err := f.fs.List(f.database(database))
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	out := map[string]ast.Object{}
	for _, in := range list {
		file := path.Base(in.Name)
		end := sqlEnd
		if function {
			end = functionEnd
		}
		name, ok := strings.CutSuffix(file, end)
		if !ok || strings.Contains(name, ".") {
			continue
		}
		name = nameOf(name)
		kind := ast.ObjTable
		if function {
			kind = ast.ObjFunction
		} else if kinds {
			if kind, _, err = f.Kind(key{Path{Database: database, Name: name}, false}); err != nil {
				return nil, err
			}
		}
		out[name] = kind
	}
	return out, nil
}

// Kind looks at the first word behind CREATE; so an object whose file cannot be
// read can still be dropped.
func (f *folder) Kind(k key) (ast.Object, bool, error) {
	text, ok, err := f.text(f.file(k))
	if err != nil || !ok {
		return 0, false, err
	}
	switch {
	case k.function:
		return ast.ObjFunction, true, nil
	case strings.HasPrefix(text, "CREATE VIEW"):
		return ast.ObjView, true, nil
	}
	if st, err := parse.Statement(text); err == nil {
		if _, view := st.(*ast.CreateView); view {
			return ast.ObjView, true, nil
		}
	}
	return ast.ObjTable, true, nil
}

func (f *folder) Get(k key) (Object, error) {
	text, ok, err := f.text(f.file(k))
	if err != nil || !ok {
		return nil, err
	}
	stats := ""
	if !k.function {
		if stats, _, err = f.text(f.stats(k)); err != nil {
			return nil, err
		}
	}
	if r := f.seen[k]; r.o != nil && r.text == text && r.stats == stats {
		return r.o, nil
	}
	st, err := parse.Statement(text)
	if err != nil {
		return nil, inFile(f.file(k), err)
	}
	p := k.Path
	if c, ok := st.(*ast.CreateFunction); ok {
		p.Name = c.Name.Last() // the file's name is in upper case
	}
	o, err := f.load(f.own(p), st)
	if err != nil {
		return nil, inFile(f.file(k), err)
	}
	if t, ok := o.(*Table); ok && stats != "" {
		if err := json.Unmarshal([]byte(stats), &t.Stats); err != nil {
			return nil, fmt.Errorf("%s: %w", f.stats(k), err)
		}
	}
	f.seen[k] = read{text, stats, o}
	return o, nil
}

// Put writes an object. Statistics go before the text when a table is made, and
// behind it when it is changed: both orders leave at worst none.
func (f *folder) Put(o, old Object) error {
	k := keyOf(o.ObjectPath(), o.ObjectKind())
	text := []byte(SQL(o, path2) + ";\n")
	if old == nil {
		if err := f.fs.Remove(f.stats(k)); err != nil {
			return err
		}
		return f.fs.PutIfAbsent(f.file(k), text)
	}
	return f.locked(k.Database, func() error {
		now, ok, err := f.text(f.file(k))
		if err != nil {
			return err
		}
		if r := f.seen[k]; !ok || r.o != old || r.text != now {
			return failed("'%s' was changed by another process meanwhile; run the statement again", o.ObjectPath())
		}
		if now != string(text) {
			if err := f.fs.Put(f.file(k), text); err != nil {
				return err
			}
		}
		t, ok := o.(*Table)
		switch {
		case !ok:
			return nil
		case t.Stats == nil:
			return f.fs.Remove(f.stats(k))
		}
		b, err := json.MarshalIndent(t.Stats, "", "  ")
		if err != nil {
			return err
		}
		return f.fs.Put(f.stats(k), append(b, '\n'))
	})
}

// path2 is how an object is named in its file: without the catalog, whose name
// is the session's choice.
func path2(p Path) string { return print.Name(p.Database) + "." + print.Name(p.Name) }

func (f *folder) Remove(k key) error {
	if err := f.fs.Remove(f.file(k)); err != nil || k.function {
		return err
	}
	return f.fs.Remove(f.stats(k))
}

// locked calls do while no other process changes objects of a database.
func (f *folder) locked(database string, do func() error) error {
	lock := path.Join(f.database(database), lockName)
	for began := env.Now(); ; {
		err := f.fs.PutIfAbsent(lock, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, fsys.ErrExist) {
			return err
		}
		in, err := f.fs.Stat(lock)
		if err == nil && env.Now()-in.ModTime.UnixMicro() > lockStale.Microseconds() {
			if err := f.fs.Remove(lock); err != nil {
				return err
			}
			continue
		}
		if env.Now()-began > lockWait.Microseconds() {
			return failed("another process holds the catalog's lock '%s'", lock)
		}
		env.Sleep(5000)
	}
	return errors.Join(do(), f.fs.Remove(lock))
}

// inFile says which of the catalog's files an error is in.
func inFile(name string, err error) error {
	out := base.Error{Msg: err.Error()}
	var p *parse.Error
	var u *base.Error
	switch {
	case errors.As(err, &p):
		out = base.Error{Pos: base.Pos{Line: p.Pos.Line, Col: p.Pos.Col}, Msg: p.Msg, Hint: p.Hint}
	case errors.As(err, &u):
		out = *u
	}
	out.File = name
	out.Msg = (&out).Error()
	out.File, out.Pos, out.Hint = "", base.Pos{}, ""
	return &out
}

// Package bind turns syntax into algebra: it finds names in the catalog, gives
// every expression its type, and builds the logical tree that rules and the
// physical planner go on with. DDL is checked here and stored in the catalog.
//
// A SELECT block is bound in this order: FROM makes a scope; WHERE filters;
// GROUP BY, HAVING, the select list, QUALIFY and ORDER BY are bound over the
// scope while the calls of aggregates, of OVER functions and of subqueries that
// are met become placeholders, columns with numbers above all real ones
// (aggBase …); then the block is built from below, each stage replacing the
// placeholders and the columns of the one before it by its own output.
//
// What holds for every result:
//
//  1. Expressions are typed, implicit casts are written out, and a column is a
//     number in the input of its node.
//  2. A time attribute (types.Type.Rowtime, Proctime) is kept by whatever only
//     passes a column on: plain references, filters, window functions, UNION ALL
//     of inputs that all have it. Any call loses it. Joins keep it, see logical.Join.
//  3. A common table expression or a view that is referred to twice is one node
//     with two parents.
//  4. Every error is a *base.Error and says where.
package bind

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// A Binder binds the statements of one session, one at a time.
type Binder struct {
	cat  *catalog.Catalog
	env  *fn.Env
	opts *Options

	ctes  *cteFrame
	names *[]fullName               // of the view that is being made
	views map[*catalog.View]*result // bound in this statement
	depth int                       // views and functions now being bound
	// nullable: a bare NULL may be selected, since an INSERT gives it a type.
	nullable bool
}

// An Option of New.
type Option func(*Binder)

// WithOptions gives the session's options.
func WithOptions(o *Options) Option { return func(b *Binder) { b.opts = o } }

// New returns a binder over a catalog. env may be nil: then the zone is UTC and
// the mode a stream's.
func New(cat *catalog.Catalog, env *fn.Env, opts ...Option) *Binder {
	if env == nil {
		env = &fn.Env{Zone: time.UTC, Streaming: true}
	}
	b := &Binder{cat: cat, env: env, opts: NewOptions()}
	for _, o := range opts {
		o(b)
	}
	cat.Define = b.define
	return b
}

// Query binds a query. Its columns are as the query names them.
func (b *Binder) Query(q *ast.Query) (logical.Node, error) {
	b.begin()
	r, err := b.query(q, nil)
	if err != nil {
		return nil, err
	}
	return r.node, nil
}

// Job binds a statement that runs: a query, an INSERT, a statement set, or
// EXECUTE of one of them.
func (b *Binder) Job(s ast.Statement) (*logical.Job, error) {
	b.begin()
	switch s := s.(type) {
	case *ast.Query:
		r, err := b.query(s, nil)
		if err != nil {
			return nil, err
		}
		return &logical.Job{Name: b.opts.String(OptName), Roots: []logical.Node{&logical.Collect{Input: uniqueNames(r.node)}}}, nil
	case *ast.Insert:
		return b.inserts([]*ast.Insert{s})
	case *ast.StatementSet:
		return b.inserts(s.Inserts)
	case *ast.Update:
		return b.update(s)
	case *ast.Delete:
		return b.deleteFrom(s)
	case *ast.Execute:
		return b.Job(s.Statement)
	}
	return nil, errAt(s, "%s is not a statement that runs as a job", kindOf(s))
}

func (b *Binder) inserts(list []*ast.Insert) (*logical.Job, error) {
	job := &logical.Job{Name: b.opts.String(OptName)}
	for _, ins := range list {
		s, err := b.insert(ins)
		if err != nil {
			return nil, err
		}
		if job.Name == "" {
			job.Name = "insert-into_" + s.Table.Path.String()
		}
		job.Roots = append(job.Roots, s)
	}
	return job, nil
}

// Insert binds INSERT INTO or INSERT OVERWRITE.
func (b *Binder) Insert(s *ast.Insert) (*logical.Sink, error) {
	b.begin()
	return b.insert(s)
}

// begin forgets what belonged to the statement before.
func (b *Binder) begin() {
	b.ctes, b.views, b.depth, b.nullable, b.names = nil, map[*catalog.View]*result{}, 0, false, nil
}

// batch reports whether jobs run over complete data.
func (b *Binder) batch() bool { return !b.env.Streaming || b.opts.Batch() }

func (b *Binder) zone() *time.Location {
	if b.env.Zone != nil {
		return b.env.Zone
	}
	return time.UTC
}

// kindOf names a statement for messages: "CREATE TABLE", "SHOW" ….
func kindOf(s ast.Node) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", s), "*ast.")
	var out strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			out.WriteByte(' ')
		}
		out.WriteRune(r)
	}
	return strings.ToUpper(out.String())
}

func posOf(n ast.Node) base.Pos {
	p := n.Position()
	return base.Pos{Line: p.Line, Col: p.Col}
}

// errAt returns a user's error at a node.
func errAt(n ast.Node, format string, args ...any) error {
	return base.Errorf(posOf(n), format, args...)
}

// unsupported says that something known is not built yet.
func unsupported(n ast.Node, what string) error { return errAt(n, "%s is not supported yet", what) }

// nearAt is errAt with a hint when one of names is close to name.
func nearAt(n ast.Node, name string, names []string, format string, args ...any) error {
	err := base.Errorf(posOf(n), format, args...)
	if m := connect.Near(name, names); m != "" && m != name && (len(name) > 2 || strings.EqualFold(m, name)) {
		err.Hint = fmt.Sprintf("did you mean '%s'?", m)
	}
	return err
}

// at gives an error a position if it has none.
func at(n ast.Node, err error) error { return atPos(posOf(n), err) }

func atPos(pos base.Pos, err error) error {
	if err == nil {
		return nil
	}
	var e *base.Error
	if errors.As(err, &e) {
		if e.Pos == (base.Pos{}) {
			c := *e
			c.Pos = pos
			return &c
		}
		return err
	}
	return base.Errorf(pos, "%v", err)
}

// hinted adds what may help to an error.
func hinted(err error, hint string) error {
	if e, ok := err.(*base.Error); ok && hint != "" {
		e.Hint = hint
	}
	return err
}

// uniqueNames renames columns whose name an earlier one has: id, id0.
func uniqueNames(n logical.Node) logical.Node {
	out, changed := distinctNames(n.Schema())
	if !changed {
		return n
	}
	return renamed(n, out)
}

func distinctNames(s types.Schema) (types.Schema, bool) {
	used := map[string]bool{}
	for _, f := range s {
		used[f.Name] = true
	}
	seen := map[string]bool{}
	out := append(types.Schema(nil), s...)
	changed := false
	for i, f := range out {
		name := f.Name
		for k := 0; seen[name]; k++ {
			if n := fmt.Sprintf("%s%d", f.Name, k); !used[n] {
				name = n
			}
		}
		changed = changed || name != f.Name
		seen[name], used[name] = true, true
		out[i].Name = name
	}
	return out, changed
}

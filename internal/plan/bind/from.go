package bind

import (
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// viewsMax is how deep views may refer to each other.
const viewsMax = 100

// A fromBinder binds one FROM clause.
type fromBinder struct {
	b     *Binder
	outer *scope
	hints []*queryHint
	// base: the clause is that of a LATERAL query over the rows of outer, and this
	// is their relation; what is bound keeps its columns in front.
	base logical.Node
	// ties are conditions over what is bound and the query around. They are about
	// columns of the leftmost table, as it were: joins keep their places.
	ties   []*expr.Expr
	nested int // how many right sides of joins, or inputs of clauses, it is in
	// later are conditions of inner joins that have subqueries: WHERE has them, too.
	later []ast.Expr
}

// within binds what stands in a place where columns get other places.
func (f *fromBinder) within(t ast.TableExpr) (*scope, error) {
	f.nested++
	defer func() { f.nested-- }()
	return f.bind(t)
}

func (f *fromBinder) bind(t ast.TableExpr) (*scope, error) {
	switch t := t.(type) {
	case *ast.TableRef:
		return f.table(t)
	case *ast.Derived:
		return f.derived(t)
	case *ast.TableFunc:
		return f.tableFunc(t)
	case *ast.Join:
		return f.join(t)
	case *ast.Unnest:
		return f.correlate(f.start(), rowCallOf(t), jobgraph.Inner)
	case *ast.MatchRecognize:
		return f.match(t)
	case *ast.Pivot:
		return f.pivot(t)
	case *ast.Unpivot:
		return f.unpivot(t)
	}
	return nil, unsupported(t, kindOf(t))
}

func (f *fromBinder) table(t *ast.TableRef) (*scope, error) {
	if t.Sample != nil {
		return nil, unsupported(t, "TABLESAMPLE")
	}
	if t.AsOf != nil {
		return nil, unsupported(t.AsOf, "FOR SYSTEM_TIME AS OF elsewhere than on the right of a join")
	}
	r, rel, err := f.b.named(&t.Name, t.Hints)
	if err != nil {
		return nil, err
	}
	return f.b.aliased(r.node, rel, t.Alias)
}

// aliased makes the scope of a table, under its own name or an alias.
func (b *Binder) aliased(n logical.Node, rel *relation, a *ast.Alias) (*scope, error) {
	if a == nil {
		return newScope(n, rel), nil
	}
	if len(a.Columns) > 0 {
		var err error
		if n, err = b.columnList(a.Name, n, a.Columns); err != nil {
			return nil, err
		}
	}
	return newScope(n, &relation{name: a.Name.Text}), nil
}

func (f *fromBinder) derived(t *ast.Derived) (*scope, error) {
	if t.Sample != nil {
		return nil, unsupported(t, "TABLESAMPLE")
	}
	r, err := f.b.query(t.Query, nil)
	if err != nil {
		return nil, err
	}
	return f.b.aliased(firstColumns(r.node, r.visible), &relation{}, t.Alias)
}

// named finds a common table expression, a table or a view.
func (b *Binder) named(written *ast.Path, hints []ast.Hint) (*result, *relation, error) {
	name := *written
	if len(name) == 1 {
		if r := b.ctes.find(name[0].Text); r != nil {
			if len(hints) > 0 {
				return nil, nil, errAt(hints[0], "hint %s cannot be given to '%s', which is defined in WITH", hints[0].Name, name)
			}
			return r, &relation{name: name[0].Text}, nil
		}
	}
	o, err := b.cat.Relation(name.Strings()...)
	if err != nil {
		err = at(name, err)
		if e, ok := err.(*base.Error); ok && e.Hint == "" && len(name) == 1 {
			return nil, nil, nearAt(name, name[0].Text, b.ctes.names(), "%s", e.Msg)
		}
		return nil, nil, err
	}
	p := o.ObjectPath()
	b.note(written, p)
	rel := &relation{name: p.Name, path: []string{p.Catalog, p.Database, p.Name}}
	if v, ok := o.(*catalog.View); ok {
		if len(hints) > 0 {
			return nil, nil, errAt(hints[0], "hint %s cannot be given to the view '%s'; write it inside of the view", hints[0].Name, name)
		}
		r, err := b.view(name, v)
		return r, rel, err
	}
	n, err := b.scan(o.(*catalog.Table), name, hints)
	if err != nil {
		return nil, nil, err
	}
	return &result{node: n, visible: len(n.Out)}, rel, nil
}

// scan reads all columns of a table.
func (b *Binder) scan(t *catalog.Table, at ast.Node, hints []ast.Hint) (*logical.Scan, error) {
	n := &logical.Scan{Table: t, Options: t.Options, Limit: -1, Out: t.Schema(), Pos: posOf(at)}
	for i := range n.Out {
		n.Out[i].Comment = ""
	}
	for i := range t.Columns {
		n.Columns = append(n.Columns, i)
	}
	for _, h := range hints {
		if h.Name != "OPTIONS" {
			return nil, errAt(h, "a table takes the hint OPTIONS, not %s", h.Name)
		}
		n.Options = maps.Clone(n.Options)
		for _, o := range h.Options {
			if err := b.checkOption(t, o); err != nil {
				return nil, err
			}
			n.Options[o.Key] = o.Value
		}
	}
	return n, nil
}

// view binds a view's query, once a statement.
func (b *Binder) view(at ast.Node, v *catalog.View) (*result, error) {
	if r := b.views[v]; r != nil {
		return r, nil
	}
	if b.depth >= viewsMax {
		return nil, errAt(at, "view '%s' is nested more than %d deep", v.Path.Name, viewsMax)
	}
	r, err := b.viewQuery(v)
	if err != nil {
		return nil, errAt(at, "view '%s': %v", v.Path.Name, err)
	}
	b.views[v] = r
	return r, nil
}

// viewQuery binds a view where it was made: with the catalog and database of
// that time, and without the common table expressions around its use.
func (b *Binder) viewQuery(v *catalog.View) (*result, error) {
	ctes, nullable, names := b.ctes, b.nullable, b.names
	b.ctes, b.nullable, b.names = nil, false, nil
	b.depth++
	defer func() { b.ctes, b.nullable, b.names = ctes, nullable, names; b.depth-- }()
	var r *result
	err := b.cat.Within(v.Catalog, v.Database, func() (err error) {
		r, err = b.query(v.Query, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	s := slices.Clone(r.schema())
	for i := range v.Columns {
		if i < len(s) {
			s[i].Name = v.Columns[i]
		}
	}
	n := firstColumns(r.node, r.visible)
	if !slices.EqualFunc(s.Names(), n.Schema().Names(), func(a, b string) bool { return a == b }) {
		n = renamed(n, s)
	}
	return &result{node: n, visible: len(s)}, nil
}

// A queryHint is a hint of SELECT that speaks of tables by their names in FROM.
type queryHint struct {
	ast.Hint
	used bool
}

// joinHints are the hints that joins and aggregates may carry.
var joinHints = []string{"BROADCAST", "SHUFFLE_HASH", "SHUFFLE_MERGE", "NEST_LOOP", "LOOKUP", "STATE_TTL", "MULTI_JOIN"}

func selectHints(list []ast.Hint) ([]*queryHint, error) {
	var out []*queryHint
	for _, h := range list {
		if !slices.Contains(joinHints, h.Name) {
			return nil, nearAt(h, h.Name, joinHints, "unknown hint %s", h.Name)
		}
		if h.Name == "STATE_TTL" {
			for _, o := range h.Options {
				if err := connect.CheckDuration(o.Value); err != nil {
					return nil, errAt(h, "hint STATE_TTL: %v", err)
				}
			}
		}
		out = append(out, &queryHint{Hint: h})
	}
	return out, nil
}

// groupHint is the hint STATE_TTL that names the one table of FROM.
func (f *fromBinder) groupHint(sc *scope) *queryHint {
	list := sc.relations()
	for _, h := range f.hints {
		if len(list) == 1 && h.Name == "STATE_TTL" && !h.used && len(h.Options) == 1 && strings.EqualFold(h.Options[0].Key, list[0].name) {
			h.used = true
			return h
		}
	}
	return nil
}

// unusedHints refuses hints whose tables no join has. MULTI_JOIN only allows a
// form of plan.
func (f *fromBinder) unusedHints() error {
	for _, h := range f.hints {
		if !h.used && h.Name != "MULTI_JOIN" {
			return errAt(h.Hint, "hint %s names no table that is joined in this SELECT", h.Name)
		}
	}
	return nil
}

// hintsFor returns the hints that fit a join, with LEFT and RIGHT in place of
// the tables' names.
func (f *fromBinder) hintsFor(l, r *scope) []logical.Hint {
	side := func(name string) string {
		for _, s := range []struct {
			sc   *scope
			name string
		}{{l, "LEFT"}, {r, "RIGHT"}} {
			for _, rel := range s.sc.relations() {
				if strings.EqualFold(rel.name, name) {
					return s.name
				}
			}
		}
		return ""
	}
	var out []logical.Hint
	for _, h := range f.hints {
		n := logical.Hint{Name: h.Name}
		for _, a := range h.Args {
			if s := side(a); s != "" && !slices.Contains(n.Args, s) {
				n.Args = append(n.Args, s)
			}
		}
		fits := len(n.Args) > 0
		for _, o := range h.Options {
			if n.KV == nil {
				n.KV = map[string]string{}
			}
			key := o.Key
			if h.Name == "STATE_TTL" {
				if key = side(key); key == "" {
					continue
				}
				fits = true
			}
			if h.Name == "LOOKUP" && key == "table" {
				fits = side(o.Value) == "RIGHT"
			}
			n.KV[key] = o.Value
		}
		if fits {
			h.used = true
			out = append(out, n)
		}
	}
	return out
}

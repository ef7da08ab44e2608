package bind

import (
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// A relation is an element of FROM, known by its alias or its table's name.
type relation struct {
	name string
	path []string // a table without an alias: catalog, database, name
}

// called reports whether the parts name the relation: t, db.t, cat.db.t.
func (r *relation) called(parts []string) bool {
	if len(parts) == 1 {
		return r.name != "" && parts[0] == r.name
	}
	return len(parts) <= len(r.path) && slices.Equal(parts, r.path[len(r.path)-len(parts):])
}

// A field is a column that expressions may name.
type field struct {
	rel    *relation  // nil for a column that USING merged
	name   string     // of the column
	expr   *expr.Expr // over the scope's node
	hidden bool       // merged by USING: only t.name reaches it
}

// A scope is what names mean in one SELECT block. Fields stand in the order of *.
type scope struct {
	node   logical.Node
	fields []field
	outer  *scope // of the query around a subquery
	// reach: columns of outer may be named. That is so while WHERE is bound.
	reach bool
	// byKey: a subquery that this is around is joined on equalities only.
	byKey bool
	// ties are conditions over node and the query around, which FROM brings.
	ties []*expr.Expr
	// later are conditions of FROM that are WHERE's to bind.
	later []ast.Expr
	// ttl is a hint STATE_TTL that names the one table of FROM: of the state of an
	// aggregation over it.
	ttl *queryHint
}

// newScope names the columns of a node by a relation.
func newScope(n logical.Node, rel *relation) *scope {
	s := &scope{node: n}
	for i, f := range n.Schema() {
		s.fields = append(s.fields, field{rel: rel, name: f.Name, expr: expr.Column(i, f.Type)})
	}
	return s
}

// relations returns the relations in the order of FROM.
func (s *scope) relations() []*relation {
	var out []*relation
	for _, f := range s.fields {
		if f.rel != nil && !slices.Contains(out, f.rel) {
			out = append(out, f.rel)
		}
	}
	return out
}

func (s *scope) relation(parts []string) *relation {
	for _, r := range s.relations() {
		if r.called(parts) {
			return r
		}
	}
	return nil
}

// names returns what could have been meant by an unknown column.
func (s *scope) names(rel *relation) []string {
	var out []string
	for _, f := range s.fields {
		if rel == nil && !f.hidden || rel != nil && f.rel == rel {
			out = append(out, f.name)
		}
	}
	return out
}

// column finds a column by name, in one relation or (nil) in all of them. It
// returns how many there are.
func (s *scope) column(rel *relation, name string) (*field, int) {
	var found *field
	n := 0
	for i := range s.fields {
		f := &s.fields[i]
		if f.name == name && (rel == nil && !f.hidden || rel != nil && f.rel == rel) {
			if n++; found == nil {
				found = f
			}
		}
	}
	return found, n
}

// Columns with numbers from these on are placeholders; see the package comment.
const (
	aggBase   = 1 << 20 // the i-th aggregate call of the block
	propBase  = 2 << 20 // a property of the block's legacy group window
	overBase  = 3 << 20 // the i-th OVER call
	subBase   = 4 << 20 // the value of the i-th subquery
	groupBase = 5 << 20 // the i-th GROUPING call
	outerBase = 6 << 20 // column i of the query around
)

func isOuter(e *expr.Expr) bool { return e.Op == expr.Col && e.Index >= outerBase }

// correlated reports whether e reads columns of the query around.
func correlated(e *expr.Expr) bool {
	found := false
	expr.Walk(e, func(e *expr.Expr) bool {
		found = found || isOuter(e)
		return !found
	})
	return found
}

// resolve finds what a path means: a column, or a field of one.
func (s *scope) resolve(id *ast.Ident) (*expr.Expr, error) {
	parts := id.Path.Strings()
	for scope, level := s, 0; scope != nil; scope, level = scope.outer, level+1 {
		f, rest, err := scope.find(id, parts)
		if err != nil {
			return nil, err
		}
		if f == nil {
			continue
		}
		if level > 1 {
			return nil, unsupported(id, "a column of a query more than one level up")
		}
		e := f.expr
		if level == 1 && !s.reach {
			return nil, unsupported(id, "a column of the query around ('"+id.Path.String()+"') elsewhere than in WHERE of a subquery")
		}
		if level == 1 {
			e = expr.Remap(e, func(i int) int { return i + outerBase })
		}
		return withFields(placed(e, posOf(id)), id, rest)
	}
	return nil, s.unknown(id, parts)
}

// find looks in one scope: relation.column first, then a column whose fields follow.
func (s *scope) find(id *ast.Ident, parts []string) (*field, []ast.Name, error) {
	for n := min(3, len(parts)-1); n >= 1; n-- {
		rel := s.relation(parts[:n])
		if rel == nil {
			continue
		}
		f, count := s.column(rel, parts[n])
		if count > 1 {
			return nil, nil, errAt(id, "column '%s' is ambiguous in '%s': it has %d columns of that name", parts[n], rel.name, count)
		}
		if f != nil {
			return f, id.Path[n+1:], nil
		}
	}
	f, count := s.column(nil, parts[0])
	if count > 1 {
		return nil, nil, s.ambiguous(id, parts[0])
	}
	if f == nil {
		return nil, nil, nil
	}
	return f, id.Path[1:], nil
}

func (s *scope) ambiguous(id *ast.Ident, name string) error {
	var in []string
	for _, r := range s.relations() {
		if f, _ := s.column(r, name); f != nil && r.name != "" {
			in = append(in, "'"+r.name+"."+name+"'")
		}
	}
	err := base.Errorf(posOf(id), "column '%s' is ambiguous", name)
	if len(in) > 1 {
		err.Hint = "write " + strings.Join(in[:len(in)-1], ", ") + " or " + in[len(in)-1]
	}
	return err
}

func (s *scope) unknown(id *ast.Ident, parts []string) error {
	for n := min(3, len(parts)-1); n >= 1; n-- {
		for scope := s; scope != nil; scope = scope.outer {
			if rel := scope.relation(parts[:n]); rel != nil {
				return nearAt(id.Path[n], parts[n], scope.names(rel), "unknown column '%s' in table '%s'", parts[n], rel.name)
			}
		}
	}
	rels := s.relations()
	if len(parts) > 1 {
		var names []string
		for _, r := range rels {
			names = append(names, r.name)
		}
		return nearAt(id, parts[0], append(names, s.names(nil)...), "unknown table or column '%s'", parts[0])
	}
	if len(rels) == 1 && rels[0].name != "" {
		return nearAt(id, parts[0], s.names(nil), "unknown column '%s' in table '%s'", parts[0], rels[0].name)
	}
	return nearAt(id, parts[0], s.names(nil), "unknown column '%s'", parts[0])
}

// withFields reads fields of a ROW, one inside the other.
func withFields(e *expr.Expr, at ast.Node, names []ast.Name) (*expr.Expr, error) {
	for _, name := range names {
		var err error
		if e, err = fieldOf(e, at, name); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func fieldOf(e *expr.Expr, at ast.Node, name ast.Name) (*expr.Expr, error) {
	if e.Type.Kind != types.Row {
		return nil, errAt(name, "'%s' cannot be read from %s: only a ROW has fields", name.Text, e.Type.Name())
	}
	s := types.Schema(e.Type.Fields)
	i := s.Index(name.Text)
	if i < 0 {
		return nil, nearAt(name, name.Text, s.Names(), "unknown field '%s' in %s", name.Text, e.Type.Name())
	}
	t := s[i].Type.Plain()
	t.NotNull = t.NotNull && e.Type.NotNull
	return &expr.Expr{Op: expr.Call, Func: "FIELD", Args: []*expr.Expr{e, expr.Int(int64(i))}, Type: t, Pos: posOf(at)}, nil
}

// moved returns a column that stands where the column e did.
func moved(e *expr.Expr, index int, t types.Type) *expr.Expr {
	c := placed(expr.Column(index, t), e.Pos)
	c.Name = expr.Named(e)
	return c
}

// placed returns a copy of e that stands at a position.
func placed(e *expr.Expr, pos base.Pos) *expr.Expr {
	c := *e
	c.Pos = pos
	return &c
}

// project is a Project that names its columns and takes their types from the expressions.
func project(in logical.Node, exprs []*expr.Expr, names []string) *logical.Project {
	p := &logical.Project{Input: in, Exprs: exprs}
	for i, e := range exprs {
		p.Out = append(p.Out, types.Field{Name: names[i], Type: e.Type})
	}
	return p
}

// renamed gives a node's columns other names.
func renamed(in logical.Node, out types.Schema) logical.Node {
	p := &logical.Project{Input: in, Out: out}
	for i, f := range in.Schema() {
		p.Exprs = append(p.Exprs, expr.Column(i, f.Type))
	}
	return p
}

// firstColumns keeps the first n columns.
func firstColumns(in logical.Node, n int) logical.Node {
	s := in.Schema()
	if len(s) == n {
		return in
	}
	p := &logical.Project{Input: in, Out: s[:n:n]}
	for i := range n {
		p.Exprs = append(p.Exprs, expr.Column(i, s[i].Type))
	}
	return p
}

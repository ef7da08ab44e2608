package bind

import (
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// A groupWindow is TUMBLE, HOP or SESSION in GROUP BY: the form that came before
// the window table functions.
type groupWindow struct {
	name   string
	time   *expr.Expr
	args   []*expr.Expr
	window jobgraph.Window // without Time
	props  []types.Field   // those that are used, in the order of Props
	which  []jobgraph.WindowProp
	emit   *jobgraph.WindowEmit
}

func upper(p ast.Path) string { return strings.ToUpper(p.Last()) }

func legacyWindow(name string) bool { return name == "TUMBLE" || name == "HOP" || name == "SESSION" }

// legacyProps are the ends of the names of a group window's properties.
var legacyProps = []string{"_START", "_END", "_ROWTIME", "_PROCTIME"}

func legacyProp(name string) bool {
	for _, p := range legacyProps {
		if base, ok := strings.CutSuffix(name, p); ok && legacyWindow(base) {
			return true
		}
	}
	return false
}

// groupWindow binds the call in GROUP BY.
func (k *block) groupWindow(c *ast.Call) error {
	w, err := k.bindWindow(c, upper(c.Name))
	if err != nil {
		return err
	}
	if k.window != nil {
		return errAt(c, "GROUP BY can have only one group window")
	}
	if w.emit, err = k.b.windowEmit(w, c); err != nil {
		return err
	}
	k.window = w
	return nil
}

func (k *block) bindWindow(c *ast.Call, name string) (*groupWindow, error) {
	want := map[string]int{"TUMBLE": 2, "HOP": 3, "SESSION": 2}[name]
	if len(c.Args) != want && len(c.Args) != want+1 || name == "SESSION" && len(c.Args) != want {
		form := map[string]string{"TUMBLE": "TUMBLE(time, size)", "HOP": "HOP(time, slide, size)", "SESSION": "SESSION(time, gap)"}[name]
		return nil, errAt(c, "%s in GROUP BY is written %s", name, form)
	}
	x := exprBinder{b: k.b, sc: k.sc, clause: "GROUP BY"}
	time, err := x.bind(c.Args[0])
	if err != nil {
		return nil, err
	}
	if err := k.b.timeAttribute(c.Args[0], name, k.nameOfExpr(time), time.Type, lostTime(k.sc.node, time)); err != nil {
		return nil, err
	}
	w := &groupWindow{name: name, time: time}
	w.window = k.b.windowOf(time.Type)
	var sizes []length
	for _, a := range c.Args[1:] {
		v, n, err := x.length(a, name, len(sizes) < want-1)
		if err != nil {
			return nil, err
		}
		w.args, sizes = append(w.args, v), append(sizes, n)
	}
	var size, slide, offset length
	if len(sizes) == want {
		offset = sizes[want-1]
	}
	switch name {
	case "TUMBLE":
		w.window.WKind, size = jobgraph.Tumble, sizes[0]
	case "HOP":
		w.window.WKind, slide, size = jobgraph.Hop, sizes[0], sizes[1]
	case "SESSION":
		w.window.WKind, size = jobgraph.Session, sizes[0]
	}
	if err := setLengths(&w.window, c, size, slide, offset); err != nil {
		return nil, err
	}
	return w, nil
}

func (k *block) nameOfExpr(e *expr.Expr) string {
	if e.Op == expr.Col && e.Index < aggBase {
		return k.nameOf(e.Index)
	}
	return expr.String(e, k.sc.node.Schema().Names())
}

// windowProp makes a placeholder for TUMBLE_START(…) and its like.
func (x *exprBinder) windowProp(c *ast.Call, name string) (*expr.Expr, error) {
	kind, prop, _ := strings.Cut(name, "_")
	if x.blk == nil || x.blk.window == nil || !x.agg {
		return nil, errAt(c, "%s needs %s(…) with the same arguments in GROUP BY", name, kind)
	}
	w, err := x.blk.bindWindow(c, kind)
	if err != nil {
		return nil, err
	}
	have := x.blk.window
	if w.name != have.name || !expr.Equal(w.time, have.time) || !slices.EqualFunc(w.args, have.args, expr.Equal) {
		return nil, errAt(c, "%s does not have the arguments of the %s in GROUP BY", name, have.name)
	}
	t := types.TimestampOf(3).Nullable(false)
	which := jobgraph.WindowStart
	switch prop {
	case "END":
		which = jobgraph.WindowEnd
	case "ROWTIME", "PROCTIME":
		which = jobgraph.WindowTime
		t = w.time.Type.Nullable(false)
		if w.time.Type.Proctime != (prop == "PROCTIME") {
			return nil, errAt(c, "%s does not fit: the window is over %s", name, map[bool]string{true: "processing time", false: "a rowtime"}[w.time.Type.Proctime])
		}
	}
	i := slices.Index(have.which, which)
	if i < 0 {
		i = len(have.which)
		have.which = append(have.which, which)
		have.props = append(have.props, types.Field{Name: strings.ToLower("window_" + prop), Type: t})
	}
	return placed(expr.Column(propBase+i, t), posOf(c)), nil
}

// finish puts the window into the grouping.
func (w *groupWindow) finish(a *logical.Aggregate, time int) {
	win := w.window
	win.Time = time
	if win.WKind == jobgraph.Session {
		win.Session = slices.Clone(a.Keys)
	}
	a.Window, a.Props, a.Emit = &win, w.which, w.emit
	a.Out = append(a.Out, w.props...)
}

package changelog

import (
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// Options say what the plan cannot know by itself.
type Options struct {
	// Batch refuses nothing on account of changes: results come once.
	Batch bool
	// SourceKinds returns what a table's source emits; nil asks the table's
	// format and connector.
	SourceKinds func(*logical.Scan) Kinds
	// SinkTakes returns what a table's sink takes; nil asks the connector.
	SinkTakes func(*logical.Sink) (connect.Changes, error)
	// RequireOnConflict is table.exec.sink.require-on-conflict: a sink whose key
	// is not the query's must say what happens to conflicts.
	RequireOnConflict bool
	// Materialize is table.exec.sink.upsert-materialize: AUTO, NONE or FORCE.
	Materialize string
	// IgnoreVolatile is table.optimizer.non-deterministic-update.strategy = IGNORE.
	IgnoreVolatile bool
	// Duplicates is table.exec.source.cdc-events-duplicate: sources with a
	// primary key may tell a change twice.
	Duplicates bool
}

// Info is what the plan says about one relation.
type Info struct {
	// Kinds is what it emits.
	Kinds Kinds
	// Keys are its unique keys at any moment; Upsert are those by which its
	// changes find each other.
	Keys, Upsert [][]int
	// Drop tells, by input, that a DropBefore stands in between: the input sends
	// -U for the sake of another receiver.
	Drop []bool
	// Normalize is, on a Scan, the key of a Normalize that follows it; nil: none.
	// Lone tells, of these, where a -U may come without its +U: it deletes.
	Lone []bool
	// DropBefore: the source sends -U that nobody needs.
	Normalize  []int
	DropBefore bool
	// Fold tells, on a Scan, that a batch reads what the table's changes end up
	// with: rows that are only added.
	Fold bool
	// Rank says how a logical.Rank works, or a logical.Sort with a LIMIT of a stream.
	Rank RankInfo
	// ByTime tells, on a join by interval or window and a rank in windows, that it
	// waits for the watermark and forgets what that has passed. Rows that change can
	// do so at any time: then it works as one that knows nothing of time.
	ByTime bool
	// Keep tells, of a Filter or Project, that what gives another result each time is
	// kept for when its row is taken back.
	Keep bool
	// Sink says how a logical.Sink takes changes.
	Sink SinkInfo

	modify    Kinds // I, UA (for updates) and D
	onlyAfter bool  // it can do without -U
	before    bool  // it sends -U
}

// Before reports whether updates come with -U.
func (i *Info) Before() bool { return i.Kinds&UB != 0 }

// Append reports whether the relation is insert-only.
func (i *Info) Append() bool { return i.Kinds.Append() }

// RankInfo is how a Rank works.
type RankInfo struct {
	Dedup    bool // as a Dedup: by one time attribute, or by arrival
	Time     int  // of a Dedup: the rowtime column, or -1
	KeepLast bool
	Input    jobgraph.RankInput
	Key      []int // RankUpdateFast: the unique key
}

// SinkInfo is how a Sink takes changes.
type SinkInfo struct {
	Takes       connect.Changes
	Materialize []int // key of a Materialize before it; nil: none
	Conflict    []int // key of a Conflict before it; nil: none
	Before      bool  // -U comes, to delete what an update moves to another key
}

// A Plan is the result: an Info for each relation.
type Plan struct {
	opts  Options
	infos map[logical.Node]*Info
	reads map[logical.Node]reads // of scans, in a batch
	order []logical.Node         // inputs first
}

// Info returns what is known about a relation of the job.
func (p *Plan) Info(n logical.Node) *Info { return p.infos[n] }

// Infer works out the changes of every relation of a job. Its errors are users'
// errors in Flink's words.
func Infer(job *logical.Job, opts Options) (*Plan, error) {
	p := &Plan{opts: opts, infos: map[logical.Node]*Info{}, reads: map[logical.Node]reads{}}
	if opts.Batch {
		for _, root := range job.Roots {
			p.findReads(root, asTable)
		}
	}
	for _, root := range job.Roots {
		if err := p.up(root); err != nil {
			return nil, err
		}
	}
	for _, n := range slices.Backward(p.order) {
		p.down(n)
	}
	for _, n := range p.order {
		p.settle(n)
	}
	for _, n := range p.order {
		if err := p.checkVolatile(n); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// up is the first pass.
func (p *Plan) up(n logical.Node) error {
	if p.infos[n] != nil {
		return nil
	}
	for _, in := range n.Inputs() {
		if err := p.up(in); err != nil {
			return err
		}
	}
	info := &Info{Drop: make([]bool, len(n.Inputs())), Lone: make([]bool, len(n.Inputs()))}
	p.infos[n] = info
	p.order = append(p.order, n)
	if err := p.modifies(n, info); err != nil {
		return err
	}
	info.Keys, info.Upsert = p.keysOf(n, false), p.keysOf(n, true)
	info.onlyAfter = p.canOnlyAfter(n, info)
	return nil
}

// modifies finds what a relation does to its rows, and refuses what cannot take
// its input's changes.
func (p *Plan) modifies(n logical.Node, info *Info) error {
	in := func(i int) Kinds { return p.infos[n.Inputs()[i]].modify }
	onlyAppend := func(pos base.Pos, what string) error {
		for _, input := range n.Inputs() {
			if err := p.needAppend(what, input, pos); err != nil {
				return err
			}
		}
		return nil
	}
	switch n := n.(type) {
	case *logical.Scan:
		return p.scan(n, info)
	case *logical.Values:
		info.modify = I
	case *logical.WindowTVF:
		info.modify = in(0)
		return p.keepsTime(n.Input, n.Pos)
	case *logical.Aggregate:
		info.modify = I
		if n.Late != nil {
			if err := p.lateRows(n); err != nil {
				return err
			}
		}
		if !p.opts.Batch && (n.Window == nil || n.Emit != nil) {
			info.modify |= UA
			if !in(0).Append() {
				info.modify |= D
			}
		}
		if n.Window != nil {
			return p.keepsTime(n.Input, n.Pos)
		}
	case *logical.Over:
		info.modify = I
		if !p.opts.Batch {
			rowtime, proctime := n.ByTime()
			switch {
			case proctime:
				return onlyAppend(n.Pos, "OVER by processing time")
			case !rowtime || n.Ahead() || !in(0).Append():
				info.modify = I | UA | D
			}
		}
	case *logical.Match:
		info.modify = I
		return p.needAppend("MATCH_RECOGNIZE", n.Input, n.Pos)
	case *logical.Sort:
		info.modify = in(0)
		if len(n.Order) == 0 || p.opts.Batch {
			return nil
		}
		if n.From <= 1 && n.To < 0 {
			return onlyAppend(n.Pos, "ORDER BY of a stream without LIMIT")
		}
		info.modify = I | UA | D
		info.Rank.Input, info.Rank.Key = p.rankInput(n.Input, nil, n.Order)
	case *logical.Rank:
		return p.rank(n, info)
	case *logical.Join:
		return p.join(n, info)
	case *logical.TemporalJoin:
		info.modify = in(0)
	case *logical.SetOp:
		for i := range n.In {
			info.modify |= in(i)
		}
		if !n.All || n.SetKind != logical.Union {
			info.modify |= UA
			if n.SetKind != logical.Union {
				info.modify |= D
			}
		}
	case *logical.Sink:
		info.modify = in(0)
		return p.sink(n, info)
	default:
		for i := range n.Inputs() {
			info.modify |= in(i)
		}
	}
	return nil
}

func (p *Plan) join(n *logical.Join, info *Info) error {
	l, r := p.infos[n.Left].modify, p.infos[n.Right].modify
	if (n.Interval != nil || n.Window != nil) && l.Append() && r.Append() {
		info.modify, info.ByTime = I, true
		return nil
	}
	switch {
	case p.opts.Batch && l.Append() && r.Append():
		info.modify = I
	case n.JoinKind == jobgraph.Inner || n.JoinKind == jobgraph.Semi && r.Append():
		info.modify = l | r
	default:
		info.modify = I | UA | D
	}
	return nil
}

// lateRows refuses EMIT LATE INTO where no rows come late, or what they change
// would be lost.
func (p *Plan) lateRows(n *logical.Aggregate) error {
	switch {
	case n.Window == nil || n.Sets != nil || n.Window.Proctime:
		return base.Errorf(n.Late.Sink.Pos, "EMIT LATE INTO needs a query that groups rows by an event-time window: GROUP BY window_start, window_end, … without grouping sets")
	case n.Emit != nil:
		return base.Errorf(n.Late.Sink.Pos, "EMIT LATE INTO needs windows that tell their results once: RESET 'table.exec.emit.early-fire.enabled' and 'table.exec.emit.late-fire.enabled' before this statement")
	case n.Window.Time < 0:
		return base.Errorf(n.Late.Sink.Pos, "EMIT LATE INTO needs a query that groups the rows of a window table function right away")
	}
	return p.needAppend("EMIT LATE INTO", n.Input, n.Late.Sink.Pos)
}

// keepsTime refuses the windows of a stream over an OVER that looks ahead: what
// comes later changes its rows when the watermark has passed them.
func (p *Plan) keepsTime(input logical.Node, pos base.Pos) error {
	if p.opts.Batch {
		return nil
	}
	switch n := input.(type) {
	case *logical.Project, *logical.Filter, *logical.Correlate, *logical.WindowTVF:
		return p.keepsTime(n.Inputs()[0], pos)
	case *logical.Over:
		if !n.Ahead() {
			return p.keepsTime(n.Input, pos)
		}
		e := base.Errorf(pos, "a window takes rows that do not change once the watermark has passed them, but OVER here looks at rows that come later")
		e.Hint = "leave out LEAD, NTILE, PERCENT_RANK, CUME_DIST and frames that end after the current row, or run it in batch mode"
		return e
	}
	return nil
}

// needAppend refuses an input that changes for an operator that cannot take it.
func (p *Plan) needAppend(what string, input logical.Node, pos base.Pos) error {
	if p.infos[input].modify.Append() {
		return nil
	}
	return base.Errorf(pos, "%s only takes new rows, but %s", what, p.changer(input))
}

// canOnlyAfter reports whether a relation can send its updates without -U.
func (p *Plan) canOnlyAfter(n logical.Node, info *Info) bool {
	if !info.modify.Updates() {
		return true
	}
	switch n := n.(type) {
	case *logical.Filter:
		return p.infos[n.Input].onlyAfter && !p.filterSplits(n)
	case *logical.Join:
		return p.joinOnlyAfter(n)
	case *logical.TemporalJoin:
		return !n.Time.Type.Proctime && p.infos[n.Left].onlyAfter
	case *logical.Project, *logical.WindowTVF:
		return p.infos[n.Inputs()[0]].onlyAfter
	case *logical.Correlate: // an update may give fewer rows than there were
		return false
	case *logical.SetOp:
		if !n.All || n.SetKind != logical.Union {
			return n.SetKind == logical.Union
		}
		return !slices.ContainsFunc(n.In, func(in logical.Node) bool { return !p.infos[in].onlyAfter })
	}
	return true
}

// filterSplits reports whether a filter may pass one row of an update and not
// the other: its condition looks at more than an upsert key.
func (p *Plan) filterSplits(n *logical.Filter) bool {
	if !p.opts.IgnoreVolatile && volatile(n.Cond) {
		return true // and another way each time
	}
	cols := expr.Columns(n.Cond)
	return !slices.ContainsFunc(p.infos[n.Input].Upsert, func(k []int) bool { return subset(cols, k) })
}

// joinOnlyAfter reports whether each changing side of a join can do without -U:
// the changes of a row stay in one join key, and the condition has nothing else
// to look at.
func (p *Plan) joinOnlyAfter(n *logical.Join) bool {
	e := n.Equi()
	if e.Rest != nil {
		return false
	}
	side := func(input logical.Node, keys []int) bool {
		info := p.infos[input]
		return !info.modify.Updates() || info.onlyAfter &&
			slices.ContainsFunc(info.Upsert, func(k []int) bool { return subset(keys, k) })
	}
	return side(n.Left, e.Left) && side(n.Right, e.Right)
}

// down is the second pass: n's receivers are done, so info.before is final; it
// says to its inputs what it needs.
func (p *Plan) down(n logical.Node) {
	info := p.infos[n]
	if info.modify.Updates() && !info.onlyAfter {
		info.before = true
	}
	for i, in := range n.Inputs() {
		if p.wantsBefore(n, info, i) {
			p.infos[in].before = true
		}
	}
}

// wantsBefore reports whether n needs -U from input i.
func (p *Plan) wantsBefore(n logical.Node, info *Info, i int) bool {
	if !p.infos[n.Inputs()[i]].modify.Updates() {
		return false
	}
	switch n := n.(type) {
	case *logical.Aggregate, *logical.Over:
		return true
	case *logical.Sort:
		return info.Rank.Input != jobgraph.RankUpdateFast
	case *logical.Filter:
		return info.before || p.filterSplits(n)
	case *logical.Rank:
		return info.Rank.Input == jobgraph.RankRetract
	case *logical.TemporalJoin:
		// As of now, a row is taken back as it was sent, and the right side is kept
		// as it is.
		return n.Time.Type.Proctime || i == 0 && info.before
	case *logical.SetOp:
		return info.before || !n.All || n.SetKind != logical.Union
	case *logical.Sink:
		return info.Sink.Takes == connect.AllChanges || info.Sink.Materialize != nil || info.Sink.Conflict != nil || info.Sink.Before
	case *logical.Collect:
		return true
	}
	return info.before
}

// settle writes down what is emitted, and where -U has to be dropped because
// only another receiver needs it.
func (p *Plan) settle(n logical.Node) {
	info := p.infos[n]
	info.Kinds = info.modify
	if info.before && info.modify.Updates() {
		info.Kinds |= UB
	}
	if s, ok := n.(*logical.Scan); ok && info.modify.Updates() {
		source := p.sourceKinds(s)
		info.DropBefore = info.Normalize == nil && source.Has(UB) && !info.before
	}
	for i, in := range n.Inputs() {
		k := p.infos[in].Kinds
		if k.Has(UB) && !p.wantsBefore(n, info, i) {
			info.Drop[i] = true
			info.Lone[i] = !p.infos[in].onlyAfter
		}
	}
}

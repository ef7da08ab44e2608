package sim

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/plan/physical"
	"github.com/millrace-io/millrace/internal/sql/parse"
)

// A drawn is a job with the rows that it must write.
type drawn struct {
	sql      string // "" if the graph is made by hand
	interval int64  // between checkpoints; 0: none but the last
	timeout  int64  // of a checkpoint
	delta    int64  // bytes of state that wait for a file
	fetchUs  int    // rows that are not there come up to so much later
	piles    bool   // rows pile up before slow tasks, and barriers always overtake them
	ticks    bool   // tasks are told the time
	timed    bool   // the results depend on the event time
	tables   map[string]*source
	graph    func(*rand.Rand) *jobgraph.Graph // at a parallelism that is drawn
	key      int                              // the sink takes changes by so many first columns; 0: all changes
	want     map[row]int
	suits    func(map[row]int) string // what is wrong with the rows, where more than one result is right; nil: want is
}

// drawJob draws a job: a query, or one of a few that are made by hand and have what
// the grammar cannot say.
func drawJob(rnd *rand.Rand) (*drawn, error) {
	var j *drawn
	switch n := rnd.IntN(9); {
	case n == 0:
		j = drawForgetful(rnd)
	case n < 3:
		j = drawClassic(rnd)
	default:
		var err error
		if j, err = drawQuery(rnd); err != nil {
			return nil, err
		}
	}
	j.interval, j.timeout = int64(100+rnd.IntN(900)), int64(100+rnd.IntN([]int{400, 3000}[rnd.IntN(2)]))
	j.delta, j.fetchUs = []int64{100, 500, 2000}[rnd.IntN(3)], []int{60, 250, 1200}[rnd.IntN(3)]
	if rnd.IntN(8) == 0 {
		j.interval = 0
	}
	if j.piles = rnd.IntN(4) == 0; j.piles {
		j.interval = int64(50 + rnd.IntN(150))
	}
	return j, nil
}

// planned is the parallelism for which a query is planned: more than one, so that rows
// are shipped by key. A restart draws another for each vertex.
const planned = 2

const ddl = `
CREATE TABLE a (i BIGINT NOT NULL, k BIGINT NOT NULL, v BIGINT, t TIMESTAMP(3), WATERMARK FOR t AS t - INTERVAL '0.4' SECOND) WITH ('connector' = 'sim');
CREATE TABLE b (i BIGINT NOT NULL, k BIGINT NOT NULL, v BIGINT, t TIMESTAMP(3), WATERMARK FOR t AS t - INTERVAL '0.4' SECOND) WITH ('connector' = 'sim');
CREATE TABLE u (k BIGINT, v BIGINT, w BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'sim', 'changes' = 'true');
CREATE TABLE o (x BIGINT, y BIGINT, z BIGINT%s) WITH ('connector' = 'sim'%s);
` + history + `INSERT INTO o `

// spread is how far apart times are, in units, so that each split has its own.
const spread = 8

func drawQuery(rnd *rand.Rand) (*drawn, error) {
	j := &drawn{tables: map[string]*source{
		"a": drawEvents(rnd, 1+rnd.IntN(3), 40, spread, 0, 0),
		"b": drawEvents(rnd, 1+rnd.IntN(3), 40, spread, 4, 1),
		"u": drawChanges(rnd),
	}}
	g := &grammar{rnd: rnd, tables: j.tables}
	q := g.relation(1 + rnd.IntN(3))
	key, upsert := "", ""
	if q.key > 0 && rnd.IntN(2) == 0 {
		j.key = q.key
		key, upsert = fmt.Sprintf(", PRIMARY KEY (%s) NOT ENFORCED", strings.Join(columns[:q.key], ", ")), ", 'upsert' = 'true'"
	}
	j.timed = g.timed
	j.want = counted(slices.DeleteFunc(q.rows, func(r row) bool { return slices.Contains(r[:j.key], null) }))
	j.sql = q.sql
	conf := map[string]string{"table.exec.sink.not-null-enforcer": "DROP", "pipeline.auto-watermark-interval": g.pick("0 ms", "200 ms")}
	if rnd.IntN(3) == 0 {
		conf["table.exec.mini-batch.enabled"], conf["table.exec.mini-batch.allow-latency"], conf["table.exec.mini-batch.size"] = "true", "1 ms", g.pick("2", "100")
		conf["table.optimizer.agg-phase-strategy"] = g.pick("AUTO", "TWO_PHASE", "ONE_PHASE")
		j.ticks = rnd.IntN(2) == 0
	}
	if rnd.IntN(4) == 0 {
		conf["table.exec.state.ttl"] = "1 h" // longer than the run: nothing is forgotten
	}
	if g.fires {
		conf[earlyFire], conf["table.exec.emit.early-fire.delay"] = "true", g.pick("0 ms", "1 ms")
		j.ticks = true
	}
	graph, err := planQuery(fmt.Sprintf(ddl, key, upsert)+q.sql, conf)
	if err != nil && g.fires { // other windows do not go with it
		delete(conf, earlyFire)
		graph, err = planQuery(fmt.Sprintf(ddl, key, upsert)+q.sql, conf)
	}
	if err != nil && j.key > 0 { // the plan does not know the key
		graph, err = planQuery(fmt.Sprintf(ddl, key, upsert)+q.sql+" ON CONFLICT DO DEDUPLICATE", conf)
	}
	if err != nil {
		return nil, fmt.Errorf("plan: %w\n%s", err, q.sql)
	}
	j.graph = func(rnd *rand.Rand) *jobgraph.Graph { return rescaled(graph, rnd) }
	return j, nil
}

const earlyFire = "table.exec.emit.early-fire.enabled"

// planQuery plans the last statement of a script.
func planQuery(script string, conf map[string]string) (*jobgraph.Graph, error) {
	opts := bind.NewOptions()
	for k, v := range conf {
		if _, err := opts.Set(k, v); err != nil {
			return nil, err
		}
	}
	b := bind.New(catalog.New(), &fn.Env{Streaming: true, Now: func() int64 { return 0 }}, bind.WithOptions(opts))
	list, err := parse.Script(script)
	if err != nil {
		return nil, err
	}
	for _, st := range list[:len(list)-1] {
		if _, err := b.DDL(st); err != nil {
			return nil, err
		}
	}
	lj, err := b.Job(list[len(list)-1])
	if err != nil {
		return nil, err
	}
	return physical.Plan(lj, physical.Options{Parallelism: planned, MaxParallelism: 16, ID: "sim", Conf: conf})
}

// rescaled draws another parallelism for each vertex that may have any; those that
// are joined one to one have the same.
func rescaled(g *jobgraph.Graph, rnd *rand.Rand) *jobgraph.Graph {
	out := *g
	out.Vertices = slices.Clone(g.Vertices)
	same := make([]int, len(g.Vertices))
	for v := range same {
		same[v] = v
	}
	for again := true; again; {
		again = false
		for _, e := range g.Edges {
			if low := min(same[e.From], same[e.To]); e.Ship == jobgraph.Forward && same[e.From] != same[e.To] {
				same[e.From], same[e.To], again = low, low, true
			}
		}
	}
	for v := range out.Vertices {
		if same[v] == v && out.Vertices[v].Parallelism == planned {
			out.Vertices[v].Parallelism = 1 + rnd.IntN(3)
		} else if same[v] != v {
			out.Vertices[v].Parallelism = out.Vertices[same[v]].Parallelism
		}
	}
	return &out
}

// source returns the table that a scan reads.
func (j *drawn) source(s *jobgraph.Source) scan {
	name := s.Table.Name[strings.LastIndexByte(s.Table.Name, '.')+1:]
	cols := s.Scan.Columns
	return scan{j.tables[name], cols}
}

// fold adds the sink's changes up.
func (j *drawn) fold(changes []change) (map[row]int, string) {
	got := map[row]int{}
	if j.key > 0 {
		now := map[row]row{}
		for _, c := range changes {
			k := c.cols
			for i := j.key; i < 3; i++ {
				k[i] = 0
			}
			if c.kind.Adds() {
				now[k] = c.cols
			} else {
				delete(now, k)
			}
		}
		for _, r := range now {
			got[r]++
		}
		return got, ""
	}
	for _, c := range changes {
		if c.kind.Adds() {
			got[c.cols]++
			continue
		}
		if got[c.cols]--; got[c.cols] < 0 {
			return got, fmt.Sprintf("%s %s retracts what is not there", c.kind, c.cols)
		}
		if got[c.cols] == 0 {
			delete(got, c.cols)
		}
	}
	return got, ""
}

// check folds the sink's changelog, which must be well formed, and compares it with
// the oracle's rows.
func (j *drawn) check(changes []change) string {
	got, problem := j.fold(changes)
	if j.suits != nil && problem == "" {
		return j.suits(got)
	}
	if problem != "" || maps.Equal(got, j.want) {
		return problem
	}
	both := maps.Clone(got)
	maps.Copy(both, j.want)
	for _, r := range sorted(both) {
		if got[r] != j.want[r] {
			return fmt.Sprintf("row %s is there %d times, not %d", r, got[r], j.want[r])
		}
	}
	return ""
}

func (r row) String() string {
	out := "["
	for i, c := range r {
		if i > 0 {
			out += " "
		}
		if c == null {
			out += "NULL"
		} else {
			out += fmt.Sprint(c)
		}
	}
	return out + "]"
}

func sorted(m map[row]int) []row { return slices.SortedFunc(maps.Keys(m), compareRows) }

// The planner asks connectors what tables take; the world has sources and sinks of its
// own.
func init() {
	option := func(name string) connect.Option { return connect.Option{Key: name} }
	connect.Register(&connect.Connector{Name: "sim", Options: []connect.Option{option("changes"), option("upsert")},
		Kinds:  func(o connect.Options) bool { return o["changes"] == "true" },
		Source: func(connect.Table, connect.Scan) (connect.Source, error) { return nil, errNoWorld },
		Sink: func(t connect.Table, _ connect.Write) (connect.Sink, error) {
			return taker(t.Options["upsert"] == "true"), nil
		}})
}

var errNoWorld = errors.New("a simulated table is there in the simulation only")

// A taker is a sink that says what it takes.
type taker bool

func (t taker) Accepts() connect.Changes {
	if t {
		return connect.Upsert
	}
	return connect.AllChanges
}
func (taker) Writer(int) (connect.Writer, error)    { return nil, errNoWorld }
func (taker) Committer() (connect.Committer, error) { return nil, errNoWorld }

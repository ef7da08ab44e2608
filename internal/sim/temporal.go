package sim

import "fmt"

// The newest row of each key in table b, as of a time.
const history = `CREATE VIEW hb AS SELECT i, k, v, t FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY t DESC) AS rn FROM b) WHERE rn = 1;
`

// asOf joins each row of a stream with the row of its key that was the newest at its
// time.
func (g *grammar) asOf(depth int) relation {
	in := g.stream(min(depth, 2))
	from, name := g.as(in.sql)
	g.timed = true
	kind := g.n(2)
	out := relation{sql: fmt.Sprintf("SELECT %s.k AS x, hb.v AS y, %s.i AS z FROM %s %s hb FOR SYSTEM_TIME AS OF %s.t ON %s.k = hb.k",
		name, name, from, []string{"JOIN", "LEFT JOIN"}[kind], name, name)}
	versions := g.tables["b"].events()
	for _, e := range in.rows {
		var newest *event
		for i := range versions {
			if v := &versions[i]; v.key == e.key && v.time <= e.time && (newest == nil || v.time > newest.time) {
				newest = v
			}
		}
		switch {
		case newest != nil:
			out.rows = append(out.rows, row{e.key, newest.val, e.id})
		case kind == 1:
			out.rows = append(out.rows, row{e.key, null, e.id})
		}
	}
	return out
}

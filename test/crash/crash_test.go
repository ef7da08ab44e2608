package crash

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const orders = `
CREATE TABLE orders (id BIGINT, k INT, amount DECIMAL(10,2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector'='filesystem', 'path'='IN.orders', 'format'='csv');
`

const clicks = `
CREATE TABLE clicks (id BIGINT, order_id BIGINT, k INT, page STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector'='filesystem', 'path'='IN.clicks', 'format'='json');
`

var scenarios = []scenario{
	{
		name: "two inserts", kills: 10, longKills: 120, sinks: []string{"copy", "win"},
		script: orders + `
CREATE TABLE copied (id BIGINT, k INT, amount DECIMAL(10,2)) WITH ('connector'='filesystem', 'path'='OUT/copy', 'format'='csv');
CREATE TABLE win (ws TIMESTAMP(3), k INT, n BIGINT, s DECIMAL(38,2)) WITH ('connector'='filesystem', 'path'='OUT/win', 'format'='json');
INSERT INTO copied SELECT id, k, amount FROM orders WHERE MOD(k, 3) <> 0;
INSERT INTO win SELECT window_start, k, COUNT(*), SUM(amount) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;
`,
	},
	{
		name: "statement set", kills: 6, longKills: 80, sinks: []string{"parts", "hop", "first"},
		script: orders + `
CREATE TABLE parts (id BIGINT, amount DECIMAL(10,2), g INT) PARTITIONED BY (g)
  WITH ('connector'='filesystem', 'path'='OUT/parts', 'format'='csv', 'sink.rolling-policy.file-size'='100 kb', 'sink.partition-commit.policy.kind'='success-file');
CREATE TABLE hop (ws TIMESTAMP(3), we TIMESTAMP(3), k INT, m DECIMAL(10,2)) WITH ('connector'='filesystem', 'path'='OUT/hop', 'format'='csv');
CREATE TABLE firsts (k INT, id BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem', 'path'='OUT/first', 'format'='csv');
EXECUTE STATEMENT SET BEGIN
  INSERT INTO parts SELECT id, amount, MOD(k, 5) FROM orders;
  INSERT INTO hop SELECT window_start, window_end, k, MAX(amount) FROM TABLE(HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '3' MINUTE)) GROUP BY window_start, window_end, k;
  INSERT INTO firsts SELECT k, id, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY amount DESC, id) AS rn FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) WHERE rn <= 2;
END;
`,
	},
	{
		name: "joins", kills: 3, longKills: 80, sinks: []string{"both", "near"},
		script: orders + clicks + `
CREATE TABLE both_ (id BIGINT, order_id BIGINT, amount DECIMAL(10,2), page STRING) WITH ('connector'='filesystem', 'path'='OUT/both', 'format'='json');
CREATE TABLE near (id BIGINT, order_id BIGINT, a TIMESTAMP(3), b TIMESTAMP(3)) WITH ('connector'='filesystem', 'path'='OUT/near', 'format'='csv');
INSERT INTO both_ SELECT c.id, o.id, o.amount, c.page FROM clicks c JOIN orders o ON c.order_id = o.id;
INSERT INTO near SELECT c.id, o.id, c.ts, o.ts FROM clicks c JOIN orders o ON c.k = o.k AND c.ts BETWEEN o.ts - INTERVAL '2' SECOND AND o.ts + INTERVAL '1' SECOND;
`,
	},
	{
		name: "generators", kills: 6, longKills: 80, sinks: []string{"bids", "hot", "seq"},
		script: `
CREATE TABLE nexmark (event_type INT,
  person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, ~dateTime~ TIMESTAMP(3), extra STRING>,
  auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, ~dateTime~ TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, ~dateTime~ TIMESTAMP(3), extra STRING>,
  ~dateTime~ AS CASE event_type WHEN 0 THEN person.~dateTime~ WHEN 1 THEN auction.~dateTime~ ELSE bid.~dateTime~ END, WATERMARK FOR ~dateTime~ AS ~dateTime~ - INTERVAL '4' SECOND)
  WITH ('connector'='nexmark', 'events.num'='400000');
CREATE TABLE numbers (n BIGINT, r INT, s STRING) WITH ('connector'='datagen', 'rows-per-second'='1000000000',
  'fields.n.kind'='sequence', 'fields.n.start'='1', 'fields.n.end'='200000', 'fields.s.length'='8');
CREATE TABLE bids (auction BIGINT, bidder BIGINT, price BIGINT) WITH ('connector'='filesystem', 'path'='OUT/bids', 'format'='csv');
CREATE TABLE hot (ws TIMESTAMP(3), auction BIGINT, n BIGINT) WITH ('connector'='filesystem', 'path'='OUT/hot', 'format'='csv');
CREATE TABLE seq (n BIGINT, r INT, s STRING) WITH ('connector'='filesystem', 'path'='OUT/seq', 'format'='csv');
INSERT INTO bids SELECT bid.auction, bid.bidder, bid.price FROM nexmark WHERE event_type = 2 AND MOD(bid.auction, 5) = 0;
INSERT INTO hot SELECT window_start, auction, COUNT(*) FROM (SELECT window_start, window_end, bid.auction AS auction FROM TABLE(TUMBLE(TABLE nexmark, DESCRIPTOR(~dateTime~), INTERVAL '1' SECOND)) WHERE event_type = 2) GROUP BY window_start, window_end, auction;
INSERT INTO seq SELECT n, r, s FROM numbers;
`,
	},
	{
		name: "one big file", kills: 6, longKills: 80, sinks: []string{"big"}, flags: []string{"--set", "table.exec.source.idle-timeout=0"},
		script: `
CREATE TABLE big (id BIGINT, k INT, amount DECIMAL(10,2), ts TIMESTAMP(3)) WITH ('connector'='filesystem', 'path'='IN.big', 'format'='csv', 'source.split-size'='300 kb');
CREATE TABLE o (id BIGINT, k INT, amount DECIMAL(12,2), ts TIMESTAMP(3)) WITH ('connector'='filesystem', 'path'='OUT/big', 'format'='csv', 'sink.compression'='none');
INSERT INTO o SELECT id, k, amount * 2, ts FROM big WHERE id >= 0;
`,
	},
}

// parquetOrders is a table over Parquet files that the scenario's first run writes.
const parquetOrders = `
CREATE TABLE pq (id BIGINT, k INT, amount DECIMAL(10,2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector'='filesystem', 'path'='IN.parquet', 'format'='parquet', 'source.split-size'='500 kb');
`

func init() {
	scenarios = append(scenarios, scenario{
		name: "parquet", kills: 4, longKills: 60, sinks: []string{"pq", "cum"},
		script: parquetOrders + `
CREATE TABLE o (id BIGINT, k INT, amount DECIMAL(10,2), ts TIMESTAMP(3)) WITH ('connector'='filesystem', 'path'='OUT/pq', 'format'='parquet');
CREATE TABLE cum (ws TIMESTAMP(3), we TIMESTAMP(3), n BIGINT) WITH ('connector'='filesystem', 'path'='OUT/cum', 'format'='csv', 'sink.compression'='none');
INSERT INTO o SELECT * FROM pq WHERE k < 150;
INSERT INTO cum SELECT window_start, window_end, COUNT(*) FROM TABLE(CUMULATE(TABLE pq, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
`,
		read: map[string]string{"pq": `CREATE TABLE o (id BIGINT, k INT, amount DECIMAL(10,2), ts TIMESTAMP(3)) WITH ('connector'='filesystem', 'path'='OUT/pq', 'format'='parquet');
SELECT * FROM o;`},
	}, scenario{
		name: "over, dedup, temporal join", kills: 4, longKills: 60, sinks: []string{"over", "dedup", "temporal"},
		script: orders + clicks + `
CREATE TABLE overs (id BIGINT, n BIGINT, s DECIMAL(38,2)) WITH ('connector'='filesystem', 'path'='OUT/over', 'format'='csv');
CREATE TABLE dedups (id BIGINT, k INT) WITH ('connector'='filesystem', 'path'='OUT/dedup', 'format'='csv');
CREATE TABLE temporals (id BIGINT, order_id BIGINT, amount DECIMAL(10,2)) WITH ('connector'='filesystem', 'path'='OUT/temporal', 'format'='csv');
CREATE VIEW versions AS SELECT id, amount, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) AS rn FROM orders) WHERE rn = 1;
INSERT INTO overs SELECT id, COUNT(*) OVER w, SUM(amount) OVER w FROM orders WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '20' SECOND PRECEDING AND CURRENT ROW);
INSERT INTO dedups SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts) AS rn FROM (SELECT * FROM orders UNION ALL SELECT * FROM orders)) WHERE rn = 1;
INSERT INTO temporals SELECT c.id, v.id, v.amount FROM clicks c JOIN versions FOR SYSTEM_TIME AS OF c.ts AS v ON c.order_id = v.id;
`,
	}, scenario{
		name: "windows in two phases", kills: 6, longKills: 60, sinks: []string{"all", "keyed"}, moments: []moment{between},
		script: orders + `
CREATE TABLE alls (ws TIMESTAMP(3), we TIMESTAMP(3), n BIGINT) WITH ('connector'='filesystem', 'path'='OUT/all', 'format'='csv');
CREATE TABLE keyed (ws TIMESTAMP(3), we TIMESTAMP(3), k INT, n BIGINT) WITH ('connector'='filesystem', 'path'='OUT/keyed', 'format'='csv');
INSERT INTO alls SELECT window_start, window_end, COUNT(*) FROM TABLE(CUMULATE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
INSERT INTO keyed SELECT window_start, window_end, k, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;
`,
	}, scenario{
		name: "one ends early", kills: 8, longKills: 80, sinks: []string{"tiny", "values", "long"}, moments: []moment{someDone, someDone, between, early, lastDone},
		script: orders + `
CREATE TABLE small (id BIGINT, k INT, amount DECIMAL(10,2), ts TIMESTAMP(3)) WITH ('connector'='filesystem', 'path'='IN.small', 'format'='csv');
CREATE TABLE tiny (id BIGINT, k INT) WITH ('connector'='filesystem', 'path'='OUT/tiny', 'format'='csv');
CREATE TABLE vals (a INT, b STRING) WITH ('connector'='filesystem', 'path'='OUT/values', 'format'='csv');
CREATE TABLE longer (id BIGINT, k INT, n BIGINT) WITH ('connector'='filesystem', 'path'='OUT/long', 'format'='csv');
INSERT INTO tiny SELECT id, k FROM small;
INSERT INTO vals VALUES (1, 'a'), (2, 'b'), (3, CAST(NULL AS STRING));
INSERT INTO longer SELECT o.id, o.k, s.id FROM orders o JOIN small s ON o.k = s.k;
`,
	})
}

func TestKill(t *testing.T) {
	kills := 0
	for i := range scenarios {
		s := &scenarios[i]
		t.Run(s.name, func(t *testing.T) {
			kills += s.play(t)
		})
	}
	t.Logf("%d kills: %v", kills, shared.struck)
	if *long && !t.Failed() && kills > 500 {
		for _, m := range []moment{early, between, uncommited, partly, lastSaved, lastDone, someDone, allDone} {
			if shared.struck[m] == 0 {
				t.Errorf("never struck: %s", m)
			}
		}
	}
}

// damage spoils the newest checkpoint of one job: its manifest or a state file, by a
// flipped bit, a cut or its absence. Half of the restarts find the folder whole.
func damage(r *round) {
	if r.rnd.IntN(2) == 0 || len(r.jobs()) == 0 {
		return
	}
	job := r.jobs()[r.rnd.IntN(len(r.jobs()))]
	list := manifests(job)
	if len(list) < 2 {
		return // nothing to fall back to
	}
	m := readManifest(list[len(list)-1])
	if m == nil {
		return // it is damaged already: the last process was killed before it came to it
	}
	name := m.name
	if state := m.own(readManifest(list[len(list)-2])); len(state) > 0 && r.rnd.IntN(2) == 0 {
		name = filepath.Join(job, "shared", state[r.rnd.IntN(len(state))])
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(data) == 0 {
		return // it is damaged already
	}
	if err != nil {
		r.fatalf("%v", err)
	}
	what := ""
	switch r.rnd.IntN(4) {
	case 0:
		data, what = data[:r.rnd.IntN(len(data))], "cut"
	case 1:
		data, what = nil, "emptied"
	default:
		data[r.rnd.IntN(len(data))] ^= 1 << r.rnd.IntN(8)
		what = "flipped"
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		r.t.Fatal(err)
	}
	fmt.Fprintf(&r.log, "--- %s: %s\n", what, name)
	if what == "flipped" && name != m.name {
		r.flipped = append(r.flipped, job)
	} else {
		r.damaged = append(r.damaged, job)
	}
}

// own returns the state files of a manifest that the one before does not name.
func (m *manifest) own(before *manifest) []string {
	shared := map[string]bool{}
	names := func(m *manifest, f func(string)) {
		for _, handles := range m.Operators {
			for _, h := range handles {
				for _, file := range h.Files {
					f(file.Name)
				}
			}
		}
	}
	names(before, func(n string) { shared[n] = true })
	var out []string
	names(m, func(n string) {
		if !shared[n] {
			out = append(out, n)
		}
	})
	slices.Sort(out)
	return out
}

// TestDamagedCheckpoint shows that a process that finds its newest checkpoint
// damaged uses the one before and says so; what the damaged one had committed is
// taken back, since its rows come again.
func TestDamagedCheckpoint(t *testing.T) {
	s := scenarios[0]
	s.name, s.kills, s.longKills, s.before = "damaged", 14, 100, damage
	s.moments = []moment{between, between, uncommited, lastSaved, lastDone, allDone}
	s.play(t)
	for again := 0; shared.damaged < 2 && again < 5 && !testing.Short(); again++ {
		s.play(t) // a fast run has seldom two checkpoints of which one can be spoiled
	}
	if shared.damaged < 2 && !testing.Short() {
		t.Errorf("only %d checkpoints were damaged", shared.damaged)
	}
	t.Logf("%d checkpoints were damaged", shared.damaged)
}

// TestInterrupt mixes SIGINT with SIGKILL. A process that is interrupted takes a last
// checkpoint, commits it, leaves nothing unfinished behind and exits with status 0.
func TestInterrupt(t *testing.T) {
	s := scenarios[0]
	s.name, s.moments = "interrupt", []moment{early, between, between, uncommited, lastSaved, someDone}
	want := s.reference(t)
	rnd := rand.New(rand.NewPCG(*seed, 99))
	least := 8
	if *long {
		least = 60
	}
	interrupted, whole := 0, 0
	for interrupted < least {
		r := newRound(t, &s, rnd)
		for n := 1 + rnd.IntN(5); ; n-- {
			p := r.resume()
			if n <= 0 {
				p.until(func() bool { return false })
			} else {
				r.aim(p)
			}
			if p.exited() {
				p.check()
				break
			}
			if rnd.IntN(4) == 0 {
				p.strike(syscall.SIGKILL)
				continue
			}
			before := r.kills
			p.strike(syscall.SIGINT)
			interrupted++
			if r.kills > before {
				continue // it came before the process listened
			}
			if r.whole(p) {
				whole++
			}
		}
		r.compare(want)
		r.clean()
	}
	if whole < least/3 {
		t.Errorf("%d processes were interrupted, but only %d with a checkpoint", interrupted, whole)
	}
	t.Logf("%d processes interrupted, %d with a checkpoint", interrupted, whole)
}

// whole fails the test if the newest checkpoint of a job that the interrupted process
// ran is not committed, or a file of it is half written. It reports whether every job
// has a checkpoint. A job to which the process did not come is as it was before.
func (r *round) whole(p *process) bool {
	all := len(r.jobs()) > 0
	for _, job := range r.jobs() {
		name := filepath.Base(job)
		if r.procs > 1 && !strings.Contains(p.stderr.String(), name+": ") {
			continue
		}
		for _, f := range files(r.dir) {
			if strings.HasSuffix(f, ".inprogress") && strings.Contains(f, strings.Replace(name, "-", ".", 1)) {
				r.fatalf("an interrupted process leaves %s", f)
			}
		}
		m := newest(job)
		if m == nil {
			r.fatalf("an interrupted process leaves %s without a manifest", job)
		}
		if _, no := m.committed(); no > 0 {
			r.fatalf("an interrupted process leaves %d files of %s uncommitted", no, m.name)
		}
		all = all && m.Epoch > 0
	}
	return all
}

// TestGoBack restores a job that has ended from a checkpoint that is not its newest,
// by name: what later ones committed comes again, and is not there twice.
func TestGoBack(t *testing.T) {
	s := scenarios[0]
	s.name = "go back"
	want := s.reference(t)
	r := newRound(t, &s, rand.New(rand.NewPCG(*seed, 5)))
	p := r.run("--parallelism", "2", "--set", "execution.checkpointing.interval=10ms", "--set", "execution.checkpointing.num-retained=100")
	p.until(func() bool { return false })
	p.check()
	list := manifests(filepath.Join(r.ck(), "copied"))
	if len(list) < 3 {
		t.Skipf("only %d checkpoints were taken", len(list))
	}
	for _, from := range []string{list[len(list)-2], list[len(list)/2], list[0]} {
		one := filepath.Join(r.dir, "one.sql") // the first insert alone: a name is for one job
		text := s.text(r.out())
		if err := os.WriteFile(one, []byte(text[:strings.Index(text, "INSERT INTO win")]), 0o644); err != nil {
			t.Fatal(err)
		}
		r.script = one
		p = r.run("--parallelism", "3", "--restore", from, "--set", "execution.checkpointing.num-retained=100")
		p.until(func() bool { return false })
		p.check()
		r.compare(want)
		if after := manifests(filepath.Join(r.ck(), "copied")); !newest(filepath.Join(r.ck(), "copied")).Finished || after[0] != list[0] && len(after) > 100 {
			t.Errorf("after %s: %q", from, after)
		}
	}
	r.clean()
}

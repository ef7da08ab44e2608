package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// paced are orders and clicks that take their time, some seconds, so that there is a job
// to speak with.
const paced = `
CREATE TABLE orders (id BIGINT, k AS CAST(MOD(id * 7919, 200) AS INT), amount AS CAST(MOD(id * 31337, 100000) / 100.0 AS DECIMAL(10,2)),
  ts AS CAST(TO_TIMESTAMP_LTZ(id * 20 - MOD(id * 131, 4000), 3) AS TIMESTAMP(3)), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector'='datagen', 'rows-per-second'='12000', 'fields.id.kind'='sequence', 'fields.id.start'='1', 'fields.id.end'='60000');
CREATE TABLE clicks (id BIGINT, order_id AS MOD(id * 104729, 60000), k AS CAST(MOD(id * 6151, 200) AS INT), page AS 'page ü ' || CAST(MOD(id * 17, 1000) AS STRING),
  ts AS CAST(TO_TIMESTAMP_LTZ(id * 40 - MOD(id * 113, 4000), 3) AS TIMESTAMP(3)), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector'='datagen', 'rows-per-second'='6000', 'fields.id.kind'='sequence', 'fields.id.start'='1', 'fields.id.end'='30000');
`

// everything is one job with a state of most kinds.
var everything = scenario{
	name: "everything", sinks: []string{"copy", "win", "all", "both", "near", "over", "dedup", "temporal", "top"},
	script: paced + `
CREATE TABLE copied (id BIGINT, k INT, amount DECIMAL(10,2)) WITH ('connector'='filesystem', 'path'='OUT/copy', 'format'='csv');
CREATE TABLE win (ws TIMESTAMP(3), k INT, n BIGINT, s DECIMAL(38,2)) WITH ('connector'='filesystem', 'path'='OUT/win', 'format'='json');
CREATE TABLE alls (ws TIMESTAMP(3), we TIMESTAMP(3), n BIGINT) WITH ('connector'='filesystem', 'path'='OUT/all', 'format'='csv');
CREATE TABLE both_ (id BIGINT, order_id BIGINT, amount DECIMAL(10,2), page STRING) WITH ('connector'='filesystem', 'path'='OUT/both', 'format'='json');
CREATE TABLE near (id BIGINT, order_id BIGINT, a TIMESTAMP(3), b TIMESTAMP(3)) WITH ('connector'='filesystem', 'path'='OUT/near', 'format'='csv');
CREATE TABLE overs (id BIGINT, n BIGINT, s DECIMAL(38,2)) WITH ('connector'='filesystem', 'path'='OUT/over', 'format'='csv');
CREATE TABLE dedups (id BIGINT, k INT) WITH ('connector'='filesystem', 'path'='OUT/dedup', 'format'='csv');
CREATE TABLE temporals (id BIGINT, order_id BIGINT, amount DECIMAL(10,2)) WITH ('connector'='filesystem', 'path'='OUT/temporal', 'format'='csv');
CREATE TABLE tops (k INT, page STRING, id BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem', 'path'='OUT/top', 'format'='csv');
CREATE VIEW versions AS SELECT id, amount, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) AS rn FROM orders) WHERE rn = 1;
EXECUTE STATEMENT SET BEGIN
  INSERT INTO copied SELECT id, k, amount FROM orders WHERE MOD(k, 3) <> 0;
  INSERT INTO win SELECT window_start, k, COUNT(*), SUM(amount) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;
  INSERT INTO alls SELECT window_start, window_end, COUNT(*) FROM TABLE(CUMULATE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
  INSERT INTO both_ SELECT c.id, o.id, o.amount, c.page FROM clicks c JOIN orders o ON c.order_id = o.id;
  INSERT INTO near SELECT c.id, o.id, c.ts, o.ts FROM clicks c JOIN orders o ON c.k = o.k AND c.ts BETWEEN o.ts - INTERVAL '2' SECOND AND o.ts + INTERVAL '1' SECOND;
  INSERT INTO overs SELECT id, COUNT(*) OVER w, SUM(amount) OVER w FROM orders WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '20' SECOND PRECEDING AND CURRENT ROW);
  INSERT INTO dedups SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts) AS rn FROM (SELECT * FROM orders UNION ALL SELECT * FROM orders)) WHERE rn = 1;
  INSERT INTO temporals SELECT c.id, v.id, v.amount FROM clicks c JOIN versions FOR SYSTEM_TIME AS OF c.ts AS v ON c.order_id = v.id;
  INSERT INTO tops SELECT k, page, id, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY page DESC, id) AS rn FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) WHERE rn <= 2;
END;
`,
}

// command runs a command about the round's job and returns what it printed last.
func (r *round) command(args ...string) (string, error) {
	cmd := exec.Command(shared.binary, append(args, "--checkpoint-dir", r.ck())...)
	cmd.Dir = r.dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	text := strings.TrimSpace(string(out))
	fmt.Fprintf(&r.log, "--- %s: %s %v\n%s", strings.Join(args, " "), text, err, stderr.String())
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, stderr.String())
	}
	return text[strings.LastIndex(text, "\n")+1:], nil
}

// job is the id of the round's only job, "" before it has begun.
func (r *round) job() string {
	for _, dir := range r.jobs() {
		return filepath.Base(dir)
	}
	return ""
}

// wait waits until the process has taken some checkpoints more.
func (r *round) wait(p *process, more int) {
	first := -1
	p.until(func() bool {
		m := newest(filepath.Join(r.ck(), r.job()))
		if m == nil {
			return false
		}
		if first < 0 {
			first = m.Epoch
		}
		return m.Epoch >= first+more
	})
}

// TestSavepoints runs one job over many processes. They end by a stop with a savepoint,
// by a kill after a savepoint that the next one goes back to, and by a kill. The next
// one has another parallelism and, from a savepoint, sometimes another
// number of key groups. In the end the sinks hold what an undisturbed run writes.
func TestSavepoints(t *testing.T) {
	s := everything
	want := s.reference(t)
	rnd := rand.New(rand.NewPCG(*seed, 17))
	ends := map[string]int{}
	rounds := 2
	if *long {
		rounds = 12
	}
	for range rounds {
		r := newRound(t, &s, rnd)
		var from []string
		for n := range 6 {
			from = r.untilEnded(n, from, ends)
		}
		p := r.start(from)
		p.until(func() bool { return false })
		p.check()
		r.compare(want)
		r.clean()
	}
	t.Logf("processes ended by %v", ends)
	for _, end := range []string{"kill", "stop", "savepoint", "groups"} {
		if ends[end] == 0 {
			t.Errorf("none met with %s: %v", end, ends)
		}
	}
}

// start runs the job from a savepoint, or from its newest checkpoint.
func (r *round) start(flags []string) *process {
	args := append([]string{"--parallelism", strconv.Itoa(1 + r.rnd.IntN(4)), "--set", "execution.checkpointing.interval=100ms"}, flags...)
	fmt.Fprintf(&r.log, "--- process %d: %s\n", r.procs+1, strings.Join(args, " "))
	return r.run(args...)
}

// untilEnded runs the n'th process, ends it, and returns the flags of the next one.
func (r *round) untilEnded(n int, flags []string, ends map[string]int) []string {
	p := r.start(flags)
	r.wait(p, 1+min(n, r.rnd.IntN(3)))
	to := filepath.Join(r.dir, "savepoints")
	end, path := "kill", ""
	var err error
	switch n % 3 {
	case 0:
		end = "stop"
		path, err = r.command("stop", r.job(), "--to", to)
		if err == nil {
			p.until(func() bool { return false })
			p.check()
		}
	case 1:
		end = "savepoint"
		path, err = r.command("savepoint", r.job(), "--to", to)
		if err == nil {
			r.wait(p, r.rnd.IntN(3))
		}
	}
	p.strike(syscall.SIGKILL)
	if strings.Contains(p.stderr.String(), "is rewritten for 'pipeline.max-parallelism'") {
		ends["groups"]++
	}
	if err != nil || path == "" { // it has ended by itself, or was to be killed
		ends["kill"]++
		return []string{"--restore", "latest"}
	}
	ends[end]++
	flags = []string{"--restore", path}
	if n == 0 || r.rnd.IntN(2) == 0 {
		flags = append(flags, "--set", "pipeline.max-parallelism="+strconv.Itoa(4+r.rnd.IntN(300)))
	}
	if r.rnd.IntN(4) == 0 {
		flags = append(flags, "--claim-mode", "CLAIM")
	}
	return flags
}

// TestDrain shows that a job that drains gives the results of what it has read, and
// that its savepoint can be gone on from: each row is read once.
func TestDrain(t *testing.T) {
	s := scenario{name: "drain", sinks: []string{"copy", "win"}, script: paced + `
CREATE TABLE copied (id BIGINT, k INT, amount DECIMAL(10,2)) WITH ('connector'='filesystem', 'path'='OUT/copy', 'format'='csv');
CREATE TABLE win (ws TIMESTAMP(3), n BIGINT) WITH ('connector'='filesystem', 'path'='OUT/win', 'format'='csv');
EXECUTE STATEMENT SET BEGIN
  INSERT INTO copied SELECT id, k, amount FROM orders;
  INSERT INTO win SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
END;
`}
	want := s.reference(t)
	r := newRound(t, &s, rand.New(rand.NewPCG(*seed, 18)))
	p := r.start(nil)
	r.wait(p, 3)
	path, err := r.command("stop", r.job(), "--drain")
	if err != nil {
		t.Fatal(err)
	}
	p.until(func() bool { return false })
	p.check()
	rows := r.rows()
	in := 0
	for _, line := range rows["win"] {
		n, err := strconv.Atoi(line[strings.LastIndex(line, ",")+1:])
		if err != nil {
			t.Fatal(err)
		}
		in += n
	}
	if n := len(rows["copy"]); n == 0 || n != in || n == len(want["copy"]) {
		r.fatalf("%d rows were read, of %d, and %d are in windows", n, len(want["copy"]), in)
	}
	if out, err := r.command("list"); err != nil || !strings.Contains(out, "FINISHED") {
		t.Error(out, err)
	}
	p = r.start([]string{"--restore", "latest"})
	p.until(func() bool { return false })
	p.check()
	if !strings.Contains(p.stderr.String(), "had finished") {
		t.Errorf("a drained job runs again: %s", p.stderr.String())
	}
	p = r.start([]string{"--restore", path})
	p.until(func() bool { return false })
	p.check()
	s.sinks = []string{"copy"}
	delete(want, "win") // windows that were open have two results each
	if err := os.RemoveAll(filepath.Join(r.out(), "win")); err != nil {
		t.Fatal(err)
	}
	r.compare(want)
}

// TestDamageFoundLater flips a bit among the entries of a state file of the newest
// checkpoint. A restore does not read them before it begins; when they are read, the
// job goes back to the checkpoint before by itself, and the rows are there once.
func TestDamageFoundLater(t *testing.T) {
	s := everything
	want := s.reference(t)
	r := newRound(t, &s, rand.New(rand.NewPCG(*seed, 19)))
	p, found := r.start(nil), 0
	for range 4 {
		r.wait(p, 2)
		if !p.strike(syscall.SIGKILL) {
			break // it was at its end
		}
		list := manifests(filepath.Join(r.ck(), r.job()))
		newest, before := readManifest(list[len(list)-1]), readManifest(list[max(0, len(list)-2)])
		own := newest.own(before)
		if len(own) == 0 { // nothing has changed between the two
			p = r.start([]string{"--restore", "latest"})
			continue
		}
		r.flip(own[r.rnd.IntN(len(own))])
		p = r.start([]string{"--restore", "latest"})
		p.until(func() bool { return strings.Contains(p.stderr.String(), "goes back to checkpoint") })
		if strings.Contains(p.stderr.String(), "looking for a checkpoint that is whole") {
			found++
		}
	}
	p.until(func() bool { return false })
	p.check()
	r.log.WriteString(p.stderr.String())
	if found == 0 {
		r.fatalf("nobody has found the damage")
	}
	r.compare(want)
	r.clean()
}

// flip flips a bit among the entries of a state file.
func (r *round) flip(file string) {
	name := filepath.Join(r.ck(), r.job(), "shared", file)
	data, err := os.ReadFile(name)
	if err != nil {
		r.t.Fatal(err)
	}
	const header, frame = 16, 9
	data[header+frame] ^= 4 // in the first block
	if err := os.WriteFile(name, data, 0o644); err != nil {
		r.t.Fatal(err)
	}
	fmt.Fprintf(&r.log, "--- flipped: %s\n", name)
}

// TestGoesBackToRowsInFlight is the same where the checkpoint before has rows in flight
// for the tasks of another parallelism: they are handled first, at that one.
func TestGoesBackToRowsInFlight(t *testing.T) {
	s := everything
	want := s.reference(t)
	r := newRound(t, &s, rand.New(rand.NewPCG(*seed, 23)))
	begin := func(flags ...string) *process {
		return r.run(append(flags, "--set", "execution.checkpointing.interval=100ms", "--set", "execution.checkpointing.num-retained=100")...)
	}
	p := begin("--parallelism", "3", "--set", "execution.checkpointing.unaligned.enabled=true", "--set", "execution.checkpointing.aligned-checkpoint-timeout=0 ms")
	r.wait(p, 3)
	if !p.strike(syscall.SIGKILL) {
		r.fatalf("the job has ended before it was killed")
	}
	job := filepath.Join(r.ck(), r.job())
	flight := newest(job)
	if !flight.Overtaken {
		r.fatalf("%s has no rows in flight", flight.name)
	}
	p = begin("--parallelism", "2", "--restore", "latest")
	r.wait(p, 3)
	if !p.strike(syscall.SIGKILL) {
		r.fatalf("the job has ended before it was killed")
	}
	last := newest(job)
	own := last.own(flight)
	if last.Overtaken || len(own) == 0 {
		r.fatalf("%s is not one without rows in flight and with files of its own", last.name)
	}
	for _, name := range manifests(job) {
		if m := readManifest(name); m.Epoch > flight.Epoch && m.Epoch < last.Epoch {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.flip(own[0])
	p = begin("--parallelism", "2", "--restore", "latest")
	p.until(func() bool { return false })
	p.check()
	r.log.WriteString(p.stderr.String())
	for _, said := range []string{fmt.Sprintf("goes back to checkpoint %d", flight.Epoch), "rows were in flight"} {
		if !strings.Contains(p.stderr.String(), said) {
			r.fatalf("nothing was said of %q", said)
		}
	}
	r.compare(want)
	r.clean()
}

package crash

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	long = flag.Bool("long", os.Getenv("MILLRACE_CRASH_LONG") != "", "at least 500 kills")
	seed = flag.Uint64("seed", 1, "of the moments at which processes are killed")
	keep = flag.Bool("keep", false, "keep the folders")
)

// shared is what all scenarios use.
var shared struct {
	dir    string
	binary string
	inputs
	struck  map[moment]int // over all scenarios
	damaged int            // checkpoints
}

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := setUp(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func setUp(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "millrace-crash-")
	if err != nil {
		return 1, err
	}
	if *keep {
		fmt.Println("folders in", dir)
	}
	defer func() {
		if !*keep { // as after a failure
			os.RemoveAll(dir)
		}
	}()
	shared.dir, shared.binary, shared.struck = dir, filepath.Join(dir, "millrace"), map[moment]int{}
	if b := os.Getenv("MILLRACE_BINARY"); b != "" {
		shared.binary = b
	} else if out, err := exec.Command("go", "build", "-o", shared.binary, "github.com/millrace-io/millrace/cmd/millrace").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the binary: %w\n%s", err, out)
	}
	if shared.inputs, err = makeInputs(filepath.Join(dir, "in")); err != nil {
		return 1, err
	}
	if err := makeParquet(); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// A scenario is a script with what it writes.
type scenario struct {
	name string
	// script has IN.orders …, and OUT for the folder below which it writes.
	script string
	sinks  []string // folders below OUT
	// sink → table definition and query, for sinks whose files are not lines of text
	read map[string]string
	// flags for every run
	flags []string
	// kills at least, by default and with -long
	kills, longKills int
	// before is called after a kill, before the restart; it may damage the checkpoints.
	before func(r *round)
	// moments to draw from; nil: all
	moments []moment
	// alone: the script is one job
	alone bool
	// sinks of changes, of which the rows that are left in the end are compared
	changes map[string]bool
}

// A moment at which a process is killed, as what is on disk afterwards shows.
type moment string

// The moments. What is hoped for when a process is struck is not always what is met.
const (
	early      moment = "before the first checkpoint"
	between    moment = "between checkpoints"
	uncommited moment = "a checkpoint saved, not committed"
	partly     moment = "a checkpoint partly committed"
	lastSaved  moment = "the last epoch saved, not committed"
	lastDone   moment = "the last epoch committed, the end not recorded"
	someDone   moment = "one job finished, another not"
	allDone    moment = "all jobs recorded as finished"
	signalled  moment = "Ctrl-C"
)

// A round is one run of a scenario's script from its beginning to its end, over
// several processes.
type round struct {
	t      *testing.T
	s      *scenario
	rnd    *rand.Rand
	dir    string
	script string
	log    strings.Builder
	procs  int
	kills  int
	// folders of jobs whose newest checkpoint was damaged before this restart
	damaged []string
	// those where a bit of a state file was flipped: the job may end before it is read
	flipped []string
}

func (s *scenario) text(out string) string {
	r := strings.NewReplacer("IN.orders", shared.orders, "IN.clicks", shared.clicks, "IN.big", shared.big, "IN.small", shared.small, "IN.parquet", shared.parquet, "OUT", out, "~", "`")
	return r.Replace(s.script)
}

func newRound(t *testing.T, s *scenario, rnd *rand.Rand) *round {
	dir, err := os.MkdirTemp(shared.dir, "round-")
	if err != nil {
		t.Fatal(err)
	}
	r := &round{t: t, s: s, rnd: rnd, dir: dir, script: filepath.Join(dir, "job.sql")}
	if err := os.WriteFile(r.script, []byte(s.text(r.out())), 0o644); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *round) out() string { return filepath.Join(r.dir, "out") }
func (r *round) ck() string  { return filepath.Join(r.dir, "ck") }

func (r *round) fatalf(format string, args ...any) {
	r.t.Helper()
	os.WriteFile(r.dir+".log", []byte(r.log.String()), 0o644) // beside it: the folder may be a file system of its own
	log := r.log.String()
	if len(log) > 6000 {
		log = "…" + log[len(log)-6000:]
	}
	*keep = true
	r.t.Fatalf("%s\n%d processes, %d kills, folder %s\n%s", fmt.Sprintf(format, args...), r.procs, r.kills, r.dir, log)
}

// A process is one run of the binary.
type process struct {
	r      *round
	cmd    *exec.Cmd
	stderr output
	stdout bytes.Buffer
	done   chan struct{}
	err    error
	start  time.Time
}

// output is what a process writes, which may be read meanwhile.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func (r *round) run(args ...string) *process {
	p := &process{r: r, done: make(chan struct{}), start: time.Now()}
	p.cmd = exec.Command(shared.binary, append([]string{"run", "-f", r.script, "--checkpoint-dir", r.ck()}, append(args, r.s.flags...)...)...)
	p.cmd.Stderr, p.cmd.Stdout = &p.stderr, &p.stdout
	p.cmd.Dir = r.dir
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.procs++
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	return p
}

// resume runs the script from its newest checkpoint at a drawn parallelism; the
// first time from the beginning.
func (r *round) resume(more ...string) *process {
	par := strconv.Itoa(1 + r.rnd.IntN(4))
	interval := []string{"10ms", "25ms", "60ms", "200ms"}[r.rnd.IntN(4)]
	args := []string{"--parallelism", par, "--set", "execution.checkpointing.interval=" + interval}
	if r.rnd.IntN(2) == 0 {
		wait := []string{"0 ms", "1 ms", "20 ms"}[r.rnd.IntN(3)]
		args = append(args, "--set", "execution.checkpointing.unaligned.enabled=true", "--set", "execution.checkpointing.aligned-checkpoint-timeout="+wait)
	}
	if r.procs > 0 {
		args = append(args, "--restore", "latest")
	}
	args = append(args, more...)
	fmt.Fprintf(&r.log, "--- process %d: %s\n", r.procs+1, strings.Join(args, " "))
	return r.run(args...)
}

// exited reports whether the process has ended by itself.
func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// limit is how long a process may take.
const limit = 2 * time.Minute

// until polls until cond holds or the process has ended.
func (p *process) until(cond func() bool) {
	for !p.exited() && !cond() {
		if time.Since(p.start) > limit {
			p.cmd.Process.Signal(syscall.SIGQUIT)
			<-p.done
			p.r.log.WriteString(p.stderr.String())
			p.r.fatalf("a process has not ended in %s", limit)
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// strike signals the process, and says whether that killed it.
func (p *process) strike(sig syscall.Signal) bool {
	p.cmd.Process.Signal(sig)
	p.until(func() bool { return false })
	p.r.log.WriteString(p.stderr.String())
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() && ws.Signal() == sig {
		p.r.kills++
		return true
	}
	p.check()
	return false
}

// check fails the test if the process that has ended did not do so well.
func (p *process) check() {
	if p.err != nil {
		p.r.fatalf("a process failed: %v\n%s", p.err, p.stderr.String())
	}
	if p.stdout.Len() > 0 {
		p.r.fatalf("standard output has %q", p.stdout.String())
	}
}

// manifest is what the harness reads of a checkpoint.
type manifest struct {
	name      string
	Epoch     int
	Finished  bool
	Overtaken bool
	Sources   map[string]struct {
		Enumerator []byte
		Splits     []any
	}
	Operators map[string][]struct {
		Files []struct{ Name string }
	}
	Prepared map[string][][]byte
}

// jobs returns the folders of the jobs that have begun.
func (r *round) jobs() []string {
	list, _ := filepath.Glob(filepath.Join(r.ck(), "*"))
	return slices.DeleteFunc(list, func(dir string) bool { return strings.HasPrefix(filepath.Base(dir), "savepoint-") })
}

// manifests returns the names of a job's manifests, oldest first.
func manifests(job string) []string {
	list, _ := filepath.Glob(filepath.Join(job, "chk-*.json"))
	return list
}

// newest reads the newest manifest of a job; nil when there is none.
func newest(job string) *manifest {
	list := manifests(job)
	if len(list) == 0 {
		return nil
	}
	return readManifest(list[len(list)-1])
}

func readManifest(name string) *manifest {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	m := &manifest{name: name}
	if json.NewDecoder(bytes.NewReader(data)).Decode(m) != nil {
		return nil
	}
	return m
}

// last reports whether a manifest is of the epoch behind all input: nothing is left
// to read.
func (m *manifest) last() bool {
	for _, s := range m.Sources {
		if len(s.Splits) > 0 {
			return false
		}
		var e struct {
			Listed *bool
			Todo   []any
			Queue  []any
		}
		if json.Unmarshal(s.Enumerator, &e) == nil && e.Listed != nil && (!*e.Listed || len(e.Todo)+len(e.Queue) > 0) {
			return false
		}
	}
	return m.Epoch > 0
}

// committed counts the files of a manifest that are visible, and those that are not.
func (m *manifest) committed() (yes, no int) {
	for _, list := range m.Prepared {
		for _, b := range list {
			var p struct{ Name string }
			if json.Unmarshal(b, &p) != nil || p.Name == "" {
				continue
			}
			if _, err := os.Stat(p.Name); err == nil {
				yes++
			} else {
				no++
			}
		}
	}
	return yes, no
}

// met says at which moment a process was killed.
func (r *round) met() []moment {
	var out []moment
	finished, jobs := 0, r.jobs()
	for _, job := range jobs {
		m := newest(job)
		if m == nil {
			out = append(out, early)
			continue
		}
		yes, no := m.committed()
		switch {
		case m.Finished:
			finished++
		case m.Epoch == 0:
			out = append(out, early)
		case no > 0 && m.last():
			out = append(out, lastSaved)
		case no > 0 && yes > 0:
			out = append(out, partly)
		case no > 0:
			out = append(out, uncommited)
		case m.last():
			out = append(out, lastDone)
		default:
			out = append(out, between)
		}
	}
	switch {
	case finished == len(jobs) && finished > 0:
		out = append(out, allDone)
	case finished > 0:
		out = append(out, someDone)
	}
	return out
}

// aim waits for a moment of a drawn kind.
func (r *round) aim(p *process) {
	seen := map[string]int{}
	for _, job := range r.jobs() {
		seen[job] = len(manifests(job))
		if m := newest(job); m != nil {
			seen[job] = m.Epoch
		}
	}
	some := func(hit func(job string, m *manifest) bool) func() bool {
		return func() bool {
			for _, job := range r.jobs() {
				if m := newest(job); m != nil && hit(job, m) {
					return true
				}
			}
			return false
		}
	}
	kinds := r.s.moments
	if kinds == nil {
		kinds = []moment{early, between, between, uncommited, uncommited, lastSaved, lastDone, someDone, allDone}
	}
	pause := time.Duration(0)
	switch k := kinds[r.rnd.IntN(len(kinds))]; k {
	case early:
		pause = time.Duration(r.rnd.IntN(40_000)) * time.Microsecond
	case between:
		n := 1 + r.rnd.IntN(4)
		p.until(some(func(job string, m *manifest) bool { return m.Epoch >= seen[job]+n }))
		pause = time.Duration(r.rnd.IntN(20_000)) * time.Microsecond
	case uncommited:
		n := 1 + r.rnd.IntN(3)
		p.until(some(func(job string, m *manifest) bool { return m.Epoch >= seen[job]+n && !m.Finished }))
		pause = time.Duration(max(0, r.rnd.IntN(1500)-1000)) * time.Microsecond
	case lastSaved:
		p.until(some(func(_ string, m *manifest) bool { return m.last() && !m.Finished }))
	case lastDone:
		p.until(some(func(_ string, m *manifest) bool {
			_, no := m.committed()
			return m.last() && !m.Finished && no == 0
		}))
	case someDone:
		p.until(some(func(_ string, m *manifest) bool { return m.Finished }))
	case allDone:
		p.until(func() bool {
			n := 0
			for _, job := range r.jobs() {
				if m := newest(job); m != nil && m.Finished {
					n++
				}
			}
			return n > 0 && n == len(r.jobs())
		})
	}
	until := time.Now().Add(pause)
	p.until(func() bool { return time.Now().After(until) })
}

// finish runs the script to its end, killed up to n times.
func (r *round) finish(n int) {
	for {
		p := r.resume()
		if r.kills < n {
			r.aim(p)
		} else {
			p.until(func() bool { return false })
		}
		struck := p.strike(syscall.SIGKILL)
		for _, job := range r.damaged {
			// a process that was killed early may not have come to this job
			if !struck && !strings.Contains(p.stderr.String(), job+" cannot be used: ") {
				r.fatalf("the newest checkpoint in %s was damaged, and nobody says so", job)
			}
			shared.damaged++
		}
		for _, job := range r.flipped {
			if strings.Contains(p.stderr.String(), job+" cannot be used: ") {
				shared.damaged++
			}
		}
		r.damaged, r.flipped = nil, nil
		if !struck {
			return
		}
		met := r.met()
		for _, m := range met {
			shared.struck[m]++
		}
		fmt.Fprintf(&r.log, "--- killed: %s\n", met)
		if r.s.before != nil {
			r.s.before(r)
		}
	}
}

// reference returns what an undisturbed run writes, sink by sink, sorted.
func (s *scenario) reference(t *testing.T) map[string][]string {
	r := newRound(t, s, rand.New(rand.NewPCG(0, 0)))
	p := r.run("--parallelism", "2")
	p.until(func() bool { return false })
	p.check()
	out := r.rows()
	for _, sink := range s.sinks {
		if len(out[sink]) == 0 {
			t.Fatalf("sink %s is empty without any kill: the scenario shows nothing\n%s", sink, p.stderr.String())
		}
	}
	r.clean()
	return out
}

// rows returns the rows of the visible files.
func (r *round) rows() map[string][]string {
	out := map[string][]string{}
	for _, sink := range r.s.sinks {
		var rows []string
		if def := r.s.read[sink]; def != "" {
			text := strings.ReplaceAll(def, "OUT", r.out())
			cmd := exec.Command(shared.binary, "run", "-e", text, "--mode", "batch", "--format", "csv", "--no-header", "--parallelism", "1")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			data, err := cmd.Output()
			if err != nil {
				r.fatalf("read sink %s: %v\n%s", sink, err, stderr.String())
			}
			rows = lines(data)
		} else {
			for _, f := range files(filepath.Join(r.out(), sink)) {
				if base := filepath.Base(f); strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
					continue
				}
				data, err := os.ReadFile(f)
				if err != nil {
					r.t.Fatal(err)
				}
				if len(data) > 0 && data[len(data)-1] != '\n' {
					r.fatalf("%s ends within a line", f)
				}
				rows = append(rows, lines(data)...)
			}
		}
		if r.s.changes[sink] {
			rows = net(r.t, rows)
		}
		slices.Sort(rows)
		out[sink] = rows
	}
	return out
}

func lines(data []byte) []string {
	if len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

func files(dir string) []string {
	var out []string
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, p)
		}
		return nil
	})
	return out
}

// compare fails the test unless the sinks hold what they should and nothing is left
// behind.
func (r *round) compare(want map[string][]string) {
	r.t.Helper()
	got := r.rows()
	for _, sink := range r.s.sinks {
		if slices.Equal(got[sink], want[sink]) {
			continue
		}
		lost, extra := difference(want[sink], got[sink]), difference(got[sink], want[sink])
		r.fatalf("sink %s: %d rows, should be %d: %d lost %q, %d too many %q", sink, len(got[sink]), len(want[sink]),
			len(lost), lost[:min(3, len(lost))], len(extra), extra[:min(3, len(extra))])
	}
	for _, f := range files(r.dir) {
		if strings.HasSuffix(f, ".inprogress") {
			r.fatalf("left behind: %s", f)
		}
	}
	for _, job := range r.jobs() {
		if m := newest(job); m == nil || !m.Finished {
			r.fatalf("%s is not recorded as finished", job)
		}
	}
}

// difference returns what a has and b has not, both sorted.
func difference(a, b []string) []string {
	var out []string
	for len(a) > 0 {
		switch {
		case len(b) == 0 || a[0] < b[0]:
			out, a = append(out, a[0]), a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return out
}

func (r *round) clean() {
	if !*keep {
		os.RemoveAll(r.dir)
	}
}

// play runs a scenario round after round until enough processes have been killed.
func (s *scenario) play(t *testing.T) (kills int) {
	want := s.reference(t)
	rnd := rand.New(rand.NewPCG(*seed, uint64(len(s.name))))
	least := s.kills
	if *long {
		least = s.longKills
	} else if testing.Short() {
		least = min(least, 2)
	}
	rounds := 0
	for kills < least {
		rounds++
		r := newRound(t, s, rnd)
		r.finish(min(1+rnd.IntN(12), least-kills))
		r.compare(want)
		again := r.resume() // what has ended does not run again
		again.until(func() bool { return false })
		again.check()
		r.compare(want)
		kills += r.kills
		if rounds > 20*least {
			t.Fatalf("%d kills in %d rounds", kills, rounds)
		}
		r.clean()
	}
	t.Logf("%d kills in %d rounds; %s", kills, rounds, describe(want))
	return kills
}

func describe(rows map[string][]string) string {
	var out []string
	for _, sink := range slices.Sorted(maps.Keys(rows)) {
		out = append(out, fmt.Sprintf("%s: %d rows", sink, len(rows[sink])))
	}
	return strings.Join(out, ", ")
}

package crash

import (
	"bytes"
	"errors"
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

var minutes = flag.Float64("minutes", 0, "how long TestOrdeal draws jobs; some kills without it")

// killsAMinute is what TestOrdeal must reach: 500 in ten minutes.
const killsAMinute = 50

// TestOrdeal draws jobs, and for each process of a job what happens to it: it is
// killed, stopped for a while, has too little memory or none left on the disk, has a
// savepoint taken that the next one goes back to, and finds its newest checkpoint
// damaged. Every restart has another parallelism. Each job is run to its end and
// compared with an undisturbed run. Some jobs run at once, so that the machine is
// never quiet, and each of them takes what it gets.
//
// Where no small file system can be mounted (that needs root) disks are never full.
func TestOrdeal(t *testing.T) {
	o := &ordeal{began: time.Now(), mountable: mountable(t)}
	workers := 1
	switch {
	case *minutes > 0:
		o.until = o.began.Add(time.Duration(*minutes * float64(time.Minute)))
		o.kills, o.late = int(*minutes*killsAMinute), o.began.Add(2*o.until.Sub(o.began))
		workers = flag.Lookup("test.parallel").Value.(flag.Getter).Get().(int)
	case testing.Short():
		o.kills, o.late = 4, o.began.Add(time.Minute)
	default:
		o.kills, o.late = 25, o.began.Add(time.Minute)
	}
	t.Run("jobs", func(t *testing.T) {
		for w := range workers {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				t.Parallel()
				rnd := rand.New(rand.NewPCG(*seed, uint64(1000+w)))
				for o.more() && !t.Failed() {
					o.play(t, rnd)
				}
			})
		}
	})
	t.Logf("%s", o)
	if *minutes > 0 && !t.Failed() && o.n["kills"] < o.kills {
		t.Errorf("only %d kills in twice the time", o.n["kills"])
	}
}

// An ordeal counts what has happened to all jobs.
type ordeal struct {
	began, until, late time.Time
	kills              int // at least, unless it is late
	mountable          bool

	mu     sync.Mutex
	n      map[string]int
	struck map[moment]int
}

func (o *ordeal) count(what string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n == nil {
		o.n = map[string]int{}
	}
	o.n[what] += n
}

// more reports whether there is time for more.
func (o *ordeal) more() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	return now.Before(o.until) || o.n["kills"] < o.kills && now.Before(o.late)
}

// String is the summary.
func (o *ordeal) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, seed %d", time.Since(o.began).Round(time.Second), *seed)
	for _, what := range slices.Sorted(maps.Keys(o.n)) {
		fmt.Fprintf(&b, "\n  %-40s %d", what, o.n[what])
	}
	for _, m := range slices.Sorted(maps.Keys(o.struck)) {
		fmt.Fprintf(&b, "\n  killed: %-32s %d", m, o.struck[m])
	}
	return b.String()
}

// play runs a drawn job to its end and compares.
func (o *ordeal) play(t *testing.T, rnd *rand.Rand) {
	s := drawJob(rnd)
	want := s.reference(t)
	r := newRound(t, s, rnd)
	x := &trial{ordeal: o, round: r, least: 10 + rnd.IntN(40)}
	if o.mountable && rnd.IntN(3) > 0 {
		unmount := x.mount()
		defer unmount()
	}
	for x.process() {
	}
	r.compare(want)
	again := r.resume() // what has ended does not run again
	again.until(func() bool { return false })
	again.check()
	r.compare(want)
	o.count("jobs", 1)
	o.count("restarts", r.procs-1)
	for _, rows := range want {
		o.count("rows compared", len(rows))
	}
	r.clean()
}

// A trial is a job on its way to its end.
type trial struct {
	*ordeal
	*round
	least   int      // kills, before it is let go
	small   bool     // its disk
	little  bool     // the memory of its process
	filler  string   // takes all room of the disk while it is there
	restore []string // flags of the next process
	// rewritten: the process takes a savepoint to another number of key groups
	rewritten bool
}

// mount puts a small file system under the trial's folder.
func (x *trial) mount() (unmount func()) {
	script, err := os.ReadFile(x.script)
	if err != nil {
		x.t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", x.dir).CombinedOutput(); err != nil {
		x.t.Fatalf("mount: %v: %s", err, out)
	}
	x.small = true
	if err := os.WriteFile(x.script, script, 0o644); err != nil {
		x.t.Fatal(err)
	}
	return func() {
		if out, err := exec.Command("umount", "-l", x.dir).CombinedOutput(); err != nil {
			x.t.Errorf("unmount: %v: %s", err, out)
		}
		os.Remove(x.dir)
	}
}

// mountable reports whether a small file system can be mounted.
func mountable(t *testing.T) bool {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Logf("disks are never full: a small file system cannot be mounted (needs root): %s", bytes.TrimSpace(out))
		return false
	}
	if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
		t.Fatalf("unmount: %v: %s", err, out)
	}
	return true
}

// process runs the next process, and reports whether there must be another one.
func (x *trial) process() bool {
	disturb := x.round.kills < x.least && x.more()
	if !disturb {
		x.free()
	}
	p := x.begin(disturb)
	if disturb {
		x.disturb(p)
	} else {
		p.until(func() bool { return false })
	}
	p.cmd.Process.Signal(syscall.SIGKILL)
	p.until(func() bool { return false })
	said := p.stderr.String()
	x.log.WriteString(said)
	ws, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case ws.Signaled():
		x.killed()
	case p.err == nil:
		p.check()
		return len(x.restore) > 0 // it was stopped with a savepoint
	case x.wasFull(said):
		x.count("ended by a full disk", 1)
		x.free()
	case x.little && strings.Contains(said, "needs more memory than the budget"):
		x.count("ended by too little memory", 1) // as operators do that keep all their state in memory
	case x.rewritten && strings.Contains(said, "it has rows in flight"):
		x.count("savepoints with rows in flight", 1) // which is said, but should not be: a job that runs takes none such
	default:
		p.check()
	}
	if x.filler != "" && x.rnd.IntN(3) > 0 {
		x.free() // otherwise the next one begins on a full disk
	}
	if x.filler == "" && len(x.restore) == 0 {
		x.damage()
	}
	return true
}

// begin starts a process from the newest checkpoint or a savepoint.
func (x *trial) begin(disturb bool) *process {
	var args []string
	if x.little = disturb && x.rnd.IntN(2) == 0; x.little { // so that state leaves it
		args = []string{"--set", "memory.size=" + []string{"24mb", "48mb"}[x.rnd.IntN(2)]}
		x.count("processes with little memory", 1)
	}
	x.rewritten = false
	if len(x.restore) == 0 {
		return x.resume(args...)
	}
	args = append(args, x.restore...)
	x.rewritten = slices.ContainsFunc(x.restore, func(a string) bool { return strings.HasPrefix(a, "pipeline.max-parallelism=") })
	x.restore = nil
	return x.start(args)
}

func (x *trial) killed() {
	x.round.kills++
	x.count("kills", 1)
	met := x.met()
	x.mu.Lock()
	if x.struck == nil {
		x.struck = map[moment]int{}
	}
	for _, m := range met {
		x.struck[m]++
	}
	x.mu.Unlock()
	fmt.Fprintf(&x.log, "--- killed: %s\n", met)
}

// disturb does what is drawn to a process, until it is to be killed.
func (x *trial) disturb(p *process) {
	if x.filler != "" { // it begins on a full disk
		x.pause(p, 500)
		x.free()
	}
	switch x.rnd.IntN(10) {
	case 0, 1, 2:
		x.stop(p)
	case 3, 4:
		x.fill(p)
	case 5, 6:
		x.savepoint(p)
	}
	if x.rnd.IntN(2) == 0 || x.filler != "" { // no checkpoint comes on a full disk
		x.pause(p, 400)
		return
	}
	x.s.moments = []moment{early, between, between, uncommited, uncommited}
	if x.round.kills > 10 { // those of the end let a process run to it
		x.s.moments = append(x.s.moments, lastSaved, lastDone, someDone, allDone)
	}
	x.aim(p)
	if x.rnd.IntN(10) == 0 { // a stopped process can be killed too
		p.cmd.Process.Signal(syscall.SIGSTOP)
		x.count("stops", 1)
		time.Sleep(time.Duration(x.rnd.IntN(50)) * time.Millisecond)
	}
}

// pause lets a process run for some milliseconds.
func (x *trial) pause(p *process, most int) {
	until := time.Now().Add(time.Duration(x.rnd.IntN(most*1000)) * time.Microsecond)
	p.until(func() bool { return time.Now().After(until) })
}

// stop stops a process for a while, once or more often.
func (x *trial) stop(p *process) {
	for range 1 + x.rnd.IntN(3) {
		x.pause(p, 100)
		if p.exited() {
			return
		}
		p.cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(time.Duration(1+x.rnd.IntN(300)) * time.Millisecond)
		p.cmd.Process.Signal(syscall.SIGCONT)
		x.count("stops", 1)
	}
}

// fill takes the room of the disk, and gives it back after a while, or leaves it so.
func (x *trial) fill(p *process) {
	if !x.small || x.filler != "" {
		return
	}
	x.pause(p, 150)
	name := filepath.Join(x.dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		if strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
			return
		}
		x.t.Fatal(err)
	}
	x.filler = name
	defer f.Close()
	var st syscall.Statfs_t
	if err := syscall.Statfs(x.dir, &st); err != nil {
		x.t.Fatal(err)
	}
	room := max(0, int64(st.Bavail)*st.Bsize-int64(x.rnd.IntN(64<<10)))
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, room); err != nil && err != syscall.ENOSPC {
		x.t.Fatal(err)
	}
	x.count("full disks", 1)
	fmt.Fprintf(&x.log, "--- the disk is full\n")
	x.pause(p, 700)
	if x.rnd.IntN(2) == 0 {
		x.free()
	}
}

func (x *trial) free() {
	if x.filler == "" {
		return
	}
	if err := os.Remove(x.filler); err != nil {
		x.t.Fatal(err)
	}
	x.filler = ""
	fmt.Fprintf(&x.log, "--- the disk has room\n")
}

// wasFull reports whether a process has ended for want of room on the disk.
func (x *trial) wasFull(said string) bool {
	return x.small && strings.Contains(said, syscall.ENOSPC.Error())
}

// savepoint takes a savepoint of a job that is alone in its script, and has the next
// process go back to it. It may come too early or too late, or find no room.
func (x *trial) savepoint(p *process) {
	if !x.s.alone {
		return
	}
	x.wait(p, 1) // before, the command might find nobody, and have the folder when the process comes
	if p.exited() {
		return
	}
	verb := []string{"savepoint", "stop"}[x.rnd.IntN(2)]
	path, err := x.command(verb, x.job(), "--to", filepath.Join(x.dir, "savepoints"))
	if err == nil && verb == "stop" {
		p.until(func() bool { return false })
	}
	if m := newest(filepath.Join(x.ck(), x.job())); err != nil || m != nil && m.Finished {
		x.count("savepoints too late", 1) // it has come to its end, and there is nothing to go on with
		return
	}
	x.count(verb+"s", 1)
	x.restore = []string{"--restore", path}
	if x.rnd.IntN(3) == 0 {
		x.restore = append(x.restore, "--set", "pipeline.max-parallelism="+strconv.Itoa(4+x.rnd.IntN(300)))
	}
	if x.rnd.IntN(4) == 0 {
		x.restore = append(x.restore, "--claim-mode", "CLAIM")
	}
}

// damage spoils a file of the newest checkpoint, or loses one.
func (x *trial) damage() {
	if x.rnd.IntN(3) == 0 {
		x.lose()
		return
	}
	damage(x.round)
	if n := len(x.damaged); n > 0 {
		x.count("damages", n)
		x.damaged = nil // what is said of them, TestDamagedCheckpoint sees to
	}
}

// lose removes a state file of the newest manifest of a job. A manifest that is gone
// without a trace is not drawn: nobody knows then that it was there, and what it has
// committed may come twice.
func (x *trial) lose() {
	jobs := x.jobs()
	if len(jobs) == 0 || x.rnd.IntN(2) == 0 {
		return
	}
	job := jobs[x.rnd.IntN(len(jobs))]
	list := manifests(job)
	if len(list) < 2 {
		return
	}
	last, before := readManifest(list[len(list)-1]), readManifest(list[len(list)-2])
	if last == nil || before == nil {
		return // it is damaged already
	}
	own := last.own(before)
	if len(own) == 0 {
		return
	}
	name := filepath.Join(job, "shared", own[x.rnd.IntN(len(own))])
	if err := os.Remove(name); errors.Is(err, fs.ErrNotExist) {
		return // it is lost already
	} else if err != nil {
		x.t.Fatal(err)
	}
	fmt.Fprintf(&x.log, "--- lost: %s\n", name)
	x.count("files lost", 1)
}

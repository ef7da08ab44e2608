package flink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A Cluster is a JobManager and a TaskManager, or more while a spare one is there.
type Cluster struct {
	dist    Dist
	dir     string // of configuration, logs, checkpoints
	rest    string // http://host:port
	job     *process
	tasks   []*process // the oldest first, which has the job
	output  *os.File   // Settings.TaskOutput
	idle    float64    // CPU-seconds a second when there is nothing to do
	scripts int
}

// A process is a child; ended is closed when it is gone.
type process struct {
	pid   int
	cmd   *exec.Cmd
	ended chan struct{}
}

// Settings are what a cluster is started with.
type Settings struct {
	Slots         int
	TaskManagerMB int
	Options       map[string]string // further keys of the configuration
	// TaskOutput is where TaskManagers print, what their tasks print included; a file
	// beside the logs if it is nil.
	TaskOutput *os.File
}

// Start starts a cluster with its files in dir, and waits until it takes jobs.
func Start(ctx context.Context, d Dist, dir string, s Settings) (*Cluster, error) {
	c := &Cluster{dist: d, dir: dir, output: s.TaskOutput}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	c.rest = fmt.Sprintf("http://localhost:%d", ports[0])
	if err := c.configure(ports, s); err != nil {
		return nil, err
	}
	if err = c.boot(ctx, s.Slots); err == nil {
		err = c.measureIdle(ctx)
	}
	if err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// boot starts a process of each kind and waits until there are slots.
func (c *Cluster) boot(ctx context.Context, slots int) error {
	var err error
	if c.job, err = c.start("jobmanager.sh", nil); err != nil {
		return err
	}
	if err := c.StartTask(); err != nil {
		return err
	}
	if err := c.WaitSlots(ctx, slots); err != nil {
		return fmt.Errorf("wait for Flink: %w; its logs are in %s", err, filepath.Join(c.dir, "log"))
	}
	return nil
}

func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "localhost:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at the end, so that they differ
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

// configure writes conf/: the distribution's logging, and our settings with the
// Java options of its config.yaml.
func (c *Cluster) configure(ports []int, s Settings) error {
	for _, sub := range []string{"conf", "log", "pid", "checkpoints", "tmp"} {
		if err := os.MkdirAll(filepath.Join(c.dir, sub), 0o755); err != nil {
			return err
		}
	}
	theirs := filepath.Join(c.dist.Home, "conf")
	entries, err := os.ReadDir(theirs)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := copyFile(filepath.Join(theirs, e.Name()), filepath.Join(c.dir, "conf", e.Name())); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(filepath.Join(theirs, "config.yaml"))
	if err != nil {
		return err
	}
	java := regexp.MustCompile(`(?m)^\s+all: (--add-.*)$`).FindSubmatch(text)
	if java == nil {
		return errors.New("config.yaml has no Java options")
	}
	var b bytes.Buffer
	line := func(key string, value any) { fmt.Fprintf(&b, "%s: %v\n", key, value) }
	line("env.java.opts.all", string(java[1]))
	line("jobmanager.rpc.address", "localhost")
	line("jobmanager.rpc.port", ports[1])
	line("jobmanager.bind-host", "localhost")
	line("jobmanager.memory.process.size", "1600m")
	line("taskmanager.bind-host", "localhost")
	line("taskmanager.host", "localhost")
	line("taskmanager.memory.process.size", fmt.Sprintf("%dm", s.TaskManagerMB))
	line("taskmanager.numberOfTaskSlots", s.Slots)
	line("parallelism.default", s.Slots)
	line("rest.address", "localhost")
	line("rest.bind-address", "localhost")
	line("rest.port", ports[0]) // with rest.bind-port the SQL client's gateway would want the same port
	line("io.tmp.dirs", filepath.Join(c.dir, "tmp"))
	for k, v := range s.Options {
		line(k, v)
	}
	return os.WriteFile(filepath.Join(c.dir, "conf", "config.yaml"), b.Bytes(), 0o644)
}

// CheckpointDir is where Standard's checkpoints go.
func (c *Cluster) CheckpointDir() string { return "file://" + filepath.Join(c.dir, "checkpoints") }

func (c *Cluster) command(script string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.dist.Home, "bin", script), args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(),
		"FLINK_CONF_DIR="+filepath.Join(c.dir, "conf"), "FLINK_LOG_DIR="+filepath.Join(c.dir, "log"),
		"FLINK_PID_DIR="+filepath.Join(c.dir, "pid"), "HADOOP_CLASSPATH="+c.dist.hadoop)
	return cmd
}

// start starts a process. The scripts exec java, so the child is Flink itself;
// it has a group of its own, for a Ctrl-C is ours to pass on.
func (c *Cluster) start(script string, out *os.File) (*process, error) {
	if out == nil {
		var err error
		if out, err = os.Create(filepath.Join(c.dir, "log", script+".out")); err != nil {
			return nil, err
		}
		defer out.Close()
	}
	cmd := c.command(script, "start-foreground")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", script, err)
	}
	p := &process{pid: cmd.Process.Pid, cmd: cmd, ended: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// StartTask starts a TaskManager, and does not wait for it.
func (c *Cluster) StartTask() error {
	p, err := c.start("taskmanager.sh", c.output)
	if err == nil {
		c.tasks = append(c.tasks, p)
	}
	return err
}

// WaitSlots waits until so many slots are free.
func (c *Cluster) WaitSlots(ctx context.Context, slots int) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		var o struct {
			Slots int `json:"slots-available"`
		}
		if last = c.get(ctx, "/overview", &o); last == nil && o.Slots >= slots {
			return nil
		}
		select {
		case <-c.job.ended:
			return errors.New("the JobManager has ended")
		case <-c.tasks[len(c.tasks)-1].ended:
			return errors.New("the TaskManager has ended")
		case <-time.After(200 * time.Millisecond):
		}
	}
	return errors.Join(ctx.Err(), last)
}

func (c *Cluster) measureIdle(ctx context.Context) error {
	const settle, sample = 3 * time.Second, 4 * time.Second
	var from float64
	for _, wait := range []time.Duration{settle, sample} {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		cpu, err := c.cpu()
		if err != nil {
			return err
		}
		c.idle, from = (cpu-from)/sample.Seconds(), cpu
	}
	return nil
}

// processes are those that run.
func (c *Cluster) processes() []*process {
	if c.job == nil {
		return c.tasks
	}
	return append(slices.Clone(c.tasks), c.job)
}

// cpu is what the processes used since they started, in seconds.
func (c *Cluster) cpu() (float64, error) {
	var sum float64
	for _, p := range c.processes() {
		s, err := CPUSeconds(p.pid)
		if err != nil {
			return 0, err
		}
		sum += s
	}
	return sum, nil
}

// Stop ends the processes.
func (c *Cluster) Stop() {
	for _, p := range c.processes() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(10 * time.Second):
			p.cmd.Process.Kill()
			<-p.ended
		}
	}
}

func (c *Cluster) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.rest+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %.200s", path, resp.Status, body)
	}
	return json.Unmarshal(body, into)
}

// A Result is what a job cost.
type Result struct {
	Seconds     float64
	CPUSeconds  float64 // of both processes, less what they use when idle
	PeakBytes   int64   // resident memory of the TaskManager
	Checkpoints int
}

// Query runs a script by the SQL client and returns what it prints.
func (c *Cluster) Query(ctx context.Context, script string) (string, error) {
	c.scripts++
	file := filepath.Join(c.dir, fmt.Sprintf("script-%d.sql", c.scripts))
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		return "", err
	}
	cmd := c.command("sql-client.sh", "-f", file)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	err := cmd.Wait()
	if text := out.String(); err == nil && strings.Contains(text, "[ERROR]") {
		return text, fmt.Errorf("%s is refused by Flink:\n%s", file, text[strings.Index(text, "[ERROR]"):])
	}
	return out.String(), err
}

type jobOverview struct {
	ID       string `json:"jid"`
	State    string `json:"state"`
	Duration int64  `json:"duration"`
}

func (c *Cluster) jobs(ctx context.Context) (map[string]jobOverview, error) {
	var o struct{ Jobs []jobOverview }
	if err := c.get(ctx, "/jobs/overview", &o); err != nil {
		return nil, err
	}
	out := map[string]jobOverview{}
	for _, j := range o.Jobs {
		out[j.ID] = j
	}
	return out, nil
}

// Run runs a script that starts one job, and waits for the job's end.
func (c *Cluster) Run(ctx context.Context, script string) (Result, error) {
	var r Result
	before, err := c.jobs(ctx)
	if err != nil {
		return r, err
	}
	if err := ResetPeak(c.tasks[0].pid); err != nil {
		return r, err
	}
	cpu, err := c.cpu()
	if err != nil {
		return r, err
	}
	began := time.Now()
	if _, err := c.Query(ctx, script); err != nil {
		return r, err
	}
	job, err := c.waitEnd(ctx, before)
	if err != nil {
		return r, err
	}
	after, err := c.cpu()
	if err != nil {
		return r, err
	}
	r.Seconds = float64(job.Duration) / 1000
	r.CPUSeconds = after - cpu - c.idle*time.Since(began).Seconds()
	if r.PeakBytes, err = PeakBytes(c.tasks[0].pid); err != nil {
		return r, err
	}
	var ck struct {
		Counts struct{ Completed int }
	}
	if err := c.get(ctx, "/jobs/"+job.ID+"/checkpoints", &ck); err == nil { // jobs without checkpoints have none to show
		r.Checkpoints = ck.Counts.Completed
	}
	return r, nil
}

// waitEnd waits for the job that was not there before.
func (c *Cluster) waitEnd(ctx context.Context, before map[string]jobOverview) (jobOverview, error) {
	for {
		jobs, err := c.jobs(ctx)
		if err != nil {
			return jobOverview{}, err
		}
		var job *jobOverview
		for id, j := range jobs {
			if _, old := before[id]; !old {
				job = &j
			}
		}
		switch {
		case job == nil:
			return jobOverview{}, errors.New("the script started no job")
		case job.State == "FINISHED":
			return *job, nil
		case job.State == "FAILED" || job.State == "CANCELED":
			return *job, c.failure(ctx, *job)
		}
		select {
		case <-ctx.Done():
			return *job, fmt.Errorf("job is %s: %w", job.State, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (c *Cluster) failure(ctx context.Context, job jobOverview) error {
	var ex struct {
		History struct {
			Entries []struct{ Stacktrace string }
		} `json:"exceptionHistory"`
	}
	if err := c.get(ctx, "/jobs/"+job.ID+"/exceptions", &ex); err == nil && len(ex.History.Entries) > 0 {
		return fmt.Errorf("job is %s: %.2000s", job.State, ex.History.Entries[0].Stacktrace)
	}
	return fmt.Errorf("job is %s", job.State)
}

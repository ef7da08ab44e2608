package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/control"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/local"
)

// folderFlags say where jobs have their checkpoints.
type folderFlags struct {
	CheckpointDir string `placeholder:"DIR" help:"Folder for checkpoints, in which the job's is."`
}

// folder is the folder of all jobs: the flag's, or the configuration file's.
func (f *folderFlags) folder() (string, error) {
	if f.CheckpointDir != "" {
		return f.CheckpointDir, nil
	}
	conf, err := configFile()
	return strings.TrimPrefix(conf["execution.checkpointing.dir"], "file://"), err
}

// jobFlag names a job.
type jobFlag struct {
	Job string `arg:"" help:"The job: its folder for checkpoints, or its id or pipeline.name with --checkpoint-dir."`
	folderFlags
}

// A jobFolder is a job that has a folder for checkpoints, whether it runs or not.
type jobFolder struct {
	*checkpoint.Storage
	id   string
	name string // pipeline.name
}

func folderAt(fs fsys.FS, dir string) *jobFolder {
	j := &jobFolder{Storage: &checkpoint.Storage{FS: fs, Dir: dir}, id: filepath.Base(dir)}
	epochs, err := j.Epochs()
	if err != nil || len(epochs) == 0 {
		return j
	}
	if m, err := j.Load(epochs[len(epochs)-1]); err == nil {
		if g, err := j.Plan(m); err == nil {
			j.name = g.Name
		}
	}
	return j
}

// jobFolders are the jobs of a folder.
func jobFolders(fs fsys.FS, dir string) ([]*jobFolder, error) {
	list, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	var out []*jobFolder
	for _, f := range list {
		if f.Dir && (&checkpoint.Storage{FS: fs, Dir: f.Name}).Any() {
			out = append(out, folderAt(fs, f.Name))
		}
	}
	return out, nil
}

// find returns the job that is meant.
func (f *jobFlag) find() (*jobFolder, error) {
	fs := local.New("")
	if s := (&checkpoint.Storage{FS: fs, Dir: filepath.Clean(f.Job)}); s.Any() {
		dir, err := filepath.Abs(s.Dir)
		if err != nil {
			return nil, err
		}
		j := folderAt(fs, s.Dir)
		j.id = filepath.Base(dir)
		return j, nil
	}
	root, err := f.folder()
	if err != nil {
		return nil, err
	}
	if root == "" {
		return nil, usageError{fmt.Errorf("%s is no job's folder for checkpoints; to name a job by its id or pipeline.name, give --checkpoint-dir", f.Job)}
	}
	jobs, err := jobFolders(fs, root)
	if err != nil {
		return nil, err
	}
	var ids, named []string
	var found *jobFolder
	for _, j := range jobs {
		if j.id == f.Job {
			return j, nil
		}
		ids = append(ids, j.id)
		if j.name == f.Job {
			found, named = j, append(named, j.id)
		}
	}
	switch {
	case len(named) == 1:
		return found, nil
	case len(named) > 1:
		return nil, usageError{fmt.Errorf("several jobs are named '%s': give one of %s", f.Job, strings.Join(named, ", "))}
	case len(ids) == 0:
		return nil, usageError{fmt.Errorf("there is no job '%s': %s has no checkpoints of any", f.Job, root)}
	}
	return nil, usageError{fmt.Errorf("there is no job '%s' in %s: there are %s", f.Job, root, strings.Join(ids, ", "))}
}

// dial finds the process that runs the job.
func (j *jobFolder) dial(ctx context.Context) (*control.Client, error) {
	c, err := control.Dial(ctx, j.Dir)
	if errors.Is(err, control.ErrNoProcess) {
		if owned := j.Owned(checkpoint.Machine()); owned != nil {
			return nil, fmt.Errorf("%w; it has no control socket that can be reached from here", owned)
		}
	}
	return c, err
}

// process finds the job that is meant, and the process that runs it.
func (f *jobFlag) process(ctx context.Context) (*jobFolder, *control.Client, error) {
	j, err := f.find()
	if err != nil {
		return nil, nil, err
	}
	p, err := j.dial(ctx)
	return j, p, err
}

// running is process, for a job that must run.
func (f *jobFlag) running(ctx context.Context) (*jobFolder, *control.Client, error) {
	j, p, err := f.process(ctx)
	if errors.Is(err, control.ErrNoProcess) {
		err = j.notRunning(err)
	}
	return j, p, err
}

// latest is the job's newest checkpoint that is whole.
func (j *jobFolder) latest(w *world) (*checkpoint.Manifest, error) {
	return j.Latest(func(line string) { fmt.Fprintln(w.err, line) })
}

// notRunning is what is said to those who can only speak with a job that runs.
func (j *jobFolder) notRunning(err error) error {
	return fmt.Errorf("job %s does not run: %w; millrace savepoint %s makes a savepoint of its newest checkpoint", j.id, err, j.Dir)
}

// absolute makes a folder's name one that another process understands.
func absolute(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	return filepath.Abs(strings.TrimPrefix(dir, "file://"))
}

type savepointCommand struct {
	jobFlag
	To string `placeholder:"DIR" help:"Folder in which the savepoint's is made; the folder for checkpoints by default, or execution.checkpointing.savepoint-dir of the job."`
}

// Run makes a savepoint and shows where it is.
func (c *savepointCommand) Run(w *world) error {
	to, err := absolute(c.To)
	if err != nil {
		return err
	}
	j, p, err := c.process(w.ctx)
	if errors.Is(err, control.ErrNoProcess) {
		return j.savepoint(w, to)
	}
	if err != nil {
		return err
	}
	defer p.Close()
	path, err := p.Savepoint(w.ctx, j.id, to)
	if err != nil {
		return fmt.Errorf("no savepoint of job %s: %w", j.id, err)
	}
	fmt.Fprintln(w.out, path)
	return nil
}

// savepoint makes a savepoint of a job that does not run.
func (j *jobFolder) savepoint(w *world, to string) (err error) {
	lease, err := j.Acquire(checkpoint.Machine())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lease.Release()) }()
	m, err := j.latest(w)
	if err != nil {
		return err
	}
	if m == nil {
		return usageError{fmt.Errorf("job %s has no checkpoint", j.id)}
	}
	fmt.Fprintf(w.err, "job %s does not run: a savepoint of its checkpoint %d\n", j.id, m.Epoch)
	if to == "" {
		if to, err = filepath.Abs(filepath.Dir(j.Dir)); err != nil {
			return err
		}
	}
	token := checkpoint.Machine().Token()
	path, err := j.Savepoint(m, to, token[:min(8, len(token))])
	if err != nil {
		return fmt.Errorf("no savepoint of job %s: %w", j.id, err)
	}
	fmt.Fprintln(w.out, path)
	return nil
}

type stopCommand struct {
	jobFlag
	To    string `placeholder:"DIR" help:"Folder in which the savepoint's is made."`
	Drain bool   `help:"Let the sources end where they stand and what waits for later rows give its results: for a job that is not to go on."`
}

// Run ends a job with a savepoint and shows where it is.
func (c *stopCommand) Run(w *world) error {
	to, err := absolute(c.To)
	if err != nil {
		return err
	}
	j, p, err := c.running(w.ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	path, err := p.Stop(w.ctx, j.id, to, c.Drain)
	if err != nil {
		return fmt.Errorf("job %s is not stopped: %w", j.id, err)
	}
	fmt.Fprintln(w.out, path)
	return nil
}

type cancelCommand struct{ jobFlag }

// Run ends a job without a savepoint.
func (c *cancelCommand) Run(w *world) error {
	j, p, err := c.running(w.ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Cancel(w.ctx, j.id)
}

type listCommand struct {
	Dir string `arg:"" optional:"" help:"Folder for checkpoints."`
	folderFlags
}

// Run lists the jobs of a folder for checkpoints.
func (c *listCommand) Run(w *world) error {
	if c.Dir != "" {
		c.CheckpointDir = c.Dir
	}
	root, err := c.folder()
	if err != nil {
		return err
	}
	if root == "" {
		return usageError{errors.New("which jobs? Give the folder for checkpoints")}
	}
	jobs, err := jobFolders(local.New(""), root)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(w.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "JOB\tNAME\tSTATUS\tCHECKPOINT\tTAKEN")
	for _, j := range jobs {
		epoch, taken := j.newest()
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", j.id, j.name, j.status(w.ctx), epoch, taken)
	}
	return out.Flush()
}

// newest is the number of the newest checkpoint, and when it was taken.
func (j *jobFolder) newest() (epoch, taken string) {
	epochs, err := j.Epochs()
	if err != nil || len(epochs) == 0 {
		return "", ""
	}
	e := epochs[len(epochs)-1]
	if info, err := j.FS.Stat(j.Path(e)); err == nil {
		taken = info.ModTime.Format(time.DateTime)
	}
	return fmt.Sprint(e), taken
}

// status is the job's: as the process says that runs it, or else FINISHED, KILLED if
// its process did not give the folder back, or STOPPED.
func (j *jobFolder) status(ctx context.Context) string {
	p, err := j.dial(ctx)
	if err == nil {
		defer p.Close()
		jobs, err := p.Jobs(ctx)
		for _, r := range jobs {
			if err == nil && r.ID == j.id {
				return r.State
			}
		}
	}
	if j.Owned(checkpoint.Machine()) != nil {
		return "RUNNING" // where its socket cannot be reached
	}
	if epochs, err := j.Epochs(); err == nil && len(epochs) > 0 {
		if m, err := j.Load(epochs[len(epochs)-1]); err == nil && m.Finished {
			return "FINISHED"
		}
	}
	if j.HasOwner() {
		return "KILLED"
	}
	return "STOPPED"
}

package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
)

// planVersion is the version of the plan's file that is written.
const planVersion = 1

// ErrNoPlan is returned, wrapped, for a checkpoint of a version that kept no plan.
var ErrNoPlan = errors.New("the checkpoint was taken by an earlier version and does not say what the job was")

// A plan is the file of a job's plan. Its name is made of its content, so that all
// checkpoints of one plan share one file.
type plan struct {
	Version int
	Job     *jobgraph.Graph
	Layouts Layouts `json:",omitempty"`
}

// PutPlan writes a job's plan, if it is not there, and returns the name by which
// manifests call it: the job, and how the program keeps its state. Options of tables
// that look like secrets are left out. Retain keeps it though no manifest names it yet.
func (s *Storage) PutPlan(g *jobgraph.Graph, layouts Layouts) (name string, err error) {
	masked, err := mask(g)
	if err != nil {
		return "", fmt.Errorf("encode plan: %w", err)
	}
	data, sum, err := seal(plan{planVersion, masked, layouts})
	if err != nil {
		return "", fmt.Errorf("encode plan: %w", err)
	}
	name = fmt.Sprintf("plan-%016x.json", sum)
	s.plan = name
	if old, err := s.read(path.Join(s.Dir, name)); err == nil && string(old) == string(data) {
		return name, nil
	}
	return name, s.FS.Put(path.Join(s.Dir, name), data)
}

// Plan reads the plan of the job that took a checkpoint.
func (s *Storage) Plan(m *Manifest) (*jobgraph.Graph, error) {
	p, err := s.readPlan(m)
	return p.Job, err
}

func (s *Storage) readPlan(m *Manifest) (p plan, err error) {
	if m.Plan == "" {
		return p, fmt.Errorf("checkpoint %d in %s: %w", m.Epoch, s.Dir, ErrNoPlan)
	}
	name := path.Join(s.Dir, m.Plan)
	data, err := s.read(name)
	if err != nil {
		return p, err
	}
	body, err := unseal(name, data)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return plan{}, fmt.Errorf("%w: %s: %w", state.ErrCorrupt, name, err)
	}
	if p.Version != planVersion {
		return plan{}, fmt.Errorf("%s has version %d of the plan's format; this program reads version %d", name, p.Version, planVersion)
	}
	return p, nil
}

// mask returns a copy of a graph without secrets.
func mask(g *jobgraph.Graph) (*jobgraph.Graph, error) {
	data, err := json.Marshal(g)
	if err != nil {
		return nil, err
	}
	out := new(jobgraph.Graph)
	if err := json.Unmarshal(data, out); err != nil {
		return nil, err
	}
	maskOptions(out.Options)
	out.EachTable(func(t *connect.Table) { maskOptions(t.Options) })
	return out, nil
}

// secrets are what the names of options that hold secrets contain, as in Flink.
var secrets = []string{"password", "secret", "account.key", "apikey", "api-key", "auth-params", "service-key", "token", "basic-auth", "jaas.config", "http-headers"}

func maskOptions(options map[string]string) {
	for key := range options {
		for _, s := range secrets {
			if strings.Contains(strings.ToLower(key), s) {
				options[key] = "******"
			}
		}
	}
}

// CopyPlan copies the plan that a manifest names into another folder.
func (s *Storage) CopyPlan(m *Manifest, to *Storage) error {
	if m.Plan == "" {
		return nil
	}
	data, err := s.read(path.Join(s.Dir, m.Plan))
	if errors.Is(err, fsys.ErrNotExist) {
		return nil // a restore does without
	}
	if err != nil {
		return err
	}
	return to.FS.Put(path.Join(to.Dir, m.Plan), data)
}

// isPlan reports whether a file of a job's folder is a plan.
func isPlan(name string) bool {
	return strings.HasPrefix(name, "plan-") && strings.HasSuffix(name, ".json")
}

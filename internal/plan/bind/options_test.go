package bind

import (
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	o := NewOptions()
	for _, d := range Defs() {
		if d.Check != nil && d.Default != "" {
			if err := d.Check(d.Default); err != nil {
				t.Errorf("default of %s: %v", d.Key, err)
			}
		}
		if _, ok := optionNoOps[d.Key]; ok {
			t.Errorf("%s is applied and has no effect", d.Key)
		}
	}
	set := func(key, value string) {
		t.Helper()
		if w, err := o.Set(key, value); err != nil || w != "" {
			t.Errorf("%s = %s: %q, %v", key, value, w, err)
		}
	}
	set("execution.runtime-mode", "batch")
	set("execution.checkpointing.interval", "10 s")
	set("table.exec.mini-batch.size", "500")
	set("memory.size", "64mb")
	set("table.local-time-zone", "Europe/Berlin")
	set("table.dml-sync", "true")
	switch {
	case !o.Batch() || o.String(OptMode) != "BATCH":
		t.Error("mode", o.String(OptMode))
	case o.Duration("execution.checkpointing.interval") != 10*time.Second:
		t.Error("interval")
	case o.Int("table.exec.mini-batch.size") != 500 || o.Size("memory.size") != 64<<20 || !o.Bool(OptSync):
		t.Error("values")
	case o.Zone().String() != "Europe/Berlin" || len(o.All()) != 6:
		t.Error("zone", o.Zone(), o.All())
	}
	if w, err := o.Set("pipeline.jars", "x.jar"); w == "" || err != nil {
		t.Error("a key without effect gives a warning", w, err)
	}
	if err := o.Reset("execution.runtime-mode"); err != nil || o.Batch() {
		t.Error("reset", err)
	}
	if err := o.Reset("execution.runtime-mod"); err == nil {
		t.Error("an unknown key was reset")
	}
	if err := o.Reset(""); err != nil || len(o.All()) != 0 {
		t.Error("reset all", err, o.All())
	}
}

// Every option whose name was another one in Flink is known by both.
func TestRenamedOptions(t *testing.T) {
	for old, now := range formerNames {
		if _, noOp := optionNoOps[now]; def(now) == nil && !noOp {
			t.Errorf("%s, which was %s, is not known", now, old)
		}
		if def(old) != nil || optionNoOps[old] != "" {
			t.Errorf("%s is an option and a name that one had", old)
		}
	}
	o := NewOptions()
	if w, err := o.Set("state.checkpoints.dir", "d"); w != "" || err != nil {
		t.Error(w, err)
	}
	if got := o.All()["execution.checkpointing.dir"]; got != "d" {
		t.Errorf("the folder for checkpoints is %q", got)
	}
	if err := o.Reset("state.checkpoints.dir"); err != nil || len(o.All()) != 0 {
		t.Error("reset", err, o.All())
	}
}

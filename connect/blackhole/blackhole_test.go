package blackhole

import (
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/vec"
)

func TestTakesChanges(t *testing.T) {
	c := connect.Lookup("blackhole")
	if c == nil || c.Source != nil {
		t.Fatal("not registered, or readable")
	}
	s, err := c.Sink(connect.Table{}, connect.Write{})
	if err != nil || s.Accepts() != connect.Upsert {
		t.Fatalf("accepts %v, error %v", s.Accepts(), err)
	}
	w, err := s.Writer(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&vec.Batch{}); err != nil {
		t.Error(err)
	}
	if p, err := w.Prepare(1); len(p) != 0 || err != nil {
		t.Errorf("prepared %v, error %v", p, err)
	}
	if committer, err := s.Committer(); committer != nil || err != nil {
		t.Error("has a committer")
	}
}

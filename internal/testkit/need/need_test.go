package need_test

import (
	"testing"

	"github.com/millrace-io/millrace/internal/testkit/need"
)

// A recorder is a test that notes how it ended.
type recorder struct {
	testing.TB
	ended string
}

func (r *recorder) Helper()      {}
func (r *recorder) Fatal(...any) { r.ended += "failed" }
func (r *recorder) Skip(...any)  { r.ended += "skipped" }

func TestSkip(t *testing.T) {
	for ci, want := range map[string]string{"true": "failed", "": "skipped", "false": "skipped"} {
		t.Setenv("CI", ci)
		r := &recorder{TB: t}
		if need.Skip(r, "no terminal"); r.ended[:6] != want[:6] {
			t.Errorf("CI=%q: %s", ci, r.ended)
		}
	}
}

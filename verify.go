package millrace

import "github.com/millrace-io/millrace/internal/build"

// verifyRun is what a run of Verify changes about a session.
type verifyRun struct{}

func (v *verifyRun) prepare(w *build.World) {}

// Package need is for tests that need something of the machine: a terminal, time
// zones, a right.
package need

import (
	"os"
	"testing"
)

// Skip skips a test for want of what it needs. Where CI=true it fails: there
// everything has to be.
func Skip(t testing.TB, why ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(append([]any{"with CI=true nothing may be missing: "}, why...)...)
	}
	t.Skip(why...)
}

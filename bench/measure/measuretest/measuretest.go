// Package measuretest lets the tests of the programs measure themselves: the test binary
// is Millrace when it is started by one.
package measuretest

import (
	"os"
	"testing"

	"github.com/millrace-io/millrace/bench/measure"
	"github.com/millrace-io/millrace/cli"
)

const self = "MEASURETEST_MILLRACE"

// Main is the tests' main.
func Main(m *testing.M) {
	if os.Getenv(self) != "" {
		cli.Main()
	}
	measure.WarmBytes = 0
	os.Exit(m.Run())
}

// Bench returns what a test measures with, which leaves no records.
func Bench(t *testing.T) measure.Bench {
	t.Helper()
	t.Setenv(self, "1")
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return measure.Bench{Millrace: path, Work: t.TempDir()}
}

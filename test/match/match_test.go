package match

import (
	"flag"
	"testing"

	"github.com/millrace-io/millrace/internal/testkit"
)

var rewrite = flag.Bool("rewrite", false, "write the results into testdata")

func TestMatch(t *testing.T) { testkit.QueryFiles(t, "testdata/*.test", *rewrite) }

package filesystem

import (
	"fmt"
	"time"

	"github.com/millrace-io/millrace/internal/env"
)

// The real world of the connector. The simulator and the tests have their own.

func now() time.Time { return time.UnixMicro(env.Now()) }

func attempt() string { return fmt.Sprintf("%08x", uint32(env.Seed())) }

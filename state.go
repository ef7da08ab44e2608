package millrace

import (
	_ "github.com/millrace-io/millrace/internal/statedata" // connector and function state
)

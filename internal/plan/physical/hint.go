package physical

import (
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// hinted reports whether a join has a hint of that name.
func hinted(hints []logical.Hint, name string) bool {
	for _, h := range hints {
		if strings.EqualFold(h.Name, name) {
			return true
		}
	}
	return false
}

// buildHint is the side, LEFT or RIGHT, that a hint wants to be read first; "" is
// none.
func buildHint(hints []logical.Hint) string {
	for _, h := range hints {
		switch strings.ToUpper(h.Name) {
		case "BROADCAST", "SHUFFLE_HASH", "NEST_LOOP":
			if len(h.Args) > 0 {
				return h.Args[0]
			}
		}
	}
	return ""
}

// ttl is the time that one side of a join is kept, from STATE_TTL or the session.
// The hint's values are by side.
func ttl(hints []logical.Hint, side int, def int64) int64 {
	for _, h := range hints {
		if !strings.EqualFold(h.Name, "STATE_TTL") {
			continue
		}
		if v, ok := h.KV[[]string{"LEFT", "RIGHT"}[side]]; ok {
			if d, err := connect.ParseDuration(v); err == nil {
				return d.Milliseconds()
			}
		}
	}
	return def
}

package rule

import "github.com/millrace-io/millrace/internal/plan/logical"

// statistics gives a scan what its connector knows of the rows. What ANALYZE TABLE has
// counted is known better.
func statistics(c *context, n logical.Node) logical.Node {
	s, ok := n.(*logical.Scan)
	if !ok || s.Table.Stats != nil {
		return n
	}
	known := c.Statistics(s)
	if known == nil {
		return n
	}
	out := *s
	out.Stats = known
	return &out
}

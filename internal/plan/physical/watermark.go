package physical

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/jobgraph"
)

// watermarkOptions reads the options scan.watermark.* of a table.
func watermarkOptions(w *jobgraph.Watermark, o connect.Options) error {
	idle, err := o.Duration("scan.watermark.idle-timeout", 0)
	if err != nil {
		return err
	}
	if idle > 0 {
		w.IdleMs = idle.Milliseconds()
	}
	if strings.EqualFold(o.String("scan.watermark.emit.strategy", ""), "on-event") {
		if w.Gap, err = o.Int("scan.watermark.emit.on-event.gap", 1); err != nil {
			return err
		}
		w.IntervalMs = 0
	}
	w.Align, err = alignment(o)
	return err
}

func alignment(o connect.Options) (*jobgraph.Alignment, error) {
	const prefix = "scan.watermark.alignment."
	group, drift := o.String(prefix+"group", ""), o.String(prefix+"max-drift", "")
	if group == "" && drift == "" && o.String(prefix+"update-interval", "") == "" {
		return nil, nil
	}
	if group == "" || drift == "" {
		return nil, fmt.Errorf("'%sgroup' and '%smax-drift' must both be set to align watermarks", prefix, prefix)
	}
	most, err := o.Duration(prefix+"max-drift", 0)
	if err != nil {
		return nil, err
	}
	every, err := o.Duration(prefix+"update-interval", time.Second)
	if err != nil {
		return nil, err
	}
	return &jobgraph.Alignment{Group: group, DriftMs: most.Milliseconds(), UpdateMs: every.Milliseconds()}, nil
}

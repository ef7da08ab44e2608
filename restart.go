package millrace

import (
	"errors"
	"strings"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/job"
)

// restart reads the options of the restart strategy. Without restart-strategy.type
// it is none for a job without checkpoints, and with them exponential-delay, as in
// Flink; that one, chosen by nobody, ends a job whose failure cannot go away.
func (s *Session) restart(checkpoints bool) job.Restart {
	const prefix = "restart-strategy."
	us := func(key string) int64 { return s.opts.Duration(prefix + key).Microseconds() }
	kind := strings.ReplaceAll(strings.ToLower(s.opts.String(prefix+"type")), "-", "")
	var r job.Restart
	if kind == "" && checkpoints {
		kind, r.Alike, r.Final = "exponentialdelay", alikeMax, final
	}
	switch kind {
	case "fixeddelay":
		r.Attempts, r.DelayUs = s.opts.Int(prefix+"fixed-delay.attempts"), us("fixed-delay.delay")
	case "exponentialdelay":
		const exp = "exponential-delay."
		r.Attempts, r.DelayUs, r.DelayMaxUs = s.opts.Int(prefix+exp+"attempts-before-reset-backoff"), us(exp+"initial-backoff"), us(exp+"max-backoff")
		r.Multiplier, r.Jitter = s.opts.Float(prefix+exp+"backoff-multiplier"), s.opts.Float(prefix+exp+"jitter-factor")
		r.ResetUs = us(exp + "reset-backoff-threshold")
	case "failurerate":
		r.Attempts, r.WindowUs, r.DelayUs = s.opts.Int(prefix+"failure-rate.max-failures-per-interval"), us("failure-rate.failure-rate-interval"), us("failure-rate.delay")
	}
	return r
}

// alikeMax is how often in a row, without a checkpoint between, a job may fail alike
// before the strategy that nobody has chosen gives it up.
const alikeMax = 3

// final reports whether a failure comes from the rows and the script, and so would
// come again.
func final(err error) bool {
	var row *expr.Error
	var record *format.RecordError
	var user *base.Error
	return errors.As(err, &row) || errors.As(err, &record) || errors.As(err, &user)
}

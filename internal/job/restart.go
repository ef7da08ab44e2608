package job

import "math"

// Restart is when a job that has failed starts again, as the restart strategies of
// Flink say. The zero value is never. Times are microseconds.
//
//	fixed delay         Attempts, DelayUs
//	exponential delay   … DelayMaxUs, Multiplier, Jitter, ResetUs
//	failure rate        … WindowUs: Attempts is of failures within it
type Restart struct {
	Attempts int64 // < 0: any number
	DelayUs  int64 // before the first

	DelayMaxUs int64   // the delay grows to this, if Multiplier is set
	Multiplier float64 // with each attempt
	Jitter     float64 // share of the delay that is drawn at random, more or less
	ResetUs    int64   // a job that runs for so long after its delay starts over with the first

	WindowUs int64

	// Alike gives a job up that has failed so many times in a row with the same words
	// and without a checkpoint between; 0 never does.
	Alike int
	// Final, if set, reports failures after which a restart is of no use.
	Final func(error) bool
}

// A restarter follows a job's failures.
type restarter struct {
	Restart
	random func() float64 // from 0 to below 1

	attempts int64
	delay    int64   // the last one, without jitter
	failed   int64   // when it was
	recent   []int64 // failures within WindowUs
	words    string  // of the last failure
	alike    int     // … how often in a row
}

// next notes a failure and returns how long to wait before the job starts again, or
// false if it does not.
func (r *restarter) next(now int64, err error) (int64, bool) {
	if r.Final != nil && r.Final(err) {
		return 0, false
	}
	if r.words != err.Error() {
		r.words, r.alike = err.Error(), 0
	}
	if r.alike++; r.Alike > 0 && r.alike > r.Alike {
		return 0, false
	}
	if r.WindowUs > 0 {
		r.recent = append(r.recent, now)
		if int64(len(r.recent)) <= r.Attempts {
			return r.DelayUs, true
		}
		oldest := r.recent[0]
		r.recent = r.recent[1:]
		return r.DelayUs, now-oldest > r.WindowUs
	}
	if r.Multiplier > 0 && r.attempts > 0 && now-r.failed >= r.ResetUs+r.delay {
		r.attempts = 0
	}
	r.attempts++
	r.failed = now
	if r.Attempts >= 0 && r.attempts > r.Attempts {
		return 0, false
	}
	return r.backoff(), true
}

func (r *restarter) backoff() int64 {
	if r.Multiplier == 0 {
		return r.DelayUs
	}
	if r.attempts == 1 {
		r.delay = r.DelayUs
	} else {
		r.delay = int64(math.Min(float64(r.delay)*r.Multiplier, math.MaxInt64/2))
	}
	r.delay = min(r.delay, r.DelayMaxUs)
	if r.Jitter == 0 || r.random == nil {
		return r.delay
	}
	jitter := float64(r.delay) * r.Jitter * (2*r.random() - 1)
	return max(min(r.DelayUs, r.DelayMaxUs), min(r.delay+int64(jitter), r.DelayMaxUs))
}

// progress notes a complete checkpoint: what fails alike behind it is another
// failure.
func (r *restarter) progress() { r.words, r.alike = "", 0 }

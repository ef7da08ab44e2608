package main

import (
	"bytes"
	"syscall"
	"time"
	"unicode/utf8"
)

// A limit is how fast one core does what reading a text cannot do without.
type limit struct {
	What string  `json:"what"`
	MB   float64 `json:"mb_per_cpu_second"`
}

// limitBytes is more than the caches hold.
const limitBytes = 128 << 20

func limitsOfOneCore() []limit {
	text := bytes.Repeat([]byte("a line of text, as most are, plain\n"), limitBytes/35)
	other := make([]byte, len(text))
	found := 0
	return []limit{
		{"copy memory", rate(len(text), func() { copy(other, text) })},
		{"find a byte (memchr)", rate(len(text), func() { found += bytes.IndexByte(text, '#') })},
		{"check UTF-8", rate(len(text), func() {
			if utf8.Valid(text) {
				found++
			}
		})},
	}
}

// rate is the fastest of some tries: a limit is not what a busy machine makes of it.
func rate(n int, f func()) float64 {
	best := 0.0
	for range 10 {
		before := processorTime()
		f()
		best = max(best, float64(n)/1e6/(processorTime()-before).Seconds())
	}
	return best
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // of a constant argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package formattest

import (
	"syscall"
	"testing"
	"time"
)

// Speed runs f again and again and reports how many MB of bytes it goes over in a
// second of processor time, all threads together: other than the MB/s of a
// benchmark, that is the same on a machine that has other work to do.
func Speed(b *testing.B, bytes int64, f func()) {
	f()
	b.SetBytes(bytes)
	b.ReportAllocs()
	n, before := 0, processorTime(b)
	for b.Loop() {
		f()
		n++
	}
	b.ReportMetric(float64(n)*float64(bytes)/1e6/(processorTime(b)-before).Seconds(), "MB/CPU-s")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

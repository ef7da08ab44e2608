package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

const module = "github.com/millrace-io/millrace/"

// A part of the engine is where functions of some packages are.
type part struct {
	name string
	with []string // what their names begin with
}

// parts are asked in this order for each function of a stack, from the inside out; who
// knows one of them has the sample. The collector works anywhere.
var parts = []part{
	{"generator", []string{module + "connect/nexmark", module + "connect/datagen"}},
	{"sink", []string{module + "format", module + "connect"}},
	{"expressions", []string{module + "internal/expr"}},
	{"state", []string{module + "internal/state/keyed", module + "internal/keyenc"}},
	{"checkpoints", []string{module + "internal/state/lsm", module + "internal/checkpoint"}},
	{"operators", []string{module + "internal/exec"}},
	{"exchange", []string{module + "internal/task", module + "internal/exchange", module + "internal/cluster", module + "internal/job"}},
}

const (
	collector = "collector"
	other     = "other"
)

var collecting = []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.wbBufFlush", "runtime.gcStart", "runtime.(*sweepLocked)"}

func partNames() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return append(names, collector, other)
}

// share reads what `go tool pprof -traces` prints, and returns the share of each part.
// A stack is a line with its time and the innermost function, and a line for each of
// those around it.
func share(traces io.Reader) (map[string]float64, error) {
	shares := map[string]float64{}
	var all float64
	var took time.Duration
	var stack []string
	end := func() {
		if took > 0 {
			shares[partOf(stack)] += took.Seconds()
			all += took.Seconds()
		}
		took, stack = 0, nil
	}
	in := bufio.NewScanner(traces)
	for in.Scan() {
		line := strings.TrimSpace(in.Text())
		if strings.HasPrefix(line, "-----") {
			end()
			continue
		}
		first, function, two := strings.Cut(line, " ")
		if d, err := time.ParseDuration(first); two && err == nil {
			took, stack = d, append(stack, strings.TrimSpace(function))
		} else if took > 0 {
			stack = append(stack, line)
		}
	}
	end()
	if err := in.Err(); err != nil {
		return nil, err
	}
	if all == 0 {
		return nil, fmt.Errorf("the profile has no samples: -events is too few")
	}
	for p := range shares {
		shares[p] /= all
	}
	return shares, nil
}

func partOf(stack []string) string {
	for _, f := range stack {
		if begins(f, collecting) {
			return collector
		}
	}
	for _, f := range stack {
		for _, p := range parts {
			if begins(f, p.with) {
				return p.name
			}
		}
	}
	return other
}

func begins(function string, with []string) bool {
	for _, w := range with {
		if strings.HasPrefix(function, w) {
			return true
		}
	}
	return false
}

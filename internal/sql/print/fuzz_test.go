package print_test

import (
	"testing"

	"github.com/millrace-io/millrace/internal/sql/parse"
)

// FuzzRoundTrip reads any text and writes what was read.
func FuzzRoundTrip(f *testing.F) {
	for _, src := range corpus(f) {
		for s, err := range parse.Statements(src) {
			if err == nil {
				start, end := s.Span()
				f.Add(src[start:end])
			}
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		for s, err := range parse.Statements(src) {
			if err == nil {
				roundTrip(t, s)
			}
		}
	})
}

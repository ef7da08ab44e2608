// Command udf is millrace with functions of its own.
package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/millrace-io/millrace/cli"
	"github.com/millrace-io/millrace/udf"
)

// A Word is a row of SPLIT_WORDS.
type Word struct {
	Word   string
	Length int
}

// splitWords makes a row of each word.
func splitWords(text string) []Word {
	var out []Word
	for _, w := range strings.Fields(text) {
		out = append(out, Word{w, len(w)})
	}
	return out
}

// A WeightedMean is the state of WEIGHTED_MEAN.
type WeightedMean struct{ Sum, Weight float64 }

// Accumulate takes a row in.
func (m *WeightedMean) Accumulate(value, weight float64) {
	m.Sum += value * weight
	m.Weight += weight
}

// Retract takes a row out again.
func (m *WeightedMean) Retract(value, weight float64) { m.Accumulate(value, -weight) }

// Merge takes in what another part of the rows has come to.
func (m *WeightedMean) Merge(other *WeightedMean) {
	m.Sum += other.Sum
	m.Weight += other.Weight
}

// Result is the mean, NULL of nothing.
func (m *WeightedMean) Result() udf.Null[float64] {
	if m.Weight == 0 {
		return udf.Null[float64]{}
	}
	return udf.Some(m.Sum / m.Weight)
}

func main() {
	udf.Scalar1("url_host", func(s string) (*string, error) {
		u, err := url.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("%q is no URL", s)
		}
		if u.Host == "" {
			return nil, nil
		}
		return &u.Host, nil
	}, udf.Describe("the host of a URL, NULL if it has none"))
	udf.Table("split_words", splitWords)
	udf.Aggregate[WeightedMean]("weighted_mean")
	cli.Main()
}

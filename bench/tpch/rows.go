package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/testkit"
)

// near is how numbers may differ: the engines add up doubles in another order.
const near = 1e-6

// diff says how a result differs from the one that is wanted, both CSV with a line of
// names; "" if it does not. A query with an ORDER BY says the order of its keys, and
// nothing of rows whose keys are equal; "" as the query says nothing.
func diff(query string, got, want []byte) string {
	rows := lines(got)
	if d := (testkit.Comparison{Tol: near}).Diff(rows, lines(want)); d != "" {
		return d
	}
	_, order, ordered := strings.Cut(query, "\nORDER BY ")
	if !ordered {
		return ""
	}
	keys, err := keysOf(got, order)
	if err != nil {
		return err.Error()
	}
	wanted, err := keysOf(want, order)
	if err != nil {
		return err.Error()
	}
	if d := (testkit.Comparison{Ordered: true, Tol: near}).Diff(keys, wanted); d != "" {
		return "the order differs, by its keys: " + d
	}
	return ""
}

// keysOf are the columns of each row that an ORDER BY names.
func keysOf(text []byte, order string) ([]string, error) {
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	order, _, _ = strings.Cut(order, "\n")
	var cols []int
	for key := range strings.SplitSeq(order, ",") {
		name := strings.Fields(key)[0]
		i := slices.Index(rows[0], name)
		if i < 0 {
			return nil, fmt.Errorf("the result has no column %s, which ORDER BY names", name)
		}
		cols = append(cols, i)
	}
	var out []string
	for _, row := range rows[1:] {
		var keys []string
		for _, c := range cols {
			keys = append(keys, row[c])
		}
		out = append(out, strings.Join(keys, ","))
	}
	return out, nil
}

// lines are the rows of a result, without the line of the names.
func lines(text []byte) []string {
	return strings.Split(string(bytes.TrimSuffix(text, []byte("\n"))), "\n")[1:]
}

package main

import (
	"fmt"
	"strings"
)

// cases are all of them; at scale 1 as large as is said.
func cases(scale float64) []hard {
	n := func(rows int64) int64 { return max(int64(scale*float64(rows)), 1) }
	days := max(int64(scale*365), 1)
	return []hard{
		hotKey(n(10_000_000)),
		hotWindow(n(10_000_000)),
		longKeys(n(10_000_000)),
		longRows(n(1000)),
		columns(n(50_000)),
		matches(n(20), 1000),
		hop(n(1_000_000), days),
		files(1000, n(5000)),
	}
}

// counting is a table of the numbers from 1 to rows, and columns made of them.
func counting(name, number string, rows int64, columns string) string {
	return fmt.Sprintf("CREATE TABLE %s (%s BIGINT, %s) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000', 'fields.%s.kind' = 'sequence', 'fields.%s.start' = '1', 'fields.%s.end' = '%d');\n",
		name, number, columns, number, number, number, rows)
}

// A group is what a group adds up to.
type group struct{ count, sum int64 }

// hotOf is the key of nine rows of ten; the others have a hundred thousand.
const hotOf = "CASE WHEN MOD(n, 10) < 9 THEN 0 ELSE MOD(n, 1000000) END"

func hot(n int64) int64 {
	if n%10 < 9 {
		return 0
	}
	return n % 1_000_000
}

// hotKey groups by a key that nine rows of ten have.
func hotKey(rows int64) hard {
	return hard{
		name: "hot-key", rows: rows, memoryMB: 512,
		script: func(string) string {
			return counting("t", "n", rows, "k AS "+hotOf) + "SELECT k, COUNT(*), SUM(n) FROM t GROUP BY k;\n"
		},
		want: func() (out []string) {
			all := map[int64]group{}
			for n := int64(1); n <= rows; n++ {
				g := all[hot(n)]
				all[hot(n)] = group{g.count + 1, g.sum + n}
			}
			for k, g := range all {
				out = append(out, fmt.Sprintf("%d,%d,%d", k, g.count, g.sum))
			}
			return out
		},
	}
}

// hotWindow has it in windows of a minute, a row each millisecond.
func hotWindow(rows int64) hard {
	return hard{
		name: "hot-window", rows: rows, memoryMB: 512,
		script: func(string) string {
			return counting("t", "n", rows, "k AS "+hotOf+", ts AS TO_TIMESTAMP_LTZ(n, 3), WATERMARK FOR ts AS ts") + `
SELECT COUNT(*), SUM(c), SUM(c * c), SUM(s) FROM (
  SELECT k, window_end, COUNT(*) AS c, SUM(n) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY k, window_start, window_end);
`
		},
		want: func() []string {
			type pane struct{ k, minute int64 }
			all := map[pane]group{}
			for n := int64(1); n <= rows; n++ {
				p := pane{hot(n), n / 60_000}
				g := all[p]
				all[p] = group{g.count + 1, g.sum + n}
			}
			var count, squares, sum int64
			for _, g := range all {
				count, squares, sum = count+g.count, squares+g.count*g.count, sum+g.sum
			}
			return []string{fmt.Sprintf("%d,%d,%d,%d", len(all), count, squares, sum)}
		},
	}
}

// longKeys groups by as many keys of 100 bytes, each of which comes twice, far apart.
// What they add up to is added up, so that the result is one row.
func longKeys(keys int64) hard {
	rows := 2 * keys
	return hard{
		name: "long-keys", rows: rows, memoryMB: 1024,
		script: func(string) string {
			// 104729 is a prime: a key comes again after all others
			return counting("t", "n", rows, fmt.Sprintf("k AS RPAD(CAST(MOD(n * 104729, %d) AS STRING), 100, 'abcdefghijklmnop')", keys)) +
				"SELECT COUNT(*), SUM(c), SUM(c * c), SUM(s), SUM(CHAR_LENGTH(k)) FROM (SELECT k, COUNT(*) AS c, SUM(n) AS s FROM t GROUP BY k);\n"
		},
		want: func() []string {
			return []string{fmt.Sprintf("%d,%d,%d,%d,%d", keys, rows, 4*keys, rows*(rows+1)/2, 100*keys)}
		},
	}
}

// matches joins two tables in which each row has so many matches in the other.
func matches(keys, each int64) hard {
	rows := keys * each
	return hard{
		name: "join", rows: keys * each * each, memoryMB: 512,
		script: func(string) string {
			return counting("l", "n", rows, fmt.Sprintf("k AS MOD(n, %d)", keys)) + counting("r", "m", rows, fmt.Sprintf("k AS MOD(m, %d)", keys)) +
				"SELECT COUNT(*), SUM(n), SUM(m), SUM(n * m) FROM l JOIN r ON l.k = r.k;\n"
		},
		want: func() []string {
			sums := make([]int64, keys) // of a key's rows
			var sum, products int64
			for n := int64(1); n <= rows; n++ {
				sums[n%keys] += n
				sum += n
			}
			for _, s := range sums {
				products += s * s
			}
			return []string{fmt.Sprintf("%d,%d,%d,%d", keys*each*each, sum*each, sum*each, products)}
		},
	}
}

// hop has windows of some days, one each minute: of a year, 525,600 overlap. The rows
// cover a twelfth of one.
func hop(rows, days int64) hard {
	const keys = 4
	step := days * 24 * 3600 * 1000 / 12 / rows // milliseconds
	return hard{
		name: "hop", rows: rows, memoryMB: 512,
		script: func(string) string {
			return counting("t", "n", rows, fmt.Sprintf("k AS MOD(n, %d), ts AS TO_TIMESTAMP_LTZ(n * %d, 3), WATERMARK FOR ts AS ts", keys, step)) + fmt.Sprintf(`
SELECT COUNT(*), SUM(c), SUM(s) FROM (
  SELECT k, window_end, COUNT(*) AS c, SUM(n) AS s
  FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '%d' DAY(3))) GROUP BY k, window_start, window_end);
`, days)
		},
		want: func() []string {
			panes := days * 24 * 60
			windows := int64(0)
			for n := max(rows-keys, 0) + 1; n <= rows; n++ { // the last of each key
				first := (n-1)%keys + 1
				windows += n*step/60_000 - first*step/60_000 + panes
			}
			return []string{fmt.Sprintf("%d,%d,%d", windows, rows*panes, rows*(rows+1)/2*panes)}
		},
	}
}

// table declares one over the files of a folder.
func table(name, dir, format, columns, options string) string {
	return fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = '%s'%s);\n", name, columns, strings.ReplaceAll(dir, "'", "''"), format, options)
}

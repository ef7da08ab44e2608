package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// writeFile writes a file row by row.
func writeFile(name string, rows int64, row func(dst []byte, n int64) []byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	var buf []byte
	for n := range rows {
		buf = row(buf[:0], n)
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// eachLine reads the lines of all files of a folder.
func eachLine(dir string, do func(line []byte) error) error {
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := eachLineOf(name, do); err != nil {
			return err
		}
	}
	return nil
}

func eachLineOf(name string, do func(line []byte) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if err := do(lines.Bytes()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// files are a thousand, one after the other in event time, in windows by key.
func files(count, each int64) hard {
	const keys = 100
	rows := count * each
	return hard{
		name: "splits", rows: rows, memoryMB: 512,
		write: func(dir string) error {
			for i := range count {
				name := filepath.Join(dir, fmt.Sprintf("part-%06d.csv", i))
				err := writeFile(name, each, func(dst []byte, n int64) []byte {
					n += i * each
					return fmt.Appendf(dst, "%d,%d\n", n, n%keys)
				})
				if err != nil {
					return err
				}
			}
			return nil
		},
		script: func(dir string) string {
			return table("t", in(dir), "csv", "n BIGINT, k INT, ts AS TO_TIMESTAMP_LTZ(n, 3), WATERMARK FOR ts AS ts", ", 'source.file-order' = 'name'") + `
SELECT k, COUNT(*), SUM(c), SUM(s) FROM (
  SELECT k, window_end, COUNT(*) AS c, SUM(n) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end)
GROUP BY k;
`
		},
		want: func() (out []string) {
			for k := int64(0); k < min(keys, rows); k++ {
				var g group
				windows, last := 0, int64(-1)
				for n := k; n < rows; n += keys {
					g = group{g.count + 1, g.sum + n}
					if second := n / 1000; second != last {
						windows, last = windows+1, second
					}
				}
				out = append(out, fmt.Sprintf("%d,%d,%d,%d", k, windows, g.count, g.sum))
			}
			return out
		},
	}
}

// prose is what long rows are cut from.
var prose = strings.Repeat("furiously regular requests haggle among the final deposits ", 1<<20/59+40)

// longRows filters rows of a megabyte into a file, and has the greatest of each group.
func longRows(rows int64) hard {
	doc := func(n int64) string { return prose[n*13%59 : n*13%59+1<<20] }
	kept := func(n int64) bool { return n*7%1000 < 500 }
	const groups = 10
	return hard{
		name: "long-rows", rows: rows, memoryMB: 512,
		write: func(dir string) error {
			return writeFile(filepath.Join(dir, "data.csv"), rows, func(dst []byte, n int64) []byte {
				return fmt.Appendf(dst, "%d,%d,%s\n", n, n*7%1000, doc(n))
			})
		},
		script: func(dir string) string {
			columns := "id BIGINT, n INT, doc STRING"
			return table("t", in(dir), "csv", columns, "") + table("o", out(dir), "json", columns, "") + fmt.Sprintf(`
INSERT INTO o SELECT id, n, UPPER(doc) FROM t WHERE n < 500;
SELECT MOD(id, %d), COUNT(*), SUM(CHAR_LENGTH(doc)), SUBSTRING(MAX(doc) FROM 1 FOR 40) FROM t GROUP BY MOD(id, %d);
`, groups, groups)
		},
		want: func() (out []string) {
			for g := int64(0); g < min(groups, rows); g++ {
				count, greatest := int64(0), ""
				for n := g; n < rows; n += groups {
					count++
					greatest = max(greatest, doc(n)[:40])
				}
				out = append(out, fmt.Sprintf("%d,%d,%d,%s", g, count, count<<20, greatest))
			}
			return out
		},
		written: func(dir string) error {
			var left int64
			for n := range rows {
				if kept(n) {
					left++
				}
			}
			err := eachLine(dir, func(line []byte) error {
				var row struct {
					ID  int64
					Doc string
				}
				if err := json.Unmarshal(line, &row); err != nil {
					return err
				}
				if !kept(row.ID) || row.Doc != strings.ToUpper(doc(row.ID)) {
					return fmt.Errorf("the file has a row %d that is not right", row.ID)
				}
				left--
				return nil
			})
			if err == nil && left != 0 {
				return fmt.Errorf("the file lacks %d rows", left)
			}
			return err
		},
	}
}

// columns has 500 of them, copied into a file and added up by group.
func columns(rows int64) hard {
	const count, groups = 500, 10
	cell := func(n, c int64) int64 { return (n*31 + c*17) % 9000 }
	list := func(first int64, as string) string {
		var all []string
		for c := first; c < count; c++ {
			all = append(all, strings.ReplaceAll(as, "#", strconv.FormatInt(c, 10)))
		}
		return strings.Join(all, ", ")
	}
	line := func(dst []byte, n int64) []byte {
		dst = strconv.AppendInt(dst, n, 10)
		for c := int64(1); c < count; c++ {
			dst = strconv.AppendInt(append(dst, ','), cell(n, c), 10)
		}
		return append(dst, '\n')
	}
	return hard{
		name: "columns", rows: rows, memoryMB: 512,
		write: func(dir string) error { return writeFile(filepath.Join(dir, "data.csv"), rows, line) },
		script: func(dir string) string {
			declared := list(0, "c# BIGINT")
			return table("t", in(dir), "csv", declared, "") + table("o", out(dir), "csv", declared, "") +
				"INSERT INTO o SELECT * FROM t;\n" +
				fmt.Sprintf("SELECT MOD(c0, %d), COUNT(*), %s FROM t GROUP BY MOD(c0, %d);\n", groups, list(1, "SUM(c#)"), groups)
		},
		want: func() (out []string) {
			for g := int64(0); g < min(groups, rows); g++ {
				sums := make([]int64, count)
				for n := g; n < rows; n += groups {
					sums[0]++
					for c := int64(1); c < count; c++ {
						sums[c] += cell(n, c)
					}
				}
				out = append(out, fmt.Sprintf("%d,%s", g, strings.Trim(strings.ReplaceAll(fmt.Sprint(sums), " ", ","), "[]")))
			}
			return out
		},
		written: func(dir string) error {
			seen := make([]bool, rows)
			left := rows
			var buf []byte
			err := eachLine(dir, func(got []byte) error {
				first, _, _ := strings.Cut(string(got[:min(len(got), 20)]), ",")
				n, err := strconv.ParseInt(first, 10, 64)
				if err != nil || n < 0 || n >= rows || seen[n] {
					return fmt.Errorf("the file has a row %.40s that is not right", got)
				}
				if buf = line(buf[:0], n); string(got) != string(buf[:len(buf)-1]) {
					return fmt.Errorf("row %d in the file is not right", n)
				}
				seen[n] = true
				left--
				return nil
			})
			if err == nil && left != 0 {
				return fmt.Errorf("the file lacks %d rows", left)
			}
			return err
		},
	}
}

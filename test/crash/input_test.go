package crash

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// disorderMs is how far a row's time may lie behind the highest before it; the
// tables' watermark delay is larger.
const disorderMs = 4000

// start is the event time of the first row.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// inputs are folders of input files, made once.
type inputs struct {
	orders string // CSV, some files, one of them gzip: id, k, amount, ts
	clicks string // JSON: id, order_id, k, ts
	big    string // one CSV file
	small  string // one CSV file of few rows
	// parquet is orders again
	parquet string
}

// rowsOf is how many rows each input has.
var rowsOf = struct{ orders, clicks, big, small int }{240_000, 120_000, 300_000, 50}

func makeInputs(dir string) (inputs, error) {
	in := inputs{filepath.Join(dir, "orders"), filepath.Join(dir, "clicks"), filepath.Join(dir, "big"), filepath.Join(dir, "small"), filepath.Join(dir, "parquet")}
	order := func(r *rand.Rand, n int, at time.Time) string {
		return fmt.Sprintf("%d,%d,%d.%02d,%s\n", n, r.IntN(200), r.IntN(1000), r.IntN(100), at.Format("2006-01-02 15:04:05.000"))
	}
	click := func(r *rand.Rand, n int, at time.Time) string {
		return fmt.Sprintf(`{"id":%d,"order_id":%d,"k":%d,"page":"page %d ü","ts":"%s"}`+"\n", n, r.IntN(rowsOf.orders), r.IntN(200), r.IntN(1000), at.Format("2006-01-02 15:04:05.000"))
	}
	for _, x := range []struct {
		dir, name   string
		files, rows int
		line        func(*rand.Rand, int, time.Time) string
	}{
		{in.orders, "orders-%d.csv", 6, rowsOf.orders, order},
		{in.clicks, "clicks-%d.json", 4, rowsOf.clicks, click},
		{in.big, "big-%d.csv", 1, rowsOf.big, order},
		{in.small, "small-%d.csv", 1, rowsOf.small, order},
	} {
		if err := os.MkdirAll(x.dir, 0o755); err != nil {
			return in, err
		}
		for f := range x.files {
			name := filepath.Join(x.dir, fmt.Sprintf(x.name, f))
			if err := writeFile(name, f == 2, func(w io.Writer) {
				r := rand.New(rand.NewPCG(uint64(f), 11))
				at := start.Add(time.Duration(f*7) * time.Minute) // files overlap in time
				for i := range x.rows / x.files {
					at = at.Add(time.Duration(r.IntN(60)) * time.Millisecond)
					io.WriteString(w, x.line(r, i*x.files+f, at.Add(-time.Duration(r.IntN(disorderMs))*time.Millisecond)))
				}
			}); err != nil {
				return in, err
			}
		}
	}
	return in, nil
}

// makeParquet has the binary write each file of orders as a Parquet file of several
// row groups, in the order of its rows: a file's disorder stays as small as it is.
func makeParquet() error {
	for _, f := range files(shared.orders) {
		script := strings.NewReplacer("IN.orders", f, "IN.parquet", filepath.Join(shared.parquet, filepath.Base(f))).Replace(orders + `
CREATE TABLE p (id BIGINT, k INT, amount DECIMAL(10,2), ts TIMESTAMP(3))
  WITH ('connector'='filesystem', 'path'='IN.parquet', 'format'='parquet', 'parquet.block.size'='200000');
INSERT INTO p SELECT * FROM orders;`)
		if out, err := exec.Command(shared.binary, "run", "-e", script, "--parallelism", "1", "--mode", "batch").CombinedOutput(); err != nil {
			return fmt.Errorf("write Parquet: %w\n%s", err, out)
		}
	}
	return nil
}

// writeFile writes a file, compressed if asked for.
func writeFile(name string, gz bool, write func(io.Writer)) error {
	if gz {
		name += ".gz"
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	buf := bufio.NewWriter(f)
	if gz {
		z := gzip.NewWriter(buf)
		write(z)
		err = z.Close()
	} else {
		write(buf)
	}
	for _, step := range []func() error{buf.Flush, f.Close} {
		if e := step(); err == nil {
			err = e
		}
	}
	return err
}

func TestInputsAreSomeMegabytes(t *testing.T) {
	var bytes int64
	filepath.Walk(shared.dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			bytes += info.Size()
		}
		return nil
	})
	if bytes < 10<<20 {
		t.Fatal(bytes)
	}
}

package millrace_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/connect"
	_ "github.com/millrace-io/millrace/format/debeziumjson"
	"github.com/millrace-io/millrace/vec"
)

// A keptTable is a table in memory that takes rows by primary key, as a database does.
type keptTable struct {
	mu   sync.Mutex
	rows map[string]string
	key  []int
}

var kept sync.Map // name → *keptTable

func init() {
	connect.Register(&connect.Connector{Name: "kept", Sink: func(t connect.Table, _ connect.Write) (connect.Sink, error) {
		name := t.Name[strings.LastIndexByte(t.Name, '.')+1:]
		k, _ := kept.LoadOrStore(name, &keptTable{rows: map[string]string{}, key: t.PrimaryKey})
		return k.(*keptTable), nil
	}})
}

func (k *keptTable) Accepts() connect.Changes               { return connect.Upsert }
func (k *keptTable) Writer(int) (connect.Writer, error)     { return k, nil }
func (k *keptTable) Committer() (connect.Committer, error)  { return nil, nil }
func (k *keptTable) Prepare(uint64) (_ [][]byte, err error) { return nil, nil }
func (k *keptTable) Close() error                           { return nil }
func (k *keptTable) text(b *vec.Batch, r int, cols []int) string {
	var parts []string
	for _, c := range cols {
		parts = append(parts, cell(b.Cols[c], r))
	}
	return strings.Join(parts, " ")
}

func (k *keptTable) Write(b *vec.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]int, len(b.Cols))
	for i := range all {
		all[i] = i
	}
	for i := range b.Len() {
		r := b.Row(i)
		switch key := k.text(b, r, k.key); b.Kind(r) {
		case vec.UpdateBefore:
			return fmt.Errorf("a table by primary key was given -U %s", k.text(b, r, all))
		case vec.Delete:
			delete(k.rows, key)
		default:
			k.rows[key] = k.text(b, r, all)
		}
	}
	return nil
}

// takeKept returns the rows of a table and empties it.
func takeKept(name string) []string {
	k, ok := kept.LoadAndDelete(name)
	if !ok {
		return nil
	}
	return slices.Sorted(maps.Values(k.(*keptTable).rows))
}

// orders change their products: 1 moves away from the laptop that 3 also has.
const conflictOrders = `{"op":"c","before":null,"after":{"id":1,"product":"laptop","ts":"2026-01-01 00:00:01"}}
{"op":"c","before":null,"after":{"id":3,"product":"laptop","ts":"2026-01-01 00:00:01"}}
{"op":"u","before":{"id":1,"product":"laptop","ts":"2026-01-01 00:00:01"},"after":{"id":1,"product":"phone","ts":"2026-01-01 00:00:01"}}
{"op":"c","before":null,"after":{"id":2,"product":"chair","ts":"2026-01-01 00:00:05"}}
`

const conflictClash = `{"op":"c","before":null,"after":{"id":4,"product":"chair","ts":"2026-01-01 00:00:09"}}
`

func TestOnConflict(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"good": conflictOrders, "clash": conflictOrders + conflictClash} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ file, clause, want, err string }{
		{"good", "ON CONFLICT DO ERROR", "chair 2|laptop 3|phone 1", ""},
		{"clash", "ON CONFLICT DO ERROR", "", "primary key constraint violation: several rows have the same primary key [product=chair]"},
		{"clash", "ON CONFLICT DO NOTHING", "chair 2|laptop 3|phone 1", ""},
		{"clash", "ON CONFLICT DO DEDUPLICATE", "chair 4|laptop 3|phone 1", ""},
		{"clash", "", "", "The query has an upsert key that differs from the primary key"},
	} {
		for _, mode := range []string{"streaming", "batch"} {
			if mode == "batch" && c.clause != "ON CONFLICT DO ERROR" {
				continue // the last of two rows is chance there, and nothing asks for the clause
			}
			for _, par := range []string{"1", "3"} {
				script := fmt.Sprintf(`CREATE TABLE orders (id INT PRIMARY KEY NOT ENFORCED, product STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'debezium-json');
CREATE TABLE by_product (product STRING PRIMARY KEY NOT ENFORCED, id INT) WITH ('connector' = 'kept');
INSERT INTO by_product SELECT product, id FROM orders %s;`, filepath.Join(dir, c.file), c.clause)
				_, err := run(millrace.Config{Options: map[string]string{"execution.runtime-mode": mode, "parallelism.default": par}}, script)
				got := strings.Join(takeKept("by_product"), "|")
				if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) || c.err == "" && (err != nil || got != c.want) {
					t.Errorf("%s, %s, %s, %s: %s, %v", c.file, c.clause, mode, par, got, err)
				}
			}
		}
	}
}

package millrace_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/millrace-io/millrace/connect"
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

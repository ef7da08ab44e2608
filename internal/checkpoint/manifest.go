// Package checkpoint keeps the durable record of jobs: manifests, and the
// immutable files that they name.
//
// A job's folder in the checkpoint folder:
//
//	<job>/chk-<epoch>.json   the manifest: readable, checksummed, written once
//	<job>/plan-<sum>.json    the job's plan: see Storage.Plan
//	<job>/shared/…           state files, named by the manifests
//	<job>/owner-<n>.json     the process that runs the job: see Lease
//
// A job that starts anew writes a manifest without anything in it first, the
// checkpoint before the first row. So the newest manifest in a folder is always
// one of the job's last run, and when all that followed is lost the job can still
// go back to its beginning.
//
// A manifest is written after all files that it names, so that one that is there
// is whole; the last few are kept, and a file is deleted only when no manifest
// that is kept names it.
package checkpoint

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
)

// Version is the version of the manifest format that is written.
const Version = 1

// A Manifest is one complete checkpoint.
type Manifest struct {
	Version   int
	Job       string
	Run       string // of the job: the same over restarts from its checkpoints; sinks name by it what they write
	Epoch     base.Epoch
	Groups    int    // pipeline.max-parallelism, fixed by the first checkpoint
	Hash      int    // version of the key hash (keyenc.HashVersion)
	Plan      string `json:",omitempty"` // name of the plan's file; "" in checkpoints of earlier versions
	Overtaken bool   `json:",omitempty"` // barriers have overtaken rows: it is one of the plan's tasks as they were
	Ended     bool   `json:",omitempty"` // all tasks have finished: there is no state, only Prepared to commit
	Finished  bool   `json:",omitempty"` // … and that is committed
	Operators map[string][]state.Handle
	Sources   map[string]Source
	// Marks is the watermark of each vertex, by the id of its first operator or
	// source: the lowest of its subtasks.
	Marks    map[string]int64
	Prepared map[string][][]byte // by sink operator: to commit again after a restore
}

// A Source is where the reading of a table stands.
type Source struct {
	Enumerator []byte
	Splits     []connect.Split
	Marks      map[string]int64 // watermark by split
}

// Files yields the state files that the manifest names, one as often as it is named.
func (m *Manifest) Files() iter.Seq[state.File] {
	return func(yield func(state.File) bool) {
		for _, handles := range m.Operators {
			for _, h := range handles {
				for _, f := range h.Files {
					if !yield(f) {
						return
					}
				}
			}
		}
	}
}

// Initial reports whether the checkpoint is the one before the first row.
func (m *Manifest) Initial() bool {
	return !m.Finished && len(m.Operators) == 0 && len(m.Sources) == 0 && len(m.Prepared) == 0
}

// seal writes a value as JSON, followed by its checksum on a line of its own.
func seal(v any) (data []byte, sum uint64, err error) {
	body, err := json.MarshalIndent(v, "", " ")
	sum = xxh3.Hash(body)
	return fmt.Appendf(body, "\n%016x\n", sum), sum, err
}

// unseal returns the JSON of what seal wrote.
func unseal(name string, data []byte) ([]byte, error) {
	const tail = len("\n0123456789abcdef\n")
	if len(data) < tail {
		return nil, fmt.Errorf("%w: %s is cut short", state.ErrCorrupt, name)
	}
	body := data[:len(data)-tail]
	if string(data[len(body):]) != fmt.Sprintf("\n%016x\n", xxh3.Hash(body)) {
		return nil, fmt.Errorf("%w: %s fails its checksum", state.ErrCorrupt, name)
	}
	return body, nil
}

// has reports whether a job that starts from another manifest of the epoch would start
// from this one too: the other may lack what the job does not have any more.
func (m *Manifest) has(other *Manifest) bool {
	for id, s := range other.Sources {
		if !reflect.DeepEqual(m.Sources[id], s) {
			return false
		}
	}
	for id, h := range other.Operators {
		if !reflect.DeepEqual(m.Operators[id], h) {
			return false
		}
	}
	return m.Run == other.Run && m.Plan == other.Plan && m.Overtaken == other.Overtaken && m.Ended == other.Ended && m.Finished == other.Finished
}

func encode(m *Manifest) ([]byte, error) {
	data, _, err := seal(m)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return data, nil
}

func decode(name string, data []byte) (*Manifest, error) {
	body, err := unseal(name, data)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", state.ErrCorrupt, name, err)
	}
	if m.Version != Version {
		return nil, fmt.Errorf("%s has version %d of the checkpoint format; this program reads version %d", name, m.Version, Version)
	}
	return m, nil
}

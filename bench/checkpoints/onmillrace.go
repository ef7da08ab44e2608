package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/millrace-io/millrace/bench/queries"
)

// onMillrace runs a query as a process of the binary.
type onMillrace struct {
	c      config
	dir    string
	script string
	id     string // of the job: its sink
	out    *os.File
	job    *job
	before []taken // by processes that were killed

	stop func()
	mu   sync.Mutex
	seen map[string]file // every state file that ever was, by its name
}

// file is a state file: when it was seen first, and how large it is.
type file struct {
	at   time.Time
	size int64
}

func (c config) onMillrace(ctx context.Context, dir string, q queries.Query, script []string, out *os.File) (engine, error) {
	m := &onMillrace{c: c, dir: dir, script: queries.Script(script...), id: q.Sink, out: out, seen: map[string]file{}}
	if err := m.start(ctx); err != nil {
		return nil, err
	}
	watched, stop := context.WithCancel(ctx)
	done, folder := make(chan struct{}), m.job.folder
	go func() {
		defer close(done)
		m.watchFiles(watched, folder)
	}()
	m.stop = func() { stop(); <-done }
	return m, nil
}

func (m *onMillrace) start(ctx context.Context, flags ...string) error {
	flags = append(flags, "--parallelism", fmt.Sprint(parallelism), "--set", "execution.checkpointing.interval="+interval)
	var err error
	m.job, err = m.c.start(ctx, m.dir, m.id, m.script, m.out, flags...)
	return err
}

// watchFiles notes the state files that appear. They appear whole, and stay for longer
// than it waits between two looks.
func (m *onMillrace) watchFiles(ctx context.Context, folder string) {
	for ctx.Err() == nil {
		now := time.Now()
		files := stateFiles(folder)
		m.mu.Lock()
		for name, size := range files {
			if _, old := m.seen[name]; !old {
				m.seen[name] = file{now, size}
			}
		}
		m.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// checkpoints implements engine. A checkpoint has written what has appeared since the
// one before was complete, files that were merged included.
func (m *onMillrace) checkpoints(context.Context) ([]taken, error) {
	m.job.mu.Lock()
	all := append(slices.Clone(m.before), m.job.taken...)
	m.job.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.seen {
		for i := range all {
			if f.at.Before(all[i].triggered.Add(all[i].took + progressEvery)) {
				all[i].written += f.size
				break
			}
		}
	}
	return all, nil
}

// stateBytes implements engine: what the files of the newest checkpoint have.
func (m *onMillrace) stateBytes(context.Context) (int64, error) {
	names, err := filepath.Glob(filepath.Join(m.job.folder, "chk-*.json"))
	if err != nil || len(names) == 0 {
		return 0, errors.Join(err, errors.New("there is no checkpoint"))
	}
	text, err := os.ReadFile(slices.Max(names))
	if err != nil {
		return 0, err
	}
	var got struct {
		Operators map[string][]struct {
			Files []struct {
				Name  string
				Bytes int64
			}
		}
	}
	body, _, _ := bytes.Cut(text, []byte("\n}\n")) // the checksum stands behind it
	if err := json.Unmarshal(append(body, "\n}"...), &got); err != nil {
		return 0, fmt.Errorf("read a manifest: %w", err)
	}
	sizes := map[string]int64{}
	for _, handles := range got.Operators {
		for _, h := range handles {
			for _, f := range h.Files {
				sizes[f.Name] = f.Bytes
			}
		}
	}
	var sum int64
	for _, n := range sizes {
		sum += n
	}
	return sum, nil
}

// alive implements engine.
func (m *onMillrace) alive(context.Context) error { return m.job.failure() }

// kills implements engine.
func (m *onMillrace) kills() []kill {
	return []kill{{
		name: "process killed, started again with --restore latest",
		kill: func() {
			m.job.kill()
			m.before = append(m.before, m.job.taken...)
		},
		restart: func(ctx context.Context) error { return m.start(ctx, "--restore", "latest") },
	}}
}

// close implements engine.
func (m *onMillrace) close() {
	m.stop()
	m.job.kill()
	if bad := strings.Join(m.job.log, "\n"); strings.Contains(bad, "checkpoint failed") {
		fmt.Fprintln(os.Stderr, bad)
	}
}

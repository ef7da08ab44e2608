// Package blackhole is the connector 'blackhole': a table that takes every change
// and keeps none.
package blackhole

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	connect.Register(&connect.Connector{
		Name: "blackhole",
		Sink: func(t connect.Table, _ connect.Write) (connect.Sink, error) { return sink{len(t.PrimaryKey) > 0}, nil },
	})
}

type sink struct{ keyed bool }

// Accepts implements connect.Sink: rows with a primary key are taken by it, as in
// Flink.
func (s sink) Accepts() connect.Changes {
	if s.keyed {
		return connect.Upsert
	}
	return connect.AllChanges
}

// Writer implements connect.Sink.
func (sink) Writer(int) (connect.Writer, error) { return writer{}, nil }

// Committer implements connect.Sink.
func (sink) Committer() (connect.Committer, error) { return nil, nil }

type writer struct{}

// Write implements connect.Writer.
func (writer) Write(*vec.Batch) error { return nil }

// Prepare implements connect.Writer.
func (writer) Prepare(uint64) ([][]byte, error) { return nil, nil }

// Close implements connect.Writer.
func (writer) Close() error { return nil }

// Package blackhole is the connector 'blackhole': a table that takes every row and
// keeps none.
package blackhole

import (
	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	connect.Register(&connect.Connector{
		Name: "blackhole",
		Sink: func(connect.Table, connect.Write) (connect.Sink, error) { return sink{}, nil },
	})
}

type sink struct{}

// Accepts implements connect.Sink: what an update takes back is not asked for, also
// without a primary key, as in Flink.
func (sink) Accepts() connect.Changes { return connect.Upsert }

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

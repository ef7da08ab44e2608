// Package control is how commands speak to a process that runs jobs: HTTP with JSON
// over a Unix socket, in the shapes of Flink's REST interface.
//
//	GET   /jobs                                {"jobs": [{"id", "status"}]}
//	GET   /jobs/overview                       {"jobs": [{"jid", "name", "state", "start-time" …}]}
//	GET   /jobs/ID                             one of them
//	POST  /jobs/ID/savepoints                  {"target-directory"} → {"request-id"}
//	POST  /jobs/ID/stop                        {"targetDirectory", "drain"} → {"request-id"}
//	GET   /jobs/ID/savepoints/REQUEST          {"status": {"id"}, "operation": {"location" | "failure-cause"}}
//	PATCH /jobs/ID?mode=cancel
//
// What goes wrong is {"errors": […]}, with a status of 400 or more.
//
// # The socket
//
// A job's checkpoint folder has the socket, control.sock, for as long as the process
// has the folder. Where there can be none, because its name would be too long or the
// file system knows no sockets, it is in a folder for temporary files that only its
// user can open, and control.addr in the job's folder says where. A process that was
// killed leaves both behind: nobody answers there, and the next owner of the folder
// puts its own in their place.
package control

import "context"

// A Job is what a process says of a job. Times are milliseconds since 1970.
type Job struct {
	ID       string `json:"jid"`
	Name     string `json:"name"`
	State    string `json:"state"`
	Start    int64  `json:"start-time"`
	End      int64  `json:"end-time"` // -1 while it runs
	Duration int64  `json:"duration"`
}

// Jobs are what a Server speaks for. The methods may be called from many goroutines;
// those with a context wait for what they do.
type Jobs interface {
	Jobs() []Job
	Savepoint(ctx context.Context, id, dir string) (path string, err error)
	Stop(ctx context.Context, id, dir string, drain bool) (path string, err error)
	Cancel(id string) error
}

type jobID struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

type listing[T any] struct {
	Jobs []T `json:"jobs"`
}

type savepointRequest struct {
	Dir string `json:"target-directory,omitempty"`
}

type stopRequest struct {
	Dir   string `json:"targetDirectory,omitempty"`
	Drain bool   `json:"drain,omitempty"`
}

type triggered struct {
	ID string `json:"request-id"`
}

type progress struct {
	Status    progressID `json:"status"`
	Operation *operation `json:"operation,omitempty"`
}

type progressID struct {
	ID string `json:"id"`
}

// What a request has come to.
const (
	inProgress = "IN_PROGRESS"
	completed  = "COMPLETED"
)

type operation struct {
	Location string `json:"location,omitempty"`
	Failure  *cause `json:"failure-cause,omitempty"`
}

type cause struct {
	Class string `json:"class"`
	Trace string `json:"stack-trace"`
}

type failure struct {
	Errors []string `json:"errors"`
}

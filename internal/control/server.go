package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-io/millrace/internal/env"
)

// A Server answers commands about the jobs of this process, on a socket in the folder
// of each.
type Server struct {
	jobs Jobs

	mu       sync.Mutex
	requests map[string]*request
	closing  sync.WaitGroup
}

// A request is a savepoint that somebody has asked for and will ask after.
type request struct {
	job  string
	done bool
	told bool // its asker knows that it is done
	path string
	err  error
}

// requestsMax is how many requests are remembered.
const requestsMax = 1000

// NewServer returns a server that listens nowhere yet.
func NewServer(jobs Jobs) *Server {
	return &Server{jobs: jobs, requests: map[string]*request{}}
}

// An Endpoint is the socket of one job's folder.
type Endpoint struct {
	server *Server
	http   *http.Server
	job    string
	dir    string
	name   string
	open   atomic.Int64 // connections
}

// Listen opens a job's socket in its folder, of which this process is the owner.
func (s *Server) Listen(job, dir string) (*Endpoint, error) {
	l, name, err := listen(dir)
	if err != nil {
		return nil, fmt.Errorf("open a control socket: %w", err)
	}
	e := &Endpoint{server: s, job: job, dir: dir, name: name, http: &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}}
	e.http.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			e.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			e.open.Add(-1)
		}
	}
	go func() {
		if err := e.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			_ = l.Close() // nobody can be told: commands find nobody there
		}
	}()
	return e, nil
}

// Leave takes the socket's name away, before the folder is given back: the next owner
// puts its own there.
func (e *Endpoint) Leave() error { return unlink(e.dir, e.name) }

// Close ends the endpoint in the background, once those who have asked for a savepoint
// of the job have been told what came of it, or are gone.
func (e *Endpoint) Close() {
	s := e.server
	s.closing.Add(1)
	go func() {
		defer s.closing.Done()
		for range lingerMs / pollMs {
			if !s.owes(e.job) || e.open.Load() == 0 {
				break
			}
			env.Sleep(pollMs * 1000)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = e.http.Shutdown(ctx)
	}()
}

// Wait waits for the endpoints that were closed.
func (s *Server) Wait() { s.closing.Wait() }

// lingerMs is how long a process whose job has ended stays for who has asked for it,
// pollMs how often that one asks.
const (
	lingerMs = 60_000
	pollMs   = 20
)

// owes reports whether somebody waits for an answer about a job.
func (s *Server) owes(job string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if r.job == job && !r.told {
			return true
		}
	}
	return false
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jobs", func(w http.ResponseWriter, _ *http.Request) {
		var out listing[jobID]
		for _, j := range s.jobs.Jobs() {
			out.Jobs = append(out.Jobs, jobID{j.ID, j.State})
		}
		reply(w, http.StatusOK, out)
	})
	mux.HandleFunc("GET /jobs/overview", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, listing[Job]{s.jobs.Jobs()})
	})
	mux.HandleFunc("GET /jobs/{id}", s.with(func(w http.ResponseWriter, _ *http.Request, j Job) { reply(w, http.StatusOK, j) }))
	mux.HandleFunc("PATCH /jobs/{id}", s.with(s.cancel))
	mux.HandleFunc("POST /jobs/{id}/savepoints", s.with(s.savepoint))
	mux.HandleFunc("POST /jobs/{id}/stop", s.with(s.stop))
	mux.HandleFunc("GET /jobs/{id}/savepoints/{request}", s.with(s.progress))
	return mux
}

// with finds the job of a request.
func (s *Server) with(f func(http.ResponseWriter, *http.Request, Job)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		jobs := s.jobs.Jobs()
		i := slices.IndexFunc(jobs, func(j Job) bool { return j.ID == id })
		if i < 0 {
			refuse(w, http.StatusNotFound, fmt.Errorf("job %s not found", id))
			return
		}
		f(w, r, jobs[i])
	}
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request, j Job) {
	if mode := r.URL.Query().Get("mode"); mode != "" && mode != "cancel" {
		refuse(w, http.StatusBadRequest, fmt.Errorf("mode %q: there is cancel", mode))
		return
	}
	if err := s.jobs.Cancel(j.ID); err != nil {
		refuse(w, http.StatusConflict, err)
		return
	}
	reply(w, http.StatusAccepted, struct{}{})
}

func (s *Server) savepoint(w http.ResponseWriter, r *http.Request, j Job) {
	var in savepointRequest
	if read(w, r, &in) {
		s.begin(w, j, func(ctx context.Context) (string, error) { return s.jobs.Savepoint(ctx, j.ID, in.Dir) })
	}
}

func (s *Server) stop(w http.ResponseWriter, r *http.Request, j Job) {
	var in stopRequest
	if read(w, r, &in) {
		s.begin(w, j, func(ctx context.Context) (string, error) { return s.jobs.Stop(ctx, j.ID, in.Dir, in.Drain) })
	}
}

// begin does what takes its time, and answers with the id to ask after it.
func (s *Server) begin(w http.ResponseWriter, j Job, do func(context.Context) (string, error)) {
	id := strconv.FormatUint(env.Seed(), 16)
	rq := &request{job: j.ID}
	s.mu.Lock()
	if len(s.requests) >= requestsMax {
		s.forget()
	}
	s.requests[id] = rq
	s.mu.Unlock()
	go func() {
		path, err := do(context.Background())
		s.mu.Lock()
		defer s.mu.Unlock()
		rq.done, rq.path, rq.err = true, path, err
	}()
	reply(w, http.StatusAccepted, triggered{id})
}

// forget drops the requests that are done.
func (s *Server) forget() {
	for id, r := range s.requests {
		if r.done {
			delete(s.requests, id)
		}
	}
}

func (s *Server) progress(w http.ResponseWriter, r *http.Request, _ Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rq := s.requests[r.PathValue("request")]
	if rq == nil {
		refuse(w, http.StatusNotFound, fmt.Errorf("request %s not found", r.PathValue("request")))
		return
	}
	if !rq.done {
		reply(w, http.StatusOK, progress{Status: progressID{inProgress}})
		return
	}
	out := progress{progressID{completed}, &operation{Location: rq.path}}
	if rq.err != nil {
		out.Operation.Failure = &cause{"error", rq.err.Error()}
	}
	reply(w, http.StatusOK, out)
	rq.told = true
}

// bodyMax is how large a request may be, in bytes.
const bodyMax = 1 << 20

func read(w http.ResponseWriter, r *http.Request, in any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyMax)).Decode(in)
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("the request is no JSON: %w", err))
	}
	return err == nil
}

func refuse(w http.ResponseWriter, status int, err error) {
	reply(w, status, failure{[]string{err.Error()}})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who asked may be gone
}

package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/millrace-io/millrace/internal/env"
)

// ErrNoProcess is returned, wrapped, where no process answers for a job's folder.
var ErrNoProcess = errors.New("no process runs the job")

// A Client speaks to the process that has a job's folder. It keeps one connection, so
// that it hears the end of a job whose socket is gone by then.
type Client struct{ http http.Client }

// Dial finds the process that has a job's folder.
func Dial(ctx context.Context, dir string) (*Client, error) {
	name, err := socketOf(dir)
	if err != nil {
		return nil, err
	}
	c := &Client{}
	c.http.Transport = &http.Transport{MaxConnsPerHost: 1, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return env.DialUnix(ctx, name)
	}}
	if _, err := c.Jobs(ctx); err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
			return nil, fmt.Errorf("%w: nobody answers at %s, which a process that was killed has left", ErrNoProcess, name)
		}
		return nil, err
	}
	return c, nil
}

// Close ends the connection.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Jobs are those of the process.
func (c *Client) Jobs(ctx context.Context) ([]Job, error) {
	var out listing[Job]
	err := c.ask(ctx, http.MethodGet, "/jobs/overview", nil, &out)
	return out.Jobs, err
}

// Savepoint has a savepoint written into a new folder of dir, and returns it.
func (c *Client) Savepoint(ctx context.Context, job, dir string) (string, error) {
	return c.wait(ctx, job, "savepoints", savepointRequest{dir})
}

// Stop ends a job with a savepoint; with drain, at the end of all that waits.
func (c *Client) Stop(ctx context.Context, job, dir string, drain bool) (string, error) {
	return c.wait(ctx, job, "stop", stopRequest{dir, drain})
}

// wait makes a request and asks after it until it is done.
func (c *Client) wait(ctx context.Context, job, what string, body any) (string, error) {
	at := "/jobs/" + url.PathEscape(job) + "/"
	var t triggered
	if err := c.ask(ctx, http.MethodPost, at+what, body, &t); err != nil {
		return "", err
	}
	for ctx.Err() == nil {
		var p progress
		if err := c.ask(ctx, http.MethodGet, at+"savepoints/"+t.ID, nil, &p); err != nil {
			return "", fmt.Errorf("the process is gone before it said what came of it: %w", err)
		}
		if p.Status.ID == completed && p.Operation != nil {
			if p.Operation.Failure != nil {
				return "", errors.New(p.Operation.Failure.Trace)
			}
			return p.Operation.Location, nil
		}
		env.Sleep(pollMs * 1000)
	}
	return "", ctx.Err()
}

// Cancel ends a job after a last checkpoint, and waits for its end.
func (c *Client) Cancel(ctx context.Context, job string) error {
	at := "/jobs/" + url.PathEscape(job)
	if err := c.ask(ctx, http.MethodPatch, at+"?mode=cancel", nil, nil); err != nil {
		return err
	}
	for ctx.Err() == nil {
		var j Job
		if err := c.ask(ctx, http.MethodGet, at, nil, &j); err != nil || j.End >= 0 {
			return nil //nolint:nilerr // the process is gone, and the job with it
		}
		env.Sleep(pollMs * 1000)
	}
	return ctx.Err()
}

func (c *Client) ask(ctx context.Context, method, at string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	rq, err := http.NewRequestWithContext(ctx, method, "http://millrace"+at, body)
	if err != nil {
		return err
	}
	rs, err := c.http.Do(rq)
	if err != nil {
		return err
	}
	defer rs.Body.Close()
	data, err := io.ReadAll(rs.Body)
	if err != nil {
		return err
	}
	if rs.StatusCode >= http.StatusBadRequest {
		var f failure
		if json.Unmarshal(data, &f) != nil || len(f.Errors) == 0 {
			return errors.New(rs.Status)
		}
		return errors.New(strings.Join(f.Errors, "; "))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

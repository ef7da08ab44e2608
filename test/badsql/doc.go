// Package badsql has wrong SQL of every kind, and what a user is told: one error
// with its place, in the words of the script, and what to do. The statements go
// through a session, so they are planned whole; none of them may start a job.
package badsql

// Package sql runs the project's files of tests for SQL, a topic a file, as `millrace
// test` does.
package sql

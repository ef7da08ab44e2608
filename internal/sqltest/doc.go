// Package sqltest runs files of tests for SQL, and scripts whose rows tests compare.
//
// A file has tables with rows and watermarks, statements, and what is expected of
// them; docs/testing.md explains its format. It runs in this process, once as a
// stream and once as a batch, over a connector in memory that only running files
// can name.
package sqltest

// Package statements has the tests of statements: every form that Apache Flink was
// asked about, what SHOW and DESCRIBE answer, and catalogs in files.
package statements

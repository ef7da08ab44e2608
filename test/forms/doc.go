// Package forms runs one query of every form that SQL has, over a table of inserts
// and over one of changes, as a stream and as a batch, and compares the two.
package forms

// Package lookup runs lookup joins over a connector that is asked by key and answers
// from goroutines of its own, after a while and in any order.
package lookup

// Package windows runs queries over windows with rows written in the tests, as a
// stream and as a batch. Its results are our own; those recorded from Flink are in
// test/flink.
package windows

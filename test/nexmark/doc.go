// Package nexmark runs the queries of the Nexmark benchmark over events of its real
// generator and compares with the results that Apache Flink gave for them.
// nexmark.md has the facts, results/README.md tells how they were recorded.
package nexmark

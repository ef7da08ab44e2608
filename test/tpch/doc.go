// Package tpch runs the 22 queries of TPC-H at scale factor 0.01, as a batch and as
// a stream of inserts, and compares the rows with the answers of DuckDB.
//
// The tables are in data: what `tpchgen-cli parquet -s 0.01` (version 4.0.0) writes,
// compressed again with zstd. The answers were recorded over the same files by
// DuckDB 2.0.0: `go run ./bench/tpch -kind answers -scale 0.01`.
package tpch

// Package flink runs small SQL programs whose results were recorded from Apache
// Flink, in both modes. README.md tells what a case file looks like.
package flink

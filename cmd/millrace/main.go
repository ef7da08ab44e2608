// Command millrace runs Flink SQL on streams and batches.
package main

import "github.com/millrace-io/millrace/cli"

func main() { cli.Main() }

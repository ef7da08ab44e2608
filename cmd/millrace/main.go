// Command millrace runs Flink SQL on streams and batches.
package main

import (
	"os"

	"github.com/millrace-io/millrace/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

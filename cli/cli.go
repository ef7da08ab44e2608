// Package cli is the program millrace as a function, for programs that bring
// functions of their own along:
//
//	func main() {
//		udf.Scalar("shout", func(s string) string { return strings.ToUpper(s) + "!" })
//		cli.Main()
//	}
//
// Such a program has all the commands of millrace (run, sql, test …), and its SQL
// knows the functions.
package cli

import (
	"os"

	"github.com/millrace-io/millrace/internal/cli"
	"github.com/millrace-io/millrace/internal/env"
)

// garbageLeast is how many bytes of garbage may lie about, however small a job is.
const garbageLeast = 32 << 20

// Main runs the command line of the process and ends it. Functions have to be
// registered before.
func Main() {
	env.PaceCollector(garbageLeast)
	os.Exit(Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Run runs a command line, without the program's name, and returns its exit status.
func Run(args []string, in, out, errs *os.File) int { return cli.Main(args, in, out, errs) }

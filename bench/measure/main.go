package measure

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

// Main runs a program with its arguments, to its end or to Ctrl-C; an error is told
// under the program's name.
func Main(name string, run func(ctx context.Context, args []string) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		stop()
		os.Exit(1)
	}
}

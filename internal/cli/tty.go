package cli

import "github.com/mattn/go-isatty"

func isTTY(fd uintptr) bool { return isatty.IsTerminal(fd) }

// Gendocs writes the reference of the command line of parsec-server. It is run by go generate ./server/command.
package main

import (
	"fmt"
	"os"

	"github.com/seed-73b3884f/parsec-agent/internal/reference"
	"github.com/seed-73b3884f/parsec-agent/server/command"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gendocs DIRECTORY")
		os.Exit(2)
	}
	program := &command.Program{Version: "unknown", Getenv: func(string) string { return "" }}
	if err := reference.Write(os.Args[1], program.Root(), command.Reference); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

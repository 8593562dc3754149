// Gendocs writes the reference of the command line of parsec-server and the example of its configuration. It is run by go generate ./server/command.
package main

import (
	"fmt"
	"os"

	"github.com/seed-73b3884f/parsec-agent/internal/reference"
	"github.com/seed-73b3884f/parsec-agent/server/command"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gendocs DIRECTORY EXAMPLE")
		os.Exit(2)
	}
	program := &command.Program{Version: "unknown", Getenv: func(string) string { return "" }}
	err := reference.Write(os.Args[1], program.Root(), command.Reference)
	if err == nil {
		err = os.WriteFile(os.Args[2], []byte(command.ExampleConfig()), 0o644) //nolint:gosec // a document is for everybody
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

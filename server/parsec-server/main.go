// Parsec-server serves the organisations of workspaces.
package main

import (
	"os"

	"github.com/seed-73b3884f/parsec-agent/server/command"
)

// version is set when the program is built.
var version = "unknown"

func main() { os.Exit(command.Main(os.Args[1:], version)) }

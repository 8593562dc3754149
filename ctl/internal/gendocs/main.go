// Gendocs writes the reference of the command line: man pages, Markdown and completion
// scripts. It is run by go generate ./ctl.
package main

import (
	"fmt"
	"os"

	"github.com/seed-73b3884f/parsec-agent/ctl"
	"github.com/seed-73b3884f/parsec-agent/internal/reference"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gendocs DIRECTORY")
		os.Exit(2)
	}
	program := &ctl.Program{Version: "unknown"}
	if err := reference.Write(os.Args[1], program.Root(), ctl.Reference); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

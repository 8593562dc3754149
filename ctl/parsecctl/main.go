// Parsecctl is the command line of parsec-agent. Called as parsec-tool it behaves as that
// tool of the original service.
package main

import (
	"os"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/ctl"
)

// version is set when the program is built.
var version = "unknown"

func main() {
	if filepath.Base(os.Args[0]) == "parsec-tool" {
		os.Exit(ctl.Tool(os.Args[1:]))
	}
	os.Exit(ctl.Main(os.Args[1:], version))
}

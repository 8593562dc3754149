// Program parsec-agentd is the agent that keeps keys and uses them for applications.
package main

import (
	"context"
	"os"

	"github.com/seed-73b3884f/parsec-agent/agentd/host"
)

// version is set by the build.
var version = "development"

func main() {
	os.Exit(host.Main(context.Background(), os.Args[1:], version, os.Stdout, os.Stderr))
}
